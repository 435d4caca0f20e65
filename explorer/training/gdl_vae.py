"""`train gdl-vae`: the VAE of the book Generative Deep Learning (D. Foster 2019, chapter 3), for digits and faces.

Loss per picture: `r_loss_factor` times the mean squared error of pixels in 0..1, plus the KL (Kingma & Welling 2013,
arXiv:1312.6114). That is the likelihood of a Gaussian whose variance is pixels / (2 r_loss_factor), so a higher factor
gives sharper reconstructions and a lower one codes nearer to the prior, thus better samples.

A preset gives the sizes that are not set on their own: `digits` and `faces` are the book's two, the faces here of 64x64
and with wider, residual layers and no dropout, which draw them better for their size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional

from explorer.errors import UsageError
from explorer.models.base import ImageSpec
from explorer.models.gdl_vae import GdlVaeConfig
from explorer.training import measures
from explorer.training.lesson import Materials
from explorer.training.pictures import TrainingPictures
from explorer.training.recipe import Recipe
from explorer.training.settings import setting
from explorer.training.vae_lesson import VaeLesson, VaeSettings

PRESETS: dict[str, tuple[GdlVaeConfig, float]] = {
    "digits": (GdlVaeConfig(1, 28, (32, 64, 64, 64), (1, 2, 2, 1), 2), 1000.0),
    "faces": (
        GdlVaeConfig(3, 64, (32, 64, 128, 256), (2, 2, 2, 2), 64, norm=True, residual=True),
        15000.0,
    ),
}
"""Sizes and `r_loss_factor`."""

_CHOICES = {"preset": None, "yes": True, "no": False}


@dataclass(frozen=True)
class GdlVaeSettings(VaeSettings):
    """Defaults; sizes that are 0, empty or `preset` are the preset's."""

    preset: str = setting("digits", "digits or faces: the sizes that are not set below")
    channels: int = setting(0, "1: grey, 3: colour; 0: the preset's", least=0, most=3)
    side: int = setting(
        0, "height and width of the pictures, divisible by the strides; 0: the preset's", least=0, most=512
    )
    widths: tuple[int, ...] = setting(
        (), "channels of the convolutions, from the picture inwards; none: the preset's", least=1
    )
    strides: tuple[int, ...] = setting((), "of each convolution; none: the preset's", least=1, most=8)
    latent_dim: int = setting(0, "dimensions of a code; 0: the preset's", least=0, most=4096)
    r_loss_factor: float = setting(0.0, "weight of the mean squared error; 0: the preset's", least=0)
    norm: str = setting("preset", "yes or no: batch norm after each convolution")
    residual: str = setting("preset", "yes or no: residual blocks in the decoder")
    dropout: float = setting(0.0, "share of values dropped after each convolution", least=0, most=0.9)
    epochs: int = 40
    batch_size: int = setting(64, "pictures per step", least=2)


def config_of(settings: GdlVaeSettings) -> GdlVaeConfig:
    """Return the sizes that settings and their preset give.

    Raises:
        UsageError: they do not go together.
    """
    if settings.preset not in PRESETS:
        known = " or ".join(PRESETS)
        raise UsageError(f"The setting preset of gdl-vae is {known}, not {settings.preset}; correct it.")
    preset, _ = PRESETS[settings.preset]
    for name in ("norm", "residual"):
        if getattr(settings, name) not in _CHOICES:
            raise UsageError(
                f"The setting {name} of gdl-vae is yes or no, not {getattr(settings, name)}; correct it."
            )
    given = {
        name: getattr(settings, name) or getattr(preset, name)
        for name in ("channels", "side", "widths", "strides", "latent_dim")
    }
    if len(given["widths"]) != len(given["strides"]):
        raise UsageError(
            f"The settings widths and strides of gdl-vae have one number for each convolution, not "
            f"{len(given['widths'])} and {len(given['strides'])}; give both of one length."
        )
    if given["side"] % math.prod(given["strides"]):
        raise UsageError(
            f"The setting side of gdl-vae is {given['side']}, which the product of the strides, "
            f"{math.prod(given['strides'])}, does not divide; correct one of them."
        )
    try:
        return GdlVaeConfig(
            **given,
            norm=_chosen(settings.norm, preset.norm),
            residual=_chosen(settings.residual, preset.residual),
            dropout=settings.dropout,
        )
    except ValueError as error:
        raise UsageError(f"No network of gdl-vae has these sizes ({error}); correct them.") from error


def _chosen(text: str, preset: bool) -> bool:
    choice = _CHOICES[text]
    return preset if choice is None else choice


class GdlVaeLesson(VaeLesson[GdlVaeSettings]):
    """The book's VAE at work."""

    def __init__(self, materials: Materials[GdlVaeSettings]) -> None:
        settings = materials.settings
        self.factor = settings.r_loss_factor or PRESETS[settings.preset][1]
        super().__init__(materials, "gdl-vae", config_of(settings))

    def reconstruction(self, network: Any, codes: Tensor, target: Tensor) -> Tensor:
        """The mean squared error of all values, times the factor."""
        return self.factor * functional.mse_loss(network.logits(codes).float().sigmoid(), target)

    def said(self) -> dict[str, Any]:
        return {"r_loss_factor": self.factor}

    def figures(self) -> dict[str, Any]:
        """Peak signal-to-noise ratio of what was kept out beside a principal component analysis, and the codes."""
        images = self.examined_pictures()
        figures: dict[str, Any] = {}
        if len(images):
            again = self.decoded(self.encoded(images)[0]).cpu().numpy()
            psnr = measures.psnr(measures.mean_squared_error(again, images.cpu().numpy()))
            figures["kept_out"] = {"pictures": len(images), "psnr": round(psnr, 2)}
            figures["kept_out"] |= pca_figures(self.pictures, len(images), self.config.latent_dim)
        return figures | self.activity()


def pca_figures(pictures: TrainingPictures, count: int, components: int) -> dict[str, float]:
    """Return `pca_psnr` of the last `count` kept-out pictures, of as many components fitted on those learnt from."""
    kept_out = {"kept_out": pictures.kept_out[-count:]}
    errors = measures.pca_errors(np.asarray(pictures.images), components, kept_out)
    return {} if errors is None else {"pca_psnr": round(measures.psnr(errors["kept_out"], peak=255), 2)}


def check(settings: GdlVaeSettings) -> None:
    """Raise `UsageError` for settings that no network can be built from."""
    config_of(settings)


def _spec(settings: GdlVaeSettings, model: object) -> ImageSpec:
    config = config_of(settings)
    return ImageSpec(config.channels, config.side, config.side)


RECIPE = Recipe(
    name="gdl-vae",
    architecture="gdl-vae",
    summary="a convolutional VAE with the strides you like, for digits or faces",
    source="D. Foster, Generative Deep Learning (2019), chapter 3; Kingma & Welling 2013 (1312.6114)",
    settings=GdlVaeSettings,
    lesson=GdlVaeLesson,
    spec=_spec,
    check=check,
)
