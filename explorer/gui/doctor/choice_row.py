"""One choice of the doctor: a title, a field with likely values, how sure the value is, and a way back."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.doctor.choices import Choice, Shown
from explorer.gui.widgets.icons import icon

UNKNOWN = "not known"
TITLE_WIDTH = 120  # px, so that the fields of all rows begin at one line
WORD_WIDTH = 60
BACK = 20


class ChoiceRow(QWidget):
    """Shows a `Shown` and tells what a person chose; an empty text means that the guess shall hold again."""

    chosen = Signal(str, str)  # hint, value

    def __init__(self, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self._shown = Shown()
        self._title = title_label(choice.title, self)
        self._title.setFixedWidth(TITLE_WIDTH)
        self.field = _Field(self)
        self.field.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.field.setAccessibleName(choice.title)
        self.field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.field.setMinimumContentsLength(8)
        self.field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.field.activated.connect(self._on_picked)
        if choice.is_free:
            edit = _Edit(self.field)
            edit.editingFinished.connect(self._on_entered)
            edit.setTextMargins(-2, 0, 0, 0)  # in line with fields that only offer a list
            self.field.setLineEdit(edit)
            self.field.setCompleter(None)  # type: ignore[arg-type]
        else:
            self.field.setPlaceholderText(UNKNOWN)
        self._title.setBuddy(self.field)
        self.word = word_label(self)
        self.back = back_button(choice.title, self)
        self.back.clicked.connect(self._on_back)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.setColumnStretch(1, 1)
        layout.addWidget(self._title, 0, 0)
        layout.addWidget(self.field, 0, 1)
        layout.addWidget(self.word, 0, 2)
        layout.addWidget(self.back, 0, 3)

    def show_choice(self, shown: Shown, *, is_settled: bool = False) -> None:
        """Show a value; nothing is emitted, and what is being typed stays.

        `is_settled` says that another choice says this one, too.
        """
        self._shown = shown
        self.field.setEnabled(not is_settled)
        self.field.blockSignals(True)
        self._fill(shown)
        self.field.blockSignals(False)
        self.word.setText(shown.word)
        level(self.word, "warning" if shown.word in ("doubtful", "needed") else "")
        self.back.setVisible(shown.word in ("chosen", "kept"))
        tip = f"{shown.reason[:1].upper()}{shown.reason[1:]}" if shown.reason else ""
        self.setToolTip(tip)
        self.word.setToolTip(tip)
        self.field.setToolTip(f"{tip}.\n{self.choice.tip}".lstrip(".\n") if tip else self.choice.tip)
        self.field.setAccessibleDescription(", ".join(part for part in (shown.word, shown.reason) if part))

    def set_wrong(self, wrong: bool) -> None:
        """Mark what stands in the field as something that makes no sense."""
        self._mark("invalid", wrong)

    def _mark(self, name: str, on: bool) -> None:
        if bool(self.field.property(name)) != on:
            self.field.setProperty(name, on)
            self.field.style().unpolish(self.field)
            self.field.style().polish(self.field)

    def _fill(self, shown: Shown) -> None:
        listed = (shown.value, *shown.others) if shown.value not in shown.others else shown.others
        wanted = [value for value in listed if value]
        if wanted != [self.field.itemText(place) for place in range(self.field.count())]:
            self.field.clear()
            self.field.addItems(wanted)
        self.field.setCurrentIndex(self.field.findText(shown.value) if shown.value else -1)
        self._mark("empty", not shown.value)
        edit = self.field.lineEdit()
        if edit is not None:
            edit.setText(shown.value)
            edit.setCursorPosition(0)

    def _on_picked(self, _place: int) -> None:
        """Take what was picked from the list; picking a guess makes it a choice."""
        self._enter(is_sure=self._shown.word not in ("chosen", "kept"))

    def _on_entered(self) -> None:
        self._enter(is_sure=False)

    def _enter(self, *, is_sure: bool) -> None:
        value = self.field.currentText().strip()
        if value != self._shown.value or is_sure:
            self._shown = replace(self._shown, value=value, word="chosen")
            self.chosen.emit(self.choice.hint, value)

    def _on_back(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)  # the button goes
        self.chosen.emit(self.choice.hint, "")


def title_label(text: str, parent: QWidget) -> QLabel:
    """Return the title of a row."""
    return QLabel(text, parent)


def word_label(parent: QWidget) -> QLabel:
    """Return the place of the word that says how sure a value is."""
    label = QLabel(parent)
    label.setObjectName("quiet")
    label.setFixedWidth(WORD_WIDTH)
    return label


def level(label: QLabel, name: str) -> None:
    """Let a label warn, or not (an empty name)."""
    label.setProperty("level", name)
    label.style().unpolish(label)
    label.style().polish(label)


def back_button(title: str, parent: QWidget) -> QToolButton:
    """Return the button that brings the guess back; it keeps its room while it is hidden."""
    button = QToolButton(parent)
    button.setIcon(icon("reset"))
    button.setAutoRaise(True)
    button.setFixedWidth(BACK)
    button.setAccessibleName(f"{title}: back to the guess")
    button.setToolTip("Back to what was guessed")
    policy = button.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    button.setSizePolicy(policy)
    return button


class _Edit(QLineEdit):
    """Says in the theme's quiet colour that nothing is known; a combo box's own placeholder is too faint to read."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.text():
            painter = QPainter(self)
            painter.setPen(theme.current().quiet)
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self.rect(), int(flags), UNKNOWN)


class _Field(QComboBox):
    """Leaves the wheel to the list that it stands in, so that nobody changes a choice while scrolling past."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
