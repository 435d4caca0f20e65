"""The strip: pictures on the way from anchor A to anchor B; play runs along it on the canvas."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QImage, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QMenu, QScrollArea, QWidget

from explorer.gui import previews, theme
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.state import Anchor, Side
from explorer.gui.strip_controls import StripControls
from explorer.gui.strip_player import StripPlayer
from explorer.gui.widgets.anchor_slot import AnchorSlot
from explorer.gui.widgets.picture_row import PictureRow
from explorer.latent import interpolation
from explorer.render.requests import RenderResult

MAX_SIDE = 256  # pixels of a decoded picture
SLOT_GAP = 10  # between an end and the pictures
GAP = 6  # between two pictures; half of it where there are many
FEW = 15
INSET = 4  # by how much a picture is smaller than an end with its border
LANE = 8  # under the pictures, for the dot that says where the canvas is
SMALLEST = 30  # pixels; narrower pictures scroll
LARGEST = 160
KEYS = {"A": "Ctrl+1", "B": "Ctrl+2"}
PICTURE_FILTER = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff);;All files (*)"


class Strip(QWidget):
    """Shows A, the steps between and B in one row."""

    picture_wanted = Signal(str, str)  # side, path of a picture to be encoded to it
    export_wanted = Signal()

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._codes = np.zeros((0, 0), np.float32)  # of the pictures shown, both ends included
        self._asked = self._codes
        self._asked_key: tuple[object, ...] = ()
        self._decoded: tuple[QImage, ...] = ()
        self._each = 0.0  # milliseconds of a picture
        self._step = 0  # of the pictures asked for under a hand
        self._error = ""
        self._opening = ""  # what is being opened while nothing is open yet
        self._stale = True
        self._here: float | None = None  # where the canvas is on the strip, 0 (A) .. 1 (B)
        self.slots = {"A": self._make_slot("A"), "B": self._make_slot("B")}
        self.row = PictureRow()
        self.row.setAccessibleName("Pictures between A and B")
        self.row.setToolTip("Click a picture to show it on the canvas; right click for more")
        self._scroll = self._make_scroll()
        self._player = StripPlayer(session, pictures, self)
        self._controls = StripControls(session, self._player, self)
        self._controls.export_wanted.connect(self.export_wanted)
        self._connect()
        self._refresh_all()

    def title_widgets(self) -> list[QWidget]:
        """Return what belongs into the title row: path, steps, ends, swap, play, export."""
        return self._controls.widgets

    # ---- building ----

    def _make_slot(self, side: Side) -> AnchorSlot:
        slot = AnchorSlot(side, self)
        slot.clicked.connect(self._on_slot_clicked)
        slot.menu_wanted.connect(self._on_slot_menu_wanted)
        slot.file_dropped.connect(self._on_file_dropped)
        slot.place_dropped.connect(self._on_place_dropped)
        return slot

    def _make_scroll(self) -> QScrollArea:
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.row)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.viewport().setAutoFillBackground(False)
        self.row.setAutoFillBackground(False)
        scroll.horizontalScrollBar().valueChanged.connect(self.update)
        return scroll

    def _connect(self) -> None:
        session = self._session
        for signal in (
            session.model_changed,
            session.space_changed,
            session.anchors_changed,
            session.strip_changed,
            session.stages_changed,
            session.options_changed,
        ):
            signal.connect(self._refresh_all)
        session.code_changed.connect(self._refresh_here)
        theme.notifier.changed.connect(self._on_theme_changed)
        self._player.moved.connect(self._show_here)
        self.row.picked.connect(self._on_picked)
        self.row.menu_wanted.connect(self._on_row_menu_wanted)

    # ---- wishes from outside ----

    def show_opening(self, text: str) -> None:
        """Ask for no model while the first one is being opened."""
        self._opening = text
        self.update()

    def use_current_as_a(self) -> None:
        """Make the current code the start of the strip."""
        self._session.use_current("A")

    def use_current_as_b(self) -> None:
        """Make the current code the end of the strip."""
        self._session.use_current("B")

    def toggle_play(self) -> None:
        """Run along the strip on the canvas, or pause."""
        self._player.toggle()

    def stop(self) -> None:
        """End play; where it got to stays on the canvas."""
        self._player.pause()

    @property
    def is_playing(self) -> bool:
        """Whether play runs."""
        return self._player.is_running

    # ---- refreshing ----

    def _refresh_all(self) -> None:
        self._refresh_pictures()
        self._refresh_slots()
        self._place()

    def _refresh_pictures(self) -> None:
        """Ask for the pictures of the path; those shown stay until they come."""
        self._stale = not self.isVisible()
        if self._stale:
            return
        first, last = self._session.anchors.values()
        settings = self._session.strip
        if first is not None and last is not None:
            self._asked = interpolation.path(first.code, last.code, settings.steps + 2, settings.path)
        else:
            self._asked = np.array([a.code for a in (first, last) if a is not None], np.float32)
        session = self._session
        space = session.state.space
        key = (
            session.generation,
            space,
            session.seen_by,
            *map(id, session.enabled_stages),
            self._asked.tobytes(),
        )
        if key == self._asked_key:
            return
        self._asked_key, self._error = key, ""
        if len(self._asked) < 2:
            self._codes, self._decoded = self._asked, ()
        if len(self._asked):
            self._pictures.want("strip", self._asked, self._on_pictures, max_side=MAX_SIDE)
            self._want_some()
        else:
            self._pictures.cancel("strip")
        self.update()

    def _want_some(self) -> None:
        """Ask for some of the pictures while a hand changes all; the others wait until it lets go."""
        self._step = previews.every(len(self._asked), self._each) if self._pictures.is_dragging else 0
        if self._step and len(self._decoded) == len(self._asked):
            codes = self._asked[:: self._step]
            self._pictures.want("strip-hand", codes, self._on_some_pictures, max_side=MAX_SIDE)
        else:
            self._pictures.cancel("strip-hand")

    def _on_some_pictures(self, result: RenderResult) -> None:
        if result.pictures is not None:
            images, codes = list(self._decoded), np.array(self._codes)
            images[:: self._step] = map(to_qimage, result.pictures)
            codes[:: self._step] = self._asked[:: self._step]
            self._decoded, self._codes = tuple(images), codes
            self._refresh_slots()

    def _on_pictures(self, result: RenderResult) -> None:
        self._pictures.cancel("strip-hand")
        if result.pictures is None:
            self._error, self._decoded = result.error or "", ()
        else:
            spent = sum(took for what, took in result.milliseconds.items() if what != "total")
            self._each = spent / max(len(result.pictures), 1)
            self._codes = self._asked
            self._decoded = tuple(to_qimage(picture) for picture in result.pictures)
        self._refresh_slots()
        self._place()

    def _refresh_slots(self) -> None:
        """Show the ends and, where both are set, the pictures between them."""
        anchors = self._session.anchors
        is_path = len(self._decoded) > 2
        for side, end in (("A", 0), ("B", -1)):
            anchor = anchors[side]  # type: ignore[index]
            picture = self._decoded[end] if self._decoded and anchor is not None else None
            is_source = self._session.strip.ends == "source"
            if anchor is not None and anchor.picture is not None and is_source:
                picture = to_qimage(anchor.picture)
            else:
                is_source = False
            slot = self.slots[side]
            slot.show_anchor(anchor is not None, picture, crisp=is_source)
            label = anchor.label if anchor is not None and anchor.label else ("set" if anchor else "empty")
            slot.setAccessibleName(f"{side}, {'start' if side == 'A' else 'end'} of the strip: {label}")
            slot.setToolTip(
                f"{side}: {label}\nClick: show it on the canvas. Drop a picture to replace it."
                if anchor is not None
                else f"{side} is empty: drop a picture, or use the current one ({KEYS[side]})."
            )
        self.row.show_pictures(self._decoded[1:-1] if is_path else ())
        self._refresh_here()

    def _refresh_here(self) -> None:
        """Find the current code on the strip."""
        if self._player.is_running:
            return
        code, found = self._session.code, None
        if len(self._codes) > 2 and code.shape == self._codes.shape[1:]:
            same = np.flatnonzero((self._codes == code).all(axis=1))
            found = float(same[0]) / (len(self._codes) - 1) if len(same) else None
        self._show_here(found)

    def _show_here(self, here: float | None) -> None:
        if here != self._here:
            self._here = here
            self.update(0, self.height() - LANE, self.width(), LANE)

    # ---- wishes of the widgets ----

    def _side_of(self, slot: object) -> Side:
        return "A" if slot is self.slots["A"] else "B"

    def _go(self, code: np.ndarray) -> None:
        """Show a code on the canvas, as one undo step."""
        self._session.arrive(code, "Strip")

    def _on_slot_clicked(self) -> None:
        side = self._side_of(self.sender())
        anchor = self._session.anchors[side]
        if anchor is not None:
            self._go(anchor.code)
        else:
            slot = self.slots[side]
            self._popup(self.make_slot_menu(side), slot.mapToGlobal(slot.rect().center()))

    def _on_slot_menu_wanted(self, place: QPoint) -> None:
        self._popup(self.make_slot_menu(self._side_of(self.sender())), place)

    def _on_file_dropped(self, path: str) -> None:
        self._want_picture(self._side_of(self.sender()), path)

    def _on_place_dropped(self, number: int) -> None:
        self._session.places.set_anchor(self._side_of(self.sender()), number)

    def _want_picture(self, side: Side, path: str) -> None:
        reason = self._no_pictures_because()
        if reason:
            self._session.tell("warning", reason)
        else:
            self.picture_wanted.emit(side, path)

    def _no_pictures_because(self) -> str:
        """Return why no picture file can become an anchor, or nothing."""
        model = self._session.model
        if model is None:
            return "Open a model first; then a picture can become an end of the strip."
        if not model.has_encoder:
            return f"{model.name} has no encoder, so a picture cannot become a code; use the current one."
        return ""

    def make_slot_menu(self, side: Side) -> QMenu:
        """Return the menu of an end."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        anchor = self._session.anchors[side]
        reason = self._no_pictures_because()
        use = menu.addAction("Use the current picture")
        use.setEnabled(self._session.model is not None)
        use.triggered.connect(self.use_current_as_a if side == "A" else self.use_current_as_b)
        has_model = self._session.model is not None
        pick = menu.addAction(
            "Open a picture… (this model has no encoder)" if has_model and reason else "Open a picture…"
        )
        pick.setEnabled(not reason)
        pick.setToolTip(reason or "Encode a picture file")
        pick.triggered.connect(lambda: self._ask_picture(side))
        if anchor is not None:
            menu.addSeparator()
            menu.addAction("Show on the canvas").triggered.connect(lambda: self._go(anchor.code))
            menu.addAction("Swap A and B").triggered.connect(self._session.swap_anchors)
            menu.addAction(f"Empty {side}").triggered.connect(lambda: self._session.set_anchor(side, None))
        return menu

    def make_row_menu(self, index: int) -> QMenu:
        """Return the menu of a picture between the ends; 0 is the first after A."""
        code = self._codes[index + 1]
        label = f"step {index + 1} of a strip"
        menu = QMenu(self)
        menu.addAction("Show on the canvas").triggered.connect(lambda: self._go(code))
        menu.addSeparator()
        for side in ("A", "B"):
            menu.addAction(f"Set as {side}").triggered.connect(
                lambda _=False, side=side: self._session.set_anchor(side, Anchor(code, None, label))
            )
        return menu

    def _popup(self, menu: QMenu, place: QPoint) -> None:
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def _ask_picture(self, side: Side) -> None:
        dialog = QFileDialog(self, f"Picture for {side}", "", PICTURE_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._want_picture(side, path))
        dialog.open()

    def _on_picked(self, index: int) -> None:
        self._go(self._codes[index + 1])

    def _on_row_menu_wanted(self, index: int, place: QPoint) -> None:
        self._popup(self.make_row_menu(index), place)

    def _on_theme_changed(self) -> None:
        for widget in (self, self.row, *self.slots.values()):
            widget.update()

    # ---- layout and painting ----

    def _place(self) -> None:
        """Give every picture the same size, as large as fits, and put the row into the middle."""
        count = len(self.row.pictures)
        image = self._session.model.image if self._session.model else None
        aspect = image.width / image.height if image and image.width and image.height else 1.0
        height = min(max(self.height() - LANE, 8), LARGEST)
        gap = GAP if count <= FEW else GAP // 2
        gaps = 2 * SLOT_GAP + max(count - 1, 0) * gap - INSET * count
        fitting = (self.width() - gaps) // (max(count, 1) + 2)
        width = min(round(height * aspect), max(fitting, SMALLEST))
        slot = QSize(width, max(round(width / aspect), 8))
        cell = QSize(max(slot.width() - INSET, 4), max(slot.height() - INSET, 4))
        self.row.set_cell(cell, gap)
        room = self.width() - 2 * slot.width() - 2 * SLOT_GAP
        inner = min(self.row.width(), room) if count else min(self._hint_width(), room)
        left = (self.width() - inner - 2 * slot.width() - 2 * SLOT_GAP) // 2
        top = (self.height() - LANE - slot.height()) // 2
        self.slots["A"].setGeometry(left, top, slot.width(), slot.height())
        x = left + slot.width() + SLOT_GAP
        scrolls = self.row.width() > inner
        bar = self._scroll.horizontalScrollBar().sizeHint().height() if scrolls else 0
        self._scroll.setGeometry(x, top + INSET // 2, max(inner, 0), cell.height() + bar)
        self._scroll.setVisible(count > 0)
        self.slots["B"].setGeometry(x + inner + SLOT_GAP, top, slot.width(), slot.height())
        self.update()

    def _hint(self) -> str:
        anchors = self._session.anchors
        if self._session.model is None:
            return "" if self._opening else "Open a model to morph between two pictures."
        if self._error:
            return self._error
        missing = [side for side, anchor in anchors.items() if anchor is None]
        picture = "drop a picture, or use" if self._session.model.has_encoder else "use"
        if len(missing) == 2:
            return f"{picture.capitalize()} the current one."
        return f"Now {missing[0]}: {picture} the current one." if missing else ""

    def _hint_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self._hint()) + 2 * SLOT_GAP

    def _hint_box(self) -> QRectF:
        first, last = self.slots["A"].geometry(), self.slots["B"].geometry()
        return QRectF(first.right() + 1, first.top(), last.left() - first.right() - 1, first.height())

    def _here_x(self, here: float) -> float:
        """Return the middle of the picture at a place of the strip, 0..1, or between two of them."""
        row = [
            self.row.mapTo(self, self.row.box(i).center().toPoint()).x()
            for i in range(len(self.row.pictures))
        ]
        middles = [self.slots["A"].geometry().center().x(), *row, self.slots["B"].geometry().center().x()]
        return float(np.interp(here * (len(middles) - 1), range(len(middles)), middles))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        if not self.row.pictures:
            painter.setPen(tokens.error if self._error else tokens.quiet)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self._hint_box(), int(flags), self._hint())
        elif self._here is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.here)
            painter.drawEllipse(QPointF(self._here_x(self._here), self.height() - LANE / 2), 3, 3)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def showEvent(self, event: QShowEvent) -> None:
        if self._stale:
            self._refresh_all()

    def hideEvent(self, event: QHideEvent) -> None:
        self.stop()

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 64)

    def sizeHint(self) -> QSize:
        return QSize(600, 112)
