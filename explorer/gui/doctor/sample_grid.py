"""Nine decoded pictures on a panel, as large as there is room; or why there are none."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.dock import paint_frame

COLUMNS = 3
GAP = 3
MARGIN = 12
SMOOTH_FROM = 96  # pixels of a picture's longer side; smaller ones are shown as squares


class SampleGrid(QWidget):
    """Three by three pictures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures: tuple[QImage, ...] = ()
        self._text = ""
        self._is_old = False
        self.setMinimumSize(120, 120)
        self.setAccessibleName("Random pictures, decoded with these choices")
        theme.notifier.changed.connect(self.update)

    @property
    def pictures(self) -> tuple[QImage, ...]:
        """What is shown, row by row."""
        return self._pictures

    @property
    def text(self) -> str:
        """What is said in place of pictures."""
        return self._text

    @property
    def is_old(self) -> bool:
        """Whether what is shown was decoded by other choices than those that are set."""
        return self._is_old

    def show_pictures(self, pictures: Sequence[QImage]) -> None:
        """Show pictures, row by row."""
        self._pictures, self._text, self._is_old = tuple(pictures), "", False
        self.update()

    def show_text(self, text: str) -> None:
        """Show a sentence, and no pictures."""
        self._pictures, self._text = (), text
        self.update()

    def set_old(self, is_old: bool) -> None:
        """Pale the pictures while they are not those of the choices that are set."""
        if is_old != self._is_old:
            self._is_old = is_old
            self.update()

    def places(self) -> list[QRectF]:
        """Return where each picture is painted."""
        if not self._pictures:
            return []
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        size = self._pictures[0].size()
        rows = -(-len(self._pictures) // COLUMNS)
        scale = min(
            (room.width() - GAP * (COLUMNS - 1)) / (COLUMNS * size.width()),
            (room.height() - GAP * (rows - 1)) / (rows * size.height()),
        )
        wide, high = scale * size.width(), scale * size.height()
        left = room.center().x() - (COLUMNS * wide + GAP * (COLUMNS - 1)) / 2
        top = room.center().y() - (rows * high + GAP * (rows - 1)) / 2
        return [
            QRectF(left + place % COLUMNS * (wide + GAP), top + place // COLUMNS * (high + GAP), wide, high)
            for place in range(len(self._pictures))
        ]

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(440, 440)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_frame(self)
        painter = QPainter(self)
        if not self._pictures:
            painter.setPen(theme.current().quiet)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(24, 24, -24, -24), int(flags), self._text)
            return
        longer = max(self._pictures[0].width(), self._pictures[0].height())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, longer >= SMOOTH_FROM)
        painter.setOpacity(0.35 if self._is_old else 1.0)
        for place, picture in zip(self.places(), self._pictures, strict=True):
            painter.drawImage(place, picture)
