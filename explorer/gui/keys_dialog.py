"""The list of all keys: a window that scrolls, so that it fits a low screen. What the keys are is `actions`'."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from explorer.gui.actions import keys_as_html
from explorer.gui.widgets.dock import Frame

HIGHEST = 560  # px
_EDGE = 80  # px of the screen that stay free above and below


class KeysDialog(QDialog):
    """Shows every key and what it does; stays open beside the work, and goes when it is closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keys")
        self.setModal(False)
        keys = QLabel(keys_as_html(), self)
        keys.setTextFormat(Qt.TextFormat.RichText)
        keys.setContentsMargins(0, 0, 8, 0)
        self.area = QScrollArea(self)
        self.area.setAccessibleName("Keys")
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidgetResizable(True)
        self.area.setWidget(keys)
        for widget in (keys, self.area.viewport()):
            widget.setAutoFillBackground(False)  # the frame is seen through them
        close = QPushButton("&Close", self)
        close.setToolTip("Close this window (Esc)")
        close.setAutoDefault(False)
        close.clicked.connect(self.close)
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(Frame(self.area, self), stretch=1)
        layout.addLayout(below)
        bar = self.area.verticalScrollBar().sizeHint().width()
        self.area.setMinimumWidth(keys.sizeHint().width() + bar)
        self.resize(QSize(0, min(HIGHEST, self.screen().availableSize().height() - 2 * _EDGE)))
        self.area.setFocus()
