"""An empty place that invites: an icon, a headline and a hint inside a dashed outline."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from explorer.gui import theme
from explorer.gui.widgets.icons import paint_icon

ICON = 32
RADIUS = 8


class DropZone(QWidget):
    """Text in the middle; `content` stands below it, such as a progress bar that takes the text's place."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._hint = QLabel(self), QLabel(self)
        self._title.setObjectName("emptyTitle")
        self._hint.setObjectName("quiet")
        self._hint.setWordWrap(True)
        self._inviting = True
        layout = QVBoxLayout(self)
        layout.setSpacing(6)
        layout.addStretch(1)
        layout.addSpacing(ICON + 8)
        for label in (self._title, self._hint):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            layout.addWidget(label)
        layout.addWidget(content, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        theme.notifier.changed.connect(self.update)

    def say(self, title: str, hint: str, *, inviting: bool) -> None:
        """Show two texts; only an `inviting` place has icon and outline."""
        self._title.setText(title)
        self._hint.setText(hint)
        self._inviting = inviting
        for label in (self._title, self._hint):
            label.setVisible(bool(label.text()))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._inviting:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(theme.current().track, 1.5)
        pen.setDashPattern([4, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        place = QRectF((self.width() - ICON) / 2, self._title.y() - ICON - 8, ICON, ICON)
        paint_icon(painter, place, "open", "quiet")
