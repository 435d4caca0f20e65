"""Pictures, films and arrays into files: whole or not at all, with a recipe of how they were made."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from explorer.errors import OutputError, UsageError
from explorer.export.recipe import MARK
from explorer.paths import replacing

STILLS = (".png", ".webp", ".gif")
FILMS = (".gif", ".webp")
ARRAYS = (".npy",)
LONGEST_SIDE = {".gif": 65_535, ".webp": 16_383}
"""Pixels; neither format can say a larger number."""


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


def save_pages(
    pages: Sequence[Image.Image], path: Path | str, text: str = "", durations: Sequence[int] = ()
) -> None:
    """Write one picture as `.png`, `.webp` (lossless) or `.gif` (256 colours), several as an endless film.

    WebP keeps every pixel as it is. GIF does so for grey pictures; colours are reduced to 256 for each frame.

    Args:
        pages: pictures of one size and mode; one for a `.png`.
        path: where to.
        text: plain ASCII, laid into the PNG's text `latent-explorer`, the WebP's XMP or the GIF's comment.
        durations: of the frames of a film, milliseconds.

    Raises:
        UsageError: another suffix, or more than `LONGEST_SIDE` pixels to a side.
        OutputError: it could not be written; the old file is untouched.
    """
    check_target(path, STILLS if len(pages) == 1 else FILMS)
    kind = Path(path).suffix.lower()
    width, height = pages[0].size
    if max(width, height) > (most := LONGEST_SIDE.get(kind, sys.maxsize)):
        raise UsageError(
            f"{path} would be {width}x{height} pixels, and files of this kind have at most {most} to a side; "
            "write a .png, or ask for fewer pictures or a smaller scale."
        )
    data = io.BytesIO()
    first, *rest = [_palette(page) for page in pages] if kind == ".gif" else pages
    several = {"save_all": True, "append_images": rest, "duration": list(durations), "loop": 0}
    first.save(data, kind[1:], **_options(kind, text), **(several if rest else {}))  # type: ignore[arg-type]
    save_bytes(data.getbuffer(), path)


def _options(kind: str, text: str) -> dict[str, Any]:
    """Return how a file of this kind is written."""
    if kind == ".gif":
        return {"comment": text.encode("ascii"), "disposal": 1, "optimize": False}
    if kind == ".webp":
        return {"xmp": _xmp(text) if text else b"", "lossless": True, "quality": 80, "method": 4}
    info = PngImagePlugin.PngInfo()
    if text:
        # Not compressed: Pillow opens no PNG whose text grows beyond 1 MB when unpacked.
        info.add_text(MARK, text)
    return {"pnginfo": info}


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


def _palette(frame: Image.Image) -> Image.Image:
    """Return a frame of at most 256 colours; exact where it has no more."""
    if frame.mode == "L":
        return frame.convert("P")
    if frame.getcolors(256) is not None:
        return frame.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    return frame.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)


def _xmp(text: str) -> bytes:
    """Return an XMP packet that carries `text` as the description."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{safe}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
