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

_COUNTED = {
    functional.linear,
    functional.conv2d,
    functional.conv_transpose2d,
    functional.batch_norm,
    functional.interpolate,
}
_LAST_RESORT = 30.0  # seconds of work, for machines or files unlike all that were thought of
_LARGE = 1 << 16  # pixels
_WIDEST = 1 << 22  # values between two layers, for one picture
_DEAREST = 1 << 31  # multiply-adds for one picture


class Work(TorchFunctionMode):
    """Counts the multiply-adds of what is computed while it is entered: `with Work() as work: ...`.

    Args:
        should_stop: what else ends the work.
        shapes: counts what would be computed on tensors without memory, and nothing else.

    Attributes:
        done: multiply-adds so far.
        widest: numbers in the largest tensor that was made.
    """

    def __init__(self, should_stop: Stop | None = None, shapes: bool = False) -> None:
        super().__init__()
        self.done = 0.0
        self.widest = 0
        self._stop = should_stop or (lambda: False)
        self._shapes = shapes
        self._until = thread_time() + _LAST_RESORT

    def until(self, more: float) -> Stop:
        """Return what turns true after so much more work, or when all of it must end."""
        limit = self.done + more
        return lambda: self.done > limit or self._stop() or thread_time() > self._until

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch and count it."""
        made = func(*args, **kwargs) if kwargs else func(*args)
        if self._shapes:
            if isinstance(made, Tensor):
                self.done += _products(func, args, made)
                self.widest = max(self.widest, made.numel())
        elif func in _COUNTED and not made.is_meta:
            self.done += _products(func, args, made)
        return made


def _products(func: Any, args: Any, made: Tensor) -> int:
    if func is functional.linear or func is functional.conv2d:
        return made.numel() * math.prod(args[1].shape[1:])
    if func is functional.conv_transpose2d:
        return int(args[0].numel()) * math.prod(args[1].shape[1:])
    return TOUCHED * made.numel()


def fewer(count: int, config: LayeredConfig) -> int:
    """Return how many pictures are looked at instead of so many, where they are large."""
    pixels = (config.image.height or 1) * (config.image.width or 1)
    return max(min(count, 4), min(count, count * _LARGE // pixels))


def is_sound(config: LayeredConfig, tensors: Mapping[str, Tensor], bounded: bool = True) -> bool:
    """Tell whether a network gives its picture and its encoder takes that, by shapes alone.

    Args:
        config: of the network.
        tensors: of the file, or as many without memory.
        bounded: and whether that takes neither too many numbers nor too much work to be tried.
    """
    empty = {key: torch.empty_like(tensor, device="meta") for key, tensor in tensors.items()}
    labels = None
    if config.labels is not None:
        labels = torch.empty(2, config.labels.classes, device="meta")
    try:
        network = Layered(config, empty)
        with ShapesAlone(), Work(shapes=True) as work:
            drawn = network.decode(torch.empty(2, config.latent_dim, device="meta"), labels)
            codes = network.encode(drawn, labels)[0] if config.heads else None
    except (RuntimeError, ValueError):
        return False
    if bounded and (work.widest > 2 * _WIDEST or work.done > 2 * _DEAREST):
        return False
    return len(drawn) == 2 and (codes is None or tuple(codes.shape) == (2, config.latent_dim))
