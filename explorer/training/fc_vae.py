"""`train fc-vae`: the fully connected VAE on small pictures, grey by default.

Loss per picture, in nats: the Gaussian likelihood with the best shared variance, beta times the KL, and a
penalty that keeps the codes' mean and covariance those of the prior. Beta starts high, which makes each
dimension take up one factor of its own (beta-VAE, Higgins et al. 2017), and falls, which lets detail in
(Burgess et al. 2018, arXiv:1804.03599); it can rise from 0 instead, as Bowman et al. 2016
(arXiv:1511.06349) do against collapse.

The network learns in standardised values; the scale is folded into its first and last layer when it is
saved, so that the checkpoint takes and gives 0..255.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.fc_vae import FcVae, FcVaeConfig
from explorer.training import losses, measures
from explorer.training.lesson import Batch, Exported, Lesson, Materials
from explorer.training.pictures import TrainingPictures, evenly, weighted
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

CHUNK = 4096
"""Pictures whose values are counted at once."""


@dataclass(frozen=True)
class FcVaeSettings(LoopSettings):
    """Defaults; those that train the bundled face model from its two collections."""

    weight: int = setting(
        2, "how often each picture of the data is seen per epoch; the extra ones once", least=1, most=1000
    )
    channels: int = setting(1, "1: grey, 3: colour", least=1, most=3)
    height: int = setting(30, "of the pictures, in pixels", least=2, most=512)
    width: int = setting(30, "of the pictures, in pixels", least=2, most=512)
    hidden: tuple[int, ...] = setting(
        (640, 320, 96), "widths of the hidden layers, from the picture inwards", least=1
    )
    latent_dim: int = setting(10, "dimensions of a code", least=1, most=4096)
    epochs: int = 60
    batch_size: int = setting(256, "pictures per step", least=2)
    weight_decay: float = setting(0.05, "of AdamW", least=0, most=10)
    beta: float = setting(1.5, "weight of the KL divergence", least=0)
    first_beta: float = setting(5.0, "its weight in the first epoch; 0 for a warm-up from nothing", least=0)
    warm_up: float = setting(30.0, "epochs over which it goes from the first to the last", least=0)
    moments: float = setting(1.0, "weight of the penalty on the codes' mean and covariance", least=0)


class FcVaeLesson(Lesson[FcVaeSettings]):
    """A network for standardised grey values, whose scale is folded in where it is shown or saved."""

    def __init__(self, materials: Materials[FcVaeSettings]) -> None:
        super().__init__(materials)
        settings = self.settings
        self.config = FcVaeConfig(
            settings.channels, settings.height, settings.width, settings.hidden, settings.latent_dim
        )
        self.average, self.scale = self._moments()
        self.network = self.learns(
            "network",
            FcVae(self.config),
            lr=settings.lr,
            betas=(0.9, 0.99),
            weight_decay=settings.weight_decay,
        )
        self.objective = Objective(self.network, settings)

    def _moments(self) -> tuple[float, float]:
        """Return mean and spread of all values that an epoch shows, at least 1."""
        counts = np.zeros(256, np.int64)  # of each value; sums of whole numbers are exact
        for part in np.array_split(self.indices().numpy(), len(self.pictures.images) // CHUNK + 1):
            counts += np.bincount(self.pictures.images[part].ravel(), minlength=256)
        values, total = np.arange(256), int(counts.sum())
        first, second = int(counts @ values), int(counts @ values**2)
        variance = (second - first * first / total) / max(total - 1, 1)
        return first / total, max(math.sqrt(variance), 1.0)

    def indices(self) -> Tensor:
        """Return the main pictures so often as they count, the extra ones once."""
        return weighted(self.pictures, self.settings.weight)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; see `Objective`."""
        losses = self.objective((batch.pixels.float() - self.average) / self.scale, batch.done)
        self.descend("network", losses["loss"], max_norm=100.0)
        return losses

    def native(self) -> FcVae:
        """Return the network as it is now, for 0..255, on the CPU."""
        return folded(self.network, self.average, self.scale)

    def exported(self) -> dict[str, Exported]:
        """Return the network for 0..255."""
        model = architecture("fc-vae").wrap(self.native(), self.config, name="fc-vae")
        return {"": Exported(model, self.config)}

    def shown(self) -> np.ndarray:
        """Return pictures (kept-out ones if there are any) above what becomes of them, and samples of the prior."""
        network = self.native()
        source = self.pictures.kept_out if len(self.pictures.kept_out) else self.pictures.main
        shown = source[:12].astype(np.float32)
        noise = np.random.default_rng(self.settings.seed).standard_normal(
            (5 * len(shown), self.settings.latent_dim)
        )
        again = decoded(network, posterior(network, source[:12])[0])
        sampled = decoded(network, noise.astype(np.float32))
        return np.concatenate((shown, again, sampled)).reshape(7, len(shown), *shown.shape[1:])

    def figures(self) -> dict[str, Any]:
        """Return errors beside those of a principal component analysis; see `measure`."""
        return measure(self.native(), self.pictures, self.settings.latent_dim)


class Objective:
    """The loss of a batch and its parts."""

    def __init__(self, network: FcVae, settings: FcVaeSettings) -> None:
        self.network = network
        self.settings = settings

    def __call__(self, target: Tensor, epochs_done: float) -> dict[str, Tensor]:
        """Return `loss` and its parts for pictures `(N, C, H, W)`: `nll` and `kl` in nats each, `moments`."""
        mean, logvar = self.network.encode(target)
        codes = losses.sample_posterior(mean, logvar)
        nll = losses.gaussian_nll(self.network.decode(codes), target)
        kl = losses.kl_divergence(mean, logvar).sum(1).mean()
        moments = losses.moment_penalty(codes)
        loss = nll + self.beta(epochs_done) * kl + self.settings.moments * moments
        return {"loss": loss, "nll": nll, "kl": kl, "moments": moments}

    def beta(self, epochs_done: float) -> float:
        """Return the KL's weight, on its straight way from `first_beta` to `beta`."""
        first, last, epochs = self.settings.first_beta, self.settings.beta, self.settings.warm_up
        return last if epochs_done >= epochs else first + (last - first) * epochs_done / epochs


def folded(network: FcVae, average: float, scale: float) -> FcVae:
    """Return a copy, on the CPU, for values `x` where `network` is for `(x - average) / scale`."""
    native = copy.deepcopy(network).cpu().eval()
    first, last = native.encoder[0], native.decoder[-1]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        first.weight /= scale
        first.bias.sub_(average * first.weight.sum(1))
        last.weight *= scale
        last.bias.mul_(scale).add_(average)
    return native


@torch.inference_mode()
def posterior(network: FcVae, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and log variance `(N, D)` of pictures uint8 `(N, H, W, C)`."""
    mean, logvar = network.encode(torch.from_numpy(images).permute(0, 3, 1, 2).float())
    return mean.numpy(), logvar.numpy()


@torch.inference_mode()
def decoded(network: FcVae, codes: np.ndarray) -> np.ndarray:
    """Return pictures float32 `(N, H, W, C)` of codes `(N, D)`, clipped to 0..255."""
    return network.decode(torch.from_numpy(codes)).clamp(0, 255).permute(0, 2, 3, 1).numpy()


def measure(network: FcVae, pictures: TrainingPictures, components: int) -> dict[str, Any]:
    """Return the figures of a network that takes and gives 0..255.

    For all pictures learnt from, those of the main collection, and those kept out: the mean squared error
    (0..255, code = mean, output clipped) and, beside it, that of a principal component analysis with as
    many components as the code has dimensions, fitted on the main pictures and on all pictures learnt from.
    """
    collections = {"learnt_from": pictures.images, "main": pictures.main, "kept_out": pictures.kept_out}
    collections = {name: evenly(images) for name, images in collections.items() if len(images)}
    yardsticks = {
        name: measures.pca_errors(images, components, collections)
        for name, images in (("pca_of_main", pictures.main), ("pca_of_all", pictures.images))
    }
    figures: dict[str, Any] = {}
    for name, images in collections.items():
        mse = measures.mean_squared_error(decoded(network, posterior(network, images)[0]), images)
        figures[name] = {"pictures": len(images), "mse": round(mse, 2)}
        for yardstick, errors in yardsticks.items():
            if errors is not None:
                figures[name][yardstick] = round(errors[name], 2)
                figures[name][f"ratio_to_{yardstick}"] = round(mse / errors[name], 4)
    return figures | measures.activity_figures(*posterior(network, collections["learnt_from"]))


RECIPE = Recipe(
    name="fc-vae",
    architecture="fc-vae",
    summary="a fully connected VAE of small pictures, grey by default",
    source="Kingma & Welling 2013 (1312.6114); sigma-VAE, Rybkin et al. 2021 (2006.13202); "
    "DIP-VAE, Kumar et al. 2018 (1711.00848)",
    settings=FcVaeSettings,
    lesson=FcVaeLesson,
    spec=lambda settings, model: ImageSpec(settings.channels, settings.height, settings.width),
)
