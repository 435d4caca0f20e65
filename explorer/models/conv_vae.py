"""Small convolutional variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114) of the anime face
article.

Grey 30x30 pictures, 0..255 in and out: two convolutions with pooling down to 5x3x3, two heads, and three
transposed convolutions back, each followed by a ReLU. The article found its pictures softer than those of the
fully connected one.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.sizes import most_said

SIDE = 30
_INNER = 3  # side of the smallest map


@dataclass(frozen=True)
class ConvVaeConfig:
    """Sizes: `widths` are the channels of the two convolutions, from the picture inwards."""

    widths: tuple[int, int] = (10, 5)
    latent_dim: int = 10

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 2:
            raise ValueError("conv-vae has two widths")


class ConvVae(nn.Module):
    """Encoder with two heads, decoder; pictures `(N, 1, 30, 30)` in 0..255."""

    def __init__(self, config: ConvVaeConfig) -> None:
        super().__init__()
        outer, inner = config.widths
        features = inner * _INNER * _INNER
        self.encoder = nn.Sequential(
            nn.Conv2d(1, outer, 5),  # (N, 10, 26, 26)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 10, 13, 13)
            nn.Conv2d(outer, inner, 5, stride=2, padding=1),  # (N, 5, 6, 6)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (N, 5, 3, 3)
            nn.Flatten(),
        )
        self.fcmu = nn.Linear(features, config.latent_dim)
        self.fcvar = nn.Linear(features, config.latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(config.latent_dim, features),
            nn.ReLU(),
            nn.Unflatten(1, (inner, _INNER, _INNER)),
            nn.ConvTranspose2d(inner, outer, 4, stride=2),  # (N, 10, 8, 8)
            nn.ReLU(),
            nn.ConvTranspose2d(outer, 3, 6, stride=3),  # (N, 3, 27, 27)
            nn.ReLU(),
            nn.ConvTranspose2d(3, 1, 4),  # (N, 1, 30, 30)
            nn.ReLU(),
        )
        nn.init.constant_(self.decoder[-2].bias, 128.0)  # type: ignore[arg-type]  # a dead last ReLU never learns

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, `(N, latent_dim)` each."""
        features = self.encoder(images)  # (N, 45)
        return self.fcmu(features), self.fcvar(features)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, 1, 30, 30)`."""
        return self.decoder(codes)


def _wrap(network: ConvVae, config: ConvVaeConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="conv-vae",
        image=ImageSpec(1, SIDE, SIDE),
        native_range=NativeRange(0.0, 255.0),
        spaces=[Space("z", (config.latent_dim,))],
        **described,  # type: ignore[arg-type]
    )


def _recognise(shapes: Shapes) -> ConvVaeConfig | None:
    """Return the sizes that most of the tensors say, as `ConvVae` names them."""
    first, second, third = (f"{name}.weight" for name in ("encoder.0", "encoder.3", "decoder.3"))
    outer = most_said(shapes, (first, 4, 0), ("encoder.0.bias", 1, 0), (second, 4, 1), (third, 4, 1))
    inner = most_said(shapes, (second, 4, 0), ("encoder.3.bias", 1, 0), (third, 4, 0))
    heads = [
        (f"{head}.{part}", rank, 0)
        for head in ("fcmu", "fcvar")
        for part, rank in (("weight", 2), ("bias", 1))
    ]
    latent_dim = most_said(shapes, *heads, ("decoder.0.weight", 2, 1))
    if outer is None or inner is None or latent_dim is None:
        return None
    return ConvVaeConfig((outer, inner), latent_dim)


ARCHITECTURE = Architecture("conv-vae", ConvVaeConfig, ConvVae, _wrap, _recognise)
