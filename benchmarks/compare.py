"""What got better or worse since figures that an earlier `bench --json` printed.

A figure is judged by its ratio to the plain baseline where both runs have one, as that bears another machine, or
one that is busier; else by its own value. A change counts when it is more than `NOTICEABLE` and more than the
samples of either run scatter, in the median or in the 95th percentile. Of a rate more is better, of all else less.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from explorer.data.wording import counted
from explorer.errors import ExplorerError

from .measure import RATE, Figure

NOTICEABLE = 0.15
"""A smaller change, as a share of the old value, is noise."""

ABSOLUTE = {"%": 0.5, "MB": 2.0}
"""Nor does so little count, in a figure's own unit: an idle window's 0 % may become 0.1 %."""

_KEPT = ("median", "p95", "p99", "baseline", "ratio")

Verdict = Literal["better", "worse", "same"]


class FiguresError(ExplorerError):
    """A file of figures that cannot be read."""


@dataclass(frozen=True)
class Change:
    """How a figure changed.

    Attributes:
        verdict: `better`, `worse` or `same`.
        factor: new / old of what it is judged by, below 1 is better (of a rate above 1); None where the old is 0.
        judged_by: `ratio` or `median`.
    """

    verdict: Verdict
    factor: float | None
    judged_by: Literal["ratio", "median"]


def read(path: Path) -> dict[str, Figure]:
    """Return the figures by name that `bench --json` once wrote.

    Raises:
        FiguresError: there is no such file, or it is another one.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FiguresError(
            f"The figures {path} could not be read ({error.strerror or error}); "
            "give a file that `bench --json` wrote."
        ) from error
    except (ValueError, RecursionError) as error:
        raise _foreign(path, "it is no JSON") from error
    if not isinstance(entries, list) or not entries:
        raise _foreign(path, "it is no list of figures")
    return {figure.name: figure for figure in (_figure(path, entry) for entry in entries)}


def change(old: Figure | None, new: Figure) -> Change | None:
    """Return how a figure changed; None where one of the two was not measured, or in another unit."""
    if old is None or old.median is None or new.median is None or old.unit != new.unit:
        return None
    by_ratio = bool(old.baseline and new.baseline)
    (before, before_high), (now, now_high) = _values(old, by_ratio), _values(new, by_ratio)
    room = max(
        abs(before_high - before), abs(now_high - now), 0.0 if by_ratio else ABSOLUTE.get(new.unit, 0.0)
    )
    is_rate = new.unit == RATE
    steps = {_step(before, now, room, is_rate), _step(before_high, now_high, room, is_rate)}
    verdict: Verdict = "worse" if "worse" in steps else "better" if "better" in steps else "same"
    return Change(verdict, now / before if before else None, "ratio" if by_ratio else "median")


def as_json(old: Figure | None, new: Figure) -> dict[str, object]:
    """Return the figure as plain values, with `old` and `change`; None where there is no such thing."""
    changed = change(old, new)
    before = None if old is None else {key: getattr(old, key) for key in _KEPT}
    return new.as_json() | {"old": before, "change": None if changed is None else asdict(changed)}


def summary(changes: Sequence[Change | None]) -> str:
    """Return in one sentence how many figures changed."""
    verdicts = [changed.verdict if changed else None for changed in changes]
    parts = [f"{verdicts.count(verdict)} {verdict}" for verdict in ("worse", "better")]
    parts.append(f"{verdicts.count('same')} as before")
    if alone := verdicts.count(None):
        parts.append(f"{alone} that cannot be compared")
    return f"Of {counted(len(verdicts), 'figure')}: {', '.join(parts)}."


def _values(figure: Figure, by_ratio: bool) -> tuple[float, float]:
    """Return the median and the 95th percentile, both as shares of the baseline where that is judged."""
    assert figure.median is not None
    high = figure.median if figure.p95 is None else figure.p95
    scale = figure.baseline if by_ratio and figure.baseline else 1.0
    return figure.median / scale, high / scale


def _step(before: float, now: float, room: float, is_rate: bool) -> Verdict:
    if abs(now - before) <= max(NOTICEABLE * abs(before), room):
        return "same"
    return "better" if (now > before) == is_rate else "worse"


def _figure(path: Path, entry: object) -> Figure:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in ("name", "unit")):
        raise _foreign(path, "what it lists are no figures")
    numbers: dict[str, float | None] = {}
    for key in _KEPT:
        value = entry.get(key)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and math.isfinite(value)):
            raise _foreign(path, f"{key} of {entry['name']} is no number")
        numbers[key] = value
    return Figure(entry["name"], entry["unit"], **numbers)


def _foreign(path: Path, why: str) -> FiguresError:
    return FiguresError(
        f"{path} holds no figures of this program: {why}; give a file that `bench --json` wrote."
    )
