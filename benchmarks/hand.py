"""Child process: a hand that drags a slider of the real window, and what is on the canvas meanwhile.

`hand.py stylegan2-1024|slow-100ms`; prints one line of JSON: the samples of every quantity.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from drive import Heartbeat, Real, drag, wait, wait_until

from explorer.formats import Opened
from explorer.gui import app as composition
from explorer.models.base import ImageSpec, LatentModel, Space

DRAGS = 10  # every other one ends with the hand still on the slider
MOVES = 190  # 3 s at 60 Hz
INTERVAL = 16
SETTLING = 0.5  # seconds at the beginning of a drag that do not count
SLOW = 0.1  # seconds


class Seen:
    """When which picture was painted, and how old it was: the time since the move that asked for it."""

    def __init__(self, real: Real) -> None:
        self._real = real
        self._moves: dict[int, tuple[float, Any]] = {}  # by the codes' identity, which is kept
        self._asked: dict[int, float] = {}  # requests, by id
        self._last: int | None = None
        self.paints: list[tuple[float, float, Any]] = []  # when, time of its move, result
        self._watch()

    def _watch(self) -> None:
        submit, seen, real = self._real.app.worker.submit, self, self._real

        def submitted(request: Any) -> None:
            if request.slot == "canvas":
                made_at, _ = seen._moves.setdefault(id(request.codes), (real._move_time, request.codes))
                seen._asked[request.id] = made_at
            submit(request)

        def painted() -> None:
            shown = real.canvas.shown
            if shown is not None and shown.id != seen._last:
                seen._last = shown.id
                seen.paints.append((time.perf_counter(), seen._asked.get(shown.id, 0.0), shown))

        real.app.worker.submit = submitted  # type: ignore[method-assign]
        real.canvas.view.after_paint = painted

    def age(self, begin: float, end: float) -> float:
        """Return how old the shown picture was on average between two times, ms."""
        area = 0.0
        following = [when for when, _, _ in self.paints[1:]] + [end]
        for (when, moved, _), until in zip(self.paints, following, strict=True):
            first, last = max(when, begin), min(until, end)
            if last > first:
                area += ((last - moved) ** 2 - (first - moved) ** 2) / 2
        return 1000 * area / (end - begin)

    def shows_whole(self, moved: float) -> bool:
        """Return whether the whole picture of a move is on the canvas."""
        return bool(self.paints) and self.paints[-1][1] == moved and is_whole(self.paints[-1][2])

    def between(self, begin: float, end: float) -> list[Any]:
        """Return the results that were painted first between two times."""
        return [result for when, _, result in self.paints if begin <= when < end]


def is_whole(result: Any) -> bool:
    """Return whether a result is the whole picture."""
    return result.request is not None and result.request.quality == "full"


def drawn(real: Real) -> bool:
    """Return whether the canvas has what it asked for; what is beside it may take minutes."""
    return not real.app.pictures.is_waiting("canvas")


def measured(real: Real) -> dict[str, list[float]]:
    """Drag some times; return the samples of each quantity, one a drag."""
    found: dict[str, list[float]] = {
        name: []
        for name in ("age_ms", "previews_per_s", "full_after_ms", "held_after_ms", "decode_ms", "stall_ms")
    }
    found |= {"sides": [], "renders_after": []}
    seen = Seen(real)
    for turn in range(DRAGS + 1):
        seen.paints.clear()
        beat = Heartbeat()
        begin = time.perf_counter() + SETTLING
        holds = turn % 2 == 1
        drag(Held(real) if holds else real, MOVES, INTERVAL)
        end = real._move_time
        wait_until(partial(seen.shows_whole, end), "the whole picture")
        beat.stop()
        if holds:
            real.release()
        wait(0.3)
        wait_until(partial(drawn, real), "all pictures of the canvas")
        if turn == 0:
            continue  # the first one warms up
        during = seen.between(begin, end)
        whole_at, _, whole = next(each for each in seen.paints if each[1] == end and is_whole(each[2]))
        found["age_ms"].append(seen.age(begin, end))
        found["previews_per_s"].append(len(during) / (end - begin))
        found["held_after_ms" if holds else "full_after_ms"].append(1000 * (whole_at - end))
        found["decode_ms"].append(whole.milliseconds["total"])
        found["stall_ms"].append(max(beat.late))
        found["sides"].append(median(each.pictures.shape[1] for each in during))
        found["renders_after"].append(sum(when >= end for when, _, _ in seen.paints))
    return found


class Held:
    """The window, whose slider is not let go at the end of a drag."""

    def __init__(self, real: Real) -> None:
        self.move, self.press = real.move, real.press

    def release(self) -> None:
        """Hold on."""


def slow() -> LatentModel:
    """Return a model without previews that takes 100 ms for a picture, and no core."""
    import torch
    from torch import nn

    class Slow(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 3 * 64 * 64) / 4, requires_grad=False)

        def decode(self, codes: torch.Tensor) -> torch.Tensor:
            time.sleep(SLOW)
            return torch.sigmoid(codes @ self.weight).reshape(-1, 3, 64, 64)

    return LatentModel(
        Slow(), name="slow", architecture="slow", image=ImageSpec(3, 64, 64), spaces=[Space("z", (4,))]
    )


def stylegan2() -> LatentModel:
    """Return a StyleGAN2 of 1024 pixels with random weights."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from benchmarks.networks import build

    return build("stylegan2-1024")  # type: ignore[return-value]


MODELS = {"stylegan2-1024": stylegan2, "slow-100ms": slow}


def main(name: str) -> None:
    """Measure one model and print what was found."""
    application = composition.make_application()
    real = Real()
    real.app.session.open(Opened(MODELS[name]()))
    wait_until(partial(drawn, real), "the first picture")
    real.settle()  # it is known by now how the network runs fast
    real.slider = real.app.window.sliders.slider_for(real.app.window.sliders.dimensions()[0])
    real.window.raise_()
    found = measured(real)
    description = real.app.worker.description
    real.window.close()
    application.processEvents()
    print(json.dumps({**found, "description": description}))


if __name__ == "__main__":
    main(*sys.argv[1:])
