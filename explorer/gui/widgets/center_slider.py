"""A slider that is filled from its middle: how far a value lies from a centre, in spreads."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.held_slider import HEIGHT, HeldSlider

REACH = 3  # spreads to either side
STEPS = 1000  # positions in one spread
INSET = 8  # from the widget's edge to the end of the track
SMALL_STEP, LARGE_STEP = 0.1, 1.0  # spreads
_TICKS = (-2, -1, 1, 2)
_HANDLE = 6.0  # radius, px


class CenterSlider(HeldSlider):
    """Horizontal, -3..3 spreads around the centre; `valueChanged` counts thousandths of a spread.

    A value that lies outside, or between two positions, is shown by `show_offset` and stays what it was: only
    a hand or a key changes it.

    Attributes:
        was_dragged: whether the hand that holds it, or did last, moved the handle; a click on the track is no drag.
    """

    stepped = Signal(float)  # by a key, in spreads; infinite for an end
    settled = Signal()  # the key was let go
    centered = Signal()
    lock_asked = Signal()
    left = Signal(int)  # to the row above (-1) or below (+1)
    focused = Signal(bool)  # by the mouse

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(-REACH * STEPS, REACH * STEPS)
        self.setSingleStep(int(SMALL_STEP * STEPS))
        self.setPageStep(int(LARGE_STEP * STEPS))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._exact = 0.0
        self._grip = 0.0  # pointer minus handle, px
        self.was_dragged = False
        self._has_stepped = False
        self._shows_focus = False

    @property
    def offset(self) -> float:
        """What is shown, in spreads; exact where it was written back."""
        at = self.value()
        return self._exact if at == self._position(self._exact) else at / STEPS

    def show_offset(self, offset: float) -> None:
        """Show a value, in spreads from the centre, without telling anybody."""
        if offset == self._exact and self.value() == self._position(offset):
            return
        self._exact = offset
        blocked = self.blockSignals(True)
        self.setValue(self._position(offset))
        self.blockSignals(blocked)
        self.update()

    @staticmethod
    def _position(offset: float) -> int:
        return round(min(max(offset, -REACH), REACH) * STEPS)

    # ---- geometry ----

    def handle_x(self) -> float:
        """Return where the middle of the handle is, px."""
        return self.x_of(min(max(self.offset, -REACH), REACH))

    def x_of(self, offset: float) -> float:
        """Return where an offset lies on the track, px."""
        return INSET + (offset + REACH) / (2 * REACH) * (self.width() - 2 * INSET)

    def _offset_at(self, x: float) -> float:
        return (x - INSET) / max(self.width() - 2 * INSET, 1) * 2 * REACH - REACH

    def _press(self, x: float) -> None:
        self._shows_focus = self.was_dragged = False
        on_handle = abs(x - self.handle_x()) <= _HANDLE + 3
        self._grip = x - self.handle_x() if on_handle else 0.0
        if not on_handle:
            self.setValue(self._position(self._offset_at(x)))

    def _drag(self, x: float) -> None:
        self.was_dragged = True
        self.setValue(self._position(self._offset_at(x - self._grip)))

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, HEIGHT)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.centered.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        size = LARGE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else SMALL_STEP
        steps = {
            Qt.Key.Key_Left: -size,
            Qt.Key.Key_Right: size,
            Qt.Key.Key_PageDown: -LARGE_STEP,
            Qt.Key.Key_PageUp: LARGE_STEP,
            Qt.Key.Key_Home: -math.inf,
            Qt.Key.Key_End: math.inf,
        }
        if event.modifiers() & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier):
            event.ignore()
        elif key in steps:
            self._has_stepped = True
            self.stepped.emit(steps[Qt.Key(key)])
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.left.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_0):
            self.centered.emit()
        elif key == Qt.Key.Key_L:
            self.lock_asked.emit()
        else:
            event.ignore()
        if event.isAccepted() and not self._shows_focus:
            self._shows_focus = True
            self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self._settle()
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        by_mouse = event.reason() == Qt.FocusReason.MouseFocusReason
        self._shows_focus = not by_mouse and event.reason() != Qt.FocusReason.ActiveWindowFocusReason
        self.focused.emit(by_mouse)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._settle()
        self._shows_focus = False
        self.update()

    def _settle(self) -> None:
        if self._has_stepped:
            self._has_stepped = False
            self.settled.emit()

    # ---- painting ----

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = HEIGHT // 2
        painter.setBrush(colors.track)
        painter.drawRoundedRect(QRectF(INSET, middle - 2, self.width() - 2 * INSET, 4), 2, 2)
        for tick in _TICKS:
            painter.fillRect(QRect(round(self.x_of(tick)), middle + 5, 1, 3), colors.tick)
        center, at = self.x_of(0), self.handle_x()
        painter.setBrush(colors.accent)
        painter.drawRect(QRectF(min(center, at), middle - 2, abs(at - center), 4))
        self._paint_handle(painter, QPointF(at, middle), colors)

    def _paint_handle(self, painter: QPainter, at: QPointF, colors: theme.Theme) -> None:
        if self._shows_focus and self.hasFocus():
            ring = QColor(colors.focus)
            ring.setAlphaF(0.35)
            painter.setPen(QPen(ring, 3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, _HANDLE + 0.5, _HANDLE + 0.5)
        painter.setBrush(colors.accent if self.isSliderDown() else colors.panel)
        painter.setPen(QPen(colors.accent, 2))
        if abs(self.offset) <= REACH + 1e-6:
            painter.drawEllipse(at, _HANDLE, _HANDLE)
            return
        side = 1 if self.offset > 0 else -1  # an arrow: the value lies out there
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.accent)
        tip, back, y = at.x() + side * (INSET - 1), at.x() - side * (_HANDLE - 2), at.y()
        painter.drawPolygon(QPolygonF([QPointF(tip, y), QPointF(back, y - 7), QPointF(back, y + 7)]))
