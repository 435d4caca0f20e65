"""Painting what stands over the points of a plane: marker, ring, and the way between two lettered places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from explorer.gui import theme

MARKER = 5.5  # radius without the ring
HALO = 15.0
LETTER = 8.0  # radius of the disc of a letter
RING = 9.0


def draw_marker(painter: QPainter, place: QPointF, true_place: QPointF) -> None:
    """Draw the marker with ring and halo; where its true place is elsewhere, an arrow that points there."""
    tokens = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if place != true_place:
        away = true_place - place
        painter.save()
        painter.translate(place)
        painter.rotate(float(np.degrees(np.arctan2(away.y(), away.x()))))
        painter.setPen(QPen(QColor("white"), 2))
        painter.setBrush(tokens.here)
        painter.drawPolygon(QPolygonF([QPointF(8, 0), QPointF(-5, -7), QPointF(-5, 7)]))
        painter.restore()
        return
    painter.setPen(Qt.PenStyle.NoPen)
    halo = QColor("white") if tokens.is_dark else QColor(tokens.here)
    for radius, opacity in ((HALO, 0.22), (HALO - 4.5, 0.3)):
        halo.setAlphaF(opacity)
        painter.setBrush(halo)
        painter.drawEllipse(place, radius, radius)
    painter.setBrush(QColor("white"))
    painter.drawEllipse(place, MARKER + 2, MARKER + 2)
    painter.setBrush(tokens.here)
    painter.drawEllipse(place, MARKER, MARKER)


def draw_ring(painter: QPainter, place: QPointF) -> None:
    """Draw a ring around a place that is pointed out."""
    tokens = theme.current()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, width in ((tokens.panel, 5.0), (tokens.accent, 2.5)):
        painter.setPen(QPen(color, width))
        painter.drawEllipse(place, RING, RING)


def draw_route(painter: QPainter, line: Sequence[QPointF], ends: Sequence[tuple[str, QPointF]]) -> None:
    """Draw a line through places, and a disc with a letter at each end."""
    tokens = theme.current()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if line:
        painter.setPen(QPen(tokens.accent, 1.5))
        painter.drawPolyline(QPolygonF(line))
    font = painter.font()
    font.setPixelSize(11)
    font.setBold(True)
    painter.setFont(font)
    for letter, place in ends:
        painter.setPen(QPen(tokens.panel, 1.5))
        painter.setBrush(tokens.accent)
        painter.drawEllipse(place, LETTER, LETTER)
        painter.setPen(tokens.on_accent)
        box = QRectF(place.x() - LETTER, place.y() - LETTER, 2 * LETTER, 2 * LETTER)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
