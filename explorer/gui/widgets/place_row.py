"""A row of thumbnails that scrolls sideways: picked, starred, named, removed and dragged by mouse or keys.

One painted widget however many there are, and only those that are seen are painted.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QScrollBar, QWidget

from explorer.gui.history.place_mime import place_in
from explorer.gui.widgets.focus import came_by_key
from explorer.gui.widgets.place_thumb import Thumb, paint_focus, paint_target, paint_thumb

SIDE = 44  # height of a thumbnail
WIDTHS = (22, 88)
GAP = 6
MARGIN = 3  # around the row, for frames and marks
EDGE = 24  # where a drag scrolls the row
LANE = 8  # under it, for the scroll bar
STEPS = {
    int(Qt.Key.Key_Left): -1,
    int(Qt.Key.Key_Right): 1,
    int(Qt.Key.Key_Home): -1_000_000,
    int(Qt.Key.Key_End): 1_000_000,
}


class PlaceRow(QWidget):
    """Paints thumbnails, the newest on the right; asks by signals, by the id of a thumbnail.

    Args:
        picture_of: returns the picture of a thumbnail, None while there is none.
    """

    picked = Signal(int)
    hovered = Signal(int)  # -1: none
    focus_moved = Signal(int)  # by a key
    menu_wanted = Signal(int, QPoint)  # global
    star_wanted = Signal(int)
    name_wanted = Signal(int)
    removal_wanted = Signal(int)
    drag_wanted = Signal(int)
    dropped = Signal(int, int)  # what, onto what
    view_changed = Signal()  # other thumbnails are seen

    def __init__(self, picture_of: Callable[[int], QImage | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture_of = picture_of
        self._thumbs: tuple[Thumb, ...] = ()
        self._width = SIDE
        self._focused = 0  # index
        self._keyboard_focus = False
        self._hovered = -1  # id
        self._target = -1  # id of what a drag is over
        self._pressed: tuple[int, QPointF] | None = None  # id, where
        self._turned = 0.0  # of the wheel, less than a pixel
        self._bar = QScrollBar(Qt.Orientation.Horizontal, self)
        self._bar.setObjectName("overlay")
        self._bar.setFixedHeight(LANE - 2)
        self._bar.hide()
        self._bar.valueChanged.connect(self._on_scrolled)
        self._wishes = {
            int(Qt.Key.Key_Return): self.picked,
            int(Qt.Key.Key_Enter): self.picked,
            int(Qt.Key.Key_Space): self.picked,
            int(Qt.Key.Key_S): self.star_wanted,
            int(Qt.Key.Key_F2): self.name_wanted,
            int(Qt.Key.Key_Delete): self.removal_wanted,
        }
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # ---- what is shown ----

    @property
    def thumbs(self) -> tuple[Thumb, ...]:
        """What is shown, from left to right."""
        return self._thumbs

    @property
    def focused(self) -> int:
        """The id of the thumbnail that keys work on, -1 where there is none."""
        return self._thumbs[self._focused].id if self._thumbs else -1

    @property
    def seen(self) -> tuple[int, ...]:
        """The ids of those that are seen now, at least in part."""
        view = QRectF(self.rect())
        return tuple(t.id for i, t in enumerate(self._thumbs) if self._box(i).intersects(view))

    def show_thumbs(self, thumbs: tuple[Thumb, ...]) -> None:
        """Show other thumbnails; what keys work on stays, where it is still there."""
        before, self._thumbs = self.focused, thumbs
        index = self._index_of(before)
        self._focused = index if index >= 0 else min(self._focused, max(len(thumbs) - 1, 0))
        if self._index_of(self._hovered) < 0:
            self._hover(-1)
        self._measure()
        self.update()

    def set_aspect(self, aspect: float) -> None:
        """Set the width of a picture divided by its height."""
        width = min(max(round(SIDE * aspect), WIDTHS[0]), WIDTHS[1])
        if width != self._width:
            self._width = width
            self._measure()
            self.update()

    def set_focused(self, number: int) -> None:
        """Let keys work on a thumbnail."""
        self._focused = max(self._index_of(number), 0)
        self.update()

    def repaint_thumb(self, number: int) -> None:
        """Paint one thumbnail anew: its picture came."""
        self.update(self.box(number).toAlignedRect().adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))

    def box(self, number: int) -> QRectF:
        """Return where a thumbnail is; empty where there is no such one."""
        index = self._index_of(number)
        return self._box(index) if index >= 0 else QRectF()

    def id_at(self, place: QPointF) -> int:
        """Return the thumbnail at a place, or -1."""
        index = int((place.x() - MARGIN + self._bar.value()) // (self._width + GAP))
        inside = 0 <= index < len(self._thumbs) and self._box(index).contains(place)
        return self._thumbs[index].id if inside else -1

    def reveal(self, number: int) -> None:
        """Scroll so that a thumbnail is seen whole."""
        box = self.box(number)
        if box.isEmpty():
            return
        if box.left() < MARGIN:
            self._bar.setValue(self._bar.value() + round(box.left()) - MARGIN)
        elif box.right() > self.width() - MARGIN:
            self._bar.setValue(self._bar.value() + round(box.right()) - self.width() + MARGIN)

    def _index_of(self, number: int) -> int:
        return next((i for i, thumb in enumerate(self._thumbs) if thumb.id == number), -1)

    def _box(self, index: int) -> QRectF:
        top = max((self.height() - LANE - SIDE) // 2, MARGIN)
        left = MARGIN + index * (self._width + GAP) - self._bar.value()
        return QRectF(left, top, self._width, SIDE)

    def _measure(self) -> None:
        """Work out how far one can scroll."""
        count = len(self._thumbs)
        content = 2 * MARGIN + count * self._width + max(count - 1, 0) * GAP
        self._bar.setRange(0, max(content - self.width(), 0))
        self._bar.setPageStep(max(self.width(), 1))
        self._bar.setSingleStep(self._width + GAP)
        self._bar.setVisible(content > self.width())

    def _on_scrolled(self) -> None:
        self._hover(-1)
        self.update()
        self.view_changed.emit()

    def _focus_index(self, index: int) -> None:
        self._focused = min(max(index, 0), len(self._thumbs) - 1)
        self._keyboard_focus = True
        self.reveal(self.focused)
        self.update()
        self._hovered = self.focused  # its card goes as that of a thumbnail under the pointer does
        self.focus_moved.emit(self.focused)

    def _hover(self, number: int) -> None:
        if number != self._hovered:
            self._hovered = number
            self.hovered.emit(number)

    def _aim(self, number: int) -> None:
        if number != self._target:
            self._target = number
            self.update()

    # ---- Qt ----

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        region = QRectF(event.rect()).adjusted(-GAP, -GAP, GAP, GAP)  # frames stand outside
        for index, thumb in enumerate(self._thumbs):
            box = self._box(index)
            if not box.intersects(region):
                continue
            paint_thumb(painter, box, thumb, self._picture_of(thumb.id))
            if thumb.id == self._target:
                paint_target(painter, box)
            if index == self._focused and self._keyboard_focus and self.hasFocus():
                paint_focus(painter, box)

    def event(self, event: QEvent) -> bool:
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._takes(event)
        ):
            event.accept()  # before a key of the window takes it
            return True
        if event.type() in (QEvent.Type.ShortcutOverride, QEvent.Type.WindowDeactivate):
            self._hover(-1)  # something else is done now
        if isinstance(event, QHelpEvent) and self.id_at(QPointF(event.pos())) >= 0:
            return True  # a thumbnail has a card of its own
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self.id_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and number >= 0:
            self._pressed = number, event.position()
            self._keyboard_focus = False
            self.set_focused(number)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            number = self.id_at(event.position())
            self.setCursor(Qt.CursorShape.PointingHandCursor if number >= 0 else Qt.CursorShape.ArrowCursor)
            self._hover(number)
            return
        number, start = self._pressed
        if (event.position() - start).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self._hover(-1)
            self.drag_wanted.emit(number)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.id_at(event.position()) == pressed[0]:
            self.picked.emit(pressed[0])

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        number, place = self.id_at(QPointF(event.pos())), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self._thumbs:
            number = self.focused
            place = self.mapToGlobal(self.box(number).center().toPoint())
        if number >= 0:
            self._hover(-1)
            self.set_focused(number)
            self.menu_wanted.emit(number, place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if not pixels.isNull():
            self._turned -= pixels.x() or pixels.y()
        else:
            self._turned -= (angle.x() or angle.y()) / 120 * 2 * self._bar.singleStep()
        whole = int(self._turned)
        self._turned -= whole
        self._bar.setValue(self._bar.value() + whole)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._takes(event):
            super().keyPressEvent(event)
        elif event.key() in STEPS:
            self._focus_index(self._focused + STEPS[event.key()])
        else:
            self._hover(-1)
            self._wishes[event.key()].emit(self.focused)

    def _takes(self, event: QKeyEvent) -> bool:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return bool(self._thumbs) and plain and (event.key() in STEPS or event.key() in self._wishes)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._keyboard_focus = came_by_key(event)
        self.update()
        if self._keyboard_focus and self._thumbs:
            self._focus_index(self._focused)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._hover(-1)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def hideEvent(self, event: QHideEvent) -> None:
        self._hover(-1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._bar.setGeometry(0, self.height() - LANE, self.width(), self._bar.height())
        self._measure()
        self.view_changed.emit()

    def sizeHint(self) -> QSize:
        return QSize(600, SIDE + 2 * MARGIN + LANE)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, SIDE + 2 * MARGIN + LANE)

    # ---- drops ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if place_in(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        x = event.position().x()
        if min(x, self.width() - x) < EDGE:
            self._bar.setValue(self._bar.value() + (EDGE // 2 if x > EDGE else -EDGE // 2))
        target = self._target_of(event)
        self._aim(target)
        if target >= 0:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._aim(-1)

    def dropEvent(self, event: QDropEvent) -> None:
        target, place = self._target_of(event), place_in(event.mimeData())
        self._aim(-1)
        if target >= 0 and place is not None:
            event.acceptProposedAction()
            self.dropped.emit(place, target)

    def _target_of(self, event: QDropEvent) -> int:
        """Return the thumbnail under a drag, unless it is the one that is dragged; -1 for none."""
        target = self.id_at(event.position())
        return target if target != place_in(event.mimeData()) else -1
