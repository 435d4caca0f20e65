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


# ---- long filters: as products of matrices ----

_BLOCK = 64  # pixels made at once; more of them waste work on zeros, fewer leave the processor idle


def enlarged(x: Tensor, fir: Tensor | None, up: int, pads: Pads) -> Tensor:
    """Enlarge maps `(N, C, H, W)` `up` times and filter them, with `pads` in pixels of the enlarged map."""
    if fir is None:
        return padded(_stuffed(x, up), pads)
    if fir.ndim == 2:
        return filtered(_stuffed(x, up), fir, pads, up**2)
    left, right, top, bottom = pads
    x = _up_rows(x, fir, up, left, right).transpose(2, 3)
    return _up_rows(x, fir, up, top, bottom).transpose(2, 3)


def reduced(x: Tensor, fir: Tensor | None, down: int) -> Tensor:
    """Filter maps `(N, C, H, W)` and keep every `down`-th pixel."""
    if fir is None:
        return x[:, :, ::down, ::down]
    if fir.ndim == 2:
        single = functional.conv2d(x.flatten(0, 1).unsqueeze(1), fir.flip(0, 1)[None, None], stride=down)
        return single.reshape(*x.shape[:2], *single.shape[2:])
    x = _down_rows(x.transpose(2, 3), fir, down).transpose(2, 3)
    return _down_rows(x, fir, down)


def _stuffed(x: Tensor, up: int) -> Tensor:
    """Return maps with `up - 1` zeros behind each pixel, on both axes."""
    if up == 1:
        return x
    stuffed = x.new_zeros(*x.shape[:2], x.shape[2] * up, x.shape[3] * up)
    stuffed[:, :, ::up, ::up] = x
    return stuffed


def _up_rows(x: Tensor, fir: Tensor, up: int, left: int, right: int) -> Tensor:
    """Enlarge and filter the last axis of maps.

    Pixel j becomes `sum over m of fir[taps - 1 - (up m + left - j)] x[m]`. A block of pixels is a product of one
    matrix, the same for all blocks, with the part of the row that it depends on.
    """
    count, block = len(fir), up * -(-_BLOCK // up)
    length = x.shape[-1] * up + left + right - count + 1
    first = -(left // up)
    reach = (count - 1 + block - 1 - left) // up - first + 1
    made = torch.arange(block, device=x.device)[None, :]
    taken = torch.arange(first, first + reach, device=x.device)[:, None]
    return _blocks(x, _matrix(fir, up * taken + left - made) * up, first, block // up, length)


def _down_rows(x: Tensor, fir: Tensor, down: int) -> Tensor:
    """Filter the last axis of maps and keep every `down`-th pixel: `sum over t of fir[taps - 1 - t] x[down j + t]`."""
    count = len(fir)
    length = (x.shape[-1] - count) // down + 1
    made = torch.arange(_BLOCK, device=x.device)[None, :]
    taken = torch.arange(down * (_BLOCK - 1) + count, device=x.device)[:, None]
    return _blocks(x, _matrix(fir, taken - down * made), 0, down * _BLOCK, length)


def _matrix(fir: Tensor, tap: Tensor) -> Tensor:
    """Return the flipped filter's value at each place of `tap`, 0 outside of it."""
    inside = (tap >= 0) & (tap < len(fir))
    return torch.where(inside, fir.flip(0)[tap.clamp(0, len(fir) - 1)], fir.new_zeros(()))


def _blocks(x: Tensor, matrix: Tensor, first: int, step: int, length: int) -> Tensor:
    """Return `length` pixels of the last axis: the windows of `matrix`'s height, from `first` on, times `matrix`."""
    window, block = matrix.shape
    blocks = -(-length // block)
    behind = first + (blocks - 1) * step + window - x.shape[-1]
    windows = functional.pad(x, (-first, behind)).unfold(-1, window, step)  # (N, C, H, blocks, window)
    return (windows @ matrix).flatten(-2)[..., :length]
