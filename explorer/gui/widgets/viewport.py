"""Where a picture lies in a view: fit, zoom, pan, and the way from a point to a pixel; no widget."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF

LARGEST_SCALE = 96.0  # screen pixels a picture pixel
CRISP_FROM = 2.0  # screen pixels a picture pixel; below, smooth looks better
WORTH_SNAPPING = 0.75  # how much of the fitting size a whole-number scale must keep


class Viewport:
    """Maps between a view (logical pixels) and a picture (its own pixels).

    A crisp picture is shown at a whole number of device pixels each, unless that would waste more than a
    quarter of the view; its corner always lies on a device pixel. The picture cannot be lost: it stays
    centred while it is smaller than the view, and covers the view's middle when it is larger.

    Attributes:
        view: size of the view, logical pixels.
        picture: size of the picture, its own pixels.
        ratio: device pixels a logical pixel.
        smooth: True, False, or None for what suits the scale.
    """

    def __init__(self) -> None:
        self.view = QSizeF(1, 1)
        self.picture = QSizeF(1, 1)
        self.ratio = 1.0
        self.smooth: bool | None = None
        self._zoom: float | None = None  # logical pixels a picture pixel before snapping; None: fit
        self._middle = QPointF(0.5, 0.5)  # what lies in the middle of the view, as a part of the picture

    @property
    def fitted(self) -> bool:
        """Whether the scale follows the size of the view."""
        return self._zoom is None

    @property
    def scale(self) -> float:
        """Logical pixels a picture pixel, as drawn."""
        wanted = self._fitting_scale() if self._zoom is None else self._zoom
        device = wanted * self.ratio
        if self.smooth or device < 1:
            return wanted
        whole = math.floor(device + 1e-6) if self._zoom is None else max(round(device), 1)
        keeps = min(whole, device) / max(whole, device)
        return whole / self.ratio if keeps >= WORTH_SNAPPING else wanted

    @property
    def drawn_smooth(self) -> bool:
        """Whether the picture is interpolated at this scale."""
        if self.smooth is not None:
            return self.smooth
        device = self.scale * self.ratio
        return device < CRISP_FROM or not math.isclose(device, round(device), abs_tol=1e-6)

    @property
    def can_pan(self) -> bool:
        """Whether a part of the picture lies outside the view."""
        shown = self.picture * self.scale
        return shown.width() > self.view.width() + 0.5 or shown.height() > self.view.height() + 0.5

    def target(self) -> QRectF:
        """Return where the whole picture lies, in logical pixels; a part may be outside the view."""
        size = self.picture * self.scale
        x = self._corner(self.view.width(), size.width(), self._middle.x())
        y = self._corner(self.view.height(), size.height(), self._middle.y())
        return QRectF(QPointF(x, y), size)

    def position(self, at: QPointF) -> QPointF:
        """Return the place of the picture under a point of the view, each part 0..1 inside the picture."""
        target = self.target()
        return QPointF(
            (at.x() - target.x()) / max(target.width(), 1e-9),
            (at.y() - target.y()) / max(target.height(), 1e-9),
        )

    def pixel(self, at: QPointF) -> QPoint | None:
        """Return the picture's pixel under a point of the view, None outside the picture."""
        part = self.position(at)
        x, y = math.floor(part.x() * self.picture.width()), math.floor(part.y() * self.picture.height())
        inside = 0 <= x < self.picture.width() and 0 <= y < self.picture.height()
        return QPoint(x, y) if inside else None

    def fit(self) -> None:
        """Show the whole picture, as large as it goes."""
        self._zoom = None
        self._middle = QPointF(0.5, 0.5)

    def zoom(self, factor: float, at: QPointF) -> None:
        """Scale by `factor`; what lies under the point `at` of the view stays there.

        Zooming out stops at the fitting size, or at the picture's own where that is smaller.
        """
        size = self.picture * self.scale
        left = _corner(self.view.width(), size.width(), self._middle.x())  # unrounded, or steps drift
        top = _corner(self.view.height(), size.height(), self._middle.y())
        fixed = QPointF((at.x() - left) / size.width(), (at.y() - top) / size.height())
        before = self.scale if self._zoom is None else self._zoom
        smallest = min(self._fitting_scale(), 1 / self.ratio)
        self._zoom = min(max(before * factor, smallest), LARGEST_SCALE)
        size = self.picture * self.scale
        self._middle = QPointF(
            fixed.x() + (self.view.width() / 2 - at.x()) / size.width(),
            fixed.y() + (self.view.height() / 2 - at.y()) / size.height(),
        )
        self._keep_middle()

    def step(self, direction: int, at: QPointF) -> None:
        """Zoom one step in (1) or out (-1); a crisp picture changes by at least one device pixel a pixel."""
        device = self.scale * self.ratio
        factor = 1.25**direction
        if not self.smooth and device >= 1 and abs(device * factor - device) < 1:
            factor = max(device + direction, 0.5) / device
        if self._zoom is not None:
            self._zoom = self.scale
        self.zoom(factor, at)

    def pan(self, by: QPointF) -> None:
        """Move the picture by so many logical pixels."""
        size = self.picture * self.scale
        self._middle -= QPointF(by.x() / size.width(), by.y() / size.height())
        self._keep_middle()

    def _fitting_scale(self) -> float:
        return max(
            min(self.view.width() / self.picture.width(), self.view.height() / self.picture.height()), 1e-3
        )

    def _corner(self, room: float, size: float, middle: float) -> float:
        """Return one coordinate of the upper left corner, on a device pixel."""
        return math.floor(_corner(room, size, middle) * self.ratio + 0.5) / self.ratio

    def _keep_middle(self) -> None:
        """Let no edge of a picture that is larger than the view come further in than the view's edge."""
        size = self.picture * self.scale
        for length, room, get, put in (
            (size.width(), self.view.width(), self._middle.x, self._middle.setX),
            (size.height(), self.view.height(), self._middle.y, self._middle.setY),
        ):
            half = min(room / (2 * length), 0.5)
            put(min(max(get(), half), 1 - half))


def _corner(room: float, size: float, middle: float) -> float:
    """Return where a picture begins: centred while it is smaller than the room, else around its `middle`."""
    return (room - size) / 2 if size <= room + 0.5 else room / 2 - middle * size
