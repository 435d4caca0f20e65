"""Plain values of a session file, each looked at before it is used; for `session_parts` and `session_reading`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explorer.data.wording import showable, shown
from explorer.gui.state import frozen_code

_LARGEST = float(np.finfo(np.float32).max)


class Wrong(ValueError):
    """Something in the file is not as it should be; the text is the middle of a sentence."""


def text(said: Any, most: int, where: str) -> str:
    """Return a text of at most so many letters, as it is."""
    if not isinstance(said, str) or len(said) > most or "\0" in said:
        raise Wrong(f"{where} should be a text of at most {most} letters, not {shown(said, 30)}")
    return said


def words(said: Any, most: int, where: str) -> str:
    """Return a text that people see: at most so many letters of it, and none that cannot be shown."""
    if not isinstance(said, str):
        raise Wrong(f"{where} should be a text, not {shown(said, 30)}")
    return showable(said, most)


def number(said: Any, low: int, high: int, where: str) -> int:
    """Return a whole number in `low..high`."""
    if type(said) is not int or not low <= said <= high:
        raise Wrong(f"{where} should be a whole number from {low} to {high}, not {shown(said, 30)}")
    return said


def real(said: Any, most: float, where: str) -> float:
    """Return a number in `-most..most`."""
    if type(said) not in (int, float) or not -most <= said <= most:
        raise Wrong(f"{where} should be a number from {-most:g} to {most:g}, not {shown(said, 30)}")
    return float(said)


def flag(said: Any, where: str) -> bool:
    """Return true or false."""
    if type(said) is not bool:
        raise Wrong(f"{where} should be true or false, not {shown(said, 30)}")
    return said


def choice(said: Any, choices: Sequence[str], where: str) -> Any:
    """Return one of some words."""
    if said not in choices:
        raise Wrong(f"{where} should be one of {', '.join(choices)}, not {shown(said, 30)}")
    return said


def entries(said: Mapping[str, Any], key: str, most: int) -> list[dict[str, Any]]:
    """Return a list of at most so many objects, empty where there is none."""
    found = said.get(key, [])
    if not isinstance(found, list) or len(found) > most or not all(isinstance(each, dict) for each in found):
        raise Wrong(f"{key} should be a list of at most {most} objects")
    return found


def numbers(said: Any, where: str) -> np.ndarray:
    """Return a list of finite numbers as read-only float32 `(N,)`."""
    if not isinstance(said, list) or not all(type(each) in (int, float) for each in said):
        raise Wrong(f"{where} should be a list of numbers")
    try:
        values = np.array(said, np.float64)
    except (OverflowError, ValueError) as error:
        raise Wrong(f"{where} has a number that is too large") from error
    if not (np.abs(values) <= _LARGEST).all():  # not a number is not smaller either
        raise Wrong(f"{where} has a number that is too large")
    return frozen_code(values)
