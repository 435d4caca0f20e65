"""`train stack-colorizer`: the anime face article's colour stage, learnt from colour pictures and their own grey.

The loss is the mean squared error of the colours and, weighted, that of the luminance of what comes out to the grey
that went in. Noise on the input while learning keeps a network of 90 million weights from learning a few hundred faces
by their single pixels. It is as large as it is because of one linear layer: on a small machine set `hidden` lower.

It learns in values of 0..1; the scale is folded into its first layer when it is saved, so that the checkpoint takes
0..255, and so are the two linear layers into one where that is smaller (see `models.stack_colorizer`).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.data.images import grey as grey_of
from explorer.models.base import ImageSpec
from explorer.models.conv_colorizer import BLUE, GREEN, RED
from explorer.models.stack_colorizer import SIDE, StackColorizer, StackColorizerConfig, folded, stage
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

LIVELY = 0.3
"""Average and spread of the maps of both convolutions to begin with, before the rectifiers."""

SHOWN = 12
"""Pictures in a sample grid."""


@dataclass(frozen=True)
class StackColorizerSettings(LoopSettings):
    """Defaults; the article's sizes."""

    hidden: int = setting(
        4500,
        "values between the two linear layers; memory while learning is 300 kB for each",
        least=1,
        most=20000,
    )
    noise: float = setting(8.0, "spread of the noise on the grey while learning, of 255", least=0, most=255)
    luminance: float = setting(1.0, "weight of the error of the luminance", least=0)
    epochs: int = 60
    batch_size: int = 32
    lr: float = 1e-4
    weight_decay: float = setting(0.0, "of AdamW", least=0, most=10)
    save_every: int = setting(20, "epochs between two checkpoints; each has 188 MB", least=1)


class StackColorizerLesson(Lesson[StackColorizerSettings]):
    """Grey to colour, one picture like the other."""

    def __init__(self, materials: Materials[StackColorizerSettings]) -> None:
        super().__init__(materials)
        self.config = StackColorizerConfig(self.settings.hidden)
        self.network: StackColorizer = self.learns(
            "network",
            begun(StackColorizer(self.config), *self._usual()),
            lr=self.settings.lr,
            weight_decay=self.settings.weight_decay,
        )

    def _usual(self) -> tuple[Tensor, Tensor]:
        """Return the grey of some pictures `(N, 1, 30, 30)` and the mean of some `(3, 30, 30)`, on the CPU."""
        some = self.pictures.images[:: max(1, len(self.pictures.images) // 256)][:256]
        grey, true = next(self._parts(some))
        return grey[:64].cpu(), true.mean(0).cpu()

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn to colour the batch's own grey."""
        grey = self._grey(batch.pixels.permute(0, 2, 3, 1).cpu().numpy())
        noisy = grey + self.settings.noise / 255 * torch.randn_like(grey)
        colour, luminance = errors(self.network(noisy).float(), batch.images, grey)
        loss = colour + self.settings.luminance * luminance
        self.descend("network", loss, max_norm=10.0)
        return {"loss": loss, "colour": colour, "luminance": luminance}

    def _grey(self, images: np.ndarray) -> Tensor:
        """Return the grey of pictures uint8 `(N, H, W, 3)`, `(N, 1, H, W)` in 0..1."""
        return torch.from_numpy(grey_of(images)).to(self.device)[:, None].float() / 255

    @torch.no_grad()
    def exported(self) -> dict[str, Exported]:
        """Return the network for 0..255, with one linear layer where that is smaller."""
        config = self.config
        if config.gains:
            native, config = folded(self.network), replace(config, folded=True)
        else:
            native = copy.deepcopy(self.network)
        native.features[0].weight.div_(255)  # type: ignore[operator, union-attr]
        return {"": Exported(stage(native, name="stack-colorizer"), config)}

    def examined(self) -> dict[str, float]:
        """Return both errors of kept-out pictures, without noise."""
        if not len(self.pictures.kept_out):
            return {}
        colour, luminance = self._errors_of(self.pictures.kept_out)
        return {"kept_out_colour": colour, "kept_out_luminance": luminance}

    def figures(self) -> dict[str, Any]:
        """Return the errors without noise, and that of no colour at all: root mean squares, of 255."""
        return {
            name: self._figures_of(images)
            for name, images in (("learnt_from", self.pictures.images), ("kept_out", self.pictures.kept_out))
            if len(images)
        }

    def _figures_of(self, images: np.ndarray) -> dict[str, float]:
        colour, luminance = self._errors_of(images)
        squares = sum(float((grey - true).square().mean()) * len(true) for grey, true in self._parts(images))
        found = {"colour": colour, "luminance": luminance, "of_no_colour": squares / len(images)}
        return {"pictures": len(images)} | {
            key: round(255 * float(value) ** 0.5, 2) for key, value in found.items()
        }

    def _errors_of(self, images: np.ndarray) -> tuple[float, float]:
        sums = np.zeros(2)
        for grey, true in self._parts(images):
            sums += len(true) * np.array(
                [float(e) for e in errors(self.network(grey).clamp(0, 1), true, grey)]
            )
        colour, luminance = sums / len(images)
        return float(colour), float(luminance)

    def _parts(self, images: np.ndarray) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield grey and colour, in 0..1, of a few hundred pictures at a time."""
        for start in range(0, len(images), 256):
            some = images[start : start + 256]
            yield self._grey(some), self.in_unit(some)

    def shown(self) -> np.ndarray:
        """Return pictures, their grey, and what the network makes of it; kept-out ones where there are any."""
        grey, true = next(self._parts(self.pictures.examples[:SHOWN]))
        return np.stack([as_pixels(row) for row in (true, grey.expand_as(true), self.network(grey))])


@torch.no_grad()
def begun(network: StackColorizer, grey: Tensor, mean: Tensor) -> StackColorizer:
    """Return a network with other weights to begin with: whatever goes in, the picture `mean (3, 30, 30)` comes out.

    Weights and biases of the convolutions are scaled by what they make of some pictures `grey (N, 1, 30, 30)` in 0..1
    (Mishkin & Matas 2016, arXiv:1511.06422), so that each map has values above 0; as torch begins, most maps are dead.
    """
    values = grey
    for layer in (network.features[0], network.features[2]):
        made = layer(values)
        average, spread = made.mean((0, 2, 3)), made.std((0, 2, 3)).clamp_min(1e-6)
        scale = LIVELY / spread
        axis = 1 if isinstance(layer, nn.ConvTranspose2d) else 0  # of the maps that come out
        layer.weight.mul_(scale.reshape(-1, *(3 - axis) * (1,)))  # type: ignore[operator, union-attr]
        layer.bias.sub_(average).mul_(scale).add_(LIVELY)  # type: ignore[operator, union-attr]
        values = layer(values).relu()
    colour = network.linears.colour
    nn.init.zeros_(colour.weight)  # type: ignore[arg-type, union-attr]
    colour.bias.copy_(mean.flatten())  # type: ignore[operator, union-attr]
    return network


def errors(images: Tensor, true: Tensor, grey: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean squared errors of colours and of luminance, in 0..1.

    Args:
        images: what came out, `(N, 3, H, W)`.
        true: the colours wished, of the same shape.
        grey: what the luminance shall be, `(N, 1, H, W)`.
    """
    shown = torch.einsum("nchw,c->nhw", images, images.new_tensor((RED, GREEN, BLUE)))[:, None]
    return functional.mse_loss(images, true), functional.mse_loss(shown, grey)


RECIPE = Recipe(
    name="stack-colorizer",
    architecture="stack-colorizer",
    summary="the face article's colour stage: grey 30x30 faces to colour, learnt from colour pictures",
    source="the anime face article's second network",
    settings=StackColorizerSettings,
    lesson=StackColorizerLesson,
    spec=lambda settings, model: ImageSpec(3, SIDE, SIDE),
)
