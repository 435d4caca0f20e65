"""`NAME.notes.json`: what people said of a checkpoint: names and notes of its dimensions, and starred places.

    {"dimensions": {"z3": "hair length"}, "remarks": {"z3": "also turns the head a little"},
     "places": [{"space": "z", "code": [0.5, -1.0], "name": "the smile"}]}

Dimensions are counted from 1. A file that cannot be used is told, never fatal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class StarredPlace:
    """A code `(dim,)` of a space that somebody starred; `name` may be empty."""

    space: str
    code: np.ndarray
    name: str = ""


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


NO_NOTES = Notes()
