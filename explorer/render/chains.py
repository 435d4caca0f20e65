"""Small fully connected decoders without torch.

A network of a few linear layers takes torch some 100 microseconds for one code, most of it spent on its way into each
operation; in numpy it takes half of that. What counts more: torch lets go of Python's lock in each operation, and the
window's thread, busy painting, then keeps it. Measured in the window on two cores, slider to pixel fell from 3.5 to
2.6 ms.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

MOST_WEIGHTS = 4_000_000
"""Above that the arithmetic counts, and torch is at home in it."""

_TOLERANCE = 1e-4
_MANY = 32  # codes, from which on more than one thread pays; the threads of a product itself would spin on afterwards

Step = Callable[[np.ndarray], np.ndarray]
"""One layer on codes `(N, width)`; it may write into its input."""


class Chain:
    """Layers applied to codes, with a copy of the weights.

    Args:
        layers: linear layers and what goes between them, in evaluation mode, on the CPU.

    Raises:
        ValueError: a layer is of another kind.
    """

    def __init__(self, layers: nn.Sequential) -> None:
        self._steps = [step for step in map(_step, layers) if step is not None]

    def __call__(self, codes: np.ndarray, *, steady: bool = True) -> np.ndarray:
        """Return what the layers make of codes `(N, inputs)`: `(N, outputs)` float32.

        Args:
            codes: what goes in.
            steady: a code has the same bits alone and among others; without that, one alone takes half the time.
        """
        count, threads = len(codes), torch.get_num_threads()
        values = np.array(codes, np.float32)
        if steady and count == 1:  # a product of matrices, as all others; one row would be a vector's
            return self._run(np.repeat(values, 2, axis=0))[:1]
        if count < _MANY or threads == 1:
            return self._run(values)
        parts = np.array_split(values, threads)
        made: list[np.ndarray] = parts[:1] * threads

        def run(part: int) -> None:
            made[part] = self._run(parts[part])

        others = [threading.Thread(target=run, args=(part,)) for part in range(1, threads)]
        for other in others:
            other.start()
        run(0)
        for other in others:
            other.join()
        return np.concatenate(made)

    def _run(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # what is no number is said by whoever looks at the picture
            for step in self._steps:
                values = step(values)
        return values


def chain_of(layers: object, inputs: int) -> Chain | None:
    """Return the chain that does what `layers` do, or None where it cannot, or would not be faster.

    Its values are compared with torch's once; weights that are not finite stay with torch, too.
    """
    if not isinstance(layers, nn.Sequential) or sum(p.numel() for p in layers.parameters()) > MOST_WEIGHTS:
        return None
    try:
        chain = Chain(layers)
    except ValueError:
        return None
    probe = np.linspace(-1, 1, inputs, dtype=np.float32)[None]
    with torch.inference_mode():
        expected = layers(torch.tensor(probe)).numpy()
    if not np.isfinite(expected).all():
        return None
    room = _TOLERANCE * max(float(np.abs(expected).max(initial=0)), 1e-6)
    made = (chain(probe), chain(probe, steady=False))
    return chain if all(np.abs(values - expected).max(initial=0) <= room for values in made) else None


def _step(layer: nn.Module) -> Step | None:
    """Return what a layer does; None for nothing.

    Raises:
        ValueError: it is of no kind known here.
    """
    if isinstance(layer, nn.Identity | nn.Dropout):
        return None
    if isinstance(layer, nn.Linear):
        return _linear(layer)
    if isinstance(layer, _BatchNorm) and layer.running_mean is not None:
        return _normalisation(layer)
    if isinstance(layer, nn.LeakyReLU) and 0 <= layer.negative_slope <= 1:
        return _leaky(layer.negative_slope)
    for kind, step in _IN_PLACE.items():
        if type(layer) is kind:
            return step
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
    weight = layer.weight.detach().numpy()  # (out, in)
    turned = np.ascontiguousarray(weight.T)  # (in, out): several times as fast
    bias = None if layer.bias is None else layer.bias.detach().numpy()

    def step(values: np.ndarray) -> np.ndarray:
        made = values @ turned if len(values) > 1 else np.dot(weight, values[0])[None]
        return made if bias is None else np.add(made, bias, out=made)

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


def _leaky(slope: float) -> Step:
    def step(values: np.ndarray) -> np.ndarray:
        return np.maximum(values, values * np.float32(slope), out=values)

    return step
