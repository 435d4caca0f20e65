"""A card over a thumbnail of a low row: it floats in the window, for the row has no room for it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QToolTip, QWidget

from explorer.gui.widgets.hover_card import HoverCard

GAP = 6
EDGE = 4  # from the sides of the window


class PlaceCard(HoverCard):
    """Stands over the thumbnail, under it where there is no room; in a low window its lines are a tooltip."""

    def show_over(self, row: QWidget, box: QRect, lines: tuple[str, ...], picture: QImage | None) -> None:
        """Show lines and a picture; `box` is where the thumbnail is in its row."""
        window = row.window()
        if self.parentWidget() is not window:  # a dock that floats is a window of its own
            self.setParent(window)
        top_left = row.mapTo(window, box.topLeft())
        self.show_at(QPointF(top_left), lines)
        above, below = top_left.y() - self.height() - GAP, top_left.y() + box.height() + GAP
        if above < 0 and below + self.height() > window.height():
            self.hide()
            QToolTip.showText(row.mapToGlobal(box.bottomRight()), "\n".join(lines), row)
            return
        middle = top_left.x() + (box.width() - self.width()) // 2
        left = min(max(middle, EDGE), max(window.width() - self.width() - EDGE, 0))
        self.move(left, above if above >= 0 else below)
        if picture is not None:
            self.set_picture(picture)
