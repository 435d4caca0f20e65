"""What an ONNX graph is fed with: codes or pictures, classes, and constants for what nobody asks for. No torch.

How a file says it is found by `formats.onnx_parts`; the network that runs it is in `onnx_network`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Role = Literal["code", "picture", "index", "onehot", "fixed"]


class Session(Protocol):
    """What runs a graph."""

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """Return the values of these names."""


@dataclass(frozen=True)
class Feed:
    """One input.

    Attributes:
        kind: of its numbers, in numpy's words.
        role: what it takes; "index" is the number of a class, "fixed" is always `value`.
        shape: of one, without the number of them.
        count: how many at once; None for any number, 0 where that is no dimension.
        is_open: height and width may be others.
        classes: of a class's number, where a table tells.
    """

    name: str
    kind: str
    role: Role
    shape: tuple[int, ...]
    count: int | None
    is_open: bool = False
    value: float = 0.0
    classes: int = 0

    def array(self, count: int, main: Array, labels: Array | None) -> Array:
        """Return what is given for a batch.

        Args:
            count: how many.
            main: codes or pictures `(count, ...)`.
            labels: classes `(count,)`, or rows `(count, classes)`; None for class 0.
        """
        lead = () if self.count == 0 else (count,)
        if self.role in ("code", "picture"):
            return self._cast(main.reshape(count, *(main.shape[1:] if self.is_open else self.shape)))
        if self.role == "fixed":
            return np.full((*lead, *self.shape), self.value, dtype=self.kind)
        rows = labels is not None and labels.ndim == 2 and labels.shape[1] > 1
        numbers = (
            np.zeros(count, np.int64)
            if labels is None
            else (labels.argmax(1) if rows else labels.reshape(count))
        )
        if self.role == "index":
            return np.broadcast_to(numbers.astype(self.kind).reshape(count, *[1] * len(self.shape)),
                                   (count, *self.shape)).reshape(*lead, *self.shape)  # fmt: skip
        width = self.shape[-1]
        given = (
            labels
            if rows and labels is not None
            else np.eye(width)[numbers.astype(np.int64).clip(0, width - 1)]
        )
        return given.reshape(count, width).astype(self.kind)

    def _cast(self, values: Array) -> Array:
        if np.issubdtype(np.dtype(self.kind), np.integer):
            limits = np.iinfo(self.kind)
            values = np.rint(values).clip(limits.min, limits.max)
        return np.ascontiguousarray(values, dtype=self.kind)


def at_once(feeds: Sequence[Feed]) -> int | None:
    """Return how many codes a graph takes at once; None for any number."""
    counts = [feed.count for feed in feeds if feed.count is not None]
    return None if not counts else max(1, min(counts))


def together(feeds: Sequence[Feed], main: Array, labels: Array | None = None) -> dict[str, Array]:
    """Return what a graph is given for one batch, by name."""
    return {feed.name: feed.array(len(main), main, labels) for feed in feeds}
