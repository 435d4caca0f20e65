"""The canvas: the decoded picture, large and exact, and what it can be compared with.

It asks for one picture whenever code, space, stages or model change, shows the newest, and keeps the last
good one when something goes wrong. How a picture is painted, zoomed and read is `widgets/picture_view.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Literal, NamedTuple

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from explorer.gui.brush import Brush
from explorer.gui.history.place_mime import place_in
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.state import Original
from explorer.gui.widgets.brush_row import BrushRow
from explorer.gui.widgets.drop_zone import DropZone
from explorer.gui.widgets.epoch_row import EpochRow
from explorer.gui.widgets.loading import Loading
from explorer.gui.widgets.notice import Action, Level, Note, Notice
from explorer.gui.widgets.picture_bar import PictureBar
from explorer.gui.widgets.picture_view import PictureView
from explorer.models.base import check_stages
from explorer.render.requests import LIVE, RenderResult

Comparison = Literal["original", "stages", "epoch"]
SIDES: dict[Comparison, tuple[str, str]] = {
    "original": ("original", "reconstruction"),
    "stages": ("before", "after"),
}
NOT_NUMBERS = (
    "All values that {who} gave are not numbers, so the last good picture stays; the checkpoint may hold weights "
    "that are not finite, or the code may be too far out."
)
STEP_ASIDE = 8.0
"""Seconds after which what was said of something else gives way to work that goes well."""

RIVAL = "compare"  # slot
COMPARE_EPOCHS = "Compare with another epoch: drag a divider between the two (W)"
NOTHING_TO_COMPARE = "Nothing to compare yet: drop a picture on a VAE, or switch a stage on (W)"


class Shown(NamedTuple):
    """What the last request was for; compared by identity."""

    generation: int
    space: str
    code: np.ndarray
    stages: tuple[object, ...]
    options: tuple[object, ...]  # class and style


class Canvas(QWidget):
    """The picture of the current code, with zoom, pan, pixel values, wiper and copy."""

    save_wanted = Signal()
    cancel_requested = Signal()  # the person wants the loading to stop
    opening_changed = Signal(str)  # what is being opened, "Opening faces.pt"; empty for nothing
    rival_wanted = Signal()  # somebody wants to compare the picture with that of another epoch
    said = Signal(str, str, str)  # level, sentence and details of what is wrong with a picture

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._asked: Shown | None = None
        self._result: RenderResult | None = None
        self._good: int | None = None  # generation of the model that made the last good picture
        self._original: tuple[Original | None, QImage] = (None, QImage())  # the image made of it
        self._is_loading = False
        self._is_told = False  # the notice is about something else than the picture
        self._told_at = 0.0  # seconds
        self._is_moving = False  # the code is being dragged: nothing may make the picture jump
        self._wanted: dict[Comparison, bool] = {"original": True, "stages": False, "epoch": True}
        self._has_rivals = False  # there are other epochs to compare with
        self._rival: tuple[object, ...] = ()  # what the picture of the other weights was asked for
        self._rival_image = QImage()
        self._rival_name = ""
        self._compared: Comparison | None = None
        self.setAccessibleName("Canvas")
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # has the keys until there is a picture
        self.view = PictureView(self)
        self.view.setAccessibleName("Picture on the canvas")
        self.view.setToolTip("Wheel: zoom; drag: move; 0: the whole picture; hold B: the picture before")
        self.view.setAccessibleDescription("The decoded picture of the current code")
        self.bar = PictureBar(self.view, self)
        self.epoch_row = EpochRow(self)
        self.brush_row = BrushRow(self)
        self.brush = Brush(session, pictures, self.view, self.brush_row, self)
        self.notice = Notice(self)
        self.notice.left.connect(self._on_notice_left)
        self._build()
        self.bar.set_sides(None, NOTHING_TO_COMPARE)
        self.bar.compare_wanted.connect(self.toggle_wiper)
        self.bar.brush_wanted.connect(self.brush.toggle)
        self.brush.changed.connect(self._refresh_brush)
        session.model_changed.connect(self._on_model_changed)
        session.space_changed.connect(self._on_chain_changed)
        session.stages_changed.connect(self._forget_told)
        session.stages_changed.connect(self._on_chain_changed)
        session.options_changed.connect(self._on_chain_changed)
        session.code_changed.connect(self._on_code_changed)
        session.code_committed.connect(self._on_code_committed)
        session.original_changed.connect(self._on_original_changed)
        session.rival_changed.connect(self._on_rival_changed)
        self._on_model_changed()

    # ---- building ----

    def _build(self) -> None:
        self._loading_below, self._loading_alone = Loading(self), Loading(self)
        for loading in (self._loading_below, self._loading_alone):
            loading.cancel_requested.connect(self.cancel_requested)
        self._below = QStackedWidget(self)
        self._below.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._below.addWidget(self.bar)
        self._below.addWidget(_centred(self._loading_below))
        self._loading_below.show()
        self._pages = QStackedWidget(self)
        self._empty = DropZone(self._loading_alone, self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._pages, stretch=1)
        layout.addWidget(self._below)
        layout.addWidget(self.epoch_row)
        layout.addWidget(self.brush_row)
        layout.addWidget(self.notice)

    # ---- wishes ----

    @property
    def shown(self) -> RenderResult | None:
        """The last good result: what is on the canvas."""
        return self._result

    @property
    def compared(self) -> Comparison | None:
        """What the wiper and B compare now, None where there is nothing to compare."""
        return self._compared

    def refresh(self) -> None:
        """Ask for the picture of the current code."""
        session = self._session
        if session.model is not None and session.space is not None:
            self._asked = self._wish()
            self._pictures.want(LIVE, session.code, self._on_rendered)
            self._ask_rival()

    def fit(self) -> None:
        """Show the whole picture."""
        self.view.fit()

    def zoom_in(self) -> None:
        """Zoom one step in."""
        self.view.zoom_step(1)

    def zoom_out(self) -> None:
        """Zoom one step out."""
        self.view.zoom_step(-1)

    def toggle_smooth(self) -> None:
        """Show pixels as squares, or interpolate between them."""
        self.view.toggle_smooth()

    def toggle_wiper(self) -> None:
        """Put the wiper on, on to the next comparison where there are two, or away."""
        possible = self._possible()
        on = self._wiper_for(possible)
        if self._has_rivals and "epoch" not in possible:
            possible.append("epoch")
        if not possible:
            self.bar.refresh()
            return
        following: Comparison | None = possible[0]
        if on is not None:
            place = possible.index(on) + 1
            following = possible[place] if place < len(possible) else None
        for comparison in possible:
            self._wanted[comparison] = comparison == following
        if on == "epoch":
            self._session.compare_with(None)
        if following == "epoch" and self._session.rival is None:
            self.rival_wanted.emit()
        self._refresh_comparison()

    def offer_rival(self, has_rivals: bool) -> None:
        """Tell whether there are other epochs to compare the picture with."""
        if self._has_rivals != has_rivals:
            self._has_rivals = has_rivals
            self._refresh_sides()

    def show_before(self, shown: bool) -> None:
        """Cover the picture with what it is compared with, while a key is held."""
        self.view.show_before(shown)

    def copy_picture(self) -> None:
        """Put the picture on the clipboard, pixel for pixel."""
        request = self._result.request if self._result is not None else None
        if request is not None and request.quality != "full":
            self._session.tell("info", "The whole picture is still being drawn; copy it when it is there.")
        elif not self.view.picture.isNull():
            QGuiApplication.clipboard().setImage(self.view.picture)
            size = self.view.picture.size()
            self._session.tell("info", f"The picture was copied, {size.width()}×{size.height()} pixels.")

    def show_notice(self, level: Level, text: str, details: str = "") -> None:
        """Show a sentence under the picture, which stays.

        It is of something else than the picture, so pictures leave it; closing it takes it away, and so does
        another model, stage or encoded picture, and a change that is finished well after it was said.
        """
        self._is_told = True
        self._told_at = monotonic()
        self.notice.say(level, text, details)

    def offer(self, text: str, actions: Sequence[Action], level: Level = "info") -> Note:
        """Show a sentence with buttons under the picture, until one is chosen or it is closed.

        Nothing else takes it away; what goes wrong meanwhile is shown on top of it. `withdraw` takes it back.
        """
        return self.notice.say(level, text, actions=actions)

    def withdraw(self, offer: Note) -> None:
        """Take an offer back that means nothing any more, if it is still there."""
        self.notice.withdraw(offer)

    def show_loading(self, text: str, fraction: float | None = None) -> None:
        """Say what is being loaded and how far it is (0..1, None for unknown), with a way to cancel."""
        for loading in (self._loading_below, self._loading_alone):
            loading.set_progress(text, fraction)
        is_new = not self._is_loading or not fraction
        self._is_loading = True
        self._refresh_page()
        if is_new:
            self.opening_changed.emit(text)

    def hide_loading(self) -> None:
        """Take that away."""
        self._is_loading = False
        self._refresh_page()
        self.opening_changed.emit("")

    def take_key(self, event: QKeyEvent) -> bool:
        """Do what a key means for the picture, wherever the focus is; return whether it means something."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if event.key() == Qt.Key.Key_Escape and self._is_loading:
            self.cancel_requested.emit()
        elif event.key() == Qt.Key.Key_Escape and self.notice.shows_problem:
            self.notice.close_shown()
        elif event.key() == Qt.Key.Key_Escape and self.brush.is_on:
            self.brush.set_on(False)
        elif event.key() == Qt.Key.Key_B and plain:
            self.show_before(True)
        else:
            return False
        return True

    def take_key_release(self, event: QKeyEvent) -> bool:
        """End what a held key means for the picture; return whether it means something."""
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.show_before(False)
        return event.key() == Qt.Key.Key_B

    # ---- reactions ----

    def _wish(self) -> Shown:
        session = self._session
        space = session.space.name if session.space else ""
        return Shown(session.generation, space, session.code, session.enabled_stages, session.seen_by)

    def _forget_told(self) -> None:
        if self._is_told:
            self._is_told = False
            self.notice.release()

    def _on_model_changed(self) -> None:
        self._is_told = False
        self.notice.release()
        self._wanted = {"original": True, "stages": self._wanted["stages"], "epoch": True}
        self._asked = None
        self._forget_rival()
        if self._session.model is None:
            self._result = self._good = None
            self.view.set_pictures(QImage())
        else:
            self.view.fit()
        self._on_chain_changed()
        self._refresh_page()

    def _on_code_changed(self) -> None:
        self._is_moving = True
        self.refresh()

    def _on_code_committed(self) -> None:
        self._is_moving = False
        if monotonic() - self._told_at >= STEP_ASIDE:
            self._forget_told()
        if self.notice.problem is None:
            self.notice.release()

    def _on_chain_changed(self) -> None:
        """Ask again, unless another signal of the same change already did."""
        self._is_moving = False
        wish, asked = self._wish(), self._asked
        if (
            asked is None
            or (wish.generation, wish.space) != (asked.generation, asked.space)
            or wish.code is not asked.code
            or (wish.stages, wish.options) != (asked.stages, asked.options)
        ):
            self.refresh()

    def _on_original_changed(self) -> None:
        self._forget_told()
        if self._session.original is not None:
            self._wanted["original"] = True
        self._refresh_comparison()

    def _on_rival_changed(self) -> None:
        """Compare with other weights as soon as their picture is there, or no more."""
        rival = self._session.rival
        name, self._rival_name = self._rival_name, rival.name if rival is not None else ""
        if rival is None:
            self._forget_rival()
            self._refresh_comparison()
            return
        if rival.name == name:  # the picture itself is of another epoch now
            self._ask_rival()
            self._refresh_sides()
            return
        for comparison in self._wanted:
            self._wanted[comparison] = comparison == "epoch"
        self._ask_rival()
        self._refresh_comparison()

    def _forget_rival(self) -> None:
        self._rival, self._rival_image, self._rival_name = (), QImage(), ""
        self._pictures.cancel(RIVAL)

    def _ask_rival(self) -> None:
        """Ask for the picture of the current code by the weights that it is compared with."""
        session, rival = self._session, self._session.rival
        if rival is None or session.model is None:
            return
        stages = tuple(
            rival.stage if rival.stage is not None and entry.id == rival.stage_id else entry.stage
            for entry in session.stages
            if entry.enabled
        )
        model = rival.model or session.model
        wish = (session.state.space, session.code, *session.seen_by[1:], model.network, *stages)
        if len(wish) != len(self._rival) or any(
            one is not other for one, other in zip(wish, self._rival, strict=True)
        ):
            self._rival = wish
            self._pictures.want(
                RIVAL,
                session.code,
                self._on_rival_rendered,
                model=model,
                stages=stages,
                space=session.state.space,
                options=session.options,
            )

    def _on_rival_rendered(self, result: RenderResult) -> None:
        if result.pictures is None or result.blank:  # its own error is told where it is shown itself
            return
        self._rival_image = to_qimage(result.pictures[0])
        self._refresh_comparison()

    def _on_rendered(self, result: RenderResult) -> None:
        if result.error is not None or result.pictures is None:
            self._say("error", result.error or "No picture came back; try another code.", result.bug or "")
            if self._result is None:
                self._refresh_page()
            return
        if result.blank and self._good == result.generation:
            stages = (f"the stage {stage.name}" for stage in self._session.enabled_stages)
            names = [self._session.model.name, *stages] if self._session.model else []
            self._say("warning", NOT_NUMBERS.format(who=" or ".join(names)))
            return
        self._result = result
        self._good = None if result.blank else result.generation
        self._refresh_comparison()
        if self._pages.currentWidget() is not self.view:
            self._refresh_page()
        if result.warning:
            self._say("warning", result.warning)
        elif self._is_told:
            pass
        elif self._is_moving:
            self.notice.settle()
        elif self.notice.problem is not None:
            self.notice.release()

    def _say(self, level: Level, text: str, details: str = "") -> None:
        """Say what is wrong with a picture, until a better one comes."""
        problem = self.notice.problem
        self._is_told = False
        if self.notice.say(level, text, details) is not problem:  # a drag may say the same many times
            self.said.emit(level, text, details)

    def _on_notice_left(self) -> None:
        (self.view if self._pages.currentWidget() is self.view else self).setFocus()

    # ---- refreshing ----

    def _possible(self) -> list[Comparison]:
        """Return what the picture can be compared with now."""
        possible: list[Comparison] = []
        if self._result is not None:
            if self._session.original is not None:
                possible.append("original")
            if self._session.enabled_stages and self._result.decoded is not None:
                possible.append("stages")
            if self._session.rival is not None and not self._rival_image.isNull():
                possible.append("epoch")
        return possible

    def _wiper_for(self, possible: list[Comparison]) -> Comparison | None:
        return next((comparison for comparison in possible if self._wanted[comparison]), None)

    def _refresh_comparison(self) -> None:
        """Hand the view the picture, and what is left of the wiper."""
        if self._result is None or self._result.pictures is None:
            return
        possible = self._possible()
        wiping = self._wiper_for(possible)
        self._compared = wiping or (possible[-1] if possible else None)
        before = None
        if self._compared == "original" and self._session.original is not None:
            if self._original[0] is not self._session.original:
                self._original = (self._session.original, to_qimage(self._session.original.picture))
            before = self._original[1]
        elif self._compared == "stages" and self._result.decoded is not None:
            before = to_qimage(self._result.decoded[0])
        elif self._compared == "epoch":
            before = self._rival_image
        self.view.set_pictures(to_qimage(self._result.pictures[0]), before, self._stands_for(self._result))
        self.view.set_wiper(wiping is not None)
        self._refresh_sides()

    def _stands_for(self, result: RenderResult) -> QSize | None:
        """Return the size of the whole picture where the result is a lesser one under a hand."""
        request, model = result.request, self._session.model
        if request is None or request.quality == "full" or model is None:
            return None
        whole = check_stages(model.image, self._session.enabled_stages)
        return QSize(whole.width, whole.height) if whole.width and whole.height else None

    def _refresh_sides(self) -> None:
        rival = self._session.rival
        if self._compared == "epoch" and rival is not None:
            self.bar.set_sides((rival.name, rival.own))
        elif self._compared is not None and self._compared in SIDES:
            self.bar.set_sides(SIDES[self._compared])
        elif self._has_rivals:
            self.bar.set_sides(None, COMPARE_EPOCHS, can_compare=True)
        else:
            self.bar.set_sides(None, NOTHING_TO_COMPARE)

    def _refresh_brush(self) -> None:
        brush = self.brush
        self.bar.set_brush(exists=brush.exists, on=brush.is_on, why_not=brush.why_not)

    def _refresh_page(self) -> None:
        has_picture = not self.view.picture.isNull()
        self._pages.setCurrentIndex(1 if has_picture else 0)
        if has_picture and self.hasFocus():
            self.view.setFocus()
        self._below.setVisible(has_picture)
        self._below.setCurrentIndex(1 if self._is_loading else 0)
        self._loading_alone.setVisible(self._is_loading)
        if self._is_loading:
            self._empty.say("", "", inviting=False)
        elif self._session.model is None:
            hint = "or open one with Ctrl+O.\nA picture can follow: a VAE turns it into a code."
            self._empty.say("Drop a checkpoint here", hint, inviting=True)
        elif self.notice.problem is not None:
            self._empty.say(
                "There is no picture yet", "Another code or another model may do better.", inviting=False
            )
        else:
            self._empty.say("The first picture is being decoded", "", inviting=False)

    # ---- Qt ----

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a place of the history; a file is for the window."""
        if place_in(event.mimeData()) is not None:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        place = place_in(event.mimeData())
        if place is not None:
            event.acceptProposedAction()
            self._session.places.visit(place)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        has_picture = not self.view.picture.isNull()
        for text, keys, slot in (
            ("&Copy picture", "Ctrl+C", self.copy_picture),
            ("&Save picture…", "Ctrl+Shift+E", self.save_wanted),
            ("&Fit", "Ctrl+0", self.fit),
        ):
            action = QAction(text, menu)
            action.setShortcut(QKeySequence(keys))
            action.setEnabled(has_picture)
            action.triggered.connect(slot)
            menu.addAction(action)
        menu.popup(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.take_key(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.take_key_release(event):
            super().keyReleaseEvent(event)


def _centred(widget: QWidget) -> QWidget:
    """Return a page with the widget in the middle of its width."""
    page = QWidget()
    layout = QHBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(widget, alignment=Qt.AlignmentFlag.AlignCenter)
    return page
