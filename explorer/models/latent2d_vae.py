"""The variational autoencoder (Kingma & Welling 2013, arXiv:1312.6114) that Keras tutorials draw digits with: two
latent dimensions, so that the whole latent space is one picture.

Four convolutions, a dense layer of 32, two heads; back by one dense layer, a transposed convolution and a convolution
with a sigmoid. The tutorial (F. Chollet, Deep Learning with Python, 2017, section 8.4) takes `exp(log_var)` for the
standard deviation when it draws codes; the paper's is `exp(0.5 log_var)`, and so it is here.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from explorer.models import Architecture
from explorer.models.base import ImageSpec, LatentModel, Space

_OUTER, _INNER = 32, 64  # channels at full and at half size


@dataclass(frozen=True)
class Latent2dVaeConfig:
    """Sizes: `side` is height and width, an even number; `hidden` the dense layer's width."""

    channels: int = 1
    side: int = 28
    hidden: int = 32
    latent_dim: int = 2

    def __post_init__(self) -> None:
        if self.side % 2:
            raise ValueError("latent2d-vae has an even side")


class Latent2dVae(nn.Module):
    """Encoder with two heads, decoder; pictures `(N, C, S, S)` in 0..1."""

    def __init__(self, config: Latent2dVaeConfig) -> None:
        super().__init__()
        half = config.side // 2
        features = _INNER * half * half
        self.encoder = nn.Sequential(
            nn.Conv2d(config.channels, _OUTER, 3, padding=1),  # (N, 32, 28, 28)
            nn.ReLU(),
            nn.Conv2d(_OUTER, _INNER, 3, stride=2, padding=1),  # (N, 64, 14, 14)
            nn.ReLU(),
            nn.Conv2d(_INNER, _INNER, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_INNER, _INNER, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(features, config.hidden),
            nn.ReLU(),
        )
        self.mean = nn.Linear(config.hidden, config.latent_dim)
        self.logvar = nn.Linear(config.hidden, config.latent_dim)
        self.decoder = nn.Sequential(
            nn.Linear(config.latent_dim, features),
            nn.ReLU(),
            nn.Unflatten(1, (_INNER, half, half)),  # (N, 64, 14, 14)
            nn.ConvTranspose2d(_INNER, _OUTER, 3, stride=2, padding=1, output_padding=1),  # (N, 32, 28, 28)
            nn.ReLU(),
            nn.Conv2d(_OUTER, config.channels, 3, padding=1),  # (N, 1, 28, 28)
        )

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance, `(N, latent_dim)` each."""
        features = self.encoder(images)  # (N, 32)
        return self.mean(features), self.logvar(features)

    def logits(self, codes: Tensor) -> Tensor:
        """Return what the sigmoid is taken of, `(N, C, S, S)`: the likelihood is steadier computed from that."""
        return self.decoder(codes)

    def decode(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, C, S, S)`."""
        return self.logits(codes).sigmoid()


def _wrap(network: Latent2dVae, config: Latent2dVaeConfig, **described: object) -> LatentModel:
    return LatentModel(
        network,
        architecture="latent2d-vae",
        image=ImageSpec(config.channels, config.side, config.side),
        spaces=[Space("z", (config.latent_dim,))],
        **described,  # type: ignore[arg-type]
    )


ARCHITECTURE = Architecture("latent2d-vae", Latent2dVaeConfig, Latent2dVae, _wrap)
