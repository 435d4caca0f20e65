"""One row of the slider list: name, mark of a note, gauge, value, lock, slider and, where there is room, thumbnails.

It shows what it is told and tells what was done to it; it knows no session. Its signals carry its `index`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFontMetrics,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.widgets.center_slider import HEIGHT as SLIDER_HEIGHT
from explorer.gui.widgets.center_slider import STEPS, CenterSlider
from explorer.gui.widgets.icons import icon, paint_icon
from explorer.gui.widgets.number_field import NumberField, decimals_for
from explorer.gui.widgets.thumbnail_strip import GAP, ThumbnailStrip

PICTURES = 7
HEADER = 22  # px; with thumbnails 6 more below it
PITCH = HEADER + SLIDER_HEIGHT
PAD = 6
_MIDDLE = 12  # of the header's text
_LOCK = 20
_FIELD = 60
_GAUGE = QSize(56, 5)
_SPACE = 8
_NAME = 26  # px, at least
_MARK = 12  # px, of a note
_SIDES = (24, 64)  # px, of a thumbnail
_TIP_LETTERS = 600
NAMELESS = "name it"


def thumbnail_side(width: int) -> int:
    """Return the side of the thumbnails in a row of a width, px."""
    return min(max((width - 2 * PAD - (PICTURES - 1) * GAP) // PICTURES, _SIDES[0]), _SIDES[1])


def name_width(letter: str, dim: int) -> int:
    """Return the room that the widest name of `dim` dimensions needs, px, whichever digits it has."""
    metrics = QFontMetricsF(theme.numbers_font())
    digits = len(str(dim))
    widest = max(metrics.horizontalAdvance(letter + digit * digits) for digit in "0123456789")
    return max(math.ceil(widest) + 1, _NAME)


def row_height(width: int, *, thumbnails: bool) -> int:
    """Return the height of a row of a width, px."""
    return PITCH + (6 + thumbnail_side(width) if thumbnails else 0)


@dataclass(frozen=True)
class RowFacts:
    """What a row says of its dimension besides the value; `influence` is 0..1 or None."""

    index: int
    name: str  # "z9"
    title: str  # what people called it, or ""
    center: float
    spread: float
    influence: float | None = None
    tip: str = ""
    name_width: int = _NAME  # px; the same in every row
    remark: str = ""  # what people noted on it, or ""


class DimensionRow(QWidget):
    """A slider with everything that belongs to one dimension."""

    grabbed = Signal(int)
    moved = Signal(int, float)  # value, by the hand
    let_go = Signal(int, bool)  # whether it was dragged
    stepped = Signal(int, float)  # spreads
    settled = Signal(int)
    centered = Signal(int)
    entered = Signal(int, float)  # value that was typed
    lock_toggled = Signal(int, bool)
    picture_chosen = Signal(int, int)  # which thumbnail
    left = Signal(int, int, bool)  # up (-1) or down (+1), from the value field
    focused = Signal(int, bool)  # by the mouse
    naming_asked = Signal(int)
    menu_asked = Signal(int, QPoint)  # where on the screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.facts = RowFacts(-1, "", "", 0.0, 1.0)
        self._value: float | None = None
        self._decimals = 2
        self._is_chosen = False
        self._is_locked: bool | None = None
        self._pressed_name = False  # by a click that asks for the name
        self.setMouseTracking(True)
        self.slider = CenterSlider(self)
        self.field = NumberField(self)
        self.lock = QToolButton(self)
        self.lock.setObjectName("lock")
        self.lock.setAutoRaise(True)
        self.lock.setCheckable(True)
        self.lock.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.lock.setIconSize(QSize(14, 14))
        self.thumbnails = ThumbnailStrip(PICTURES, self)
        self.thumbnails.hide()
        for child in (self.slider, self.lock):
            child.setCursor(Qt.CursorShape.ArrowCursor)  # not that of the name
        self._connect()

    def _connect(self) -> None:
        slider = self.slider
        slider.valueChanged.connect(self._on_slider_moved)
        slider.held.connect(self._on_held)
        slider.stepped.connect(self._on_stepped)
        slider.settled.connect(self._on_settled)
        slider.centered.connect(self._on_centered)
        slider.lock_asked.connect(self.lock.click)
        slider.left.connect(self._on_slider_left)
        slider.focused.connect(self._on_focused)
        self.field.entered.connect(self._on_entered)
        self.field.left.connect(self._on_field_left)
        self.field.focused.connect(self._on_focused)
        self.lock.clicked.connect(self._on_lock_clicked)
        self.thumbnails.chosen.connect(self._on_picture_chosen)

    # ---- showing ----

    def show_facts(self, facts: RowFacts) -> None:
        """Become the row of a dimension."""
        if facts == self.facts:
            return
        self.facts = facts
        self._value = None
        self._decimals = decimals_for(facts.spread)
        full = f"{facts.name} {facts.title}".rstrip()
        self.setToolTip(_tip(facts))
        self.slider.setAccessibleName(full)
        note = f"; note: {facts.remark}" if facts.remark else ""
        self.slider.setAccessibleDescription(f"thousandths of a spread from the centre{note}")
        self.slider.setToolTip(
            _plain(f"{full}: drag; arrows 0.1 spread, with Shift 1; double click or Delete: centre")
        )
        self.field.setAccessibleName(f"Value of {full}")
        self.field.setToolTip(f"Value of {facts.name}; type a number and press Enter")
        self.thumbnails.setAccessibleName(f"Pictures along {full}")
        self.thumbnails.setToolTip(f"What {facts.name} does, from −3 to +3 spreads; click one to go there")
        self._is_locked = None
        self.update()

    def show_value(self, value: float) -> None:
        """Show the value of the dimension; nothing is emitted and nothing is rounded."""
        if value == self._value:
            return
        self._value = value
        self.slider.show_offset((value - self.facts.center) / self.facts.spread)
        self.field.show_value(value, self._decimals)

    def show_locked(self, locked: bool) -> None:
        """Show whether Random leaves it."""
        if locked == self._is_locked:
            return
        self._is_locked = locked
        self.lock.setChecked(locked)
        self.lock.setIcon(icon("lock", "text") if locked else icon("unlock", "tick"))
        name = self.facts.name
        self.lock.setAccessibleName(f"Lock {name}")
        tip = f"{name} is locked: Random leaves it (L)" if locked else f"Lock {name} against Random (L)"
        self.lock.setToolTip(tip)

    def show_chosen(self, chosen: bool) -> None:
        """Tint the row, or not."""
        if chosen != self._is_chosen:
            self._is_chosen = chosen
            self.update()

    def show_thumbnails(self, images: Sequence[QImage] | None) -> None:
        """Show pictures, places for them (empty), or no strip at all (None)."""
        self.thumbnails.setVisible(images is not None)
        if images is not None:
            self.thumbnails.set_images(images)

    def tab_stops(self) -> list[QWidget]:
        """Return what Tab goes through."""
        return [self.slider, self.field, self.lock]

    # ---- what was done ----

    def _on_slider_moved(self, position: int) -> None:
        self.moved.emit(self.facts.index, self.facts.center + position / STEPS * self.facts.spread)

    def _on_held(self, held: bool) -> None:
        if held:
            self.grabbed.emit(self.facts.index)
        else:
            self.let_go.emit(self.facts.index, self.slider.was_dragged)

    def _on_stepped(self, spreads: float) -> None:
        self.stepped.emit(self.facts.index, spreads)

    def _on_settled(self) -> None:
        self.settled.emit(self.facts.index)

    def _on_centered(self) -> None:
        self.centered.emit(self.facts.index)

    def _on_entered(self, value: float) -> None:
        self.entered.emit(self.facts.index, value)

    def _on_lock_clicked(self, locked: bool) -> None:
        self._is_locked = None
        self.lock_toggled.emit(self.facts.index, locked)

    def _on_picture_chosen(self, which: int) -> None:
        self.picture_chosen.emit(self.facts.index, which)

    def _on_slider_left(self, direction: int) -> None:
        self.left.emit(self.facts.index, direction, False)

    def _on_field_left(self, direction: int) -> None:
        self.left.emit(self.facts.index, direction, True)

    def _on_focused(self, by_mouse: bool) -> None:
        self.focused.emit(self.facts.index, by_mouse)

    # ---- Qt ----

    def resizeEvent(self, event: QResizeEvent) -> None:
        width, height = self.width(), self.height()
        self.slider.setGeometry(0, height - SLIDER_HEIGHT, width, SLIDER_HEIGHT)
        self.lock.setGeometry(width - _LOCK - 2, _MIDDLE - _LOCK // 2, _LOCK, _LOCK)
        self.field.setGeometry(self.lock.x() - _FIELD, _MIDDLE - 10, _FIELD, 20)
        self.thumbnails.setGeometry(PAD, HEADER + 6, width - 2 * PAD, max(height - PITCH - 6, 0))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        is_left = event.button() == Qt.MouseButton.LeftButton
        self._pressed_name = is_left and self._asks_name(event.position().toPoint())
        self.slider.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._asks_name(event.position().toPoint()):
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_pressed, self._pressed_name = self._pressed_name, False
        if was_pressed and self._names_place().contains(event.position().toPoint()):
            self.naming_asked.emit(self.facts.index)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._pressed_name = False  # the click before it has asked, unless it chose the row
        if event.button() == Qt.MouseButton.LeftButton and self._names_place().contains(
            event.position().toPoint()
        ):
            self.naming_asked.emit(self.facts.index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self.slider.isSliderDown():  # a menu would take the mouse from the drag
            self.menu_asked.emit(self.facts.index, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.naming_asked.emit(self.facts.index)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update(self._names_place())

    def leaveEvent(self, event: QEvent) -> None:
        self.update(self._names_place())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.fillRect(event.rect(), colors.panel)
        if self._is_chosen:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colors.tint)
            painter.drawRoundedRect(self.rect(), 6, 6)
        names = self._names_place()
        if event.region().intersects(QRect(0, 0, self.field.x(), HEADER)):  # not while only the value changes
            self._paint_names(painter, names.right() + 1, colors)
            if self.facts.influence is not None:
                gauge = QRectF(names.right() + 1 + _SPACE, _MIDDLE - 2, _GAUGE.width(), 5)
                self._paint_gauge(painter, gauge, colors)

    def _names_place(self) -> QRect:
        """Return where number, name and the mark of a note stand."""
        gauge_left = self.field.x() - _SPACE // 2 - _GAUGE.width()
        return QRect(0, 0, max(gauge_left - _SPACE, 0), HEADER)

    def _asks_name(self, place: QPoint) -> bool:
        """Return whether a click asks for the name: on "name it", and on the name of the row that is chosen."""
        names = self._names_place()
        names.setLeft(PAD + self.facts.name_width)
        if not self._is_chosen:
            words = "" if self.facts.title else NAMELESS
            names.setWidth(6 + QFontMetrics(self.font()).horizontalAdvance(words) if words else 0)
        return names.contains(place)

    def _paint_names(self, painter: QPainter, right: int, colors: theme.Theme) -> None:
        facts = self.facts
        painter.setFont(theme.numbers_font())
        aligned = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(colors.quiet)
        painter.drawText(QRect(PAD, _MIDDLE - 10, facts.name_width, 20), aligned, facts.name)
        painter.setFont(self.font())
        left = PAD + facts.name_width + 6
        if facts.remark:
            right -= _MARK + 4
        metrics = QFontMetrics(self.font())
        title = facts.title or (NAMELESS if self.underMouse() or self._is_chosen else "")
        text = metrics.elidedText(title, Qt.TextElideMode.ElideRight, right - left)
        painter.setPen(colors.text if facts.title else colors.quiet)
        painter.drawText(QRect(left, _MIDDLE - 10, right - left, 20), aligned, text)
        if facts.remark:
            end = left + (metrics.horizontalAdvance(text) + 6 if text else 0)
            paint_icon(painter, QRectF(end, _MIDDLE - _MARK / 2, _MARK, _MARK), "note", "quiet")

    def _paint_gauge(self, painter: QPainter, place: QRectF, colors: theme.Theme) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colors.track)
        painter.drawRoundedRect(place, 2.5, 2.5)
        filled = place.width() * min(max(self.facts.influence or 0.0, 0.0), 1.0)
        if filled >= 1:
            painter.setBrush(colors.bar)
            painter.drawRoundedRect(QRectF(place.x(), place.y(), max(filled, 5.0), 5), 2.5, 2.5)


def _tip(facts: RowFacts) -> str:
    """Return the tooltip of a row's header: what is measured, what people noted, how to change it."""
    remark = facts.remark
    if len(remark) > _TIP_LETTERS:
        remark = remark[:_TIP_LETTERS] + "…"
    lines = (facts.tip, remark, "Click the name, or F2: name and note")
    return _plain("\n".join(line for line in lines if line))


def _plain(text: str) -> str:
    """Return a tooltip that wraps, and in which people's words are words and no markup."""
    return f"<qt><p style='white-space: pre-wrap'>{html.escape(text)}</p></qt>"
