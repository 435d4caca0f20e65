"""What lies beyond the edge of a picture, for networks that take any size."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Edge = Literal["zeros", "reflect", "replicate"]
EDGES: tuple[Edge, ...] = ("zeros", "reflect", "replicate")


def mirrored(images: Tensor, height: int, width: int) -> Tensor:
    """Return pictures `(N, C, height, width)`: as they came, at the top left, and mirrored again and again beyond."""
    if images.shape[2:] == (height, width):
        return images
    rows, columns = (
        _mirror(inside, wanted, images.device)
        for inside, wanted in zip(images.shape[2:], (height, width), strict=True)
    )
    return images[:, :, rows][..., columns]


def _mirror(inside: int, wanted: int, device: torch.device) -> Tensor:
    """Return which of `inside` places stand at `wanted` ones; the edge itself is not repeated."""
    period = max(2 * (inside - 1), 1)
    place = torch.arange(wanted, device=device) % period
    return torch.minimum(place, period - place) if inside > 1 else place * 0
