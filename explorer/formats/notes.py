"""`NAME.notes.json`: what people said of a checkpoint: names and notes of its dimensions, and starred places.

    {"dimensions": {"z3": "hair length"}, "remarks": {"z3": "also turns the head a little"},
     "places": [{"space": "z", "code": [0.5, -1.0], "name": "the smile", "label": 3}]}

Dimensions are counted from 1. The user's own file is laid over one that came with the checkpoint: its words
win, an empty one takes a word away, and so does `"starred": false` a place. A file that cannot be used is
told, never fatal; `notes_writing` keeps what is not understood.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from explorer.data.wording import counted, one_line, showable, shown
from explorer.errors import CheckpointError
from explorer.formats import sidecars
from explorer.models.base import LatentModel, Space

KIND = "notes.json"
TITLE_LENGTH = 80
REMARK_LENGTH = 4000
MOST_PLACES = 2000
MOST_TEXT = 1 << 26  # bytes; room for as many places of 512 dimensions
SECTIONS = {"dimensions": dict, "remarks": dict, "places": list}

PlaceKey = tuple[str, bytes, int | None]


@dataclass(frozen=True, eq=False)
class StarredPlace:
    """A code `(dim,)` of a space that somebody starred; `name` may be empty.

    `label` is the class of its picture, None where the model knows none, or nobody said which.
    """

    space: str
    code: np.ndarray
    name: str = ""
    label: int | None = None

    @property
    def key(self) -> PlaceKey:
        """What tells places apart: where they are."""
        code = np.asarray(self.code, np.float32) + np.float32(0)  # no minus zero
        return self.space, code.tobytes(), self.label


@dataclass(frozen=True, eq=False)
class Notes:
    """What people said of a checkpoint.

    Attributes:
        titles: names of dimensions, by `z3`, counted from 1.
        remarks: notes on dimensions, any text, by the same keys.
        places: starred places, oldest first.
    """

    titles: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)
    places: tuple[StarredPlace, ...] = ()

    @property
    def place_names(self) -> dict[PlaceKey, str]:
        """The names of the places, by where they are."""
        return {place.key: place.name for place in self.places}

    def says_the_same(self, other: Notes) -> bool:
        """Return whether another one has the same words and the same places, in whichever order."""
        return (
            dict(self.titles) == dict(other.titles)
            and dict(self.remarks) == dict(other.remarks)
            and self.place_names == other.place_names
        )


NO_NOTES = Notes()


def read(checkpoint: Path, model: LatentModel) -> tuple[Notes, list[str]]:
    """Return what people said of a checkpoint, in all its spaces, and sentences about what was wrong."""
    titles: dict[str, str] = {}
    remarks: dict[str, str] = {}
    places: dict[PlaceKey, StarredPlace | None] = {}
    complaints: list[str] = []
    for path in sidecars.layers(checkpoint, KIND):
        try:
            said = sidecars.read_json(path, MOST_TEXT)
        except CheckpointError as error:
            complaints.append(f"Names and notes were left out: {error}")
            continue
        layer = _Layer(path, said, model)
        titles |= layer.words("dimensions", "a name", clean_title)
        remarks |= layer.words("remarks", "a note", clean_remark)
        places |= layer.places()
        complaints += layer.complaints()
    starred = [place for place in places.values() if place is not None]
    if len(starred) > MOST_PLACES:
        complaints.append(f"{path} has {len(starred)} starred places; the last {MOST_PLACES} are shown.")
    return Notes(_without_empty(titles), _without_empty(remarks), tuple(starred[-MOST_PLACES:])), complaints


def clean_title(text: str) -> str:
    """Return a name as it is kept: one line of at most 80 letters, nothing that cannot be shown."""
    return one_line(text, TITLE_LENGTH)


def clean_remark(text: str) -> str:
    """Return a note as it is kept: at most 4000 letters, nothing that cannot be shown but new lines."""
    lines = text.expandtabs(4).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(showable(line, REMARK_LENGTH) for line in lines).strip()[:REMARK_LENGTH].strip()


class _Layer:
    """One notes file, section by section; what is wrong is counted and told in the end."""

    def __init__(self, path: Path, said: Mapping[str, Any], model: LatentModel) -> None:
        self._path = path
        self._spaces = model.spaces
        self._said = said
        self._unknown: list[str] = []  # keys of dimensions
        self._bad_places = 0
        self._complaints: list[str] = []

    def words(self, section: str, example: str, clean: Any) -> dict[str, str]:
        """Return the words of a section by dimension; empty ones take away what a lower layer says."""
        first = next(iter(self._spaces))
        found: dict[str, str] = {}
        for key, text in self._section(section, f'{{"{first}1": "{example}"}}').items():
            if is_dimension(key, self._spaces) and isinstance(text, str):
                found[key] = clean(text)
            else:
                self._unknown.append(shown(key, 20))
        return found

    def places(self) -> dict[PlaceKey, StarredPlace | None]:
        """Return the places by where they are, None for one whose star was taken away."""
        found: dict[PlaceKey, StarredPlace | None] = {}
        for entry in self._section("places", "[a list of places]"):
            place = parse_place(entry, self._spaces)
            if place is None:
                self._bad_places += 1
            else:
                found.pop(place.key, None)
                found[place.key] = None if entry.get("starred") is False else place
        return found

    def complaints(self) -> list[str]:
        """Return a sentence about each kind of thing that was wrong."""
        told = self._complaints
        if self._unknown:
            some = ", ".join(list(dict.fromkeys(self._unknown))[:5])
            has = ", ".join(f"{space.name}1 to {space.name}{space.dim}" for space in self._spaces.values())
            told = [*told, f"{self._path} names dimensions that are not here ({some}); this model has {has}."]
        if self._bad_places:
            some = counted(self._bad_places, "starred place")
            told = [
                *told,
                f"{self._path} has {some} outside this model's spaces; left out, kept in the file.",
            ]
        return told

    def _section(self, name: str, wanted: str) -> Any:
        kind = SECTIONS[name]
        content = self._said.get(name, kind())
        if isinstance(content, kind):
            return content
        self._complaints.append(f'{self._path} should hold {{"{name}": {wanted}}}; that part was left out.')
        return kind()


def is_dimension(key: str, spaces: Mapping[str, Space]) -> bool:
    """Return whether `z3` is a dimension of one of the spaces."""
    for space in spaces.values():
        match = re.fullmatch(rf"{re.escape(space.name)}([1-9][0-9]{{0,8}})", key)
        if match and int(match[1]) <= space.dim:
            return True
    return False


def parse_place(entry: object, spaces: Mapping[str, Space] | None = None) -> StarredPlace | None:
    """Return the place that an entry of the file describes, or None where it fits no space (None: any)."""
    if not isinstance(entry, dict):
        return None
    space, code, name = entry.get("space"), entry.get("code"), entry.get("name", "")
    label = entry.get("label")
    if label is not None and (type(label) is not int or not 0 <= label < 1 << 20):
        return None
    if not isinstance(space, str) or not isinstance(code, list) or not isinstance(name, str):
        return None
    if spaces is not None and (space not in spaces or len(code) != spaces[space].dim):
        return None
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in code):
        return None
    try:
        with np.errstate(over="ignore"):
            array = np.array([float(value) for value in code], np.float32)
    except OverflowError:
        return None
    array.flags.writeable = False
    return StarredPlace(space, array, clean_title(name), label) if np.isfinite(array).all() else None


def _without_empty(words: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in words.items() if text}
