"""Filtering and resampling of feature maps by the low-pass filters that a network keeps.

A filter is `(taps,)`, for both axes, or `(height, width)`. No network here.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def filtered(x: Tensor, fir: Tensor, pads: Pads, gain: float = 1.0, bias: Tensor | None = None) -> Tensor:
    """Convolve each channel of `x (N, C, H, W)` with a filter, once zeros were put around it; add `bias (C,)`."""
    left, right, top, bottom = pads
    channels, passes, around = x.shape[1], _passes(fir, gain), (0, 0)
    if len(passes) == 1 and left == right >= 0 and top == bottom >= 0:
        around = (top, left)
    else:
        x = padded(x, pads)
    for kernel in passes:
        added = bias if kernel is passes[-1] else None
        kernel = kernel.to(x.dtype).expand(channels, -1, -1, -1)
        x = functional.conv2d(x, kernel, added, padding=around, groups=channels)
    return x


def upsampled(x: Tensor, fir: Tensor, up: int = 2) -> Tensor:
    """Enlarge a map `up` times: zeros between its pixels, filtered."""
    left, right, top, bottom = up_pads(tuple(fir.shape), up)
    height, width = taps(tuple(fir.shape))
    plane = torch.outer(fir, fir) if fir.ndim == 1 else fir
    kernel = (plane * up**2).to(x.dtype).expand(x.shape[1], 1, -1, -1)
    whole = functional.conv_transpose2d(x, kernel, stride=up, groups=x.shape[1])  # the filter's full reach
    tail = up - 1  # zeros behind the last pixel
    return padded(
        whole, (left - width + 1, right - width + 1 + tail, top - height + 1, bottom - height + 1 + tail)
    )


_SHORT = 5  # taps


def _passes(fir: Tensor, gain: float) -> list[Tensor]:
    """Return kernels `(1, 1, h, w)` to be applied one after the other; flipped, as torch correlates."""
    if fir.ndim == 1 and len(fir) <= _SHORT:  # one pass over large maps costs less than two
        fir = torch.outer(fir, fir)
    if fir.ndim == 2:
        return [(fir * gain).flip(0, 1)[None, None]]
    line = fir.flip(0)[None, None]
    return [line[:, :, None, :], gain * line[:, :, :, None]]


# ---- long filters: as products of matrices ----
#
# A row of an image times a matrix is the row filtered and resampled. Most of that matrix is zeros, so a block of
# pixels is made at once, of the window of the row that it depends on. Matrix products run at a processor's full
# speed, which one filter a channel does not, and in blocks they do little more work than the filter itself.

_BLOCK = 32  # pixels made at once; more of them waste work on zeros, fewer leave the processor idle


@dataclass(frozen=True)
class Band:
    """One axis's filter and resampling: block b of the pixels is `x[first + step b :][: window] @ matrix`.

    Attributes:
        matrix: `(window, block)`, the same for all blocks.
        first: where the first block's window begins; zeros are around the row.
        step: how far the next one's is.
        length: how many pixels are made.
    """

    matrix: Tensor
    first: int
    step: int
    length: int

    def rows(self, x: Tensor) -> Tensor:
        """Return images `(M, H, W)` with rows of `length` pixels."""
        x = functional.pad(x, (-self.first, self._behind(x.shape[2])))
        windows = x.unfold(2, len(self.matrix), self.step)  # (M, H, blocks, window)
        made = windows.reshape(-1, len(self.matrix)) @ self.matrix  # one large product, not thousands
        return made.view(*windows.shape[:2], -1)[:, :, : self.length]

    def columns(self, x: Tensor) -> Tensor:
        """Return images `(M, H, W)` with columns of `length` pixels."""
        x = functional.pad(x, (0, 0, -self.first, self._behind(x.shape[1])))
        windows = x.unfold(1, len(self.matrix), self.step).transpose(2, 3)  # (M, blocks, window, W)
        made = self.matrix.T @ windows.reshape(-1, *windows.shape[2:])  # (M blocks, block, W)
        return made.view(len(x), -1, x.shape[2])[:, : self.length]

    def _behind(self, size: int) -> int:
        """Return how many zeros the last window reads behind a row of `size`; negative: what none reads."""
        window, block = self.matrix.shape
        return self.first + (-(-self.length // block) - 1) * self.step + window - size


def up_band(fir: Tensor, up: int, before: int, after: int, size: int) -> Band:
    """Return what enlarges rows of `size` pixels; `before` and `after` are put around the enlarged row.

    Pixel j becomes `up` times the sum over m of `fir[taps - 1 - (up m + before - j)] x[m]`.
    """
    count, block = len(fir), up * -(-_BLOCK // up)
    first = -(before // up)
    reach = (count - 1 + block - 1 - before) // up - first + 1
    made = torch.arange(block, device=fir.device)[None, :]
    taken = torch.arange(first, first + reach, device=fir.device)[:, None]
    length = size * up + before + after - count + 1
    return Band(_matrix(fir, up * taken + before - made) * up, first, block // up, length)


def down_band(fir: Tensor, down: int, size: int) -> Band:
    """Return what keeps every `down`-th pixel of rows of `size`, filtered.

    Pixel j becomes the sum over t of `fir[taps - 1 - t] x[down j + t]`.
    """
    count = len(fir)
    made = torch.arange(_BLOCK, device=fir.device)[None, :]
    taken = torch.arange(down * (_BLOCK - 1) + count, device=fir.device)[:, None]
    return Band(_matrix(fir, taken - down * made), 0, down * _BLOCK, (size - count) // down + 1)


def enlarged(x: Tensor, fir: Tensor | None, up: int, pads: Pads) -> Tensor:
    """Enlarge images `(M, H, W)` `up` times and filter them, with `pads` in pixels of the enlarged image."""
    if fir is None or fir.ndim == 2:
        stuffed = _stuffed(x, up)
        return padded(stuffed, pads) if fir is None else filtered(stuffed[None], fir, pads, up**2)[0]
    left, right, top, bottom = pads
    x = up_band(fir, up, left, right, x.shape[2]).rows(x)
    return up_band(fir, up, top, bottom, x.shape[1]).columns(x)


def reduced(x: Tensor, fir: Tensor | None, down: int) -> Tensor:
    """Filter images `(M, H, W)` and keep every `down`-th pixel."""
    if fir is None:
        return x[:, ::down, ::down]
    if fir.ndim == 2:  # few images at a time, this is faster than sums of products of lines
        kernel = fir.flip(0, 1).expand(len(x), 1, -1, -1)
        return functional.conv2d(x[None], kernel, stride=down, groups=len(x))[0]
    x = down_band(fir, down, x.shape[1]).columns(x)
    return down_band(fir, down, x.shape[2]).rows(x)


def _stuffed(x: Tensor, up: int) -> Tensor:
    """Return images with `up - 1` zeros behind each pixel, on both axes."""
    if up == 1:
        return x
    stuffed = x.new_zeros(len(x), x.shape[1] * up, x.shape[2] * up)
    stuffed[:, ::up, ::up] = x
    return stuffed


def _matrix(fir: Tensor, tap: Tensor) -> Tensor:
    """Return the flipped filter's value at each place of `tap`, 0 outside of it."""
    inside = (tap >= 0) & (tap < len(fir))
    return torch.where(inside, fir.flip(0)[tap.clamp(0, len(fir) - 1)], fir.new_zeros(()))
