"""Writing `NAME.hints.json`: what a person told about a checkpoint, so that it is known from now on.

What hints there are and how they are read stands in `sidecars`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from explorer.errors import CheckpointError, OutputError
from explorer.formats import sidecars
from explorer.formats.turns import turn_in
from explorer.models.base import ImageSpec
from explorer.paths import write_text

KIND = "hints.json"


def write_hints(checkpoint: Path, hints: Mapping[str, str]) -> Path:
    """Write hints beside a checkpoint, or into the user's data folder, whole or not at all; return where.

    Args:
        checkpoint: whose.
        hints: by key, as `--hint KEY=VALUE` takes them. What else is in the file stays; an empty text takes
            that hint out. No hints at all take the file away.

    Raises:
        UsageError: a hint is unknown or makes no sense.
        OutputError: the file cannot be written or taken away.
    """
    told = sidecars.parsed_hints({key: value for key, value in hints.items() if value})
    place = sidecars.writable_place(checkpoint, KIND)
    with turn_in(place.parent):
        said = _said(checkpoint) if hints else {}
        said = {key: value for key, value in said.items() if key not in hints}
        said |= {key: _entry(value, hints[key]) for key, value in told.items()}
        if said or _is_covering(checkpoint, place):
            write_text(place, _as_text(said))
        else:
            _remove(place)
    return place


def _said(checkpoint: Path) -> dict[str, Any]:
    """Return what the file says now; one that cannot be used says nothing, and is written over."""
    path = sidecars.find(checkpoint, KIND)
    try:
        return sidecars.read_json(path) if path else {}
    except CheckpointError:
        return {}


def _is_covering(checkpoint: Path, place: Path) -> bool:
    """Return whether another file would be read if the one at `place` were not there."""
    return any(path != place for path in sidecars.layers(checkpoint, KIND))


def _remove(place: Path) -> None:
    try:
        place.unlink(missing_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"{place} cannot be removed ({reason}); make its folder writable or remove it."
        ) from error


def _entry(value: Any, text: str) -> Any:
    """Return a hint as JSON that people read easily: lists of sides and of layers, numbers, else its text."""
    if isinstance(value, ImageSpec):
        return [value.channels, value.height, value.width]
    if isinstance(value, tuple):
        return [getattr(entry, "text", entry) for entry in value]
    return value if isinstance(value, int | float) else text


def _as_text(said: Mapping[str, Any]) -> str:
    """Return the file's text, a line for each hint."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in said.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n"
