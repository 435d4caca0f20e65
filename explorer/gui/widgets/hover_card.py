"""A small card with a picture and two lines, shown beside the cursor inside its parent."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.gui import theme

PICTURE = 84
PADDING = 6
LINE = 15
AWAY = 14  # from the cursor


class HoverCard(QWidget):
    """Floats over its parent and lets the mouse through; a picture that comes later takes its place."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture: QImage | None = None
        self._lines: tuple[str, ...] = ()
        font = self.font()
        font.setPixelSize(11)
        self.setFont(font)
        self.hide()

    @property
    def picture(self) -> QImage | None:
        """The picture that is shown."""
        return self._picture

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines under the picture."""
        return self._lines

    def show_at(self, place: QPointF, lines: tuple[str, ...]) -> None:
        """Show the card beside a place of the parent, wherever it has room."""
        self._lines, self._picture = lines, None
        metrics = QFontMetricsF(self.font())
        text = max((metrics.horizontalAdvance(line) for line in lines), default=0)
        self.resize(
            round(min(max(PICTURE, text), 2 * PICTURE)) + 2 * PADDING,
            PICTURE + 2 * PADDING + LINE * len(lines),
        )
        parent = self.parentWidget()
        assert parent is not None
        right, below = place.x() + AWAY, place.y() + AWAY
        x = right if right + self.width() <= parent.width() else place.x() - AWAY - self.width()
        y = below if below + self.height() <= parent.height() else place.y() - AWAY - self.height()
        self.move(
            round(min(max(x, 0), max(parent.width() - self.width(), 0))),
            round(min(max(y, 0), max(parent.height() - self.height(), 0))),
        )
        self.show()
        self.raise_()
        self.update()

    def set_picture(self, picture: QImage) -> None:
        """Show the picture."""
        self._picture = picture
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(QPen(tokens.line, 1))
        painter.setBrush(tokens.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        box = QRectF((self.width() - PICTURE) / 2, PADDING, PICTURE, PICTURE)
        clip = QPainterPath()
        clip.addRoundedRect(box, 3, 3)
        painter.fillPath(clip, tokens.track)
        if self._picture is not None:
            size = self._picture.size().scaled(PICTURE, PICTURE, Qt.AspectRatioMode.KeepAspectRatio)
            shown = QRectF(0, 0, size.width(), size.height())
            shown.moveCenter(box.center())
            painter.setClipPath(clip)
            painter.drawImage(shown, self._picture)
            painter.setClipping(False)
        metrics = QFontMetricsF(self.font())
        for i, line in enumerate(self._lines):
            painter.setPen(tokens.text if i == 0 else tokens.quiet)
            place = QRectF(PADDING, PADDING + PICTURE + 2 + i * LINE, self.width() - 2 * PADDING, LINE)
            text = metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, place.width())
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
