"""Finished sentences under the picture: what went wrong, or an offer with buttons; closable, details on demand.

One is shown at a time, the newest; what it covers comes back when it goes. Who says what, and when a problem
is over, is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from explorer.gui.widgets.icons import icon

Level = Literal["error", "warning", "info"]
Action = tuple[str, Callable[[], object]]  # what the button says, what it does

TEXT_WIDTH = 200  # pixels that a sentence wants beside its buttons, else they go below it
_NAMES: dict[Level, str] = {"error": "What went wrong", "warning": "Warning", "info": "Offer"}


@dataclass(frozen=True, eq=False)
class Note:
    """One thing that was said; compared by identity."""

    level: Level
    text: str
    details: str = ""
    actions: tuple[Action, ...] = ()

    @property
    def is_offer(self) -> bool:
        """Whether it waits for a choice, and so stays until it is chosen or closed."""
        return bool(self.actions) or self.level == "info"

    def says(self, level: Level, text: str, details: str) -> bool:
        """Return whether it says just that."""
        return (self.level, self.text, self.details) == (level, text, details)


class Notice(QWidget):
    """Hidden until there is something to say.

    There is one problem at most, the newest, and any number of offers. Once shown it keeps its place while it
    is hidden, so that what stands above it does not jump when a message comes and goes during a drag;
    `release` gives the place back.
    """

    left = Signal()  # the keys were here, and what they were on is gone

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notes: list[Note] = []  # the newest last
        self._shown: Note | None = None
        self._buttons: list[QPushButton] = []
        self._label = QLabel(self)
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = QLabel(self)
        self._more.setObjectName("quiet")
        self._more.setToolTip("Close this message to see the one below it")
        self._copy = QToolButton(self)
        self._copy.setText("Copy details")
        self._copy.setToolTip("Copy the technical details, for a bug report")
        self._copy.setAccessibleName("Copy details of the error")
        self._copy.setProperty("kind", "bare")
        self._copy.clicked.connect(self._on_copy_clicked)
        self._close = QToolButton(self)
        self._close.setIcon(icon("close"))
        self._close.setAutoRaise(True)
        self._close.setToolTip("Close this message (Esc)")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.close_shown)
        self._build()
        self.hide()

    def _build(self) -> None:
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        for widget in (self._more, self._copy):
            self._row.addWidget(widget)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(8)
        self._body.addWidget(self._label, stretch=1)
        self._body.addLayout(self._row)
        self._body.setAlignment(self._row, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(self._body, stretch=1)
        layout.addWidget(self._close, alignment=Qt.AlignmentFlag.AlignTop)

    # ---- what is said ----

    @property
    def text(self) -> str:
        """The sentence that is shown, empty where none is."""
        return self._shown.text if self._shown is not None else ""

    @property
    def level(self) -> Level:
        """Whether what is shown, or was last, is an error, a warning or an offer."""
        return self._label.property("level") or "error"

    @property
    def problem(self) -> Note | None:
        """What went wrong last and is not over, also where an offer covers it."""
        return next((note for note in self._notes if not note.is_offer), None)

    @property
    def shows_problem(self) -> bool:
        """Whether what is shown went wrong, and waits for no choice."""
        return self._shown is not None and not self._shown.is_offer

    def say(self, level: Level, text: str, details: str = "", actions: Sequence[Action] = ()) -> Note:
        """Show a sentence on top of what is there; return it, for `withdraw`.

        Args:
            level: `error` and `warning` take the place of the problem before, unless they have actions.
            text: one finished sentence.
            details: what a bug report needs, such as a traceback; may be copied.
            actions: buttons, the likeliest first. What is chosen is gone before it is done.
        """
        note = Note(level, text, details, tuple(actions))
        problem = self.problem
        if not note.is_offer and problem is not None and problem.says(level, text, details):
            return problem
        self._notes = [other for other in self._notes if not _replaces(note, other)]
        self._notes.append(note)
        self._refresh()
        return note

    def withdraw(self, note: Note) -> None:
        """Take back what was said, if it is still there."""
        if note in self._notes:
            self._notes.remove(note)
            self._refresh()

    def settle(self) -> None:
        """Forget the problem, as what went wrong is over, and keep the place."""
        self._notes = [note for note in self._notes if note.is_offer]
        self._refresh(keep_place=True)

    def release(self) -> None:
        """Forget the problem, and give the place back where no offer needs it."""
        self._notes = [note for note in self._notes if note.is_offer]
        self._refresh()

    def close_shown(self) -> None:
        """Take away what is shown, unanswered; what it covers comes back."""
        if self._shown is not None:
            self.withdraw(self._shown)

    # ---- showing ----

    def _refresh(self, *, keep_place: bool = False) -> None:
        note = self._notes[-1] if self._notes else None
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(note is not None or (keep_place and policy.retainSizeWhenHidden()))
        self.setSizePolicy(policy)
        covered = len(self._notes) - 1
        self._more.setText(f"{covered} more")
        self._more.setVisible(covered > 0)
        if note is self._shown:
            return
        focused = QApplication.focusWidget()
        had_keys = focused is not None and self.isAncestorOf(focused)
        self._shown = note
        if note is not None:
            self._show(note)
            self.show()
        if had_keys:
            self.left.emit()
        if note is None:
            self.hide()

    def _show(self, note: Note) -> None:
        self._label.setText(note.text)
        self._label.setAccessibleName(_NAMES[note.level])
        self._label.setProperty("level", note.level)
        self._label.style().unpolish(self._label)
        self._label.style().polish(self._label)
        self._close.setToolTip("Close this message" if note.is_offer else "Close this message (Esc)")
        self._copy.setVisible(bool(note.details))
        for button in self._buttons:
            button.hide()  # at once; it may be the one that was clicked
            self._row.removeWidget(button)
            button.deleteLater()
        letters = self._letters_of_menus()
        self._buttons = [self._button(note, number, letters) for number in range(len(note.actions))]
        for before, after in zip(
            (self._label, *self._buttons, self._copy),
            (*self._buttons, self._copy, self._close),
            strict=True,
        ):
            QWidget.setTabOrder(before, after)
        self._fold()

    def _button(self, note: Note, number: int, letters: set[str]) -> QPushButton:
        name = note.actions[number][0]
        button = QPushButton(_with_letter(name, letters), self)
        button.setAutoDefault(False)
        button.setProperty("kind", "outlined" if number == 0 else "")
        button.setAccessibleName(name.replace("&", ""))
        keys = button.shortcut().toString()
        button.setToolTip(name.replace("&", "") + (f" ({keys})" if keys else ""))
        button.clicked.connect(partial(self._on_chosen, note, number))
        self._row.insertWidget(self._row.indexOf(self._copy), button)
        button.show()
        return button

    def _letters_of_menus(self) -> set[str]:
        """Return the letters that open menus of the window, which a button must not take."""
        titles = [action.text() for bar in self.window().findChildren(QMenuBar) for action in bar.actions()]
        return {title[title.index("&") + 1].lower() for title in titles if "&" in title[:-1]}

    def _fold(self) -> None:
        """Put the buttons beside the sentence where there is room, else below it."""
        has_room = self.width() - self._row.sizeHint().width() >= TEXT_WIDTH
        direction = QBoxLayout.Direction.LeftToRight if has_room else QBoxLayout.Direction.TopToBottom
        self._body.setDirection(direction)

    # ---- reactions ----

    def _on_chosen(self, note: Note, number: int, _checked: bool = False) -> None:
        self.withdraw(note)
        note.actions[number][1]()

    def _on_copy_clicked(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(f"{self._shown.text}\n\n{self._shown.details}")

    # ---- Qt ----

    def minimumSizeHint(self) -> QSize:
        """Leave the width to what is above: an offer must not push the docks aside."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fold()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close_shown()
        else:
            super().keyPressEvent(event)


def _replaces(note: Note, other: Note) -> bool:
    """Return whether a new note takes the place of another: one problem at most, no offer twice."""
    return other.text == note.text if note.is_offer else not other.is_offer


def _with_letter(name: str, taken: set[str]) -> str:
    """Return a button's text with the first free letter as its key, unless it has one; `taken` grows."""
    if "&" in name:
        return name
    for place, letter in enumerate(name):
        if letter.isascii() and letter.isalpha() and letter.lower() not in taken:
            taken.add(letter.lower())
            return f"{name[:place]}&{name[place:]}"
    return name
