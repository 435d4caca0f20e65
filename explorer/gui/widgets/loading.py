"""What is being loaded, how far it is, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

STEPS = 1000
BAR_HEIGHT = 4


class Loading(QWidget):
    """A line of text, a thin bar and Cancel."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setWordWrap(True)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(BAR_HEIGHT)
        self._bar.setAccessibleName("Progress")
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setToolTip("Stop loading; what is shown stays (Esc)")
        self._cancel.setAccessibleName("Cancel loading")
        self._cancel.clicked.connect(self._on_cancel_clicked)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(self._label)
        column.addWidget(self._bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(column, stretch=1)
        layout.addWidget(self._cancel)
        self.setMaximumWidth(480)
        self.hide()

    @property
    def text(self) -> str:
        """What is being loaded."""
        return self._label.text()

    @property
    def fraction(self) -> float | None:
        """How far it is, 0..1; None where nobody knows."""
        return None if self._bar.maximum() == 0 else self._bar.value() / STEPS

    def set_progress(self, text: str, fraction: float | None) -> None:
        """Say what is loaded and how far it is; None for unknown."""
        self._label.setText(text)
        self._bar.setRange(0, 0 if fraction is None else STEPS)
        self._bar.setValue(0 if fraction is None else round(min(max(fraction, 0.0), 1.0) * STEPS))
        self._cancel.setEnabled(True)

    def _on_cancel_clicked(self) -> None:
        self._cancel.setEnabled(False)
        self._label.setText("Stopping…")
        self.cancel_requested.emit()
