"""The rhythm of a hand: whether its next move is so near that a long render had better wait for it.

A render that starts at once shows a move that is half an interval old on average. With moves that come regularly it
is worth waiting for the next one, which makes the picture before older by half the wait: where renders end anywhere
between two moves, after a third of the interval, which leaves a sixth of it. Where they end at the same place again
and again, later is better; so it is a bit more than a third.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

LONG = 2
"""Intervals that a render must take for a wait to be worth it."""

LONGEST = 0.05
"""Seconds; slower moves are not waited for."""

_KNOWN = 4  # moves, before there is a rhythm
_SOON = 0.4  # intervals after which the next move is waited for
_LATE = 1.25  # intervals after which a move is no longer expected


class Rhythm:
    """Told the time of every move in seconds, it says how long to wait for the next one."""

    def __init__(self) -> None:
        self._moves: deque[float] = deque(maxlen=8)

    def moved(self, now: float) -> None:
        """Note a move; a pause before it ends the rhythm."""
        if self._moves and now - self._moves[-1] > LONGEST:
            self._moves.clear()
        self._moves.append(now)

    def forget(self) -> None:
        """Expect no move: nobody drags."""
        self._moves.clear()

    def patience(self, now: float, render: float) -> float:
        """Return how many seconds a render of so many seconds had better wait for the next move; 0 for none."""
        if len(self._moves) < _KNOWN:
            return 0.0
        interval = median(after - before for before, after in pairwise(self._moves))
        age = now - self._moves[-1]
        if render < LONG * interval or age < _SOON * interval:
            return 0.0
        return max(_LATE * interval - age, 0.0)
