"""What the window's jobs do with a path: tell pictures from checkpoints, read either; runs outside the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.models.base import ImageSpec

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class FittedPicture:
    """A picture as a model takes it (`fitted`) and as a person knows it (`shown`), uint8 `(H, W, C)` both."""

    path: Path
    fitted: np.ndarray
    shown: np.ndarray
    changes: tuple[str, ...] = ()  # what was done to it for that, to follow "was"


def is_picture(path: str) -> bool:
    """Return whether Pillow recognises the file's first bytes."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path):
            return True
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError):
        return False


def fit_picture(path: str, spec: ImageSpec) -> FittedPicture:
    """Read a picture and fit it to a model; `shown` keeps the colours.

    Raises:
        ImageError: it cannot be read.
    """
    from explorer.data.picture import GREYED, fit, is_coloured, is_cropped, read_told
    from explorer.models.base import ImageSpec

    image, done = read_told(path)
    fitted, shown = fit(image, spec), fit(image, ImageSpec(3, spec.height, spec.width))
    changes = list(done)
    size = f"{fitted.shape[1]}×{fitted.shape[0]}"
    if is_cropped(image, spec):
        changes.append(f"cropped to the middle and scaled to {size}")
    elif image.size != fitted.shape[1::-1]:
        changes.append(f"scaled to {size}")
    if spec.channels == 1 and is_coloured(np.asarray(image)):
        changes.append(GREYED)
    return FittedPicture(Path(path), fitted, shown, tuple(changes))


def open_path(
    path: str, spec: ImageSpec | None, progress: Progress, should_stop: ShouldStop
) -> Opened | FittedPicture:
    """Read whatever a person opened: a picture when a model is there to encode it, else a checkpoint.

    Raises:
        ExplorerError: it cannot be used.
    """
    if spec is not None and Path(path).is_file() and is_picture(path):
        return fit_picture(path, spec)
    from explorer.formats import open_checkpoint

    return open_checkpoint(path, on_progress=progress, should_stop=should_stop)
