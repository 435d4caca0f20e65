"""`train conv-colorizer`: colour for the grey pictures that a VAE decodes.

The input is what the VAE makes of a training picture (codes drawn from its posterior, decoded, clipped),
the target the colour picture itself; luminance is kept by the network's construction, so only chroma is
learnt. As in Zhang et al. 2016 (arXiv:1603.08511) each pixel is classified among the colours of a palette,
rare colours weighing more, and the annealed mean is shown; the palette comes from the pictures (k-means)
and the shown colour has an L1 loss besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.data.images import grey as grey_of
from explorer.errors import UsageError
from explorer.formats import open_latent, save_native
from explorer.models import architecture
from explorer.models.base import ImageSpec, LatentModel
from explorer.models.conv_colorizer import BLUE, GREEN, RED, ConvColorizer, ConvColorizerConfig
from explorer.training.loop import LoopSettings, fit, pick_device
from explorer.training.pictures import PictureSettings, TrainingPictures, load, weighted
from explorer.training.recipe import Recipe, Run, TrainingResult, plain, write_report
from explorer.training.samples import save_grid
from explorer.training.settings import setting

SOFTNESS = 0.05
"""Width, in chroma, of the neighbourhood among whose palette colours a pixel's colour is shared out."""

GREY_LEVELS = 16
"""Of the baseline that knows nothing but how bright a pixel is."""


@dataclass(frozen=True)
class ConvColorizerSettings(PictureSettings):
    """Defaults; those that train the bundled colour stage."""

    weight: int = setting(
        1, "how often each picture of the data is seen per epoch; the extra ones once", least=1
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
    epochs: int = setting(100, "passes over the pictures", least=1)
    batch_size: int = setting(32, "pictures per step", least=2)
    lr: float = setting(2e-3, "highest learning rate", least=1e-8, most=1)
    weight_decay: float = setting(0.01, "of AdamW", least=0, most=10)
    save_every: int = setting(10, "epochs between two checkpoints", least=1)
    seed: int = setting(0, "of weights, order and noise", least=0, most=2**31)


def run(run: Run) -> TrainingResult:
    """Train and report; see `explorer.training.train`."""
    settings: ConvColorizerSettings = run.settings
    device = pick_device(run.device)
    if any(width % 8 for width in settings.widths):
        raise UsageError("The setting widths of conv-colorizer takes multiples of 8, such as 16,32,64.")
    vae = _grey_vae(run.model, device)
    run.on_progress(0.0, "reading pictures")
    pictures = load(
        run.data,
        ImageSpec(3, vae.image.height, vae.image.width),
        extra=settings.extra,
        hold_out=settings.hold_out,
        near_copy=settings.near_copy,
        should_stop=run.should_stop,
    )
    torch.manual_seed(settings.seed)
    config = ConvColorizerConfig(settings.widths, settings.blocks, settings.colours, settings.temperature)
    network = ConvColorizer(config).to(device)
    pairs = Pairs(vae, pictures.images, device)
    network.palette.copy_(palette_of(pairs.chroma, settings.colours, settings.seed))
    objective = Objective(network, settings, pairs.chroma)

    def save(epochs: int) -> None:
        said = {
            "recipe": RECIPE.name,
            "settings": plain(settings),
            "data": pictures.facts(),
            "epochs": epochs,
        }
        said["model"] = {"name": vae.name, "sha256": vae.origin.sha256 if vae.origin else None}
        model = architecture("conv-colorizer").wrap(network, config, name=run.out.name)
        save_native(run.checkpoint, model, config=config, trained=said)

    history = fit(
        lambda batch, done: objective(pairs.decoded(batch, settings.noise), pairs.chroma[batch]),
        network.parameters(),
        weighted(pictures, settings.weight),
        LoopSettings.of(settings),
        losses_csv=run.out / "losses.csv",
        save=save,
        on_progress=run.on_progress,
        should_stop=run.should_stop,
    )
    run.on_progress(1.0, "measuring")
    network.eval()
    kept_out = Pairs(vae, pictures.kept_out, device) if len(pictures.kept_out) else None
    figures = measure(network, vae, pairs, kept_out)
    _save_pictures(run.out, network, vae, pictures, kept_out or pairs, settings.seed)
    write_report(run, RECIPE, pictures.facts(), history, figures)
    return TrainingResult(run.checkpoint, history.finished, len(history.rows), history.seconds, figures)


def _grey_vae(model: str | None, device: torch.device) -> LatentModel:
    """Open the model whose outputs are to be coloured.

    Raises:
        UsageError: it is not grey, or cannot encode.
    """
    assert model is not None  # `needs_model`
    vae = open_latent(model).model
    assert isinstance(vae, LatentModel)
    if vae.image.channels != 1 or not vae.has_encoder:
        raise UsageError(
            f"{model} makes pictures of {vae.image} and has {'an' if vae.has_encoder else 'no'} encoder, but "
            "conv-colorizer learns from a grey model with one; give such a model."
        )
    vae.network.to(device).eval()
    return vae


class Pairs:
    """Grey pictures that a VAE decodes, and the chroma of the pictures they stand for.

    Attributes:
        chroma: R-Y and B-Y, float32 `(N, 2, H, W)`, for RGB in 0..1.
    """

    @torch.no_grad()
    def __init__(self, vae: LatentModel, images: np.ndarray, device: torch.device) -> None:
        colour = torch.from_numpy(images).permute(0, 3, 1, 2)  # uint8 (N, 3, H, W)
        red, green, blue = (colour[:, channel].float() / 255 for channel in range(3))
        luminance = RED * red + GREEN * green + BLUE * blue
        self.vae = vae
        self.chroma = torch.stack((red - luminance, blue - luminance), 1).to(device)
        means, logvars = [], []
        for part in torch.from_numpy(grey_of(images)).split(1024):
            codes = vae.encode(part[:, None].to(device) / 255)
            means.append(codes.mean)
            logvars.append(torch.full_like(codes.mean, -torch.inf) if codes.logvar is None else codes.logvar)
        self.mean, self.logvar = torch.cat(means), torch.cat(logvars)  # (N, D)

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
        return torch.cat([self.decoded(part) for part in torch.arange(len(self)).split(1024)])


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


@torch.inference_mode()
def _save_pictures(
    out: Path, network: ConvColorizer, vae: LatentModel, pictures: TrainingPictures, pairs: Pairs, seed: int
) -> None:
    """Write coloured samples of the prior; and, below each other, true, decoded and coloured pictures."""
    noise = np.random.default_rng(seed).standard_normal((64, pairs.mean.shape[1])).astype(np.float32)
    sampled = _pixels(network(vae.decode(torch.from_numpy(noise).to(pairs.mean.device))))
    save_grid(out / "samples.png", sampled.reshape(8, 8, *sampled.shape[1:]))
    true = (pictures.kept_out if len(pictures.kept_out) else pictures.images)[:12]
    grey = pairs.decoded(torch.arange(len(true)))
    rows = (true.astype(np.float32), _pixels(grey.expand(-1, 3, -1, -1)), _pixels(network(grey)))
    save_grid(out / "coloured.png", np.stack(rows))


def _pixels(images: Tensor) -> np.ndarray:
    """Return float32 `(N, H, W, C)` in 0..255 of pictures `(N, C, H, W)` in 0..1."""
    return 255 * images.permute(0, 2, 3, 1).cpu().numpy()


RECIPE = Recipe(
    name="conv-colorizer",
    architecture="conv-colorizer",
    summary="colour for what a grey VAE decodes (--model FILE), learnt from colour pictures",
    source="Zhang et al. 2016 (1603.08511); U-Net, Ronneberger et al. 2015 (1505.04597)",
    settings=ConvColorizerSettings,
    run=run,
    needs_model=True,
)
