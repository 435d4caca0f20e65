"""What the child process tells of an ONNX file: what its graph states, and what came of running it once.

The first session and the first run happen here, where memory and time are limited; the program itself opens only a
file that came through.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from explorer.formats import onnx_checks, onnx_graph, onnx_parts, onnx_range, onnx_session
from explorer.formats.onnx_graph import Graph
from explorer.formats.span import Span
from explorer.models.onnx_feeds import Array, Feed, at_once, together

_CODES = 8
_SECONDS = 1.0
"""How long decoding more codes than one may take, to see between which values they lie."""

_SIDES = (64, 128, 256, 512)
"""Of pictures that a stage for any size is tried with, until one fits."""

_ALIKE = 1e-3  # of the values' range, between a picture made alone and with another


def dump(span: Span, path: Path, allow: Callable[[int], None]) -> dict[str, Any]:
    """Return what is known of an ONNX file, plain values.

    Args:
        span: its bytes.
        path: of the file, beside which weights may lie.
        allow: told how many bytes those have, so that there is memory for them.

    Raises:
        CheckpointError: it is refused, or does not run.
    """
    onnx_session.require(path)
    graph = onnx_graph.read(span)
    allow(onnx_checks.check(graph, path))
    feeds = onnx_parts.feeds(graph, path)
    trial = _Trial(path, graph, feeds)
    outputs = trial.outputs()
    return {
        "format": "onnx",
        "producer": graph.producer[:40],
        "weights": graph.weights,
        "feeds": [asdict(feed) for feed in trial.feeds],
        "outputs": outputs,
        "single": trial.is_single,
    }


class _Trial:
    """The first runs."""

    def __init__(self, path: Path, graph: Graph, feeds: Sequence[Feed]) -> None:
        self._path, self._graph = path, graph
        self._session = onnx_session.start(path, 1)
        self.feeds = list(feeds)
        self.is_single = False
        """Whether one at a time is all that is sure to work."""

    def outputs(self) -> list[dict[str, Any]]:
        """Return of each output its name, its shape for one code, and between which values most of it lies."""
        main = next(feed for feed in self.feeds if feed.role in ("code", "picture"))
        sides = _SIDES if main.is_open and main.role == "picture" else (0,)
        for side in sides:
            try:
                return self._tried(_with_side(main, side) if side else main)
            except CheckpointError:
                if side == sides[-1]:
                    raise
        raise AssertionError

    def _tried(self, main: Feed) -> list[dict[str, Any]]:
        self.feeds = [main if feed.name == main.name else feed for feed in self.feeds]
        count = at_once(self.feeds)
        given = _pictures(main.shape) if main.role == "picture" else _codes(main.shape)
        begun = time.monotonic()
        first = self._run(given[: count or 1], count or 1)
        took = time.monotonic() - begun
        values = [first]
        for place in range(1, min(_CODES, 1 + int(_SECONDS / max(took, 1e-3)))):
            values.append(self._run(given[place : place + (count or 1)], count or 1))
        if count is None and main.count is None:
            self.is_single = not self._is_alike(given, first)
        if main.role == "picture":
            values.append(self._run(given[: count or 1] * 255, count or 1))
        return [
            self._output(place, port.name, values, count or 1, main) for place, port in enumerate(self._ports)
        ]

    @property
    def _ports(self) -> Sequence[Any]:
        return self._session.get_outputs()

    def _run(self, main: Array, count: int) -> list[Array]:
        """Return all outputs.

        Raises:
            CheckpointError: it fails.
        """
        main = np.concatenate([main] + [main[-1:]] * (count - len(main)))
        try:
            given = self._session.run([port.name for port in self._ports], together(self.feeds, main))
        except Exception as error:
            raise onnx_session.refused(self._path, error) from error
        return [each if isinstance(each, np.ndarray) else np.zeros(0) for each in given]

    def _is_alike(self, given: Array, first: Sequence[Array]) -> bool:
        """Tell whether two at once give what each gives alone."""
        try:
            both = self._run(given[:2], 2)
        except CheckpointError:
            return False
        return all(
            len(two) == 2 * len(one) and _near(two[: len(one)], one)
            for one, two in zip(first, both, strict=True)
            if one.ndim and one.size
        )

    def _output(
        self, place: int, name: str, values: Sequence[Sequence[Array]], count: int, main: Feed
    ) -> dict[str, Any]:
        first = values[0][place]
        is_batch = first.ndim > 0 and first.shape[0] == count
        shape = first.shape[1:] if is_batch else first.shape
        wide = main.role == "picture"
        limits = onnx_range.bounds(self._graph, name)
        return {
            "name": name,
            "kind": first.dtype.name,
            "shape": list(shape),
            "batch": is_batch,
            "bounds": list(limits) if limits and 0 < limits[1] - limits[0] < math.inf else None,
            "most": _between([each[place] for each in (values[:-1] if wide else values)]),
            "most_of_255": _between([values[-1][place]]) if wide else None,
        }


def _with_side(feed: Feed, side: int) -> Feed:
    shape = tuple(side if each == onnx_parts.OPEN_PICTURE else each for each in feed.shape)
    return replace(feed, shape=shape)


def _near(first: Array, second: Array) -> bool:
    if first.dtype.kind not in "fiub" or not first.size:
        return True
    room = _ALIKE * max(1e-6, float(np.ptp(second.astype(np.float64))))
    return bool(np.nanmax(np.abs(first.astype(np.float64) - second)) <= room)


def _codes(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(0).standard_normal((2 * _CODES, *shape)).astype(np.float32)


def _pictures(shape: tuple[int, ...]) -> Array:
    """Return pictures of a few waves, in 0..1."""
    rng = np.random.default_rng(0)
    axes = np.meshgrid(*(np.linspace(0, 1, side) for side in shape), indexing="ij")
    waves = [sum(rng.uniform(-9, 9) * axis for axis in axes) + rng.uniform(0, 6) for _ in range(2 * _CODES)]
    return (0.5 + 0.5 * np.sin(np.stack(waves))).astype(np.float32)


def _between(values: Sequence[Array]) -> list[float] | None:
    """Return between which numbers 98 % of the values lie; None where none is a number."""
    rows = np.concatenate([np.asarray(each, np.float64).ravel()[:: max(1, each.size // 50_000)] for each in values
                           if each.dtype.kind in "fiub"] or [np.zeros(0)])  # fmt: skip
    rows = rows[np.isfinite(rows)]
    return [float(np.quantile(rows, part)) for part in (0.01, 0.99)] if rows.size else None
