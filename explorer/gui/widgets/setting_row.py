"""A setting of the whole picture as a row: name, slider filled from its middle, value."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from explorer.gui.widgets.center_slider import REACH, STEPS, CenterSlider
from explorer.gui.widgets.number_field import NumberField

_NAME = 76  # px
_FIELD = 60


class SettingRow(QWidget):
    """Shows a number and tells what it was set to; it keeps none.

    Args:
        name: what it is called.
        reach: the slider goes from -reach to reach.
        home: where a double click puts it.
        tip: what it does.
    """

    grabbed = Signal()
    moved = Signal(float)
    settled = Signal()  # the hand is off, or the key
    entered = Signal(float)

    def __init__(self, name: str, reach: float, home: float, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = reach / REACH
        self._home = home
        self._value = home
        label = QLabel(name, self)
        label.setFixedWidth(_NAME)
        self.slider = CenterSlider(self)
        self.field = NumberField(self)
        self.field.setFixedWidth(_FIELD)
        for widget in (self.slider, self.field):
            widget.setAccessibleName(name)
        self.setToolTip(tip)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(label)
        layout.addWidget(self.slider, stretch=1)
        layout.addWidget(self.field)
        self.slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.held.connect(self._on_held)
        self.slider.stepped.connect(self._on_stepped)
        self.slider.settled.connect(self.settled)
        self.slider.centered.connect(self._on_centered)
        self.slider.left.connect(self._on_left)
        self.field.left.connect(self._on_left)
        self.field.entered.connect(self._on_entered)

    def show_value(self, value: float) -> None:
        """Show a value, which may lie outside of the slider; nobody is told."""
        self._value = value
        self.slider.show_offset(value / self._unit)
        self.field.show_value(value)

    def _on_moved(self, position: int) -> None:
        self.moved.emit(position / STEPS * self._unit)

    def _on_held(self, held: bool) -> None:
        (self.grabbed if held else self.settled).emit()

    def _on_stepped(self, steps: float) -> None:
        reach = REACH * self._unit
        self.moved.emit(min(max(self._value + steps * self._unit, -reach), reach))

    def _on_centered(self) -> None:
        self.entered.emit(self._home)

    def _on_entered(self, value: float) -> None:
        self.entered.emit(value)

    def _on_left(self, direction: int) -> None:
        self.focusNextPrevChild(direction > 0)
