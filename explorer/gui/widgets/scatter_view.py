"""A plane with points, a picture behind them and one marker that can be dragged; no word of latents here.

Background and points are painted once into a pixmap; a move of the marker repaints two small squares of it.
(A pyqtgraph scene repaints every point for that.) Coordinates are those of the plane, y upwards.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QEnterEvent,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from explorer.gui import theme
from explorer.gui.history.place_mime import place_in
from explorer.gui.widgets.dots import Dot, count_points, draw_points
from explorer.gui.widgets.focus import came_by_key
from explorer.gui.widgets.map_marks import HALO, draw_marker, draw_ring, draw_route

RADIUS = 3  # of the corners
REACH = 7.0  # pixels from which a point counts as hit
GRIP = 12.0  # the same for the marker
MANY = 6_000  # from here on points are counted into pixels instead of drawn
SETTLE = 150  # milliseconds after the last zoom until `view_settled`
STRENGTH = 0.34  # of the background
ZOOM = (0.02, 3.0)  # smallest and largest part of the home region that can be seen
ARROWS = {
    int(Qt.Key.Key_Left): (-1, 0),
    int(Qt.Key.Key_Right): (1, 0),
    int(Qt.Key.Key_Up): (0, 1),
    int(Qt.Key.Key_Down): (0, -1),
}


class ScatterView(QWidget):
    """Paints points, background and marker; tells what mouse and keys ask for, and moves nothing itself."""

    grabbed = Signal()  # the marker, by the mouse
    marker_dragged = Signal(float, float)
    released = Signal()
    place_clicked = Signal(float, float)
    point_clicked = Signal(int)
    point_hovered = Signal(int)  # -1: none
    menu_wanted = Signal(float, float, int, QPoint)  # x, y, point or -1, global position
    stepped = Signal(float, float)  # arrow keys: by how many hundredths of the view
    step_ended = Signal()
    view_settled = Signal()  # the visible region changed and rests
    double_clicked = Signal()
    place_dropped = Signal(int)  # id of a place of the history

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(120, 120)
        self._home = QRectF(-1, -1, 2, 2)
        self._region = QRectF(self._home)
        self._xy = np.zeros((0, 2), np.float32)
        self._kinds = np.zeros(0, np.intp)
        self._dots: tuple[Dot, ...] = ()
        self._pixels = np.zeros((0, 2), np.float32)
        self._background: tuple[QImage, QRectF] | None = None
        self._route: tuple[np.ndarray, tuple[tuple[str, np.ndarray], ...]] | None = None
        self._marker: QPointF | None = None
        self._pointed: QPointF | None = None
        self._dropping = False
        self._layer: QPixmap | None = None
        self._pressed: QPointF | None = None
        self._pressed_region = QRectF()
        self._mode: str | None = None  # "marker", "click", "pan"
        self._hovered = -1
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE)
        self._settle.timeout.connect(self.view_settled)

    # ---- what is shown ----

    @property
    def region(self) -> QRectF:
        """The visible part of the plane: left, lowest y, width, height."""
        return QRectF(self._region)

    @property
    def home(self) -> QRectF:
        """The part of the plane that is seen at first."""
        return QRectF(self._home)

    def pixel_of(self, point: int) -> QPointF:
        """Return where a point is, in pixels of the widget."""
        return QPointF(*self._pixels[point].tolist())

    @property
    def marker(self) -> QPointF | None:
        """Where the marker is, in pixels of the widget; it may lie outside."""
        return None if self._marker is None else self.to_pixel(self._marker.x(), self._marker.y())

    def set_home(self, region: QRectF) -> None:
        """Set the part of the plane that is seen at first, and show it."""
        self._home = QRectF(region)
        self._look(QRectF(region), settle=False)

    def reset_view(self) -> None:
        """Show the home region again."""
        self._look(QRectF(self._home))

    def set_points(self, xy: np.ndarray, kinds: np.ndarray, dots: tuple[Dot, ...]) -> None:
        """Show points `(N, 2)`; `kinds (N,)` says which of `dots` each one is."""
        self._xy, self._kinds, self._dots = np.asarray(xy, np.float32).reshape(-1, 2), kinds, dots
        self._hover(-1)
        self._locate()

    def set_background(self, picture: QImage | None, region: QRectF | None = None) -> None:
        """Show a picture over `region` of the plane, pale, behind the points."""
        self._background = None if picture is None or region is None else (picture, QRectF(region))
        self._forget()

    def set_route(self, line: np.ndarray, ends: tuple[tuple[str, np.ndarray], ...]) -> None:
        """Show a line `(N, 2)` between places and lettered places `(letter, (2,))`."""
        self._route = (line, ends) if ends else None
        self._forget()

    def set_marker(self, xy: np.ndarray | None) -> None:
        """Move the marker; only what it covered and covers is painted again."""
        before = self._marker_rect()
        self._marker = None if xy is None else QPointF(float(xy[0]), float(xy[1]))
        after = self._marker_rect()
        if before != after:
            self.update(before)
            self.update(after)

    def point_out(self, xy: np.ndarray | None) -> None:
        """Show a ring around a place of the plane, and the whole map where it lies outside; None: no ring."""
        if xy is None and self._pointed is None:
            return
        self._pointed = None if xy is None else QPointF(float(xy[0]), float(xy[1]))
        if self._pointed is not None and not self._region.contains(self._pointed):
            self.reset_view()
        self.update()

    def to_pixel(self, x: float, y: float) -> QPointF:
        """Return where a place of the plane is in the widget."""
        region = self._region
        return QPointF(
            (x - region.x()) / region.width() * self.width(),
            (1 - (y - region.y()) / region.height()) * self.height(),
        )

    def to_plane(self, pixel: QPointF) -> tuple[float, float]:
        """Return which place of the plane a pixel of the widget shows."""
        region = self._region
        return (
            region.x() + pixel.x() / max(self.width(), 1) * region.width(),
            region.y() + (1 - pixel.y() / max(self.height(), 1)) * region.height(),
        )

    def point_at(self, pixel: QPointF) -> int:
        """Return the nearest point within reach of a pixel, or -1."""
        near = np.flatnonzero(np.abs(self._pixels[:, 0] - pixel.x()) <= REACH)
        if not len(near):
            return -1
        away = np.hypot(*(self._pixels[near] - (pixel.x(), pixel.y())).T)
        away[~np.isfinite(away)] = np.inf
        nearest = int(away.argmin())
        return int(near[nearest]) if away[nearest] <= REACH else -1

    def refresh(self) -> None:
        """Paint everything again, in the colours of the present theme."""
        self._forget()

    # ---- view ----

    def zoom(self, factor: float, around: QPointF | None = None) -> None:
        """Show more (`factor` > 1) or less of the plane; the place under the pixel `around` stays."""
        around = around or self.marker or QPointF(self.rect().center())
        part = self._region.width() / self._home.width()
        factor = min(max(part * factor, ZOOM[0]), ZOOM[1]) / part
        x, y = self.to_plane(around)
        region = self._region
        self._look(
            QRectF(
                x - (x - region.x()) * factor,
                y - (y - region.y()) * factor,
                region.width() * factor,
                region.height() * factor,
            )
        )

    def _look(self, region: QRectF, *, settle: bool = True) -> None:
        if region == self._region:
            return
        self._region = region
        self._locate()
        if settle:
            self._settle.start()

    def _locate(self) -> None:
        """Work out the pixel of every point."""
        region = self._region
        scale = np.array([self.width() / region.width(), -self.height() / region.height()])
        origin = np.array([region.x(), region.y() + region.height()])
        self._pixels = ((self._xy - origin) * scale).astype(np.float32)
        self._forget()

    def _forget(self) -> None:
        self._layer = None
        self.update()

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._layer is None or self._layer.devicePixelRatio() != self.devicePixelRatio():
            self._layer = self._paint_layer()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._layer)
        if self._pointed is not None:
            draw_ring(painter, self.to_pixel(self._pointed.x(), self._pointed.y()))
        if self._marker is not None:
            place, _ = self._marker_place()
            draw_marker(painter, place, self.marker or place)
        if self.hasFocus() and self._keyboard_focus:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.current().focus, 2))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)
        if self._dropping:
            self._paint_drop(painter)

    def _paint_drop(self, painter: QPainter) -> None:
        """Show that the map takes what is dragged over it."""
        tint = QColor(theme.current().accent)
        tint.setAlphaF(0.12)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(tint)
        painter.setPen(QPen(theme.current().accent, 2))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), RADIUS, RADIUS)

    def _paint_layer(self) -> QPixmap:
        ratio = self.devicePixelRatio()
        layer = QPixmap(self.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        painter = QPainter(layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), RADIUS, RADIUS)
        painter.fillPath(outline, theme.current().window)
        painter.setClipPath(outline)
        if self._background is not None:
            picture, region = self._background
            top_left = self.to_pixel(region.x(), region.y() + region.height())
            bottom_right = self.to_pixel(region.x() + region.width(), region.y())
            painter.fillRect(QRectF(top_left, bottom_right), theme.current().panel)
            painter.setOpacity(STRENGTH)
            painter.drawImage(QRectF(top_left, bottom_right), picture)
            painter.setOpacity(1.0)
        if len(self._pixels) >= MANY:
            counted = count_points(self._pixels, self._kinds, self._dots, self.size(), ratio)
            painter.drawImage(QRectF(self.rect()), counted)
        else:
            draw_points(painter, self._pixels, self._kinds, self._dots, self.size())
        if self._route is not None:
            line, ends = self._route
            places = [self.to_pixel(x, y) for x, y in line.tolist()]
            letters = [(letter, self.to_pixel(float(x), float(y))) for letter, (x, y) in ends]
            draw_route(painter, places, letters)
        painter.end()
        return layer

    def _marker_place(self) -> tuple[QPointF, bool]:
        """Return where the marker is painted, and whether that is where it is."""
        place = self.marker
        assert place is not None
        edge = 10.0
        if QRectF(self.rect()).contains(place):
            return place, True
        return QPointF(
            min(max(place.x(), edge), self.width() - edge), min(max(place.y(), edge), self.height() - edge)
        ), False

    def _marker_rect(self) -> QRect:
        if self._marker is None:
            return QRect()
        place, _ = self._marker_place()
        return QRectF(place.x() - HALO - 1, place.y() - HALO - 1, 2 * HALO + 2, 2 * HALO + 2).toAlignedRect()

    # ---- mouse and keys ----

    _keyboard_focus = False

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and self.point_at(QPointF(event.pos())) >= 0:
            return True  # a point has a card of its own
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._keyboard_focus = False
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = event.position()
        self._pressed_region = self.region
        self._mode = "marker" if self._grips(event.position()) else "click"
        self._hover(-1)
        if self._mode == "marker":
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.grabbed.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._mode is None or self._pressed is None:
            self.setCursor(
                Qt.CursorShape.OpenHandCursor if self._grips(place) else Qt.CursorShape.CrossCursor
            )
            self._hover(-1 if self._grips(place) else self.point_at(place))
            return
        moved = place - self._pressed
        if self._mode == "marker":
            self.marker_dragged.emit(*self.to_plane(place))
        elif self._mode == "click" and moved.manhattanLength() >= QApplication.startDragDistance() / 2:
            self._mode = "pan"
            self.setCursor(Qt.CursorShape.SizeAllCursor)
        if self._mode == "pan":
            start = self._pressed_region
            self._look(
                start.translated(
                    -moved.x() / self.width() * start.width(), moved.y() / self.height() * start.height()
                )
            )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._mode is None:
            return
        mode, self._mode = self._mode, None
        self._pressed = None
        self.setCursor(Qt.CursorShape.CrossCursor)
        if mode == "marker":
            self.released.emit()
        elif mode == "click":
            point = self.point_at(event.position())
            if point >= 0:
                self.point_clicked.emit(point)
            else:
                self.place_clicked.emit(*self.to_plane(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.double_clicked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.zoom(1.2 ** (-event.angleDelta().y() / 120), event.position())
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = QPointF(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            place = self.marker or place
        place_on_screen = self.mapToGlobal(place.toPoint())
        self.menu_wanted.emit(*self.to_plane(place), self.point_at(place), place_on_screen)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in ARROWS:
            size = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            right, up = ARROWS[key]
            self.stepped.emit(right * size, up * size)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1 / 1.2)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1.2)
        elif key == Qt.Key.Key_Home:
            self.reset_view()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in ARROWS and not event.isAutoRepeat():
            self.step_ended.emit()
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard_focus = came_by_key(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.setCursor(Qt.CursorShape.CrossCursor)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._locate()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if place_in(event.mimeData()) is not None:
            self._show_dropping(True)
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_dropping(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_dropping(False)
        place = place_in(event.mimeData())
        if place is not None:
            event.acceptProposedAction()
            self.place_dropped.emit(place)

    def _show_dropping(self, dropping: bool) -> None:
        self._dropping = dropping
        self.update()

    def _grips(self, pixel: QPointF) -> bool:
        if self._marker is None:
            return False
        place, _ = self._marker_place()
        away = pixel - place
        return bool(np.hypot(away.x(), away.y()) <= GRIP)

    def _hover(self, point: int) -> None:
        if point != self._hovered:
            self._hovered = point
            self.point_hovered.emit(point)
