"""A slider over the epochs of a run, with a second handle for the one that is compared."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.held_slider import HEIGHT, HeldSlider

_INSET = 8  # from the widget's edge to the end of the track, px
_HANDLE = 6.0  # radius, px
_RIVAL = 4.5  # likewise, of the second one
_CLOSEST = 7.0  # px between two ticks; nearer ones are left out


class EpochSlider(HeldSlider):
    """Horizontal; its values are places in the list of epochs. It shows what it is told and tells what was done."""

    moved = Signal(int)  # by hand or key
    rival_moved = Signal(int)
    menu_wanted = Signal(int, QPoint)  # the epoch under the pointer, and where on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, 0)
        self.setPageStep(5)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Epoch")
        self._rival: int | None = None
        self._drags_rival = False
        self.valueChanged.connect(self._on_value_changed)

    @property
    def rival(self) -> int | None:
        """The place that is compared."""
        return self._rival

    def show_places(self, count: int, at: int, rival: int | None) -> None:
        """Show so many epochs, which is shown and which is compared, without telling anybody."""
        now = (self.maximum() + 1, self.value(), self._rival)
        if now == (max(count, 1), at, rival):
            return
        blocked = self.blockSignals(True)
        self.setRange(0, max(count - 1, 0))
        self.setValue(at)
        self.blockSignals(blocked)
        self._rival = rival
        self.update()

    def x_of(self, place: int) -> float:
        """Return where a place lies on the track, px; a single one is at the end."""
        part = place / self.maximum() if self.maximum() else 1.0
        return _INSET + part * (self.width() - 2 * _INSET)

    def _place_at(self, x: float) -> int:
        part = (x - _INSET) / max(self.width() - 2 * _INSET, 1)
        return round(min(max(part, 0.0), 1.0) * self.maximum())

    def _on_value_changed(self, value: int) -> None:
        self.update()
        self.moved.emit(value)

    def _is_on_rival(self, x: float) -> bool:
        """Return whether a press takes the second handle, which lies under the first one."""
        if self._rival is None or abs(x - self.x_of(self._rival)) > _RIVAL + 3:
            return False
        return abs(x - self.x_of(self.value())) > _HANDLE + 3

    def _press(self, x: float) -> None:
        self._drags_rival = self._is_on_rival(x)
        if not self._drags_rival:
            self.setValue(self._place_at(x))

    def _drag(self, x: float) -> None:
        place = self._place_at(x)
        if not self._drags_rival:
            self.setValue(place)
        elif place != self._rival:
            self._rival = place
            self.update()
            self.rival_moved.emit(place)

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, HEIGHT)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        place = self._place_at(event.pos().x()) if by_mouse else self.value()
        self.menu_wanted.emit(place, event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, wide = self.height() / 2, self.width() - 2 * _INSET
        at = self.x_of(self.value())
        painter.setBrush(colors.track)
        painter.drawRoundedRect(QRectF(_INSET, middle - 2, wide, 4), 2, 2)
        painter.setBrush(colors.accent)
        painter.drawRoundedRect(QRectF(_INSET, middle - 2, at - _INSET, 4), 2, 2)
        if self.maximum() and wide / self.maximum() >= _CLOSEST:
            for place in range(self.maximum() + 1):
                painter.fillRect(QRectF(round(self.x_of(place)), middle + 7, 1, 3), colors.tick)
        if self._rival is not None:
            painter.setBrush(colors.panel)
            painter.setPen(QPen(colors.text, 1.5))
            painter.drawEllipse(QPointF(self.x_of(self._rival), middle), _RIVAL, _RIVAL)
            painter.setPen(Qt.PenStyle.NoPen)
        if self.hasFocus():
            painter.setBrush(colors.tint)
            painter.drawEllipse(QPointF(at, middle), _HANDLE + 2, _HANDLE + 2)
        held = self.isSliderDown() and not self._drags_rival
        painter.setBrush(colors.accent if held else colors.panel)
        painter.setPen(QPen(colors.accent, 2))
        painter.drawEllipse(QPointF(at, middle), _HANDLE, _HANDLE)
