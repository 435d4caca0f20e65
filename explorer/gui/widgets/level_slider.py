"""A small slider that is filled from its left end: how much of something."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.held_slider import HEIGHT, HeldSlider

STEPS = 1000
_INSET = 7  # from the widget's edge to the end of the track, px
_HANDLE = 5.0  # radius, px


class LevelSlider(HeldSlider):
    """Horizontal, 0..1; a press anywhere takes the handle there. It shows what it is told and tells what was done."""

    moved = Signal(float)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, STEPS)
        self.setSingleStep(STEPS // 50)
        self.setPageStep(STEPS // 10)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.valueChanged.connect(self._on_value_changed)

    def show_level(self, level: float) -> None:
        """Show a level, without telling anybody."""
        at = round(min(max(level, 0.0), 1.0) * STEPS)
        if at != self.value():
            blocked = self.blockSignals(True)
            self.setValue(at)
            self.blockSignals(blocked)
            self.update()

    def _on_value_changed(self, value: int) -> None:
        self.moved.emit(value / STEPS)

    def _drag(self, x: float) -> None:
        part = (x - _INSET) / max(self.width() - 2 * _INSET, 1)
        self.setValue(round(min(max(part, 0.0), 1.0) * STEPS))

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(90, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(36, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, wide = self.height() / 2, self.width() - 2 * _INSET
        at = _INSET + wide * self.value() / STEPS
        painter.setBrush(colors.track)
        painter.drawRoundedRect(QRectF(_INSET, middle - 1.5, wide, 3), 1.5, 1.5)
        painter.setBrush(colors.accent)
        painter.drawRoundedRect(QRectF(_INSET, middle - 1.5, at - _INSET, 3), 1.5, 1.5)
        if self.hasFocus():
            painter.setBrush(colors.tint)
            painter.drawEllipse(QPointF(at, middle), _HANDLE + 2, _HANDLE + 2)
        painter.setBrush(colors.accent if self.isSliderDown() else colors.panel)
        painter.setPen(QPen(colors.accent, 2))
        painter.drawEllipse(QPointF(at, middle), _HANDLE, _HANDLE)
