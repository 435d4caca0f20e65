"""One picture, large and exact: zoom, pan, the pixel under the cursor, a wiper to a second picture, a brush's ring.

Knows QImages only; what they show and when they change is the business of its owner. Its paint path is
measured (slider to pixel), so it converts each picture once, paints opaquely and only where the picture lies.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QHelpEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.gui import theme
from explorer.gui.widgets.brush_ring import BrushRing
from explorer.gui.widgets.viewport import Viewport
from explorer.gui.widgets.wiper import GRIP, Wiper

CORNER = 3.0  # radius, logical pixels
PAN_STEP = 40.0  # logical pixels an arrow key
WIPER_STEP = 0.02  # part of the width an arrow key
WHEEL_NOTCH = 120  # eighths of a degree
DOWNSCALED_BELOW = 0.75  # device pixels a pixel; below, painting alone would leave out pixels


class PictureView(QWidget):
    """Shows `picture`, and `before` beside it while the wiper is on or `show_before(True)` was called."""

    hovered = Signal()  # the pixel under the cursor, or its value, may be another
    view_changed = Signal()  # zoom, sharpness or wiper
    stroke_began = Signal(QPointF)  # of a brush; where, in pixels of the picture
    stroke_moved = Signal(QPointF)
    stroke_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewport = Viewport()
        self.wiper = Wiper()
        self.ring = BrushRing()
        self.after_paint: Callable[[], None] | None = (
            None  # called at the end of every paintEvent (benchmarks)
        )
        self._picture = QImage()
        self._size = QSize(0, 0)  # of the whole picture
        self._before = QImage()
        self._drawn = QImage()  # the picture in the format that paints fastest
        self._drawn_before: QImage | None = None  # likewise, made when it is painted first
        self._before_alone = False
        self._cursor_at: QPointF | None = None
        self._drag: tuple[str, QPointF] | None = None  # "pan", "wiper" or "brush", and where the mouse was
        self._space_held = False
        self._corners: tuple[QRectF, QPainterPath] = (QRectF(), QPainterPath())
        theme.notifier.changed.connect(self.update)

    # ---- pictures ----

    @property
    def picture(self) -> QImage:
        """The picture itself, null where there is none."""
        return self._picture

    @property
    def before(self) -> QImage:
        """What the wiper compares with, null where there is nothing."""
        return self._before

    @property
    def before_alone(self) -> bool:
        """Whether `before` covers the whole picture now."""
        return self._before_alone and not self._before.isNull()

    @property
    def wiping(self) -> bool:
        """Whether both pictures are shown with the divider between them."""
        return self.wiper.on and not self._before.isNull() and not self._before_alone

    @property
    def picture_size(self) -> QSize:
        """How many pixels the whole picture has; while a smaller one stands for it, that has fewer."""
        return self._size

    def set_pictures(
        self, picture: QImage, before: QImage | None = None, stands_for: QSize | None = None
    ) -> None:
        """Show a picture and what it may be compared with (drawn at the same place, whatever its size).

        `stands_for` is the size of the picture that a smaller one is shown for.
        """
        size = stands_for or picture.size()
        same_size = size == self._size
        self._picture, self._before = picture, before if before is not None else QImage()
        self._size = size
        if not same_size and not picture.isNull():
            self.viewport.picture = QSizeF(size)
            self.viewport.fit()
        self._convert()
        if same_size:
            self.update(self.wiper.dirty(self.viewport.target()).toAlignedRect())
        else:
            self.update()
            self.view_changed.emit()
        if self._cursor_at is not None:
            self.hovered.emit()

    def show_before(self, shown: bool) -> None:
        """Cover the picture with `before` for as long as a key is held."""
        if self._before_alone != shown:
            self._before_alone = shown
            self.update()
            self.view_changed.emit()

    def set_wiper(self, on: bool) -> None:
        """Show the divider, or the picture alone."""
        if self.wiper.on != on:
            self.wiper.on = on
            self.update()
            self.view_changed.emit()

    def set_brush(self, radius: float | None) -> None:
        """Let presses paint, with a ring of a radius (pixels of the picture) around the pointer; None: no more."""
        if self.ring.radius == radius:
            return
        self._update_ring()
        was_on, self.ring.radius = self.ring.on, radius
        if radius is None:
            self._end_stroke()
        if was_on != self.ring.on:
            self._place_ring(self._cursor_at)
            self._refresh_cursor()
        self._update_ring()

    def show_ring(self, shown: bool) -> None:
        """Show the ring in the middle of the view, where the pointer is elsewhere."""
        self._place_ring(QRectF(self.rect()).center() if shown else self._cursor_at)

    def value_under_cursor(self) -> tuple[QPoint, tuple[int, ...]] | None:
        """Return the pixel under the cursor and its value, (grey,) or (red, green, blue) in 0..255.

        It is the pixel of the picture that is seen there: left of the divider that of `before`.
        """
        if self._cursor_at is None or self._picture.isNull():
            return None
        pixel = self.viewport.pixel(self._cursor_at)
        if pixel is None:
            return None
        left = self.wiping and self._cursor_at.x() < self.wiper.x(self.viewport.target())
        image = self._before if left or self.before_alone else self._picture
        if image.size() != self._size:
            part = self.viewport.position(self._cursor_at)
            pixel = QPoint(int(part.x() * image.width()), int(part.y() * image.height()))
        colour = image.pixelColor(pixel)
        if image.format() == QImage.Format.Format_Grayscale8:
            return pixel, (colour.red(),)
        return pixel, (colour.red(), colour.green(), colour.blue())

    # ---- view ----

    def fit(self) -> None:
        """Show the whole picture."""
        self.viewport.fit()
        self._view_moved()

    def zoom_step(self, direction: int) -> None:
        """Zoom one step in (1) or out (-1) around the cursor, or the middle."""
        at = self._cursor_at if self._cursor_at is not None else QPointF(self.width() / 2, self.height() / 2)
        self.viewport.step(direction, at)
        self._view_moved()

    def set_smooth(self, smooth: bool | None) -> None:
        """Interpolate between pixels, or show them as squares; None: what suits the scale."""
        self.viewport.smooth = smooth
        self._view_moved()

    def toggle_smooth(self) -> None:
        """Turn crisp into smooth or smooth into crisp, whichever is seen now."""
        self.set_smooth(not self.viewport.drawn_smooth)

    def _view_moved(self) -> None:
        self._convert()
        self._refresh_cursor()
        self.update()
        self.view_changed.emit()
        if self._cursor_at is not None:
            self.hovered.emit()

    def _convert(self) -> None:
        self._drawn, self._drawn_before = self._for_painting(self._picture), None

    def _before_for_painting(self) -> QImage:
        if self._drawn_before is None:
            self._drawn_before = self._for_painting(self._before)
        return self._drawn_before

    def _for_painting(self, image: QImage) -> QImage:
        """Return an image in the format that Qt scales fastest, much too large ones reduced with a filter."""
        if image.isNull():
            return image
        target = self.viewport.target().size() * self.viewport.ratio
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        if target.width() < image.width() * DOWNSCALED_BELOW:
            size = QSize(max(round(target.width()), 1), max(round(target.height()), 1))
            image = image.scaled(
                size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
        return image

    def _refresh_cursor(self) -> None:
        at = self._cursor_at
        if at is None or self._picture.isNull():
            self.unsetCursor()
        elif self._drag is not None and self._drag[0] == "pan":
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif not self._space_held and self.wiping and self.wiper.hit(at, self.viewport.target()):
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif not self._space_held and self.ring.on and not self.before_alone:
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif self.viewport.can_pan:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        target = self.viewport.target()
        painter = QPainter(self)
        if self._picture.isNull():
            painter.fillRect(event.rect(), tokens.panel)
        else:
            if not target.toRect().contains(event.rect()):
                painter.fillRect(event.rect(), tokens.panel)
            wiping = self.wiping
            image = self._before_for_painting() if self.before_alone else self._drawn
            self._paint_image(painter, image, target)
            visible = target.intersected(QRectF(self.rect()))
            if wiping:
                self._paint_left(painter, self._before_for_painting(), target)
            self._paint_corners(painter, visible, tokens)
            if wiping:
                self.wiper.paint(painter, target, visible, tokens.accent)
            if not self.before_alone:
                self.ring.paint(painter, self.viewport.scale)
            if self.hasFocus():
                self._paint_focus(painter, visible, tokens)
        painter.end()
        if self.after_paint is not None:
            self.after_paint()

    def _paint_image(self, painter: QPainter, image: QImage, target: QRectF) -> None:
        smooth = self.viewport.drawn_smooth or self._picture.width() < self._size.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, image)

    def _paint_left(self, painter: QPainter, before: QImage, target: QRectF) -> None:
        ratio = self.viewport.ratio
        x = round(self.wiper.x(target) * ratio) / ratio
        painter.save()
        painter.setClipRect(QRectF(target.x(), target.y(), x - target.x(), target.height()))
        self._paint_image(painter, before, target)
        painter.restore()

    def _paint_corners(self, painter: QPainter, visible: QRectF, tokens: theme.Theme) -> None:
        """Round the picture by painting the panel over its four corners: much cheaper than clipping it."""
        if self._corners[0] != visible:
            outside = QPainterPath()
            outside.addRect(visible)
            inside = QPainterPath()
            inside.addRoundedRect(visible, CORNER, CORNER)
            self._corners = (visible, outside.subtracted(inside))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(self._corners[1], tokens.panel)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_focus(self, painter: QPainter, visible: QRectF, tokens: theme.Theme) -> None:
        if self.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(tokens.focus, 2))
            painter.drawRoundedRect(visible.adjusted(1, 1, -1, -1), CORNER, CORNER)

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.viewport.view = QSizeF(self.width(), max(self.height() - GRIP - 1, 1))
        self.viewport.ratio = self.devicePixelRatioF()
        self._view_moved()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self.viewport.ratio = self.devicePixelRatioF()
            self._view_moved()
        if isinstance(event, QHelpEvent) and self.viewport.pixel(QPointF(event.pos())) is not None:
            return True  # no tooltip over the picture
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        if turn and not self._picture.isNull():
            if abs(turn) % WHEEL_NOTCH == 0:
                for _ in range(abs(turn) // WHEEL_NOTCH):
                    self.viewport.step(1 if turn > 0 else -1, event.position())
            else:
                self.viewport.zoom(1.25 ** (turn / WHEEL_NOTCH), event.position())
            self._view_moved()
            event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at, target = event.position(), self.viewport.target()
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            super().mousePressEvent(event)
            return
        if self._drag is not None and self._drag[0] == "brush":
            return
        left = event.button() == Qt.MouseButton.LeftButton and not self._space_held
        on_line = self.wiping and self.wiper.hit(at, target)
        anywhere = self.wiping and not self.viewport.can_pan and target.contains(at) and not self.ring.on
        if left and (on_line or anywhere):
            self._drag = ("wiper", at)
            self._move_wiper(at.x())
        elif left and self.ring.on:
            if not self.before_alone and not self._picture.isNull():
                self._drag = ("brush", at)
                self.stroke_began.emit(self._on_picture(at))
        elif self.viewport.can_pan:
            self._drag = ("pan", at)
        self._refresh_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        self._cursor_at = at
        if self._drag is None:
            self._refresh_cursor()
        elif self._drag[0] == "wiper":
            self._move_wiper(at.x())
        elif self._drag[0] == "brush":
            self.stroke_moved.emit(self._on_picture(at))
        else:
            self.viewport.pan(at - self._drag[1])
            self._drag = ("pan", at)
            self.update()
        self._place_ring(at)
        self.hovered.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None and self._drag[0] == "brush":
            if event.button() == Qt.MouseButton.LeftButton:
                self._end_stroke()
            return
        self._drag = None
        self._refresh_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.ring.on:
            self.mousePressEvent(event)  # two dabs, one after the other
        elif not self.viewport.fitted:
            self.fit()

    def _move_wiper(self, x: float) -> None:
        self.wiper.move(x, self.viewport.target())
        self.update()
        self.view_changed.emit()

    def _on_picture(self, at: QPointF) -> QPointF:
        """Return a point of the view in pixels of the picture, which may lie outside of it."""
        part = self.viewport.position(at)
        return QPointF(part.x() * self._size.width(), part.y() * self._size.height())

    def _end_stroke(self) -> None:
        if self._drag is not None and self._drag[0] == "brush":
            self._drag = None
            self._refresh_cursor()
            self.stroke_ended.emit()

    def _place_ring(self, at: QPointF | None) -> None:
        self._update_ring()
        self.ring.at = at
        self._update_ring()

    def _update_ring(self) -> None:
        if self.ring.on and self.ring.at is not None:
            self.update(self.ring.rect(self.viewport.scale).toAlignedRect())

    def hideEvent(self, event: QHideEvent) -> None:
        self._end_stroke()  # no release would come

    def enterEvent(self, event: QEnterEvent) -> None:
        self._cursor_at = event.position()
        self._place_ring(self._cursor_at)
        self.hovered.emit()

    def leaveEvent(self, event: QEvent) -> None:
        self._cursor_at = None
        self._place_ring(None)
        self.hovered.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        self.show_before(False)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_step(1)
        elif key == Qt.Key.Key_Minus:
            self.zoom_step(-1)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key == Qt.Key.Key_Space:
            self._space_held = True
            self._refresh_cursor()
        elif key in _ARROWS:
            self._on_arrow(*_ARROWS[Qt.Key(key)])
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
            self._refresh_cursor()
        else:
            super().keyReleaseEvent(event)

    def _on_arrow(self, right: int, down: int) -> None:
        if self.wiping and right and not self.viewport.can_pan:
            self.wiper.nudge(right * WIPER_STEP)
            self.update()
            self.view_changed.emit()
        else:
            self.viewport.pan(QPointF(-right * PAN_STEP, -down * PAN_STEP))
            self._view_moved()


_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
