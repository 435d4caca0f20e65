"""Autoencoders whose codes are maps: with a posterior (AutoencoderKL) or with a book of vectors (VQModel).

Rombach et al. 2021, arXiv:2112.10752 (first stages of latent diffusion); van den Oord et al. 2017, arXiv:1711.00937,
and Esser et al. 2020, arXiv:2012.09841 (vector quantisation). Pictures are -1..1, unclipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.models import Shapes
from explorer.models.map_blocks import Decoder, Encoder, Habit
from explorer.models.map_plan import HalfPlan, half_of

_LOGVAR = (-30.0, 20.0)  # within which a log variance is taken seriously
_MOST_DISTANCES = 1 << 24  # computed at once


@dataclass(frozen=True)
class KlConfig:
    """The plans of both halves and what lies between them.

    Attributes:
        decoder, encoder: the halves; an encoder may be missing.
        before, after: channels into and out of the 1x1 convolutions beside the code, encoder's and decoder's.
        book: count and width of the vectors that codes are replaced by; None where they are not.
        groups, activation: see `map_blocks.Habit`.
    """

    decoder: HalfPlan
    encoder: HalfPlan | None = None
    before: tuple[int, int] | None = None
    after: tuple[int, int] | None = None
    book: tuple[int, int] | None = None
    groups: int = 32
    activation: str = "silu"

    @property
    def latent_channels(self) -> int:
        """Channels of a code."""
        return self.after[0] if self.after else self.decoder.channels_in

    @property
    def channels(self) -> int:
        """Channels of a picture."""
        return self.decoder.channels_out

    @property
    def factor(self) -> int:
        """How many pixels wide one number of a map is."""
        return self.decoder.factor

    @property
    def holds_together(self) -> bool:
        """Whether each part takes what the one before gives."""
        ends = [(self.latent_channels, self.book[1])] if self.book else []
        ends += [(self.after[1], self.decoder.channels_in)] if self.after else []
        ends += [(self.before[0], self.encoder.channels_out)] if self.before and self.encoder else []
        halves = [half for half in (self.decoder, self.encoder) if half is not None]
        return all(one == other for one, other in ends) and all(half.holds_together for half in halves)

    @property
    def codes_of_encoder(self) -> int:
        """How many times the channels of a code the encoder gives: 2 with a log variance; 0 where it does not fit."""
        half = self.encoder
        if half is None or half.channels_in != self.channels or half.factor != self.factor:
            return 0
        given = self.before[1] if self.before else half.channels_out
        return {self.latent_channels: 1, 2 * self.latent_channels: 2}.get(given, 0)


def config_of(shapes: Shapes, groups: int = 32, activation: str = "silu") -> KlConfig | None:
    """Return the sizes of the network that tensors of these shapes belong to; None where they are another's."""
    decoder = half_of(shapes, "decoder")
    book = shapes.get("quantize.embedding.weight", ())
    if decoder is None:
        return None
    return KlConfig(
        decoder=decoder,
        encoder=half_of(shapes, "encoder"),
        before=_one_by_one(shapes, "quant_conv"),
        after=_one_by_one(shapes, "post_quant_conv"),
        book=(book[0], book[1]) if len(book) == 2 else None,
        groups=groups,
        activation=activation,
    )


def _one_by_one(shapes: Shapes, name: str) -> tuple[int, int] | None:
    shape = shapes.get(f"{name}.weight", ())
    return (shape[1], shape[0]) if len(shape) == 4 else None


class Book(nn.Module):
    """The vectors that a code is made of: each place of a map becomes the nearest."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(count, width)

    def forward(self, codes: Tensor) -> Tensor:
        """Return codes `(N, width, h, w)` with the nearest vector at each place."""
        places = codes.movedim(1, -1)  # (N, h, w, width)
        vectors = self.embedding.weight
        parts = places.reshape(-1, vectors.shape[1]).split(max(1, _MOST_DISTANCES // len(vectors)))
        nearest = torch.cat([torch.cdist(part, vectors).argmin(dim=1) for part in parts])
        return vectors[nearest].reshape(places.shape).movedim(-1, 1)


class MapDecoder(nn.Module):
    """`decode` of both kinds."""

    def __init__(self, config: KlConfig) -> None:
        super().__init__()
        habit = Habit(config.groups, config.activation, config.decoder.condition)
        self.config = config
        self.decoder = Decoder(config.decoder, habit)
        self.post_quant_conv = nn.Conv2d(*config.after, 1) if config.after else nn.Identity()
        self.quantize = Book(*config.book) if config.book else nn.Identity()

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, channels, factor * h, factor * w)` of codes `(N, latent_channels, h, w)`."""
        codes = self.quantize(codes)
        return self.decoder(self.post_quant_conv(codes), codes)


class MapAutoencoder(MapDecoder):
    """The same with an encoder."""

    def __init__(self, config: KlConfig) -> None:
        super().__init__(config)
        assert config.encoder is not None
        self.encoder = Encoder(config.encoder, Habit(config.groups, config.activation))
        self.quant_conv = nn.Conv2d(*config.before, 1) if config.before else nn.Identity()

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return mean and log variance of the posterior; without one the code before it is quantised, and None."""
        given = self.quant_conv(self.encoder(images))
        if self.config.codes_of_encoder == 1:
            return given, None
        mean, logvar = given.chunk(2, dim=1)
        return mean, logvar.clamp(*_LOGVAR)


def network(config: KlConfig) -> MapDecoder:
    """Return the network of these sizes, with an encoder where it has one that fits its decoder.

    Raises:
        ValueError: its parts do not fit each other.
    """
    if not config.holds_together:
        raise ValueError("its parts do not fit each other")
    return MapAutoencoder(config) if config.codes_of_encoder else MapDecoder(config)
