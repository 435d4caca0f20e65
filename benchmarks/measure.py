"""What a figure is, and how two ways of doing the same are timed in turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One measured quantity; None where it could not be measured, `note` says why.

    Attributes:
        name: a path, `window/slider_to_pixel_ms`.
        unit: `ms`, `s`, `%`, `MB`.
        median, p95, p99: of the samples, in that unit.
        baseline: median of the plain way of doing the same, measured in the same run.
        ratio: median / baseline; for times, below 1 is faster.
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
    median, p95, p99 = (float(value) for value in np.percentile(samples, (50, 95, 99)))
    plain = float(np.median(baseline)) if len(baseline) else None
    ratio = median / plain if plain else None
    return Figure(name, unit, median, p95, p99, plain, ratio, note)


def in_turn(
    ours: Callable[[], object], plain: Callable[[], object], rounds: int = 60, seconds: float = 0.02
) -> tuple[list[float], list[float]]:
    """Time two ways in turn, so that whatever else the machine does meets both alike.

    Each round repeats each way for about `seconds` and keeps the mean; returns milliseconds a call.
    """
    repeats = []
    for way in (ours, plain):
        way()
        begun = time.perf_counter()
        way()
        repeats.append(max(round(seconds / max(time.perf_counter() - begun, 1e-7)), 1))
    samples: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for _ in range(rounds):
        for way, count, kept in zip((ours, plain), repeats, samples, strict=True):
            begun = time.perf_counter()
            for _ in range(count):
                way()
            kept.append(1000 * (time.perf_counter() - begun) / count)
    return samples
