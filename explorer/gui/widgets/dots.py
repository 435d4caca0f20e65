"""Painting points: a few as antialiased shapes, very many as pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from explorer.gui.widgets.point_colours import Shape

SIZE = 2.6  # radius of a point, in pixels of the widget


@dataclass(frozen=True)
class Dot:
    """How the points of one kind look."""

    colour: QColor
    shape: Shape = "circle"


def draw_points(
    painter: QPainter, pixels: np.ndarray, kinds: np.ndarray, dots: tuple[Dot, ...], size: QSize
) -> None:
    """Draw points at `pixels (N, 2)`, those within `size`; `kinds (N,)` says which of `dots` each one is."""
    with np.errstate(invalid="ignore"):
        seen = ((pixels > -SIZE) & (pixels < (size.width() + SIZE, size.height() + SIZE))).all(axis=1)
    for kind, dot in enumerate(dots):
        chosen = pixels[seen & (kinds == kind)].tolist()
        if dot.shape == "circle":
            painter.setPen(QPen(dot.colour, 2 * SIZE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints([QPointF(x, y) for x, y in chosen])
            continue
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(dot.colour)
        outline = shape_outline(dot.shape, SIZE)
        for x, y in chosen:
            painter.drawPolygon(outline.translated(x, y))


def count_points(
    pixels: np.ndarray, kinds: np.ndarray, dots: tuple[Dot, ...], size: QSize, ratio: float
) -> QImage:
    """Return very many points as small squares on a transparent picture, in an order that favours no kind.

    A million take some 50 ms, where drawing each one takes a second. `ratio` is device pixels per pixel.
    """
    width, height = round(size.width() * ratio), round(size.height() * ratio)
    canvas = np.zeros((height, width), np.uint32)
    colours = np.array([dot.colour.rgba() for dot in dots], np.uint32)
    order = np.random.default_rng(0).permutation(len(pixels))
    shuffled = colours[kinds[order]]
    places = np.nan_to_num(pixels[order] * ratio, nan=-9.0, posinf=-9.0, neginf=-9.0)
    columns, rows = np.clip(np.floor(places), -9, 1e6).astype(np.intp).T
    side = max(2, round(2 * ratio))
    for down in range(side):
        for right in range(side):
            x, y = columns + right, rows + down
            seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            canvas[y[seen], x[seen]] = shuffled[seen]
    return QImage(canvas.data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()


def shape_outline(shape: Shape, size: float) -> QPolygonF:
    """Return a square, triangle or diamond around (0, 0), about as large as a disc of radius `size`."""
    corners = {
        "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        "triangle": [(0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
        "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    }[shape]
    return QPolygonF([QPointF(x * size, y * size) for x, y in corners])
