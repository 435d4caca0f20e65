"""The tensors of a state dict as layers in their order, for families that tell which tensor is which.

A layer is known by what it has: a weight of four dimensions, a norm's vectors, a small filter a channel. What network
they make is found out by the family (`resnet_names`, `unet_stage`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from explorer.models import Shapes

STATISTICS = ("running_mean", "running_var")
_MOST_LEVELS = 40  # of names in names
_MOST = 2000  # layers


class OtherNetwork(Exception):
    """The tensors are those of another network."""


@dataclass
class NamedLayer:
    """Tensors under one path."""

    path: str
    tensors: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        weight = self.tensors.get("weight")
        names = set(self.tensors)
        if weight is not None and len(weight) == 4 and names <= {"weight", "bias"}:
            return "conv"
        if names == {"filt"} and len(self.tensors["filt"]) == 4:
            return "blur"
        is_norm = names <= {"weight", "bias", *STATISTICS} and all(
            len(shape) == 1 for shape in self.tensors.values()
        )
        return "norm" if is_norm and names else ""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensors["weight"]

    @property
    def names(self) -> list[str]:
        return self.path.split(".")

    @property
    def number(self) -> int | None:
        """Its place in a row of layers."""
        last = self.names[-1]
        return int(last) if last.isdigit() and len(last) < 6 else None


def layers_of(shapes: Shapes) -> list[NamedLayer]:
    """Return the layers in the order of their numbers, names in the file's order.

    Raises:
        OtherNetwork: a tensor is of no layer that such networks have.
    """
    found: dict[str, NamedLayer] = {}
    for key, shape in shapes.items():
        path, _, name = key.rpartition(".")
        found.setdefault(path, NamedLayer(path)).tensors[name] = shape
    if not 6 <= len(found) <= _MOST or not all(
        layer.kind and len(layer.names) < _MOST_LEVELS for layer in found.values()
    ):
        raise OtherNetwork
    order: dict[tuple[str, ...], int] = {}
    for layer in found.values():
        for end in range(1, len(layer.names) + 1):
            order.setdefault(tuple(layer.names[:end]), len(order))

    def place(layer: NamedLayer) -> list[int]:
        names = layer.names
        return [
            int(name) if name.isdigit() and len(name) < 6 else order[tuple(names[: end + 1])]
            for end, name in enumerate(names)
        ]

    return sorted(found.values(), key=place)


def kind_of_norms(norms: Sequence[NamedLayer], classes: Mapping[str, str]) -> tuple[str, bool]:
    """Return `batch` or `instance`, and whether it has weights, of all norms of a network.

    Statistics tell of a batch norm only where there are weights, too: instance norms kept some in early files.

    Args:
        norms: at least one.
        classes: of the submodules by path, where the file tells.
    """
    affine = all("weight" in norm.tensors for norm in norms)
    counts = affine and all(set(STATISTICS) <= set(norm.tensors) for norm in norms)
    return ("batch" if counts and not _says_instance(norms[0], classes) else "instance"), affine


def _says_instance(norm: NamedLayer, classes: Mapping[str, str]) -> bool:
    """Tell whether class or name of a norm says that it is an instance norm."""
    if classes.get(norm.path):
        return "Instance" in classes[norm.path]
    return bool(re.match(r"in(_?norm|stance|\d*$)", norm.names[-1].lower()))
