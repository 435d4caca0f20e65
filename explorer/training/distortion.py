"""Pictures in two states: as an autoencoder sees them, and as it shall give them back.

Both are moved by the same random affine map; what is seen is warped besides by a coarse random grid, as the design of
2017 has it for faces, and may have its colours changed. All chance is torch's global one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from explorer.training.settings import LoopSettings, setting

GRID = 5
"""Points of the warp along each side, as in the design."""


@dataclass(frozen=True)
class Distortion(LoopSettings):
    """How far pictures may be changed; each change is drawn evenly, but for the warp, which is normal."""

    rotation: float = setting(
        10.0, "how far pictures may be turned either way, in degrees", least=0, most=180
    )
    zoom: float = setting(0.05, "how much larger or smaller they may get, as a share", least=0, most=0.9)
    shift: float = setting(0.05, "how far they may be shifted, in sides", least=0, most=1)
    flip: float = setting(0.5, "how often they are mirrored", least=0, most=1)
    warp: float = setting(0.03, "spread of the warp's grid points, in sides", least=0, most=0.5)
    hue: float = setting(
        0.0, "how far the input's hues may be turned either way, in turns", least=0, most=0.5
    )
    saturation: float = setting(
        0.0, "how much more or less saturated it may get, as a share", least=0, most=1
    )
    lightness: float = setting(
        0.0, "how much lighter or darker its colours may get, as a share of their chroma", least=0, most=3
    )

    @property
    def recolours(self) -> bool:
        """Whether colours are changed."""
        return bool(self.hue or self.saturation or self.lightness)


def distorted(images: Tensor, how: Distortion) -> tuple[Tensor, Tensor]:
    """Return what the encoder sees and what the decoder shall give, of pictures `(N, C, H, W)` in 0..1."""
    grid = functional.affine_grid(
        affine_maps(len(images), how).to(images.device), list(images.shape), align_corners=False
    )  # (N, H, W, 2)
    targets = _sampled(images, grid, "bicubic")
    bends = 2 * how.warp * torch.randn(len(images), 2, GRID, GRID).to(images.device)
    bends = functional.interpolate(bends, size=images.shape[2:], mode="bicubic", align_corners=True)
    inputs = _sampled(images, grid + bends.permute(0, 2, 3, 1), "bilinear")
    return (recoloured(inputs, how) if how.recolours else inputs), targets


def affine_maps(count: int, how: Distortion) -> Tensor:
    """Return random maps `(N, 2, 3)` from where a pixel shall be to where it is, in half sides."""
    angle, scale = math.radians(how.rotation) * _either_way(count), 1 + how.zoom * _either_way(count)
    mirror = 1 - 2 * (torch.rand(count) < how.flip).float()
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    across, down = 2 * how.shift * _either_way(count), 2 * how.shift * _either_way(count)
    rows = (cosine * mirror, -sine, across, sine * mirror, cosine, down)
    return torch.stack(rows, 1).reshape(count, 2, 3)


def _either_way(*shape: int) -> Tensor:
    return 2 * torch.rand(*shape) - 1


def _sampled(images: Tensor, grid: Tensor, mode: str) -> Tensor:
    """Return pictures as a grid finds them, mirrored at the edges."""
    return functional.grid_sample(
        images, grid, mode=mode, padding_mode="reflection", align_corners=False
    ).clamp(0, 1)


def recoloured(images: Tensor, how: Distortion) -> Tensor:
    """Return pictures `(N, 3, H, W)` with other colours; greys stay what they are.

    Chroma, what a colour has beside the mean of its three values, is turned about the axis of greys and stretched;
    and the mean changes by a random mixture of the chroma's values, as if a coloured glass were before the lens: so a
    hue that is dark in one picture is light in the next.
    """
    count = len(images)
    mean = images.mean(1, keepdim=True)
    stretch = 1 + how.saturation * _either_way(count, 1, 1)
    turns = stretch * _turns(2 * math.pi * how.hue * _either_way(count))  # (N, 3, 3)
    glass = how.lightness * _either_way(count, 1, 3)
    change = (turns + glass).to(images.device)  # of chroma to what is added to the mean
    return (mean + torch.einsum("ndc,nchw->ndhw", change, images - mean)).clamp(0, 1)


def _turns(angles: Tensor) -> Tensor:
    """Return rotations `(N, 3, 3)` about the axis (1, 1, 1), by Rodrigues' formula."""
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]]) / math.sqrt(3)
    cosine, sine = angles.cos()[:, None, None], angles.sin()[:, None, None]
    return cosine * torch.eye(3) + sine * cross + (1 - cosine) / 3


def edge_error(images: Tensor, targets: Tensor) -> Tensor:
    """Return the mean absolute error of the differences of neighbours, beside and above each other, summed."""
    return sum(functional.l1_loss(images.diff(dim=dim), targets.diff(dim=dim)) for dim in (-1, -2))  # type: ignore[return-value]
