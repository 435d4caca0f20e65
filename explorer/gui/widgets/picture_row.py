"""A row of equal pictures that can be picked by mouse or arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.focus import came_by_key

RADIUS = 3


class PictureRow(QWidget):
    """Paints pictures side by side; asks by signals, changes nothing itself."""

    picked = Signal(int)
    menu_wanted = Signal(int, QPoint)  # global

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: tuple[QImage, ...] = ()
        self._cell = QSize(1, 1)
        self._gap = 0
        self._focused = 0
        self._keyboard_focus = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def pictures(self) -> tuple[QImage, ...]:
        """What is shown, from left to right."""
        return self._pictures

    def show_pictures(self, pictures: tuple[QImage, ...]) -> None:
        """Show other pictures."""
        self._pictures = pictures
        self._focused = min(self._focused, max(len(pictures) - 1, 0))
        self.update()

    def set_cell(self, cell: QSize, gap: int) -> None:
        """Set the size of one picture and what is between two, and make the row as wide as all of them."""
        self._cell, self._gap = cell, gap
        count = len(self._pictures)
        self.setFixedSize(max(count * cell.width() + (count - 1) * gap, 0), cell.height())
        self.update()

    def box(self, index: int) -> QRectF:
        """Return where a picture is."""
        width, height = self._cell.width(), self._cell.height()
        return QRectF(index * (width + self._gap), 0, width, height)

    def index_at(self, place: QPointF) -> int:
        """Return the picture at a place, or -1."""
        index = int(place.x() // (self._cell.width() + self._gap))
        return index if 0 <= index < len(self._pictures) and self.box(index).contains(place) else -1

    # ---- Qt ----

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for index, picture in enumerate(self._pictures):
            box = self.box(index)
            if not box.intersects(QRectF(event.rect())):
                continue
            outline = QPainterPath()
            outline.addRoundedRect(box, RADIUS, RADIUS)
            painter.setClipPath(outline)
            painter.drawImage(box, picture)
        painter.setClipping(False)
        if self.hasFocus() and self._keyboard_focus and self._pictures:
            painter.setPen(QPen(theme.current().focus, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.box(self._focused).adjusted(1, 1, -1, -1), RADIUS, RADIUS)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._focused = index
            self.picked.emit(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self._pictures:
            place = self.box(self._focused).center().toPoint()
            self.menu_wanted.emit(self._focused, self.mapToGlobal(place))
            return
        index = self.index_at(QPointF(event.pos()))
        if index >= 0:
            self.menu_wanted.emit(index, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {int(Qt.Key.Key_Left): -1, int(Qt.Key.Key_Right): 1}
        if event.key() in steps and self._pictures:
            self._focused = min(max(self._focused + steps[event.key()], 0), len(self._pictures) - 1)
            self._keyboard_focus = True
            self.update()
            self.picked.emit(self._focused)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._pictures:
            self.picked.emit(self._focused)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard_focus = came_by_key(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
