"""Networks on one device: they are placed there once, and run on one batch with what they give checked.

What a request is made of, and how pixels come of a network's values, is in `renderer`.
"""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import DeviceError, ran_out_of_memory
from explorer.latent.activity import probes
from explorer.models.base import CodeDistribution, DecodeOptions, ImageSpec, LatentModel
from explorer.render import devices, tiles, ways
from explorer.render.chains import chain_of
from explorer.render.checks import of_part
from explorer.render.graphs import Recorded, Recordings
from explorer.render.outputs import Blamed, checked_codes, checked_pictures
from explorer.render.pixels import Images, as_array
from explorer.render.ways import Draw, Way

if TYPE_CHECKING:
    from explorer.models.base import StageModel

log = logging.getLogger(__name__)

_COMPARED = 3  # pictures of samples, beside the first one

PREVIEW = 128
"""Pixels of a picture by which a network with previews is measured."""

Precision = Literal["exact", "fast"]
T = TypeVar("T")


class Machine:
    """A device, how exactly it computes, and the networks that are on it.

    Args:
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `exact` or `fast`.

    Raises:
        DeviceError: there is no such device.
    """

    def __init__(self, device: str, precision: Precision) -> None:
        self.device = devices.pick(device)
        self.precision: Precision = precision
        self._exact: weakref.WeakKeyDictionary[nn.Module, Way] = weakref.WeakKeyDictionary()
        self._fast: weakref.WeakKeyDictionary[nn.Module, Way] = weakref.WeakKeyDictionary()
        self._dtype = getattr(torch, devices.number_type(self.device, "fast"))
        self._tried: dict[Hashable, dict[tuple[str, int], bool]] = {}
        self._recordings: weakref.WeakKeyDictionary[nn.Module, Recordings] = weakref.WeakKeyDictionary()
        self.on_fallback: Callable[[str], None] = log.warning
        """Told in a sentence that the processor takes over from a device whose memory ran out."""
        if self.device == "cuda":
            is_exact = precision == "exact"
            torch.backends.cudnn.deterministic = is_exact
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not is_exact

    def native(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str,
        options: DecodeOptions,
        precision: Precision | None = None,
    ) -> Images:
        """Return the network's own pictures of codes `(N, dim)`, float32 `(N, C, H, W)`; raises as `apply`."""
        arguments = (codes, space, options, precision or self.precision)
        return self._somewhere(model, lambda: self._native(model, *arguments))

    def _native(
        self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions, precision: Precision
    ) -> Images:
        with Blamed(f"the decoder of {model.name}"), torch.inference_mode():
            way = self._way_of(model, codes, space, options, precision)
            if way.chain is not None:
                image, chain = model.image, way.chain

                def run(part: slice) -> tuple[Tensor]:
                    return (torch.from_numpy(chain(codes[part], steady=way.is_exact)),)

                made = way.together("chain", len(codes), run)[0].numpy()
                return made.reshape(len(codes), image.channels, image.height or 1, image.width or 1)
            return self._decoded(model, way, self._tensor(codes), space, options)

    def _decoded(
        self, model: LatentModel, way: Way, codes: Tensor, space: str, options: DecodeOptions
    ) -> Tensor:
        who, decode = f"the decoder of {model.name}", way.of(model).decode_raw

        def run(part: slice) -> tuple[Tensor]:
            asked = of_part(options, part)

            def given(some: Tensor) -> Tensor:
                with way.context():
                    return checked_pictures(who, decode(some, space, asked), len(some), model.image).float()

            asks = asked.labels is not None or asked.transform is not None or asked.noise == "random"
            if (
                self.device != "cuda" or asks or model.classes
            ):  # what the processor is asked for is not recorded
                return (given(codes[part]),)
            recordings = self._recordings.setdefault(model.network, Recordings(Recorded))
            return (recordings.run((id(way), space, str(asked)), given, codes[part]),)

        return way.together(f"decode {space} {options.head}", len(codes), run)[0]

    def preview(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str,
        options: DecodeOptions,
        max_side: int | None,
        precision: Precision | None = None,
    ) -> Images:
        """Return pictures in 0..1 that may be smaller, as the model's `preview` gives them; raises as `apply`."""
        who = f"the decoder of {model.name}"

        def drawn() -> Tensor:
            with Blamed(who), torch.inference_mode():
                way = self._way_of(model, codes, space, options, precision or self.precision)
                with way.context():
                    given = way.of(model).preview(self._tensor(codes), space, options, max_side)
                return checked_pictures(who, given, len(codes), ImageSpec(model.image.channels)).float()

        return self._somewhere(model, drawn)

    def estimated_sensitivity(
        self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions
    ) -> np.ndarray | None:
        """Return what a model knows of its dimensions without decoding, float32 `(dim,)`; None where nothing."""
        with Blamed(f"the decoder of {model.name}"), torch.inference_mode():
            self._exactly(model)
            found = model.estimated_sensitivity(self._tensor(codes), space, options)
            return None if found is None else as_array(found.float())

    def encode(self, model: LatentModel, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return mean and log variance (or None), `(N, dim)`, of pictures, uint8 `(N, H, W, C)`; raises as `apply`.

        Codes are computed in float32, whatever the precision: they are kept, and pictures pass.
        """
        who, dim = f"the encoder of {model.name}", model.spaces[model.default_space].dim

        def run(
            encode: Callable[[Tensor], CodeDistribution], batch: Tensor, part: slice
        ) -> tuple[Tensor, ...]:
            said = encode(batch[part])
            both = (said.mean,) if said.logvar is None else (said.mean, said.logvar)
            return tuple(checked_codes(who, values, len(batch[part]), dim) for values in both)

        def encoded() -> tuple[Tensor, ...]:
            with Blamed(who), torch.inference_mode():
                way = self._exactly(model)
                way = way if self.precision == "exact" else replace(way, is_exact=False)
                batch = self._tensor(images.transpose(0, 3, 1, 2)) / 255.0
                return way.together("encode", len(batch), partial(run, way.of(model).encode, batch))

        mean, *logvar = map(as_array, self._somewhere(model, encoded))
        return mean, logvar[0] if logvar else None

    def apply(
        self,
        stage: StageModel,
        images: Images,
        raw: bool = False,
        on_progress: Callable[[float], None] = lambda share: None,
        precision: Precision | None = None,
    ) -> Tensor:
        """Return what a stage makes of pictures in 0..1, clipped to that; `raw`: its own values.

        Raises:
            NetworkError: it failed, or gave something else than pictures of the shape that it says.
        """
        arguments = (images, raw, on_progress, precision or self.precision)
        return self._somewhere(stage, lambda: self._applied(stage, *arguments))

    def _applied(
        self,
        stage: StageModel,
        images: Images,
        raw: bool,
        on_progress: Callable[[float], None],
        precision: Precision,
    ) -> Tensor:
        who = f"the stage {stage.name}"
        with Blamed(who), torch.inference_mode():
            tensor = images.to(self.device) if isinstance(images, Tensor) else self._tensor(images)
            wanted = stage.output_for(ImageSpec(*tensor.shape[1:]))

            def run(way: Way, part: slice) -> tuple[Tensor]:
                with way.context():
                    given = tiles.apply_raw(way.of(stage), tensor[part], on_progress)
                return (checked_pictures(who, given, len(tensor[part]), wanted).float(),)

            def draw(way: Way) -> Tensor:
                return self._unit(stage, run(way, slice(0, 1))[0])

            way = self._way(stage, precision, draw)
            native = way.together(f"apply {tuple(tensor.shape[1:])}", len(tensor), partial(run, way))[0]
            return native if raw else self._unit(stage, native)

    def _somewhere(self, model: LatentModel | StageModel, run: Callable[[], T]) -> T:
        """Run on the device, or on the processor from now on where the device's memory is not enough."""
        try:
            return run()
        except (MemoryError, RuntimeError) as error:
            if self.device == "cpu" or not ran_out_of_memory(error):
                raise
        name = self.device.upper()
        if self.device == "cuda":
            torch.cuda.empty_cache()
        self.device = "cpu"
        self._dtype = getattr(torch, devices.number_type("cpu", "fast"))
        for kept in (self._exact, self._fast, self._recordings, self._tried):
            kept.clear()
        self.on_fallback(
            f"The memory of this machine's {name} is not enough for {model.name}, so the processor draws its "
            "pictures now; close other programs that use the device, and choose it again."
        )
        return run()

    # ---- ways ----

    def interruptible(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str,
        options: DecodeOptions,
        precision: Precision,
        is_overtaken: Callable[[], bool],
    ) -> AbstractContextManager[None]:
        """Return a context in which a network stops between two of its modules once a picture is overtaken."""
        with (
            Blamed(f"the decoder of {model.name}"),
            torch.inference_mode(),
        ):  # a copy made later would keep the hooks
            way = self._somewhere(model, lambda: self._way_of(model, codes, space, options, precision))
        return ways.interruptible(way.network or model.network, is_overtaken)

    def is_quicker(self, model: LatentModel | StageModel) -> bool:
        """Return whether a network is known to run faster than exactly."""
        way = self._fast.get(model.network)
        return way is not None and (way.chain is not None or way.network is not self._exactly(model).network)

    def get_ready(self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions) -> None:
        """Find out how a model runs fast before a hand waits for it, by the first of these codes.

        Where there are previews by one of them, as no more is drawn under a hand.
        """
        if self.precision == "fast" or model.network in self._fast:
            return
        code, first = self._tensor(codes[:1]), of_part(options, slice(0, 1))

        def draw(way: Way) -> Tensor:
            if not model.has_preview:
                return self._unit(model, self._decoded(model, way, code, space, first))
            with way.context():
                return way.of(model).preview(code, space, first, PREVIEW).float()

        with Blamed(f"the decoder of {model.name}"), torch.inference_mode():
            self._way(model, "fast", draw)

    def note(self, model: LatentModel | StageModel) -> str:
        """Return why a network runs exactly although fast was asked for; empty where it does not."""
        way = self._fast.get(model.network) if self.precision == "fast" else None
        return way.note if way is not None else ""

    def number_type(self, model: LatentModel | StageModel, precision: Precision | None = None) -> str:
        """Return what a network's maps are, `float32` or the like."""
        way = self._fast.get(model.network) if (precision or self.precision) == "fast" else None
        return way.number_type if way is not None else "float32"

    def _way_of(
        self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions, precision: Precision
    ) -> Way:
        """Return how a model decodes; where it is to be measured, by the first of these codes."""
        first = of_part(options, slice(0, 1))

        def drawing(code: np.ndarray) -> Draw:
            return lambda way: self._unit(model, self._decoded(model, way, self._tensor(code), space, first))

        others = []
        if precision == "fast" and model.network not in self._fast:
            others = [
                drawing(code[None]) for code in probes(model.spaces[space], count=_COMPARED, options=first)
            ]
        return self._way(model, precision, drawing(codes[:1]), others)

    def _way(
        self,
        model: LatentModel | StageModel,
        precision: Precision,
        draw: Draw,
        others: Sequence[Draw] = (),
    ) -> Way:
        exactly = self._exactly(model)
        if precision == "exact":
            return exactly
        way = self._fast.get(model.network)
        if way is None:
            way = self._fast[model.network] = ways.fast(model.network, self._dtype, exactly, draw, others)
        return way

    def _exactly(self, model: LatentModel | StageModel) -> Way:
        """Return how a network runs exactly; the first time it is moved to the device."""
        way = self._exact.get(model.network)
        if way is None:
            for module in model.modules:
                module.eval().to(self.device)
            way = self._exact[model.network] = ways.exact(model.network)
            way.same = self._tried.setdefault(ways.build(model.network), {})
            if self.device == "cpu" and isinstance(model, LatentModel):
                way.chain = chain_of(model.chain, model.spaces[model.default_space].dim)
        return way

    @staticmethod
    def _unit(model: LatentModel | StageModel, native: Tensor) -> Tensor:
        return model.native_range.to_unit(native).clamp(0, 1)

    def _tensor(self, array: np.ndarray) -> Tensor:
        """Copy an array to the device.

        Always into memory of torch's own: it is aligned, and a matrix product may round in another order
        where its input is not.
        """
        return torch.tensor(array, dtype=torch.float32, device=self.device)

    @contextlib.contextmanager
    def memory_watched(self, model: LatentModel | StageModel) -> Iterator[None]:
        """Return a context that turns memory running out into a `DeviceError`."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not ran_out_of_memory(error):
                raise
            if self.device == "cuda":
                torch.cuda.empty_cache()
            raise DeviceError(
                f"The memory of this machine's {self.device.upper()} is not enough for {model.name}; close "
                "other programs, ask for fewer or smaller pictures, or choose another device."
            ) from error
