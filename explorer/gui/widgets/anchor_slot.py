"""One end of a strip: a picture with an accent border and a letter; it takes files and places dropped on it."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QEnterEvent,
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
from explorer.gui.history.place_mime import place_in
from explorer.gui.widgets.focus import came_by_key

RADIUS = 5
BORDER = 2


class AnchorSlot(QWidget):
    """Shows a picture or a dashed outline; asks by signals, changes nothing itself."""

    clicked = Signal()
    menu_wanted = Signal(QPoint)  # global
    file_dropped = Signal(str)
    place_dropped = Signal(int)  # id of a place of the history

    def __init__(self, letter: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = letter
        self._picture: QImage | None = None
        self._crisp = False
        self._filled = False
        self._dropping = False
        self._keyboard_focus = False
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def picture(self) -> QImage | None:
        """The picture that is shown."""
        return self._picture

    @property
    def filled(self) -> bool:
        """Whether there is an anchor, even where its picture is still to come."""
        return self._filled

    def show_anchor(self, filled: bool, picture: QImage | None, *, crisp: bool = False) -> None:
        """Show an anchor, with its picture where that has come, or none; `crisp` shows pixels."""
        self._filled, self._picture, self._crisp = filled, picture, crisp
        self.update()

    # ---- Qt ----

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self._filled:
            self._paint_picture(painter, box)
            painter.setPen(QPen(tokens.accent, BORDER))
        else:
            painter.setPen(QPen(tokens.accent if self._dropping else tokens.quiet, 1.5, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._dropping:
            tint = QColor(tokens.accent)
            tint.setAlphaF(0.25)
            painter.setBrush(tint)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        if self._keyboard_focus and self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tokens.panel, 1.5))
            painter.drawRoundedRect(box.adjusted(1.5, 1.5, -1.5, -1.5), RADIUS, RADIUS)
            painter.setPen(QPen(tokens.focus, 2))
            painter.drawRoundedRect(box.adjusted(3, 3, -3, -3), RADIUS - 1, RADIUS - 1)
        self._paint_letter(painter, box)

    def _paint_picture(self, painter: QPainter, box: QRectF) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(box, RADIUS, RADIUS)
        painter.fillPath(outline, theme.current().track)
        if self._picture is not None:
            painter.save()
            painter.setClipPath(outline)
            shrunk = self._picture.width() > box.width() * self.devicePixelRatio()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrunk or not self._crisp)
            size = self._picture.size().scaled(
                box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding
            )
            shown = QRectF(0, 0, size.width(), size.height())
            shown.moveCenter(box.center())
            painter.drawImage(shown, self._picture)
            painter.restore()

    def _paint_letter(self, painter: QPainter, box: QRectF) -> None:
        tokens = theme.current()
        font = self.font()
        font.setBold(True)
        font.setPixelSize(11 if self._filled else 15)
        painter.setFont(font)
        if not self._filled:
            painter.setPen(tokens.quiet)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._letter)
            return
        side = min(17.0, max(box.width() / 2.8, 12.0))
        badge = QRectF(box.left(), box.top(), side, side)
        outline = QPainterPath()
        outline.addRoundedRect(badge, RADIUS, RADIUS)
        painter.fillPath(outline, tokens.accent)
        painter.setPen(tokens.on_accent)
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, self._letter)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard_focus = came_by_key(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        data = event.mimeData()
        if place_in(data) is not None or any(url.isLocalFile() for url in data.urls()):
            self._dropping = True
            self.update()
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._dropping = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._dropping = False
        self.update()
        place = place_in(event.mimeData())
        if place is not None:
            event.acceptProposedAction()
            self.place_dropped.emit(place)
            return
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.file_dropped.emit(paths[0])
