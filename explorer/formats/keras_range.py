"""The values that a Keras network uses for black and white: from its last activation, or measured by decoding.

Also what the first layers of an encoder expect.
"""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.formats.diagnosis import Guess
from explorer.models.base import NativeRange
from explorer.models.keras_config import Layer
from explorer.models.keras_graph import Network, Value
from explorer.models.keras_layers import IDENTITIES
from explorer.models.keras_maths import activation, activation_name, number
from explorer.models.keras_model import KerasNetwork

_PASSES = {
    "Reshape", "Flatten", "Permute", "Cropping2D", "UpSampling2D", "UpSampling1D", "Resizing", "MaxPooling2D",
    "AveragePooling2D", "RepeatVector", "PixelShuffler",
}  # fmt: skip
_BOUNDS = {"sigmoid": (0.0, 1.0), "hard_sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0),
           "softsign": (-1.0, 1.0), "hard_tanh": (-1.0, 1.0)}  # fmt: skip
_SAMPLES = 64


def stated_range(network: Network, value: Value) -> NativeRange | None:
    """Return the range that the last activation gives a value; None where it gives none."""
    bounds = _bounds(network, value, 0)
    if bounds is None or not bounds[0] < bounds[1]:
        return None
    return NativeRange(*bounds)


def _bounds(network: Network, value: Value, depth: int) -> tuple[float, float] | None:
    step = network.graph.steps[value.step]
    layer = step.layer
    sources = step.sources
    if depth > 40 or step.is_input:
        return None
    bounds = _of_activation(layer)
    if bounds is not None:
        return bounds
    if len(sources) != 1:
        return None
    if layer.class_name in _PASSES or layer.class_name in IDENTITIES or _is_linear(layer):
        return _bounds(network, sources[0], depth + 1)
    inner = _bounds(network, sources[0], depth + 1)
    module = network.module_of(value.step)
    if inner is None or module is None or _has_weights(module):
        return None
    try:
        found = module(torch.tensor([list(inner)]), *step.args[1:], **dict(step.kwargs))
    except (RuntimeError, TypeError, ValueError, IndexError):
        return None
    if not isinstance(found, Tensor) or found.numel() != 2:
        return None
    low, high = sorted(found.flatten().tolist())
    return low, high


def _of_activation(layer: Layer) -> tuple[float, float] | None:
    said = layer.config.get("activation")
    if layer.class_name == "Softmax":
        return 0.0, 1.0
    name = activation_name(said) if said is not None else layer.class_name.lower()
    if layer.class_name == "ReLU" and layer.config.get("max_value") is not None:
        return 0.0, number(layer.config["max_value"], 1.0)
    return _BOUNDS.get(name)


def _is_linear(layer: Layer) -> bool:
    return layer.class_name == "Activation" and activation_name(layer.config.get("activation")) == "linear"


def _has_weights(module: torch.nn.Module) -> bool:
    return any(True for _ in module.parameters())


@torch.inference_mode()
def measured_range(
    network: KerasNetwork, shape: tuple[int, ...], code: str = "linear"
) -> tuple[NativeRange, Guess]:
    """Return the usual range that the values of decoded codes fit, with how sure that is.

    Args:
        network: with its decoder.
        shape: of a code.
        code: the activation that a code leaves in its encoder.
    """
    codes = torch.randn(_SAMPLES, *shape, generator=torch.Generator().manual_seed(0))
    if code in _BOUNDS or code == "relu":
        codes = activation(code)(codes)
    if network.decoding.layout.image.channels * (network.decoding.layout.image.height or 64) ** 2 > 1 << 16:
        codes = codes[:8]
    values = network.decode(codes).flatten()
    values = values[torch.isfinite(values)]
    if not len(values):
        return NativeRange(), Guess("range", "0..1", 0.3, "no decoded value is a number", ("-1..1", "0..255"))
    every = max(1, len(values) // 100_000)
    low, high = (float(values[::every].quantile(part)) for part in (0.01, 0.99))
    return likely_range(low, high)


def likely_range(low: float, high: float) -> tuple[NativeRange, Guess]:
    """Return the usual range that decoded values fit of which 98 % lie between two numbers."""
    told = f"decoded values lie between {low:.3g} and {high:.3g}"
    if high > 20 and low > -0.3 * high:
        return NativeRange(0, 255), Guess("range", "0..255", 0.8, told, ("0..1", "-1..1"))
    if low < -2.5:
        return NativeRange(logits=True), Guess("range", "logits", 0.7, told, ("-1..1", "0..1", "0..255"))
    if low < -0.3:
        return NativeRange(-1, 1), Guess("range", "-1..1", 0.6, told, ("0..1", "logits", "0..255"))
    return NativeRange(), Guess("range", "0..1", 0.8, told, ("-1..1", "0..255", "logits"))


def expected_range(network: Network, picture: Value, native: NativeRange) -> NativeRange | None:
    """Return the range of the pictures that an encoder wants, where its first layer rescales them itself."""
    users = [step for step in network.graph.steps if picture in step.sources]
    if len(users) != 1 or users[0].layer.class_name != "Rescaling":
        return None
    scale = number(users[0].layer.config.get("scale"), 1.0)
    offset = number(users[0].layer.config.get("offset"), 0.0)
    if not scale:
        return None
    low, high = sorted(((0 if offset >= 0 else -1) - offset, 1 - offset))
    return NativeRange(low / scale, high / scale) if scale > 0 else None
