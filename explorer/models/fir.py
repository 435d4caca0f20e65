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


# ---- long filters on the way up: as products of matrices ----
#
# A part of a row that is enlarged and filtered is a matrix times the few pixels that it depends on. Many values of that
# matrix are zeros, but products of matrices run at a processor's full speed, which one filter a channel does not.

_PIXELS = 64  # that one product makes across a map: more of them multiply more zeros
_VALUES = 1 << 14  # of a row that one product makes down a map: what stays near the processor


class Enlarging:
    """One axis of a map, enlarged and filtered.

    Pixel j becomes `up` times the sum over m of `fir[taps - 1 - (up m + before - j)] x[m]`.

    Args:
        fir: `(taps,)`, of the map's type and device.
        up: how many times.
        before: zeros in front of the enlarged axis; negative: pixels that are left out.
        size: pixels before the enlargement.
        length: pixels after it.
    """

    def __init__(self, fir: Tensor, up: int, before: int, size: int, length: int) -> None:
        self._fir, self._up, self._before = fir, up, before
        self._size, self._length = size, length
        self._matrices: dict[tuple[int, int, int], Tensor] = {}

    def across(self, x: Tensor) -> Tensor:
        """Return a map `(H, W, C)` with rows of `length` pixels."""
        starts = range(0, self._length, _PIXELS)
        parts = [self._part(range(at, min(at + _PIXELS, self._length))) for at in starts]
        if x.requires_grad:
            return torch.cat([matrix @ x[:, taken] for matrix, taken in parts], dim=1)
        made = x.new_empty(len(x), self._length, x.shape[2])
        for at, (matrix, taken) in zip(starts, parts, strict=True):
            torch.bmm(matrix.expand(len(x), -1, -1), x[:, taken], out=made[:, at : at + len(matrix)])
        return made

    def down(self, x: Tensor, rows: range) -> Tensor:
        """Return some rows of the enlarged map, `(rows, W, C)`, of `(H, W, C)`."""
        matrix, taken = self._part(rows)
        flat = x[taken].flatten(1)
        if x.requires_grad:
            return (matrix @ flat).view(-1, *x.shape[1:])
        made = x.new_empty(len(matrix), flat.shape[1])
        for part, into in zip(flat.split(_VALUES, 1), made.split(_VALUES, 1), strict=True):
            torch.mm(matrix, part, out=into)
        return made.view(-1, *x.shape[1:])

    def _part(self, made: range) -> tuple[Tensor, slice]:
        """Return a matrix `(made, taken)` and the pixels `taken`, whose product the pixels `made` are."""
        first = made.start - self._before
        last = made.stop - 1 - self._before + len(self._fir) - 1
        begin = min(max(-(-first // self._up), 0), self._size)
        end = min(max(last // self._up + 1, begin), self._size)
        key = (len(made), end - begin, self._up * begin - first)
        if key not in self._matrices:  # most parts of an axis are alike
            self._matrices[key] = self._matrix(*key)
        return self._matrices[key], slice(begin, end)

    def _matrix(self, made: int, taken: int, ahead: int) -> Tensor:
        place = self._fir.device
        tap = ahead + self._up * torch.arange(taken, device=place) - torch.arange(made, device=place)[:, None]
        inside = (tap >= 0) & (tap < len(self._fir))
        values = self._fir.flip(0)[tap.clamp(0, len(self._fir) - 1)] * self._up
        return torch.where(inside, values, values.new_zeros(()))


def rounded(fir: Tensor, dtype: torch.dtype, up: int = 1) -> Tensor:
    """Return a filter in another type, of which every `up`-th tap has nearly the same sum as before.

    What larger taps lose by being rounded smaller ones get back: one that makes maps a little lighter does so in every
    layer and everywhere, which is seen; that its shape is a little off is not.
    """
    if fir.dtype == dtype:
        return fir
    exact = fir.flatten().cpu().double()
    made = exact.to(dtype)
    for phase in range(up):
        lost = exact.new_zeros(())
        for at in exact[phase::up].abs().argsort(descending=True).tolist():
            tap = exact[phase::up][at] + lost
            made[phase::up][at] = tap
            lost = tap - made[phase::up][at].double()
    return made.view(fir.shape).to(fir.device)


def stuffed(x: Tensor, up: int) -> Tensor:
    """Return maps `(N, C, H, W)` with `up - 1` zeros behind each pixel, on both axes."""
    if up == 1:
        return x
    larger = x.new_zeros(*x.shape[:2], x.shape[2] * up, x.shape[3] * up)
    larger[:, :, ::up, ::up] = x
    return larger
