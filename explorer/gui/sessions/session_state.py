"""One state of a session as JSON has it, whole or as what differs from another one; for `session_file`."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from explorer.gui.sessions.session_text import Ready, one_line
from explorer.gui.state import Anchor, Original, State, same


def whole(state: State) -> tuple[dict[str, Any], dict[str, Drawn]]:
    """Return a state without its model and stages, and the pictures that it needs by their names."""
    pictures: dict[str, Drawn] = {}
    notes = state.opened.notes if state.opened else None
    said = {
        "space": state.space,
        "code": state.code,
        "locked": _locked(state),
        "label": state.label,
        "style": asdict(state.style),
        "seed": state.seed,
        "original": _end(state, state.original, pictures),
        "A": _end(state, state.anchor_a, pictures),
        "B": _end(state, state.anchor_b, pictures),
        "strip": asdict(state.strip),
        "map": _map(state),
        "titles": _words(state.titles, notes.titles if notes else {}),
        "remarks": _words(state.remarks, notes.remarks if notes else {}),
    }
    return said, pictures


def step(state: State, after: State, what: str) -> tuple[Ready, dict[str, Drawn]]:
    """Return one line on what of a state is different from the one `after` it, and the pictures that it needs."""
    pictures: dict[str, Drawn] = {}
    told: dict[str, Callable[[], Any]] = {
        "space": lambda: state.space,
        "code": lambda: _code(state, after),
        "locked": lambda: _locked(state),
        "label": lambda: state.label,
        "style": lambda: asdict(state.style),
        "seed": lambda: state.seed,
        "original": lambda: _end(state, state.original, pictures),
        "anchor_a": lambda: _end(state, state.anchor_a, pictures),
        "anchor_b": lambda: _end(state, state.anchor_b, pictures),
        "strip": lambda: asdict(state.strip),
        "stages": lambda: [[entry.id, entry.enabled] for entry in state.stages],
        "map": lambda: _map(state),
        "titles": lambda: _words(state.titles, after.titles, only_other=True),
        "remarks": lambda: _words(state.remarks, after.remarks, only_other=True),
    }
    said = {
        _KEYS.get(part, part): tell()
        for part, tell in told.items()
        if not _is_same(getattr(state, part), getattr(after, part))
    }
    return Ready(one_line({"what": what, **said})), pictures


_KEYS = {"anchor_a": "A", "anchor_b": "B"}


def _is_same(one: object, other: object) -> bool:
    """Compare parts of a state, numbers to the bit: 0 and -0 are two."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one is other or (one.shape == other.shape and one.tobytes() == other.tobytes())
    return same(one, other)


def _code(state: State, after: State) -> Any:
    """Return all numbers of a code, or by name the few that differ from the code after it."""
    if state.space == after.space and state.code.shape == after.code.shape:
        changed = np.flatnonzero(state.code.view(np.uint32) != after.code.view(np.uint32))
        if 3 * len(changed) <= len(state.code):
            return {f"{state.space}{index + 1}": state.code[index] for index in changed.tolist()}
    return state.code


def _locked(state: State) -> list[str]:
    return [f"{state.space}{index + 1}" for index in np.flatnonzero(state.locked).tolist()]


def _map(state: State) -> dict[str, Any]:
    plane = state.map.plane
    axes = plane if isinstance(plane, str) else [f"{state.space}{index + 1}" for index in plane]
    return {**asdict(state.map), "plane": axes}


def _words(words: Mapping[str, str], others: Mapping[str, str], only_other: bool = False) -> dict[str, str]:
    """Return words, and nothing ("") for those that only `others` has; `only_other`: without what both have."""
    said = {key: "" for key in others if key not in words}
    return said | {key: text for key, text in words.items() if not only_other or others.get(key) != text}


def _end(state: State, anchor: Anchor | Original | None, pictures: dict[str, Drawn]) -> dict[str, Any] | None:
    if anchor is None or anchor.code.shape != state.code.shape:
        return None
    said: dict[str, Any] = {"label": anchor.label, "code": anchor.code}
    if anchor.picture is not None and anchor.picture.size:
        if anchor not in _drawn:
            _drawn[anchor] = _png(anchor.picture)
        name, text = _drawn[anchor]
        said["picture"], pictures[name] = name, Drawn(text, anchor.picture[..., 0].size)
    return said


_drawn: WeakKeyDictionary[Anchor | Original, tuple[str, str]] = WeakKeyDictionary()


class Drawn(NamedTuple):
    """A picture as PNG in base64, and how many pixels it has."""

    text: str
    pixels: int


def _png(picture: np.ndarray) -> tuple[str, str]:
    """Return a name and the PNG in base64 of a picture, uint8 `(H, W, 1|3)`."""
    from PIL import Image

    file = io.BytesIO()
    pixels = np.ascontiguousarray(picture[..., 0] if picture.shape[-1] == 1 else picture)
    Image.fromarray(pixels).save(file, "png", compress_level=1)
    data = file.getvalue()
    return hashlib.sha256(data).hexdigest()[:12], base64.b64encode(data).decode()
