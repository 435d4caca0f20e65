"""The thumbnails of the history's places: asked for where they are seen, kept, and known to be old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.state import Place, options_of
from explorer.render.requests import RenderResult

MAX_SIDE = 96  # pixels
SLOT = "history:"  # not while a drag lasts


@dataclass(eq=False)
class _Made:
    image: QImage
    place: Place
    stages: tuple[object, ...]


class PlacePictures(QObject):
    """One picture a place, of its class; after other stages the old one is shown until the new one comes.

    A number is not enough to know a place by: the places of a saved session bring numbers of their own, which
    others had before.
    """

    arrived = Signal(int)  # id of the place

    def __init__(self, session: Session, pictures: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._made: dict[int, _Made] = {}
        self._asked: dict[int, tuple[Place, tuple[object, ...]]] = {}
        session.model_changed.connect(self._on_model_changed)

    def image(self, place_id: int) -> QImage | None:
        """Return the newest picture of a place, or None."""
        made = self._made.get(place_id)
        return made.image if made is not None else None

    def ask(self, places: Sequence[Place]) -> None:
        """Ask for the pictures of these places where they are missing or old; forget other wishes."""
        wanted = {place.id: place for place in places}
        if any(not self._is_wanted(asked, wanted) for asked in self._asked.values()):
            self._asked.clear()
            self._pictures.cancel(SLOT)
        for number, place in wanted.items():
            made, stages = self._made.get(number), self._seen_through(place)
            is_new = made is not None and _is_same(made.place, place) and made.stages == stages
            if is_new or number in self._asked:
                continue
            self._asked[number] = place, stages
            label = self._label(place)
            options = options_of(self._session.model, label or 0, self._session.style)  # type: ignore[arg-type]
            self._pictures.want(
                f"{SLOT}{number}",
                place.code,
                self._on_rendered,
                max_side=MAX_SIDE,
                space=place.space,
                options=options,
            )

    def _label(self, place: Place) -> int | None:
        """Return the class of a place's picture: its own, else the one that is shown."""
        own = place.label is not None and place.label < self._session.classes
        return place.label if own else self._session.known_label

    def _seen_through(self, place: Place) -> tuple[object, ...]:
        """Return what a place's picture is made with besides its code."""
        network = self._session.model.network if self._session.model is not None else None
        return (*self._session.enabled_stages, network, self._session.style, self._label(place))

    def _is_wanted(self, asked: tuple[Place, tuple[object, ...]], wanted: Mapping[int, Place]) -> bool:
        place, stages = asked
        return (
            place.id in wanted
            and _is_same(place, wanted[place.id])
            and stages == self._seen_through(wanted[place.id])
        )

    def keep_only(self, places: Sequence[Place]) -> None:
        """Drop the pictures of places that are gone, and of others that had their numbers."""
        known = {place.id: place for place in places}
        self._made = {
            number: made
            for number, made in self._made.items()
            if number in known and _is_same(made.place, known[number])
        }

    def _on_model_changed(self) -> None:
        """Forget everything; a place of another model may have the same number."""
        self._asked.clear()
        self._made.clear()

    def _on_rendered(self, result: RenderResult) -> None:
        number = int(result.slot.removeprefix(SLOT))
        place, stages = self._asked.pop(number, (None, ()))
        if place is None or result.pictures is None:  # the canvas tells the error
            return
        self._made[number] = _Made(to_qimage(result.pictures[0]), place, stages)
        self.arrived.emit(number)


def _is_same(one: Place, other: Place) -> bool:
    """Return whether two places look the same; a name and a star change no picture."""
    if one.space != other.space or one.label != other.label:
        return False
    return one.code is other.code or np.array_equal(one.code, other.code)
