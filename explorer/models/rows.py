"""Feature maps too large for memory, computed a few rows at a time: the layers that can do it.

A layer here says which rows of its input it needs for some rows of its output (`reach`), and computes those from
a slab (`part`); so rows of a whole chain of layers come out as they would of the whole picture, edges included.
What a norm has to know of a whole map is gathered first, in float64 (Chan, Golub and LeVeque 1983). The network
that is walked this way is in `resnet_stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.edges import Edge

Pointwise = Callable[[Tensor], Tensor]


class RowLayer(Protocol):
    """A layer that can compute some rows of its output."""

    def size(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """Return the shape of the output for one input."""

    def reach(self, first: int, last: int, height: int) -> tuple[int, int]:
        """Return which rows of an input of `height` rows the rows `first:last` of the output need."""

    def part(self, slab: Tensor, begin: int, first: int, last: int, height: int) -> Tensor:
        """Return rows `first:last` of the output from a slab of input rows, the first of which is `begin`."""


class Conv(nn.Conv2d):
    """A convolution that keeps the size (or halves it), with any edge.

    Args:
        wide, out: channels.
        kernel: odd.
        edge: what is beyond the picture.
        depthwise: one small filter a channel.
    """

    def __init__(
        self,
        wide: int,
        out: int,
        kernel: int,
        *,
        stride: int = 1,
        edge: Edge = "zeros",
        bias: bool = True,
        depthwise: bool = False,
    ) -> None:
        super().__init__(wide, out, kernel, stride, bias=bias, groups=wide if depthwise else 1)
        self.edge: Edge = edge
        self.around = kernel // 2

    def forward(self, features: Tensor) -> Tensor:
        """`(N, wide, H, W)` to `(N, out, H / stride, W / stride)`, rounded up."""
        if self.edge == "zeros":
            return functional.conv2d(
                features, self.weight, self.bias, self.stride, self.around, groups=self.groups
            )
        return super().forward(_padded(features, (self.around,) * 4, self.edge))

    def size(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """See `RowLayer`."""
        step = self.stride[0]
        return self.out_channels, -(-height // step), -(-width // step)

    def _rows(self, first: int, last: int) -> range:
        step = self.stride[0]
        return range(first * step - self.around, (last - 1) * step + self.around + 1)

    def reach(self, first: int, last: int, height: int) -> tuple[int, int]:
        """See `RowLayer`."""
        inside = [_inside(row, height, self.edge) for row in self._rows(first, last)]
        wanted = [row for row in inside if row is not None]
        return min(wanted), max(wanted) + 1

    def part(self, slab: Tensor, begin: int, first: int, last: int, height: int) -> Tensor:
        """See `RowLayer`."""
        rows = self._rows(first, last)
        if self.edge == "zeros":
            above, below = max(-rows.start, 0), max(rows.stop - height, 0)
            slab = slab[:, :, max(rows.start, 0) - begin : min(rows.stop, height) - begin]
            return super().forward(_padded(slab, (self.around, self.around, above, below), "zeros"))
        wanted = [(_inside(row, height, self.edge) or 0) - begin for row in rows]
        slab = slab[:, :, wanted] if wanted != list(range(slab.shape[2])) else slab
        return super().forward(_padded(slab, (self.around, self.around, 0, 0), self.edge))


class Doubling(nn.Module):
    """What doubles height and width: row pairs come from a row and its `around` neighbours."""

    around = 1

    def size(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """See `RowLayer`."""
        return channels, 2 * height, 2 * width

    def reach(self, first: int, last: int, height: int) -> tuple[int, int]:
        """See `RowLayer`."""
        return max(first // 2 - self.around, 0), min(-(-last // 2) + self.around, height)

    def part(self, slab: Tensor, begin: int, first: int, last: int, height: int) -> Tensor:
        """See `RowLayer`; the edge of a slab is wrong by itself, and more than what is asked for is there."""
        low, high = self.reach(first, last, height)
        doubled = self(slab[:, :, low - begin : high - begin])
        return doubled[:, :, first - 2 * low : last - 2 * low]


class Transposed(Doubling):
    """A transposed convolution of kernel 3 that doubles the size."""

    def __init__(self, wide: int, out: int, *, bias: bool = True) -> None:
        super().__init__()
        self.out = out
        self.conv = nn.ConvTranspose2d(wide, out, 3, stride=2, padding=1, output_padding=1, bias=bias)

    def forward(self, features: Tensor) -> Tensor:
        """`(N, wide, H, W)` to `(N, out, 2H, 2W)`."""
        return self.conv(features)

    def size(self, channels: int, height: int, width: int) -> tuple[int, int, int]:
        """See `RowLayer`."""
        return self.out, 2 * height, 2 * width


class Enlarged(Doubling):
    """Twice the size without weights: each pixel four times, or bilinear."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, 2H, 2W)`."""
        if self.mode == "nearest":
            return functional.interpolate(features, scale_factor=2.0, mode="nearest")
        return functional.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)


class BlurredUp(Doubling):
    """Twice the size through one small filter a channel (Zhang 2019, arXiv:1904.11486).

    Args:
        channels: of the map.
        taps: width of the filter.
    """

    def __init__(self, channels: int, taps: int) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.empty(channels, 1, taps, taps))
        self.around = 2

    def forward(self, features: Tensor) -> Tensor:
        """`(N, C, H, W)` to `(N, C, 2H, 2W)`."""
        taps, (height, width) = self.filter.shape[-1], features.shape[2:]
        padded = functional.pad(features, (1,) * 4, mode="replicate")
        around = 1 + (taps - 1) // 2
        wide = functional.conv_transpose2d(
            padded, self.filter, stride=2, padding=around, groups=len(self.filter)
        )
        return wide[:, :, 1 : 1 + 2 * height, 1 : 1 + 2 * width]


def _padded(features: Tensor, sides: tuple[int, ...], edge: Edge) -> Tensor:
    """Return features with `sides` (left, right, above, below) pixels around them."""
    if not any(sides):
        return features
    return functional.pad(features, sides, mode="constant" if edge == "zeros" else edge)


def _inside(row: int, height: int, edge: Edge) -> int | None:
    """Return the row inside a map that stands for one beyond its edge; None where that is zeros."""
    if 0 <= row < height:
        return row
    if edge == "zeros":
        return None
    if edge == "replicate":
        return min(max(row, 0), height - 1)
    return -row if row < 0 else 2 * (height - 1) - row


# ---- maps that are computed when asked for ----


@dataclass(frozen=True, eq=False)
class Rows:
    """A feature map of which any rows can be had.

    Attributes:
        shape: channels, height, width.
        of: `of(first, last) -> (1, C, last - first, W)`, which the caller may write into if `fresh`.
        fresh: whether the rows are made anew each time.
    """

    shape: tuple[int, int, int]
    of: Callable[[int, int], Tensor]
    fresh: bool = True

    def through(self, layer: RowLayer) -> Rows:
        """Return what a layer makes of this map."""
        height = self.shape[1]

        def of(first: int, last: int) -> Tensor:
            begin, end = layer.reach(first, last, height)
            return layer.part(self.of(begin, end), begin, first, last, height)

        return Rows(layer.size(*self.shape), of)

    def each(self, change: Pointwise) -> Rows:
        """Return this map with every value changed; `change` may write into what it is given."""

        def of(first: int, last: int) -> Tensor:
            rows = self.of(first, last)
            return change(rows if self.fresh else rows.clone())

        return Rows(self.shape, of)


def stored(features: Tensor) -> Rows:
    """Return a map that is in memory, `(1, C, H, W)`."""
    channels, height, width = features.shape[1:]
    return Rows((channels, height, width), lambda first, last: features[:, :, first:last], fresh=False)


class Moments:
    """Mean and variance of the channels of a map, from its parts."""

    def __init__(self) -> None:
        self._count = 0
        self._mean: Tensor | None = None
        self._squares: Tensor | None = None  # sum of squared distances from the mean

    def add(self, rows: Tensor) -> None:
        """Count in some rows `(1, C, h, W)`."""
        count = rows.shape[2] * rows.shape[3]
        variance, mean = torch.var_mean(rows.float(), dim=(0, 2, 3), correction=0)
        mean, squares = mean.double(), variance.double() * count
        if self._mean is None or self._squares is None:
            self._count, self._mean, self._squares = count, mean, squares
            return
        total = self._count + count
        apart = mean - self._mean
        self._mean = self._mean + apart * (count / total)
        self._squares = self._squares + squares + apart**2 * (self._count * count / total)
        self._count = total

    def norm(self, norm: nn.InstanceNorm2d) -> Pointwise:
        """Return what an instance norm does to a map with these moments; it writes into what it is given."""
        assert self._mean is not None
        assert self._squares is not None
        scale = (self._squares / self._count + norm.eps).rsqrt()
        if norm.weight is not None:
            scale = scale * norm.weight.double()
        shift = -self._mean * scale
        if norm.bias is not None:
            shift = shift + norm.bias.double()
        times, plus = (vector.float()[None, :, None, None] for vector in (scale, shift))
        return lambda rows: rows.mul_(times.to(rows.dtype)).add_(plus.to(rows.dtype))


def gathered(source: Rows, rows: int, *, moments: Moments | None, keep: bool) -> Generator[float, None, Rows]:
    """Go through a map once, `rows` rows at a time; the share that is done is yielded.

    Args:
        source: the map.
        rows: how many at a time.
        moments: where mean and variance are wanted.
        keep: put the map into memory and return that; otherwise `source` comes back.
    """
    kept: Tensor | None = None
    height = source.shape[1]
    for first in range(0, height, rows):
        yield first / height
        last = min(first + rows, height)
        part = source.of(first, last)
        if moments is not None:
            moments.add(part)
        if keep:
            kept = part.new_empty(1, *source.shape) if kept is None else kept
            kept[:, :, first:last] = part
    return source if kept is None else stored(kept)
