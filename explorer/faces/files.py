"""Pictures and videos whose faces are swapped, as files: each like the one it comes from, or copied as it is."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, JpegImagePlugin

from explorer.data.picture import decode_told
from explorer.data.sources import MOST_MEMBER, natural
from explorer.data.wording import counted
from explorer.errors import Cancelled, ImageError, OutputError, UsageError
from explorer.faces.films import kind_of_file, rewritten
from explorer.faces.naming import kind_of, some
from explorer.faces.preparing import Progress, check_empty, make_folder
from explorer.faces.swapping import Swap
from explorer.faces.video import opened
from explorer.paths import replacing

_QUALITY = 95  # of JPEG and WebP: no loss that one sees
_WRITTEN = {"PNG": "PNG", "JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WEBP", "BMP": "BMP", "TIFF": "TIFF"}
"""Kinds of files that come out as they went in; others become PNG."""


@dataclass(eq=False)
class Swapped:
    """What was written.

    Attributes:
        out: the file or folder.
        unit: of what it consists, `picture` or `frame`.
        looked: how many there are.
        faces: how many faces were drawn anew in them.
        faceless: how many have none; those are as they were.
        named: the pictures among them.
        broken: names of files that could not be read.
    """

    out: Path
    unit: str = "picture"
    looked: int = 0
    faces: int = 0
    faceless: int = 0
    named: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def notes(self) -> Iterator[str]:
        """Yield what is to be said of it, in sentences."""
        yield f"{self.out}: {counted(self.looked, self.unit)}, {counted(self.faces, 'face')} drawn anew."
        if self.named:
            yield f"No face was found in {some(self.named)}; copied unchanged."
        elif self.faceless:
            yield f"No face was found in {counted(self.faceless, self.unit)}; left unchanged."
        if self.broken:
            yield f"No picture could be read in {some(self.broken)}; left out."


def check_out(source: Path, out: Path, *others: Path | str) -> None:
    """Find out before long work whether `out` can be written for what `source` is.

    Args:
        source, out: from where to where.
        others: more files that the same call reads.

    Raises:
        ImageError: `source` cannot be read, or is a collection whose files have no names of their own.
        UsageError: `out` is of another kind than `source`, holds something, or is the file that is read.
    """
    kind = kind_of(source)
    if kind == "collection":
        raise ImageError(f"{source} is an archive or array; unpack it, and give the folder.")
    if kind == "folder":
        check_empty(out)
        return
    if any(_is_same(out, Path(read)) for read in (source, *others)):
        raise UsageError(f"{out} would be written over what is read here; give another name.")
    if kind == "video":
        with opened(source):  # what is no picture may be no video either
            kind_of_file(out)
    elif out.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{out} would hold one picture; choose a name that ends in {', '.join(_SUFFIXES)}.")


def _is_same(out: Path, read: Path) -> bool:
    try:
        return out.exists() and read.exists() and out.samefile(read)
    except (OSError, ValueError):
        return False


_SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def swap_files(
    source: Path, out: Path, swap: Swap, progress: Progress, should_stop: Callable[[], bool]
) -> Swapped:
    """Swap the faces of a folder of pictures, of a picture or of a video.

    Pictures keep their names, kinds, transparency and colour profiles, and are written upright; those without a face
    are copied byte by byte. Of an animation the first frame counts. For videos see `films.rewritten`.

    Args:
        source, out: from where to where.
        swap: what draws the faces.
        progress: told before each picture, after each frame.
        should_stop: asked before each picture or frame.

    Returns:
        What was written.

    Raises:
        ImageError: nothing could be read.
        UsageError: `check_out` says so.
        OutputError: it could not be written.
        Cancelled: `should_stop` turned true; of a folder what was finished stays, of a video nothing.
    """
    check_out(source, out)
    kind = kind_of(source)
    swap.is_film = kind == "video"
    if kind == "folder":
        return _folder(source, out, swap, progress, should_stop)
    if kind == "video":
        return _video(source, out, swap, progress, should_stop)
    made = Swapped(out)
    data, _ = _swapped(source.read_bytes(), source.name, swap, made, _SUFFIXES[out.suffix.lower()])
    _write(data, out)
    return made


def _video(
    source: Path, out: Path, swap: Swap, progress: Progress, should_stop: Callable[[], bool]
) -> Swapped:
    made = Swapped(out, "frame")

    def change(pixels: np.ndarray) -> np.ndarray | None:
        drawn, faces = swap(pixels)
        made.faces += faces
        made.faceless += not faces
        return drawn if faces else None

    made.looked = rewritten(source, out, change, progress, should_stop)
    return made


def _folder(
    source: Path, out: Path, swap: Swap, progress: Progress, should_stop: Callable[[], bool]
) -> Swapped:
    made, names = Swapped(out), _files(source)
    for number, name in enumerate(names):
        if should_stop():
            raise Cancelled
        progress(number / len(names), f"Picture {number + 1} of {len(names)}")
        try:
            data, suffix = _swapped(_content(source / name), name, swap, made, None)
        except ImageError:
            made.broken.append(name)
            continue
        make_folder((out / name).parent)
        try:
            _write(data, out / f"{name}{suffix}")
        except OutputError:
            with contextlib.suppress(OSError):  # not empty
                out.rmdir()
            raise
    if not made.looked:
        raise ImageError(
            f"{source} holds no picture that can be read; give a folder of pictures, or a video."
        )
    return made


def _files(folder: Path) -> list[str]:
    """Return the names of the files in a folder and below it, hidden ones left out."""
    try:
        names = [entry.relative_to(folder).as_posix() for entry in folder.rglob("*") if entry.is_file()]
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ImageError(f"{folder} cannot be read ({reason}); give a folder of pictures.") from error
    hidden = [name for name in names if any(part.startswith(".") for part in name.split("/"))]
    return sorted(set(names) - set(hidden), key=natural)


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_MEMBER:
            raise ImageError(f"{path} is too large for a picture; leave it out.")
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ImageError(f"{path} cannot be read ({reason}); leave it out.") from error


def _write(data: bytes, path: Path) -> None:
    with replacing(path) as place:
        place.write_bytes(data)


def _swapped(data: bytes, name: str, swap: Swap, made: Swapped, wanted: str | None) -> tuple[bytes, str]:
    """Return a picture file with its faces swapped, and a suffix to add to its name where it became another kind.

    Args:
        data: the file's bytes, given back where there is no face.
        name: for messages.
        made: counts along.
        wanted: the kind to write; None: as it was.
    """
    picture = _Picture.of(data, name)
    pixels, faces = swap(picture.pixels)
    made.looked += 1
    made.faces += faces
    if not faces:
        made.faceless += 1
        made.named.append(name)
        if wanted is None or _WRITTEN.get(picture.kind) == wanted:
            return data, ""
    kind = wanted or _WRITTEN.get(picture.kind, "PNG")
    is_other = wanted is None and picture.kind not in _WRITTEN
    return picture.saved(pixels, kind), ".png" if is_other else ""


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture file, upright, with what is to be kept of it beside the colours.

    Attributes:
        kind: as Pillow calls the format.
        pixels: uint8 `(H, W, 3)`.
        alpha: uint8 `(H, W)`, where something shines through.
        is_grey: whether it was.
        extras: what Pillow is to write with it.
    """

    kind: str
    pixels: np.ndarray
    alpha: np.ndarray | None
    is_grey: bool
    extras: dict[str, Any]

    @classmethod
    def of(cls, data: bytes, name: str) -> _Picture:
        """Read a file; raises `ImageError`."""
        plain, _ = decode_told(data, name)  # every check is made there
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as file:
                kind = file.format or ""
                sampling = JpegImagePlugin.get_sampling(file) if kind in ("JPEG", "MPO") else -1
                image = ImageOps.exif_transpose(file)
        is_clear = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
        colours = np.asarray(image.convert("RGBA") if is_clear else plain.convert("RGB"))
        extras: dict[str, Any] = {"exif": image.getexif(), "sampling": max(sampling, 0)}
        if image.mode not in ("CMYK", "LAB", "YCbCr") and image.info.get("icc_profile"):
            extras["icc_profile"] = image.info["icc_profile"]
        alpha = colours[..., 3] if is_clear else None
        return cls(kind, np.ascontiguousarray(colours[..., :3]), alpha, plain.mode == "L", extras)

    def saved(self, pixels: np.ndarray, kind: str) -> bytes:
        """Return a file of that kind with other pixels, uint8 `(H, W, 3)`."""
        image, extras = Image.fromarray(pixels), dict(self.extras)
        sampling = extras.pop("sampling")
        if self.alpha is not None and kind == "JPEG":
            white = Image.new("RGB", image.size, "white")
            image = Image.composite(image, white, Image.fromarray(self.alpha))
        elif self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        elif self.is_grey and kind != "WEBP":
            image = image.convert("L")
        if kind == "BMP":
            extras.clear()
        if kind == "JPEG":
            extras |= {"quality": _QUALITY, "subsampling": sampling}
        if kind == "WEBP":
            extras["quality"] = _QUALITY
        if kind == "TIFF":
            extras["compression"] = "tiff_lzw"
        file = io.BytesIO()
        image.save(file, kind, **extras)
        return file.getvalue()
