"""JSON of strangers, taken apart only where it cannot take more than some hundred megabytes."""

from __future__ import annotations

import json

MOST_LISTS = 2_000_000
"""Lists and objects in a text."""

MOST_ENTRIES = 6_000_000
"""Commas in a text."""


class Refused(ValueError):
    """A text that is not taken apart: it has too much in it, or a number that is none; the text says which."""


def is_modest(text: str, most: int) -> bool:
    """Return whether a text has at most so many letters, and so few entries that it may be taken apart."""
    return (
        len(text) <= most
        and text.count(",") <= MOST_ENTRIES
        and text.count("[") + text.count("{") <= MOST_LISTS
    )


def parse(text: str, most: int) -> object:
    """Return what a JSON text of at most so many letters says.

    Raises:
        Refused: it has more letters, so many entries that they would fill the memory, or NaN or Infinity.
        ValueError: it is no JSON, or has lists in lists without end.
    """
    if not is_modest(text, most):
        raise Refused("it is too long")
    try:
        return json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is too deep") from error


def _no_number(name: str) -> float:
    raise Refused(f"{name} is no number")
