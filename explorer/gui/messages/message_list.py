"""The list of what was said: a window beside the main one, newest first, with details on demand.

What is kept is `messages.py`; here it is only shown.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from explorer.gui.messages.messages import Message, Messages
from explorer.gui.widgets.dock import Frame
from explorer.gui.widgets.empty_state import EmptyState
from explorer.gui.widgets.message_row import MessageRow


class MessageList(QDialog):
    """Every message that is kept; stays open beside the work, and follows it."""

    def __init__(self, messages: Messages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._rows: list[MessageRow] = []  # the newest first
        self.setWindowTitle("Messages")
        self.setModal(False)
        self._column = QWidget(self)
        self._column_layout = QVBoxLayout(self._column)
        self._column_layout.setContentsMargins(0, 0, 0, 0)
        self._column_layout.setSpacing(0)
        self._column_layout.addStretch(1)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._column)
        for widget in (self._column, self._area.viewport()):
            widget.setAutoFillBackground(False)  # the frame is seen through them
        self._pages = QStackedWidget(self)
        empty = EmptyState(
            "check", "Nothing was said yet", "What goes wrong, and what was done, is kept here.", self
        )
        self._pages.addWidget(empty)
        self._pages.addWidget(self._area)
        self._build()
        messages.added.connect(self._on_added)
        messages.cleared.connect(self._on_cleared)
        for message in messages.all:
            self._on_added(message)
        self._refresh()
        self.resize(560, 400)

    def _build(self) -> None:
        self._copy_all = self._button("Copy &all", "Copy every message with its details", self.copy_all)
        self._clear = self._button("C&lear", "Forget every message", self._messages.clear)
        close = self._button("&Close", "Close this window (Esc)", self.close)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._copy_all, self._clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        frame = Frame(self._pages, self)
        frame.layout().setContentsMargins(1, 6, 1, 6)  # type: ignore[union-attr]
        layout.addWidget(frame, stretch=1)
        layout.addLayout(buttons)

    def _button(self, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", ""))
        button.clicked.connect(slot)
        return button

    @property
    def rows(self) -> tuple[MessageRow, ...]:
        """What is shown, the newest first."""
        return tuple(self._rows)

    def copy_all(self) -> None:
        """Put every message with its details on the clipboard, the newest first."""
        texts = [message.as_text() for message in reversed(self._messages.all)]
        QGuiApplication.clipboard().setText("\n".join(texts))

    # ---- reactions ----

    def _on_added(self, message: Message) -> None:
        if message.count > 1 and self._rows and self._rows[0].message.text == message.text:
            self._rows[0].show_message(message)
        else:
            row = MessageRow(message, self._column)
            row.step_wanted.connect(self._on_step_wanted)
            row.reached.connect(self._on_reached)
            self._rows.insert(0, row)
            self._column_layout.insertWidget(0, row)
            while len(self._rows) > max(len(self._messages.all), 1):
                self._drop(self._rows.pop())
        self._refresh()
        if self.isVisible():
            self._messages.mark_read()

    def _on_cleared(self) -> None:
        while self._rows:
            self._drop(self._rows.pop())
        self._refresh()

    def _drop(self, row: MessageRow) -> None:
        row.hide()
        self._column_layout.removeWidget(row)
        row.deleteLater()

    def _on_step_wanted(self, step: int) -> None:
        place = self._rows.index(self.sender()) + step  # type: ignore[arg-type]
        if 0 <= place < len(self._rows):
            self._rows[place].setFocus(Qt.FocusReason.TabFocusReason)
            self._area.ensureWidgetVisible(self._rows[place], 0, 0)

    def _on_reached(self) -> None:
        self._give_tab(self.sender())  # type: ignore[arg-type]

    def _refresh(self) -> None:
        has_rows = bool(self._rows)
        self._pages.setCurrentIndex(1 if has_rows else 0)
        for button in (self._copy_all, self._clear):
            button.setEnabled(has_rows)
        if has_rows and not any(row.hasFocus() for row in self._rows):
            self._give_tab(self._rows[0])

    def _give_tab(self, chosen: MessageRow) -> None:
        """Let the Tab key reach one row; the arrows lead to the others."""
        for row in self._rows:
            strong = row is chosen
            row.setFocusPolicy(Qt.FocusPolicy.StrongFocus if strong else Qt.FocusPolicy.ClickFocus)

    # ---- Qt ----

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._messages.mark_read()
        if self._rows:
            self._area.verticalScrollBar().setValue(0)
            self._rows[0].setFocus(Qt.FocusReason.OtherFocusReason)
