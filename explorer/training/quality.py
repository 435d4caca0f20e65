"""How well made-up pictures match real ones: distances between two collections, pure measures without a network.

Pictures are uint8 `(N, H, W, C)`. What a run reports of its own losses is in `measures`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from explorer.errors import UsageError

PATCH = 7
"""Side of the patches that are compared, in pixels of their level."""

SMALLEST = 16
"""Side of the coarsest level."""

_READ_AT_ONCE = 256  # pictures
_DIRECTIONS_AT_ONCE = 32


def sliced_wasserstein(
    pictures: np.ndarray,
    others: np.ndarray,
    *,
    patches: int = 128,
    directions: int = 512,
    seed: int = 0,
) -> dict[int, float]:
    """Return how far two collections' patches are apart, by the side of each level of their Laplacian pyramids.

    The sliced Wasserstein distance of Karras et al. 2018 (arXiv:1710.10196, section 5), in its customary unit of
    a thousandth: the finest level tells of sharpness and noise, the coarsest of composition and colour. Patches of
    7x7 pixels at random places are taken from every picture, each colour channel of a level brought to mean 0 and
    deviation 1 *in its own collection* (so a shift of all colours alike is not seen), and projected on random
    directions; along each, the distance of the two distributions is the mean difference of the sorted values. It is
    0 for the same patches; two samples of one distribution keep a small distance, which shrinks with their size.

    Takes about 80 kB a picture and some seconds a thousand pictures.

    Args:
        pictures, others: as many of both, of one shape; the sides 16, 32, 64, ...
        patches: of each picture and level.
        seed: of places and directions; pictures and places go together, so equal collections give exactly 0.

    Raises:
        UsageError: the collections differ in number or shape, or have no such sides.
    """
    if pictures.shape != others.shape or not len(pictures):
        raise UsageError(
            f"Distances are taken between as many pictures of one shape, not {_said(pictures)} and {_said(others)}; "
            "leave some out or scale them."
        )
    found = {}
    for side in _sides(*pictures.shape[1:3]):
        one, other = (_described(these, side, patches, seed) for these in (pictures, others))
        found[side] = 1000 * _sliced(one, other, directions, seed)
    return found


def laplacian_level(images: Tensor, side: int) -> Tensor:
    """Return the level of the Laplacian pyramid (Burt & Adelson 1983) whose pictures are `side` wide.

    Args:
        images: float `(N, C, H, W)`.

    Returns:
        `(N, C, side, side)`: what the next coarser level lacks; at `SMALLEST` the picture itself, scaled down.
    """
    while images.shape[2] > side:
        images = _halved(images)
    return images if side <= SMALLEST else images - _doubled(_halved(images))


def nearest_distances(pictures: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return for each picture the root mean squared difference (0..255) to the nearest of `others`, `(N,)` float64.

    Squares of single values are whole numbers, but their sums are rounded: equal pictures are within about 0.02.
    """
    nearest = []
    for here in _parts(pictures, 512):
        least = torch.full((len(here),), torch.inf)
        for there in _parts(others, 2048):
            squared = here.square().sum(1)[:, None] + there.square().sum(1) - 2 * here @ there.T
            least = torch.minimum(least, squared.amin(1))
        nearest.append(least)
    return np.sqrt(torch.cat(nearest).double().clamp(min=0).numpy() / pictures[0].size)


def variety(pictures: np.ndarray) -> float:
    """Return the root mean squared difference (0..255) of two pictures of a collection, over all pairs.

    That is the deviation of each value over the collection, times the root of two; 0 where all are alike.
    """
    flat = pictures.reshape(len(pictures), -1)
    variances = [part.astype(np.float64).var(0, ddof=1) for part in np.array_split(flat, 16, axis=1)]
    return float(np.sqrt(2 * np.concatenate(variances).mean()))


def has_levels(height: int, width: int) -> bool:
    """Return whether pictures of that size have a pyramid down to `SMALLEST`: sides of 16, 32, 64, ..."""
    return height == width and height >= SMALLEST and height.bit_count() == 1


def _sides(height: int, width: int) -> list[int]:
    """Return the sides of the levels, the finest first."""
    if not has_levels(height, width):
        raise UsageError(
            f"Pictures of {height}x{width} have no pyramid down to {SMALLEST} pixels; "
            "give square ones of 16, 32, 64, ... pixels a side."
        )
    return [height >> level for level in range((height // SMALLEST).bit_length())]


def _described(pictures: np.ndarray, side: int, patches: int, seed: int) -> Tensor:
    """Return normalised patches of one level, float32 `(N * patches, C * 7 * 7)`."""
    draw = torch.Generator().manual_seed(seed)
    values = torch.empty(len(pictures) * patches, pictures.shape[3], PATCH**2)
    for start in range(0, len(pictures), _READ_AT_ONCE):
        part = torch.from_numpy(np.array(pictures[start : start + _READ_AT_ONCE]))  # they may be read-only
        level = laplacian_level(part.permute(0, 3, 1, 2).float(), side)
        values[start * patches : (start + len(part)) * patches] = _patches(level, patches, draw)
    values -= values.mean((0, 2), keepdim=True)
    values /= values.std((0, 2), keepdim=True, unbiased=False).clamp(min=1e-8)
    return values.flatten(1)


def _patches(level: Tensor, count: int, draw: torch.Generator) -> Tensor:
    """Return `count` patches at random places of each picture `(N, C, H, W)`, `(N * count, C, 49)`."""
    number, channels, height, width = level.shape
    which = torch.arange(number).repeat_interleave(count)[:, None, None]
    window = torch.arange(PATCH)
    top = torch.randint(height - PATCH + 1, (number * count, 1, 1), generator=draw) + window[:, None]
    left = torch.randint(width - PATCH + 1, (number * count, 1, 1), generator=draw) + window
    taken = level.permute(0, 2, 3, 1)[which, top, left]  # (N * count, 7, 7, C)
    return taken.permute(0, 3, 1, 2).reshape(number * count, channels, PATCH * PATCH)


def _sliced(one: Tensor, other: Tensor, directions: int, seed: int) -> float:
    """Return the mean over random directions of the 1-D Wasserstein distance of two sets of points `(N, D)`."""
    draw = torch.Generator().manual_seed(seed)
    axes = torch.randn(directions, one.shape[1], generator=draw)
    axes /= axes.norm(dim=1, keepdim=True)
    total = 0.0
    for some in axes.split(_DIRECTIONS_AT_ONCE):
        along = [np.sort((some @ points.T).numpy(), axis=1) for points in (one, other)]  # (directions, N)
        total += float(np.abs(along[0] - along[1]).mean(1, dtype=np.float64).sum())
    return total / directions


def _binomial(channels: int, gain: float) -> Tensor:
    """Return the 5x5 binomial filter of the pyramid, one a channel, `(C, 1, 5, 5)`."""
    row = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    return (gain * row[:, None] * row).expand(channels, 1, 5, 5)


def _filtered(images: Tensor, gain: float, stride: int) -> Tensor:
    channels = images.shape[1]
    padded = functional.pad(images, (2, 2, 2, 2), mode="reflect")
    return functional.conv2d(padded, _binomial(channels, gain), stride=stride, groups=channels)


def _halved(images: Tensor) -> Tensor:
    return _filtered(images, 1.0, stride=2)


def _doubled(images: Tensor) -> Tensor:
    number, channels, height, width = images.shape
    spread = images.new_zeros(number, channels, 2 * height, 2 * width)
    spread[:, :, ::2, ::2] = images
    return _filtered(spread, 4.0, stride=1)


def _parts(pictures: np.ndarray, size: int) -> Iterator[Tensor]:
    """Yield pictures in turn, float32 `(size, H * W * C)`."""
    for start in range(0, len(pictures), size):
        part = np.array(pictures[start : start + size])  # they may be read-only, and lie on the disk
        yield torch.from_numpy(part).flatten(1).float()


def _said(pictures: np.ndarray) -> str:
    return f"{len(pictures)} of {'x'.join(map(str, pictures.shape[1:]))}"
