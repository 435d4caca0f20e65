"""The parts of a session file, each looked at and made into the value that a state has; for `session_reading`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import numpy as np

from explorer.data.wording import shown
from explorer.formats.notes import clean_remark, clean_title, is_dimension
from explorer.gui.sessions.session_pictures import Pictures
from explorer.gui.sessions.session_values import Wrong, choice, flag, number, numbers, real, text, words
from explorer.gui.state import (
    FARTHEST,
    NOISE_SEED_LIMIT,
    Anchor,
    MapSettings,
    Original,
    Place,
    RowSettings,
    State,
    StripSettings,
    StyleSettings,
    frozen_code,
)

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.formats.notes import StarredPlace
    from explorer.models.base import LatentModel, Space

_MOST_ID = 1 << 50
_NAME = 1000  # letters
_MOST_WORDS = 1_000_000  # names and notes of all steps together, each with what it has of the one before


class Parts:
    """Makes parts of states for one model of what one session file says.

    Args:
        model: whose spaces they are of.
        said: the file, as JSON has it.
        leave_out: told what is left out, and what is wrong with it.
    """

    def __init__(
        self, model: LatentModel, said: Mapping[str, Any], leave_out: Callable[[str, Wrong], None]
    ) -> None:
        self._model = model
        self._said = said
        self._leave_out = leave_out
        self._pictures = Pictures(said.get("pictures"), leave_out)
        self._words_left = _MOST_WORDS

    def empty(self, opened: Opened, titles: Mapping[str, str], remarks: Mapping[str, str]) -> State:
        """Return the state before anything but its space is said of it."""
        space = self._space(self._said.get("space", self._model.default_space), "space")
        return State(
            opened=opened,
            space=space.name,
            code=frozen_code(space.center),
            locked=np.zeros(space.dim, bool),
            titles=dict(titles),
            remarks=dict(remarks),
        )

    def changed(self, said: Mapping[str, Any], other: State, where: str) -> State:
        """Return the state that differs from another one by what is said; stages are not looked at."""
        space = self._space(said.get("space", other.space), f"{where}space")
        makers = {
            "code": lambda value, at: self._code(value, space, at, other),
            "locked": lambda value, at: self._locked(value, space, at),
            "label": self._label,
            "style": lambda value, at: self._style(value, other.style, at),
            "seed": _seed,
            "original": lambda value, at: self._anchor(value, space, at, Original),
            "A": lambda value, at: self._anchor(value, space, at, Anchor),
            "B": lambda value, at: self._anchor(value, space, at, Anchor),
            "strip": lambda value, at: _settings(StripSettings, value, other.strip, at),
            "map": lambda value, at: self._map(value, space, other.map, at),
            "titles": lambda value, at: self._words(value, other.titles, clean_title, at),
            "remarks": lambda value, at: self._words(value, other.remarks, clean_remark, at),
        }
        changes: dict[str, Any] = {"space": space.name}
        for key, make in makers.items():
            if key in said:
                changes[_FIELDS.get(key, key)] = make(said[key], f"{where}{key}")
        return self._consistent(replace(other, **changes), space, where)

    def rows(self) -> RowSettings:
        """Return how the slider rows are shown."""
        return _settings(RowSettings, self._said.get("rows", {}), RowSettings(), "rows")

    def focused(self, space: str) -> int:
        """Return the 0-based index of the row that shows its traversal."""
        return number(self._said.get("focused", 1), 1, self._model.spaces[space].dim, "focused") - 1

    def places(self, starred: Sequence[StarredPlace], most: int) -> tuple[Place, ...]:
        """Return the places, and after them those of the notes that were starred since the session was saved.

        One that does not fit the model is left out, as nobody could go there, and so is a damaged one.
        """
        found = list({place.id: place for place in self._listed_places("places", most)}.values())
        known = {_where(place) for place in found if place.starred}
        known |= {_where(place) for place in self._listed_places("places_gone", most)}
        free = max((place.id for place in found), default=0) + 1
        new = [
            saved
            for saved in starred
            if (saved.space, frozen_code(saved.code).tobytes(), saved.label) not in known
        ]
        found += [
            Place(
                number_, saved.space, frozen_code(saved.code), "starred", saved.name, True, label=saved.label
            )
            for number_, saved in enumerate(new, free)
        ]
        return tuple(found)

    def _listed_places(self, key: str, most: int) -> Iterator[Place]:
        """Yield the places of a list that fit the model; of those that are damaged the first is told."""
        listed = self._said.get(key, [])
        wrongs: list[Wrong] = [] if isinstance(listed, list) else [Wrong(f"{key} should be a list")]
        for count, each in enumerate(listed[:most] if not wrongs else (), 1):
            try:
                place = self._place(each, f"{key} {count}")
            except Wrong as wrong:
                wrongs.append(wrong)
                continue
            if place is not None:
                yield place
        if wrongs:
            self._leave_out(f"{len(wrongs)} of {key}", wrongs[0])

    def _place(self, said: Any, where: str) -> Place | None:
        """Return a place, None where it does not fit the model; one that is gone has no id."""
        if not isinstance(said, dict):
            raise Wrong(f"{where} should be an object")
        parent, label = said.get("parent"), said.get("label")
        place = Place(
            number(said.get("id", 1), 1, _MOST_ID, f"{where}: id"),
            text(said.get("space"), _NAME, f"{where}: space"),
            numbers(said.get("code"), f"{where}: code"),
            words(said.get("what", ""), _NAME, f"{where}: what"),
            clean_title(words(said.get("name", ""), _NAME, f"{where}: name")),
            flag(said.get("starred", False), f"{where}: starred"),
            None if parent is None else number(parent, 1, _MOST_ID, f"{where}: parent"),
            None if label is None else number(label, 0, _MOST_ID, f"{where}: label"),
        )
        space = self._model.spaces.get(place.space)
        return place if space is not None and place.code.shape == (space.dim,) else None

    def _space(self, said: Any, where: str) -> Space:
        if not isinstance(said, str) or said not in self._model.spaces:
            known = ", ".join(self._model.spaces)
            raise Wrong(f"{where} is {shown(said, 30)}, and {self._model.name} has {known}")
        return self._model.spaces[said]

    def _whole_code(self, said: Any, space: Space, where: str) -> np.ndarray:
        code = numbers(said, where)
        if code.shape != (space.dim,):
            raise Wrong(
                f"{where} has {len(code)} numbers where the space {space.name} of {self._model.name} has "
                f"{space.dim} dimensions, so it was saved with another checkpoint"
            )
        return code

    def _code(self, said: Any, space: Space, where: str, other: State) -> np.ndarray:
        """A list of all numbers, or an object of the few that differ from the other state's."""
        if not isinstance(said, dict):
            return self._whole_code(said, space, where)
        if space.name != other.space:
            raise Wrong(f"{where} should be a list where the space changes")
        code = np.array(other.code)
        code[[self._index(name, space, where) for name in said]] = numbers(list(said.values()), where)
        return frozen_code(code)

    def _index(self, name: Any, space: Space, where: str) -> int:
        """Return the 0-based index of `z3`."""
        match = (
            re.fullmatch(rf"{re.escape(space.name)}([1-9][0-9]{{0,8}})", name)
            if isinstance(name, str)
            else None
        )
        if match is None or int(match[1]) > space.dim:
            raise Wrong(f"{where} names {shown(name, 30)}, which is no dimension of the space {space.name}")
        return int(match[1]) - 1

    def _locked(self, said: Any, space: Space, where: str) -> np.ndarray:
        if not isinstance(said, list):
            raise Wrong(f"{where} should be a list of dimensions")
        locked = np.zeros(space.dim, bool)
        locked[[self._index(name, space, where) for name in said]] = True
        return locked

    def _label(self, said: Any, where: str) -> int:
        """A class of the model; one without classes has 0."""
        return number(said, 0, max(self._model.classes - 1, 0), where)

    def _style(self, said: Any, other: StyleSettings, where: str) -> StyleSettings:
        """Truncation, noise, moves and head; a head that the model has not is passed over."""
        settings: StyleSettings = _settings(
            StyleSettings, said, other, where, free=("psi", "cutoff", "noise_seed", "x", "y", "angle", "head")
        )
        changes: dict[str, Any] = {
            name: real(said[name], most, f"{where}: {name}") for name, most in _REACH.items() if name in said
        }
        if "cutoff" in said:
            cutoff = said["cutoff"]
            changes["cutoff"] = None if cutoff is None else number(cutoff, 0, 1000, f"{where}: cutoff")
        if "noise_seed" in said:
            changes["noise_seed"] = number(
                said["noise_seed"], 0, NOISE_SEED_LIMIT - 1, f"{where}: noise_seed"
            )
        if said.get("head") in ("", *self._model.heads):
            changes["head"] = said["head"]
        return replace(settings, **changes)

    def _anchor(self, said: Any, space: Space, where: str, kind: type) -> Any:
        if said is None:
            return None
        if not isinstance(said, dict):
            raise Wrong(f"{where} should be an object with a code")
        code = self._whole_code(said.get("code"), space, f"{where}: code")
        label = words(said.get("label", ""), _NAME, f"{where}: label")
        name = said.get("picture")
        picture = None if name is None else self._pictures.get(name, where)
        if picture is None and kind is Original:  # which is nothing without it
            return None
        return kind(code=code, picture=picture, label=label)

    def _map(self, said: Any, space: Space, other: MapSettings, where: str) -> MapSettings:
        settings: MapSettings = _settings(MapSettings, said, other, where, free=("plane", "colour"))
        plane = said.get("plane", "pca")
        if plane != "pca":
            if not isinstance(plane, list) or len(plane) != 2:
                raise Wrong(f"{where}: plane should be pca or two dimensions")
            plane = tuple(self._index(name, space, f"{where}: plane") for name in plane)
        colour = said.get("colour")
        colour = None if colour is None else words(colour, _NAME, f"{where}: colour")
        return replace(settings, plane=plane, colour=colour)

    def _words(
        self, said: Any, other: Mapping[str, str], clean: Callable[[str], str], where: str
    ) -> Mapping[str, str]:
        """Return what was said before with other words for some dimensions; empty ones are taken away.

        What is said of dimensions that the model has not is passed over.
        """
        if not isinstance(said, dict):
            raise Wrong(f"{where} should be an object of words by dimension")
        changed = {
            name: clean(word) if isinstance(word, str) else ""
            for name, word in said.items()
            if is_dimension(name, self._model.spaces)
        }
        if all(other.get(name, "") == word for name, word in changed.items()):
            return other
        found = {name: word for name, word in {**other, **changed}.items() if word}
        self._words_left -= len(found)
        if self._words_left < 0:
            raise Wrong(f"{where} come after too many others")
        return found

    def _consistent(self, state: State, space: Space, where: str) -> State:
        """Return the state after everything in it was found to be of its space."""
        ends = [end for end in (state.original, state.anchor_a, state.anchor_b) if end is not None]
        codes = [state.code, state.locked, *(end.code for end in ends)]
        dims = () if isinstance(state.map.plane, str) else state.map.plane
        if any(len(code) != space.dim for code in codes) or any(dim >= space.dim for dim in dims):
            raise Wrong(
                f"{where}its codes do not all have the {space.dim} dimensions of the space {space.name}"
            )
        return state


_REACH = {"psi": FARTHEST, "x": FARTHEST, "y": FARTHEST, "angle": 360.0}
"""How far from 0 these may be."""

_FIELDS = {"A": "anchor_a", "B": "anchor_b"}


def _where(place: Place) -> tuple[str, bytes, int | None]:
    return place.space, place.code.tobytes(), place.label


def _seed(said: Any, where: str) -> int | None:
    return None if said is None else number(said, 0, 1 << 128, where)


def _settings(kind: type, said: Any, other: Any, where: str, free: Sequence[str] = ()) -> Any:
    """Return small settings with what is said of them, by the types of their dataclass, but for the `free` ones."""
    if not isinstance(said, dict):
        raise Wrong(f"{where} should be an object")
    changes: dict[str, Any] = {}
    for name, hint in get_type_hints(kind).items():
        if name not in said or name in free:
            continue
        at = f"{where}: {name}"
        if hint is bool:
            changes[name] = flag(said[name], at)
        elif hint is int:
            changes[name] = number(said[name], 1, 31, at)
        else:
            changes[name] = choice(said[name], get_args(hint), at)
    return replace(other, **changes)
