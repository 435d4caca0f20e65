"""What the window shows, as frozen values: the parts of a session and the `State` that undo brings back.

Nothing here acts; `session` makes the next state from the last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.data.wording import showable
from explorer.models.space import NO_OPTIONS, DecodeOptions

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.models.base import LatentModel, StageModel

Side = Literal["A", "B"]

SEED_LIMIT = 2**32
NOISE_SEED_LIMIT = 2**31
FARTHEST = 10.0
"""Truncation and moves are kept within plus and minus this."""
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


@dataclass(frozen=True, eq=False)
class Rival:
    """Other weights that the canvas compares its picture with, at the same code.

    Attributes:
        name: for people, `epoch 3`; `own` is what the picture itself is called beside it.
        model: instead of the open one; None where it is the same.
        stage: instead of the one in the chain whose id is `stage_id`.
    """

    name: str
    own: str
    model: LatentModel | None = None
    stage_id: int = 0
    stage: StageModel | None = None


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


@dataclass(frozen=True)
class StyleSettings:
    """What every picture is decoded with besides its code and class; each model uses what it knows of these.

    Attributes:
        psi: truncation towards the average code; 1 is none.
        cutoff: truncate only the first so many layers; None for all.
        noise, noise_seed: what fills the noise inputs, and the seed of random noise.
        x, y: how far the picture is moved, in widths and heights of it.
        angle: how far it is turned, degrees, anticlockwise.
        head: which of several decoders; empty for the first.
    """

    psi: float = 1.0
    cutoff: int | None = None
    noise: Literal["const", "none", "random"] = "const"
    noise_seed: int = 0
    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    head: str = ""

    def matrix(self) -> np.ndarray | None:
        """Return the move as an inverse transform, float32 `(3, 3)`; None where nothing moves."""
        if not (self.x or self.y or self.angle):
            return None
        turn = math.radians(self.angle)
        sine, cosine = math.sin(turn), math.cos(turn)
        forward = np.array([[cosine, sine, self.x], [-sine, cosine, self.y], [0, 0, 1]])
        return np.linalg.inv(forward).astype(np.float32)

    def moved_by(self, matrix: np.ndarray) -> StyleSettings:
        """Return these settings with the move and turn of an inverse transform `(3, 3)`; what else it does is lost."""
        try:
            forward = np.linalg.inv(np.asarray(matrix, np.float64))
        except np.linalg.LinAlgError:
            return self
        if not np.isfinite(forward).all() or np.abs(forward).max() > FARTHEST:
            return self
        angle = math.degrees(math.atan2(forward[0, 1], forward[0, 0]))
        return replace(self, x=float(forward[0, 2]), y=float(forward[1, 2]), angle=angle)


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
    style: StyleSettings = StyleSettings()
    seed: int | None = None
    original: Original | None = None
    anchor_a: Anchor | None = None
    anchor_b: Anchor | None = None
    strip: StripSettings = StripSettings()
    stages: tuple[StageEntry, ...] = ()
    map: MapSettings = MapSettings()
    titles: Mapping[str, str] = field(default_factory=dict)  # names of dimensions, by "z3"
    remarks: Mapping[str, str] = field(default_factory=dict)  # notes on dimensions, by "z3"

    @property
    def options(self) -> DecodeOptions:
        """What pictures are decoded with besides their codes: what the model knows, where it is not as usual."""
        return options_of(self.opened.model, self.label, self.style) if self.opened else NO_OPTIONS


def options_of(model: LatentModel | StageModel, label: int, style: StyleSettings) -> DecodeOptions:
    """Return the decode options of a class and settings, as far as a model uses them."""
    accepts: frozenset[str] = getattr(model, "accepts", frozenset())
    if not accepts:  # most models, at every move
        return NO_OPTIONS
    wanted = {
        "labels": np.array([label]) if getattr(model, "classes", 0) else None,
        "psi": style.psi if style.psi != 1.0 else None,
        "psi_cutoff": style.cutoff if style.psi != 1.0 else None,
        "noise": style.noise if style.noise != "const" else None,
        "noise_seed": style.noise_seed if style.noise == "random" else None,
        "transform": style.matrix(),
        "head": style.head or None,
    }
    given = {name: value for name, value in wanted.items() if value is not None and name in accepts}
    return DecodeOptions(**given) if given else NO_OPTIONS  # type: ignore[arg-type]


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
    return isinstance(one, str | int | StripSettings | StyleSettings | MapSettings | Mapping) and one == other
