"""What all sliders here do with the mouse: a hand holds them from a press on, until it lets go or they are hidden."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QSlider, QWidget

HEIGHT = 24


class HeldSlider(QSlider):
    """Horizontal; a subclass says what a press and a drag do, and paints. The wheel is left to what it lies in."""

    held = Signal(bool)  # a hand took it, or let it go

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFixedHeight(HEIGHT)

    def _press(self, x: float) -> None:
        """Answer a hand that has taken it at `x`, px."""
        self._drag(x)

    def _drag(self, x: float) -> None:
        """Follow the hand that holds it to `x`, px."""
        raise NotImplementedError

    def _let_go(self) -> None:
        if self.isSliderDown():
            self.setSliderDown(False)
            self.held.emit(False)
            self.update()

    # ---- Qt ----

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self.setSliderDown(True)
        self.held.emit(True)
        self._press(event.position().x())
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._drag(event.position().x())
        else:
            event.ignore()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._let_go()

    def hideEvent(self, event: QHideEvent) -> None:
        self._let_go()  # no release would come

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()
