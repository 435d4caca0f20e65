"""How many pictures are computed at once: as many as a piece of bulk work may take time for, learnt as it goes."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator

PIECE_SECONDS = 0.016
"""What a batch should take: something more urgent waits for it."""

LARGEST = 128
_MOST_KINDS = 64


class Pace:
    """Knows how long a picture of each kind takes in a batch."""

    def __init__(self) -> None:
        # by hash: a kind names its network, which must not live on by that
        self._seconds: dict[int, float] = {}

    def parts(self, kind: Hashable, count: int) -> Iterator[slice]:
        """Yield slices of `count` pictures that are to be computed together; the time until the next one is taken.

        Args:
            kind: what tells pictures apart that take different times.
        """
        start = 0
        while start < count:
            size = self._size(kind, count - start)
            begun = time.perf_counter()
            yield slice(start, start + size)
            start += size
            if len(self._seconds) > _MOST_KINDS:
                self._seconds.clear()
            self._seconds[hash(kind)] = (time.perf_counter() - begun) / size

    def _size(self, kind: Hashable, left: int) -> int:
        """Return the next size; where two would do, they are of one size."""
        seconds = self._seconds.get(hash(kind))
        most = 1 if seconds is None else min(max(int(PIECE_SECONDS / max(seconds, 1e-9)), 1), LARGEST)
        return -(-left // -(-left // most))
