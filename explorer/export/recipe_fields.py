"""Values out of a stranger's JSON, each taken by name and with its type and range; what is wrong is `Damaged`.

Which values a recipe has is in `recipe_check`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from explorer.export.recipe import MOST_NUMBERS

LONGEST = 1000
"""Letters of any text in a recipe."""

LONGEST_WORD = 100
"""Letters of a space's or a head's name."""

LARGEST = 1e30
"""Of any number; nothing overflows that is computed from such."""


class Damaged(Exception):
    """A value that no recipe of this program has; the text says which and what is wrong with it."""


class Fields:
    """The entries of one JSON object, each taken by name.

    Args:
        value: what should be the object.
        where: its name, for messages; empty for the recipe itself.

    Raises:
        Damaged: it is no object.
    """

    def __init__(self, value: object, where: str = "") -> None:
        if not isinstance(value, Mapping):
            raise Damaged(f"{where or 'it'} is no object")
        self._value = value
        self._where = f"{where} " if where else ""

    def has(self, name: str) -> bool:
        """Return whether there is such an entry, not null."""
        return self._value.get(name) is not None

    def get(self, name: str, otherwise: object = None) -> object:
        """Return an entry as it is; `otherwise` where there is none."""
        return self._value.get(name, otherwise)

    def name(self, name: str) -> str:
        """Return how an entry is called in messages."""
        return f"{self._where}{name}"

    def whole(self, name: str, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self.get(name)
        if type(value) is not int or not low <= value <= high:
            raise Damaged(f"{self.name(name)} is no whole number from {low} to {high}")
        return value

    def text(self, name: str, otherwise: object = None) -> str:
        """Return a text of bounded length."""
        return text(self.get(name, otherwise), self.name(name))

    def word(self, name: str) -> str:
        """Return a short text on one line, that may stand in a message as it is."""
        value = self.text(name)
        if not value.isprintable() or len(value) > LONGEST_WORD:
            raise Damaged(f"{self.name(name)} is no word of at most {LONGEST_WORD} letters")
        return value

    def choice(self, name: str, choices: Collection[str], otherwise: object = None) -> Any:
        """Return one of a few words."""
        value = self.get(name, otherwise)
        if not isinstance(value, str) or value not in choices:
            raise Damaged(f"{self.name(name)} is none of {', '.join(choices)}")
        return value

    def flag(self, name: str, otherwise: bool = False) -> bool:
        """Return true or false."""
        value = self.get(name, otherwise)
        if not isinstance(value, bool):
            raise Damaged(f"{self.name(name)} is neither true nor false")
        return value

    def list(self, name: str, most: int) -> list[object]:
        """Return a list of bounded length; an absent one is empty."""
        value = self.get(name, [])
        if not isinstance(value, list) or len(value) > most:
            raise Damaged(f"{self.name(name)} is no list of at most {most} entries")
        return value

    def numbers(
        self,
        name: str,
        *shape: int | None,
        dtype: type = np.float32,
        most: int = MOST_NUMBERS,
        gaps: bool = False,
    ) -> np.ndarray:
        """Return numbers of a shape, None in it means any length; null is NaN where `gaps` are allowed."""
        return numbers(self.get(name), self.name(name), shape, dtype, most, gaps)


def text(value: object, what: str) -> str:
    """Return a text of bounded length without half characters."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise Damaged(f"{what} is no text of at most {LONGEST} letters")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        raise Damaged(f"{what} holds half a letter")
    return value


def real(value: object, what: str) -> float:
    """Return a finite number."""
    return float(numbers([value], what, (1,), np.float64, 1, False)[0])


def numbers(
    value: object, what: str, shape: tuple[int | None, ...], dtype: type, most: int, gaps: bool
) -> np.ndarray:
    """Return nested lists of finite numbers as an array of `dtype`."""
    wanted = Damaged(f"{what} is not made of {'x'.join('N' if n is None else str(n) for n in shape)} numbers")
    rows = value if len(shape) == 2 else [value]
    if not isinstance(rows, list) or (len(shape) == 2 and shape[0] not in (None, len(rows))):
        raise wanted
    width = shape[-1]
    if width is None and rows and isinstance(rows[0], list):
        width = len(rows[0])
    flat: list[object] = []
    for row in rows:
        if not isinstance(row, list) or len(row) != width or len(flat) + len(row) > most:
            raise wanted
        flat += row
    kinds = {int, float, type(None)} if gaps else {int, float}
    if not {type(entry) for entry in flat} <= kinds:
        raise wanted
    try:
        exact = np.array(flat, np.float64)  # None becomes NaN
    except OverflowError:
        raise wanted from None
    if (np.abs(np.nan_to_num(exact)) > LARGEST).any():  # an infinite one becomes a large one
        raise Damaged(f"{what} holds numbers that are too large")
    found: np.ndarray = exact.astype(dtype)
    if len(shape) == 1:
        return found
    return found.reshape(len(rows), width or 0)
