"""The history: a thumbnail for every place one has been at, stars, names, and where each can be taken to."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QDrag, QHideEvent, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from explorer.gui import theme
from explorer.gui.history import place_words
from explorer.gui.history.place_menu import place_menu
from explorer.gui.history.place_mime import data_of
from explorer.gui.history.place_pictures import PlacePictures
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.widgets.name_field import NameField
from explorer.gui.widgets.place_card import PlaceCard
from explorer.gui.widgets.place_row import PlaceRow
from explorer.gui.widgets.place_thumb import Thumb

KEYS = "Enter returns to it, S stars it, F2 names it, Delete removes it"
EMPTY = "Places you visit appear here; drag one onto A, B, the map or another picture."
NO_STARS = "No place is starred yet; press S on a place, or switch “Starred only” off."
NO_MODEL = "Open a model; the places you visit appear here."


class HistoryPanel(QWidget):
    """Shows the places of the open model, the newest on the right."""

    map_wanted = Signal(object)  # the code of a place to be pointed out on the map

    def __init__(self, session: Session, pictures: PictureSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._stale = True
        self._opening = ""
        self._newest = 0  # the largest id that was shown
        self._here: int | None = None
        self._images = PlacePictures(session, pictures, self)
        self.row = PlaceRow(self._images.image, self)
        self.row.setAccessibleDescription(f"Left and Right choose a place; {KEYS}")
        self.row.setToolTip(
            "Places of the history: click to return, drag onto A, B, the map or another picture"
        )
        self.hint = QLabel(self)
        self.hint.setObjectName("quiet")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.name_field = NameField("place", self)
        self.card = PlaceCard(self)
        self.starred_only = _make_filter_button(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.row)
        keeping = self.row.sizePolicy()
        keeping.setRetainSizeWhenHidden(True)  # the hint stands in its place
        self.row.setSizePolicy(keeping)
        self._connect()
        self._refresh()

    def title_widgets(self) -> list[QWidget]:
        """Return what belongs into the title row: the filter."""
        return [self.starred_only]

    def _connect(self) -> None:
        session, row = self._session, self.row
        session.places.changed.connect(self._refresh)
        session.model_changed.connect(self._refresh)  # once more: what was asked for just before is forgotten
        session.model_changed.connect(self.name_field.cancel)
        session.stages_changed.connect(self._refresh_pictures)
        session.options_changed.connect(self._refresh_pictures)
        session.code_changed.connect(self._on_code_changed)
        session.code_committed.connect(self._refresh_here)
        theme.notifier.changed.connect(self.row.update)
        self.starred_only.toggled.connect(self._refresh)
        self._images.arrived.connect(row.repaint_thumb)
        row.picked.connect(session.places.visit)
        row.hovered.connect(self._on_hovered)
        row.focus_moved.connect(self._on_focus_moved)
        row.menu_wanted.connect(self._on_menu_wanted)
        row.star_wanted.connect(self.toggle_star)
        row.name_wanted.connect(self.ask_name)
        row.removal_wanted.connect(self.remove)
        row.drag_wanted.connect(self._on_drag_wanted)
        row.dropped.connect(session.places.blend)
        row.view_changed.connect(self._on_view_changed)
        self.name_field.entered.connect(session.places.rename)
        self.name_field.closed.connect(self.row.setFocus)

    # ---- wishes from outside ----

    def show_opening(self, text: str) -> None:
        """Ask for no model while one is being opened; empty for nothing."""
        self._opening = text
        self._refresh_hint()

    def star_here(self) -> None:
        """Star the current place, or take its star away; the current code becomes a place first."""
        place = self._session.places.keep()
        if place is not None:
            self.toggle_star(place.id)

    def name_here(self) -> None:
        """Ask for a name of the current place; the current code becomes a place first."""
        place = self._session.places.keep()
        if place is not None:
            if not place.starred:
                self.starred_only.setChecked(False)
            self.ask_name(place.id)

    def go(self, offset: int) -> None:
        """Return to a place so many to the right (or left, below 0) of the current one, in the shown space.

        Where the current code is no place, -1 is the place one was at last.
        """
        places = [p for p in self._session.places.all if p.space == self._session.state.space]
        here, last = self._session.places.here, self._session.places.last
        at = here or last
        if not places or at is None:
            return
        index = next((i for i, place in enumerate(places) if place.id == at.id), len(places))
        index += offset + (1 if here is None and offset < 0 else 0)
        if 0 <= index < len(places):
            self._session.places.visit(places[index].id)

    # ---- refreshing ----

    def _refresh(self) -> None:
        """Show the places of the open model; put off while nobody sees the panel."""
        self._stale = not self.isVisible()
        if self._stale:
            return
        places = self._session.places
        self._images.keep_only(places.all)
        self._here = place.id if (place := places.here) is not None else None
        image = self._session.model.image if self._session.model else None
        self.row.set_aspect(image.width / image.height if image and image.width and image.height else 1.0)
        self._show_thumbs()
        self._refresh_hint()
        newest = max((place.id for place in places.all), default=0)
        if newest > self._newest:
            self.row.reveal(newest)
        self._newest = newest
        self._refresh_pictures()

    def _show_thumbs(self) -> None:
        places = self._session.places.all
        known = {place.id for place in places}
        space, only = self._session.state.space, self.starred_only.isChecked()
        thumbs, left = [], None
        for number, place in enumerate(places, 1):
            forked = left is not None and place.parent in known and place.parent != left.id and not only
            if place.starred or not only:
                is_here = place.id == self._here
                text = place_words.spoken(self._session, place, number, is_here=is_here)
                is_elsewhere = place.space != space
                thumbs.append(Thumb(place.id, text, place.starred, is_here, forked, is_elsewhere, place.name))
            left = place
        self.row.show_thumbs(tuple(thumbs))
        if self._here is not None and not self.row.hasFocus():
            self.row.set_focused(self._here)  # keys begin where one is
        self._refresh_words()

    def _refresh_hint(self) -> None:
        is_empty = not self.row.thumbs
        text = NO_STARS if self._session.places.all else EMPTY
        without = "" if self._opening else NO_MODEL
        self.hint.setText(text if self._session.model is not None else without)
        self.hint.setVisible(is_empty)
        self.row.setVisible(not is_empty)

    def _refresh_pictures(self) -> None:
        if not self._stale:
            seen = set(self.row.seen)
            self._images.ask([place for place in self._session.places.all if place.id in seen])

    def _refresh_words(self) -> None:
        """Name the row after the place that keys work on; that is what a screen reader says."""
        thumb = next((t for t in self.row.thumbs if t.id == self.row.focused), None)
        name = thumb.text if thumb is not None else "History"
        if name != self.row.accessibleName():
            self.row.setAccessibleName(name)

    def _on_code_changed(self) -> None:
        """Take the frame off the place that is left; a drag looks for no other one before it ends."""
        if not self._session.is_moving:
            self._refresh_here()
        elif self._here is not None:
            self._mark(None)

    def _refresh_here(self) -> None:
        if not self._stale:
            place = self._session.places.here
            self._mark(place.id if place is not None else None)

    def _mark(self, here: int | None) -> None:
        if here != self._here and not self._stale:
            self._here = here
            self._show_thumbs()
            if here is not None:
                self.row.reveal(here)

    # ---- wishes of the row ----

    def toggle_star(self, number: int) -> None:
        """Star a place, or take its star away."""
        place = self._session.places.get(number)
        if place is not None:
            self._session.places.star(number, not place.starred)

    def remove(self, number: int) -> None:
        """Forget a place, unless it is starred."""
        place = self._session.places.get(number)
        if place is not None and place.starred:
            self._session.tell("info", "A starred place stays; take its star away (S) before you remove it.")
        elif place is not None:
            self._session.places.remove(number)

    def ask_name(self, number: int) -> None:
        """Show the field for a place's name over it."""
        place = self._session.places.get(number)
        if place is None:
            return
        self.card.hide()
        self.row.set_focused(number)
        self.row.reveal(number)
        beside = self.row.box(number).translated(self.row.pos()).toAlignedRect()
        self.name_field.edit(number, place.name, beside)

    def _on_view_changed(self) -> None:
        self.name_field.clearFocus()  # it would no longer stand over its place
        self._refresh_pictures()

    def _on_hovered(self, number: int) -> None:
        place = self._session.places.get(number) if number >= 0 else None
        if place is None:
            self.card.hide()
        else:
            box = self.row.box(number).toRect()
            lines = place_words.lines(self._session, place)
            self.card.show_over(self.row, box, lines, self._images.image(number))

    def _on_focus_moved(self, number: int) -> None:
        self._refresh_words()
        self._on_hovered(number)

    def _on_menu_wanted(self, number: int, place: QPoint) -> None:
        self.card.hide()
        menu = self.make_menu(number)
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(place)

    def make_menu(self, number: int) -> QMenu | None:
        """Return the menu of a place; None where it is gone."""
        place = self._session.places.get(number)
        return place_menu(self._session, self, place) if place is not None else None

    def _on_drag_wanted(self, number: int) -> None:
        drag = self.make_drag(number)
        if drag is not None:
            drag.exec(Qt.DropAction.CopyAction)

    def make_drag(self, number: int) -> QDrag | None:
        """Return the drag of a place with its picture; None where it is gone."""
        if self._session.places.get(number) is None:
            return None
        picture = self._images.image(number)
        drag = QDrag(self.row)
        drag.setMimeData(data_of(number, picture))
        if picture is not None:
            size = self.row.box(number).size().toSize()
            pixmap = QPixmap.fromImage(picture).scaled(
                size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            drag.setPixmap(pixmap)
            drag.setHotSpot(pixmap.rect().center())
        return drag

    # ---- Qt ----

    def showEvent(self, event: QShowEvent) -> None:
        if self._stale:
            self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        self._stale = True
        self.card.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.card.hide()
        self.hint.setGeometry(self.rect())


def _make_filter_button(parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setText("Starred only")
    button.setCheckable(True)
    button.setObjectName("quiet")
    button.setProperty("kind", "bare")
    button.setToolTip("Show starred places alone; they are saved with the checkpoint's notes")
    button.setAccessibleName("Starred only")
    return button
