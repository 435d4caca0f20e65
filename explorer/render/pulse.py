"""How long the decode thread has been at its piece of work, and how long such pieces usually take.

The thread writes, any thread reads; whether a silence is too long is for others to say (`gui/watchdog.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from statistics import median
from time import monotonic
from typing import NamedTuple

KEPT = 50
"""Of so many pieces of a kind the median is what is usual."""

MOST_KINDS = 16


class Pulse(NamedTuple):
    """What can be felt of the thread now.

    Attributes:
        since: when the piece that runs began, in `time.monotonic()` seconds; None where the thread rests.
        usual: how long its kind usually takes, in seconds; 0 where nothing is known.
        pieces: how many of its kind are known, 0..`KEPT`.
    """

    since: float | None
    usual: float = 0.0
    pieces: int = 0


Times = deque[float]
"""The seconds of the last pieces of one kind."""


class Heartbeat:
    """Times pieces of work: two readings of the clock for each, as a slider's every move is one."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, Times] = {}
        self._times: Times = deque()
        self._since: float | None = None

    def times_of(self, kind: Hashable) -> Times:
        """Return where the times of a kind of work are kept."""
        times = self._kinds.get(kind)
        if times is None:
            if len(self._kinds) >= MOST_KINDS:
                self._kinds.clear()
            times = self._kinds[kind] = deque(maxlen=KEPT)
        return times

    def usual(self, kind: Hashable) -> float:
        """Return how many seconds a piece of a kind usually takes; 0 where nothing is known."""
        times = self._kinds.get(kind)
        return median(times) if times else 0.0

    def begin(self, times: Times | None = None) -> float:
        """Begin a piece of a kind, or one like no other; return the time."""
        self._times = deque() if times is None else times
        self._since = now = monotonic()
        return now

    def end(self) -> float:
        """End the piece; return the time."""
        now = monotonic()
        if self._since is not None:
            self._times.append(now - self._since)
        self._since = None
        return now

    def forget(self) -> None:
        """Begin anew: with another model, or on another device, nothing is usual yet."""
        self._kinds = {}

    def pulse(self) -> Pulse:
        """Return what can be felt now; may be called from any thread."""
        since, times = self._since, self._times.copy()
        if since is None:
            return Pulse(None)
        return Pulse(since, median(times) if times else 0.0, len(times))
