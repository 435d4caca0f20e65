"""Finding the recipe in a picture file: PNG text, WebP XMP, GIF comment; no pixel is unpacked.

The files are strangers': every walk over their parts is bounded, and so is what is unpacked.
"""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from explorer.errors import RecipeError
from explorer.export.recipe import MARK, Recipe
from explorer.export.recipe_text import MOST_TEXT, recipe_from

_KEYWORD = MARK.encode() + b"\0"
_MOST_PARTS = 500_000  # of a file: chunks and blocks


def recipe_in(path: Path | str) -> Recipe | None:
    """Return the recipe that a picture file carries, None where it carries none or is no such file.

    Raises:
        RecipeError: there is one, but it is damaged or written by a newer program; or the file cannot be read.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            return None  # a folder; or a pipe, where reading would wait for ever
        with path.open("rb") as file:
            find = _FINDERS.get(file.read(4))
            written = find(file) if find else None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RecipeError(f"{path} cannot be read ({reason}); choose another file.") from error
    return None if written is None else recipe_from(written, str(path))


def _in_png(file: IO[bytes]) -> str | None:
    file.seek(8)
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4]), head[4:]
        if len(head) < 8 or kind == b"IEND":
            return None
        is_text = kind in (b"tEXt", b"zTXt", b"iTXt") and len(_KEYWORD) <= length <= 2 * MOST_TEXT
        if is_text:
            length -= len(_KEYWORD)
            if file.read(len(_KEYWORD)) == _KEYWORD:
                return _png_text(kind, file.read(length))
        file.seek(length + 4, 1)
    return None


def _png_text(kind: bytes, rest: bytes) -> str:
    """Return the text of a chunk after its keyword."""
    is_packed = kind == b"zTXt"
    if kind == b"zTXt":
        rest = rest[1:]
    if kind == b"iTXt":
        is_packed = rest[:1] == b"\1"
        rest = rest[2:].partition(b"\0")[2].partition(b"\0")[2]  # language and translated keyword
    return _decoded(_unpacked(rest) if is_packed else rest)


def _unpacked(data: bytes) -> bytes:
    """Return what zlib packed, up to a character more than a recipe can have; what is broken ends there."""
    try:
        return zlib.decompressobj().decompress(data, MOST_TEXT + 1)
    except zlib.error:
        return b""


def _in_webp(file: IO[bytes]) -> str | None:
    if file.read(8)[4:] != b"WEBP":
        return None
    for _ in range(_MOST_PARTS):
        head = file.read(8)
        length = int.from_bytes(head[4:], "little")
        if len(head) < 8:
            return None
        if head[:4] == b"XMP " and length <= 2 * MOST_TEXT:
            return _in_xmp(_decoded(file.read(length)))
        file.seek(length + length % 2, 1)
    return None


def _in_xmp(packet: str) -> str | None:
    """Return the recipe among the texts of an XMP packet, whatever its elements are called."""
    for found in re.finditer(r">([^<>]*)<", packet):
        text = found[1]
        if MARK in text[:100] and text.lstrip().startswith("{"):
            return html.unescape(text.strip())
    return None


def _in_gif(file: IO[bytes]) -> str | None:
    file.seek(0)
    header = file.read(13)
    if len(header) < 13:
        return None
    file.seek(_table(header[10]), 1)
    parts = iter(range(_MOST_PARTS))
    while True:
        match file.read(1):
            case b"!":
                if file.read(1) != b"\xfe":
                    _skip(file, parts)
                elif MARK in (text := _comment(file, parts))[:100]:
                    return text
            case b",":
                head = file.read(9)
                if len(head) < 9:
                    return None
                file.seek(_table(head[8]) + 1, 1)
                _skip(file, parts)
            case _:
                return None


def _table(flags: int) -> int:
    """Return the bytes of a colour table, as the flags before it say."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _blocks(file: IO[bytes], parts: Iterator[int]) -> Iterator[int]:
    """Yield the length of each block that follows; the caller reads or skips it."""
    for _ in parts:
        size = file.read(1)
        if size in (b"", b"\0"):
            return
        yield size[0]


def _skip(file: IO[bytes], parts: Iterator[int]) -> None:
    for size in _blocks(file, parts):
        file.seek(size, 1)


def _comment(file: IO[bytes], parts: Iterator[int]) -> str:
    return _decoded(b"".join(file.read(size) for size in _blocks(file, parts)))


def _decoded(data: bytes) -> str:
    """Return bytes as text; recipes are ASCII, so what is not says that something was changed."""
    return data.decode("utf-8", "replace")


_FINDERS: dict[bytes, Callable[[IO[bytes]], str | None]] = {
    b"\x89PNG": _in_png,
    b"RIFF": _in_webp,
    b"GIF8": _in_gif,
}
