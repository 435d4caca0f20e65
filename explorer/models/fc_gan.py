"""Fully connected generator (Goodfellow et al. 2014, arXiv:1406.2661): linear layers and tanh, flat pictures.

One `Sequential`, so the keys are `0.weight`, `2.weight`, ...; with batch norm between the layers it is the
kind that WGAN-GP examples use (Gulrajani et al. 2017, arXiv:1704.00028).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.sizes import flat_picture, most_said

Layer = int | Literal["norm", "act", "skip"]
"""A linear layer's width, batch norm, the activation, or a place that does nothing (dropout)."""


@dataclass(frozen=True)
class FcGanConfig:
    """What the layers are, in order; the last is linear and gives all pixels, tanh follows it.

    Attributes:
        latent_dim: size of a code.
        layers: see `Layer`.
        channels, height, width: of the pictures.
        activation_slope: of the activation below zero: 0 is ReLU, else leaky.
        norm_eps: of batch norm; in no state dict, 0.8 in some widely copied examples.
    """

    latent_dim: int = 64
    layers: tuple[Layer, ...] = (256, "act", 256, "act", 784)
    channels: int = 1
    height: int = 28
    width: int = 28
    activation_slope: float = 0.0
    norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        pixels = self.channels * self.height * self.width
        if not self.layers or len(self.layers) > 100 or self.layers[-1] != pixels:
            raise ValueError(f"the last of 1 to 100 layers has to give {pixels} pixels")


class FcGan(nn.Sequential):
    """Codes `(N, latent_dim)` to pictures `(N, channels, height, width)` in -1..1."""

    def __init__(self, config: FcGanConfig) -> None:
        layers: list[nn.Module] = []
        width = config.latent_dim
        for layer in config.layers:
            if layer == "norm":
                layers.append(nn.BatchNorm1d(width, eps=config.norm_eps))
            elif layer == "act":
                layers.append(nn.LeakyReLU(config.activation_slope) if config.activation_slope else nn.ReLU())
            elif layer == "skip":
                layers.append(nn.Identity())
            else:
                layers.append(nn.Linear(width, int(layer)))
                width = int(layer)
        super().__init__(*layers, nn.Tanh())
        self.shape = (config.channels, config.height, config.width)

    @property
    def chain(self) -> nn.Sequential:
        """All that decoding does, see `LatentModel.chain`."""
        return self

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, channels, height, width)`."""
        return self(codes).reshape(-1, *self.shape)


def _wrap(network: FcGan, config: FcGanConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="fc-gan",
        image=ImageSpec(config.channels, config.height, config.width),
        native_range=NativeRange(-1.0, 1.0),
        spaces=[Space("z", (config.latent_dim,))],
        **described,  # type: ignore[arg-type]
    )


def _recognise(shapes: Shapes) -> FcGanConfig | None:
    """Return the layers that keys `N.weight` tell; a gap is an activation, the next one a dropout."""
    kinds: dict[int, str] = {}
    for key in shapes:
        match = re.fullmatch(r"(\d{1,2})\.(weight|bias|running_mean|running_var)", key)
        if match is None:
            return None
        if match[2].startswith("running"):
            kinds[int(match[1])] = "norm"
        else:
            kinds.setdefault(int(match[1]), "linear")
    linear = [index for index, kind in sorted(kinds.items()) if kind == "linear"]
    if not linear or linear[0] != 0:
        return None
    layers: list[Layer] = []
    for index in range(max(kinds) + 1):
        if index not in kinds:
            layers.append("act" if layers[-1] not in ("act", "skip") else "skip")
        elif kinds[index] == "norm":
            layers.append("norm")
        else:
            given = [(f"{index}.weight", 2, 0), (f"{index}.bias", 1, 0)]
            taken = [(f"{later}.weight", 2, 1) for later in linear if later > index][:1]
            if not taken:  # the pixels: said only twice, so a square picture decides
                given.sort(key=lambda place: flat_picture(most_said(shapes, place) or 1)[1] == 1)
            layers.append(most_said(shapes, *given, *taken) or 0)
    latent_dim, pixels = most_said(shapes, ("0.weight", 2, 1)) or FcGanConfig.latent_dim, layers[-1]
    if not isinstance(pixels, int) or pixels < max(16, latent_dim) or 0 in layers:
        return None
    return FcGanConfig(latent_dim, tuple(layers), *flat_picture(pixels))


def _hypotheses(config: FcGanConfig) -> Sequence[FcGanConfig]:
    """Return what else would have the same tensors: ReLU or leaky ReLU, and the eps of batch norm.

    With batch norm, but none after the first layer, it is most often a descendant of one widely copied
    example, whose `BatchNorm1d(width, 0.8)` sets the eps by mistake, and whose activation is a leaky ReLU of
    0.2.
    """
    slopes = (0.0, 0.2, 0.01) if "act" in config.layers else (0.0,)
    sizes = (1e-5, 0.8) if "norm" in config.layers else (1e-5,)
    found = [
        dataclasses.replace(config, activation_slope=slope, norm_eps=eps) for slope in slopes for eps in sizes
    ]
    if "norm" in config.layers and config.layers[1:2] == ("act",):
        found.sort(key=lambda each: (each.activation_slope, each.norm_eps) != (0.2, 0.8))
    return found


ARCHITECTURE = Architecture("fc-gan", FcGanConfig, FcGan, _wrap, _recognise, _hypotheses)
