"""A small pill that is a button: a dot that says on or off, a name, a figure, and a cross to take it away."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QApplication, QSizePolicy, QWidget

from explorer.gui import theme

HEIGHT = 26
PADDING = 10
GAP = 6
DOT = 3.5  # radius
CROSS = 7.0  # side of the cross's square
CROSS_ROOM = 18  # what a click on the cross takes
NAME_LIMIT = 160  # logical pixels; longer names are cut in the middle, the tooltip has them whole
FIGURES = (
    "0.0 ms",
    "000 ms",
)  # the widest figures of one that is on; their room is kept so that nothing jumps


class Chip(QAbstractButton):
    """A pill; checkable ones have a dot, a figure and a cross, others are plain.

    Signals:
        remove_wanted: the cross, or Delete.
        move_wanted: Ctrl+Shift+arrow; -1 for left, 1 for right.
        menu_wanted: right click or the menu key, with the global position.
        drag_moved, drag_ended: it is being dragged; by how much, in logical pixels, since the press.
    """

    remove_wanted = Signal()
    move_wanted = Signal(int)
    menu_wanted = Signal(object)
    drag_moved = Signal(int)
    drag_ended = Signal()

    def __init__(self, text: str, *, checkable: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText(text)
        self.setCheckable(checkable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setMouseTracking(True)
        self._figure = ""
        self._pressed_at: QPointF | None = None
        self._dragging = False
        self._on_cross = False
        self._apply_font()
        theme.notifier.changed.connect(self._apply_font)

    @property
    def figure(self) -> str:
        """The figure behind the name, such as `1.2 ms` or `off`."""
        return self._figure

    @property
    def shown_name(self) -> str:
        """The name as painted, cut in the middle where it is very long."""
        return self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, NAME_LIMIT)

    def set_figure(self, text: str) -> None:
        """Show a figure behind the name."""
        if text != self._figure:
            self._figure = text
            self.update()

    def cross_rect(self) -> QRectF:
        """Return where a click takes the chip away; empty for a plain one."""
        if not self.isCheckable():
            return QRectF()
        return QRectF(self.width() - CROSS_ROOM - 4, 0, CROSS_ROOM + 4, self.height())

    # ---- painting ----

    def _apply_font(self) -> None:
        self.setFont(theme.numbers_font(theme.SMALL_PIXELS))
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        on = self.isChecked()
        self._paint_pill(painter, tokens, on)
        x = float(PADDING)
        middle = self.height() / 2
        if self.isCheckable():
            painter.setPen(QPen(tokens.accent if on else tokens.quiet, 1.2))
            painter.setBrush(tokens.accent if on else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x + DOT, middle), DOT, DOT)
            x += 2 * DOT + GAP
        name = self.shown_name
        wide = painter.fontMetrics().horizontalAdvance(name)
        enabled = self.isEnabled()
        painter.setPen(tokens.text if on else tokens.quiet if enabled else tokens.disabled)
        vertical = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(x, 0, wide + 2, self.height()), vertical | Qt.AlignmentFlag.AlignLeft, name)
        if self.isCheckable():
            painter.setPen(tokens.quiet)
            beside = QRectF(x + wide + GAP, 0, self.width(), self.height())
            painter.drawText(beside, vertical | Qt.AlignmentFlag.AlignLeft, self._figure)
            self._paint_cross(painter, tokens)
        painter.end()

    def _paint_pill(self, painter: QPainter, tokens: theme.Theme, on: bool) -> None:
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        fill = QColor(tokens.accent if on else tokens.panel)
        fill.setAlphaF((0.16 if self.underMouse() else 0.10) if on else 1.0 if self.underMouse() else 0.0)
        ringed = self.hasFocus() and self.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
        if ringed:
            box.adjust(0.5, 0.5, -0.5, -0.5)
            painter.setPen(QPen(tokens.focus, 2))
        else:
            painter.setPen(QPen(tokens.accent if on else tokens.line, 1))
        if self._dragging:
            painter.setBrush(tokens.window)
            painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)

    def _paint_cross(self, painter: QPainter, tokens: theme.Theme) -> None:
        where = self.cross_rect().center()
        half = CROSS / 2
        painter.setPen(QPen(tokens.text if self._on_cross else tokens.quiet, 1.3))
        painter.drawLine(where + QPointF(-half, -half), where + QPointF(half, half))
        painter.drawLine(where + QPointF(-half, half), where + QPointF(half, -half))

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        wide = 2 * PADDING + metrics.horizontalAdvance(self.shown_name) + 2
        if self.isCheckable():
            figures = (*FIGURES, self._figure) if self.isChecked() else (self._figure,)
            figure = max(metrics.horizontalAdvance(text) for text in figures)
            wide += round(2 * DOT) + GAP + GAP + figure + CROSS_ROOM + 4 - PADDING
        return QSize(wide, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            if self.cross_rect().contains(event.position()):
                self.remove_wanted.emit()
                return
            self._pressed_at = event.globalPosition()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        on_cross = self.cross_rect().contains(event.position())
        if on_cross != self._on_cross:
            self._on_cross = on_cross
            self.update()
        if self._pressed_at is None or not self.isCheckable():
            super().mouseMoveEvent(event)
            return
        moved = round(event.globalPosition().x() - self._pressed_at.x())
        if self._dragging or abs(moved) >= QApplication.startDragDistance():
            self._dragging = True
            self.setDown(False)
            self.drag_moved.emit(moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = None
        if self._dragging:
            self._dragging = False
            self.setDown(False)
            self.drag_ended.emit()
            self.update()
        else:
            super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_wanted.emit(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chord = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        if event.matches(QKeySequence.StandardKey.Delete) and self.isCheckable():
            self.remove_wanted.emit()
        elif event.modifiers() & chord == chord and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.move_wanted.emit(-1 if event.key() == Qt.Key.Key_Left else 1)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)
