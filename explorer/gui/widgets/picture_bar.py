"""The quiet line under a picture: the pixel under the cursor, what is compared, zoom and sharpness."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from explorer.gui.widgets.picture_view import PictureView
from explorer.gui.widgets.quiet_line import QuietLine

FIGURE_SPACE = "\u2007"  # as wide as a digit


class PictureBar(QWidget):
    """Reads a `PictureView` and offers what can be done with it; keeps only the names of the two sides."""

    compare_wanted = Signal()
    brush_wanted = Signal()

    def __init__(self, view: PictureView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._sides: tuple[str, str] | None = None
        self._why_not = ""
        self._can_compare = False
        self.line = QuietLine(self)
        self.compare = _button("Compare")
        self.compare.setCheckable(True)
        self.compare.clicked.connect(self.compare_wanted)
        self.brush = _button("Brush")
        self.brush.setCheckable(True)
        self.brush.clicked.connect(self.brush_wanted)
        self.brush.hide()
        self.sharpness = _button("Crisp")
        self.sharpness.clicked.connect(view.toggle_smooth)
        self.zoom = _button("Fit")
        self.zoom.setToolTip("Show the whole picture (0); the wheel, + and - zoom, dragging moves it")
        self.zoom.clicked.connect(view.fit)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.line, stretch=1)
        for button in (self.brush, self.compare, self.sharpness, self.zoom):
            layout.addWidget(button)
        view.hovered.connect(self._refresh_line)
        view.view_changed.connect(self.refresh)
        self.refresh()

    def set_sides(
        self, sides: tuple[str, str] | None, why_not: str = "", *, can_compare: bool = False
    ) -> None:
        """Name what stands left and right of the divider; None where nothing is compared, and why not.

        `can_compare`: something can be compared all the same, and `why_not` says what.
        """
        now = sides, why_not, can_compare or sides is not None
        if now != (self._sides, self._why_not, self._can_compare):
            self._sides, self._why_not, self._can_compare = now
            self.refresh()

    def set_brush(self, *, exists: bool, on: bool, why_not: str = "") -> None:
        """Show whether there is a brush and whether it is taken; why it cannot be."""
        self.brush.setVisible(exists)
        self.brush.setChecked(on)
        self.brush.setEnabled(not why_not)
        self.brush.setToolTip(
            why_not or "Paint a part of the picture towards another one (E); Escape ends it"
        )

    def refresh(self) -> None:
        """Show what the view shows now."""
        viewport = self._view.viewport
        scale = viewport.scale * viewport.ratio
        is_whole = scale >= 1 and abs(scale - round(scale)) < 1e-6
        self.zoom.setText(f"{scale:.0f}×" if is_whole else f"{scale:.2g}×")
        smooth = viewport.drawn_smooth
        self.sharpness.setText("Smooth" if smooth else "Crisp")
        other = "show pixels as squares" if smooth else "interpolate between pixels"
        self.sharpness.setToolTip(f"Sharpness: {other} (I)")
        self.compare.setEnabled(self._can_compare)
        self.compare.setChecked(self._view.wiping)
        tip = "Drag a divider between before and after (W); hold B for before alone"
        self.compare.setToolTip(self._why_not if self._sides is None else tip)
        self._refresh_line()

    def _refresh_line(self) -> None:
        left = short = middle = ""
        at = None
        under = self._view.value_under_cursor()
        if under is not None:
            left, short = describe_pixel(under[0].x(), under[0].y(), under[1])
        if self._sides is not None and self._view.before_alone:
            middle = self._sides[0]
        elif self._sides is not None and self._view.wiping:
            middle = "  |  ".join(self._sides)
            divider = self._view.wiper.x(self._view.viewport.target())
            at = divider + self._view.mapToGlobal(QPoint()).x() - self.line.mapToGlobal(QPoint()).x()
        self.line.set_texts(left, middle, short, at)


def describe_pixel(x: int, y: int, value: tuple[int, ...]) -> tuple[str, str]:
    """Return a pixel's place and value, `x 12  y  7  grey 143`, and the same for little room."""
    names = ("grey",) if len(value) == 1 else ("R", "G", "B")
    numbers = [str(number).rjust(3, FIGURE_SPACE) for number in value]
    named = "  ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
    place = [str(number).rjust(2, FIGURE_SPACE) for number in (x, y)]
    return f"x {place[0]}  y {place[1]}  {named}", f"{place[0]}, {place[1]}: {' '.join(numbers)}"


def _button(text: str) -> QToolButton:
    button = QToolButton()
    button.setObjectName("quiet")
    button.setProperty("kind", "bare")
    button.setText(text)
    button.setAccessibleName(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
