"""A described Keras model and its weights to a network that runs, strictly: every layer gets what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from explorer.data.wording import shown
from explorer.formats.keras_layout import Found
from explorer.models.keras_config import KerasError, Layer, Model
from explorer.models.keras_graph import Network, flatten
from explorer.models.keras_weighted import Weighted

_NAMED = 3  # misfits told in a sentence


@dataclass(frozen=True, eq=False)
class Built:
    """A network with its weights, and which of the file's weights went where.

    Attributes:
        network: ready to run.
        weights: the keys of a layer's weights, by the layer's identity.
    """

    network: Network
    weights: Mapping[int, Sequence[Found]]


def build(
    models: Sequence[tuple[tuple[str, ...], Model]], weights: Mapping[int, Sequence[Found]], version: int
) -> Built:
    """Return the network of models with their weights.

    Raises:
        KerasError: a layer's weights are missing or of another shape; they are named.
    """
    tensors: dict[int, list[Tensor]] = {
        key: [entry.tensor for entry in found] for key, found in weights.items()
    }
    network = Network(flatten(models), version, tensors)
    layers = {id(step.layer): step.layer for step in network.graph.steps}
    misfits: list[str] = []
    for key, layer in layers.items():
        module = network.layers_of.get(key)
        if isinstance(module, Weighted):
            misfits += _taken(layer, module, weights.get(key, []))
    if misfits:
        more = f" and {len(misfits) - _NAMED} more" if len(misfits) > _NAMED else ""
        raise KerasError(
            f"does not fit its own description: {'; '.join(misfits[:_NAMED])}{more}; save it again"
        )
    network.eval().requires_grad_(False)
    return Built(network, weights)


def _taken(layer: Layer, module: Weighted, found: Sequence[Found]) -> list[str]:
    """Give a layer its weights; return what does not fit."""
    arrays = [entry.tensor for entry in found]
    if len(arrays) > len(module.wanted) and "Spectral" in layer.class_name:
        arrays = _fitting(arrays, [shape for _, shape in module.wanted])
    if len(arrays) != len(module.wanted):
        wanted = len(module.wanted)
        return [f"its layer {shown(layer.name)} has {len(arrays)} of {wanted} weights"]
    misfits = []
    for (name, shape), array in zip(module.wanted, arrays, strict=True):
        if tuple(array.shape) != shape:
            have, want = ("x".join(map(str, sizes)) or "one number" for sizes in (array.shape, shape))
            misfits.append(f"{name} of its layer {shown(layer.name)} is {have} instead of {want}")
        elif array.dtype.is_complex:
            misfits.append(f"{name} of its layer {shown(layer.name)} holds complex numbers")
    if not misfits:
        module.take(arrays)
    return misfits


def _fitting(arrays: Sequence[Tensor], shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Return the first arrays of the wanted shapes, in order."""
    chosen: list[Tensor] = []
    for array in arrays:
        if len(chosen) < len(shapes) and tuple(array.shape) == shapes[len(chosen)]:
            chosen.append(array)
    return chosen
