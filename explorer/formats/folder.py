"""A folder that is no format of its own but holds one checkpoint: that one is opened, and a note says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from explorer.formats import beside
from explorer.formats.reader import HEAD_BYTES, Reader, Reading
from explorer.models.base import LatentModel, StageModel

_MOST_FILES = 200
_BACKUPS = (".bk", ".bak")
"""What programs put behind the name of a file to keep what it was before."""


def _only(folder: Path) -> tuple[Path, bytes, Reader] | None:
    """Return the one file of a folder that a reader takes, its first bytes and that reader."""
    from explorer.formats import READERS

    found = []
    try:
        files = [each for each in sorted(folder.iterdir())[:_MOST_FILES] if each.is_file()]
        files = [each for each in files if each.suffix not in _BACKUPS or each.with_suffix("") not in files]
        for path in files:
            with path.open("rb") as file:
                head = file.read(HEAD_BYTES)
            reader = next(
                (each for each in READERS.values() if each is not READER and each.matches(head, path)), None
            )
            if reader is not None:
                found.append((path, head, reader))
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def _matches(head: bytes, path: Path) -> bool:
    return path.is_dir() and _only(path) is not None


def _load(reading: Reading) -> tuple[Reader, Path, bytes, Any]:
    found = _only(reading.path)
    if found is None:
        raise FileNotFoundError(2, "its files changed while it was opened")
    path, head, reader = found
    return reader, path, head, reader.load(dataclasses.replace(reading, path=path, head=head))


def _build(loaded: tuple[Reader, Path, bytes, Any], reading: Reading) -> LatentModel | StageModel:
    reader, path, head, content = loaded
    model = reader.build(content, dataclasses.replace(reading, path=path, head=head))
    model.notes = (
        f"Of the folder {reading.path.name} the only checkpoint in it was taken: {path.name}.",
        *model.notes,
    )
    return model


READER = Reader("a folder with one checkpoint", _matches, _load, _build, beside.folder_of)
