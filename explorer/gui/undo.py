"""What Undo and Redo go through: states by what the step between them was called; no signal, no widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from explorer.formats.loaded import usual_budget, weights_of
from explorer.gui.state import State

if TYPE_CHECKING:
    from torch import nn

    from explorer.formats import Opened

UNDO_LIMIT = 500  # steps

Step = tuple[str, State]  # what it was called, and the state on its other side


class UndoStack:
    """The steps before and after the current state, which it does not hold; the nearest ones last.

    `room` is how many bytes the weights of all models may take that are gone back to.
    """

    def __init__(self) -> None:
        self.room = usual_budget()
        self.past: list[Step] = []
        self.future: list[Step] = []
        self._merge: object = None

    @property
    def is_merging(self) -> bool:
        """Whether steps in a row are being joined to one."""
        return self._merge is not None

    def push(self, what: str, state: State, merge: object = None) -> bool:
        """Keep the state that a step leaves; return False where the step continues the one before.

        Steps with the same `merge` in a row are one, until `end_merging`.
        """
        is_new = merge is None or merge != self._merge
        if is_new:
            self.past.append((what, state))
            del self.past[:-UNDO_LIMIT]
        self.future.clear()
        self._merge = merge
        return is_new

    def end_merging(self) -> bool:
        """Let the next step be one of its own; return whether steps were being joined."""
        was_merging, self._merge = self._merge is not None, None
        return was_merging

    def back(self, state: State) -> State | None:
        """Return the state before `state`, which Redo brings back; None where there is none."""
        return self._travel(self.past, self.future, state)

    def forward(self, state: State) -> State | None:
        """Return the state after `state`, which Undo brings back; None where there is none."""
        return self._travel(self.future, self.past, state)

    def _travel(self, source: list[Step], target: list[Step], state: State) -> State | None:
        if not source:
            return None
        what, found = source.pop()
        target.append((what, state))
        self._merge = None
        return found

    def replace(self, past: Sequence[Step], future: Sequence[Step]) -> None:
        """Go through other steps from now on."""
        self.past, self.future, self._merge = list(past), list(future), None

    def change(self, change: Callable[[State], State]) -> None:
        """Make of every state what `change` makes of it; no step begins or ends by that."""
        self.past = [(what, change(state)) for what, state in self.past]
        self.future = [(what, change(state)) for what, state in self.future]

    def forget_other_models(self, state: State) -> None:
        """Keep the newest models that fit into `room`; the one before that of `state` always.

        What was before the first model goes too: undo never leaves the window empty.
        """
        kept: list[Opened] = []
        weights: dict[nn.Module, int] = {}
        for each in (state, *(before for _, before in reversed(self.past))):
            opened = each.opened
            if opened is None or any(opened is other for other in kept):
                continue
            weights |= weights_of(opened.model)
            if len(kept) >= 2 and sum(weights.values()) > self.room:
                break
            kept.append(opened)
        self.past = [step for step in self.past if any(step[1].opened is other for other in kept)]
