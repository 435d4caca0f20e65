"""Pictures, films and arrays into files: whole or not at all, with a recipe of how they were made."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from explorer.errors import OutputError, UsageError
from explorer.paths import replacing

RECIPE_KEY = "latent-explorer"
"""Where the recipe lies in a PNG's text."""

STILLS = (".png", ".webp", ".gif")
FILMS = (".gif", ".webp")
ARRAYS = (".npy",)
LONGEST_SIDE = {".gif": 65_535, ".webp": 16_383}
"""Pixels; neither format can say a larger number."""

_FRAME = 90  # milliseconds
_END = 700

Recipe = Mapping[str, object]


def check_target(path: Path | str, suffixes: Sequence[str] = ()) -> None:
    """Find out before long work whether `path` can be written at all.

    Raises:
        UsageError: its suffix is none of `suffixes`.
        OutputError: there is no such folder, it is read-only, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file in it.")
    if suffixes and path.suffix.lower() not in suffixes:
        raise UsageError(
            f"{path} would be a kind of file that cannot be written here; "
            f"choose a name that ends in {_either(suffixes)}."
        )
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(
            f"{path} cannot be written: there is no folder {folder}; make it or choose another."
        )
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{path} cannot be written: {folder} is read-only; choose another place.")


def save_image(image: Image.Image, path: Path | str, recipe: Recipe | None = None) -> None:
    """Write a picture as `.png`, `.webp` (lossless) or `.gif` (256 colours).

    The recipe, plain values, becomes JSON in the PNG's text `latent-explorer`, the WebP's XMP or the GIF's
    comment.

    Raises:
        UsageError: another suffix, or more pixels to a side than the format takes.
        OutputError: it could not be written; the old file is untouched.
    """
    save_film([image], path, recipe) if Path(path).suffix.lower() in FILMS else _save_png(image, path, recipe)


def save_film(frames: Sequence[Image.Image], path: Path | str, recipe: Recipe | None = None) -> None:
    """Write frames of one size as an endless `.gif` or `.webp`; the first and the last stay longer.

    WebP keeps every pixel as it is. GIF does so for grey pictures; colours are reduced to 256 for each frame.

    Raises:
        UsageError: another suffix, or more than `LONGEST_SIDE` pixels to a side.
        OutputError: it could not be written; the old file is untouched.
    """
    check_target(path, FILMS)
    width, height = frames[0].size
    if max(width, height) > (most := LONGEST_SIDE[Path(path).suffix.lower()]):
        raise UsageError(
            f"{path} would be {width}x{height} pixels, and files of this kind have at most {most} to a side; "
            "write a .png, or ask for fewer pictures or a smaller --scale."
        )
    durations = [_FRAME] * len(frames)
    durations[0] = durations[-1] = _END
    kind = Path(path).suffix.lower()
    text = _text(recipe)
    if kind == ".gif":
        frames = [_palette(frame) for frame in frames]
        options = {"comment": text, "disposal": 1, "optimize": False}
    else:
        options = {"xmp": _xmp(text), "lossless": True, "quality": 80, "method": 4}
    several = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    data = io.BytesIO()
    frames[0].save(data, kind[1:], **options, **(several if len(frames) > 1 else {}))  # type: ignore[arg-type]
    save_bytes(data.getbuffer(), path)


def save_array(array: np.ndarray, path: Path | str) -> None:
    """Write an `.npy` of exactly this name.

    Raises:
        OutputError: it could not be written; the old file is untouched.
    """
    array = np.ascontiguousarray(array)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(array))
    # numpy's own writer hides why a disk refused; a plain write says it.
    save_bytes(header.getvalue(), path, array.data.cast("B") if array.size else b"")


def save_bytes(data: bytes | memoryview, path: Path | str, *more: bytes | memoryview) -> None:
    """Write bytes, whole or not at all; raises `OutputError`."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        for part in (data, *more):
            file.write(part)


def _save_png(image: Image.Image, path: Path | str, recipe: Recipe | None) -> None:
    check_target(path, STILLS)
    text = PngImagePlugin.PngInfo()
    if recipe:
        text.add_itxt(RECIPE_KEY, _text(recipe).decode(), zip=True)
    data = io.BytesIO()
    image.save(data, "png", pnginfo=text)
    save_bytes(data.getbuffer(), path)


def _palette(frame: Image.Image) -> Image.Image:
    """Return a frame of at most 256 colours; exact where it has no more."""
    if frame.mode == "L":
        return frame.convert("P")
    if frame.getcolors(256) is not None:
        return frame.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    return frame.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def _text(recipe: Recipe | None) -> bytes:
    return json.dumps(recipe, ensure_ascii=False).encode() if recipe else b""


def _xmp(text: bytes) -> bytes:
    """Return an XMP packet that carries `text` as the description."""
    safe = text.decode().replace("&", "&amp;").replace("<", "&lt;")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{safe}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
