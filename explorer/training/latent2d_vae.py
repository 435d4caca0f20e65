"""`train latent2d-vae`: digits in a plane, as the Keras tutorials of the VAE draw them.

Loss per picture, in nats: the binary cross entropy of all pixels, grey values taken as probabilities, plus the KL
(Kingma & Welling 2013, arXiv:1312.6114, appendix C). The tutorial (F. Chollet, Deep Learning with Python, 2017,
section 8.4) takes means instead, over pixels and over dimensions, and weighs the KL with 5e-4: `scaling=tutorial`. Its
`exp(log_var)` as the standard deviation of codes is a slip; here it is the paper's `exp(0.5 log_var)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.errors import UsageError
from explorer.models.base import ImageSpec
from explorer.models.latent2d_vae import Latent2dVaeConfig
from explorer.training import losses, measures
from explorer.training.lesson import Materials
from explorer.training.recipe import Recipe
from explorer.training.settings import setting
from explorer.training.vae_lesson import VaeLesson, VaeSettings

SCALINGS = ("sum", "tutorial")

TUTORIAL_KL = 5e-4
"""The tutorial's weight of the mean over dimensions of `1 + log_var - mean**2 - exp(log_var)`, minus twice the KL."""

SAMPLES = 16
"""Codes drawn from each posterior for the figures."""


@dataclass(frozen=True)
class Latent2dVaeSettings(VaeSettings):
    """Defaults; with `hold_out=1000`, those that train the bundled digits."""

    scaling: str = setting("sum", "sum: nats per picture; tutorial: its means, the KL's weighed with 5e-4")
    channels: int = setting(1, "1: grey, 3: colour", least=1, most=3)
    side: int = setting(28, "height and width of the pictures, an even number of pixels", least=4, most=256)
    hidden: int = setting(32, "width of the encoder's dense layer", least=1, most=4096)
    latent_dim: int = setting(2, "dimensions of a code", least=1, most=4096)
    near_copy: float = setting(
        0.0, "pictures this near to a kept-out one (grey mean squared error) are left out", least=0
    )
    epochs: int = setting(60, "passes over the pictures", least=1)
    batch_size: int = setting(128, "pictures per step", least=1)
    lr: float = setting(2e-3, "highest learning rate", least=1e-8, most=1)


class Latent2dVaeLesson(VaeLesson[Latent2dVaeSettings]):
    """The plane at work."""

    def __init__(self, materials: Materials[Latent2dVaeSettings]) -> None:
        settings = materials.settings
        config = Latent2dVaeConfig(settings.channels, settings.side, settings.hidden, settings.latent_dim)
        super().__init__(materials, "latent2d-vae", config)

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
