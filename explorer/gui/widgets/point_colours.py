"""How a label column becomes colours and shapes of points, and the entries of a legend.

The colours are Paul Tol's colour-blind-safe ones (https://sronpersonalpages.nl/~pault/, technical note
SRON/EPS/TN/09-002); on a dark ground the darkest are lightened. Where they do not suffice, the shape changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from PySide6.QtGui import QColor

Shape = Literal["circle", "square", "triangle", "diamond"]

ORDERED = ("#332288", "#0077BB", "#33BBEE", "#009988", "#EE7733")  # low to high
CYCLE = ("#0077BB", "#EE7733", "#009988", "#33BBEE", "#CC3311", "#332288")
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond")
MISSING = "#8A91A0"  # unlabelled points and `other`; readable on both grounds
CATEGORIES = 10
_LIGHTENED = {"#332288": "#9A86F0", "#0077BB": "#4A9FE3", "#CC3311": "#F0624A", "#009988": "#10A898"}


@dataclass(frozen=True)
class Entry:
    """One line of the legend, and how its points look; an empty `text` shows the dot alone."""

    text: str
    colour: str
    shape: Shape = "circle"
    note: str = ""  # tooltip: which values, how many points

    def tinted(self, dark: bool) -> QColor:
        """Return the colour for a dark or a light ground."""
        return QColor(_LIGHTENED.get(self.colour, self.colour) if dark else self.colour)


@dataclass(frozen=True, eq=False)
class Colouring:
    """`kinds` int `(N,)` says for each point which of `entries` it is."""

    kinds: np.ndarray
    entries: tuple[Entry, ...]


def plain(count: int) -> Colouring:
    """Return one colour for `count` points, and no legend text."""
    return Colouring(np.zeros(count, np.intp), (Entry("", CYCLE[0]),))


def quiet(count: int) -> Colouring:
    """Return the colour of points that stand for no picture of their own."""
    return Colouring(np.zeros(count, np.intp), (Entry("", MISSING),))


def by_column(values: np.ndarray, column: str = "") -> Colouring:
    """Return the colours for one label column `(N,)`.

    Numbers fall into fifths, low to high, and only the ends are named. A few whole numbers (digits, classes)
    and text are categories: the ten most frequent, the rest together. Missing values (NaN, "") come last.
    """
    values = np.asarray(values)
    if values.dtype.kind in "fiub":
        numbers = values.astype(np.float64)
        present = np.isfinite(numbers)
        distinct = np.unique(numbers[present])
        if len(distinct) > CATEGORIES or (distinct != np.round(distinct)).any():
            return _fifths(numbers, present, column)
        texts = np.array([*(f"{number:.0f}" for number in distinct), ""])
        which = np.searchsorted(distinct, np.where(present, numbers, 0.0))
        return _categories(texts[np.where(present, which, len(distinct))], numeric=True)
    return _categories(values.astype(str), numeric=False)


def _fifths(numbers: np.ndarray, present: np.ndarray, column: str) -> Colouring:
    """Cut finite numbers at their quintiles."""
    edges = np.quantile(numbers[present], np.linspace(0, 1, len(ORDERED) + 1))
    kinds = np.searchsorted(edges[1:-1], numbers, side="left")
    kinds[~present] = len(ORDERED)
    low, high = ("dark", "light") if "bright" in column.lower() else ("low", "high")
    entries = [
        Entry(text, colour, note=f"{edges[i]:.3g} to {edges[i + 1]:.3g}")
        for i, (text, colour) in enumerate(zip((low, "", "", "", high), ORDERED, strict=True))
    ]
    return _noted(kinds, entries, present)


def _categories(texts: np.ndarray, *, numeric: bool) -> Colouring:
    """Give the most frequent texts a colour each, then a shape each."""
    present = texts != ""
    names, which, counts = np.unique(texts[present], return_inverse=True, return_counts=True)
    chosen = list(names[np.argsort(-counts, kind="stable")][:CATEGORIES])
    if numeric:
        chosen.sort(key=float)
    entries = [
        Entry(str(name), CYCLE[i % len(CYCLE)], SHAPES[i // len(CYCLE)], note=str(name))
        for i, name in enumerate(chosen)
    ]
    number = {name: i for i, name in enumerate(chosen)}
    if len(names) > len(chosen):
        entries.append(Entry("other", MISSING, "diamond", note=f"{len(names) - len(chosen)} more"))
    other = len(entries) - 1
    kinds = np.full(len(texts), len(entries), np.intp)
    kinds[present] = np.array([number.get(name, other) for name in names], np.intp)[which]
    return _noted(kinds, entries, present)


def _noted(kinds: np.ndarray, entries: list[Entry], present: np.ndarray) -> Colouring:
    """Add the entry of missing labels where some are, and say in every tooltip how many points there are."""
    if not present.all():
        entries = [*entries, Entry("no label", MISSING, note="no label")]
    counts = np.bincount(kinds, minlength=len(entries))
    noted = (
        replace(entry, note=f"{entry.note}: {count} point{'' if count == 1 else 's'}")
        for entry, count in zip(entries, counts, strict=True)
    )
    return Colouring(kinds, tuple(noted))
