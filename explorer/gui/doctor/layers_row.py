"""The choice of the doctor that settles everything: the whole decoder in words, in a field of several lines."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QTextOption
from PySide6.QtWidgets import QGridLayout, QPlainTextEdit, QSizePolicy, QWidget

from explorer.gui.doctor.choice_row import TITLE_WIDTH, back_button, level, title_label, word_label
from explorer.gui.doctor.choices import Choice, Shown

LINES = 2, 8  # least and most
PAD = 6
STATED = "The file says its layers itself, and no hint changes them"
TIP = "Change the words and press Enter; the picture follows"


class LayersRow(QWidget):
    """Shows a `Shown` and tells what a person entered, as `ChoiceRow` does; Enter applies it."""

    chosen = Signal(str, str)  # hint, value

    def __init__(self, choice: Choice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = choice
        self._shown = Shown()
        title = title_label(choice.title, self)
        title.setMinimumWidth(TITLE_WIDTH)
        self.field = _Words(self)
        self.field.setAccessibleName(choice.title)
        self.field.entered.connect(self._on_entered)
        title.setBuddy(self.field)
        self.word = word_label(self)
        self.back = back_button(choice.title, self)
        self.back.clicked.connect(self._on_back)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(8)
        layout.setVerticalSpacing(4)
        layout.setColumnStretch(0, 1)
        layout.addWidget(title, 0, 0)
        layout.addWidget(self.word, 0, 1)
        layout.addWidget(self.back, 0, 2)
        layout.addWidget(self.field, 1, 0, 1, 3)

    def show_choice(self, shown: Shown, *, can_be_told: bool = True) -> None:
        """Show a value; nothing is emitted, and what is being typed stays.

        `can_be_told` is false where no hint changes the layers.
        """
        if shown.value != self._shown.value or not self.field.is_edited:
            self.field.show_words(shown.value)
        self._shown = shown
        self.field.setReadOnly(not can_be_told)
        self.word.setText(shown.word)
        level(self.word, "warning" if shown.word in ("doubtful", "needed") else "")
        self.back.setVisible(shown.word in ("chosen", "kept"))
        tip = f"{TIP}.\n{self.choice.tip}" if can_be_told else STATED
        self.field.setToolTip(tip)
        self.word.setToolTip(f"{shown.reason[:1].upper()}{shown.reason[1:]}")
        self.field.setAccessibleDescription(", ".join(part for part in (shown.word, tip) if part))

    def set_wrong(self, wrong: bool) -> None:
        """Mark what stands in the field as something that makes no sense."""
        if bool(self.field.property("invalid")) != wrong:
            self.field.setProperty("invalid", wrong)
            self.field.style().unpolish(self.field)
            self.field.style().polish(self.field)

    def _on_entered(self, text: str) -> None:
        if text != self._shown.value:
            self._shown = replace(self._shown, value=text, word="chosen")
            self.chosen.emit(self.choice.hint, text)

    def _on_back(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)  # the button goes
        self.field.show_words("")
        self.chosen.emit(self.choice.hint, "")


class _Words(QPlainTextEdit):
    """Words with blanks between them, as high as they are long; Enter and leaving the field tell them."""

    entered = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("field")
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)  # a file that is dropped here is for the window
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setPlaceholderText("not known")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._told = ""

    @property
    def text(self) -> str:
        """The words, one blank between two of them."""
        return " ".join(self.toPlainText().replace(";", " ").split())

    @property
    def is_edited(self) -> bool:
        """Whether somebody is writing something that was not told yet."""
        return self.hasFocus() and self.text != self._told

    def show_words(self, text: str) -> None:
        """Show other words; nothing is told."""
        self._told = text
        if text != self.text:
            self.setPlainText(text)

    def _tell(self) -> None:
        self._told = self.text
        self.entered.emit(self.text)

    def _fit(self) -> None:
        """Be as high as the words need, within bounds."""
        lines = min(max(round(self.document().size().height()), LINES[0]), LINES[1])
        height = lines * self.fontMetrics().lineSpacing() + 2 * (
            PAD + round(self.document().documentMargin())
        )
        if height != self.height():
            self.setFixedHeight(height)

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(200, self.height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._tell()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason,
                              Qt.FocusReason.MouseFocusReason):  # fmt: skip
            self._tell()
