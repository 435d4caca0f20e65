"""Combo boxes for a plane: PCA, or one dimension and then a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from explorer.gui.widgets.fitting_combo import FittingCombo

LONGEST = 40  # letters of a title in the list, which is as wide as its widest entry

PlaneName = Literal["pca"] | tuple[int, int]
MOST_LISTED = 512  # dimensions; of more, only those that have a name, or are chosen


class PlaneChoice(QObject):
    """Two combo boxes; the second is there only while the first names a dimension."""

    chosen = Signal(object)  # "pca", or two 0-based dimensions

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._listed: tuple[tuple[str, ...], tuple[str, ...], bool] | None = None
        self._first = _combo(
            parent,
            "Plane of the map, or its horizontal dimension",
            "Plane of the map: the two main directions of the codes (PCA), or a dimension",
        )
        self._second = _combo(parent, "Vertical dimension of the map", "Dimension that the map shows upwards")
        self._first.activated.connect(self._on_activated)
        self._second.activated.connect(self._on_activated)

    @property
    def combos(self) -> tuple[FittingCombo, FittingCombo]:
        """The boxes, in their order."""
        return self._first, self._second

    def set_dimensions(self, names: Sequence[str], titles: Mapping[int, str], *, has_pca: bool) -> None:
        """List dimensions, with what people call some of them, and PCA where there are codes for it."""
        full = tuple(f"{name}  {_short(titles[i])}" if i in titles else name for i, name in enumerate(names))
        listed = (tuple(names), full, has_pca)
        if listed == self._listed:
            return
        self._listed = listed
        for combo in self.combos:
            combo.clear()
        if has_pca or not names:
            self._first.addItem("PCA", "pca")
        for i in (*range(min(len(names), MOST_LISTED)), *(i for i in sorted(titles) if i >= MOST_LISTED)):
            for combo in self.combos:
                combo.add(names[i], i, full[i])
        for combo in self.combos:
            combo.setEnabled(bool(names))

    def set_chosen(self, plane: PlaneName) -> None:
        """Show which plane is chosen."""
        first, second = ("pca", None) if plane == "pca" else plane
        for combo, dim in zip(self.combos, (first, second), strict=True):
            names, full, _ = self._listed or ((), (), False)
            if isinstance(dim, int) and dim < len(names) and combo.findData(dim) < 0:
                combo.add(names[dim], dim, full[dim])
        self._first.setCurrentIndex(max(self._first.findData(first), 0))
        if second is not None:
            self._second.setCurrentIndex(self._second.findData(second))
        self._second.setVisible(second is not None and self._second.count() > 0)

    def _on_activated(self, _index: int) -> None:
        first = self._first.currentData()
        if first == "pca":
            self.chosen.emit("pca")
            return
        second = self._second.currentData() if not self._second.isHidden() else None
        if second is None or second == first:
            second = (first + 1) % self._second.count()
        self.chosen.emit((first, second))


def _short(title: str) -> str:
    return title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"


def _combo(parent: QWidget, name: str, tip: str) -> FittingCombo:
    combo = FittingCombo(name, tip, parent)
    combo.setMaxVisibleItems(16)
    return combo
