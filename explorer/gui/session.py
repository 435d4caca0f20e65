"""The one state of the window: model, code, anchors, stages, selection; setters, signals and undo.

Everything that can be undone lives in one frozen `State`; a setter makes the next one, the signals of the parts that
differ are emitted, and the undo stack is a list of states (they share their arrays). Panels read properties, call
setters and redraw on signals; they keep no copy. No widget, no thread and no torch here.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError
from explorer.formats.notes import clean_remark, clean_title
from explorer.gui import spaces
from explorer.gui.first_state import first_state
from explorer.gui.history.places import Places
from explorer.gui.state import (
    SEED_LIMIT,
    Anchor,
    MapSettings,
    Original,
    Place,
    Rival,
    RowSettings,
    Side,
    StageEntry,
    State,
    StripSettings,
    StyleSettings,
    frozen_code,
    same,
)
from explorer.gui.undo import UndoStack
from explorer.latent import sampling
from explorer.models.base import DecodeOptions, LatentModel, Space, StageModel, check_stages

if TYPE_CHECKING:
    from explorer.data.code_book import CodeBook
    from explorer.formats import Opened
    from explorer.latent.activity import Activity


class Session(QObject):
    """The state, with setters and one signal a part; signals carry nothing, listeners read the session."""

    model_changed = Signal()
    space_changed = Signal()
    code_changed = Signal()
    code_committed = Signal()
    locks_changed = Signal()
    options_changed = Signal()
    seed_changed = Signal()
    original_changed = Signal()
    anchors_changed = Signal()
    strip_changed = Signal()
    stages_changed = Signal()
    map_changed = Signal()
    focus_changed = Signal()
    rows_changed = Signal()
    activity_changed = Signal()
    words_changed = Signal()  # names of and notes on dimensions
    undo_changed = Signal()
    weights_changed = Signal()  # of the same networks: another epoch of a run; everything else stays
    rival_changed = Signal()
    arrived = Signal(str)  # at a code that somebody chose at once: Random, a click, a picture; what it was
    message = Signal(str, str, str)  # see `tell`

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = State()
        self._undo = UndoStack()
        self._stage_ids = 0
        self._shown_book: tuple[object, str, CodeBook | None] = (None, "", None)
        self.generation = 0
        self.focused = 0
        self.is_focus_chosen = False  # by somebody, not by what is known of the dimensions
        self.rows = RowSettings()
        self.activity: Activity | None = None
        self.rival: Rival | None = None
        self._signals = {
            "opened": self.model_changed,
            "space": self.space_changed,
            "locked": self.locks_changed,
            "label": self.options_changed,
            "style": self.options_changed,
            "stages": self.stages_changed,
            "code": self.code_changed,
            "seed": self.seed_changed,
            "original": self.original_changed,
            "anchor_a": self.anchors_changed,
            "anchor_b": self.anchors_changed,
            "strip": self.strip_changed,
            "map": self.map_changed,
            "titles": self.words_changed,
            "remarks": self.words_changed,
        }
        self.places = Places(self)

    # ---- reading ----

    @property
    def model(self) -> LatentModel | None:
        """The open model."""
        return self._state.opened.model if self._state.opened else None  # type: ignore[return-value]

    @property
    def code_book(self) -> CodeBook | None:
        """The codes of real pictures that came with the model."""
        return self._state.opened.code_book if self._state.opened else None

    @property
    def shown_book(self) -> CodeBook | None:
        """The same in the shown space; None where its codes have no place there."""
        opened, name = self._state.opened, self._state.space
        if opened is None or self.model is None:
            return None
        if self._shown_book[:2] != (opened, name):
            self._shown_book = (opened, name, spaces.book_in(opened.code_book, self.model, name))
        return self._shown_book[2]

    @property
    def state(self) -> State:
        """Everything that undo brings back, frozen."""
        return self._state

    @property
    def past(self) -> tuple[tuple[str, State], ...]:
        """What Undo goes through, the newest step last: its name, and the state before it."""
        return tuple(self._undo.past)

    @property
    def future(self) -> tuple[tuple[str, State], ...]:
        """What Redo goes through, the next step last: its name, and the state after it."""
        return tuple(self._undo.future)

    @property
    def room(self) -> int:
        """How many bytes the weights of all models may take that Undo goes back to."""
        return self._undo.room

    @room.setter
    def room(self, room: int) -> None:
        self._undo.room = room

    @property
    def held(self) -> tuple[Opened, ...]:
        """Every checkpoint that is in memory for the session: the shown one first, then those of Undo and Redo."""
        steps = (*reversed(self._undo.past), *self._undo.future)
        states = (self._state, *(state for _, state in steps))
        return tuple(dict.fromkeys(state.opened for state in states if state.opened is not None))

    @property
    def is_moving(self) -> bool:
        """Whether steps in a row are being joined to one: a drag, a key that is held."""
        return self._undo.is_merging

    def title_of(self, index: int) -> str:
        """Return what people called a dimension of the shown space, or nothing."""
        return self._state.titles.get(self._key_of(index), "")

    def remark_of(self, index: int) -> str:
        """Return the note on a dimension of the shown space, or nothing."""
        return self._state.remarks.get(self._key_of(index), "")

    @property
    def dimension_names(self) -> dict[int, str]:
        """What people called dimensions of the shown space, by 0-based index."""
        titles = {index: self.title_of(index) for index in range(self.dim)} if self._state.titles else {}
        return {index: title for index, title in titles.items() if title}

    @property
    def space(self) -> Space | None:
        """The latent space that the sliders show."""
        return self.model.spaces[self._state.space] if self.model else None

    @property
    def dim(self) -> int:
        """Number of dimensions of the shown space, 0 without a model."""
        return self.space.dim if self.space else 0

    @property
    def code(self) -> np.ndarray:
        """The current code, read-only float32 `(dim,)`."""
        return self._state.code

    @property
    def locked(self) -> np.ndarray:
        """Bool `(dim,)`: dimensions that Random leaves."""
        return self._state.locked

    @property
    def classes(self) -> int:
        """How many classes the model knows; 0 where it knows none."""
        return self.model.classes if self.model is not None and "labels" in self.model.accepts else 0

    @property
    def label(self) -> int:
        """The class that pictures are made of, from 0 on."""
        return self._state.label

    @property
    def known_label(self) -> int | None:
        """The class that pictures are made of; None where the model knows none."""
        return self._state.label if self.classes else None

    @property
    def style(self) -> StyleSettings:
        """Truncation, noise, moves and head of every picture."""
        return self._state.style

    @property
    def seen_by(self) -> tuple[object, ...]:
        """What pictures of a code are told apart by besides their stages: weights and options, as they compare."""
        return self.model.network if self.model else None, self._state.label, self._state.style

    @property
    def options(self) -> DecodeOptions:
        """What every picture is decoded with besides its code."""
        return self._state.options

    @property
    def seed(self) -> int | None:
        """The seed that made the current code, None once it was changed by hand."""
        return self._state.seed

    @property
    def original(self) -> Original | None:
        """The picture that was encoded to the canvas."""
        return self._state.original

    @property
    def anchors(self) -> dict[str, Anchor | None]:
        """The ends of the strip."""
        return {"A": self._state.anchor_a, "B": self._state.anchor_b}

    @property
    def strip(self) -> StripSettings:
        """Settings of the strip."""
        return self._state.strip

    @property
    def stages(self) -> tuple[StageEntry, ...]:
        """The stages in their order, enabled or not."""
        return self._state.stages

    @property
    def enabled_stages(self) -> tuple[StageModel, ...]:
        """The stages that are on, in their order."""
        return tuple(entry.stage for entry in self._state.stages if entry.enabled)

    @property
    def map(self) -> MapSettings:
        """Settings of the map."""
        return self._state.map

    @property
    def main_dimensions(self) -> tuple[int, int]:
        """The two dimensions of largest influence in ascending order, the first two while nothing is known."""
        if self.activity is None or self.dim < 2:
            return 0, min(1, max(self.dim - 1, 0))
        first, second = sorted(np.argsort(-self.activity.influence, kind="stable")[:2].tolist())
        return first, second

    def slider_range(self, index: int) -> tuple[float, float]:
        """Return the ends of a slider, centre -+ 3 spreads."""
        assert self.space is not None
        center, spread = float(self.space.center[index]), float(self.space.spread[index])
        return center - 3 * spread, center + 3 * spread

    def name_of(self, index: int) -> str:
        """Return the letter and number of a dimension, `z1` for index 0."""
        return f"{self.space.letters if self.space else ''}{index + 1}"

    def _key_of(self, index: int) -> str:
        """Return what the words on a dimension are kept by: its name, with what tells its space from others."""
        return f"{self._state.space}{index + 1}"

    # ---- telling ----

    def tell(self, level: str, text: str, details: str = "") -> None:
        """Say a finished sentence where messages are shown; may be called by anyone in the GUI thread.

        Args:
            level: `info`, `warning` or `error`.
            text: the sentence.
            details: what a bug report needs, such as a traceback.
        """
        self.message.emit(level, text, details)

    # ---- model ----

    def open(self, opened: Opened) -> None:
        """Show another model: its code at the centre, the stages that still fit, nothing locked."""
        before = self._state
        self.become("Open", first_state(opened, before))
        dropped = [entry.stage.name for entry in before.stages if entry not in self._state.stages]
        if dropped:
            self.tell(
                "warning",
                f"{', '.join(dropped)} does not fit pictures of {self._state.opened.model.image} and was taken out; "  # type: ignore[union-attr]
                "Undo brings it back.",
            )

    def become(self, what: str, state: State) -> None:
        """Show a state that was made elsewhere, as one undo step; its model may be another one."""
        is_other = state.opened is not self._state.opened
        self._set(what, **{**vars(state), "stages": self._numbered(state.stages)})
        if is_other:
            self._undo.forget_other_models(state)
            self.undo_changed.emit()

    def _numbered(self, entries: Sequence[StageEntry]) -> tuple[StageEntry, ...]:
        """Return the entries with new ids for those that are not shown: undo may know another stage by theirs."""
        known = {entry.id: entry.stage for entry in self._state.stages}
        numbered = []
        for entry in entries:
            if known.get(entry.id) is not entry.stage:
                self._stage_ids += 1
                entry = replace(entry, id=self._stage_ids)
            numbered.append(entry)
        return tuple(numbered)

    def restore(
        self,
        state: State,
        past: Sequence[tuple[str, State]] = (),
        future: Sequence[tuple[str, State]] = (),
        rows: RowSettings | None = None,
    ) -> None:
        """Become a session that was saved, with what can be undone and redone there."""
        self._undo.replace(past, future)
        entries = [entry for each in (state, *(s for _, s in (*past, *future))) for entry in each.stages]
        self._stage_ids = max((entry.id for entry in entries), default=self._stage_ids)
        if rows is not None:
            self.set_rows(**vars(rows))
        self._show(state)
        self.undo_changed.emit()
        self.code_committed.emit()

    def show_weights(self, change: Callable[[State], State]) -> None:
        """Show the session through other weights of its networks, as `weights` changes states.

        No step of undo but a view, as zoom is: the states of undo are changed likewise, so that going back in them
        stays with the epoch that is shown. Code, ends, map, rows and stages are as they were.
        """
        before, self._state = self._state, change(self._state)
        self._undo.change(change)
        if before.stages is not self._state.stages:
            self.stages_changed.emit()
        if before.opened is not self._state.opened:
            self.options_changed.emit()
        self.weights_changed.emit()

    def compare_with(self, rival: Rival | None) -> None:
        """Let the canvas compare its picture with that of other weights; None: no more."""
        if rival is not self.rival:
            self.rival = rival
            self.rival_changed.emit()

    def set_activity(self, activity: Activity) -> None:
        """Store what each dimension does; arrives some time after the model."""
        self.activity = activity
        self.activity_changed.emit()

    def set_space(self, name: str) -> None:
        """Show another latent space of the model, its code at the centre."""
        if not self.model or name == self._state.space:
            return
        self._set("Space", **spaces.moved(self._state, name))

    def set_style(self, **changes: object) -> None:
        """Change truncation, noise, moves or head; changes of the same ones in a row are one step until `commit`."""
        self._set("Style", merge=("style", *sorted(changes)), style=replace(self._state.style, **changes))  # type: ignore[arg-type]

    def mix(self, place: Place, first: int, stop: int) -> None:
        """Take the styles of a place for the layers `first <= i < stop`; the code is one of all layers then."""
        changes = spaces.mixed(self._state, place, first, stop) if self.model else None
        if changes is not None:
            self.commit()
            self._set("Mix styles", **changes)
            self.code_committed.emit()
            self.arrived.emit("Mix styles")

    # ---- code ----

    def set_dimension(self, index: int, value: float) -> None:
        """Set one dimension, kept within its slider; calls in a row are one undo step until `commit`."""
        low, high = self.slider_range(index)
        code = np.array(self._state.code)
        code[index] = min(max(value, low), high)
        if not np.isfinite(code[index]) or self._state.code[index] == code[index]:
            return
        self._set(f"{self.name_of(index)}", merge=("dimension", index), code=frozen_code(code), seed=None)

    def center_dimension(self, index: int) -> None:
        """Put one dimension back to its centre, as a step of its own."""
        assert self.space is not None
        self.commit()
        self.set_dimension(index, float(self.space.center[index]))
        self.commit()

    def set_code(
        self, code: np.ndarray, *, what: str = "Move", merge: object = None, label: int | None = None
    ) -> None:
        """Set the whole code, never clamped; `merge` joins calls in a row to one step until `commit`.

        A `label` is the class to go to at the same time; one that the model does not know is left out.

        Raises:
            ValueError: not `(dim,)` finite numbers.
        """
        code = frozen_code(code)
        if code.shape != self._state.code.shape or not np.isfinite(code).all():
            raise ValueError(f"a code must be {self.dim} finite numbers, not {code.shape}")
        label = label if label is not None and 0 <= label < self.classes else self._state.label
        self._set(what, merge=merge, code=code, seed=None, label=label)

    def arrive(self, code: np.ndarray, what: str, label: int | None = None) -> None:
        """Go to a code that somebody chose at once, by a click, as a step of its own; history keeps it.

        A `label` is its class, as `set_code` takes it.
        """
        self.commit()
        self.set_code(code, what=what, label=label)
        self.code_committed.emit()
        self.arrived.emit(what)

    def commit(self) -> None:
        """End a drag: what follows is another undo step."""
        if self._undo.end_merging():
            self.code_committed.emit()

    def randomize(self, seed: int | None = None) -> None:
        """Draw a code from the prior with `seed` (a fresh one by default); locked dimensions stay."""
        if not self.space:
            return
        seed = secrets.randbelow(SEED_LIMIT) if seed is None else int(seed)
        drawn = sampling.sample(self.space, 1, seed, self.options)[0]
        code = np.where(self._state.locked, self._state.code, drawn)
        self._set("Random", code=frozen_code(code), seed=seed, original=None)
        self.code_committed.emit()
        self.arrived.emit("Random")

    def reset(self) -> None:
        """Put every dimension to its centre, the locked ones too."""
        if self.space:
            self._set("Reset", code=frozen_code(self.space.center), seed=None, original=None)
            self.code_committed.emit()
            self.arrived.emit("Reset")

    def set_locked(self, index: int, locked: bool) -> None:
        """Lock one dimension against Random, or free it."""
        if bool(self._state.locked[index]) != locked:
            changed = self._state.locked.copy()
            changed[index] = locked
            self._set("Lock" if locked else "Unlock", locked=changed)

    def set_label(self, label: int) -> None:
        """Make the pictures of another class of a conditional model; a code of w becomes one of that class."""
        if not 0 <= label < self.classes or label == self._state.label:
            return
        assert self.space is not None
        code = self.code if self.space.source is None else spaces.reclassed(self._state, label)
        self._set("Class", label=int(label), code=code)
        self.code_committed.emit()
        self.arrived.emit("Class")

    def show_encoded(self, code: np.ndarray, picture: np.ndarray, label: str) -> None:
        """Show the code that the encoder gave of a picture, and keep the picture for the wiper."""
        code = frozen_code(spaces.of_encoder(self._state, code))
        self._set("Picture", code=code, seed=None, original=Original(picture, code, label))
        self.code_committed.emit()
        self.arrived.emit(label or "Picture")

    def clear_original(self) -> None:
        """Take the encoded picture off the canvas."""
        if self._state.original is not None:
            self._set("Picture away", original=None)

    # ---- strip ----

    def set_anchor(self, side: Side, anchor: Anchor | None) -> None:
        """Set one end of the strip, or empty it."""
        name = "anchor_a" if side == "A" else "anchor_b"
        if getattr(self._state, name) is not anchor:
            self._set(f"Set {side}", **{name: anchor})

    def set_encoded(self, side: Side, code: np.ndarray, picture: np.ndarray, label: str) -> None:
        """Make the code that the encoder gave of a picture one end of the strip."""
        self.set_anchor(side, Anchor(frozen_code(spaces.of_encoder(self._state, code)), picture, label))

    def use_current(self, side: Side) -> None:
        """Make the current code one end of the strip, with the picture that it was encoded from, if it was."""
        if self.model is None:
            return
        original = self._state.original
        if original is not None and np.array_equal(original.code, self.code):
            self.set_anchor(side, Anchor(self.code, original.picture, original.label))
        else:
            self.set_anchor(side, Anchor(self.code, None, "current picture"))

    def swap_anchors(self) -> None:
        """Turn the strip round."""
        self._set("Swap A and B", anchor_a=self._state.anchor_b, anchor_b=self._state.anchor_a)

    def set_strip(self, **changes: object) -> None:
        """Change `steps` (1..31; many in a row are one undo step), `path` or `ends`."""
        if "steps" in changes:
            changes["steps"] = min(max(int(changes["steps"]), 1), 31)  # type: ignore[call-overload]
        merge = "steps" if changes.keys() == {"steps"} else None
        self._set("Strip", merge=merge, strip=replace(self._state.strip, **changes))  # type: ignore[arg-type]

    # ---- stages ----

    def add_stage(self, stage: StageModel) -> None:
        """Put a stage at the end of the chain, switched on.

        Raises:
            StageError: it does not fit what comes before it; the text names both shapes.
        """
        if not self.model:
            raise ExplorerError("Open a model first; a stage works on the pictures that it makes.")
        check_stages(self.model.image, [*self.enabled_stages, stage])
        self._stage_ids += 1
        self._set(f"Add {stage.name}", stages=(*self._state.stages, StageEntry(self._stage_ids, stage)))

    def remove_stage(self, stage_id: int) -> None:
        """Take a stage out; raises `StageError` where the rest no longer fits together."""
        self._set_stages("Remove stage", [e for e in self._state.stages if e.id != stage_id])

    def set_stage_enabled(self, stage_id: int, enabled: bool) -> None:
        """Switch a stage on or off; raises `StageError` where the chain no longer fits together."""
        self._set_stages(
            "Stage on" if enabled else "Stage off",
            [replace(e, enabled=enabled) if e.id == stage_id else e for e in self._state.stages],
        )

    def move_stage(self, stage_id: int, index: int) -> None:
        """Move a stage to a place in the chain; raises `StageError` where it does not fit there."""
        moved = [e for e in self._state.stages if e.id == stage_id]
        rest = [e for e in self._state.stages if e.id != stage_id]
        self._set_stages("Move stage", [*rest[:index], *moved, *rest[index:]])

    def _set_stages(self, what: str, entries: Sequence[StageEntry]) -> None:
        if self.model:
            check_stages(self.model.image, [e.stage for e in entries if e.enabled])
        if [(e.id, e.enabled) for e in entries] != [(e.id, e.enabled) for e in self._state.stages]:
            self._set(what, stages=tuple(entries))

    # ---- view ----

    def set_map(self, **changes: object) -> None:
        """Change `plane`, `colour` or `background`."""
        self._set("Map", map=replace(self._state.map, **changes))  # type: ignore[arg-type]

    def set_rows(self, **changes: object) -> None:
        """Change how slider rows are shown (no undo step)."""
        rows = replace(self.rows, **changes)  # type: ignore[arg-type]
        if rows != self.rows:
            self.rows = rows
            self.rows_changed.emit()

    def focus(self, index: int, chosen: bool = True) -> None:
        """Choose the row that shows its traversal; `chosen`: because somebody wants just this one."""
        self.is_focus_chosen = chosen
        if self.focused != index and 0 <= index < self.dim:
            self.focused = index
            self.focus_changed.emit()

    # ---- words ----

    def name_dimension(self, index: int, title: str) -> None:
        """Call a dimension of the shown space something; an empty title takes the name away."""
        name = self.name_of(index)
        self._set(
            f"Name {name}", titles=_with_word(self._state.titles, self._key_of(index), clean_title(title))
        )

    def note_dimension(self, index: int, remark: str) -> None:
        """Note something on a dimension of the shown space; an empty text takes the note away."""
        name = self.name_of(index)
        self._set(
            f"Note on {name}",
            remarks=_with_word(self._state.remarks, self._key_of(index), clean_remark(remark)),
        )

    # ---- undo ----

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back."""
        return bool(self._undo.past)

    @property
    def can_redo(self) -> bool:
        """Whether something was taken back."""
        return bool(self._undo.future)

    @property
    def undo_text(self) -> str:
        """What Undo takes back."""
        return self._undo.past[-1][0] if self._undo.past else ""

    @property
    def redo_text(self) -> str:
        """What Redo does again."""
        return self._undo.future[-1][0] if self._undo.future else ""

    def undo(self) -> None:
        """Take the last step back."""
        self._travel(self._undo.back(self._state))

    def redo(self) -> None:
        """Do the step again that was taken back."""
        self._travel(self._undo.forward(self._state))

    def _travel(self, state: State | None) -> None:
        if state is None:
            return
        self._show(state)
        self.undo_changed.emit()
        self.code_committed.emit()

    def _set(self, what: str, *, merge: object = None, **changes: object) -> None:
        """Make the next state; steps with the same `merge` key in a row become one."""
        following = replace(self._state, **changes)  # type: ignore[arg-type]
        if all(same(getattr(self._state, name), value) for name, value in changes.items()):
            return
        is_new_step = self._undo.push(what, self._state, merge)
        self._show(following)
        if is_new_step:  # a drag tells of its first move alone
            self.undo_changed.emit()

    def _show(self, state: State) -> None:
        before, self._state = self._state, state
        if state.opened is not before.opened:
            self.generation += 1
            self.rival = None
        if state.opened is not before.opened or state.space != before.space:
            self._forget_view()
        emitted = []
        for name, signal in self._signals.items():
            if not same(getattr(before, name), getattr(state, name)) and signal not in emitted:
                emitted.append(signal)
        for signal in emitted:
            signal.emit()

    def _forget_view(self) -> None:
        """Forget what was known of the dimensions of another model or space."""
        self.activity = None
        self.focused = 0
        self.is_focus_chosen = False


def _with_word(words: Mapping[str, str], name: str, text: str) -> dict[str, str]:
    """Return the words with another text for a dimension, or without it where the text is empty."""
    return {key: value for key, value in {**words, name: text}.items() if value}
