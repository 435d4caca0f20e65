"""What of the canvas' picture is drawn under a hand: as much as fits into a frame. The rest comes when the hand rests.

Small pictures of networks that draw them on their way, and stages left out. All is chosen by times that were measured.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from explorer.render.requests import RenderRequest, RenderResult

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

BUDGET = 33.0
"""Milliseconds that a picture under the hand may take."""

SIDES = (32, 64, 128, 256)  # px, of previews
FIRST = 64  # px, of the first one
LARGE = 256  # px; a picture of this side is taken for slow until one was measured
_ENTERS, _STAYS = 0.8, 1.25  # parts of the budget: below the one more is drawn, above the other less
_GROWTH = 2.5  # how much longer a picture of twice the side may take, before one was measured
_HOPELESS = 3  # budgets: a size whose first picture takes longer is too slow, for a first one too
_SHARE = 0.25  # of a slow decode: stages that add no more to it are never left out


def every(count: int, each: float) -> int:
    """Return which of `count` pictures to draw beside the canvas', each in so many milliseconds, under a hand.

    1 for all, 2 or 4 for every second or fourth; 0 for none, where those would take more than half the budget.
    """
    return next((step for step in (1, 2, 4) if math.ceil(count / step) * each <= BUDGET / 2), 0)


class Previews:
    """Knows how long the pictures of each model take, and what may be asked for while a hand waits."""

    def __init__(self) -> None:
        self._costs: WeakKeyDictionary[LatentModel, _Costs] = WeakKeyDictionary()

    def first(self, request: RenderRequest, under_hand: bool = False) -> RenderRequest:
        """Return the request for a lesser picture, `quality` preview, or the same one where it is quick enough.

        Under a hand stages may be missing; elsewhere a picture with stages is drawn whole, or it would flicker.
        """
        if request.max_side is not None or len(request.codes) != 1 or (request.stages and not under_hand):
            return request
        costs = self._of(request.model)
        side = costs.side()
        if side is not None:
            return replace(request, quality="preview", max_side=side, stages=())
        kept = costs.fitting(request.stages)
        return request if kept == request.stages else replace(request, quality="preview", stages=kept)

    def measured(self, result: RenderResult) -> None:
        """Learn from a picture how long such ones take."""
        request, took = result.request, result.milliseconds
        if request is None or "decode" not in took or len(request.codes) != 1:
            return
        costs = self._of(request.model)
        costs.learn(request.max_side, took["decode"], request.passing)
        costs.stages.update({stage: took.get(stage.name, 0.0) for stage in request.stages})

    def _of(self, model: LatentModel) -> _Costs:
        if model not in self._costs:
            self._costs[model] = _Costs(model)
        return self._costs[model]


class _Costs:
    """Milliseconds of one model's pictures by their side, and of the stages behind it.

    When one size takes longer than before, something else is busy, and all are taken to be slower by as much: so a
    size that was too slow once is tried again when there is room for it, and not before.
    """

    def __init__(self, model: LatentModel) -> None:
        longest = max(model.image.height or 0, model.image.width or 0)
        drawn = [side for side in SIDES if side < longest] if model.has_preview else []
        self._ladder: list[int | None] = [*drawn, None]  # None: the whole picture
        self._sides = [*drawn, max(longest, 1)]
        self._at = drawn.index(FIRST) if longest >= LARGE and drawn else len(drawn)
        self._took: dict[int, float] = {}  # by the place on the ladder
        self._counts: dict[int, int] = {}
        self.stages: WeakKeyDictionary[StageModel, float] = WeakKeyDictionary()
        self._has_passed = False
        self._kept = -1  # how many stages fitted; -1: nobody asked yet

    def learn(self, side: int | None, took: float, passing: bool = True) -> None:
        """Note what a picture took; the first of a size takes longest, so the second replaces it.

        What is drawn at rest may be drawn otherwise, and counts until one under a hand was.
        """
        if side not in self._ladder or (self._has_passed and not passing):
            return
        if passing and not self._has_passed:
            self._has_passed = True
            self._counts[len(self._ladder) - 1] = min(self._counts.get(len(self._ladder) - 1, 0), 1)
        at = self._ladder.index(side)
        count = self._counts[at] = self._counts.get(at, 0) + 1
        if count == 1:
            self._took[at] = took if took > _HOPELESS * BUDGET else min(took, BUDGET)
        elif count == 2:
            self._took[at] = took
        else:
            factor = (1 + took / max(self._took[at], 1e-3)) / 2
            self._took = {place: factor * before for place, before in self._took.items()}

    def side(self) -> int | None:
        """Return the largest side that fits into the budget, None for the whole picture; it does not flutter."""
        places = range(len(self._ladder))
        if self._expected(self._at) > BUDGET * _STAYS:
            self._at = max((at for at in places[: self._at] if self._expected(at) <= BUDGET), default=0)
        else:
            larger = (at for at in places[self._at + 1 :] if self._expected(at) <= BUDGET * _ENTERS)
            self._at = max(larger, default=self._at)
        return self._ladder[self._at]

    def _expected(self, at: int) -> float:
        """Return what a size takes; one that was not drawn twice yet, by what a smaller or larger one took."""
        known = [place for place in self._took if self._counts[place] > 1 or place == self._at]
        if not known:
            return 0.0 if at == self._at else math.inf
        near = max((place for place in known if place <= at), default=min(known))
        return self._took[near] * _GROWTH ** math.log2(self._sides[at] / self._sides[near])

    def fitting(self, stages: tuple[StageModel, ...]) -> tuple[StageModel, ...]:
        """Return as many of the first stages as fit behind the whole picture."""
        decode = self._took.get(len(self._ladder) - 1, 0.0)
        room, spent, kept = max(BUDGET - decode, _SHARE * decode), 0.0, 0
        for number, stage in enumerate(stages, 1):
            spent += self.stages.get(stage, 0.0)
            if spent > room * (_STAYS if number <= self._kept else _ENTERS):
                break
            kept = number
        self._kept = kept
        return stages[:kept]
