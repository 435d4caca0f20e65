"""One thumbnail of a `PlaceRow`: what it shows, and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from explorer.gui import theme

RADIUS = 3
FRAME = 2
DIMMED = 0.35
MARK = 7.0  # radius of the fork
BAND = 13.0  # height of a name
LETTERS = 10  # px


@dataclass(frozen=True)
class Thumb:
    """What is shown of a place; `text` is what a screen reader says."""

    id: int
    text: str
    starred: bool = False
    here: bool = False
    forked: bool = False  # it did not come from its left neighbour
    dim: bool = False
    name: str = ""  # what people called it


def paint_thumb(painter: QPainter, box: QRectF, thumb: Thumb, picture: QImage | None) -> None:
    """Paint a thumbnail with its frames; `box` is the picture alone."""
    tokens = theme.current()
    outline = QPainterPath()
    outline.addRoundedRect(box, RADIUS, RADIUS)
    painter.fillPath(outline, tokens.track)
    if picture is not None:
        painter.save()
        painter.setClipPath(outline)
        painter.setOpacity(DIMMED if thumb.dim else 1.0)
        size = picture.size().toSizeF().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        shown = QRectF(0, 0, size.width(), size.height())
        shown.moveCenter(box.center())
        painter.drawImage(shown, picture)
        painter.restore()
    if thumb.name:
        _paint_name(painter, box, outline, thumb.name)
    if thumb.here:
        paint_frame(painter, box, tokens.accent)
    if thumb.starred:
        inner = FRAME if thumb.here else 0  # both are seen
        paint_frame(painter, box.adjusted(inner, inner, -inner, -inner), tokens.star)
    if thumb.forked:
        _paint_fork(painter, box.topLeft() + QPointF(MARK - FRAME, MARK - FRAME))


def _paint_name(painter: QPainter, box: QRectF, outline: QPainterPath, name: str) -> None:
    """Paint the beginning of a name over the lower end of the picture; the card has all of it."""
    tokens = theme.current()
    band = QRectF(box.left(), box.bottom() - BAND, box.width(), BAND)
    ground = QColor(tokens.panel)
    ground.setAlphaF(0.88)
    painter.save()
    painter.setClipPath(outline)
    painter.fillRect(band, ground)
    painter.restore()
    font = QFont(painter.font())
    font.setPixelSize(LETTERS)
    painter.setFont(font)
    painter.setPen(tokens.text)
    place = band.adjusted(2, 0, -2, 0)
    text = QFontMetricsF(font).elidedText(name, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def paint_frame(painter: QPainter, box: QRectF, color: QColor) -> None:
    """Paint a frame just outside of a box."""
    painter.setPen(QPen(color, FRAME))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    half = FRAME / 2
    painter.drawRoundedRect(box.adjusted(-half, -half, half, half), RADIUS + half, RADIUS + half)


def paint_focus(painter: QPainter, box: QRectF) -> None:
    """Paint the focus ring inside the frame."""
    tokens = theme.current()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for inner, color, width in ((1.5, tokens.panel, 1.5), (3.0, tokens.focus, 2.0)):
        painter.setPen(QPen(color, width))
        painter.drawRoundedRect(box.adjusted(inner, inner, -inner, -inner), RADIUS, RADIUS)


def paint_target(painter: QPainter, box: QRectF) -> None:
    """Tint what a drag would be dropped on."""
    tint = QColor(theme.current().accent)
    tint.setAlphaF(0.35)
    outline = QPainterPath()
    outline.addRoundedRect(box, RADIUS, RADIUS)
    painter.fillPath(outline, tint)
    paint_frame(painter, box, theme.current().accent)


def _paint_fork(painter: QPainter, centre: QPointF) -> None:
    """Paint a small badge with a line that leaves another one."""
    tokens = theme.current()
    painter.setPen(QPen(tokens.line, 1))
    painter.setBrush(tokens.panel)
    painter.drawEllipse(centre, MARK, MARK)
    x, y = centre.x(), centre.y()
    root, trunk, branch = QPointF(x - 2, y + 3.5), QPointF(x - 2, y - 3.5), QPointF(x + 2.5, y - 2)
    line = QPainterPath(root)
    line.lineTo(trunk)
    line.moveTo(root)
    line.cubicTo(QPointF(root.x(), y), QPointF(branch.x(), y + 2), branch)
    painter.setPen(QPen(tokens.text, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(line)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tokens.text)
    for dot in (root, trunk, branch):
        painter.drawEllipse(dot, 1.4, 1.4)
