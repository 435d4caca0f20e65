"""Pictures for a model: read one by one from where they lie, each made as the model wants it.

Where they lie (folder, zip, arrays) is known to `sources`; how a single picture is read and fitted to
`picture`, whose functions are reached from here, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.data.picture import (
    GREY_TOO,
    GREYED,
    fit,
    grey,
    is_coloured,
    is_cropped,
    read_image,
    to_channels,
)
from explorer.data.sources import WANTED, Found, natural, open_source
from explorer.data.spool import Spool
from explorer.data.wording import counted, shown
from explorer.errors import Cancelled, ImageError
from explorer.models.base import ImageSpec

__all__ = ["PictureReading", "Pictures", "fit", "grey", "natural", "read_image", "read_pictures"]

Told = Callable[[int, int], None]
"""`on_progress(files or rows read, of so many)`."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size.

    Attributes:
        images: uint8 `(N, H, W, C)`; where they are many it lies on the disk, see `spool`.
        names: of the files, or numbers from 0.
        notes: sentences about what was done to them or left out.
    """

    images: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def never() -> bool:
    """Never ask to stop."""
    return False


def quiet(done: int, count: int) -> None:
    """Tell nobody."""


def read_pictures(
    path: Path | str, spec: ImageSpec, should_stop: Callable[[], bool] = never, on_progress: Told = quiet
) -> Pictures:
    """Return the pictures in `path`, each as `spec` wants it, in natural order of their names (2 before 10).

    See `sources.open_source` for what `path` may be. Files that are no pictures are counted, not fatal.

    Raises:
        ImageError: nothing there can be read, or sizes are "any" and the pictures differ.
        OutputError: they are too many for memory, and for the disk.
        Cancelled: `should_stop` turned true.
    """
    reading, spool, names = PictureReading(path, spec, should_stop, on_progress), Spool(), []
    for name, pixels in reading:
        spool.add(pixels)
        names.append(name)
    return Pictures(spool.array(), tuple(names), reading.notes())


class PictureReading:
    """One pass over a collection: to be iterated once, and then asked for `notes()`.

    Args:
        path, spec: as of `read_pictures`, and so are the errors, which come while iterating.
        should_stop: asked before each picture.
        on_progress: told some 200 times.
    """

    def __init__(
        self,
        path: Path | str,
        spec: ImageSpec,
        should_stop: Callable[[], bool] = never,
        on_progress: Told = quiet,
    ) -> None:
        self._path, self._changes = Path(path), _Changes(spec)
        self._should_stop, self._on_progress = should_stop, on_progress

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield name and uint8 `(H, W, C)` of each picture that can be read."""
        source = open_source(self._path)
        shape, reason = (), ""
        for done, found in enumerate(source.found):
            if self._should_stop():
                raise Cancelled
            if done % max(1, source.count // 200) == 0:
                self._on_progress(done, source.count)
            pixels = self._changes.fit(found)
            if pixels is None:
                reason = reason or found.reason
                continue
            shape = shape or pixels.shape
            if pixels.shape != shape:
                raise _uneven(self._path, shape, pixels.shape)
            yield found.name, pixels
        if not shape:
            raise ImageError(
                f"{self._path} holds no picture that can be read{f': {reason}' if reason else f'; give {WANTED}.'}"
            )
        self._on_progress(source.count, source.count)

    def notes(self) -> tuple[str, ...]:
        """Return what was done to the pictures so far, a sentence for each kind of change."""
        return self._changes.notes()


class _Changes:
    """What was done to the pictures of a collection, counted as they are fitted."""

    def __init__(self, spec: ImageSpec) -> None:
        self.spec = spec
        self.left_out: list[str] = []
        self.fitted = self.cropped = self.scaled = 0
        self.done: Counter[str] = Counter()

    def fit(self, found: Found) -> np.ndarray | None:
        """Return a picture as `spec` wants it, and remember what that and reading it changed."""
        image = found.image
        if image is None:
            self.left_out.append(found.name)
            return None
        if isinstance(image, np.ndarray):
            if self._is_fit(image):
                self.done[GREYED] += self.spec.channels == 1 and is_coloured(image)
                return to_channels(image, self.spec.channels)
            image = Image.fromarray(image)
        pixels = fit(image, self.spec)
        self.fitted += 1
        is_scaled, is_cut = image.size != pixels.shape[1::-1], is_cropped(image, self.spec)
        self.cropped += is_cut
        self.scaled += is_scaled and not is_cut
        self.done.update(found.done)
        self.done[GREYED] += self.spec.channels == 1 and is_coloured(np.asarray(image))
        self.done[GREY_TOO] += self.spec.channels != 1 and image.mode == "L"
        return pixels

    def _is_fit(self, pixels: np.ndarray) -> bool:
        """Return whether nothing but the channels has to change; much quicker than by way of an `Image`."""
        height, width = pixels.shape[:2]
        return (self.spec.height or height, self.spec.width or width) == (height, width) and (
            self.spec.channels in (1, 3)
        )

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each kind of change; none where nothing was changed."""
        notes = []
        if self.left_out:
            some = ", ".join(shown(name) for name in self.left_out[:3])
            more = f" and {len(self.left_out) - 3} more" if len(self.left_out) > 3 else ""
            many = counted(len(self.left_out), "file", "were")
            notes.append(f"{many} left out, for no picture could be read there: {some}{more}.")
        if self.cropped:
            many = counted(self.cropped, "picture", "were")
            notes.append(f"{many} cropped to the middle and scaled to {self.spec}.")
        if self.scaled:
            notes.append(f"{counted(self.scaled, 'picture', 'were')} scaled to {self.spec}.")
        done = (
            self.done if self.done[GREY_TOO] < self.fitted else self.done - Counter({GREY_TOO: self.fitted})
        )
        changed = [f"{counted(n, 'picture', 'were')} {what}" for what, n in sorted(done.items()) if n]
        if changed:
            notes.append(f"{'; '.join(changed)}.")
        return tuple(notes)


def _uneven(path: Path, first: tuple[int, ...], other: tuple[int, ...]) -> ImageError:
    return ImageError(
        f"The pictures in {path} differ in size ({first[1]}x{first[0]} and {other[1]}x{other[0]}); give "
        "pictures of one size."
    )
