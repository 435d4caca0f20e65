"""The ring that shows how far a brush reaches around the pointer: how large it is, how it is drawn. No widget here."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

_EDGE = 3.0  # logical pixels that its line takes on either side


class BrushRing:
    """A circle over a picture.

    Attributes:
        radius: in pixels of the picture; None where there is no brush.
        at: where its middle is, in logical pixels of the view; None where it is not seen.
    """

    def __init__(self) -> None:
        self.radius: float | None = None
        self.at: QPointF | None = None

    @property
    def on(self) -> bool:
        """Whether there is a brush."""
        return self.radius is not None

    def rect(self, scale: float) -> QRectF:
        """Return what it covers; empty where it is not seen.

        Args:
            scale: logical pixels a pixel of the picture.
        """
        if self.radius is None or self.at is None:
            return QRectF()
        reach = self.radius * scale + _EDGE
        return QRectF(self.at.x() - reach, self.at.y() - reach, 2 * reach, 2 * reach)

    def paint(self, painter: QPainter, scale: float) -> None:
        """Draw it, light on a dark line, so that it is seen on any picture."""
        if self.radius is None or self.at is None:
            return
        radius = self.radius * scale
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for pen in (QPen(QColor(0, 0, 0, 110), 3.5), QPen(QColor(255, 255, 255), 1.5)):
            painter.setPen(pen)
            painter.drawEllipse(self.at, radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
