"""Keras's layers in the words of the hint `layers`, as the doctor and `info` show them."""

from __future__ import annotations

from typing import Any

from explorer.models.keras_config import Layer
from explorer.models.keras_maths import activation_name, number

_KINDS = {
    "Dense": "linear", "Conv2D": "conv", "Conv1D": "conv1d", "Conv2DTranspose": "convT",
    "Conv1DTranspose": "convT1d", "DepthwiseConv2D": "depthwise", "SeparableConv2D": "separable",
    "BatchNormalization": "bn", "LayerNormalization": "ln", "GroupNormalization": "gn",
    "InstanceNormalization": "in", "UpSampling2D": "up", "Flatten": "flatten", "Embedding": "embedding",
    "MaxPooling2D": "maxpool", "AveragePooling2D": "avgpool", "Dropout": "dropout",
}  # fmt: skip


def layer_words(layer: Layer) -> str:
    """Return one layer in a few words: `convT:k3s2same relu`."""
    config, name = layer.config, layer.class_name
    words = _KINDS.get(name, name.lower())
    if "Conv" in name:
        sizes = _side(config.get("kernel_size")), _side(config.get("strides", 1))
        words += f":k{sizes[0]}s{sizes[1]}{config.get('padding', 'valid')}"
    elif name == "Reshape" and isinstance(config.get("target_shape"), list):
        words = "reshape:" + ",".join(map(str, config["target_shape"]))
    elif name == "UpSampling2D":
        words = f"up:{_side(config.get('size', 2))}{config.get('interpolation', 'nearest')}"
    elif name == "LeakyReLU":
        words = f"lrelu:{number(config.get('alpha', config.get('negative_slope')), 0.3):g}"
    elif name == "Activation":
        return activation_name(config.get("activation"))
    activation = activation_name(config.get("activation")) if "activation" in config else "linear"
    return words if activation == "linear" else f"{words} {activation}"


def _side(value: Any) -> str:
    sizes = value if isinstance(value, list | tuple) else [value]
    return str(sizes[0]) if len(set(map(str, sizes))) == 1 else "x".join(map(str, sizes))
