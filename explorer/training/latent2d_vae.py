"""`train latent2d-vae`: digits in a plane, as the Keras tutorials of the VAE draw them.

Loss per picture, in nats: the binary cross entropy of all pixels, grey values taken as probabilities, plus the KL
(Kingma & Welling 2013, arXiv:1312.6114, appendix C). The tutorial (F. Chollet, Deep Learning with Python, 2017,
section 8.4) takes means instead, over pixels and over dimensions, and weighs the KL with 5e-4: `scaling=tutorial`. Its
`exp(log_var)` as the standard deviation of codes is a slip; here it is the paper's `exp(0.5 log_var)`.

Added to the tutorial: the KL rises over the first epochs, while a penalty keeps the codes' mean and covariance the
prior's (DIP-VAE, Kumar et al. 2018, arXiv:1711.00848), so that the whole plane is used; pictures are slightly varied;
and what is saved is a running average of the weights. `moments=0 warm_up=0 turn=0 shift=0 zoom=0 average=0` leaves
all of it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.errors import UsageError
from explorer.models.base import ImageSpec
from explorer.models.latent2d_vae import Latent2dVae, Latent2dVaeConfig
from explorer.training import losses, measures
from explorer.training.lesson import Materials
from explorer.training.recipe import Recipe
from explorer.training.settings import setting
from explorer.training.vae_lesson import EXAMINED, VaeLesson, VaeSettings

SCALINGS = ("sum", "tutorial")

TUTORIAL_KL = 5e-4
"""The tutorial's weight of the mean over dimensions of `1 + log_var - mean**2 - exp(log_var)`, minus twice the KL."""

SAMPLES = 16
"""Codes drawn from each posterior for the figures."""

DENSE_BIAS = 0.5
"""Of the encoder's dense layer at the beginning, above 0 so that its ReLUs are alive."""


@dataclass(frozen=True)
class Latent2dVaeSettings(VaeSettings):
    """Defaults; with `hold_out=1000 seed=1`, those that train the bundled digits."""

    scaling: str = setting("sum", "sum: nats per picture; tutorial: its means, the KL's weighed with 5e-4")
    channels: int = setting(1, "1: grey, 3: colour", least=1, most=3)
    side: int = setting(28, "height and width of the pictures, an even number of pixels", least=4, most=256)
    hidden: int = setting(32, "width of the encoder's dense layer", least=1, most=4096)
    latent_dim: int = setting(2, "dimensions of a code", least=1, most=4096)
    near_copy: float = 0.0
    warm_up: float = 3.0
    moments: float = 5.0
    turn: float = 2.0
    shift: float = 0.008
    zoom: float = 0.02
    average: float = 0.999
    epochs: int = 36
    batch_size: int = 32


class Latent2dVaeLesson(VaeLesson[Latent2dVaeSettings]):
    """The plane at work."""

    def __init__(self, materials: Materials[Latent2dVaeSettings]) -> None:
        settings = materials.settings
        config = Latent2dVaeConfig(settings.channels, settings.side, settings.hidden, settings.latent_dim)
        super().__init__(materials, "latent2d-vae", config)
        some = self.some_pictures(EXAMINED, learnt=True)
        for network in self.copies:
            begin(network, float(some.mean()))

    def reconstruction(self, network: Any, codes: Tensor, target: Tensor) -> Tensor:
        """Binary cross entropy, of a picture or, as the tutorial has it, of a pixel."""
        nats = losses.bernoulli_nll(network.logits(codes).float(), target)
        return nats / target[0].numel() if self.settings.scaling == "tutorial" else nats

    def kl_weight(self, done: float | None) -> float:
        weight = super().kl_weight(done)
        is_tutorial = self.settings.scaling == "tutorial"
        return weight * 2 * TUTORIAL_KL / self.settings.latent_dim if is_tutorial else weight

    def figures(self) -> dict[str, Any]:
        """`negative_elbo` in nats on what was kept out, and how the codes lie."""
        kept_out = self.pictures.kept_out
        figures: dict[str, Any] = {}
        if len(kept_out):
            elbo = measures.negative_elbo(
                lambda images: tuple(head.cpu().numpy() for head in self.encoded(torch.from_numpy(images))),  # type: ignore[arg-type,return-value]
                lambda codes: self.decoded(torch.from_numpy(codes)).cpu().numpy(),
                kept_out.transpose(0, 3, 1, 2) / 255,
                samples=SAMPLES,
                seed=self.settings.seed,
            )
            figures["kept_out"] = {"pictures": len(kept_out), "negative_elbo": round(elbo, 2)}
        return figures | self.activity()


@torch.no_grad()
def begin(network: Latent2dVae, brightness: float) -> None:
    """Give a network weights to begin with: at first it draws the mean brightness, in 0..1.

    Where it has to find that first, all features are pushed one way, and nearly all of the dense layer's ReLUs die
    within a hundred steps. The encoder's weights are those of He et al. 2015 (arXiv:1502.01852).
    """
    for layer in network.encoder:
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.constant_(layer.bias, DENSE_BIAS if isinstance(layer, nn.Linear) else 0.0)  # type: ignore[arg-type]
    last = network.decoder[-1]
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    last.bias.fill_(float(torch.tensor(brightness).logit(1e-3)))


def check(settings: Latent2dVaeSettings) -> None:
    """Raise `UsageError` for settings that no network can be built from."""
    if settings.scaling not in SCALINGS:
        raise UsageError(
            f"The setting scaling of latent2d-vae is one of {', '.join(SCALINGS)}, not {settings.scaling}; correct it."
        )
    if settings.side % 2:
        raise UsageError(
            f"The setting side of latent2d-vae is an even number, since the pictures are halved once, not "
            f"{settings.side}; correct it."
        )


RECIPE = Recipe(
    name="latent2d-vae",
    architecture="latent2d-vae",
    summary="a convolutional VAE with two dimensions, for digits",
    source="Kingma & Welling 2013 (1312.6114); F. Chollet, Deep Learning with Python (2017), section 8.4",
    settings=Latent2dVaeSettings,
    lesson=Latent2dVaeLesson,
    spec=lambda settings, model: ImageSpec(settings.channels, settings.side, settings.side),
    check=check,
)
