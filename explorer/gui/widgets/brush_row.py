"""The quiet row of a brush: what it paints towards, how far it reaches and how strongly it acts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QResizeEvent, QStandardItemModel
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from explorer.gui import theme
from explorer.gui.widgets.fitting_combo import FittingCombo
from explorer.gui.widgets.level_slider import LevelSlider

NARROW = (
    520,
    420,
)  # px; below the first the choice goes without its name, below the other the sliders as well
_GAP = 6  # px, between two settings, besides the usual


@dataclass(frozen=True)
class Source:
    """Something to paint towards: its `key`, what the closed box and the list call it, and why it is not there."""

    key: str
    text: str
    full: str
    why_not: str = ""


class BrushRow(QWidget):
    """Shows what it is told and tells what was chosen; it knows nothing of what is painted."""

    source_chosen = Signal(str)  # key
    radius_moved = Signal(float)  # px
    radius_held = Signal(bool)
    strength_moved = Signal(float)  # 0..1

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._span = (1.0, 2.0)
        self._sources: tuple[Source, ...] = ()
        self.source = FittingCombo("Paint towards", "What the brush paints towards", self)
        self.source.activated.connect(self._on_activated)
        self.radius = LevelSlider("Radius of the brush", "How far the brush reaches ([ and ])", self)
        self.radius.moved.connect(self._on_radius_moved)
        self.radius.held.connect(self.radius_held)
        self.strength = LevelSlider("Strength of the brush", "How much one stroke changes", self)
        self.strength.moved.connect(self.strength_moved)
        self._names = tuple(_quiet(name, self) for name in ("Paint towards", "Radius", "Strength"))
        self._numbers = (_number(self), _number(self))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._names[0])
        layout.addWidget(self.source)
        layout.addStretch(1)
        sliders = (self.radius, self.strength)
        for name, slider, number in zip(self._names[1:], sliders, self._numbers, strict=True):
            layout.addSpacing(_GAP)
            layout.addWidget(name)
            layout.addWidget(slider, stretch=4)
            layout.addWidget(number)
        _fit(self._numbers[1], "0.00")

    def show_sources(self, sources: Sequence[Source], chosen: str) -> None:
        """List what can be painted towards; what is not there is grey, and its tooltip says why."""
        if tuple(sources) != self._sources:
            self._sources = tuple(sources)
            self.source.clear()
            for source in sources:
                self.source.add(source.text, source.key, source.full)
                self._show_last(source)
        self.source.setCurrentIndex(self.source.findData(chosen))

    def _show_last(self, source: Source) -> None:
        model, index = self.source.model(), self.source.count() - 1
        assert isinstance(model, QStandardItemModel)
        model.item(index).setEnabled(not source.why_not)
        if source.why_not:
            self.source.setItemData(index, source.why_not, Qt.ItemDataRole.ToolTipRole)

    def show_radius(self, radius: float, smallest: float, largest: float) -> None:
        """Show how far it reaches, px, and between which ends the slider goes (evenly in its logarithm)."""
        self._span = smallest, largest
        _fit(self._numbers[0], f"{largest:.0f} px")
        self.radius.show_level(math.log(radius / smallest) / math.log(largest / smallest))
        self._numbers[0].setText(f"{radius:.0f} px")

    def show_strength(self, strength: float) -> None:
        """Show how strongly it acts, 0..1."""
        self.strength.show_level(strength)
        self._numbers[1].setText(f"{strength:.2f}")

    def _on_activated(self, index: int) -> None:
        self.source_chosen.emit(self.source.itemData(index))

    def _on_radius_moved(self, level: float) -> None:
        smallest, largest = self._span
        self.radius_moved.emit(smallest * (largest / smallest) ** level)

    # ---- Qt ----

    def minimumSizeHint(self) -> QSize:
        return QSize(240, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        for index, name in enumerate(self._names):
            name.setVisible(self.width() >= NARROW[index > 0])
        super().resizeEvent(event)


def _quiet(text: str, parent: QWidget) -> QLabel:
    label = QLabel(text, parent)
    label.setObjectName("quiet")
    return label


def _number(parent: QWidget) -> QLabel:
    label = _quiet("", parent)
    label.setFont(theme.numbers_font(theme.SMALL_PIXELS))
    label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return label


def _fit(label: QLabel, widest: str) -> None:
    """Keep a label as wide as its widest number, so that nothing moves while a slider does."""
    label.setFixedWidth(math.ceil(QFontMetricsF(label.font()).horizontalAdvance(widest)) + 2)
