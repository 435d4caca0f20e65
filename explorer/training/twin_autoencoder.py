"""`train twin-autoencoder`: a face swap from two collections (--data, --data-b), without any pairs.

One encoder for both sets, a decoder for each ("deepfakes", 2017). The encoder sees a picture moved by a random affine
map and warped by a coarse random grid; the decoder of the picture's own set is asked for the moved picture without the
warp, by the mean absolute error. So the code is about what both sets share, pose and expression, and each decoder
draws it as its own set looks.

What tells the sets apart must not travel in the code. Where it is a colour, `hue` turns the input's colours at random
while the target keeps its own, and `grey` gives the encoder no colour at all. Then pictures of neither set (`extra`)
can teach what faces look like where the sets are small: both decoders draw them, and only the luminance is compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.errors import UsageError
from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.conv_colorizer import to_rgb
from explorer.models.twin_autoencoder import TwinAutoencoder, TwinAutoencoderConfig, luminance
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels, warm_cosine
from explorer.training.pictures import TrainingPictures, weighted
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

GRID = 5
"""Points of the warp along each side, as in the design."""

SHOWN = 8
"""Pictures of each set in a sample grid."""


@dataclass(frozen=True)
class TwinAutoencoderSettings(LoopSettings):
    """Defaults: the design's, with a network small enough for one core."""

    side: int = setting(64, "of the pictures, in pixels; halved once for each width", least=8, most=512)
    channels: int = setting(3, "1: grey, 3: colour", least=1, most=3)
    widths: tuple[int, ...] = setting(
        (32, 64, 128, 128), "channels of the encoder, from the picture inwards", least=1
    )
    ups: tuple[int, ...] = setting(
        (192, 128, 64, 48, 16), "channels of the decoders, outwards; one more than widths", least=1
    )
    shared: int = setting(1, "how many of the decoders' doublings they have in common", least=0)
    latent_dim: int = setting(128, "dimensions of a code", least=1, most=4096)
    grey: bool = setting(False, "whether the encoder sees luminance only")
    hue: float = setting(
        0.0, "how far the input's hues may be turned either way, in turns", least=0, most=0.5
    )
    rotation: float = setting(
        10.0, "how far pictures may be turned either way, in degrees", least=0, most=180
    )
    zoom: float = setting(0.05, "how much larger or smaller they may get, as a share", least=0, most=0.9)
    shift: float = setting(0.05, "how far they may be shifted, in sides", least=0, most=1)
    flip: float = setting(0.5, "how often they are mirrored", least=0, most=1)
    warp: float = setting(0.03, "spread of the warp's grid points, in sides", least=0, most=0.5)
    edges: float = setting(0.0, "weight of the mean absolute error of neighbours' differences", least=0)
    extra: str = setting("", "a collection of pictures of neither set, for their luminance")
    weight: int = setting(
        1, "how often each picture of --data is seen per epoch; the extra ones once", least=1, most=1000
    )
    epochs: int = setting(200, "passes over the pictures of --data", least=1)
    batch_size: int = setting(
        32, "pictures per step, but for those of --data-b, which join as many of --data", least=1
    )
    lr: float = setting(1e-3, "highest learning rate", least=1e-8, most=1)
    weight_decay: float = setting(0.0, "of AdamW", least=0, most=10)
    save_every: int = setting(10, "epochs between two checkpoints", least=1)

    @property
    def sizes(self) -> dict[str, Any]:
        """Those that are the network's."""
        names = ("side", "channels", "widths", "ups", "shared", "latent_dim", "grey")
        return {name: getattr(self, name) for name in names}


class TwinAutoencoderLesson(Lesson[TwinAutoencoderSettings]):
    """Both autoencoders at once, by one optimizer."""

    def __init__(self, materials: Materials[TwinAutoencoderSettings]) -> None:
        super().__init__(materials)
        assert self.others is not None  # `needs_second`
        self.config = TwinAutoencoderConfig(heads=_names(self.pictures, self.others), **self.settings.sizes)
        self.network: TwinAutoencoder = self.learns(
            "network",
            TwinAutoencoder(self.config).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
            lr=self.settings.lr,
            betas=(0.5, 0.999),
            weight_decay=self.settings.weight_decay,
        )

    def indices(self) -> Tensor:
        """Return those of the first set, as often as `weight` says, and of the extra pictures."""
        return weighted(self.pictures, self.settings.weight)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Let each decoder give back the pictures of its own set, and the luminance of half of the extra ones."""
        assert batch.others is not None
        is_own = (batch.indices < self.pictures.main_count).to(self.device)
        own, extra = batch.images[is_own], batch.images[~is_own]
        sets = (
            own,
            batch.others[: len(own)],
            *extra.tensor_split(2),
        )  # of the first decoder, the second, ...
        inputs, targets = distorted(torch.cat(sets), self.settings)
        losses = self._losses(inputs, targets, [len(each) for each in sets])
        self.descend("network", losses["loss"], max_norm=10.0)
        return losses

    def _losses(self, inputs: Tensor, targets: Tensor, counts: list[int]) -> dict[str, Tensor]:
        """Return the losses of pictures: so many of the first set, of the second, and extra ones for either head."""
        features = self.network.trunk(self.network.encoder(inputs)).split(counts)
        wished = targets.split(counts)
        losses = {}
        for own, name in enumerate(("first", "second")):
            drawn = self.network.heads[own](torch.cat((features[own], features[own + 2]))).float()
            if counts[own]:
                losses[name] = self._error(drawn[: counts[own]], wished[own])
            if counts[own + 2]:
                shades = luminance(drawn[counts[own] :]), luminance(wished[own + 2])
                losses[f"{name}_extra"] = self._error(*shades)
        return {"loss": torch.stack(list(losses.values())).sum(), **losses}

    def _error(self, images: Tensor, targets: Tensor) -> Tensor:
        error = functional.l1_loss(images, targets)
        if self.settings.edges:
            error = error + self.settings.edges * edge_error(images, targets)
        return error

    def rate(self, done: int, total: int) -> float:
        """Warm up, then down to nothing."""
        return warm_cosine(done, total)

    def exported(self) -> dict[str, Exported]:
        """Return the twin."""
        model = architecture("twin-autoencoder").wrap(self.network, self.config, name="twin-autoencoder")
        return {"": Exported(model, self.config)}

    def examined(self) -> dict[str, float]:
        """Return the mean absolute error of kept-out pictures, drawn by their own set's decoder, of 1."""
        assert self.others is not None
        errors = {}
        for head, (name, pictures) in enumerate((("first", self.pictures), ("second", self.others))):
            if len(pictures.kept_out):
                images = self._tensor(pictures.kept_out)
                errors[f"kept_out_{name}"] = float((self._drawn(images, head) - images).abs().mean())
        return errors

    def figures(self) -> dict[str, Any]:
        """Return what `examined` does, after the last step."""
        return {name: round(error, 4) for name, error in self.examined().items()}

    def shown(self) -> np.ndarray:
        """Return three rows for each set: pictures, its own decoder's, and the other one's."""
        assert self.others is not None
        rows = []
        for head, pictures in enumerate((self.pictures, self.others)):
            some = pictures.kept_out if len(pictures.kept_out) else pictures.images
            images = self._tensor(np.resize(some[:SHOWN], (SHOWN, *some.shape[1:])))
            rows += [images, self._drawn(images, head), self._drawn(images, 1 - head)]
        return np.stack([as_pixels(row) for row in rows])

    def _tensor(self, images: np.ndarray) -> Tensor:
        return torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).float() / 255

    def _drawn(self, images: Tensor, head: int) -> Tensor:
        return torch.cat(
            [self.network.decode(self.network.encode(some)[0], head).float() for some in images.split(256)]
        )


def _names(pictures: TrainingPictures, others: TrainingPictures) -> tuple[str, str]:
    """Return names for the decoders: those of the collections, without their endings."""
    first, second = (Path(each.sources[0]).stem or "pictures" for each in (pictures, others))
    return (first, second) if first != second else (f"{first}-a", f"{second}-b")


def distorted(images: Tensor, settings: TwinAutoencoderSettings) -> tuple[Tensor, Tensor]:
    """Return what the encoder sees and what the decoder shall give, of pictures `(N, C, H, W)` in 0..1."""
    grid = functional.affine_grid(
        affine_maps(len(images), settings).to(images.device), list(images.shape), align_corners=False
    )  # (N, H, W, 2)
    targets = _sampled(images, grid, "bicubic")
    bends = 2 * settings.warp * torch.randn(len(images), 2, GRID, GRID)
    bends = functional.interpolate(
        bends.to(images.device), size=images.shape[2:], mode="bicubic", align_corners=True
    )
    inputs = _sampled(images, grid + bends.permute(0, 2, 3, 1), "bilinear")
    return (turned(inputs, settings.hue) if settings.hue else inputs), targets


def affine_maps(count: int, settings: TwinAutoencoderSettings) -> Tensor:
    """Return random maps `(N, 2, 3)` from where a pixel shall be to where it is, in half sides."""

    def either_way(most: float) -> Tensor:
        return most * (2 * torch.rand(count) - 1)

    angle, scale = math.pi / 180 * either_way(settings.rotation), 1 + either_way(settings.zoom)
    mirror = 1 - 2 * (torch.rand(count) < settings.flip).float()
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    across, down = 2 * either_way(settings.shift), 2 * either_way(settings.shift)
    rows = (cosine * mirror, -sine, across, sine * mirror, cosine, down)
    return torch.stack(rows, 1).reshape(count, 2, 3)


def _sampled(images: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Return pictures as a grid finds them, mirrored at the edges."""
    return functional.grid_sample(
        images, grid, mode=mode, padding_mode="reflection", align_corners=False
    ).clamp(0, 1)


def turned(images: Tensor, most: float) -> Tensor:
    """Return pictures `(N, 3, H, W)` whose hues are turned by up to `most` turns, their luminance kept.

    The turn is one of the plane of 0.877 (R-Y) and 0.493 (B-Y), in which television sends colour.
    """
    grey = luminance(images)
    red, blue = 0.877 * (images[:, :1] - grey), 0.493 * (images[:, 2:] - grey)
    angle = 2 * math.pi * most * (2 * torch.rand(len(images), 1, 1, 1) - 1).to(images.device)
    cosine, sine = angle.cos(), angle.sin()
    chroma = torch.cat(((cosine * red - sine * blue) / 0.877, (sine * red + cosine * blue) / 0.493), 1)
    return to_rgb(grey, chroma)


def edge_error(images: Tensor, targets: Tensor) -> Tensor:
    """Return the mean absolute error of the differences of neighbours, beside and above each other, summed."""
    return sum(functional.l1_loss(images.diff(dim=dim), targets.diff(dim=dim)) for dim in (-1, -2))  # type: ignore[return-value]


def _check(settings: TwinAutoencoderSettings) -> None:
    """Raise `UsageError` for settings that do not go together."""
    if settings.channels == 1 and (settings.hue or settings.grey or settings.extra):
        raise UsageError("Grey pictures have no colours; leave out hue, grey and extra, or set channels=3.")
    try:
        TwinAutoencoderConfig(**settings.sizes)
    except ValueError as error:
        raise UsageError(f"These settings make no network: {error}; correct them.") from error


RECIPE = Recipe(
    name="twin-autoencoder",
    architecture="twin-autoencoder",
    summary="a face swap: one encoder and two decoders, learnt from two collections (--data, --data-b)",
    source="the design known as deepfakes, 2017; sub-pixel convolution, Shi et al. 2016 (1609.05158)",
    settings=TwinAutoencoderSettings,
    lesson=TwinAutoencoderLesson,
    spec=lambda settings, model: ImageSpec(settings.channels, settings.side, settings.side),
    check=_check,
    needs_second=True,
)
