"""The encoder among chains of Keras weights: from a picture to one or two heads as wide as the code."""

from __future__ import annotations

import math
from collections.abc import Sequence

from explorer.formats.keras_builder import Builder, add_between
from explorer.formats.keras_layout import Found
from explorer.formats.keras_path import KERNELS, RECTIFIES, Groups, groups_of
from explorer.formats.keras_units import Chain, Unit
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import Call, Layer, Model, Ref

_MOST_CLASSES = 100  # in a row beside a flat picture


def encoder_of(
    found: Sequence[Chain], hints: Hints, latent: int | None, image: tuple[int, int, int] | None
) -> tuple[Model, dict[int, Sequence[Found]]] | None:
    """Return the encoder among chains: from a picture to one or two heads as wide as the code."""
    if image is None and hints.image and hints.image.height and hints.image.width:
        image = hints.image.channels, hints.image.height, hints.image.width
    if image is None:
        return None
    for chain in found:
        units = [unit for unit in chain.units if unit.kind in (*KERNELS, "bn", "pool", *RECTIFIES)]
        made = _of_chain(chain, units, latent, image)
        if made is not None:
            return made
    return None


def _of_chain(
    chain: Chain, units: Sequence[Unit], latent: int | None, image: tuple[int, int, int]
) -> tuple[Model, dict[int, Sequence[Found]]] | None:
    channels, rows, columns = image
    convolutions: Groups = []
    dense: Groups = []
    width = channels
    groups = groups_of(units)
    if not chain.is_ordered:
        groups.sort(key=lambda group: (group[0].kind == "dense", group[0].order))
    for unit, after in groups:
        if unit.kind == "conv" and not dense and unit.width_in == width:
            convolutions.append((unit, after))
            width = unit.width_out
        elif unit.kind == "dense":
            dense.append((unit, after))
    trunk, heads = _heads(dense, latent, math.prod(image) if not convolutions else None)
    if not heads:
        return None
    first = (trunk[0][0] if trunk else heads[0]).width_in
    strides = _encoder_strides(convolutions, first, (rows, columns))
    if strides is None:
        return None
    return _encoder_model(image, convolutions, strides, trunk, heads)


def _heads(dense: Groups, latent: int | None, pixels: int | None) -> tuple[Groups, list[Unit]]:
    """Return the dense layers before the heads, and the heads."""
    trunk: Groups = []
    width = pixels
    for place, (unit, after) in enumerate(dense):
        following = dense[place + 1][0] if place + 1 < len(dense) else None
        if width is not None and not width <= unit.width_in <= width + (0 if place else _MOST_CLASSES):
            return [], []
        is_pair = following is not None and following.kernel == unit.kernel and unit.width_out <= 1024
        if (latent is None and is_pair) or unit.width_out == latent:
            return trunk, [unit, following] if is_pair and following is not None else [unit]
        if latent is None and following is None:
            return trunk, [unit]
        trunk.append((unit, after))
        width = unit.width_out
    return [], []


def _encoder_strides(convolutions: Groups, first: int, sides: tuple[int, int]) -> list[int] | None:
    """Return the strides that lead from the picture to the first dense layer; None where none do."""
    if not convolutions:
        return []
    channels = convolutions[-1][0].width_out
    for count in range(len(convolutions), -1, -1):
        strides = [2 if place < count else 1 for place in range(len(convolutions))]
        rows, columns = sides
        for stride, (_, after) in zip(strides, convolutions, strict=True):
            rows, columns = -(-rows // stride), -(-columns // stride)
            for unit in after:
                if unit.kind == "pool":
                    rows, columns = rows // 2, columns // 2
        if rows * columns * channels == first:
            return strides
    return None


def _encoder_model(
    image: tuple[int, int, int],
    convolutions: Groups,
    strides: Sequence[int],
    trunk: Groups,
    heads: Sequence[Unit],
) -> tuple[Model, dict[int, Sequence[Found]]]:
    builder = Builder()
    for (unit, after), stride in zip(convolutions, strides, strict=True):
        builder.kernel(unit, stride)
        add_between(builder, after, _encoder_activation(after), False, True)
        for pool in after:
            if pool.kind == "pool":
                builder.add("MaxPooling2D", {"pool_size": [2, 2]})
    builder.add("Flatten", {})
    for unit, after in trunk:
        builder.kernel(unit)
        add_between(builder, after, _encoder_activation(after), False, True)
    chain = list(builder.layers)
    for unit in heads:
        builder.kernel(unit)
    given = Layer("input", "InputLayer", {"batch_input_shape": [None, image[1], image[2], image[0]]})
    layers, last = [given], given.name
    inputs = [Ref(given.name, 0, 0)]
    first = (trunk[0][0] if trunk else heads[0]).width_in
    classes = 0 if convolutions else first - math.prod(image)
    for place, layer in enumerate(builder.layers):
        refs = [Ref(last, 0, 0)]
        if classes and layer.class_name == "Dense" and len(inputs) == 1:
            layers.append(Layer("label", "InputLayer", {"batch_input_shape": [None, classes]}))
            inputs.append(Ref("label", 0, 0))
            layers.append(Layer("both", "Concatenate", {}, (Call(([*refs, inputs[1]],), {}),)))
            refs = [Ref("both", 0, 0)]
        layer.calls = (Call(tuple(refs), {}),)
        layer.name = f"{place}/{layer.name}"
        last = layer.name if place < len(chain) else last
        layers.append(layer)
    outputs = tuple(Ref(layer.name, 0, 0) for layer in builder.layers[len(chain) :])
    model = Model("encoder", "Functional", tuple(layers), tuple(inputs), outputs)
    return model, builder.weights


def _encoder_activation(after: Sequence[Unit]) -> str:
    return "lrelu:0.2" if any(unit.kind == "lrelu" for unit in after) else "relu"
