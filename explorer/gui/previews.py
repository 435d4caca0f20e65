"""Which pictures of the canvas are shown small first: those of networks that take long and can draw small ones."""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from explorer.models.base import LatentModel
from explorer.render.requests import RenderRequest, RenderResult

SLOW = 60  # milliseconds that a whole picture may take
LARGE = 256  # px; a picture of this side is taken for slow until one was measured
SIDES = (32, 256)  # px, of the smallest and the largest preview
FIRST = 128  # px, of the first one
_QUICK, _LONG = 30, 120  # milliseconds: of a preview that may grow, and of one that must shrink


class Previews:
    """Knows how long the pictures of each model take, and how large a preview may be."""

    def __init__(self) -> None:
        self._whole: WeakKeyDictionary[LatentModel, float] = WeakKeyDictionary()
        self._sides: WeakKeyDictionary[LatentModel, int] = WeakKeyDictionary()

    def first(self, request: RenderRequest) -> RenderRequest:
        """Return the request for a preview, or the same one where the whole picture is quick enough."""
        model = request.model
        if not model.has_preview or request.stages or request.max_side is not None or len(request.codes) != 1:
            return request
        side = max(model.image.height or 0, model.image.width or 0)
        is_slow = self._whole[model] > SLOW if model in self._whole else side >= LARGE
        wanted = self._sides.get(model, FIRST)
        return replace(request, quality="preview", max_side=wanted) if is_slow and wanted < side else request

    @staticmethod
    def whole(request: RenderRequest, number: int) -> RenderRequest:
        """Return the request for the whole picture of a preview's, under another number."""
        return replace(request, id=number, quality="full", max_side=None)

    def measured(self, request: RenderRequest, result: RenderResult) -> None:
        """Learn from a picture how long such ones take."""
        took = result.milliseconds.get("decode")
        if took is None or request.stages or len(request.codes) != 1:
            return
        if request.quality == "full":
            self._whole[request.model] = took
            return
        side = request.max_side or SIDES[0]
        side = side // 2 if took > _LONG else side * 2 if took < _QUICK else side
        self._sides[request.model] = min(max(side, SIDES[0]), SIDES[1])
