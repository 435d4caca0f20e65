"""The convolutional variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114) of the book Generative Deep
Learning (D. Foster 2019, chapter 3).

Convolutions of 3x3, each with a stride of its own, down to a flat row; two heads; a dense layer and transposed
convolutions that mirror them back, the last one with a sigmoid. LeakyReLU everywhere, batch norm and dropout where
asked for. Residual blocks (He et al. 2016, arXiv:1512.03385) in the decoder are an addition to the book.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture
from explorer.models.base import ImageSpec, LatentModel, Space

SLOPE = 0.3
"""Of LeakyReLU, as Keras has it where none is given."""

_MOST_LAYERS = 20


@dataclass(frozen=True)
class GdlVaeConfig:
    """Sizes, the book's for digits.

    Attributes:
        channels, side: of the pictures; the product of the strides divides the side.
        widths, strides: of each convolution, from the picture inwards; the decoder mirrors them.
        latent_dim: dimensions of a code.
        norm: whether batch norm follows each convolution.
        dropout: the share of values dropped after each convolution while training.
        residual: whether each inner layer of the decoder is followed by a residual block.
    """

    channels: int = 1
    side: int = 28
    widths: tuple[int, ...] = (32, 64, 64, 64)
    strides: tuple[int, ...] = (1, 2, 2, 1)
    latent_dim: int = 2
    norm: bool = False
    dropout: float = 0.0
    residual: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        object.__setattr__(self, "strides", tuple(self.strides))
        if not 0 < len(self.widths) == len(self.strides) <= _MOST_LAYERS:
            raise ValueError("gdl-vae has as many strides as widths")
        if self.side % math.prod(self.strides):
            raise ValueError("the strides of gdl-vae divide the side")
        if not 0 <= self.dropout < 1:
            raise ValueError("gdl-vae drops a share below 1")

    @property
    def inner(self) -> tuple[int, int, int]:
        """The shape of the innermost feature map."""
        side = self.side // math.prod(self.strides)
        return self.widths[-1], side, side


def _after(width: int, config: GdlVaeConfig) -> Iterator[nn.Module]:
    """Yield what follows a convolution."""
    if config.norm:
        yield nn.BatchNorm2d(width)
    yield nn.LeakyReLU(SLOPE)
    if config.dropout:
        yield nn.Dropout(config.dropout)


class _Residual(nn.Module):
    """Two convolutions beside a way around them."""

    def __init__(self, width: int, config: GdlVaeConfig) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            *_after(width, config),
            nn.Conv2d(width, width, 3, padding=1),
            *([nn.BatchNorm2d(width)] if config.norm else []),
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.leaky_relu(features + self.path(features), SLOPE)


def _encoder(config: GdlVaeConfig) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = config.channels
    for width, stride in zip(config.widths, config.strides, strict=True):
        layers += [nn.Conv2d(before, width, 3, stride, padding=1), *_after(width, config)]
        before = width
    return nn.Sequential(*layers, nn.Flatten())


def _decoder(config: GdlVaeConfig) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.Linear(config.latent_dim, math.prod(config.inner)),
        nn.Unflatten(1, config.inner),
    ]
    before = config.widths[-1]
    for width, stride in zip(config.widths[-2::-1], config.strides[:0:-1], strict=True):
        layers += [_up(before, width, stride), *_after(width, config)]
        layers += [_Residual(width, config)] if config.residual else []
        before = width
    return nn.Sequential(*layers, _up(before, config.channels, config.strides[0]))


def _up(before: int, width: int, stride: int) -> nn.Module:
    """Return what makes each side `stride` times as long."""
    return nn.ConvTranspose2d(before, width, 3, stride, padding=1, output_padding=stride - 1)


class GdlVae(nn.Module):
    """Encoder with two heads, decoder; pictures `(N, C, S, S)` in 0..1."""

    def __init__(self, config: GdlVaeConfig) -> None:
        super().__init__()
        features = math.prod(config.inner)
        self.encoder = _encoder(config)
        self.mean = nn.Linear(features, config.latent_dim)
        self.logvar = nn.Linear(features, config.latent_dim)
        self.decoder = _decoder(config)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, `(N, latent_dim)` each."""
        features = self.encoder(images)  # (N, width * side * side)
        return self.mean(features), self.logvar(features)

    def logits(self, codes: Tensor) -> Tensor:
        """Return what the sigmoid is taken of, `(N, C, S, S)`."""
        return self.decoder(codes)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, C, S, S)`."""
        return self.logits(codes).sigmoid()


def _wrap(network: GdlVae, config: GdlVaeConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="gdl-vae",
        image=ImageSpec(config.channels, config.side, config.side),
        spaces=[Space("z", (config.latent_dim,))],
        **described,  # type: ignore[arg-type]
    )


ARCHITECTURE = Architecture("gdl-vae", GdlVaeConfig, GdlVae, _wrap)
