"""Filtering and resampling of feature maps by the low-pass filters that a network keeps.

A filter is `(taps,)`, for both axes, or `(height, width)`. No network here.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Pads = tuple[int, int, int, int]
"""Left, right, top, bottom, in pixels; negative ones crop."""


def taps(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return `(height, width)` of a filter of this shape."""
    return (shape[0], shape[-1])


def up_pads(shape: tuple[int, ...], up: int) -> Pads:
    """Return what is put around a map that got `up - 1` zeros behind each pixel, so that filtering keeps it centred."""
    height, width = taps(shape)
    return ((width + up - 1) // 2, (width - up) // 2, (height + up - 1) // 2, (height - up) // 2)


def padded(x: Tensor, pads: Pads) -> Tensor:
    """Return a map with zeros around it, or cropped."""
    return x if not any(pads) else functional.pad(x, pads)


def filtered(x: Tensor, fir: Tensor, pads: Pads, gain: float = 1.0) -> Tensor:
    """Convolve each channel of `x (N, C, H, W)` with a filter, once zeros were put around it.

    A filter of two axes that is the product of two of one is applied as these.
    """
    single = padded(x, pads).flatten(0, 1).unsqueeze(1)  # (N * C, 1, H, W): one and the same filter for all
    for weight in _passes(fir, gain):
        single = functional.conv2d(single, weight)
    return single.reshape(*x.shape[:2], *single.shape[2:])


def upsampled(x: Tensor, fir: Tensor, up: int = 2) -> Tensor:
    """Enlarge a map `up` times: zeros between its pixels, filtered."""
    left, right, top, bottom = up_pads(tuple(fir.shape), up)
    height, width = taps(tuple(fir.shape))
    flat = x.flatten(0, 1).unsqueeze(1)  # (N * C, 1, H, W)
    kernel = _plane(fir) * up**2
    whole = functional.conv_transpose2d(flat, kernel[None, None], stride=up)  # the filter's full reach
    tail = up - 1  # zeros behind the last pixel
    whole = padded(
        whole, (left - width + 1, right - width + 1 + tail, top - height + 1, bottom - height + 1 + tail)
    )
    return whole.reshape(*x.shape[:2], *whole.shape[2:])


def _plane(fir: Tensor) -> Tensor:
    return torch.outer(fir, fir) if fir.ndim == 1 else fir


def _passes(fir: Tensor, gain: float) -> list[Tensor]:
    """Return kernels `(1, 1, h, w)` to be applied one after the other; flipped, as torch correlates."""
    if fir.ndim == 1:
        column, row = fir * gain, fir
    else:
        parts = _product(fir)
        if parts is None:
            return [(fir * gain).flip(0, 1)[None, None]]
        column, row = parts[0] * gain, parts[1]
    return [row.flip(0)[None, None, None, :], column.flip(0)[None, None, :, None]]


def _product(fir: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return a column and a row whose product the filter is; None where there are none."""
    if min(fir.shape) == 1:
        return (fir[:, 0], fir.new_ones(1)) if fir.shape[1] == 1 else (fir.new_ones(1), fir[0])
    total = fir.sum()
    if total.abs() < 1e-6 * fir.abs().sum():
        return None
    column, row = fir.sum(1), fir.sum(0) / total
    same = torch.outer(column, row)
    return (column, row) if (same - fir).abs().max() <= 1e-7 * fir.abs().max() else None
