"""Networks on one device: they are placed there once, and run on one batch with what they give checked.

What a request is made of, and how pixels come of a network's values, is in `renderer`.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import DeviceError, ran_out_of_memory
from explorer.models.base import DecodeOptions, ImageSpec, LatentModel
from explorer.render import devices, tiles
from explorer.render.chains import Chain, chain_of
from explorer.render.outputs import Blamed, checked_codes, checked_pictures
from explorer.render.pixels import Images, as_array
from explorer.render.requests import Overtaken

if TYPE_CHECKING:
    from explorer.models.base import StageModel

Precision = Literal["exact", "fast"]

_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


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
        self._placed: weakref.WeakSet[Any] = weakref.WeakSet()
        self._chains: weakref.WeakKeyDictionary[Any, Chain] = weakref.WeakKeyDictionary()
        number_type = devices.number_type(self.device, precision)
        self._half = None if number_type == "float32" else getattr(torch, number_type)
        if self.device == "cuda":
            exact = precision == "exact"
            torch.backends.cudnn.deterministic = exact
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not exact

    def native(self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions) -> Images:
        """Return the network's own pictures of codes `(N, dim)`, float32 `(N, C, H, W)`; raises as `apply`."""
        who = f"the decoder of {model.name}"
        with Blamed(who):
            self._place(model)
            chain = self._chains.get(model)
            if chain is not None and len(codes) == 1:
                image = model.image
                return chain(codes[0]).reshape(1, image.channels, image.height or 1, image.width or 1)
            with torch.inference_mode(), self._precision_of(model):
                given = model.decode_raw(self._tensor(codes), space, options)
                return checked_pictures(who, given, len(codes), model.image).float()

    def preview(
        self,
        model: LatentModel,
        codes: np.ndarray,
        space: str,
        options: DecodeOptions,
        max_side: int | None,
    ) -> Images:
        """Return pictures in 0..1 that may be smaller, as the model's `preview` gives them; raises as `apply`."""
        who = f"the decoder of {model.name}"
        with Blamed(who):
            self._place(model)
            with torch.inference_mode(), self._precision_of(model):
                given = model.preview(self._tensor(codes), space, options, max_side)
                return checked_pictures(who, given, len(codes), ImageSpec(model.image.channels)).float()

    def estimated_sensitivity(
        self, model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions
    ) -> np.ndarray | None:
        """Return what a model knows of its dimensions without decoding, float32 `(dim,)`; None where nothing."""
        with Blamed(f"the decoder of {model.name}"), torch.inference_mode():
            self._place(model)
            found = model.estimated_sensitivity(self._tensor(codes), space, options)
            return None if found is None else as_array(found.float())

    def encode(self, model: LatentModel, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return mean and log variance (or None), `(N, dim)`, of pictures, uint8 `(N, H, W, C)`; raises as `apply`."""
        who, count, dim = f"the encoder of {model.name}", len(images), model.spaces[model.default_space].dim
        with Blamed(who):
            self._place(model)
            with torch.inference_mode(), self._precision_of(model):
                said = model.encode(self._tensor(images.transpose(0, 3, 1, 2)) / 255.0)
                mean = as_array(checked_codes(who, said.mean, count, dim))
                if said.logvar is None:
                    return mean, None
                return mean, as_array(checked_codes(who, said.logvar, count, dim))

    def apply(
        self,
        stage: StageModel,
        images: Images,
        raw: bool = False,
        on_progress: Callable[[float], None] = lambda share: None,
    ) -> Tensor:
        """Return what a stage makes of pictures in 0..1, clipped to that; `raw`: its own values.

        Raises:
            NetworkError: it failed, or gave something else than pictures of the shape that it says.
        """
        who = f"the stage {stage.name}"
        with Blamed(who):
            self._place(stage)
            tensor = images.to(self.device) if isinstance(images, Tensor) else self._tensor(images)
            with torch.inference_mode(), self._precision_of(stage):
                wanted = stage.output_for(ImageSpec(*tensor.shape[1:]))
                native = checked_pictures(
                    who, tiles.apply_raw(stage, tensor, on_progress), len(tensor), wanted
                ).float()
                return native if raw else stage.native_range.to_unit(native).clamp(0, 1)

    @contextlib.contextmanager
    def interruptible(
        self, model: LatentModel | StageModel, is_overtaken: Callable[[], bool]
    ) -> Iterator[None]:
        """Return a context in which a network stops between two of its modules once a picture is overtaken.

        Raises:
            Overtaken: it was.
        """

        def look(*_: object) -> None:
            if is_overtaken():
                raise Overtaken

        parts = {part for module in model.modules for part in module.modules()}
        hooks = [part.register_forward_pre_hook(look) for part in parts]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _place(self, model: LatentModel | StageModel) -> None:
        """Move a network to the device, once."""
        if model in self._placed:
            return
        for module in model.modules:
            module.eval().to(self.device)
            if _has_convolutions(module):  # back to plain order, too: another order rounds in another way
                order = torch.channels_last if self.precision == "fast" else torch.contiguous_format
                module.to(memory_format=order)  # type: ignore[call-overload]
        self._placed.add(model)
        if self.device == "cpu" and self.precision == "exact" and isinstance(model, LatentModel):
            chain = chain_of(model.chain, model.spaces[model.default_space].dim)
            if chain is not None:
                self._chains[model] = chain

    def _precision_of(self, model: LatentModel | StageModel) -> AbstractContextManager[Any]:
        """Return a context in which the network computes as `precision` says; half is for convolutions."""
        if self._half is None or not any(_has_convolutions(module) for module in model.modules):
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=self._half)

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


def _has_convolutions(network: nn.Module) -> bool:
    return any(isinstance(module, _CONVOLUTIONS) for module in network.modules())
