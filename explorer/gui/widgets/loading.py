"""What is being loaded, how far it is, and a way to stop it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

STEPS = 1000
BAR_HEIGHT = 4
WIDTH = 480  # where there is that much room, whatever the text: the bar must not change its length


class Loading(QWidget):
    """A line of text, a thin bar and Cancel."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self._label = QLabel(self)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(BAR_HEIGHT)
        self._bar.setAccessibleName("Progress")
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setAutoDefault(False)  # in a dialog it would look like what is wanted most
        self._cancel.setToolTip("Stop loading; what is shown stays (Esc)")
        self._cancel.setAccessibleName("Cancel loading")
        self._cancel.clicked.connect(self._on_cancel_clicked)
        column = QVBoxLayout()
        column.setSpacing(6)
        column.addWidget(self._label)
        column.addWidget(self._bar)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(column, stretch=1)
        layout.addWidget(self._cancel)
        self.setMinimumWidth(140)
        self.setMaximumWidth(WIDTH)
        self.hide()

    @property
    def text(self) -> str:
        """What is being loaded."""
        return self._text

    @property
    def fraction(self) -> float | None:
        """How far it is, 0..1; None where nobody knows."""
        return None if self._bar.maximum() == 0 else self._bar.value() / STEPS

    def set_progress(self, text: str, fraction: float | None) -> None:
        """Say what is loaded and how far it is; None for unknown."""
        self._text = text
        self._refresh_label()
        self._bar.setRange(0, 0 if fraction is None else STEPS)
        self._bar.setValue(0 if fraction is None else round(min(max(fraction, 0.0), 1.0) * STEPS))
        self._cancel.setEnabled(True)

    def _on_cancel_clicked(self) -> None:
        self._cancel.setEnabled(False)
        self._text = "Stopping…"
        self._refresh_label()
        self.cancel_requested.emit()

    def _refresh_label(self) -> None:
        """Show the text, a long file name in it cut in the middle."""
        room = max(self._label.width(), 160)
        cut = fitted_text(self._text, self._label.fontMetrics(), room)
        self._label.setText(cut)
        self._label.setToolTip(self._text if cut != self._text else "")

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._refresh_label()


def fitted_text(text: str, metrics: QFontMetrics, room: int) -> str:
    """Return a sentence that fits into `room` px: the longest word, which is a file's name, is cut first."""
    over = metrics.horizontalAdvance(text) - room
    if over <= 0:
        return text
    name = max(text.split(), key=lambda word: ("." in word.rstrip(".…"), len(word)), default="")
    left = metrics.horizontalAdvance(name) - over
    cut = text.replace(name, metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, left))
    if left < metrics.horizontalAdvance("…mm") or metrics.horizontalAdvance(cut) > room:
        return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room)
    return cut
