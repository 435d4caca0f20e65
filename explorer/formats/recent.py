"""Which checkpoints and sessions were opened lately: a list in the user's state folder.

Nothing here is ever fatal: a list that is damaged is set aside and begun anew, one that cannot be written stays
as it was.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from explorer.errors import OutputError
from explorer.formats.turns import turn_in
from explorer.paths import user_folder, write_text

Kind = Literal["model", "stage", "session"]

MOST = 20
_FORMAT = 1
_MOST_TEXT = 1 << 20  # bytes
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recent:
    """Something that was opened.

    Attributes:
        path: where it was, absolute; it may be gone.
        name: what people call it.
        sha256: hash of the file's bytes when it was opened, None where nobody took it.
        kind: what it holds.
    """

    path: Path
    name: str
    sha256: str | None
    kind: Kind


def entries() -> list[Recent]:
    """Return what was opened, the newest first; files that are gone are still named."""
    place = _place()
    try:
        if place.stat().st_size > _MOST_TEXT:
            raise ValueError("it is too long")
        said = json.loads(place.read_bytes())
        return _distinct([_parsed(entry) for entry in said["entries"] if entry["kind"] in get_args(Kind)])
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.debug("%s cannot be read: %s", place, error)
        return []
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        _log.debug("%s is damaged and set aside: %r", place, error)
        with contextlib.suppress(OSError):
            os.replace(place, f"{place}.broken")
        return []


def add(path: Path | str, name: str, sha256: str | None, kind: Kind) -> None:
    """Put what was opened first; it is listed once, and so are at most `MOST`."""
    with _turn():
        _write([Recent(_absolute(path), name, sha256, kind), *entries()])


def forget(path: Path | str) -> None:
    """Take one path off the list."""
    with _turn():
        known, gone = entries(), _absolute(path)
        left = [entry for entry in known if entry.path != gone]
        if len(left) < len(known):
            _write(left)


def clear() -> None:
    """Empty the list."""
    with _turn():
        _write([])


def _turn() -> contextlib.AbstractContextManager[None]:
    """Let nobody else change the list meanwhile."""
    folder = _place().parent
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    return turn_in(folder)


def _place() -> Path:
    return user_folder("state") / "recent.json"


def _absolute(path: Path | str) -> Path:
    """Return one spelling of a path; links stay, they are the names people chose."""
    return Path(os.path.abspath(path))


def _distinct(found: Sequence[Recent]) -> list[Recent]:
    """Return the first entry of each path, `MOST` in all."""
    by_path: dict[Path, Recent] = {}
    for entry in found:
        by_path.setdefault(entry.path, entry)
    return list(by_path.values())[:MOST]


def _parsed(said: Any) -> Recent:
    """Return an entry of the file.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    path, name, sha256 = said["path"], said["name"], said.get("sha256")
    if not isinstance(path, str) or not isinstance(name, str) or not isinstance(sha256, str | None):
        raise TypeError("a path, a name or a hash is no text")
    if not path or "\0" in path:
        raise ValueError("a path is empty")
    os.fsencode(path)  # half a letter is no name that a file can have
    return Recent(Path(path), name, sha256, said["kind"])


def _write(found: Sequence[Recent]) -> None:
    said = [
        {"path": str(entry.path), "name": entry.name, "sha256": entry.sha256, "kind": entry.kind}
        for entry in _distinct(found)
    ]
    place = _place()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(
            place, json.dumps({"format": _FORMAT, "entries": said}, indent=2, ensure_ascii=False) + "\n"
        )
    except (OSError, OutputError) as error:
        _log.debug("The list of what was opened lately stays as it was: %s", error)
