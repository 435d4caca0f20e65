"""What a path leads to, pictures or a video, and names: for what is made of them, and of many in a sentence."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from PIL import Image, UnidentifiedImageError

from explorer.data.wording import shown
from explorer.errors import ImageError

Kind = Literal["folder", "picture", "collection", "video"]

_COLLECTIONS = (b"PK", b"\x93NUMPY", b"\x1f\x8b", b"\0\0\x08")  # zip and npz, npy, gzip, idx
_LONGEST = 80  # letters of one part of a name
_NAMED = 3  # of many, in a sentence
_FORBIDDEN = '<>:"|?*'
_NO_ERRORS = (UnidentifiedImageError, Image.DecompressionBombError, ValueError, SyntaxError)


def kind_of(path: Path) -> Kind:
    """Tell what a path leads to; a file that is neither a picture nor a collection of them is taken for a video.

    Raises:
        ImageError: there is nothing that can be read.
    """
    wanted = "give a folder or zip of pictures, a picture, or a video"
    if path.is_dir():
        return "folder"
    if path.exists() and not path.is_file():  # a pipe would let us wait for ever
        raise ImageError(f"{path} is neither a file nor a folder; {wanted}.")
    try:
        with path.open("rb") as file:
            if file.read(6).startswith(_COLLECTIONS):
                return "collection"
            file.seek(0)
            try:
                with Image.open(file):
                    return "picture"
            except _NO_ERRORS:
                return "video"
    except OSError as error:
        reason = (error.strerror or "failed").lower()
        raise ImageError(f"{path} cannot be read ({reason}); {wanted}.") from error


def plain_path(name: str) -> PurePosixPath:
    """Return a stranger's name as a path within a folder: no step up, no drive, no letter that a system forbids."""
    parts = [_plain(part) for part in name.replace("\\", "/").split("/")]
    return PurePosixPath(*[part for part in parts if part] or ["picture"])


def _plain(part: str) -> str:
    word = "".join(
        letter if letter.isprintable() and letter not in _FORBIDDEN else "_" for letter in part
    ).strip(" .")
    stem, dot, suffix = word.rpartition(".")
    return f"{stem[:_LONGEST]}.{suffix[:10]}" if dot else word[:_LONGEST]


class Names:
    """Gives each source a name of its own: `a/b.jpg` is `a-b`, and a `c.png` beside `c.jpg` is `c-png`."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, name: str) -> str:
        """Return the name of a source, without suffix and folders; no two differ by capital letters alone."""
        path = plain_path(name)
        stem = "-".join((*path.parent.parts, path.stem))[-2 * _LONGEST :].lstrip(". ") or "picture"
        given, number = stem, 1
        while given.lower() in self._used:
            number += 1
            suffix = path.suffix.strip(".")
            given = f"{stem}-{suffix}" if number == 2 and suffix else f"{stem}-{number}"
        self._used.add(given.lower())
        return given


def some(names: list[str]) -> str:
    """Return how many names there are, and the first few."""
    more = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} ({', '.join(shown(name) for name in names[:_NAMED])}{more})"
