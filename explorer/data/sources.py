"""Where pictures lie: one file, a folder, a zip, arrays, told apart by first bytes; read one after the other.

A source gives pictures as they are, and says of a broken file what is wrong with it. Cropping, scaling and
gathering them is done in `images`.
"""

from __future__ import annotations

import functools
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.data.arrays import StoredArray, is_npz, stored_idx, stored_npy, stored_npz
from explorer.data.picture import MOST_PIXELS, decode_told, read_told
from explorer.data.wording import shown, shown_list
from explorer.errors import ImageError

MOST_MEMBER = 512 << 20
"""A file or member of a zip with more bytes is no picture and is left out."""

WANTED = "a picture, a folder or zip of pictures, an .npz with `images` (N, H, W[, C]), or an idx file"


@dataclass(frozen=True, eq=False)
class Found:
    """One picture of a source, or the reason why it cannot be read, a sentence.

    Attributes:
        image: 8 bit `L` or `RGB`, or uint8 pixels `(H, W[, 3])`; None where it cannot be read.
        done: what reading did to it; see `picture`.
    """

    name: str
    image: Image.Image | np.ndarray | None
    done: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Source:
    """How many files or rows there are, and what is found in them, in natural order of their names."""

    count: int
    found: Iterable[Found]


def open_source(path: Path) -> Source:
    """Return what is to be read in `path`.

    One picture file, a folder (with its subfolders), a zip, an `.npz` with `images` (uint8
    `(N, H, W[, C])`), an `.npy` (`(N, C, H, W)` in 0..1), or an idx file, gzipped or not.

    Raises:
        ImageError: nothing there can be read; also later, while it is read.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists() and not path.is_file():  # a pipe would let us wait for ever
            raise ImageError(f"{path} is neither a file nor a folder; give {WANTED}.")
        with path.open("rb") as file:
            head = file.read(16)
    except (OSError, ValueError) as error:  # a name that no file can have is no value
        raise ImageError(f"{path} cannot be read ({_reason(error)}); give {WANTED}.") from error
    if head.startswith(b"\x93NUMPY"):
        return _rows(stored_npy(path, ImageError, WANTED), None, path)
    if head.startswith(b"PK"):
        return _npz(path) if is_npz(path) else _zip(path)
    if head.startswith(b"\x1f\x8b") or (head[:3] == b"\0\0\x08" and head[3:4] in b"\1\2\3\4"):
        return _rows(stored_idx(path, ImageError, WANTED), None, path)
    return Source(1, (_one_file(path, head),))


def natural(name: str) -> tuple[object, ...]:
    """Return a sorting key by which `face2` comes before `face10`."""
    parts = re.split(r"(\d+)", name.lower())
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def _one_file(path: Path, head: bytes) -> Found:
    if _is_video(head):
        raise ImageError(
            f"{path} is a video, not a collection of pictures; cut its faces out with `prepare faces`, or "
            "save its frames as pictures and give their folder."
        )
    return Found(path.name, *read_told(path, f"give {WANTED}"))


def _is_video(head: bytes) -> bool:
    """Return whether a file begins like MP4 or MOV, Matroska or WebM, AVI, MPEG or FLV."""
    is_still = head[8:12] in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
    return (
        (head[4:8] == b"ftyp" and not is_still)
        or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")
        or head.startswith((b"\x1aE\xdf\xa3", b"\0\0\x01\xba", b"\0\0\x01\xb3", b"FLV\x01"))
    )


_HIDDEN = re.compile(r"(^|/)(\.(?!\.?/)|__MACOSX/)|\.csv$", re.IGNORECASE)
"""What lies beside pictures: what nobody shall see, and tables of their labels."""


def _folder(folder: Path) -> Source:
    """Return the files of a folder and its subfolders, named relative to it, but hidden ones and tables (.csv)."""
    closed: list[str] = []

    def on_error(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise ImageError(f"{folder} cannot be read ({_reason(error)}); give {WANTED}.") from error
        closed.append(Path(error.filename).relative_to(folder).as_posix())

    files: dict[str, Path] = {}
    for place, below, names in os.walk(folder, onerror=on_error):
        below[:] = [name for name in below if not name.startswith(".")]
        paths = (Path(place, name) for name in names if not _HIDDEN.search(name))
        files |= {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}

    def found() -> Iterator[Found]:
        for name in sorted(files, key=natural):
            yield _found(name, functools.partial(_content, files[name]))
        for name in closed:
            yield Found(name, None, (), f"{shown(name)} is a folder that cannot be read.")

    return Source(len(files) + len(closed), found())


def _content(path: Path) -> bytes:
    """Return the bytes of a file that is no larger than a picture can be."""
    if path.stat().st_size > MOST_MEMBER:
        raise ImageError(f"{path} is too large for a picture; give smaller pictures.")
    return path.read_bytes()


def _zip(path: Path) -> Source:
    archive = _archive(path)
    entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    hidden = [name for name in entries if _HIDDEN.search(name)]
    names = sorted(entries.keys() - set(hidden), key=natural)

    def member(name: str) -> bytes:
        if entries[name].file_size > MOST_MEMBER:
            raise ImageError(f"{shown(name)} in {path} is too large; give smaller pictures.")
        return archive.read(name)

    def found() -> Iterator[Found]:
        with archive:
            for name in names:
                yield _found(name, functools.partial(member, name))

    return Source(len(names), found())


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise ImageError(f"{path} is a zip that is cut off or damaged; give {WANTED}.") from error


def _found(name: str, read: Callable[[], bytes]) -> Found:
    """Return the picture in a file, or why there is none."""
    try:
        return Found(name, *decode_told(read(), shown(name)))
    except ImageError as error:
        return Found(name, None, (), str(error))
    except (
        zipfile.BadZipFile,
        OSError,
        RuntimeError,  # of a member with a password
        NotImplementedError,
        ValueError,
        zlib.error,
        EOFError,
    ) as error:
        return Found(name, None, (), f"{shown(name)} cannot be unpacked ({error}).")


def _npz(path: Path) -> Source:
    arrays = stored_npz(path, ImageError, WANTED)
    images, names = arrays.get("images"), arrays.get("names")
    if images is None:
        raise ImageError(f"{path} has no array `images` (it has: {shown_list(arrays)}); give {WANTED}.")
    return _rows(images, names.read() if names is not None else None, path)


def _rows(stored: StoredArray, names: np.ndarray | None, path: Path) -> Source:
    """Return the pictures of an array: uint8 `(N, H, W[, C])` or `(N, C, H, W)`, or floats `(N, C, H, W)`."""
    shape, is_bytes = stored.shape, stored.dtype == np.uint8
    sides = "x".join(map(str, shape)) or "a single value"
    if not is_bytes and (stored.dtype.kind != "f" or len(shape) != 4 or shape[1] not in (1, 3)):
        raise ImageError(
            f"The pictures in {path} are {sides} {stored.dtype}, not (N, C, H, W) in 0..1; give {WANTED}."
        )
    channels_first = len(shape) == 4 and shape[1] in (1, 3) and not (is_bytes and shape[3] in (1, 3))
    one = (shape[2], shape[3], shape[1]) if channels_first else shape[1:]  # (H, W[, C])
    if len(one) not in (2, 3) or 0 in shape or (len(one) == 3 and one[2] not in (1, 3)):
        raise ImageError(
            f"The array in {path} is {sides}, not pictures (N, H, W) or (N, H, W, 1 or 3); give {WANTED}."
        )
    if one[0] * one[1] > MOST_PIXELS:
        raise ImageError(f"The pictures in {path} are {one[1]}x{one[0]} pixels; give smaller pictures.")
    titles = names if names is not None and names.shape == shape[:1] else range(shape[0])

    def rows() -> Iterator[np.ndarray]:
        for block in stored.blocks():
            images = block if is_bytes else _bytes(block, path)
            yield from images.transpose(0, 2, 3, 1) if channels_first else images

    def found() -> Iterator[Found]:
        for title, row in zip(titles, rows(), strict=True):
            pixels = row[..., 0] if row.shape[2:] == (1,) else row
            yield Found(str(title), np.ascontiguousarray(pixels))

    return Source(shape[0], found())


def _bytes(block: np.ndarray, path: Path) -> np.ndarray:
    """Return floats in 0..1 as uint8 of the same shape."""
    if not np.isfinite(block).all():
        raise ImageError(f"{path} holds values that are not numbers (NaN or infinite); give finite pictures.")
    if block.min() < -0.01 or block.max() > 1.01:
        raise ImageError(
            f"The pictures in {path} go from {block.min():.3g} to {block.max():.3g} instead of 0 to 1; scale "
            "them first."
        )
    return np.round(block.clip(0, 1) * 255).astype(np.uint8)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error) or "failed").lower()
