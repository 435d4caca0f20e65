"""Request in, pictures out: decode, stages, rounding, piece by piece.

The window's thread and the command line use this one class, so a shown and an exported picture are the same.
It knows nothing of slots, threads or files; where and how exactly a network computes is in `machine`.

What a picture looks like in `exact` precision does not depend on how many others were asked for; `fast` is quicker and
looks the same. How networks are run for either is in `ways`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import threadpoolctl
import torch

from explorer.errors import ImageError
from explorer.latent import sampling
from explorer.latent.activity import probes, sensitivities
from explorer.models.base import NO_OPTIONS, DecodeOptions, ImageSpec, LatentModel, check_stages
from explorer.render import devices
from explorer.render.checks import checked, checked_images, of_part
from explorer.render.machine import Machine, Precision
from explorer.render.pace import Pace
from explorer.render.pixels import Images, as_array, joined, shrunk, to_uint8, warning
from explorer.render.requests import (
    LIVE,
    ActivityRequest,
    ActivityResult,
    EncodeRequest,
    EncodeResult,
    RenderRequest,
    RenderResult,
    Request,
    Result,
    SampleRequest,
    SampleResult,
)

if TYPE_CHECKING:
    from explorer.models.base import StageModel

CHUNK_SECONDS = 0.008
"""How long a piece of bulk work may hold the thread before something more urgent may come between."""

SAMPLED = 64  # codes mapped at once
_TRIED = 3  # dimensions, before it is known how long all take
SMALL = 64  # px, of the pictures by which dimensions are compared

Progress = Callable[[float], None]
"""Told the share that is done, 0..1, before each piece of work."""


def _untold(share: float) -> None:
    """Listen to no progress."""


def _never(request: RenderRequest) -> bool:
    """Call nothing overtaken."""
    return False


class Renderer:
    """Runs models and stages. One thread at a time; the networks it is given are moved to its device.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `exact` or `fast`.

    Raises:
        DeviceError: there is no such device.
    """

    def __init__(self, device: str = "auto", precision: Precision = "exact") -> None:
        torch.set_num_threads(devices.decode_threads())
        # The products in chains.py are small: they lose by a second thread, which would be taken from the window.
        threadpoolctl.threadpool_limits(1, user_api="blas")
        self._machine = Machine(device, precision)
        self._pace = Pace()
        self.is_overtaken: Callable[[RenderRequest], bool] = _never
        """Asked while a picture of the slot `LIVE` takes long; set by whoever orders the work."""

    def set_device(self, name: str, precision: Precision | None = None) -> None:
        """Compute on another device from the next picture on.

        Raises:
            DeviceError: there is no such device; nothing changed.
        """
        told = self._machine.on_fallback
        self._machine = Machine(name, precision or self.precision)
        self._machine.on_fallback = told
        self._pace = Pace()

    @property
    def device(self) -> str:
        """Where networks run: `cpu`, `cuda` or `mps`."""
        return self._machine.device

    @property
    def precision(self) -> Precision:
        """How exactly they run."""
        return self._machine.precision

    @property
    def description(self) -> str:
        """What computes, as `CPU float32`."""
        return devices.describe(self.device, self.precision)

    def tell_fallback(self, told: Callable[[str], None]) -> None:
        """Have a sentence told when a device's memory runs out and the processor takes over."""
        self._machine.on_fallback = told

    def precision_note(self, model: LatentModel | StageModel) -> str:
        """Return why a network runs exactly although `fast` was asked for; empty where it does not, or nobody knows."""
        return self._machine.note(model)

    def number_type(self, model: LatentModel | StageModel) -> str:
        """Return what a network's maps are, as it runs now: `float32` or the like."""
        return self._machine.number_type(model)

    # ---- requests ----

    def render(self, request: Request, on_progress: Progress = _untold) -> Result:
        """Answer a request.

        Raises:
            ExplorerError: what was asked for does not fit the model or the stages, or memory ran out.
        """
        steps = self.steps(request)
        while True:
            try:
                on_progress(next(steps))
            except StopIteration as end:
                return end.value

    def steps(self, request: Request) -> Generator[float, None, Result]:
        """Answer a request in pieces of `CHUNK_SECONDS` or one picture, if that is longer.

        Between two pieces the share that is done is yielded, 0..1.

        Raises:
            ExplorerError: as `render`.
        """
        with self._machine.memory_watched(request.model):
            if isinstance(request, RenderRequest):
                return (yield from self._render_steps(request))
            if isinstance(request, EncodeRequest):
                return (yield from self._encode_steps(request))
            if isinstance(request, ActivityRequest):
                return (yield from self._activity_steps(request))
            if isinstance(request, SampleRequest):
                return (yield from self._sample_steps(request))
        raise TypeError(f"no such request: {type(request).__name__}")

    def _render_steps(self, request: RenderRequest) -> Generator[float, None, RenderResult]:
        begun = pause = time.perf_counter()
        model, stages = request.model, request.stages
        codes, options = checked(model, request.codes, request.space, request.options)
        image = check_stages(model.image, stages) if stages else model.image
        milliseconds = dict.fromkeys(("decode", *(stage.name for stage in stages)), 0.0)
        pictures: list[np.ndarray] = []
        decoded: list[np.ndarray] = []
        bad = blank = 0
        for part in self._pace.parts(("render", model.network, stages, request.max_side), len(codes)):
            mark = time.perf_counter()
            if mark - pause > CHUNK_SECONDS:
                yield part.start / len(codes)
                pause = mark = time.perf_counter()
            images = self._decode_part(request, codes[part], of_part(options, part))
            before, count = to_uint8(images if stages else shrunk(images, request.max_side))
            milliseconds["decode"] += 1000 * (time.perf_counter() - mark)
            if stages:
                images = self._run_stages(request, images.clip(0, 1), milliseconds)
                after, count_after = to_uint8(shrunk(images, request.max_side))
                blank += len(before) if _is_all(count, before) or _is_all(count_after, after) else 0
                count = max(count, count_after)  # a stage may hide them, or spread them
                decoded.append(before)
            else:
                after = before
                blank += len(before) if _is_all(count, before) else 0
            pictures.append(after)
            bad += count
        milliseconds["total"] = 1000 * (time.perf_counter() - begun)
        shown = joined(pictures, (image.height, image.width, image.channels), np.uint8)
        return RenderResult(
            request.slot,
            request.generation,
            request.id,
            milliseconds=milliseconds,
            pictures=shown,
            decoded=np.concatenate(decoded) if decoded else shown,
            warning=warning(model, stages, bad, shown),
            blank=0 < blank == len(codes),
            request=request,
            numbers=self._machine.number_type(model, self._precision_of(request, model)),
            why=self._machine.note(model),
            is_lesser=self._is_lesser(request),
        )

    def _is_lesser(self, request: RenderRequest) -> bool:
        networks: tuple[LatentModel | StageModel, ...] = (request.model, *request.stages)
        return any(self._precision_of(request, network) != self.precision for network in networks)

    def _encode_steps(self, request: EncodeRequest) -> Generator[float, None, EncodeResult]:
        begun = pause = time.perf_counter()
        means: list[np.ndarray] = []
        logvars: list[np.ndarray] = []
        model, images = request.model, checked_images(request.model, request.images)
        for part in self._pace.parts(("encode", model.network), len(images)):
            if time.perf_counter() - pause > CHUNK_SECONDS:
                yield part.start / len(images)
                pause = time.perf_counter()
            mean, logvar = self._machine.encode(model, images[part])
            means.append(mean)
            if logvar is not None:
                logvars.append(logvar)
        return EncodeResult(
            request.slot,
            request.generation,
            request.id,
            milliseconds={"total": 1000 * (time.perf_counter() - begun)},
            mean=np.concatenate(means),
            logvar=np.concatenate(logvars) if logvars else None,
        )

    def _sample_steps(self, request: SampleRequest) -> Generator[float, None, SampleResult]:
        begun = time.perf_counter()
        space, parts = request.model.spaces[request.space], []
        source = space.source or space
        drawn = sampling.sample(source, request.count, request.seed)
        for at in range(0, len(drawn), SAMPLED):
            yield at / len(drawn)
            part = drawn[at : at + SAMPLED]
            parts.append(part if source is space else source.mapped(part, space.name, request.options))
        return SampleResult(
            request.slot,
            request.generation,
            request.id,
            milliseconds={"total": 1000 * (time.perf_counter() - begun)},
            codes=joined(parts, (space.dim,), np.float32),
        )

    def _activity_steps(self, request: ActivityRequest) -> Generator[float, None, ActivityResult]:
        begun = pause = time.perf_counter()
        model, space = request.model, request.space
        places_in = request.codes
        if places_in is None:
            places_in = probes(model.spaces[space], options=request.options)
        codes, options = checked(model, places_in, space, request.options)
        self._machine.get_ready(model, codes, space, options)
        total = self._machine.estimated_sensitivity(model, codes, space, of_part(options, slice(0, 1)))
        if total is not None:
            return _activity(request, begun, total)
        latent = model.spaces[space]
        total, dims = np.zeros(latent.dim), latent.leading or latent.dim
        place, places, quickest = 0, len(codes), math.inf
        while place < places:  # one place at a time, so that no piece is longer than two decodes
            part = slice(place, place + 1)
            here = of_part(options, part)

            def decode(codes: np.ndarray, here: DecodeOptions = here) -> np.ndarray:
                if model.has_preview:  # what differs between two pictures shows in small ones
                    return as_array(self._machine.preview(model, codes, space, here, SMALL))
                return self.decode(model, codes, space, here)

            mark = time.perf_counter()
            for dim, value in enumerate(sensitivities(decode, codes[part], latent.spread[:dims])):
                total[dim] += value
                now = time.perf_counter()
                quickest = min(quickest, now - mark)  # the first pictures of a network take longest
                if request.seconds is not None and place == 0 and dim == min(_TRIED, dims) - 1:
                    places = min(places, int(request.seconds / max(quickest * dims, 1e-9)))
                    if not places:  # one place alone would take too long
                        return _activity(request, begun, None)
                if now - pause > CHUNK_SECONDS:
                    yield (place + (dim + 1) / dims) / places
                    pause = now = time.perf_counter()
                mark = now
            place += 1
        return _activity(request, begun, (total / max(places, 1)).astype(np.float32))

    # ---- arrays in, arrays out ----

    def decode(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str | None = None,
        options: DecodeOptions = NO_OPTIONS,
        stages: Sequence[StageModel] = (),
        raw: bool = False,
        on_progress: Progress = _untold,
    ) -> np.ndarray:
        """Return the pictures of codes `(N, dim)`: float32 `(N, C, H, W)` in 0..1; NaN stays NaN.

        `raw`: the values and range of the last network (the last stage's, else the model's), unclipped.

        Raises:
            ExplorerError: codes, options or stages do not fit, or memory ran out.
        """
        space = space or model.default_space
        codes, options = checked(model, codes, space, options)
        image = check_stages(model.image, stages)
        parts: list[np.ndarray] = []
        with self._machine.memory_watched(model):
            for part in self._pace.parts(("decode", model.network, tuple(stages)), len(codes)):
                on_progress(part.start / len(codes))
                native = self._machine.native(model, codes[part], space, of_part(options, part))
                if raw and not stages:
                    parts.append(as_array(native))
                    continue
                images = _unit(model, native).clip(0, 1)
                for number, stage in enumerate(stages, 1):
                    images = self._machine.apply(stage, images, raw=raw and number == len(stages))
                parts.append(as_array(images))
        return joined(parts, (image.channels, image.height, image.width), np.float32)

    def apply(
        self,
        stage: StageModel,
        images: np.ndarray,
        raw: bool = False,
        on_progress: Progress = _untold,
    ) -> np.ndarray:
        """Apply a stage to pictures, float32 `(N, C, H, W)` in 0..1; the same comes back.

        `raw`: the stage's own values, unclipped.

        Raises:
            ImageError: the pictures do not fit the stage.
            DeviceError: memory ran out.
        """
        images = np.asarray(images, np.float32)
        if images.ndim != 4 or not stage.input.accepts(ImageSpec(*images.shape[1:])):
            raise ImageError(
                f"The stage {stage.name} takes pictures of {stage.input} (channels x height x width), not "
                f"{'x'.join(map(str, images.shape[1:]))}; give it pictures of that shape."
            )
        out = stage.output_for(ImageSpec(*images.shape[1:]))
        parts: list[np.ndarray] = []
        with self._machine.memory_watched(stage):
            for part in self._pace.parts(("apply", stage.network, images.shape[1:]), len(images)):
                begun, size = part.start / len(images), len(images[part]) / len(images)
                on_progress(begun)

                def told(share: float, begun: float = begun, size: float = size) -> None:
                    on_progress(begun + share * size)

                parts.append(as_array(self._machine.apply(stage, images[part], raw, told)))
        return joined(parts, (out.channels, out.height, out.width), np.float32)

    def encode(
        self, model: LatentModel, images: np.ndarray, on_progress: Progress = _untold
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return mean `(N, dim)` and log variance (or None) of pictures, uint8 `(N, H, W, C)`.

        Raises:
            UsageError: the model has no encoder.
            ImageError: the pictures are not of the model's shape.
            DeviceError: memory ran out.
        """
        result = self.render(EncodeRequest("", 0, 0, model, images), on_progress)
        assert isinstance(result, EncodeResult)
        assert result.mean is not None
        return result.mean, result.logvar

    def sensitivity(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str | None = None,
        options: DecodeOptions = NO_OPTIONS,
        on_progress: Progress = _untold,
        seconds: float | None = None,
    ) -> np.ndarray | None:
        """Return how much one spread of each dimension changes the picture around codes `(N, dim)`.

        float32 `(dim,)`, 0..255: see `explorer.latent.activity.sensitivity`; None where that takes more than `seconds`.
        """
        request = ActivityRequest("", 0, 0, model, codes, space or model.default_space, options, seconds)
        result = self.render(request, on_progress)
        assert isinstance(result, ActivityResult)
        return result.sensitivity

    # ---- one part ----

    def _decode_part(self, request: RenderRequest, codes: np.ndarray, options: DecodeOptions) -> Images:
        """Return pictures in 0..1 that are not clipped yet, so that an infinity can still be told."""
        model, space = request.model, request.space
        precision = self._precision_of(request, model)
        small = request.max_side is not None or request.quality == "preview"
        # a stage would draw another picture from a preview
        if small and model.has_preview and not request.stages:
            return self._machine.preview(model, codes, space, options, request.max_side, precision)
        if model.has_preview and request.slot == LIVE:  # it takes long, and the next wish can be shown soon
            arguments = (model, codes, space, options, precision)
            with self._machine.interruptible(*arguments, lambda: self.is_overtaken(request)):
                return _unit(model, self._machine.native(model, codes, space, options, precision))
        return _unit(model, self._machine.native(model, codes, space, options, precision))

    def _precision_of(self, request: RenderRequest, network: LatentModel | StageModel) -> Precision:
        """Return how exactly a network draws: under a hand as fast as it is known to run."""
        return "fast" if request.passing and self._machine.is_quicker(network) else self.precision

    def _run_stages(self, request: RenderRequest, images: Images, milliseconds: dict[str, float]) -> Images:
        for stage in request.stages:
            mark = time.perf_counter()
            images = self._machine.apply(stage, images, precision=self._precision_of(request, stage))
            if self.device == "cuda":
                torch.cuda.synchronize()
            milliseconds[stage.name] += 1000 * (time.perf_counter() - mark)
        return images


def _is_all(bad: int, pictures: np.ndarray) -> bool:
    """Return whether so many bad pixels are all that the pictures `(N, H, W, C)` have."""
    return 0 < bad == pictures[..., 0].size


def _unit(model: LatentModel, native: Images) -> Images:
    return model.native_range.to_unit(native)  # type: ignore[arg-type]


def _activity(request: ActivityRequest, begun: float, sensitivity: np.ndarray | None) -> ActivityResult:
    return ActivityResult(
        request.slot,
        request.generation,
        request.id,
        milliseconds={"total": 1000 * (time.perf_counter() - begun)},
        sensitivity=sensitivity,
    )
