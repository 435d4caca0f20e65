"""Fully connected generator (Goodfellow et al. 2014, arXiv:1406.2661): linear layers and tanh, flat pictures.

One `Sequential`, so the keys are `0.weight`, `2.weight`, ...; with batch norm between the layers it is the
kind that WGAN-GP examples use (Gulrajani et al. 2017, arXiv:1704.00028).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from explorer.models import Architecture
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space

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


ARCHITECTURE = Architecture("fc-gan", FcGanConfig, FcGan, _wrap)
