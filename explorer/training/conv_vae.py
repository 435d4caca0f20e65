"""`train conv-vae`: the convolutional VAE of the anime face article, on grey 30x30 pictures.

Loss per picture: the mean squared error of grey values in 0..255, plus `beta` times the KL (Kingma & Welling 2013,
arXiv:1312.6114), which may rise from nothing over `warm_up` epochs (Bowman et al. 2016, arXiv:1511.06349). A mean over
900 values with weight 1 is the likelihood of a Gaussian with a standard deviation of 21 grey levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.errors import UsageError
from explorer.models.base import ImageSpec, NativeRange
from explorer.models.conv_vae import SIDE, ConvVaeConfig
from explorer.training import measures
from explorer.training.lesson import Exported, Materials
from explorer.training.recipe import Recipe
from explorer.training.settings import setting
from explorer.training.vae_lesson import VaeLesson, VaeSettings

LEVELS = 255.0
"""White, in the article's values."""


@dataclass(frozen=True)
class ConvVaeSettings(VaeSettings):
    """Defaults; the sizes are the article's."""

    widths: tuple[int, ...] = setting((10, 5), "channels of the two convolutions", least=1, most=1024)
    latent_dim: int = setting(10, "dimensions of a code", least=1, most=4096)
    warm_up: float = 10.0
    epochs: int = 200
    batch_size: int = 32
    lr: float = 3e-3


class ConvVaeLesson(VaeLesson[ConvVaeSettings]):
    """The article's network at work, on grey values in 0..1; the scale is folded into what is saved."""

    def __init__(self, materials: Materials[ConvVaeSettings]) -> None:
        settings = materials.settings
        outer, inner = settings.widths
        super().__init__(materials, "conv-vae", ConvVaeConfig((outer, inner), settings.latent_dim))
        self.native = NativeRange()
        for network in self.copies:
            with torch.no_grad():
                network.decoder[-2].bias /= LEVELS  # of the layer whose values are the picture's

    def reconstruction(self, network: Any, codes: Tensor, target: Tensor) -> Tensor:
        """The mean squared error of all values, in 0..255."""
        return LEVELS**2 * functional.mse_loss(network.decode(codes).float(), target)

    def exported(self) -> dict[str, Exported]:
        exported = super().exported()
        network: Any = exported[""].model.network
        with torch.no_grad():
            network.encoder[0].weight /= LEVELS
            network.decoder[-2].weight *= LEVELS  # before a ReLU, which lets a scale through
            network.decoder[-2].bias *= LEVELS
        return exported

    def figures(self) -> dict[str, Any]:
        """`mse` of what was kept out (0..255, code = mean, clipped) beside a principal component analysis."""
        kept_out, figures = self.pictures.kept_out, {}
        if len(kept_out):
            images = kept_out.transpose(0, 3, 1, 2)
            again = 255 * self.decoded(self.encoded(self.some_pictures(len(kept_out)))[0]).cpu().numpy()
            mse = measures.mean_squared_error(again, images)
            figures["kept_out"] = {"pictures": len(kept_out), "mse": round(mse, 2)}
            fitted_on = np.asarray(self.pictures.images)
            errors = measures.pca_errors(fitted_on, self.config.latent_dim, {"kept_out": kept_out})
            figures["kept_out"] |= {} if errors is None else {"pca": round(errors["kept_out"], 2)}
        return figures | self.activity()


def check(settings: ConvVaeSettings) -> None:
    """Raise `UsageError` for settings that no network can be built from."""
    if len(settings.widths) != 2:
        raise UsageError(
            f"The setting widths of conv-vae has two numbers, one for each convolution, not {len(settings.widths)}; "
            "correct it, such as 10,5."
        )


RECIPE = Recipe(
    name="conv-vae",
    architecture="conv-vae",
    summary="the article's convolutional VAE of grey 30x30 pictures",
    source="Kingma & Welling 2013 (1312.6114); KL warm-up, Bowman et al. 2016 (1511.06349)",
    settings=ConvVaeSettings,
    lesson=ConvVaeLesson,
    spec=lambda settings, model: ImageSpec(1, SIDE, SIDE),
    check=check,
)
