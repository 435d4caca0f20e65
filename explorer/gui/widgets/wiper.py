"""The divider between two pictures: where it stands, whether it is hit, how it is drawn. No widget here."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

REACH = 9.0  # logical pixels on either side of the line that still hit it
GRIP = 7.0  # radius of the grip, logical pixels


class Wiper:
    """A vertical divider over a picture: `before` to its left, `after` to its right.

    Attributes:
        on: whether it is shown.
        part: its place, 0 (left edge of the picture) to 1.
    """

    def __init__(self) -> None:
        self.on = False
        self.part = 0.5

    def x(self, target: QRectF) -> float:
        """Return where the line stands in the view, given where the whole picture lies."""
        return target.x() + self.part * target.width()

    def move(self, x: float, target: QRectF) -> None:
        """Put the line under `x`, kept within the picture."""
        self.part = min(max((x - target.x()) / max(target.width(), 1e-9), 0.0), 1.0)

    def nudge(self, by: float) -> None:
        """Move the line by a part of the picture's width."""
        self.part = min(max(self.part + by, 0.0), 1.0)

    def hit(self, at: QPointF, target: QRectF) -> bool:
        """Return whether a press at this point of the view takes the line."""
        return (
            self.on
            and abs(at.x() - self.x(target)) <= REACH
            and target.top() <= at.y() <= target.bottom() + GRIP
        )

    def paint(self, painter: QPainter, target: QRectF, visible: QRectF, accent: QColor) -> None:
        """Draw the line over the `visible` part of the picture, its grip astride the lower edge."""
        x = min(max(self.x(target), visible.left()), visible.right())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(0, 0, 0, 70), 4))
        painter.drawLine(QPointF(x, visible.top()), QPointF(x, visible.bottom()))
        painter.setPen(QPen(QColor(255, 255, 255), 2))
        painter.drawLine(QPointF(x, visible.top()), QPointF(x, visible.bottom()))
        painter.setPen(QPen(accent, 2))
        painter.setBrush(QColor(255, 255, 255))
        painter.drawEllipse(QPointF(x, visible.bottom() - 1), GRIP - 1, GRIP - 1)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def dirty(self, target: QRectF) -> QRectF:
        """Return what must be painted again around the picture for the grip."""
        return target.adjusted(-GRIP - 2, 0, GRIP + 2, GRIP + 2) if self.on else target
