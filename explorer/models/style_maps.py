"""What StyleGAN and its forerunner do to feature maps `(N, C, H, W)`: enlarging, smoothing, normalising.

Written so that few passes over large maps are needed. Nothing here has weights of its own.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

EPSILON = 1e-8
"""What keeps a norm from being 0."""


def pixel_norm(values: Tensor) -> Tensor:
    """Return values `(N, C, ...)` whose square is 1 on average over the channels."""
    return values * (values.square().mean(1, keepdim=True) + EPSILON).rsqrt()


def enlarge(images: Tensor, times: int = 2) -> Tensor:
    """Repeat every pixel `times` by `times`."""
    return functional.interpolate(images, scale_factor=times, mode="nearest") if times > 1 else images


def smooth(values: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Filter `(N, C, H, W)` along both axes with zeros beyond the edges; the taps count relative to their sum."""
    before = (len(taps) - 1) // 2
    behind = len(taps) - 1 - before
    for axis, pad in ((2, (0, 0, before, behind)), (3, (before, behind))):
        padded, length = functional.pad(values, pad), values.shape[axis]
        values = padded.narrow(axis, 0, length) * (taps[0] / sum(taps))
        for at, tap in enumerate(taps[1:], 1):
            values = values.add_(padded.narrow(axis, at, length), alpha=tap / sum(taps))
    return values


def fused_up(values: Tensor, weight: Tensor) -> Tensor:
    """Enlarge twice and convolve at once: a transposed convolution by the sum of four shifted kernels.

    Args:
        values: `(N, I, H, W)`.
        weight: `(O, I, k, k)`, k odd.
    """
    padded = functional.pad(weight, (1, 1, 1, 1))
    kernel = padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]
    return functional.conv_transpose2d(
        values, kernel.transpose(0, 1), stride=2, padding=(weight.shape[-1] - 1) // 2
    )  # (N, O, 2H, 2W)


def activated(values: Tensor, name: str) -> Tensor:
    """Return `lrelu` or `relu` of values."""
    return functional.leaky_relu(values, 0.2) if name == "lrelu" else values.relu()


def normed(values: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return maps `(N, C, H, W)`, each of mean 0 and variance 1, with a scale and shift `(N, C)`, in one go."""
    maps = values.flatten(0, 1).unsqueeze(0)  # (1, N * C, H, W)
    return functional.batch_norm(
        maps, None, None, scale.flatten(), shift.flatten(), training=True, eps=EPSILON
    ).view_as(values)
