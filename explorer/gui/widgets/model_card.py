"""A card of a model: a picture that comes alive under the mouse or the keyboard's focus, a name, a line of facts."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFont,
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

WIDTH, NARROWEST = 168, 116  # px, of a card whose words stand under its picture
PICTURE = 144  # px, in the widest one
PAD, NARROW_PAD = 12, 8
LOW = 46  # px high, of a card whose words stand beside its picture
FRAME = 80  # milliseconds
SLACK = 2  # px, by which a name is rather broken than cut at its last letter
_WORDS = 48  # px, of two lines with the room over them
_LOW_PAD = 6


def height_of(width: int) -> int:
    """Return how high a card of a width is, px, whose words stand under its picture."""
    return width - _pad(width) + _WORDS + PAD


def _pad(width: int) -> int:
    return PAD if width > (WIDTH + NARROWEST) // 2 else NARROW_PAD


def _in_two(name: str, metrics: QFontMetrics, room: float) -> tuple[str, str]:
    """Return a name on two lines, broken behind the last hyphen up to which it has room; the second empty if it has."""
    room -= SLACK
    if metrics.horizontalAdvance(name) <= room:
        return name, ""
    for cut in range(len(name) - 1, 0, -1):
        head, rest = name[:cut], name[cut:]
        if head.endswith("-") and max(map(metrics.horizontalAdvance, (head, rest))) <= room:
            return head, rest
    return name, ""


class ModelCard(QWidget):
    """Shows frames one after the other while it is looked at; it decodes nothing itself."""

    chosen = Signal(str)  # its key

    def __init__(self, key: str, name: str, facts: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self._name, self._facts, self._short = name, facts, ""
        self._is_low = False
        self._frames: tuple[QImage, ...] = ()
        self._frame = 0
        self._keyboard_focus = False
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._on_timeout)
        self.set_width(WIDTH)
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

    def set_width(self, width: int, *, low: bool = False) -> None:
        """Be so wide; `low`: with the words beside a small picture, so that many cards have room."""
        self._is_low = low
        self.setFixedSize(width, LOW if low else height_of(width))

    def show_facts(self, facts: str, short: str = "") -> None:
        """Show another line of facts; `short` where that has no room."""
        self._facts, self._short = facts, short
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
        pad = _LOW_PAD if self._is_low else _pad(self.width())
        side = self.height() - 2 * pad if self._is_low else self.width() - 2 * pad
        return QRectF(pad, pad, side, side)

    # ---- Qt ----

    def sizeHint(self) -> QSize:
        return self.size()

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
        box = self._picture_box()
        left, top = (box.right() + 8, 5.0) if self._is_low else (box.left(), box.bottom() + 8)
        room = QRectF(left, top, self.width() - left - (4 if self._is_low else box.left()), 18)
        font = theme.base_font(theme.SMALL_PIXELS) if self._is_low else self.font()
        font.setBold(True)
        metrics = QFontMetrics(font)
        name, rest = _in_two(self._name, metrics, room.width())
        # The end of a name tells it from others that begin alike.
        self._paint_line(painter, name, room, font, tokens.text, Qt.TextElideMode.ElideMiddle)
        room.translate(0, 18 if self._is_low else 20)
        if rest:
            self._paint_line(painter, rest, room, font, tokens.text)
            room.setLeft(room.left() + metrics.horizontalAdvance(f"{rest} "))
        font = theme.base_font(theme.SMALL_PIXELS)
        metrics = QFontMetrics(font)
        is_long = metrics.horizontalAdvance(self._facts) > room.width()
        facts = self._short if is_long and self._short else self._facts
        if not rest or metrics.horizontalAdvance(facts) <= room.width():  # behind a name only what has room
            self._paint_line(painter, facts, room, font, tokens.quiet)

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

    def _paint_line(
        self,
        painter: QPainter,
        text: str,
        room: QRectF,
        font: QFont,
        color: QColor,
        elided: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
    ) -> None:
        painter.setFont(font)
        painter.setPen(color)
        text = QFontMetrics(font).elidedText(text, elided, int(room.width()))
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
