"""Generators of a well-known collection of GANs whose files leave out what matters: batch norm's eps is 0.8 there.

Radford et al. 2015 (arXiv:1511.06434) with a linear layer and nearest up-sampling in place of transposed convolutions:
`l1`, `conv_blocks`; with `label_emb` a class scales the code (arXiv:1610.09585). LeakyReLU 0.2, tanh.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import torch
from torch import Tensor, nn

from explorer.models import Architecture, Shapes
from explorer.models.base import ImageSpec, LatentModel, NativeRange, Space
from explorer.models.labelled import LabelledModel

_EPS = 0.8  # a momentum, most likely, that was put where eps stands
_SLOPE = 0.2


@dataclass(frozen=True)
class UpsamplingGanConfig:
    """Sizes: `widths` are the channels of the first map and after either convolution; `start` is its side.

    `first_normed`: a batch norm, of the usual eps, goes before all up-sampling.
    """

    latent_dim: int = 100
    widths: tuple[int, ...] = (128, 128, 64)
    start: int = 8
    channels: int = 1
    classes: int = 0
    first_normed: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if len(self.widths) != 3 or self.start < 1:
            raise ValueError("this generator has two convolutions before the last one")


class UpsamplingGan(nn.Module):
    """Codes `(N, latent_dim)` to pictures `(N, channels, 4 * start, 4 * start)` in -1..1."""

    def __init__(self, config: UpsamplingGanConfig) -> None:
        super().__init__()
        self._config = config
        first, second, third = config.widths
        if config.classes:
            self.label_emb = nn.Embedding(config.classes, config.latent_dim)
        self.l1 = nn.Sequential(nn.Linear(config.latent_dim, first * config.start**2))
        before: list[nn.Module] = [nn.BatchNorm2d(first)] if config.first_normed else []
        self.conv_blocks = nn.Sequential(
            *before,
            nn.Upsample(scale_factor=2),
            nn.Conv2d(first, second, 3, padding=1),
            nn.BatchNorm2d(second, eps=_EPS),
            nn.LeakyReLU(_SLOPE),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(second, third, 3, padding=1),
            nn.BatchNorm2d(third, eps=_EPS),
            nn.LeakyReLU(_SLOPE),
            nn.Conv2d(third, config.channels, 3, padding=1),
            nn.Tanh(),
        )

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return pictures `(N, channels, side, side)`; without labels, of class 0."""
        config = self._config
        if config.classes:
            codes = self.label_emb(_numbers(labels, codes, config.classes)) * codes
        return self.conv_blocks(
            self.l1(codes).reshape(len(codes), config.widths[0], config.start, config.start)
        )


def _numbers(labels: Tensor | None, codes: Tensor, classes: int) -> Tensor:
    """Return the numbers of classes, `(N,)`."""
    if labels is None:
        return torch.zeros(len(codes), dtype=torch.long, device=codes.device)
    rows = labels.ndim == 2 and labels.shape[1] > 1
    return (labels.argmax(1) if rows else labels.reshape(-1)).long().clamp(0, classes - 1)


def _wrap(network: UpsamplingGan, config: UpsamplingGanConfig, **described: object) -> LatentModel:
    return LabelledModel(
        network,
        architecture="pytorch-gan",
        image=ImageSpec(config.channels, 4 * config.start, 4 * config.start),
        native_range=NativeRange(-1.0, 1.0),
        spaces=[Space("z", (config.latent_dim,))],
        classes=config.classes,
        **described,  # type: ignore[arg-type]
    )


def _recognise(shapes: Shapes) -> UpsamplingGanConfig | None:
    into = shapes.get("l1.0.weight", ())
    normed = "conv_blocks.0.running_mean" in shapes
    kernels = [shapes.get(f"conv_blocks.{place + normed}.weight", ()) for place in (1, 5, 8)]
    if len(into) != 2 or any(len(kernel) != 4 or kernel[2:] != (3, 3) for kernel in kernels):
        return None
    first = kernels[0][1]
    embedded = shapes.get("label_emb.weight", (0, into[1]))
    if len(embedded) != 2 or embedded[1] != into[1]:  # it does not scale the code, but joins it
        return None
    try:
        return UpsamplingGanConfig(
            into[1], (first, kernels[0][0], kernels[1][0]), isqrt(into[0] // max(first, 1)), kernels[2][0],
            embedded[0], normed,
        )  # fmt: skip
    except ValueError:
        return None


ARCHITECTURE = Architecture("pytorch-gan", UpsamplingGanConfig, UpsamplingGan, _wrap, _recognise)
