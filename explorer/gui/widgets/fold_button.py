"""A line that opens and closes what is folded under it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from explorer.gui import theme
from explorer.gui.widgets.icons import paint_icon

HEIGHT = 32
_PAD = 6
_CHEVRON = 12


class FoldButton(QAbstractButton):
    """A chevron and a text; checked means open. Enter and Space toggle, Right opens, Left closes."""

    left = Signal(int)  # to the row above (-1) or below (+1)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_state(self, text: str, *, is_open: bool) -> None:
        """Show what is folded, and whether it is open."""
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(f"{'Hide' if is_open else 'Show'} the {text} (Enter)")
        self.setChecked(is_open)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
            if self.isChecked() != (key == Qt.Key.Key_Right):
                self.click()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.left.emit(-1 if key == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(colors.focus, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 2.5, -0.5, -2.5), 6, 6)
        color = "text" if self.underMouse() else "quiet"
        chevron = QRectF(_PAD, (self.height() - _CHEVRON) / 2, _CHEVRON, _CHEVRON)
        paint_icon(painter, chevron, "chevron-down" if self.isChecked() else "chevron-right", color)
        painter.setPen(getattr(colors, color))
        place = QRect(_PAD + _CHEVRON + 6, 0, self.width(), self.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self.text())
