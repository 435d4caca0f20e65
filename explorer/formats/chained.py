"""A generator whose layers a file states from the first to the last, to a model: TorchScript, exports, whole modules.

Nothing is guessed but what is not in layers: what codes are drawn from, and black and white where no activation
bounds the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import torch
from torch import Tensor

from explorer.errors import CheckpointError
from explorer.formats import described
from explorer.formats.chains import NotAChain
from explorer.formats.reader import Reading
from explorer.formats.state_dict import Weights
from explorer.models.base import ImageSpec, LatentModel, NativeRange
from explorer.models.layer_modules import sequence
from explorer.models.layered import LayeredConfig
from explorer.models.layers import Layer
from explorer.models.shapes_alone import ShapesAlone
from explorer.models.sizes import flat_picture

_UNIT = ("sigmoid", "hardsigmoid", "softmax")
_SIGNED = ("tanh", "hardtanh", "softsign")
_TRIED = 8  # random codes, to see what a picture without bounds looks like
_MOST_VALUES = 1 << 26  # of one code, behind any layer
_LARGE = 20.0  # values that are neither 0..1 nor -1..1


def model_of(
    layers: Sequence[Layer],
    tensors: Mapping[str, Tensor],
    reading: Reading,
    *,
    format_name: str = "torch",
    notes: Sequence[str] = (),
) -> LatentModel:
    """Return the model of a chain of layers.

    Raises:
        NotAChain: it does not go from a code to a picture.
        CheckpointError: hints ask for another picture.
    """
    config = config_of(layers, tensors, reading.hints.image)
    found = Weights(dict(tensors))
    return described.stated(config, found, reading, format_name=format_name, notes=notes)


def config_of(
    layers: Sequence[Layer], tensors: Mapping[str, Tensor], image: ImageSpec | None = None
) -> LayeredConfig:
    """Return the description of a chain that goes from a code to a picture.

    Raises:
        NotAChain: it does not.
    """
    width, layers = _entrance(tuple(layers), tensors)
    try:
        _check_sizes(layers, tensors, width)
        network = sequence(layers, {key: tensor.float() for key, tensor in tensors.items()}).eval()
        with torch.inference_mode():
            drawn = network(torch.randn(_TRIED, width, generator=torch.Generator().manual_seed(0)))
    except (ValueError, RuntimeError, TypeError, KeyError, CheckpointError) as error:
        raise NotAChain("its layers do not fit each other") from error
    picture = _picture(tuple(drawn.shape[1:]), image)
    if prod((picture.channels, picture.height or 1, picture.width or 1)) <= width:
        raise NotAChain("it draws no more than it is given")
    return LayeredConfig(width, picture, layers, native_range=_range(layers, drawn))


def _check_sizes(layers: Sequence[Layer], tensors: Mapping[str, Tensor], width: int) -> None:
    """Raise `NotAChain` where anything on the way is larger than a picture can be; no memory is used for that."""
    empty = {
        key: torch.empty_like(tensor, device="meta", dtype=torch.float32) for key, tensor in tensors.items()
    }
    values = torch.empty(1, width, device="meta")
    for module in sequence(layers, empty).eval():
        with ShapesAlone():
            values = module(values)
        if values.numel() > _MOST_VALUES:
            raise NotAChain("it draws far larger pictures than any network")


def _entrance(layers: tuple[Layer, ...], tensors: Mapping[str, Tensor]) -> tuple[int, tuple[Layer, ...]]:
    """Return how wide a code is, and the layers with the shape that the first of them wants."""
    first = next((layer for layer in layers if layer.kind in ("linear", "conv", "convT")), None)
    if first is None:
        raise NotAChain("it has no weights")
    weight = tensors[f"{first.key}.weight"]
    before = layers[: layers.index(first)]
    if any(layer.kind not in ("reshape", "flatten", "scale", "identity") for layer in before):
        raise NotAChain("it does not begin with a layer")
    if first.kind == "linear":
        return weight.shape[1], layers
    shape = next((layer.options["shape"] for layer in before if layer.kind == "reshape"), None)
    if shape is not None:
        return prod(shape), layers
    width = weight.shape[1] * first.get("groups", 1) if first.kind == "conv" else weight.shape[0]
    if width <= 4:
        raise NotAChain("it takes pictures")
    return width, (Layer("reshape", "", {"shape": (width, 1, 1)}), *layers)


def _picture(shape: tuple[int, ...], image: ImageSpec | None) -> ImageSpec:
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return ImageSpec(*shape)
    if len(shape) != 1:
        raise NotAChain("what leaves it is no picture")
    if image is not None and prod((image.channels, image.height or 1, image.width or 1)) == shape[0]:
        return image
    channels, height, width = flat_picture(shape[0])
    if height == 1:
        raise NotAChain("what leaves it is no picture")
    return ImageSpec(channels, height, width)


def _range(layers: Sequence[Layer], drawn: Tensor) -> NativeRange:
    """Return black and white: by the last activation, or else by the pictures of random codes."""
    last = next(
        (layer.kind for layer in reversed(layers) if layer.kind not in ("reshape", "flatten", "crop")), ""
    )
    if last in _UNIT:
        return NativeRange(0.0, 1.0)
    if last in _SIGNED:
        return NativeRange(-1.0, 1.0)
    some = drawn.flatten()[:: 1 + drawn.numel() // (1 << 20)]
    low, high = (float(some.quantile(q)) for q in (0.02, 0.98))
    if high > _LARGE:
        return NativeRange(0.0, 255.0)
    return NativeRange(-1.0, 1.0) if low < -0.3 else NativeRange(0.0, 1.0)
