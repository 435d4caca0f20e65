"""How much has been computed, in multiply-adds: what is found must not depend on how busy a machine is.

What the work is spent on is decided where it is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from time import thread_time
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from explorer.models.layered import Layered, LayeredConfig
from explorer.models.shapes_alone import ShapesAlone

Stop = Callable[[], bool]

TOUCHED = 8
"""Multiply-adds that cost as much as a function of one number."""

_BLOCK = 16  # channels that a convolution works on at a time, however few there are
_CALL = 1 << 17  # multiply-adds that cost as much as calling a function
_LAST_RESORT = 30.0  # seconds of work, for machines or files unlike all that were thought of
_LARGE = 1 << 16  # pixels
_WIDEST = 1 << 22  # values between two layers, for one picture
_DEAREST = 1 << 30  # multiply-adds for one picture
_DRAWN = 4e9  # multiply-adds for some pictures


class Work(TorchFunctionMode):
    """Counts the multiply-adds of what is computed while it is entered: `with Work() as work: ...`.

    Args:
        should_stop: what else ends the work.
        shapes: counts what would be computed on tensors without memory, and nothing else.

    Attributes:
        done: multiply-adds so far.
        calls: functions that were called.
        widest: numbers in the largest tensor that was made.
    """

    def __init__(self, should_stop: Stop | None = None, shapes: bool = False) -> None:
        super().__init__()
        self.done = 0.0
        self.calls = 0
        self.widest = 0
        self._stop = should_stop or (lambda: False)
        self._shapes = shapes
        self._until = thread_time() + _LAST_RESORT

    def until(self, more: float) -> Stop:
        """Return what turns true after so much more work, or when all of it must end."""
        limit = self.spent + more
        return lambda: self.spent > limit or self._stop() or thread_time() > self._until

    @property
    def spent(self) -> float:
        """Multiply-adds that all of it has cost so far, calls as well."""
        return self.done + _CALL * self.calls

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch and count it."""
        made = func(*args, **kwargs) if kwargs else func(*args)
        if getattr(func, "__name__", "") == "__get__":  # a shape
            return made
        self.calls += 1
        if isinstance(made, Tensor) and made.is_meta == self._shapes:
            self.done += _products(func, args, made)
            self.widest = max(self.widest, made.numel())
        return made


def _products(func: Any, args: Any, made: Tensor) -> int:
    """Return what a function costs, in multiply-adds: of many channels; of few, what it takes as long as."""
    if func is functional.linear:
        return made.numel() * (int(args[1].shape[-1]) + TOUCHED)
    if func is functional.conv2d:
        return _blocks(made) * (math.prod(args[1].shape[1:]) + TOUCHED)
    if func is functional.conv_transpose2d:
        _, outputs, *kernel = args[1].shape
        return _blocks(args[0]) * max(outputs, _BLOCK) * math.prod(kernel) + TOUCHED * made.numel()
    return TOUCHED * made.numel()


def _blocks(maps: Tensor) -> int:
    """Return how many numbers are in maps `(..., C, H, W)` of at least as many channels as are worked on."""
    channels = int(maps.shape[-3])
    return maps.numel() // max(channels, 1) * max(channels, _BLOCK)


def fewer(count: int, config: LayeredConfig) -> int:
    """Return how many pictures are looked at instead of so many, where they are large."""
    pixels = (config.image.height or 1) * (config.image.width or 1)
    return max(min(count, 4), min(count, count * _LARGE // pixels))


def drawn(network: Layered, codes: Tensor, labels: Tensor | None = None) -> Tensor:
    """Return the pictures of as many codes, from the first on, as take little work; of two at least."""
    with Work() as work:
        first = network.decode(codes[:2], None if labels is None else labels[:2])
    count = int(2 * _DRAWN / max(work.done, 1.0))
    if min(count, len(codes)) <= 2:
        return first
    return torch.cat((first, network.decode(codes[2:count], None if labels is None else labels[2:count])))


def price(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> float:
    """Return the multiply-adds of one picture, and of its way back where there is an encoder.

    Raises:
        ValueError, RuntimeError: the network gives no picture, or its encoder does not take it.
    """
    return _shaped(config, tensors).done / 2


def without_memory(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors of the same shapes that hold no numbers."""
    return {  # not by `empty_like`, which imports the compiler of torch
        key: tensor if tensor.is_meta else torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
        for key, tensor in tensors.items()
    }


def is_sound(config: LayeredConfig, tensors: Mapping[str, Tensor], bounded: bool = True) -> bool:
    """Tell whether a network gives its picture and its encoder takes that, by shapes alone.

    Args:
        config: of the network.
        tensors: of the file, or as many without memory.
        bounded: and whether that takes neither too many numbers nor too much work to be tried.
    """
    try:
        work = _shaped(config, tensors)
    except (RuntimeError, ValueError):
        return False
    return not bounded or (work.widest <= 2 * _WIDEST and work.done <= 2 * _DEAREST)


def _shaped(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> Work:
    """Return what two pictures and their way back would take."""
    network = Layered(config, without_memory(tensors))
    labels = torch.empty(2, config.labels.classes, device="meta") if config.labels else None
    with ShapesAlone(), Work(shapes=True) as work:
        pictures = network.decode(torch.empty(2, config.latent_dim, device="meta"), labels)
        codes = network.encode(pictures, labels)[0] if config.heads else None
    if len(pictures) != 2 or (codes is not None and tuple(codes.shape) != (2, config.latent_dim)):
        raise ValueError(f"the network makes {tuple(pictures.shape)} of two codes")
    return work
