"""Small fully connected decoders without torch, for one code at a time.

A network of a few linear layers takes torch some 50 microseconds, most of it spent on its way into each operation;
in numpy it takes 20. What counts more: torch lets go of Python's lock in each operation, and the window's thread,
busy painting, then keeps it. Measured in the window on two cores, slider to pixel fell from 3.5 to 2.6 ms.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

MOST_WEIGHTS = 4_000_000
"""Above that the arithmetic counts, and torch is at home in it."""

_TOLERANCE = 1e-4

Step = Callable[[np.ndarray], np.ndarray]
"""One layer on one vector; it may write into its input, and returns memory that the next call overwrites."""


class Chain:
    """Layers applied to one vector, with the weights of the torch modules themselves (not copies).

    Every call computes in the same memory, so the same code always gives the same bits.

    Args:
        layers: linear layers and what goes between them, in evaluation mode, on the CPU.

    Raises:
        ValueError: a layer is of another kind.
    """

    def __init__(self, layers: nn.Sequential, inputs: int) -> None:
        self._input = _aligned(inputs)
        self._steps: list[Step] = []
        width = inputs
        for layer in layers:
            step, width = _step(layer, width)
            if step is not None:
                self._steps.append(step)

    def __call__(self, code: np.ndarray) -> np.ndarray:
        """Return what the layers make of a vector `(inputs,)`: a new float32 vector."""
        values = self._input
        values[:] = code
        with np.errstate(all="ignore"):  # what is no number is said by whoever looks at the picture
            for step in self._steps:
                values = step(values)
        return values.copy()


def chain_of(layers: object, inputs: int) -> Chain | None:
    """Return the chain that does what `layers` do, or None where it cannot, or would not be faster.

    Its values are compared with torch's once; weights that are not finite stay with torch, too.
    """
    if not isinstance(layers, nn.Sequential) or sum(p.numel() for p in layers.parameters()) > MOST_WEIGHTS:
        return None
    try:
        chain = Chain(layers, inputs)
    except ValueError:
        return None
    probe = np.linspace(-1, 1, inputs, dtype=np.float32)
    with torch.inference_mode():
        expected = layers(torch.tensor(probe[None]))[0].numpy()
    if not np.isfinite(expected).all():
        return None
    room = _TOLERANCE * max(float(np.abs(expected).max(initial=0)), 1e-6)
    return chain if np.abs(chain(probe) - expected).max(initial=0) <= room else None


def _step(layer: nn.Module, width: int) -> tuple[Step | None, int]:
    """Return what a layer does to a vector of `width` numbers, and how wide the vector is then.

    Raises:
        ValueError: it is of no kind known here.
    """
    if isinstance(layer, nn.Linear):
        return _linear(layer), layer.out_features
    if isinstance(layer, _BatchNorm) and layer.running_mean is not None:
        return _normalisation(layer), width
    if isinstance(layer, nn.Identity | nn.Dropout):
        return None, width
    if isinstance(layer, nn.LeakyReLU) and 0 <= layer.negative_slope <= 1:
        return _leaky(layer.negative_slope, width), width
    for kind, step in _IN_PLACE.items():
        if type(layer) is kind:
            return step, width
    raise ValueError(f"no such layer in a chain: {type(layer).__name__}")


def _relu(values: np.ndarray) -> np.ndarray:
    return np.maximum(values, 0.0, out=values)


def _tanh(values: np.ndarray) -> np.ndarray:
    return np.tanh(values, out=values)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    values *= 0.5
    np.tanh(values, out=values)
    values += 1.0
    values *= 0.5
    return values


_IN_PLACE: dict[type[nn.Module], Step] = {nn.ReLU: _relu, nn.Tanh: _tanh, nn.Sigmoid: _sigmoid}


def _linear(layer: nn.Linear) -> Step:
    weight = layer.weight.detach().numpy()  # (out, in), the module's own memory
    bias = None if layer.bias is None else layer.bias.detach().numpy()
    out = _aligned(layer.out_features)

    def step(values: np.ndarray) -> np.ndarray:
        np.dot(weight, values, out=out)
        if bias is not None:
            np.add(out, bias, out=out)
        return out

    return step


def _normalisation(layer: _BatchNorm) -> Step:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = (layer.running_var + layer.eps).rsqrt().detach()
    if layer.weight is not None:
        scale = scale * layer.weight.detach()
    shift = -layer.running_mean * scale
    if layer.bias is not None:
        shift = shift + layer.bias.detach()
    times, plus = scale.numpy(), shift.numpy()

    def step(values: np.ndarray) -> np.ndarray:
        np.multiply(values, times, out=values)
        return np.add(values, plus, out=values)

    return step


def _leaky(slope: float, width: int) -> Step:
    below = _aligned(width)

    def step(values: np.ndarray) -> np.ndarray:
        np.multiply(values, np.float32(slope), out=below)
        return np.maximum(values, below, out=values)

    return step


def _aligned(width: int) -> np.ndarray:
    """Return memory at an address that torch aligned: a product may round in another order elsewhere."""
    return torch.zeros(width).numpy()
