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
    """Convolve each channel of `x (N, C, H, W)` with a filter, once zeros were put around it."""
    x, channels = padded(x, pads), x.shape[1]
    for kernel in _passes(fir, gain):
        x = functional.conv2d(x, kernel.expand(channels, -1, -1, -1), groups=channels)
    return x


def upsampled(x: Tensor, fir: Tensor, up: int = 2) -> Tensor:
    """Enlarge a map `up` times: zeros between its pixels, filtered."""
    left, right, top, bottom = up_pads(tuple(fir.shape), up)
    height, width = taps(tuple(fir.shape))
    plane = torch.outer(fir, fir) if fir.ndim == 1 else fir
    kernel = (plane * up**2).expand(x.shape[1], 1, -1, -1)
    whole = functional.conv_transpose2d(x, kernel, stride=up, groups=x.shape[1])  # the filter's full reach
    tail = up - 1  # zeros behind the last pixel
    return padded(
        whole, (left - width + 1, right - width + 1 + tail, top - height + 1, bottom - height + 1 + tail)
    )


def _passes(fir: Tensor, gain: float) -> list[Tensor]:
    """Return kernels `(1, 1, h, w)` to be applied one after the other; flipped, as torch correlates."""
    if fir.ndim == 2:
        return [(fir * gain).flip(0, 1)[None, None]]
    line = fir.flip(0)[None, None]
    return [line[:, :, None, :], gain * line[:, :, :, None]]


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
        kernel = fir.flip(0, 1).expand(x.shape[1], 1, -1, -1)
        return functional.conv2d(x, kernel, stride=down, groups=x.shape[1])
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
    made = windows.reshape(-1, window) @ matrix  # one large product, not thousands of small ones
    return made.reshape(*x.shape[:3], blocks * block)[..., :length]
