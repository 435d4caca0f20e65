"""Pictures for a model: one file, a folder, a zip, an `.npz` or `.npy` array, an idx file; told apart by
first bytes.

How a single picture is read and fitted is in `picture`; its functions are reached from here, too.
"""

from __future__ import annotations

import functools
import gzip
import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.data.arrays import is_npz, open_npy, open_npz
from explorer.data.picture import (
    GREYED,
    decode_told,
    fit,
    grey,
    is_coloured,
    is_cropped,
    read_image,
    read_told,
    to_channels,
)
from explorer.data.wording import counted, shown, shown_list
from explorer.errors import Cancelled, ImageError
from explorer.models.base import ImageSpec

__all__ = ["Pictures", "fit", "grey", "read_image", "read_pictures"]

MOST_MEMBER = 512 << 20
"""A file or member of a zip with more bytes is no picture and is left out."""

_WANTED = "give a picture, a folder or zip of pictures, an .npz with `images` (N, H, W[, C]), or an idx file"


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size.

    Attributes:
        images: uint8 `(N, H, W, C)`.
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


def read_pictures(path: Path | str, spec: ImageSpec, should_stop: Callable[[], bool] = never) -> Pictures:
    """Return the pictures in `path`, each as `spec` wants it, in natural order of their names (2 before 10).

    One picture file, a folder (with its subfolders), a zip, an `.npz` with `images` (uint8 `(N, H, W[, C])`),
    an `.npy` (`(N, C, H, W)` in 0..1), or an idx file, gzipped or not. Files that are no pictures are
    counted, not fatal.

    Raises:
        ImageError: nothing there can be read, or sizes are "any" and the pictures differ.
        Cancelled: `should_stop` turned true.
    """
    path = Path(path)
    if path.is_dir():
        return _from_files(_folder(path), path, spec, should_stop)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read ({(error.strerror or 'failed').lower()}); {_WANTED}."
        ) from error
    if head.startswith(b"\x93NUMPY"):
        return _from_array(_floats(open_npy(path, ImageError, _WANTED), path), None, path, spec, should_stop)
    if head.startswith(b"PK"):
        if is_npz(path):
            return _from_npz(path, spec, should_stop)
        return _from_zip(path, spec, should_stop)
    if head.startswith(b"\x1f\x8b") or (
        head[:2] == b"\0\0" and head[2:3] == b"\x08" and head[3:4] in b"\2\3\4"
    ):
        return _from_array(_idx(path, gzipped=head.startswith(b"\x1f\x8b")), None, path, spec, should_stop)
    image, done = read_told(path)
    changes = _Changes(spec)
    pixels = changes.fit(image, done)
    return Pictures(pixels[None], (path.name,), changes.notes())


def natural(name: str) -> tuple[object, ...]:
    """Return a sorting key by which `face2` comes before `face10`."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


_Source = tuple[str, Callable[[], bytes]]


def _folder(folder: Path) -> list[_Source]:
    """Return names relative to the folder, and how to read each file; hidden ones are left out."""
    files = (entry for entry in folder.rglob("*") if entry.is_file())
    named = {entry.relative_to(folder).as_posix(): entry for entry in files}
    visible = [name for name in named if not any(part.startswith(".") for part in name.split("/"))]
    return [(name, functools.partial(_content, named[name])) for name in sorted(visible, key=natural)]


def _content(path: Path) -> bytes:
    """Return the bytes of a file that is no larger than a picture can be."""
    if path.stat().st_size > MOST_MEMBER:
        raise ImageError(f"{path} is too large for a picture; give smaller pictures.")
    return path.read_bytes()


def _from_zip(path: Path, spec: ImageSpec, should_stop: Callable[[], bool]) -> Pictures:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
            hidden = [name for name in entries if re.search(r"(^|/)(\.|__MACOSX/)", name)]
            names = sorted(entries.keys() - set(hidden), key=natural)

            def member(name: str) -> Callable[[], bytes]:
                def read() -> bytes:
                    if entries[name].file_size > MOST_MEMBER:
                        raise ImageError(f"{name} in {path} is too large; give smaller pictures.")
                    return archive.read(name)

                return read

            return _from_files([(name, member(name)) for name in names], path, spec, should_stop)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise ImageError(f"{path} is a zip that is cut off or damaged; {_WANTED}.") from error


def _from_files(
    sources: list[_Source], path: Path, spec: ImageSpec, should_stop: Callable[[], bool]
) -> Pictures:
    """Read, crop and scale the files one by one; only the small results are kept."""
    images: list[np.ndarray] = []
    names: list[str] = []
    changes = _Changes(spec)
    reason = ""
    for name, read in sources:
        if should_stop():
            raise Cancelled
        try:
            image, done = decode_told(read(), name)
        except ImageError as error:
            reason = reason or str(error)
            changes.left_out.append(name)
            continue
        except (
            zipfile.BadZipFile,
            OSError,
            RuntimeError,
            NotImplementedError,
            zlib.error,
            EOFError,
        ) as error:
            reason = reason or f"{name} cannot be unpacked ({error})."
            changes.left_out.append(name)
            continue
        pixels = changes.fit(image, done)
        if images and pixels.shape != images[0].shape:
            raise _uneven(path, images[0].shape, pixels.shape)
        images.append(pixels)
        names.append(name)
    if not images:
        raise ImageError(
            f"{path} holds no picture that can be read{f': {reason}' if reason else f'; {_WANTED}.'}"
        )
    return Pictures(np.stack(images), tuple(names), changes.notes())


class _Changes:
    """What was done to the pictures of a collection, counted as they are fitted."""

    def __init__(self, spec: ImageSpec) -> None:
        self.spec = spec
        self.left_out: list[str] = []
        self.cropped = self.scaled = 0
        self.done: Counter[str] = Counter()

    def fit(self, image: Image.Image, done: Iterable[str] = ()) -> np.ndarray:
        """Return a picture as `spec` wants it, and remember what that and reading it (`done`) changed."""
        pixels = fit(image, self.spec)
        is_scaled, is_cut = image.size != pixels.shape[1::-1], is_cropped(image, self.spec)
        self.cropped += is_cut
        self.scaled += is_scaled and not is_cut
        self.done.update(done)
        self.done[GREYED] += self.spec.channels == 1 and is_coloured(np.asarray(image))
        return pixels

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
        changed = [f"{counted(n, 'picture', 'were')} {what}" for what, n in sorted(self.done.items()) if n]
        if changed:
            notes.append(f"{'; '.join(changed)}.")
        return tuple(notes)


def _uneven(path: Path, first: tuple[int, ...], other: tuple[int, ...]) -> ImageError:
    return ImageError(
        f"The pictures in {path} differ in size ({first[1]}x{first[0]} and {other[1]}x{other[0]}); give "
        "pictures of one size."
    )


def _from_npz(path: Path, spec: ImageSpec, should_stop: Callable[[], bool]) -> Pictures:
    arrays = open_npz(path, ImageError, _WANTED)
    images = arrays.get("images")
    if images is None:
        raise ImageError(f"{path} has no array `images` (it has: {shown_list(arrays)}); {_WANTED}.")
    if images.dtype != np.uint8:
        images = _floats(images, path)
    names = arrays.get("names")
    return _from_array(images, names, path, spec, should_stop)


def _floats(array: np.ndarray, path: Path) -> np.ndarray:
    """Return pictures `(N, C, H, W)` in 0..1 as uint8 `(N, H, W, C)`; bytes pass as they are."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f" or array.ndim != 4 or array.shape[1] not in (1, 3):
        shape = "x".join(map(str, array.shape))
        raise ImageError(
            f"The pictures in {path} are {shape} {array.dtype}, not (N, C, H, W) in 0..1; {_WANTED}."
        )
    if not np.isfinite(array).all():
        raise ImageError(f"{path} holds values that are not numbers (NaN or infinite); give finite pictures.")
    if array.size and (array.min() < -0.01 or array.max() > 1.01):
        raise ImageError(
            f"The pictures in {path} go from {array.min():.3g} to {array.max():.3g} instead of 0 to 1; scale "
            "them first."
        )
    return np.round(array.clip(0, 1).transpose(0, 2, 3, 1) * 255).astype(np.uint8)


def _from_array(
    array: np.ndarray, names: np.ndarray | None, path: Path, spec: ImageSpec, should_stop: Callable[[], bool]
) -> Pictures:
    """Return uint8 pictures `(N, H, W[, C])` as `spec` wants them."""
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] not in (1, 3):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim not in (3, 4) or 0 in array.shape or (array.ndim == 4 and array.shape[3] not in (1, 3)):
        shape = "x".join(map(str, array.shape)) or "a single value"
        raise ImageError(
            f"The array in {path} is {shape}, not pictures (N, H, W) or (N, H, W, 1 or 3); {_WANTED}."
        )
    titles = (
        tuple(str(name) for name in names) if names is not None and names.shape == (len(array),) else None
    )
    titles = titles or tuple(str(index) for index in range(len(array)))
    array = array if array.ndim == 4 else array[..., None]
    height, width = array.shape[1:3]
    changes = _Changes(spec)
    if (spec.height or height, spec.width or width) == (height, width) and spec.channels in (1, 3):
        changes.done[GREYED] = sum(map(is_coloured, array)) if spec.channels == 1 else 0
        return Pictures(to_channels(array, spec.channels), titles, changes.notes())
    fitted = []
    for pixels in array:
        if should_stop():
            raise Cancelled
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels))
        fitted.append(changes.fit(image))
    return Pictures(np.stack(fitted), titles, changes.notes())


def _idx(path: Path, *, gzipped: bool) -> np.ndarray:
    """Return the uint8 array of an idx file (the format of MNIST, yann.lecun.com/exdb/mnist)."""
    try:
        with gzip.open(path) if gzipped else path.open("rb") as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:3] != b"\0\0\x08" or not 2 <= magic[3] <= 4:
                raise ImageError(
                    f"{path} is {'a gzip without an' if gzipped else 'no'} idx file of bytes; {_WANTED}."
                )
            sides = [int.from_bytes(file.read(4), "big") for _ in range(magic[3])]
            needed = math.prod(sides)
            most = min(
                MOST_MEMBER * 4, path.stat().st_size * (1100 if gzipped else 1)
            )  # gzip packs at most 1:1032
            data = file.read(needed) if needed <= most else b""
    except (OSError, EOFError, zlib.error) as error:
        raise ImageError(f"{path} is cut off or damaged; copy or download it again.") from error
    if len(data) != needed or not needed:
        shape = "x".join(map(str, sides))
        raise ImageError(f"{path} is cut off: it should hold {shape} bytes; copy or download it again.")
    return np.frombuffer(data, np.uint8).reshape(sides)
