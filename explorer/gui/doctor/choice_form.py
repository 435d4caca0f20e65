"""The choices of the doctor, the most doubtful first; those that are rarely needed are folded away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.formats.diagnosis import Guess
from explorer.formats.diagnosis_words import SURE
from explorer.gui.doctor.choice_row import ChoiceRow
from explorer.gui.doctor.choices import CHOICES, LAYERS, NO_HINTS, SETTLED, order_of, shown
from explorer.gui.doctor.layers_row import LayersRow
from explorer.gui.widgets.fold_button import FoldButton

MORE = "other choices"


class ChoiceForm(QWidget):
    """A row a hint. Rows keep their places while one file is looked at."""

    changed = Signal(str, str)  # hint, value; an empty one for the guess

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._order: tuple[str, ...] = ()
        self.rows: dict[str, ChoiceRow | LayersRow] = {
            choice.hint: (LayersRow if choice.hint == LAYERS else ChoiceRow)(choice, self)
            for choice in CHOICES
        }
        self.fold = FoldButton(self)
        self.fold.toggled.connect(self._on_fold_toggled)
        self._first, self._more = QVBoxLayout(), QVBoxLayout()
        for layout in (self._first, self._more):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._first)
        column.addWidget(self.fold)
        column.addLayout(self._more)
        column.addStretch(1)
        for row in self.rows.values():
            row.chosen.connect(self.changed)
            self._more.addWidget(row)
        self._refresh_fold(is_open=False)

    @property
    def order(self) -> tuple[str, ...]:
        """The hints of the rows that are seen without unfolding."""
        return self._order

    def forget(self) -> None:
        """Begin with another file."""
        self._order = ()
        self._refresh_fold(is_open=False)

    def show_choices(
        self,
        guesses: Sequence[Guess],
        facts: Mapping[str, str],
        chosen: Mapping[str, str],
        kept: Mapping[str, str] = NO_HINTS,
        *,
        failed: bool = False,
        stated: bool = False,
        tells_layers: bool = True,
    ) -> None:
        """Show what is taken for each hint, for the arguments see `shown` and `order_of`; nothing is emitted.

        `tells_layers` says that the hint `layers` may change something.
        """
        seen = (*guesses, *_chosen(chosen))
        order = order_of(seen, self._order, stated=stated, failed=failed, tells_layers=tells_layers)
        if order != self._order:
            self._arrange(order)
        known = {guess.hint: guess for guess in guesses}
        for hint, row in self.rows.items():
            guess = known.get(hint)
            what = shown(row.choice, guess, facts, chosen, kept, failed=failed)
            if isinstance(row, LayersRow):
                row.show_choice(what, can_be_told=tells_layers)
            else:
                row.show_choice(what, is_settled=hint in SETTLED and bool(chosen.get(LAYERS)))

    def mark_wrong(self, hint: str | None) -> None:
        """Mark the one field whose text makes no sense."""
        for name, row in self.rows.items():
            row.set_wrong(name == hint)

    def focus_first(self) -> None:
        """Give the keys to the most doubtful choice."""
        if self._order:
            self.rows[self._order[0]].field.setFocus()

    def _arrange(self, order: tuple[str, ...]) -> None:
        self._order = order
        rest = [hint for hint in self.rows if hint not in order]
        for layout, hints in ((self._first, order), (self._more, rest)):
            for hint in hints:
                layout.addWidget(self.rows[hint])
        fields = [self.rows[hint] for hint in order], [self.rows[hint] for hint in rest]
        widgets: list[QWidget] = [widget for row in fields[0] for widget in (row.field, row.back)]
        widgets += [self.fold, *(widget for row in fields[1] for widget in (row.field, row.back))]
        for before, after in pairwise(widgets):
            QWidget.setTabOrder(before, after)
        self._refresh_fold(is_open=self.fold.isChecked())

    def _on_fold_toggled(self, is_open: bool) -> None:
        self._refresh_fold(is_open=is_open)

    def _refresh_fold(self, *, is_open: bool) -> None:
        self.fold.show_state(MORE, is_open=is_open)
        for hint, row in self.rows.items():
            row.setVisible(hint in self._order or is_open)


def _chosen(chosen: Mapping[str, str]) -> list[Guess]:
    """Return what was chosen as something to be shown behind all that is less than sure."""
    return [Guess(hint, value, 0.999 * SURE) for hint, value in chosen.items()]
