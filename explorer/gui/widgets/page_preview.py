"""A page as it will be saved, scaled down where it is larger than the room; frames follow each other."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QWidget

from explorer.gui import theme

MARGIN = 12


class PagePreview(QWidget):
    """Shows frames, or a sentence where there is nothing to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frames: tuple[QImage, ...] = ()
        self._place = 0
        self._text = ""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timeout)
        self.setMinimumSize(280, 220)
        self.setAccessibleName("Preview of the page")

    @property
    def frames(self) -> tuple[QImage, ...]:
        """What is shown, one after the other."""
        return self._frames

    @property
    def text(self) -> str:
        """The sentence that is shown in place of a page."""
        return self._text

    def show_frames(self, frames: tuple[QImage, ...], milliseconds: int = 90) -> None:
        """Show a page, or the frames of an animation."""
        self._frames, self._text = frames, ""
        self._place = min(self._place, max(len(frames) - 1, 0))
        self._timer.setInterval(milliseconds)
        self._refresh_timer()
        self.update()

    def show_text(self, text: str) -> None:
        """Show why there is no page."""
        self._frames, self._text = (), text
        self._refresh_timer()
        self.update()

    def _refresh_timer(self) -> None:
        if self.isVisible() and len(self._frames) > 1:
            self._timer.start()
        else:
            self._timer.stop()

    def _on_timeout(self) -> None:
        self._place = (self._place + 1) % max(len(self._frames), 1)
        self.update()

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(520, 420)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(tokens.window)
        painter.setPen(QPen(tokens.line, 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        room = QRectF(self.rect()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        if not self._frames:
            painter.setPen(tokens.quiet)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(room, int(flags), self._text)
            return
        frame = self._frames[self._place]
        size = frame.size().toSizeF() / self.devicePixelRatioF()
        if size.width() > room.width() or size.height() > room.height():
            size = size.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(room.center())
        painter.drawImage(place, frame)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tokens.line, 1))
        painter.drawRect(place.adjusted(-0.5, -0.5, 0.5, 0.5))

    def showEvent(self, event: QShowEvent) -> None:
        self._refresh_timer()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
