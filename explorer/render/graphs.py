"""A network's work on an NVIDIA GPU, recorded once for a shape of codes and replayed.

No time is lost between its steps then. What cannot be recorded, as it asks the processor, runs as it always does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

log = logging.getLogger(__name__)

_SEEN = 3  # times that something is run before it is recorded
_MOST = 8  # recordings that are kept
_KNOWN = 1000  # things that were run
_WARM_UP = 3


class Recorded:
    """One run of a function on a tensor of one shape, to be repeated with other values.

    Args:
        run: from a tensor to a tensor, on the GPU, the same steps for all values.
        example: what it is recorded with.
    """

    def __init__(self, run: Callable[[Tensor], Tensor], example: Tensor) -> None:
        self._input = example.clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # libraries choose their kernels now, which a recording must not see
            for _ in range(_WARM_UP):
                run(self._input)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._output = run(self._input)

    def __call__(self, values: Tensor) -> Tensor:
        """Return what the function gives for other values of the same shape."""
        self._input.copy_(values)
        self._graph.replay()
        return self._output.clone()


class Recordings:
    """Recordings by what was run; those not used for longest are dropped."""

    def __init__(
        self, record: Callable[[Callable[[Tensor], Tensor], Tensor], Callable[[Tensor], Tensor]]
    ) -> None:
        self._record = record
        self._seen: dict[Hashable, int] = {}
        self._made: dict[Hashable, Callable[[Tensor], Tensor]] = {}

    def run(self, key: Hashable, run: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
        """Return `run(values)`; what was run so a few times is recorded.

        Args:
            key: what tells apart what `run` does; the shape of the values is added.
            run: what to do.
            values: with what.
        """
        key = (key, tuple(values.shape))
        made = self._made.pop(key, None)
        if made is None:
            if len(self._seen) > _KNOWN:
                self._seen.clear()
            seen = self._seen[key] = self._seen.get(key, 0) + 1
            if seen != _SEEN:
                return run(values)
            self._seen[key] = 0  # it may be interrupted, or dropped
            try:
                made = self._record(run, values)
            except Exception as error:  # then it never will be
                self._seen[key] = _SEEN
                log.info("not recorded: %s", error)
                return run(values)
        while len(self._made) >= _MOST:
            del self._made[next(iter(self._made))]
        self._made[key] = made
        return made(values)
