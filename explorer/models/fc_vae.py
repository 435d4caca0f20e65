"""Fully connected variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114) for small pictures.

Default sizes are those of the anime face article: 900-512-96-25-10 and 10-25-96-512-900, ReLU between the
layers, no output activation, grey 0..255 in and out. Module names are the article's, so its own state dict
opens unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor, nn

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.flat import flat_picture


@dataclass(frozen=True)
class FcVaeConfig:
    """Sizes: `hidden` from the picture inwards; the decoder mirrors them."""

    channels: int = 1
    height: int = 30
    width: int = 30
    hidden: tuple[int, ...] = (512, 96, 25)
    latent_dim: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))


def _mlp(sizes: Sequence[int]) -> nn.Sequential:
    """Return linear layers with a ReLU between each two; none after the last, neither in encoder nor
    decoder."""
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class FcVae(nn.Module):
    """Encoder with two heads, decoder; pictures `(N, C, H, W)` in 0..255."""

    def __init__(self, config: FcVaeConfig) -> None:
        super().__init__()
        self.shape = (config.channels, config.height, config.width)
        pixels = math.prod(self.shape)
        self.encoder = _mlp((pixels, *config.hidden))
        self.fcmu = nn.Linear(config.hidden[-1], config.latent_dim)
        self.fcvar = nn.Linear(config.hidden[-1], config.latent_dim)
        self.decoder = _mlp((config.latent_dim, *reversed(config.hidden), pixels))

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, `(N, latent_dim)` each."""
        features = self.encoder(images.flatten(1))  # (N, hidden[-1])
        return self.fcmu(features), self.fcvar(features)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, C, H, W)`."""
        return self.decoder(codes).reshape(-1, *self.shape)


def _wrap(network: FcVae, config: FcVaeConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="fc-vae",
        image=ImageSpec(config.channels, config.height, config.width),
        native_range=NativeRange(0.0, 255.0),
        spaces=[Space("z", (config.latent_dim,))],
        **described,  # type: ignore[arg-type]
    )


def _recognise(shapes: Shapes) -> FcVaeConfig | None:
    """Return the sizes where the keys are the article's; a flat output is taken as a square picture, if it
    can be."""
    layers = [key for key in shapes if re.fullmatch(r"encoder\.\d{1,3}\.weight", key)]
    if not {"fcmu.weight", "fcvar.weight", "decoder.0.weight"} <= shapes.keys() or not layers:
        return None
    if any(len(shapes[key]) != 2 for key in (*layers, "fcmu.weight")):
        return None
    layers.sort(key=lambda key: int(key.split(".")[1]))
    channels, height, width = flat_picture(shapes[layers[0]][1])
    hidden = tuple(shapes[key][0] for key in layers)
    return FcVaeConfig(channels, height, width, hidden, latent_dim=shapes["fcmu.weight"][0])


ARCHITECTURE = Architecture("fc-vae", FcVaeConfig, FcVae, _wrap, _recognise)
