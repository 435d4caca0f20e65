"""Keras's layers in the words of the hint `layers`, as people are shown them; others by their class."""

from __future__ import annotations

from typing import Any

from explorer.models.keras_config import Layer
from explorer.models.keras_maths import activation_name, number

_KINDS = {
    "Dense": "linear", "Conv2D": "conv", "Conv1D": "conv1d", "Conv2DTranspose": "convT",
    "Conv1DTranspose": "convT1d", "DepthwiseConv2D": "depthwise", "SeparableConv2D": "separable",
    "BatchNormalization": "bn", "LayerNormalization": "ln", "GroupNormalization": "gn",
    "InstanceNormalization": "in", "UpSampling2D": "upsample", "Flatten": "flatten", "Embedding": "embedding",
    "MaxPooling2D": "maxpool", "AveragePooling2D": "avgpool", "Dropout": "dropout", "PReLU": "prelu", "ReLU": "relu",
    "ELU": "elu", "Softmax": "softmax", "ZeroPadding2D": "pad", "Cropping2D": "cropping",
}  # fmt: skip
_ACTIVATIONS = {
    "hard_sigmoid": "hardsigmoid", "exponential": "exp", "swish": "silu", "log_softmax": "log_softmax",
    "linear": "identity",
}  # fmt: skip


def activation_words(name: str) -> str:
    """Return an activation of Keras as hints say it: `lrelu:0.2` is `leaky_relu:0.2`, `linear` is `identity`."""
    kind, _, option = name.partition(":")
    if kind in ("lrelu", "leaky_relu"):
        return f"leaky_relu:{option or '0.2'}"
    return _ACTIVATIONS.get(name, name)


def layer_words(layer: Layer) -> str:
    """Return one layer in a few words: `convT:k3s2,same relu`; empty for one that does nothing here."""
    config, name = layer.config, layer.class_name
    words = _KINDS.get(name, name.lower())
    if "Conv" in name:
        words += f":k{_side(config.get('kernel_size'))}s{_side(config.get('strides', 1))}"
        words += ",same" if config.get("padding") == "same" else ""
    elif name == "Reshape" and isinstance(config.get("target_shape"), list):
        words = _reshape(config["target_shape"])
    elif name == "Flatten":
        words = "flatten:hwc"
    elif name == "UpSampling2D":
        mode = config.get("interpolation", "nearest")
        words = f"upsample:{_side(config.get('size', 2))}" + ("" if mode == "nearest" else f",{mode}")
    elif name == "BatchNormalization":
        words = f"bn:eps{number(config.get('epsilon'), 1e-3):g}"
    elif name == "LeakyReLU":
        slope = number(config.get("alpha", config.get("negative_slope")), 0.3)
        words = f"leaky_relu:{slope:g}"
    elif name == "Activation":
        return activation_words(activation_name(config.get("activation")))
    elif name == "Dropout":
        return "identity"
    activation = (
        activation_words(activation_name(config.get("activation"))) if "activation" in config else "identity"
    )
    return words if activation == "identity" else f"{words} {activation}"


def _reshape(shape: list[Any]) -> str:
    """Return a reshape; Keras has the channels last."""
    if len(shape) != 3 or not all(isinstance(size, int) and size > 0 for size in shape):
        return "reshape:" + ",".join(map(str, shape))
    height, width, channels = shape
    return f"reshape:{channels},{height},{width},hwc"


def _side(value: Any) -> str:
    sizes = value if isinstance(value, list | tuple) else [value]
    return str(sizes[0]) if len(set(map(str, sizes))) == 1 else "x".join(map(str, sizes))
