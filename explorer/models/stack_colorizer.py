"""Colour for grey faces of 30x30: the second network of the anime face article, a stack of plain layers.

A transposed convolution, a convolution and two linear layers with nothing in between, which are one linear layer for
whoever only uses them: they are folded where that makes them smaller. Grey 0..255 goes in, RGB 0..1 comes out,
without an activation. How it learns is in `training.stack_colorizer`.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, NativeRange, StageModel

SIDE = 30
FEATURES = 5 * 59 * 59
VALUES = 3 * SIDE * SIDE

AT_ONCE = 2048
"""Columns of the folded matrix that are computed at a time: 35 MB beside the result."""


@dataclass(frozen=True)
class StackColorizerConfig:
    """Sizes.

    Attributes:
        hidden: values between the two linear layers.
        folded: whether one linear layer stands for both; `hidden` says nothing then.
    """

    hidden: int = 4500
    folded: bool = False

    def __post_init__(self) -> None:
        if self.hidden < 1:
            raise ValueError("stack-colorizer has at least one hidden value")

    @property
    def gains(self) -> bool:
        """Whether folding leaves fewer weights than there were."""
        return not self.folded and self.hidden * (FEATURES + VALUES) > FEATURES * VALUES


class StackColorizer(nn.Module):
    """Grey `(N, 1, 30, 30)` in 0..255 to colour `(N, 3, 30, 30)` in about 0..1."""

    def __init__(self, config: StackColorizerConfig) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.ConvTranspose2d(1, 10, 5, stride=2),  # (N, 10, 63, 63)
            nn.ReLU(),
            nn.Conv2d(10, 5, 5),  # (N, 5, 59, 59)
            nn.ReLU(),
            nn.Flatten(),
        )
        linears = (
            {"folded": nn.Linear(FEATURES, VALUES)}
            if config.folded
            else {"hidden": nn.Linear(FEATURES, config.hidden), "colour": nn.Linear(config.hidden, VALUES)}
        )
        self.linears = nn.Sequential(OrderedDict(linears))

    def forward(self, images: Tensor) -> Tensor:
        """Return colour pictures."""
        return self.linears(self.features(images)).reshape(-1, 3, SIDE, SIDE)


@torch.no_grad()
def folded(network: StackColorizer) -> StackColorizer:
    """Return a copy with one linear layer in place of two; its results differ by less than 1e-5."""
    hidden, colour = network.linears
    assert isinstance(hidden, nn.Linear)
    assert isinstance(colour, nn.Linear)
    with torch.device("meta"):
        short = StackColorizer(StackColorizerConfig(folded=True))
    short.features = copy.deepcopy(network.features)
    weight = colour.weight.new_empty(VALUES, FEATURES)
    for start in range(0, FEATURES, AT_ONCE):
        columns = slice(start, start + AT_ONCE)
        weight[:, columns] = colour.weight @ hidden.weight[:, columns]
    bias = (colour.weight.double() @ hidden.bias.double() + colour.bias.double()).float()
    short.linears.load_state_dict({"folded.weight": weight, "folded.bias": bias}, assign=True)
    return short.requires_grad_(False).train(network.training)


def stage(network: StackColorizer, **described: Any) -> StageModel:
    """Return the stage of a network as it is."""
    model = StageModel(
        network,
        architecture="stack-colorizer",
        input=ImageSpec(1, SIDE, SIDE),
        output=ImageSpec(3, SIDE, SIDE),
        **described,
    )
    model.input_range = NativeRange(0.0, 255.0)
    return model


def _wrap(network: StackColorizer, config: StackColorizerConfig, **described: Any) -> StageModel:
    return stage(folded(network) if config.gains else network, **described)


# ---- a plain state dict, whatever its names ----

_OWN = {  # name here: shape of the weight, None for any
    "features.0": (1, 10, 5, 5),
    "features.2": (5, 10, 5, 5),
    "linears.hidden": (None, FEATURES),
    "linears.colour": (VALUES, None),
}

_OTHERS = {
    "Sigmoid",
    "Tanh",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "SELU",
    "GELU",
    "SiLU",
    "Softplus",
    "Hardtanh",
    "MaxPool2d",
}
"""Classes of layers between or behind the four that make it another network."""


def _translate(shapes: Shapes, classes: Mapping[str, str]) -> tuple[Any, dict[str, str]] | None:
    """Return sizes and own names of the tensors of four layers of these shapes; None where there is more than those."""
    if not _OTHERS.isdisjoint(classes.values()):
        return None
    weights = {key.removesuffix(".weight"): shape for key, shape in shapes.items() if key.endswith(".weight")}
    found: dict[str, str] = {}
    for own, wished in _OWN.items():
        fitting = [
            name for name, shape in weights.items() if _fits(shape, wished) and name not in found.values()
        ]
        if len(fitting) != 1:
            return None
        found[own] = fitting[0]
    hidden = weights[found["linears.hidden"]][0]
    if len(shapes) != 8 or weights[found["linears.colour"]][1] != hidden:
        return None
    names = dict(_names(found, shapes))
    return (StackColorizerConfig(hidden), names) if len(names) == 8 else None


def _fits(shape: tuple[int, ...], wished: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wished) and all(b in (None, a) for a, b in zip(shape, wished, strict=True))


def _names(found: Mapping[str, str], shapes: Shapes) -> Iterator[tuple[str, str]]:
    for own, name in found.items():
        for part in ("weight", "bias"):
            if f"{name}.{part}" in shapes:
                yield f"{name}.{part}", f"{own}.{part}"


ARCHITECTURE = Architecture(
    "stack-colorizer", StackColorizerConfig, StackColorizer, _wrap, translate=_translate
)
