"""A session file read back: found to be whole, then made into states of the checkpoints that were opened for it.

The file may be anybody's, so every value is looked at before it is used; what is said of it is in `session_file`.
Unknown keys are passed over. No Qt here and no torch; finding and opening the checkpoints is `session_opening`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.data import safe_json
from explorer.data.wording import shown
from explorer.errors import RecipeError, StageError, UsageError
from explorer.formats import sidecars
from explorer.gui.sessions.session_file import (
    MARK,
    MOST_BYTES,
    MOST_PLACES,
    MOST_STAGES,
    MOST_STEPS,
    SCHEMA,
    Moment,
)
from explorer.gui.sessions.session_parts import Parts
from explorer.gui.sessions.session_values import Wrong, entries, number, words
from explorer.gui.state import RowSettings, StageEntry, State
from explorer.models.base import LatentModel, StageModel, check_stages

if TYPE_CHECKING:
    from explorer.formats import Opened

_MEND = "open another one, or mend the file"


@dataclass(frozen=True)
class Wanted:
    """A checkpoint as a session names it.

    `path` is relative to the session file or whole, as it was written; `hints` are all by which it was read, None
    where nobody knows them.
    """

    name: str
    sha256: str | None = None
    path: str | None = None
    bundled: str | None = None
    hints: Mapping[str, str] | None = field(default=None, hash=False)


@dataclass(frozen=True, eq=False)
class Restored:
    """A session made of a file, and sentences on what could not be brought back."""

    moment: Moment
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SavedSession:
    """What a session file says, before any checkpoint is open.

    Attributes:
        file: where it was read.
        model, stages: what has to be opened; stages by their ids, those too that only undo knows.
        saved: when it was written, None where it does not say.
        session_path: the session file that this one is the double of, where it is one.
        steps: how many can be undone.
        said: all of it, as JSON has it.
    """

    file: Path
    model: Wanted
    stages: Mapping[int, Wanted]
    saved: datetime | None
    session_path: str | None
    steps: int
    said: Mapping[str, Any] = field(repr=False)

    def state(self, opened: Opened, stages: Mapping[int, StageModel]) -> Restored:
        """Return the session as states of a model and of stages by their ids; those not given are left out.

        Raises:
            RecipeError: it does not fit the model, or something in it is not as it should be.
        """
        try:
            return _Making(self, opened, stages).restored()
        except Wrong as wrong:
            raise RecipeError(f"{self.file} cannot be used: {wrong}; {_MEND}.") from wrong


def read(path: Path | str) -> SavedSession:
    """Read a session file.

    Raises:
        RecipeError: it is none, is damaged, or was written by a newer version of the program.
    """
    path = Path(path)
    said = _json(path)
    try:
        stages = {}
        for key in ("stages", "other_stages"):
            for index, each in enumerate(entries(said, key, MOST_STAGES), 1):
                where = f"{key} {index}"
                stages[number(each.get("id"), 1, 1 << 50, f"{where}: id")] = _wanted(each, where)
        return SavedSession(
            path,
            _wanted(said.get("model"), "model"),
            stages,
            _moment(said.get("saved")),
            _usable_path(said.get("session")),
            len(_listed(said, "undo")),
            said,
        )
    except Wrong as wrong:
        raise RecipeError(f"{path} cannot be used: {wrong}; {_MEND}.") from wrong


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise RecipeError(f"{path} is no ordinary file; give a session file (NAME.session.json).")
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "no usable file name").lower()
        raise RecipeError(f"{shown(path, 300)} cannot be read ({reason}); check the spelling.") from error
    if len(data) > MOST_BYTES:
        raise RecipeError(f"{path} is larger than a session file can be; choose another one.")
    try:
        said = safe_json.parse(data.decode("utf-8-sig"), MOST_BYTES)
    except safe_json.Refused as error:
        raise RecipeError(f"{path} cannot be used: {error}; {_MEND}.") from error
    except (ValueError, MemoryError) as error:
        raise RecipeError(
            f"{path} is damaged (it is no valid JSON); choose another session, or an older copy of this one."
        ) from error
    if not isinstance(said, dict) or said.get(MARK) != "session":
        raise RecipeError(f"{path} is no session of this program; choose a file that Save session wrote.")
    schema = said.get("schema")
    if type(schema) is not int or schema < 1:
        raise RecipeError(f"{path} cannot be used: its schema should be a number from 1 on; {_MEND}.")
    if schema > SCHEMA:
        raise RecipeError(
            f"{path} was saved by a newer version of the program ({shown(said.get('program'), 20)}); "
            "update the program to open it."
        )
    return said


def _wanted(said: Any, where: str) -> Wanted:
    if not isinstance(said, dict):
        raise Wrong(f"{where} should be an object that names a checkpoint")
    if not isinstance(said.get("name"), str):
        raise Wrong(f"{where}: name should be a text, not {shown(said.get('name'), 30)}")
    found = {key: _usable_path(said.get(key)) for key in ("sha256", "path", "bundled")}
    return Wanted(said["name"][:300], **found, hints=_usable_hints(said.get("hints")))


def _usable_hints(said: Any) -> dict[str, str] | None:
    """Return hints that make sense; None where they do not, or there are none."""
    if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
        return None
    try:
        sidecars.parsed_hints(said)
    except UsageError:
        return None
    return said


def _usable_path(said: Any) -> str | None:
    """Return a name or path that is no nonsense, as it is."""
    return said if isinstance(said, str) and len(said) <= 4096 and "\0" not in said else None


def _listed(said: Mapping[str, Any], key: str) -> list[Any]:
    """Return the first steps of a list; none where it is no list."""
    found = said.get(key, [])
    return found[:MOST_STEPS] if isinstance(found, list) else []


def _moment(said: Any) -> datetime | None:
    try:
        when = datetime.fromisoformat(said)
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None


class _Making:
    """One making of states; collects what cannot be brought back."""

    def __init__(self, saved: SavedSession, opened: Opened, stages: Mapping[int, StageModel]) -> None:
        assert isinstance(opened.model, LatentModel)
        self._saved, self._opened, self._stages = saved, opened, stages
        self._model = opened.model
        self._warnings: list[str] = []
        self._parts = Parts(opened.model, saved.said, self._leave_out)

    def restored(self) -> Restored:
        parts = self._parts
        state = self._first()
        past = self._steps("undo", state)
        future = self._steps("redo", state)
        rows = self._or_else(RowSettings(), parts.rows)
        focused = self._or_else(0, parts.focused, state.space)
        places = parts.places(self._opened.notes.places, MOST_PLACES)
        return Restored(Moment(state, past, future, rows, focused, places), tuple(self._warnings))

    def _first(self) -> State:
        said = dict(self._saved.said)
        notes = self._opened.notes
        if "code" not in said:
            raise Wrong("it has no code")
        said["stages"] = [
            [each.get("id"), each.get("enabled", True)] for each in entries(said, "stages", MOST_STAGES)
        ]
        empty = self._parts.empty(self._opened, notes.titles, notes.remarks)
        state = self._next({"code": said.pop("code")}, empty, "")
        for key in said:  # one by one, so that one that is damaged costs nothing but itself
            state = self._or_else(state, self._next, {key: said[key]}, state, "", True)
        return state

    def _or_else(self, otherwise: Any, make: Callable[..., Any], *of: Any) -> Any:
        """Return `make(*of)`; where the file is wrong there, tell it and return something else."""
        try:
            return make(*of)
        except Wrong as wrong:
            self._leave_out("A part", wrong)
            return otherwise

    def _leave_out(self, what: str, wrong: Wrong) -> None:
        self._warnings.append(f"{what} of {self._saved.file.name} was left out: {wrong}.")

    def _steps(self, key: str, state: State) -> tuple[tuple[str, State], ...]:
        """Return the states of `undo` or `redo`, the one nearest to `state` last, each with its step's name.

        Each is told by the one before, so a damaged one ends them.
        """
        steps = []
        for count, said in enumerate(_listed(self._saved.said, key), 1):
            where = f"{key} step {count}"
            try:
                if not isinstance(said, dict):
                    raise Wrong(f"{where} should be an object")
                state = self._next(said, state, f"{where}: ")
                steps.append((words(said.get("what", ""), 300, f"{where}: what"), state))
            except Wrong as wrong:
                self._leave_out(f"What {key} has from step {count} on", wrong)
                break
        return tuple(reversed(steps))

    def _next(self, said: Mapping[str, Any], other: State, where: str, tell: bool = False) -> State:
        """Return the state that differs from another one by what is said."""
        state = self._parts.changed(said, other, where)
        if "stages" not in said:
            return state
        return replace(state, stages=self._fitting(self._chain(said["stages"], f"{where}stages"), tell))

    def _chain(self, said: Any, where: str) -> list[StageEntry]:
        if not isinstance(said, list):
            raise Wrong(f"{where} should be a list")
        chain: list[StageEntry] = []
        for each in said:
            if not (isinstance(each, list) and len(each) == 2 and type(each[1]) is bool):
                raise Wrong(f"{where} should each have an id and whether it is on")
            stage_id = number(each[0], 1, 1 << 50, where)
            if stage_id in self._stages and all(entry.id != stage_id for entry in chain):
                chain.append(StageEntry(stage_id, self._stages[stage_id], each[1]))
        return chain

    def _fitting(self, chain: Sequence[StageEntry], tell: bool) -> tuple[StageEntry, ...]:
        """Return the entries without the enabled ones that do not fit behind what comes before them."""
        kept: list[StageEntry] = []
        for entry in chain:
            try:
                check_stages(self._model.image, [e.stage for e in (*kept, entry) if e.enabled])
            except StageError as error:
                if tell:
                    self._warnings.append(f"The stage {entry.stage.name} was left out. {error}")
                continue
            kept.append(entry)
        return tuple(kept)
