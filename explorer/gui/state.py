"""What the window shows, as frozen values: the parts of a session and the `State` that undo brings back.

Nothing here acts; `session` makes the next state from the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.data.wording import showable

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.models.base import StageModel

Side = Literal["A", "B"]

LONGEST_LABEL = 1000  # letters


@dataclass(frozen=True, eq=False)
class Anchor:
    """One end of the strip: a code, and the picture it was encoded from where there was one."""

    code: np.ndarray  # (dim,) float32
    picture: np.ndarray | None = None  # uint8 (H, W, 1|3)
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", showable(self.label, LONGEST_LABEL))  # it may be a file's name


@dataclass(frozen=True)
class StripSettings:
    """`steps` counts the pictures between A and B."""

    steps: int = 7
    path: Literal["lerp", "slerp"] = "lerp"
    ends: Literal["source", "decoded"] = "source"


@dataclass(frozen=True, eq=False)
class StageEntry:
    """A stage in the chain; `id` stays the same while it is moved or toggled."""

    id: int
    stage: StageModel
    enabled: bool = True


@dataclass(frozen=True, eq=False)
class Original:
    """The picture (uint8 `(H, W, 1|3)`) that was encoded to the canvas, and the code `(dim,)` that it became."""

    picture: np.ndarray
    code: np.ndarray
    label: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", showable(self.label, LONGEST_LABEL))


@dataclass(frozen=True)
class MapSettings:
    """`plane` is `pca` or two 0-based dimensions; `colour` names a label column."""

    plane: Literal["pca"] | tuple[int, int] = "pca"
    colour: str | None = None
    background: bool = True


@dataclass(frozen=True)
class RowSettings:
    """How the slider rows are shown."""

    order: Literal["influence", "number"] = "influence"
    thumbnails_all: bool = False
    inactive_open: bool = False


@dataclass(frozen=True, eq=False)
class Place:
    """A code worth returning to, kept by the history.

    Attributes:
        id: stays the same while it is named or starred; larger is newer.
        space, code: where it is.
        what: how one got there, `Random` or `z3`.
        name: what people called it, or nothing.
        parent: the place one was at before, None where that is unknown.
        label: the class of its picture, None where the model knows none, or nobody knows which.
    """

    id: int
    space: str
    code: np.ndarray  # (dim,) float32, read-only
    what: str = ""
    name: str = ""
    starred: bool = False
    parent: int | None = None
    label: int | None = None

    def is_at(self, space: str, code: np.ndarray, label: int | None) -> bool:
        """Return whether this place has this code, and this class where both know one."""
        if self.space != space or not (self.label is None or label is None or self.label == label):
            return False
        return self.code is code or np.array_equal(self.code, code)


@dataclass(frozen=True, eq=False)
class State:
    """Everything that undo brings back."""

    opened: Opened | None = None
    space: str = "z"
    code: np.ndarray = field(default_factory=lambda: frozen_code(np.zeros(0)))
    locked: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    label: int = 0  # the class that a conditional model makes pictures of
    seed: int | None = None
    original: Original | None = None
    anchor_a: Anchor | None = None
    anchor_b: Anchor | None = None
    strip: StripSettings = StripSettings()
    stages: tuple[StageEntry, ...] = ()
    map: MapSettings = MapSettings()
    titles: Mapping[str, str] = field(default_factory=dict)  # names of dimensions, by "z3"
    remarks: Mapping[str, str] = field(default_factory=dict)  # notes on dimensions, by "z3"


def frozen_code(code: np.ndarray) -> np.ndarray:
    """Return a read-only float32 copy `(dim,)`."""
    array = np.array(code, dtype=np.float32).reshape(-1)
    array.flags.writeable = False
    return array


def same(one: object, other: object) -> bool:
    """Compare parts of a state: arrays and small settings by value, the rest by identity."""
    if one is other:  # most parts, at every move
        return True
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return isinstance(one, str | int | StripSettings | MapSettings | Mapping) and one == other
