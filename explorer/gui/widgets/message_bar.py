"""A line that slides in under the header when there is something to say; errors stay until they are closed."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from explorer.gui.widgets.icons import icon

INFO_MILLISECONDS = 6000


class MessageBar(QWidget):
    """Shows the newest message; selectable, closable, with the level as its colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._text.setAccessibleName("Message")
        close = QToolButton(self)
        close.setIcon(icon("close"))
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.setAutoRaise(True)
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 8, 8)
        layout.addWidget(self._text, stretch=1)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.hide()

    @property
    def text(self) -> str:
        """The message that is shown, empty where none is."""
        return self._text.text() if not self.isHidden() else ""

    def show_message(self, level: str, text: str) -> None:
        """Show a sentence; `level` is `info`, `warning` or `error`."""
        self._text.setText(text)
        self._text.setProperty("level", level)
        self._text.style().unpolish(self._text)
        self._text.style().polish(self._text)
        self.show()
        self._timer.stop()
        if level == "info":
            self._timer.start(INFO_MILLISECONDS)
