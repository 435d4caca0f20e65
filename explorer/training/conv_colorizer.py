"""`train conv-colorizer`: colour for the grey pictures that a VAE decodes.

The input is what the VAE makes of a training picture (codes drawn from its posterior, decoded, clipped),
the target the colour picture itself; luminance is kept by the network's construction, so only chroma is
learnt. As in Zhang et al. 2016 (arXiv:1603.08511) each pixel is classified among the colours of a palette,
rare colours weighing more, and the annealed mean is shown; the palette comes from the pictures (k-means)
and the shown colour has an L1 loss besides.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.data.images import grey as grey_of
from explorer.errors import UsageError
from explorer.models import architecture
from explorer.models.base import ImageSpec, LatentModel, StageModel
from explorer.models.conv_colorizer import BLUE, GREEN, RED, ConvColorizer, ConvColorizerConfig
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.pictures import evenly, weighted
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

SOFTNESS = 0.05
"""Width, in chroma, of the neighbourhood among whose palette colours a pixel's colour is shared out."""

CHUNK = 1024
"""Pictures that are encoded or decoded at once."""

GREY_LEVELS = 16
"""Of the baseline that knows nothing but how bright a pixel is."""


@dataclass(frozen=True)
class ConvColorizerSettings(LoopSettings):
    """Defaults; those that train the bundled colour stage."""

    weight: int = setting(
        1, "how often each picture of the data is seen per epoch; the extra ones once", least=1, most=1000
    )
    widths: tuple[int, ...] = setting(
        (16, 32, 64), "channels, from full size downwards; multiples of 8", least=8
    )
    blocks: int = setting(2, "residual blocks at the lowest level", least=0)
    colours: int = setting(48, "size of the palette", least=2, most=1024)
    temperature: float = setting(
        0.5, "below 1: how lively between mean and likeliest colour", least=0.01, most=1
    )
    rebalance: float = setting(
        0.5, "0: rare colours count as they occur; 1: all colours count alike", least=0, most=1
    )
    noise: float = setting(1.2, "spread of the codes drawn around the mean, in the posterior's", least=0)
    chroma: float = setting(10.0, "weight of the L1 loss of the shown chroma", least=0)
    epochs: int = 100
    batch_size: int = setting(32, "pictures per step", least=2)
    lr: float = 2e-3
    weight_decay: float = setting(0.01, "of AdamW", least=0, most=10)


class ConvColorizerLesson(Lesson[ConvColorizerSettings]):
    """Learns from pictures that a VAE decodes, and the colours of those they stand for."""

    def __init__(self, materials: Materials[ConvColorizerSettings]) -> None:
        super().__init__(materials)
        settings = self.settings
        assert isinstance(self.model, LatentModel)  # `_spec`
        self.vae = self.model
        self.config = ConvColorizerConfig(
            settings.widths, settings.blocks, settings.colours, settings.temperature
        )
        self.network = self.learns(
            "network",
            ConvColorizer(self.config),
            lr=settings.lr,
            betas=(0.9, 0.99),
            weight_decay=settings.weight_decay,
        )
        self.pairs = Pairs(self.vae, self.pictures.images, self.device)
        kept_out = self.pictures.kept_out
        self.kept_out = Pairs(self.vae, kept_out, self.device) if len(kept_out) else None
        some = evenly(self.pictures.images)
        self.measured = self.pairs if some is self.pictures.images else Pairs(self.vae, some, self.device)
        self.network.palette.copy_(palette_of(self.measured.chroma, settings.colours, settings.seed))
        self.objective = Objective(self.network, settings, self.measured.chroma)

    def indices(self) -> Tensor:
        """Return the main pictures so often as they count, the extra ones once."""
        return weighted(self.pictures, self.settings.weight)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one step; see `Objective`."""
        grey = self.pairs.decoded(batch.indices, self.settings.noise)
        losses = self.objective(grey, chroma_of(batch.pixels))
        self.descend("network", losses["loss"], max_norm=100.0)
        return losses

    def exported(self) -> dict[str, Exported]:
        """Return the stage."""
        model = architecture("conv-colorizer").wrap(self.network, self.config, name="conv-colorizer")
        return {"": Exported(model, self.config)}

    def said(self) -> dict[str, Any]:
        """Return which model's pictures it colours."""
        origin = self.vae.origin
        return {"model": {"name": self.vae.name, "sha256": origin.sha256 if origin else None}}

    def shown(self) -> np.ndarray:
        """Return true, decoded and coloured pictures below each other, and coloured samples of the prior."""
        pairs = self.kept_out or self.pairs
        true = self.pictures.examples[:12].astype(np.float32)
        grey = pairs.decoded(torch.arange(len(true)))
        noise = np.random.default_rng(self.settings.seed).standard_normal(
            (3 * len(true), pairs.mean.shape[1])
        )
        sampled = self.vae.decode(torch.from_numpy(noise.astype(np.float32)).to(self.device))
        made = (grey.expand(-1, 3, -1, -1), self.network(grey), self.network(sampled))
        rows = np.concatenate((true, *map(as_pixels, made)))
        return rows.reshape(6, len(true), *true.shape[1:])

    def figures(self) -> dict[str, Any]:
        """Return how near the colours come; see `measure`."""
        return measure(self.network, self.vae, self.measured, self.kept_out)


def _spec(settings: ConvColorizerSettings, model: LatentModel | StageModel | None) -> ImageSpec:
    """Return colour pictures of the size of the model's grey ones.

    Raises:
        UsageError: it is not grey, or cannot encode.
    """
    if not isinstance(model, LatentModel) or model.image.channels != 1 or not model.has_encoder:
        name = model.name if model is not None else "nothing"
        raise UsageError(
            f"{name} is no grey model ({getattr(model, 'image', 'a stage')}) with an encoder, which conv-colorizer "
            "learns from; give one with --model."
        )
    return ImageSpec(3, model.image.height, model.image.width)


def _check(settings: ConvColorizerSettings) -> None:
    try:
        ConvColorizerConfig(settings.widths, settings.blocks)
    except ValueError as error:
        raise UsageError(
            "The setting widths of conv-colorizer takes 2 to 6 multiples of 8, such as 16,32,64, and blocks 1 to 32; "
            "correct them."
        ) from error


class Pairs:
    """Grey pictures that a VAE decodes, and the chroma of the pictures they stand for.

    Attributes:
        images: uint8 `(N, H, W, 3)`.
        mean, logvar: their codes, `(N, D)`.
    """

    @torch.no_grad()
    def __init__(self, vae: LatentModel, images: np.ndarray, device: torch.device) -> None:
        self.vae = vae
        self.images = images
        self._device = device
        means, logvars = [], []
        for part in np.array_split(np.arange(len(images)), -(-len(images) // CHUNK)):
            grey = torch.from_numpy(grey_of(images[part]))
            codes = vae.encode(grey[:, None].to(device) / 255)
            means.append(codes.mean)
            logvars.append(torch.full_like(codes.mean, -torch.inf) if codes.logvar is None else codes.logvar)
        self.mean, self.logvar = torch.cat(means), torch.cat(logvars)  # (N, D)

    @functools.cached_property
    def chroma(self) -> Tensor:
        """R-Y and B-Y of all pictures, float32 `(N, 2, H, W)`, for RGB in 0..1."""
        return chroma_of(torch.from_numpy(self.images).permute(0, 3, 1, 2)).to(self._device)

    @torch.no_grad()
    def decoded(self, indices: Tensor, noise: float = 0.0) -> Tensor:
        """Return grey pictures `(B, 1, H, W)` in 0..1, of the mean codes or of codes drawn around them."""
        codes = self.mean[indices]
        if noise:
            codes = codes + noise * torch.randn_like(codes) * (0.5 * self.logvar[indices]).exp()
        return self.vae.decode(codes)

    def __len__(self) -> int:
        return len(self.mean)

    def all_decoded(self) -> Tensor:
        """Return the grey pictures of all mean codes, `(N, 1, H, W)` in 0..1."""
        return torch.cat([self.decoded(part) for part in torch.arange(len(self)).split(CHUNK)])


def chroma_of(pixels: Tensor) -> Tensor:
    """Return R-Y and B-Y, float32 `(N, 2, H, W)` for RGB in 0..1, of pictures uint8 `(N, 3, H, W)`."""
    red, green, blue = (pixels[:, channel].float() / 255 for channel in range(3))
    luminance = RED * red + GREEN * green + BLUE * blue
    return torch.stack((red - luminance, blue - luminance), 1)


def palette_of(chroma: Tensor, colours: int, seed: int) -> Tensor:
    """Return the `(colours, 2)` chroma pairs that stand best for those of pictures `(N, 2, H, W)`."""
    from sklearn.cluster import KMeans

    pixels = chroma.permute(0, 2, 3, 1).reshape(-1, 2).cpu().numpy()
    chosen = np.random.default_rng(seed).choice(len(pixels), min(len(pixels), 60_000), replace=False)
    return torch.from_numpy(KMeans(colours, n_init=1, random_state=seed).fit(pixels[chosen]).cluster_centers_)


class Objective:
    """The loss of a batch and its parts."""

    def __init__(self, network: ConvColorizer, settings: ConvColorizerSettings, chroma: Tensor) -> None:
        self.network = network
        self.settings = settings
        step = max(1, len(chroma) // 512)
        often = self._shares(chroma[::step]).mean((0, 2, 3))  # (colours,)
        even = torch.full_like(often, 1 / len(often))
        weights = (
            1 / torch.lerp(often, even, settings.rebalance) if settings.rebalance else torch.ones_like(often)
        )
        self.weights = weights / (often * weights).sum()  # mean over pixels: 1 (Zhang et al., equation 4)

    def __call__(self, grey: Tensor, chroma: Tensor) -> dict[str, Tensor]:
        """Return `loss`, and its parts `classes` (nats per pixel) and `chroma` (mean absolute error, of 1).

        Args:
            grey: `(N, 1, H, W)` in 0..1.
            chroma: wished R-Y and B-Y, `(N, 2, H, W)`.
        """
        shares = self._shares(chroma)
        logits = self.network.logits(grey)
        entropy = -(shares * functional.log_softmax(logits, dim=1)).sum(1)  # (N, H, W)
        classes = (entropy * torch.einsum("nkhw,k->nhw", shares, self.weights)).mean()
        likely = torch.softmax(logits / self.settings.temperature, dim=1)
        shown = torch.einsum("nkhw,kc->nchw", likely, self.network.palette)
        error = functional.l1_loss(shown, chroma)
        return {"loss": classes + self.settings.chroma * error, "classes": classes, "chroma": error}

    def _shares(self, chroma: Tensor) -> Tensor:
        """Share each pixel out among the palette colours around its own, `(N, colours, H, W)`."""
        offsets = chroma[:, None] - self.network.palette[None, :, :, None, None]
        return torch.softmax(-offsets.square().sum(2) / (2 * SOFTNESS**2), dim=1)


@torch.inference_mode()
def measure(network: ConvColorizer, vae: LatentModel, pairs: Pairs, kept_out: Pairs | None) -> dict[str, Any]:
    """Return the figures of the colours given to decoded mean codes, on the scale 0..255.

    For pictures learnt from and pictures kept out: `chroma_error` (mean absolute error of R-Y and B-Y),
    `chroma_error_of_grey_levels` (of the baseline: the mean chroma of each grey level of the pictures
    learnt from), `chroma_error_of_grey` (of no colour at all), `colourfulness` (mean length of the chroma)
    of the result and of the true pictures, and `luminance_error` (largest). `steadiness` says how much a
    slider's move changes chroma beside luminance, both as mean absolute differences for a tenth of a
    spread.
    """
    levels = _grey_level_chroma(pairs)
    figures: dict[str, Any] = {}
    for name, these in (("learnt_from", pairs), ("kept_out", kept_out)):
        if these is None:
            continue
        grey = these.all_decoded()
        shown, luminance = _shown(network, grey)
        baseline = levels[_level(grey)].permute(0, 3, 1, 2)
        figures[name] = {
            "pictures": len(these),
            "chroma_error": _points((shown - these.chroma).abs().mean()),
            "chroma_error_of_grey_levels": _points((baseline - these.chroma).abs().mean()),
            "chroma_error_of_grey": _points(these.chroma.abs().mean()),
            "colourfulness": _points(shown.norm(dim=1).mean()),
            "colourfulness_of_grey_levels": _points(baseline.norm(dim=1).mean()),
            "colourfulness_of_pictures": _points(these.chroma.norm(dim=1).mean()),
            "luminance_error": round(255 * float((luminance - grey).abs().max()), 4),
        }
    return figures | {"steadiness": _steadiness(network, vae, pairs)}


def _level(grey: Tensor) -> Tensor:
    return (grey[:, 0] * GREY_LEVELS).long().clamp_max(GREY_LEVELS - 1)  # (N, H, W)


def _grey_level_chroma(pairs: Pairs) -> Tensor:
    """Return the mean chroma of each grey level, `(GREY_LEVELS, 2)`; zero where a level does not occur."""
    level = _level(pairs.all_decoded()).flatten()
    count = torch.bincount(level, minlength=GREY_LEVELS).clamp_min(1)
    sums = [torch.bincount(level, pairs.chroma[:, part].flatten().double(), GREY_LEVELS) for part in (0, 1)]
    return (torch.stack(sums, 1) / count[:, None]).float()


def _shown(network: ConvColorizer, grey: Tensor) -> tuple[Tensor, Tensor]:
    """Return chroma `(N, 2, H, W)` and luminance `(N, 1, H, W)` of what the network shows."""
    rgb = torch.cat([network(part) for part in grey.split(256)])
    luminance = RED * rgb[:, :1] + GREEN * rgb[:, 1:2] + BLUE * rgb[:, 2:]
    return rgb[:, [0, 2]] - luminance, luminance


def _steadiness(network: ConvColorizer, vae: LatentModel, pairs: Pairs) -> dict[str, float]:
    """Measure moves by a tenth of a spread in every dimension, from 32 codes; see `measure`."""
    codes = pairs.mean[:: max(1, len(pairs) // 32)][:32]
    spread = (pairs.mean.var(0) + pairs.logvar.exp().mean(0)).sqrt()
    moves = torch.diag(spread / 10)  # (D, D)
    moved = (codes[:, None] + moves).flatten(0, 1)  # (32 * D, D)
    chroma, luminance = _shown(network, vae.decode(codes.repeat_interleave(len(moves), 0)))
    chroma_moved, luminance_moved = _shown(network, vae.decode(moved))
    change = (chroma_moved - chroma).abs().flatten(1).mean(1)
    return {
        "chroma_change": _points(change.mean()),
        "largest_chroma_change": _points(change.max()),
        "luminance_change": _points((luminance_moved - luminance).abs().mean()),
    }


def _points(value: Tensor) -> float:
    """Return a difference of values in 0..1 on the scale 0..255, rounded for a report."""
    return round(255 * float(value), 3)


RECIPE = Recipe(
    name="conv-colorizer",
    architecture="conv-colorizer",
    summary="colour for what a grey VAE decodes (--model FILE), learnt from colour pictures",
    source="Zhang et al. 2016 (1603.08511); U-Net, Ronneberger et al. 2015 (1505.04597)",
    settings=ConvColorizerSettings,
    lesson=ConvColorizerLesson,
    spec=_spec,
    check=_check,
    needs_model=True,
)
