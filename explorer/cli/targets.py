"""Where a command writes: a name that is free, and none of a file that the same call reads."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

from explorer.errors import UsageError
from explorer.export.writing import STILLS


def free_name(path: Path) -> Path:
    """Return `path`, or where something has that name the first free one of `NAME 2.png`, `NAME 3.png`..."""
    if not os.path.lexists(path):
        return path
    names = (path.with_name(f"{path.stem} {number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not os.path.lexists(name))


def check_apart(out: Path, *inputs: Path | str | None, option: str = "--out") -> None:
    """Refuse to write over what the call reads, by whatever name.

    Args:
        out: the file to be written.
        inputs: files, and folders of pictures; None is nothing.
        option: that named `out`.

    Raises:
        UsageError: it is one of them, or a picture in one of the folders.
    """
    for given in inputs:
        if given is not None and out.exists() and _holds(Path(given), out):
            raise UsageError(f"{option} {out} would be written over what is read here; give another name.")


def _holds(given: Path, out: Path) -> bool:
    """Return whether `given` is the file `out`, or a folder of pictures that it is one of."""
    try:
        if given.is_dir():
            return out.suffix.lower() in STILLS and out.resolve().is_relative_to(given.resolve())
        return out.samefile(given)
    except (OSError, ValueError):
        return False
