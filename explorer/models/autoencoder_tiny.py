"""Small autoencoders of the same maps: convolutions and ReLU, no norm and no attention (AutoencoderTiny).

They were distilled from those of `autoencoder_kl` (residual blocks after He et al. 2015, arXiv:1512.03385). What
stands where in their rows of layers is told by which places have tensors. Pictures are -1..1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.models import Shapes
from explorer.models.map_blocks import ACTIVATIONS

Kind = Literal["conv", "bare", "block", "gap"]
"""A convolution; one without biases, by which an encoder halves; a residual block; a place without tensors."""

_LIMIT = 3.0  # how far the numbers of a code reach
_PLACE = re.compile(r"(encoder|decoder)\.layers\.(\d{1,3})\.(weight|bias|conv\.0\.weight)$")


@dataclass(frozen=True)
class Place:
    """One place in a row of layers; `width_in` and `width` are 0 in a gap."""

    kind: Kind
    width_in: int = 0
    width: int = 0


@dataclass(frozen=True)
class TinyConfig:
    """The rows of layers, and what no tensor tells.

    Attributes:
        decoder, encoder: the rows; an encoder may be missing.
        activation: within the blocks.
        scale, mode: of what enlarges the maps.
    """

    decoder: tuple[Place, ...]
    encoder: tuple[Place, ...] = ()
    activation: str = "relu"
    scale: int = 2
    mode: str = "nearest"

    @property
    def latent_channels(self) -> int:
        """Channels of a code."""
        return self.decoder[0].width_in

    @property
    def channels(self) -> int:
        """Channels of a picture."""
        return self.decoder[-1].width

    @property
    def factor(self) -> int:
        """How many pixels wide one number of a map is."""
        return self.scale ** sum(place.kind == "gap" for place in self.decoder[2:])

    @property
    def holds_together(self) -> bool:
        """Whether every layer takes what the one before gives."""
        rows = ([place for place in row if place.kind != "gap"] for row in (self.decoder, self.encoder))
        return all(one.width == other.width_in for row in rows for one, other in pairwise(row))

    @property
    def codes_of_encoder(self) -> int:
        """1 where there is an encoder that fits the decoder, else 0."""
        row = self.encoder
        shrinks = 2 ** sum(place.kind == "bare" for place in row)
        ends = (row[0].width_in, row[-1].width, shrinks) if row else ()
        return int(ends == (self.channels, self.latent_channels, self.factor))


def config_of(
    shapes: Shapes, activation: str = "relu", scale: int = 2, mode: str = "nearest"
) -> TinyConfig | None:
    """Return the sizes of the network that tensors of these shapes belong to; None where they are another's."""
    decoder, encoder = _row(shapes, "decoder"), _row(shapes, "encoder")
    if len(decoder) < 3 or decoder[1].kind != "gap" or {decoder[0].kind, decoder[-1].kind} != {"conv"}:
        return None
    return TinyConfig(decoder, encoder, activation, scale, mode)


def _row(shapes: Shapes, part: str) -> tuple[Place, ...]:
    """Return the layers of a half in order, places without tensors as gaps."""
    found: dict[int, Place] = {}
    for key, shape in shapes.items():
        match = _PLACE.match(key)
        if match is None or match[1] != part or len(shape) != 4:
            continue
        has_bias = f"{part}.layers.{match[2]}.bias" in shapes
        kind: Kind = "block" if match[3].startswith("conv") else "conv" if has_bias else "bare"
        found[int(match[2])] = Place(kind, shape[1], shape[0])
    return tuple(found.get(index, Place("gap")) for index in range(max(found, default=-1) + 1))


class Block(nn.Module):
    """Three convolutions, added to what came in."""

    def __init__(self, width_in: int, width: int, activation: str) -> None:
        super().__init__()
        acts = ACTIVATIONS[activation]
        self.conv = nn.Sequential(
            nn.Conv2d(width_in, width, 3, padding=1), acts(),
            nn.Conv2d(width, width, 3, padding=1), acts(),
            nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip
        self.skip = nn.Conv2d(width_in, width, 1, bias=False) if width_in != width else nn.Identity()
        self.fuse = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `(N, width, H, W)`."""
        return self.fuse(self.conv(maps) + self.skip(maps))


class Row(nn.Module):
    """Layers one after the other; in a decoder the first gap is an activation, further ones enlarge."""

    def __init__(self, places: tuple[Place, ...], config: TinyConfig, *, enlarges: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        for index, place in enumerate(places):
            ends = place.width_in, place.width
            if place.kind == "block":
                self.layers.append(Block(*ends, config.activation))
            elif place.kind != "gap":
                bare = place.kind == "bare"
                stride = 2 if bare and not enlarges else 1
                self.layers.append(nn.Conv2d(*ends, 3, stride, padding=1, bias=not bare))
            elif enlarges and index > 1:
                self.layers.append(nn.Upsample(scale_factor=config.scale, mode=config.mode))
            else:
                self.layers.append(ACTIVATIONS[config.activation]())

    def forward(self, maps: Tensor) -> Tensor:
        """Return what leaves the last layer."""
        return self.layers(maps)


class TinyDecoder(nn.Module):
    """`decode` alone."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = Row(config.decoder, config, enlarges=True)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, channels, factor * h, factor * w)` of codes `(N, latent_channels, h, w)`."""
        return self.decoder(torch.tanh(codes / _LIMIT) * _LIMIT) * 2 - 1


class TinyAutoencoder(TinyDecoder):
    """The same with an encoder."""

    def __init__(self, config: TinyConfig) -> None:
        super().__init__(config)
        self.encoder = Row(config.encoder, config, enlarges=False)

    def encode(self, images: Tensor) -> tuple[Tensor, None]:
        """Return codes; it says no variance."""
        return self.encoder((images + 1) / 2), None


def network(config: TinyConfig) -> TinyDecoder:
    """Return the network of these sizes, with an encoder where it has one that fits its decoder.

    Raises:
        ValueError: its layers do not fit each other.
    """
    if not config.holds_together:
        raise ValueError("its layers do not fit each other")
    return TinyAutoencoder(config) if config.codes_of_encoder else TinyDecoder(config)
