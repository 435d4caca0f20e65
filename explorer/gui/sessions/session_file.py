"""`NAME.session.json`: everything a session holds, as JSON that people can read; how it is written.

    {"latent-explorer": "session", "schema": 1, "program": "0.1.0", "saved": "2026-05-04T10:00:00+00:00",
     "model": {"name": "faces", "sha256": "...", "hints": {}, "path": "../faces.safetensors"},
     "space": "z", "code": [0.5, -1.0], "locked": ["z2"], "seed": null, ...
     "stages": [{"id": 1, "enabled": true, "name": "colour", "sha256": "...", "bundled": "anime-colorizer"}],
     "places": [...], "undo": [{"what": "z1", "code": {"z1": 0.0}}, ...], "redo": [...], "pictures": {...}}

Paths are relative to the file and have `/`; bundled networks go by name; hints are those by which a checkpoint
was read. Numbers are the shortest decimals that
give the same float32 again, dimensions count from 1. A step of `undo` or `redo`, the nearest first, holds what is
different from the state that it is a step away from. Pictures are PNG in base64, named by their hash. Reading is
`session_reading`. No Qt here and no torch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer import __version__, paths
from explorer.data.safe_json import is_modest
from explorer.errors import OutputError
from explorer.gui.sessions.session_state import Drawn, step, whole
from explorer.gui.sessions.session_text import Ready, laid_out, one_line
from explorer.gui.state import Place, RowSettings, State
from explorer.gui.undo import UNDO_LIMIT

if TYPE_CHECKING:
    from explorer.gui.session import Session
    from explorer.models.base import LatentModel, StageModel

MARK = "latent-explorer"
SCHEMA = 1
SUFFIX = ".session.json"
MOST_STEPS = UNDO_LIMIT
MOST_STEP_TEXT = 6_000_000
"""Letters of all steps of undo, or of redo, with the pictures that they alone need; older ones are left out."""

MOST_PLACE_TEXT = 4_000_000
MOST_PLACES = 20_000
MOST_STAGES = 64
"""In the chain, and as many that only undo knows."""

MOST_BYTES = 64 << 20
MOST_PICTURE_TEXT = 32_000_000
"""Letters of the pictures that are shown; those of undo are in `MOST_STEP_TEXT`."""

MOST_PIXELS = 100_000_000
"""Of all pictures together."""

# What is left out, one more each time, until the reader would take the file.
_LADDER = ((), ("undo", "redo"), ("undo", "redo", "pictures"), ("undo", "redo", "pictures", "places"))


@dataclass(frozen=True, eq=False)
class Moment:
    """What a session holds at one moment, frozen, so that any thread may write it down.

    `past` and `future` are as `Session` has them: the step that undo or redo takes first is the last.
    """

    state: State
    past: tuple[tuple[str, State], ...] = ()
    future: tuple[tuple[str, State], ...] = ()
    rows: RowSettings = field(default_factory=RowSettings)
    focused: int = 0
    places: tuple[Place, ...] = ()


def moment_of(session: Session) -> Moment:
    """Return what a session holds now; called in the GUI thread."""
    return Moment(
        session.state, session.past, session.future, session.rows, session.focused, session.places.all
    )


def describe(moment: Moment, near: Path | None, session_path: Path | None = None) -> str:
    """Return the text of a session file; see `Scribe.describe`."""
    return Scribe().describe(moment, near, session_path)


class Scribe:
    """Writes moments of one session; what did not change since the last one is not worked out again."""

    def __init__(self) -> None:
        self._before: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self._now: dict[tuple[Any, ...], tuple[Any, Any]] = {}
        self.left_out = ""  # of the last file, for people

    def describe(self, moment: Moment, near: Path | None, session_path: Path | None = None) -> str:
        """Return the text of a session file.

        Args:
            moment: with a model.
            near: the folder that paths are relative to; None keeps them whole.
            session_path: where the session was saved or opened, for a file that is only its double.

        What would make the file larger than the reader takes is left out; `left_out` says so for people.

        Raises:
            OutputError: even the rest is too large.
        """
        self._before, self._now = self._now, {}
        for left_out in _LADDER:
            text = self._described(moment, near, session_path, left_out)
            if is_modest(text, MOST_BYTES) and len(text.encode(errors="backslashreplace")) <= MOST_BYTES:
                return text
        raise OutputError("The session is too large to be saved; take names, notes or starred places away.")

    def _described(
        self, moment: Moment, near: Path | None, session_path: Path | None, left_out: Sequence[str]
    ) -> str:
        assert moment.state.opened is not None
        model: LatentModel = moment.state.opened.model  # type: ignore[assignment]
        state, drawn = self._once(whole, moment.state)
        pictures = _Pictures(MOST_PIXELS)
        self.left_out = "" if pictures.add(drawn, MOST_PICTURE_TEXT, "pictures" in left_out) else "pictures"
        said: dict[str, Any] = {
            MARK: "session",
            "schema": SCHEMA,
            "program": __version__,
            "saved": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **({"session": str(session_path)} if session_path else {}),
            "model": _network(model, near),
            **state,
        }
        past, future = (moment.past, moment.future) if "undo" not in left_out else ((), ())
        undo, kept_past = self._steps(moment.state, past, pictures)
        redo, kept_future = self._steps(moment.state, future, pictures)
        said["stages"], said["other_stages"] = _stages(moment.state, [*kept_past, *kept_future], near)
        said |= {"rows": asdict(moment.rows), "focused": moment.focused + 1}
        said["places"] = self._places(moment.places if "places" not in left_out else ())
        said["places_gone"] = _gone(moment)
        said |= {"undo": undo, "redo": redo, "pictures": pictures.texts}
        return laid_out(said)

    def _steps(
        self, state: State, steps: Iterable[tuple[str, State]], pictures: _Pictures
    ) -> tuple[list[Ready], list[State]]:
        """Return the steps nearest first, and their states; add the pictures that they need."""
        lines: list[Ready] = []
        states: list[State] = []
        room = MOST_STEP_TEXT
        for what, other in reversed(list(steps)[-MOST_STEPS:]):
            if other.opened is not state.opened:
                break
            line, needed = self._once(step, other, states[-1] if states else state, what)
            before = pictures.letters
            if not pictures.add(needed, room - len(line)):
                break
            room -= len(line) + pictures.letters - before
            if room < 0:
                break
            lines.append(line)
            states.append(other)
        return lines, states

    def _places(self, places: tuple[Place, ...]) -> list[Ready]:
        """Return the places, oldest first; where there are too many, without the oldest that nobody starred."""
        places = places[-MOST_PLACES:]
        lines = [self._once(_place, place) for place in places]
        room = MOST_PLACE_TEXT - sum(
            len(line) for line, place in zip(lines, places, strict=True) if place.starred
        )
        kept: list[Ready] = []
        for line, place in zip(reversed(lines), reversed(places), strict=True):
            room -= 0 if place.starred else len(line)
            if room >= 0 or place.starred:
                kept.append(line)
        return kept[::-1]

    def _once(self, make: Callable[..., Any], *of: Any) -> Any:
        """Return `make(*of)`, from the last time where it was the same; `of` is frozen."""
        key = (make, *(each if isinstance(each, str) else id(each) for each in of))
        found = self._before.get(key)
        value = found[1] if found is not None else make(*of)
        self._now[key] = (of, value)  # holding `of` keeps its id its own
        return value


class _Pictures:
    """The pictures of one file, by their names, within what its reader takes."""

    def __init__(self, pixels: int) -> None:
        self.texts: dict[str, str] = {}
        self.letters = 0
        self._pixels = pixels

    def add(self, drawn: Mapping[str, Drawn], letters: int, is_full: bool = False) -> bool:
        """Add those that are new and have room; return whether that are all."""
        is_whole = True
        for name, picture in drawn.items():
            if name in self.texts:
                continue
            letters -= len(picture.text)
            if is_full or letters < 0 or picture.pixels > self._pixels:
                letters += len(picture.text)
                is_whole = False
                continue
            self.texts[name] = picture.text
            self.letters += len(picture.text)
            self._pixels -= picture.pixels
        return is_whole


# ---- what is beside it ----


def _place(place: Place) -> Ready:
    said: dict[str, Any] = {"id": place.id, "space": place.space, "code": place.code, "what": place.what}
    more = {"name": place.name, "starred": place.starred, "parent": place.parent}
    said |= {key: value for key, value in more.items() if value not in ("", False, None)}
    return Ready(one_line(said | _labelled(place.label)))


def _gone(moment: Moment) -> list[Ready]:
    """Return the starred places of the checkpoint's notes that the session has no more."""
    assert moment.state.opened is not None
    starred = {(place.space, place.code.tobytes(), place.label) for place in moment.places if place.starred}
    return [
        Ready(one_line({"space": saved.space, "code": saved.code} | _labelled(saved.label)))
        for saved in moment.state.opened.notes.places
        if (saved.space, np.asarray(saved.code, np.float32).tobytes(), saved.label) not in starred
    ]


def _labelled(label: int | None) -> dict[str, int]:
    return {} if label is None else {"label": label}


def _stages(
    state: State, others: Iterable[State], near: Path | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the stages of a state, and those that only the others have."""
    own = [{"id": e.id, "enabled": e.enabled, **_network(e.stage, near)} for e in state.stages[:MOST_STAGES]]
    known = {entry.id for entry in state.stages}
    more: dict[int, dict[str, Any]] = {}
    for entry in (entry for other in others for entry in other.stages):
        if entry.id not in known and entry.id not in more:
            more[entry.id] = {"id": entry.id, **_network(entry.stage, near)}
    return own, list(more.values())[:MOST_STAGES]


def _network(network: LatentModel | StageModel, near: Path | None) -> dict[str, Any]:
    """Return how a checkpoint is found again."""
    origin = network.origin
    said: dict[str, Any] = {"name": network.name, "sha256": origin.sha256 if origin else None}
    if origin is None:
        return said
    said["hints"] = dict(origin.hints)
    path = Path(os.path.abspath(origin.path))
    bundled = paths.bundled().get(path.stem)
    if bundled is not None and os.path.realpath(bundled) == os.path.realpath(path):
        return said | {"bundled": path.stem}
    return said | {"path": _path_from(path, near)}


def _path_from(path: Path, near: Path | None) -> str:
    """Return a path as seen from a folder, whole where it is on another drive."""
    try:
        return Path(os.path.relpath(path, near) if near is not None else path).as_posix()
    except ValueError:
        return path.as_posix()
