"""Where the checkpoints of exported pictures were: hashes and paths, in the user's state folder.

The window lists what was opened lately (`recent`); the command line opens files by the hundred, which have no place in
that list, and still a picture made there has to find its checkpoint again. Nothing here is ever fatal.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from explorer.errors import OutputError
from explorer.formats.turns import turn_in
from explorer.paths import user_folder, write_text

MOST = 500
_MOST_TEXT = 1 << 20  # bytes
_FORMAT = 1
_log = logging.getLogger(__name__)


def remember(paths: Mapping[str, Path]) -> None:
    """Keep where checkpoints are, by the hashes of their files; the newest `MOST` are kept."""
    found = {sha256.lower(): os.path.abspath(path) for sha256, path in paths.items()}
    known = _read()
    if all(known.get(sha256) == path for sha256, path in found.items()):
        return
    place = _place()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with turn_in(place.parent):
            kept = {key: path for key, path in _read().items() if key not in found} | found
            newest = dict([*kept.items()][-MOST:])
            said = json.dumps({"format": _FORMAT, "places": newest}, indent=1, ensure_ascii=False)
            write_text(place, said + "\n")
    except (OSError, OutputError, UnicodeError) as error:
        _log.debug("Where checkpoints are was not kept: %s", error)


def where(sha256: str) -> Path | None:
    """Return where the checkpoint of this hash was when a picture was made with it, None where nobody knows."""
    path = _read().get(sha256.lower())
    return Path(path) if path else None


def _read() -> dict[str, str]:
    """Return all that is kept, the oldest first; nothing of a file that is damaged."""
    place = _place()
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        if place.stat().st_size <= _MOST_TEXT:
            said = json.loads(place.read_bytes())["places"].items()
            return {key: path for key, path in said if isinstance(path, str) and path and "\0" not in path}
    return {}


def _place() -> Path:
    return user_folder("state") / "whereabouts.json"
