"""What crosses into and out of the decode thread: frozen requests and results of plain values.

No torch here: panels and the command line build requests, the renderer answers them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from explorer.models.base import NO_OPTIONS, DecodeOptions

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

LIVE = "canvas"
"""The slot of the picture that follows the hand."""

Quality = Literal["full", "preview"]


def frozen_codes(codes: np.ndarray) -> np.ndarray:
    """Return a read-only float32 copy of codes, `(N, dim)`; one code may be given as `(dim,)`."""
    array = np.array(codes, dtype=np.float32, ndmin=2)
    array = array.reshape(len(array), math.prod(array.shape[1:]))
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Request:
    """What every request has: its mailbox, the generation of its model, and a number that only grows."""

    slot: str
    generation: int
    id: int
    model: LatentModel


@dataclass(frozen=True, eq=False)
class RenderRequest(Request):
    """Codes to pictures. `codes (N, dim)` float32, read-only; `max_side` (pixels) asks for small pictures.

    `passing`: it is under a hand, and drawn as fast as the networks are known to run.
    """

    codes: np.ndarray
    space: str = "z"
    options: DecodeOptions = NO_OPTIONS
    stages: tuple[StageModel, ...] = ()
    max_side: int | None = None
    quality: Quality = "full"
    passing: bool = False


@dataclass(frozen=True, eq=False)
class EncodeRequest(Request):
    """Pictures to codes. `images` uint8 `(N, H, W, C)` that fit the model."""

    images: np.ndarray


@dataclass(frozen=True, eq=False)
class ActivityRequest(Request):
    """Per-dimension sensitivity of the decoder around `codes (N, dim)`, a few places worth probing; None: samples.

    Where all would take more than `seconds`, fewer places are looked at; where one would, none. None: no limit.
    """

    codes: np.ndarray | None
    space: str = "z"
    options: DecodeOptions = NO_OPTIONS
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class SampleRequest(Request):
    """Codes drawn for a space whose samples are another one's, mapped."""

    count: int
    space: str
    seed: int = 0
    options: DecodeOptions = NO_OPTIONS


@dataclass(frozen=True, eq=False)
class Result:
    """Answer to a request: same slot, generation and id; `error` is a finished sentence, or None.

    `bug` carries a traceback's text where the error was not the user's doing.
    """

    slot: str
    generation: int
    id: int
    error: str | None = None
    bug: str | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)  # "decode", each stage's name, "total"


@dataclass(frozen=True, eq=False)
class RenderResult(Result):
    """`pictures` uint8 `(N, H, W, C)` with every stage applied, `decoded` the same before them; C is 1 or 3.

    `warning` is a sentence about values that are not numbers; those pixels are drawn as a check pattern.
    `blank` says that there is no other pixel: nothing of these pictures can be seen.
    `request` is what was asked for. `numbers` is what the network's maps were, `float32`; `why` says why they were not
    what `fast` means here. `is_lesser`: it was passing, and would be drawn otherwise at rest.
    """

    pictures: np.ndarray | None = None
    decoded: np.ndarray | None = None
    warning: str | None = None
    blank: bool = False
    request: RenderRequest | None = None
    numbers: str = "float32"
    why: str = ""
    is_lesser: bool = False


@dataclass(frozen=True, eq=False)
class EncodeResult(Result):
    """`mean (N, dim)` float32 and `logvar` likewise or None."""

    mean: np.ndarray | None = None
    logvar: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class SampleResult(Result):
    """`codes (N, dim)` float32."""

    codes: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class ActivityResult(Result):
    """`sensitivity (dim,)`: mean absolute change of the picture (0..255) for one spread.

    Of a family that estimates it from its weights, relative numbers; None where measuring takes too long.
    """

    sensitivity: np.ndarray | None = None


class Overtaken(BaseException):
    """Raised in the middle of a picture that nobody waits for any more; it is no error, and answers nothing."""
