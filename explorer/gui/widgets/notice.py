"""A finished sentence in the colour of an error or a warning; selectable, closable, with its details on demand."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from explorer.gui.widgets.icons import icon

Level = Literal["error", "warning"]


class Notice(QWidget):
    """Hidden until there is something to say.

    Once shown it keeps its place while it is hidden, so that what stands above it does not jump when a
    message comes and goes during a drag; `release` gives the place back.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._level: Level = "error"
        self._details = ""
        self._label = QLabel(self)
        self._label.setWordWrap(True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._label.setAccessibleName("What went wrong")
        self._label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._button = QToolButton(self)
        self._button.setText("Copy details")
        self._button.setToolTip("Copy the technical details, for a bug report")
        self._button.setAccessibleName("Copy details of the error")
        self._button.setProperty("kind", "bare")
        self._button.clicked.connect(self._on_copy_clicked)
        close = QToolButton(self)
        close.setIcon(icon("close"))
        close.setAutoRaise(True)
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.release)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._label, stretch=1)
        layout.addWidget(self._button, alignment=Qt.AlignmentFlag.AlignTop)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence that is shown, empty where none is."""
        return "" if self.isHidden() else self._label.text()

    @property
    def level(self) -> Level:
        """Whether it is an error or a warning."""
        return self._level

    def say(self, level: Level, text: str, details: str = "") -> None:
        """Show a sentence, and offer `details` (a traceback) where there are any."""
        if self.text == text and self._level == level and self._details == details:
            return
        self._level, self._details = level, details
        self._label.setText(text)
        self._button.setVisible(bool(details))
        self._label.setProperty("level", level)
        self._label.style().unpolish(self._label)
        self._label.style().polish(self._label)
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.setSizePolicy(policy)
        self.show()

    def release(self) -> None:
        """Hide, and give the place back."""
        policy = self.sizePolicy()
        policy.setRetainSizeWhenHidden(False)
        self.setSizePolicy(policy)
        self.hide()

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._label.text()}\n\n{self._details}")
