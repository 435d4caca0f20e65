"""One line of quiet text with figures that do not dance: painted, so a new text never makes a layout run."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.gui import theme

GAP = 12


class QuietLine(QWidget):
    """A text at the left, and one in the middle where there is room for it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._left = ""
        self._middle = ""
        self._short = ""
        self._at: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier.changed.connect(self.update)

    @property
    def left(self) -> str:
        """The text at the left."""
        return self._left

    @property
    def middle(self) -> str:
        """The text in the middle."""
        return self._middle

    def set_texts(self, left: str, middle: str, short: str = "", at: float | None = None) -> None:
        """Show two texts; `short` stands for `left` where that has no room.

        `at` is where the bar `|` of `middle` should stand, in this widget's pixels; by default in the middle.
        """
        self._short = short or left
        if at != self._at:
            self._at = at
            self.update()
        if (left, middle) != (self._left, self._middle):
            self._left, self._middle = left, middle
            self.setAccessibleName(", ".join(text for text in (left, middle) if text))
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 24)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(theme.numbers_font(theme.SMALL_PIXELS))
        painter.setPen(theme.current().quiet)
        metrics = painter.fontMetrics()
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        fits = metrics.horizontalAdvance(self._left) <= self.width()
        left = self._left if fits else self._short
        painter.drawText(self.rect(), align, left)
        taken = metrics.horizontalAdvance(left) + GAP if left else 0
        wide = metrics.horizontalAdvance(self._middle)
        if taken + wide <= self.width():
            start = (self.width() - wide) // 2
            if self._at is not None:
                start = round(self._at) - metrics.horizontalAdvance(self._middle.partition("|")[0])
            start = min(max(start, taken), self.width() - wide)
            painter.drawText(self.rect().adjusted(start, 0, 0, 0), align, self._middle)
