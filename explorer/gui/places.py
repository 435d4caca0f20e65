"""The places of the history: where the session was, what is starred, what came from where; no widget.

Part of the session, beside undo: going back in time forgets no place. Each open model has places of its own.
Which moments are worth a place is `history_keeper`'s.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, Signal

from explorer.gui.state import Place, frozen_code

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.gui.session import Session

PLACE_LIMIT = 200  # that are not starred


class Places(QObject):
    """The places of the open model, oldest first; setters, and one signal."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._kept: WeakKeyDictionary[Opened, tuple[Place, ...]] = WeakKeyDictionary()
        self._ids = 0
        self._shown: Opened | None = None
        session.model_changed.connect(self._on_model_changed)
        session.space_changed.connect(self.changed)

    # ---- reading ----

    @property
    def all(self) -> tuple[Place, ...]:
        """Every place of the open model, in all its spaces, oldest first."""
        opened = self._session.state.opened
        return self._kept.get(opened, ()) if opened is not None else ()

    @property
    def here(self) -> Place | None:
        """The newest place that is the current code, or None."""
        return self.at(self._session.state.space, self._session.code)

    def at(self, space: str, code: np.ndarray) -> Place | None:
        """Return the newest place with this code, or None."""
        for place in reversed(self.all):
            if place.space == space and np.array_equal(place.code, code):
                return place
        return None

    def get(self, place_id: int) -> Place | None:
        """Return a place by its id, or None where it is gone."""
        return next((place for place in self.all if place.id == place_id), None)

    # ---- changing ----

    def keep(self, what: str, parent: int | None = None) -> Place | None:
        """Keep the current code as a place, unless it is one; return the place."""
        session = self._session
        if session.model is None:
            return None
        place = self.here
        if place is None:
            self._ids += 1
            place = Place(self._ids, session.state.space, session.code, what, parent=parent)
            self._set((*self.all, place))
        return place

    def star(self, place_id: int, starred: bool = True) -> None:
        """Star a place, so that it is saved with the checkpoint's notes, or take the star away."""
        self._change(place_id, starred=starred)

    def rename(self, place_id: int, name: str) -> None:
        """Call a place something; an empty name takes it away."""
        self._change(place_id, name=" ".join(name.split())[:80])

    def remove(self, place_id: int) -> None:
        """Forget a place, starred or not."""
        self._set(tuple(place for place in self.all if place.id != place_id))

    def restore(self, places: tuple[Place, ...]) -> None:
        """Become the places of a session that was saved, for the open model; their ids are theirs."""
        self._ids = max([self._ids, *(place.id for place in places)])
        self._set(places)

    def _change(self, place_id: int, **changes: object) -> None:
        place = self.get(place_id)
        if place is not None and any(getattr(place, name) != value for name, value in changes.items()):
            changed = replace(place, **changes)  # type: ignore[arg-type]
            self._set(tuple(changed if each.id == place_id else each for each in self.all))

    def _set(self, places: tuple[Place, ...]) -> None:
        opened = self._session.state.opened
        if opened is None:
            return
        plain = [place.id for place in places if not place.starred]
        dropped = set(plain[: max(len(plain) - PLACE_LIMIT, 0)])
        self._kept[opened] = tuple(place for place in places if place.id not in dropped)
        self.changed.emit()

    def _on_model_changed(self) -> None:
        opened = self._session.state.opened
        if opened is not None and opened not in self._kept:
            first = self._ids + 1
            self._ids += len(opened.notes.places)
            self._kept[opened] = tuple(
                Place(number, saved.space, frozen_code(saved.code), "starred", saved.name, starred=True)
                for number, saved in enumerate(opened.notes.places, first)
            )
        self.changed.emit()
