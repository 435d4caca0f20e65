"""A long list of rows from a few widgets: only what is seen has one; a row that scrolls out serves again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QScrollBar, QWidget

BAR_WIDTH = 8
_STEP = 20  # px, a third of a wheel's notch


class RowList(QAbstractScrollArea):
    """Rows of given heights under each other, each of a kind.

    `make(kind)` builds a widget, `bind(widget, place)` fills it with what belongs at that place (0-based from
    the top). One row above and below the visible ones exists too, so that Tab finds its way. The row with
    the keyboard focus is kept, wherever it scrolls to.
    """

    rows_changed = Signal()  # other rows are shown, or the same ones at other places

    def __init__(
        self,
        make: Callable[[str], QWidget],
        bind: Callable[[QWidget, int], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._make, self._bind = make, bind
        self._kinds: Sequence[str] = ()
        self._tops = np.zeros(1, int)  # (rows + 1,) px
        self._shown: dict[int, QWidget] = {}  # by place
        self._free: dict[str, list[QWidget]] = {}
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setObjectName("overlay")
        self._bar.valueChanged.connect(self.verticalScrollBar().setValue)
        self.verticalScrollBar().setSingleStep(_STEP)

    # ---- content ----

    def set_rows(self, kinds: Sequence[str], heights: Sequence[int]) -> None:
        """Show other rows: the kind and the height (px) of each. Everything visible is bound anew."""
        for widget in self._shown.values():
            self._release(widget)
        self._shown.clear()
        self._kinds = kinds
        self._measure(heights)
        self._arrange()

    def set_heights(self, heights: Sequence[int], keep: int | None = None) -> None:
        """Give the same rows other heights; `keep` is a place whose lower edge should stay where it is."""
        before = self.place_bottom(keep) if keep is not None else 0
        self._measure(heights)
        if keep is not None:
            self.verticalScrollBar().setValue(
                self.verticalScrollBar().value() + self.place_bottom(keep) - before
            )
        self._arrange()

    def _measure(self, heights: Sequence[int]) -> None:
        self._tops = np.concatenate([[0], np.cumsum(np.asarray(heights, int))])
        self._set_range()

    def _set_range(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setRange(0, max(int(self._tops[-1]) - height, 0))
        bar.setPageStep(height)
        self._bar.setRange(bar.minimum(), bar.maximum())
        self._bar.setPageStep(height)
        self._bar.setVisible(bar.maximum() > 0)

    def shown(self) -> dict[int, QWidget]:
        """Return the widgets that exist now, by place."""
        return self._shown

    def place_bottom(self, place: int) -> int:
        """Return the lower edge of a row, px below the top of the first."""
        return int(self._tops[place + 1])

    def show_place(self, place: int) -> QWidget:
        """Scroll as little as needed to see a row whole, and return its widget."""
        bar, height = self.verticalScrollBar(), self.viewport().height()
        top, bottom = int(self._tops[place]), int(self._tops[place + 1])
        if top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + height:
            bar.setValue(bottom - height)
        self._arrange()
        return self._shown[place]

    # ---- rows ----

    def _arrange(self) -> None:
        """Give every visible place a widget, take those of the others back, move all to where they belong."""
        count, scroll, height = len(self._kinds), self.verticalScrollBar().value(), self.viewport().height()
        first = max(int(np.searchsorted(self._tops, scroll, "right")) - 2, 0)
        last = min(int(np.searchsorted(self._tops, scroll + height, "left")) + 1, count)
        wanted = set(range(first, last))
        has_changed = False
        for place in [p for p in self._shown if p not in wanted and not self._is_held(self._shown[p])]:
            self._release(self._shown.pop(place))
            has_changed = True
        width = self.viewport().width() - (BAR_WIDTH if self.verticalScrollBar().maximum() > 0 else 0)
        for place in sorted(wanted | self._shown.keys()):
            widget = self._shown.get(place)
            is_new = widget is None
            if widget is None:
                widget = self._shown[place] = self._take(self._kinds[place])
                has_changed = True
            top = int(self._tops[place])
            widget.setGeometry(0, top - scroll, width, int(self._tops[place + 1]) - top)
            if is_new:
                self._bind(widget, place)
                widget.show()
        if has_changed:
            self._order_tabs()
            self.rows_changed.emit()

    def _take(self, kind: str) -> QWidget:
        free = self._free.get(kind)
        if free:
            return free.pop(0)
        widget = self._make(kind)
        widget.setParent(self.viewport())
        widget.setProperty("row_kind", kind)
        return widget

    def _release(self, widget: QWidget) -> None:
        widget.hide()
        self._free.setdefault(widget.property("row_kind"), []).append(widget)

    @staticmethod
    def _is_held(widget: QWidget) -> bool:
        """Return whether the keyboard or the mouse is in a row."""
        holders = (QApplication.focusWidget(), QWidget.mouseGrabber())
        return any(holder is not None and widget.isAncestorOf(holder) for holder in holders)

    def _order_tabs(self) -> None:
        """Make Tab go through the rows from top to bottom, and through each from left to right."""
        before: QWidget | None = None
        for place in sorted(self._shown):
            widget = self._shown[place]
            stops = widget.tab_stops() if hasattr(widget, "tab_stops") else [widget]
            for stop in stops:
                if before is not None:
                    QWidget.setTabOrder(before, stop)
                before = stop

    # ---- Qt ----

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._bar.setValue(self.verticalScrollBar().value())
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._bar.setGeometry(self.width() - BAR_WIDTH, 0, BAR_WIDTH, self.height())
        self._bar.raise_()
        self._set_range()
        self._arrange()

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 80)

    def sizeHint(self) -> QSize:
        return QSize(314, 420)
