"""Comparing two pictures or films pixel by pixel, and saying what came of it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.data.wording import counted

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Comparison:
    """Whether two files have the same pixels, and the sentence that says so."""

    is_same: bool
    text: str


def compared(made: Path, original: Path) -> Comparison:
    """Compare all frames of two pictures or films; what cannot be compared is not the same."""
    import numpy as np
    from PIL import Image, ImageChops

    different = pixels = most = 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of size: the first is ours, and the other must have as many
            with Image.open(made) as one, Image.open(original) as other:
                sizes = [_size(image) for image in (one, other)]
                if sizes[0] != sizes[1]:
                    return Comparison(False, f"{made} has {sizes[0]}, {original} has {sizes[1]}.")
                for frame in range(getattr(one, "n_frames", 1)):
                    one.seek(frame)
                    other.seek(frame)
                    apart = np.asarray(ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")))
                    different += int(np.count_nonzero(apart.any(axis=-1)))
                    pixels, most = pixels + one.width * one.height, max(most, int(apart.max()))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Comparison(False, f"{made} is there, but could not be compared with {original} ({error}).")
    if not different:
        return Comparison(True, f"{made} has the same pixels as {original}.")
    text = f"{made} differs from {original} in {different} of {pixels} pixels, by at most {most} of 255."
    return Comparison(False, text)


def _size(image: Image.Image) -> str:
    return f"{counted(getattr(image, 'n_frames', 1), 'picture')} of {image.width}x{image.height} pixels"
