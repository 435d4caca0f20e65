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
from explorer.models.sizes import flat_picture, most_said


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
    """Return linear layers with a ReLU between each two, none after the last."""
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

    @property
    def chain(self) -> nn.Sequential:
        """All that decoding does, see `LatentModel.chain`."""
        return self.decoder

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
    """Return the sizes where most keys are the article's; a flat output is taken as a square picture."""
    linear = re.compile(r"(encoder|decoder)\.(\d{1,3})\.(weight|bias)|(fcmu|fcvar)\.(weight|bias)")
    matches = [linear.fullmatch(key) for key in shapes]
    numbers = [int(match[2]) for match in matches if match and match[1] == "encoder"]
    depth = max(numbers, default=-1) // 2 + 1
    if matches.count(None) > len(matches) / 2 or not 0 < depth < 50 or any(number % 2 for number in numbers):
        return None

    def width(place: int) -> int | None:
        """The size after `place` layers of the encoder, and before the last `place` of the decoder."""
        before, after = f"encoder.{2 * place - 2}", f"encoder.{2 * place}"
        heads = ("fcmu", "fcvar") if place == depth else (after,)
        back = 2 * (depth - place)  # the decoder's layer that gives this size; the next one takes it
        given = [(f"{name}.{part}", rank, 0) for name in (before, f"decoder.{back}") for part, rank in _PARTS]
        return most_said(
            shapes, *given, *((f"{name}.weight", 2, 1) for name in (*heads, f"decoder.{back + 2}"))
        )

    codes = [(f"{head}.{part}", rank, 0) for head in ("fcmu", "fcvar") for part, rank in _PARTS]
    latent_dim = most_said(shapes, *codes, ("decoder.0.weight", 2, 1))
    pixels, *hidden = (width(place) for place in range(depth + 1))
    if latent_dim is None or pixels is None or None in hidden:
        return None
    return FcVaeConfig(*flat_picture(pixels), tuple(hidden), latent_dim)  # type: ignore[arg-type]


_PARTS = (("weight", 2), ("bias", 1))


ARCHITECTURE = Architecture("fc-vae", FcVaeConfig, FcVae, _wrap, _recognise)
