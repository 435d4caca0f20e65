"""What a figure is, and how two ways of doing the same are timed in turn."""

from __future__ import annotations

import functools
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

RATE = "/s"
"""Unit of the figures of which more is better; of all others less is."""

LEAST = 5
"""Samples that a median is taken of, at least."""

Way = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One measured quantity; None where it could not be measured, `note` says why.

    Attributes:
        name: a path, `window/slider_to_pixel_ms`.
        unit: `ms`, `s`, `%`, `MB`; `/s` for a rate.
        median, p95, p99: of the samples, in that unit; of a rate what 95 and 99 % of the samples reach.
        baseline: median of the plain way of doing the same, measured in the same run.
        ratio: median / baseline; for times below 1 is faster, for rates above 1.
    """

    name: str
    unit: str
    median: float | None = None
    p95: float | None = None
    p99: float | None = None
    baseline: float | None = None
    ratio: float | None = None
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        return asdict(self)


def figure(
    name: str, unit: str, samples: Sequence[float], baseline: Sequence[float] = (), note: str = ""
) -> Figure:
    """Return the figure of samples, with the baseline's where there are any."""
    places = (50, 5, 1) if unit == RATE else (50, 95, 99)
    median, p95, p99 = (float(value) for value in np.percentile(samples, places))
    plain = float(np.median(baseline)) if len(baseline) else None
    ratio = median / plain if plain else None
    return Figure(name, unit, median, p95, p99, plain, ratio, note)


def rates(milliseconds: Sequence[float], count: int) -> list[float]:
    """Return how many a second are made when `count` take so long."""
    return [1000 * count / max(value, 1e-9) for value in milliseconds]


def in_turn(
    ours: Way,
    plain: Way,
    rounds: int = 60,
    seconds: float = 0.02,
    budget: float = 6.0,
    before: tuple[Way, Way] | None = None,
) -> tuple[list[float], list[float]]:
    """Time two ways in turn, so that whatever else the machine does meets both alike.

    Each round repeats each way for about `seconds` and keeps the mean; returns milliseconds a call. There are as
    many rounds as `budget` seconds hold, `rounds` at most and `LEAST` at least; on a busy machine, no more than twice
    that time.

    Args:
        before: called, and not timed, before each turn of ours and of the plain way.
    """
    readies = before or (_nothing, _nothing)
    repeats, took = [], 0.0
    for way, ready in zip((ours, plain), readies, strict=True):
        ready()
        once = _timed(way)
        if way is ours or once < 1:  # the first call of ours also chooses how the network is run
            once = min(once, _timed(way))
        repeats.append(max(round(seconds / max(once, 1e-7)), 1))
        took += repeats[-1] * once
    samples: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    started = time.perf_counter()
    for made in range(min(rounds, max(LEAST, int(budget / max(took, 1e-7))))):
        if made >= LEAST and time.perf_counter() - started > 2 * budget:
            break
        for way, ready, count, kept in zip((ours, plain), readies, repeats, samples, strict=True):
            ready()
            begun = time.perf_counter()
            for _ in range(count):
                way()
            kept.append(1000 * (time.perf_counter() - begun) / count)
    return samples


@functools.cache
def plain_threads() -> int:
    """Return how many threads torch takes where nobody says: as many as there are cores, or as OMP_NUM_THREADS says.

    The first call must come before a renderer is made, which sets another number.
    """
    import torch

    return torch.get_num_threads()


class Threads:
    """How many threads torch computes with: for a plain way `plain_threads`, for ours what the renderer has set.

    A renderer sets its own when it is made or while it works; make this after it. `ours` and `plain` are for
    `in_turn`'s `before`.
    """

    def __init__(self) -> None:
        import torch

        self.of_ours = torch.get_num_threads()

    @property
    def before(self) -> tuple[Way, Way]:
        """What sets the number before each turn."""
        import torch

        return (lambda: torch.set_num_threads(self.of_ours)), (lambda: torch.set_num_threads(plain_threads()))


def _timed(way: Way) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def _nothing() -> None:
    """Make nothing ready."""
