"""Pictures a little turned, moved, zoomed and mirrored, so that few of them teach as many would.

On tensors `(N, C, H, W)`; each picture is varied on its own, by the global torch generator. What the border uncovers
is black for moved pictures.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def moved(images: Tensor, turn: float, shift: float, zoom: float) -> Tensor:
    """Return pictures in 0..1 under random affine maps; the same where all spreads are 0.

    Args:
        turn: spread of the angle, in degrees.
        shift: spread of the shift each way, in sides.
        zoom: spread of the logarithm of each side's length.
    """
    if not (turn or shift or zoom):
        return images
    draw = torch.randn(5, len(images), device=images.device)
    angle = draw[0] * math.radians(turn)
    across, down = (zoom * draw[1]).exp(), (zoom * draw[2]).exp()
    cos, sin = angle.cos(), angle.sin()
    sides = 2 * shift * draw[3:]  # grid_sample counts -1..1
    maps = torch.stack((cos * across, -sin * down, sides[0], sin * across, cos * down, sides[1]), 1)
    grid = functional.affine_grid(maps.reshape(-1, 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False).clamp(0, 1)


def mirrored(images: Tensor, share: float) -> Tensor:
    """Return pictures of which about a share has left and right exchanged."""
    if not share:
        return images
    chosen = torch.rand(len(images), 1, 1, 1, device=images.device) < share
    return torch.where(chosen, images.flip(3), images)
