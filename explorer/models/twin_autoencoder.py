"""Two decoders that share an encoder, for swapping faces: what one decoder draws of a picture of the other's set.

Convolutions of 5x5 that halve the size lead to a dense bottleneck, which is the code; a dense layer and sub-pixel
convolutions (Shi et al. 2016, arXiv:1609.05158) lead back. The first enlargements are shared, the last ones are each
decoder's own. That encoder and bottleneck see faces of both sets, and a decoder only those of its own, is the design
that became known by its use on films in 2017 ("deepfakes"). How it learns is in `training.twin_autoencoder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture
from explorer.models.base import NO_OPTIONS, DecodeOptions, ImageSpec, LatentModel, Space
from explorer.models.conv_colorizer import BLUE, GREEN, RED
from explorer.models.heads import checked_head

SLOPE = 0.1
"""Of the rectifiers on their negative side."""


@dataclass(frozen=True)
class TwinAutoencoderConfig:
    """Sizes and names.

    Attributes:
        side: of the square pictures; a multiple of 2 to the number of widths.
        channels: 1 for grey, 3 for colour.
        widths: channels of the encoder's convolutions, each of which halves the size.
        ups: channels after the dense layer that leads back, and after each doubling; one more than `widths`.
        shared: how many of the doublings both decoders have in common.
        latent_dim: dimensions of a code.
        heads: names of the two decoders.
        grey: the encoder sees luminance only, so that colours are the decoders' business.
    """

    side: int = 64
    channels: int = 3
    widths: tuple[int, ...] = (32, 64, 128, 128)
    ups: tuple[int, ...] = (192, 128, 64, 48, 16)
    shared: int = 1
    latent_dim: int = 128
    heads: tuple[str, ...] = ("a", "b")
    grey: bool = False

    def __post_init__(self) -> None:
        for name in ("widths", "ups", "heads"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.channels not in (1, 3) or self.side % 2 ** len(self.widths):
            raise ValueError(
                "twin-autoencoder takes pictures of 1 or 3 channels, with a side that its convolutions can halve"
            )
        if (
            not self.widths
            or len(self.ups) != len(self.widths) + 1
            or not 0 <= self.shared <= len(self.widths)
        ):
            raise ValueError(
                "twin-autoencoder has one more entry in ups than in widths, and shares no more doublings than it has"
            )
        if len(set(self.heads)) != 2 or not all(isinstance(name, str) and name for name in self.heads):
            raise ValueError("twin-autoencoder has two heads of different names")

    @property
    def smallest(self) -> int:
        """Side of the smallest map."""
        return self.side >> len(self.widths)


class Doubling(nn.Module):
    """A 3x3 convolution to four times the channels, of which each four neighbours become a square of pixels."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * out, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, width, h, w)` to `(N, out, 2h, 2w)`."""
        return functional.pixel_shuffle(functional.leaky_relu(self.conv(features), SLOPE), 2)


class Encoder(nn.Module):
    """Pictures `(N, C, side, side)` in 0..1 to codes `(N, latent_dim)`."""

    def __init__(self, config: TwinAutoencoderConfig) -> None:
        super().__init__()
        self.grey = config.grey and config.channels == 3
        widths = (1 if self.grey else config.channels, *config.widths)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2, padding=2) for a, b in pairwise(widths))
        self.code = nn.Linear(widths[-1] * config.smallest**2, config.latent_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Return codes."""
        features = luminance(images) if self.grey else images
        for conv in self.convs:
            features = functional.leaky_relu(conv(features), SLOPE)  # (N, widths[i], side / 2, ...)
        return self.code(features.flatten(1))


class Trunk(nn.Module):
    """What both decoders begin with: codes `(N, latent_dim)` to maps."""

    def __init__(self, config: TwinAutoencoderConfig) -> None:
        super().__init__()
        self.shape = (config.ups[0], config.smallest, config.smallest)
        self.dense = nn.Linear(config.latent_dim, config.ups[0] * config.smallest**2)
        self.doublings = _doublings(config.ups[: config.shared + 1])

    def forward(self, codes: Tensor) -> Tensor:
        """Return maps `(N, ups[shared], h, w)`."""
        return self.doublings(functional.leaky_relu(self.dense(codes), SLOPE).reshape(-1, *self.shape))


class Head(nn.Module):
    """One decoder's own part: maps of the trunk to pictures `(N, C, side, side)` in 0..1."""

    def __init__(self, config: TwinAutoencoderConfig) -> None:
        super().__init__()
        self.doublings = _doublings(config.ups[config.shared :])
        self.picture = nn.Conv2d(config.ups[-1], config.channels, 5, padding=2)

    def forward(self, features: Tensor) -> Tensor:
        """Return pictures."""
        return self.picture(self.doublings(features)).sigmoid()


class TwinAutoencoder(nn.Module):
    """Encoder, trunk and two heads; pictures `(N, C, side, side)` in 0..1.

    Weights begin as He et al. 2015 (arXiv:1502.01852) have it: nothing norms the features on their way.
    """

    def __init__(self, config: TwinAutoencoderConfig) -> None:
        super().__init__()
        self.encoder = Encoder(config)
        self.trunk = Trunk(config)
        self.heads = nn.ModuleList(Head(config) for _ in config.heads)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, SLOPE)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def encode(self, images: Tensor) -> tuple[Tensor, None]:
        """Return codes `(N, latent_dim)` of pictures of either set; they are no distributions."""
        return self.encoder(images), None

    def decode(self, codes: Tensor, head: int = 0) -> Tensor:
        """Return pictures by one decoder."""
        return self.heads[head](self.trunk(codes))


def luminance(images: Tensor) -> Tensor:
    """Return the grey `(N, 1, H, W)` of pictures `(N, 3, H, W)`."""
    return torch.einsum("nchw,c->nhw", images, images.new_tensor((RED, GREEN, BLUE)))[:, None]


def _doublings(widths: Sequence[int]) -> nn.Sequential:
    return nn.Sequential(*(Doubling(a, b) for a, b in pairwise(widths)))


class TwinAutoencoderModel(LatentModel):
    """A generator whose option `head` says which decoder draws."""

    network: TwinAutoencoder

    def __init__(self, network: TwinAutoencoder, config: TwinAutoencoderConfig, **described: Any) -> None:
        super().__init__(
            network,
            architecture="twin-autoencoder",
            image=ImageSpec(config.channels, config.side, config.side),
            spaces=[Space("z", (config.latent_dim,), "none")],
            **described,
        )
        self.heads = config.heads
        self.accepts = frozenset({"head"})

    def decode_raw(self, codes: Tensor, space: str = "z", options: DecodeOptions = NO_OPTIONS) -> Tensor:
        """Decode codes `(N, dim)` to pictures `(N, C, H, W)` by one decoder, the first if none is named.

        Raises:
            UsageError: there is no such decoder.
        """
        return self.network.decode(codes.flatten(1), checked_head(self, options.head))


ARCHITECTURE = Architecture("twin-autoencoder", TwinAutoencoderConfig, TwinAutoencoder, TwinAutoencoderModel)
