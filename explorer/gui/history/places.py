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

from explorer.formats.notes import clean_title
from explorer.gui.state import Anchor, Place, Side, frozen_code
from explorer.latent import interpolation

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
        self._last: WeakKeyDictionary[Opened, int] = WeakKeyDictionary()
        self._ids = 0
        session.model_changed.connect(self._on_model_changed)
        session.code_committed.connect(self._on_code_committed)
        session.space_changed.connect(self.changed)

    # ---- reading ----

    @property
    def all(self) -> tuple[Place, ...]:
        """Every place of the open model, in all its spaces, oldest first."""
        opened = self._opened
        return self._kept.get(opened, ()) if opened is not None else ()

    @property
    def here(self) -> Place | None:
        """The newest place that is the current code, or None."""
        return self.at(self._session.state.space, self._session.code, self._session.known_label)

    def at(self, space: str, code: np.ndarray, label: int | None = None) -> Place | None:
        """Return the newest place with this code, and this class where one is given, or None."""
        return next((place for place in reversed(self.all) if place.is_at(space, code, label)), None)

    def get(self, place_id: int) -> Place | None:
        """Return a place by its id, or None where it is gone."""
        return next((place for place in self.all if place.id == place_id), None)

    @property
    def last(self) -> Place | None:
        """The place one is at, or was at before a drag led away from it; None where that is unknown."""
        opened = self._opened
        return self.get(self._last.get(opened, -1)) if opened is not None else None

    # ---- changing ----

    def keep(self, what: str = "", parent: int | None = None) -> Place | None:
        """Keep the current code as a place, unless it is one; return the place.

        Args:
            what: how one got there; by default the step that led to the code.
            parent: id of the place before it; by default the `last` one.
        """
        session = self._session
        place = self.here
        if place is None:
            before = self.last
            parent = before.id if parent is None and before is not None else parent
            what = what or self._last_step()
            place = self.keep_code(session.state.space, session.code, what, parent, session.known_label)
        opened = self._opened
        if place is not None and opened is not None:
            self._last[opened] = place.id
        return place

    def keep_code(
        self, space: str, code: np.ndarray, what: str, parent: int | None = None, label: int | None = None
    ) -> Place | None:
        """Keep a code that need not be the current one, unless it is a place; return the place."""
        if self._session.model is None:
            return None
        place = self.at(space, code, label)
        if place is None:
            self._ids += 1
            place = Place(self._ids, space, frozen_code(code), what, parent=parent, label=label)
            opened = self._opened
            if opened is not None:
                self._last.setdefault(opened, place.id)
            self._set((*self.all, place))
        return place

    def star(self, place_id: int, starred: bool = True) -> None:
        """Star a place, so that it is saved with the checkpoint's notes, or take the star away."""
        self._change(place_id, starred=starred)

    def rename(self, place_id: int, name: str) -> None:
        """Call a place something; an empty name takes it away."""
        self._change(place_id, name=clean_title(name))

    def remove(self, place_id: int) -> None:
        """Forget a place, starred or not."""
        self._set(tuple(place for place in self.all if place.id != place_id))

    def restore(self, places: tuple[Place, ...]) -> None:
        """Become the places of a session that was saved, for the open model; their ids are theirs."""
        self._ids = max([self._ids, *(place.id for place in places)])
        self._set(places)
        self._on_code_committed()

    # ---- going ----

    def visit(self, place_id: int) -> None:
        """Return to a place, in its space and its class, as an undo step."""
        place = self.get(place_id)
        if place is not None and self._is_of_model(place):
            self._session.set_space(place.space)
            self._session.arrive(place.code, "History", place.label)

    def blend(self, place_id: int, other_id: int | None = None) -> None:
        """Go halfway between two places, or between a place and the current code, on the path of the strip.

        The new place is called `a + b` where both have a name.
        """
        session = self._session
        one, other = self.get(place_id), self.get(other_id) if other_id is not None else None
        if one is None or (other_id is not None and other is None) or not self._is_of_model(one):
            return
        space, code = (other.space, other.code) if other else (session.state.space, session.code)
        if one.space != space:
            session.tell(
                "info",
                f"A picture of the space {one.space} cannot be blended with one of {space}; "
                "choose two of the same space.",
            )
            return
        other = other or self.here
        session.set_space(space)
        middle = interpolation.path(one.code, code, 3, session.strip.path)[1]
        session.arrive(middle, "Blend", other.label if other else None)
        place = self.keep("Blend")
        if place is not None and not place.name and one.name and other is not None and other.name:
            self.rename(place.id, f"{one.name} + {other.name}")

    def set_anchor(self, side: Side, place_id: int) -> None:
        """Make a place one end of the strip."""
        place = self.get(place_id)
        if place is None or not self._is_of_model(place):
            return
        if place.space == self._session.state.space:
            label = place.name or f"{place.what or 'place'}, from the history"
            self._session.set_anchor(side, Anchor(place.code, None, label))
        else:
            self._session.tell(
                "info", f"This place is in the space {place.space}; go there before it becomes {side}."
            )

    def _is_of_model(self, place: Place) -> bool:
        """Return whether the open model still has the space of a place; tell where it has not."""
        model = self._session.model
        space = model.spaces.get(place.space) if model is not None else None
        if space is not None and place.code.shape == (space.dim,):
            return True
        self._session.tell(
            "warning",
            f"This place belongs to a space {place.space} of {len(place.code)} dimensions, which the open model "
            "has not; open the checkpoint that it was kept with.",
        )
        return False

    # ---- inside ----

    @property
    def _opened(self) -> Opened | None:
        """What places are kept by: all epochs of a run have the same."""
        opened = self._session.state.opened
        return opened.root if opened is not None else None

    def _last_step(self) -> str:
        """Return the name of the step that led to the current code."""
        code = self._session.code
        return next(
            (what for what, before in reversed(self._session.past) if before.code is not code), "Start"
        )

    def _change(self, place_id: int, **changes: object) -> None:
        place = self.get(place_id)
        if place is not None and any(getattr(place, name) != value for name, value in changes.items()):
            changed = replace(place, **changes)  # type: ignore[arg-type]
            self._set(tuple(changed if each.id == place_id else each for each in self.all))

    def _set(self, places: tuple[Place, ...]) -> None:
        opened = self._opened
        if opened is None:
            return
        plain = [place.id for place in places if not place.starred]
        dropped = set(plain[: max(len(plain) - PLACE_LIMIT, 0)])
        self._kept[opened] = tuple(place for place in places if place.id not in dropped)
        self.changed.emit()

    def _on_code_committed(self) -> None:
        """Remember the place one has come to; not while a drag lasts, which would look for it at every move."""
        here, opened = self.here, self._opened
        if here is not None and opened is not None:
            self._last[opened] = here.id

    def _on_model_changed(self) -> None:
        opened = self._opened
        if opened is not None and opened not in self._kept:
            first = self._ids + 1
            self._ids += len(opened.notes.places)
            self._kept[opened] = tuple(
                Place(
                    number,
                    saved.space,
                    frozen_code(saved.code),
                    "starred",
                    saved.name,
                    True,
                    label=saved.label,
                )
                for number, saved in enumerate(opened.notes.places, first)
            )
        self.changed.emit()
