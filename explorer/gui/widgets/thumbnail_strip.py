"""A row of small pictures that can be clicked; at rest it is one pixmap."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from explorer.gui import theme

GAP = 2
RADIUS = 3
_FEW_PIXELS = 16  # pictures smaller than this are drawn crisp


class ThumbnailStrip(QWidget):
    """Squares from left to right, over the whole width; quiet places where no picture is there yet."""

    chosen = Signal(int)

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = count
        self._images: tuple[QImage, ...] = ()
        self._pixmap: QPixmap | None = None
        self._hovered = -1
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_images(self, images: Sequence[QImage]) -> None:
        """Show pictures, `count` of them, or none yet."""
        images = tuple(images)
        if images is not self._images and images != self._images:
            self._images = images
            self._forget()

    def _forget(self) -> None:
        self._pixmap = None
        self.update()

    def cell(self, index: int) -> QRect:
        """Return the place of one picture."""
        side = self.height()
        room = max(self.width() - self._count * side, 0)
        left = round(index * (side + room / max(self._count - 1, 1)))
        return QRect(left, 0, side, side)

    def index_at(self, x: float) -> int:
        """Return the picture at `x`, or -1 between two."""
        return next((i for i in range(self._count) if self.cell(i).left() <= x <= self.cell(i).right()), -1)

    def _drawn(self) -> QPixmap:
        """Return every picture with round corners, at the screen's own resolution."""
        scale = self.devicePixelRatioF()
        pixmap = QPixmap(round(self.width() * scale), round(self.height() * scale))
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index in range(self._count):
            place = QRectF(self.cell(index))
            outline = QPainterPath()
            outline.addRoundedRect(place, RADIUS, RADIUS)
            if index < len(self._images):
                painter.setClipPath(outline)
                self._draw(painter, place, self._images[index])
                painter.setClipping(False)
            else:
                painter.fillPath(outline, theme.mix(theme.current().track, 0.6, theme.current().panel))
        painter.end()
        return pixmap

    @staticmethod
    def _draw(painter: QPainter, place: QRectF, image: QImage) -> None:
        """Draw an image into a square, in its own proportions, the rest filled by its middle."""
        few = max(image.width(), image.height()) < _FEW_PIXELS
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not few)
        side = min(image.width(), image.height())
        middle = QRectF((image.width() - side) / 2, (image.height() - side) / 2, side, side)
        painter.drawImage(place, image, middle)

    # ---- Qt ----

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pixmap is None:
            self._pixmap = self._drawn()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._pixmap)
        if 0 <= self._hovered < len(self._images):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.current().accent), 2))
            place = QRectF(self.cell(self._hovered)).adjusted(1, 1, -1, -1)
            painter.drawRoundedRect(place, RADIUS, RADIUS)

    def resizeEvent(self, event: QEvent) -> None:
        self._forget()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.DevicePixelRatioChange):
            self._forget()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.index_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(index)
        else:
            event.ignore()
