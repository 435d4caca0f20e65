"""A legend in lines: dots with or without a word, as many in a line as fit."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.gui import theme
from explorer.gui.widgets.dots import shape_outline
from explorer.gui.widgets.point_colours import Entry

LINE = 20
DOT = 4.5
GAP = 12


class Legend(QWidget):
    """Shows what the colours and shapes of points mean; each entry's tooltip says more."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        font = self.font()
        font.setPixelSize(11)
        self.setFont(font)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is listed."""
        return self._entries

    def set_entries(self, entries: tuple[Entry, ...]) -> None:
        """List other entries."""
        self._entries = entries
        named = [entry.text for entry in entries if entry.text]
        self.setAccessibleName("Legend: " + ", ".join(named) if named else "Legend")
        self.updateGeometry()
        self.update()

    def height_for(self, width: int) -> int:
        """Return the height that all lines need."""
        return int(max((box.bottom() for box in self._boxes(width)), default=0))

    def _boxes(self, width: int) -> list[QRectF]:
        """Return the place of every entry."""
        metrics = QFontMetricsF(self.font())
        boxes: list[QRectF] = []
        x = y = 0.0
        for entry in self._entries:
            wide = 2 * DOT + (5 + metrics.horizontalAdvance(entry.text) if entry.text else 0)
            if boxes and x + wide > width:
                x, y = 0.0, y + LINE
            boxes.append(QRectF(x, y, wide, LINE))
            x += wide + GAP
        return boxes

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dark = tokens.is_dark
        for entry, box in zip(self._entries, self._boxes(self.width()), strict=True):
            centre = QPointF(box.left() + DOT, box.center().y())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(entry.tinted(dark))
            if entry.shape == "circle":
                painter.drawEllipse(centre, DOT, DOT)
            else:
                painter.drawPolygon(shape_outline(entry.shape, DOT * 0.9).translated(centre))
            painter.setPen(QPen(tokens.quiet))
            text = box.adjusted(2 * DOT + 5, 0, 1, 0)
            painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, entry.text)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            for entry, box in zip(self._entries, self._boxes(self.width()), strict=True):
                if box.contains(QPointF(event.pos())):
                    QToolTip.showText(event.globalPos(), entry.note, self)
                    return True
            QToolTip.hideText()
            return True
        return super().event(event)

    def sizeHint(self) -> QSize:
        return QSize(200, self.height_for(self.width()))
