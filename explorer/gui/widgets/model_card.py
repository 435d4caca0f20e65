"""A card of a model: a picture that comes alive under the mouse or the keyboard's focus, a name, a line of facts."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from explorer.gui import theme
from explorer.gui.widgets.focus import came_by_key

WIDTH, HEIGHT = 168, 216
PICTURE = 144
PAD = 12
FRAME = 80  # milliseconds


class ModelCard(QWidget):
    """Shows frames one after the other while it is looked at; it decodes nothing itself."""

    chosen = Signal(str)  # its key

    def __init__(self, key: str, name: str, facts: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self._name, self._facts = name, facts
        self._frames: tuple[QImage, ...] = ()
        self._frame = 0
        self._keyboard_focus = False
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._on_timeout)
        self.setFixedSize(WIDTH, HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Open {name}, {facts}")
        self.setToolTip(f"Open {name} (Enter)")

    @property
    def frames(self) -> tuple[QImage, ...]:
        """The pictures it goes through."""
        return self._frames

    @property
    def is_alive(self) -> bool:
        """Whether its picture moves now."""
        return self._timer.isActive()

    def show_frames(self, frames: tuple[QImage, ...]) -> None:
        """Show pictures, the first while nobody looks."""
        self._frames, self._frame = frames, 0
        self._refresh_life()
        self.update()

    def show_facts(self, facts: str) -> None:
        """Show another line of facts."""
        self._facts = facts
        self.setAccessibleName(f"Open {self._name}, {facts}")
        self.update()

    def _refresh_life(self) -> None:
        looked_at = self.isVisible() and (self.underMouse() or (self.hasFocus() and self._keyboard_focus))
        if looked_at and len(self._frames) > 1:
            self._timer.start()
        else:
            self._timer.stop()

    def _on_timeout(self) -> None:
        self._frame = (self._frame + 1) % max(len(self._frames), 1)
        self.update(self._picture_box().toAlignedRect())

    def _picture_box(self) -> QRectF:
        return QRectF(PAD, PAD, PICTURE, PICTURE)

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_focused = self.hasFocus() and self._keyboard_focus
        painter.setBrush(tokens.hover if self.underMouse() else tokens.panel)
        painter.setPen(QPen(tokens.focus, 2) if is_focused else QPen(tokens.line, 1))
        inset = 1.0 if is_focused else 0.5
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 8, 8)
        self._paint_picture(painter, tokens)
        font = self.font()
        font.setBold(True)
        below = PAD + PICTURE + 8
        self._paint_line(painter, self._name, below, font, tokens.text)
        font = theme.base_font(theme.SMALL_PIXELS)
        self._paint_line(painter, self._facts, below + 20, font, tokens.quiet)

    def _paint_picture(self, painter: QPainter, tokens: theme.Theme) -> None:
        box = self._picture_box()
        outline = QPainterPath()
        outline.addRoundedRect(box, 3, 3)
        painter.fillPath(outline, tokens.track)
        if not self._frames:
            return
        painter.save()
        painter.setClipPath(outline)
        picture = self._frames[self._frame]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = picture.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
        shown = QRectF(0, 0, size.width(), size.height())
        shown.moveCenter(box.center())
        painter.drawImage(shown, picture)
        painter.restore()

    def _paint_line(self, painter: QPainter, text: str, top: int, font, color) -> None:  # type: ignore[no-untyped-def]
        painter.setFont(font)
        painter.setPen(color)
        room = QRectF(PAD, top, self.width() - 2 * PAD, 18)
        text = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.key)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._refresh_life()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._refresh_life()
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard_focus = came_by_key(event)
        self._refresh_life()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._refresh_life()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
