"""Strides and paddings that lead from a first map to a picture of a usual size, and from a picture to a code.

Kernels are known, strides are not: each kernel has usual ways with a cost, and the cheapest ways that fit together are
kept, by size. What stands between convolutions besides scaling is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from explorer.formats.inference.links import Link, shuffled

_KEPT_BY_SIZE = 5
_KEPT = 48
_DEAREST = 5.0  # beyond the cheapest
_LARGEST = 1024  # pixels along a side
_MOST_WORK = 1 << 36  # products in one convolution
_MOST_VALUES = 1 << 25  # of one map; what is larger is no usual network

_TRANSPOSED: dict[int, tuple[tuple[int, int, int, float], ...]] = {  # kernel: stride, padding, output padding, cost
    1: ((1, 0, 0, 0.0), (2, 0, 1, 1.5)),
    2: ((2, 0, 0, 0.0), (1, 0, 0, 1.2), (2, 1, 0, 2.0)),
    3: (
        (2, 1, 1, 0.0), (1, 1, 0, 0.5), (2, 1, 0, 0.6), (2, 0, 0, 0.6), (1, 0, 0, 1.0), (2, 0, 1, 1.2), (3, 0, 0, 1.6),
        (3, 1, 0, 1.9), (3, 1, 1, 2.1), (1, 2, 0, 2.5),
    ),
    4: (
        (2, 1, 0, 0.0), (1, 0, 0, 1.0), (2, 0, 0, 0.8), (1, 1, 0, 1.2), (4, 0, 0, 1.5), (2, 2, 0, 1.4),
        (1, 2, 0, 1.8), (2, 1, 1, 1.6), (3, 1, 0, 1.6), (3, 0, 0, 1.9),
    ),
    5: (
        (2, 2, 1, 0.0), (1, 2, 0, 0.6), (1, 0, 0, 1.0), (2, 0, 0, 0.5), (2, 2, 0, 0.8), (2, 1, 0, 1.0), (2, 1, 1, 1.3),
        (2, 0, 1, 1.3), (3, 0, 0, 1.7), (3, 1, 0, 1.7), (1, 1, 0, 1.5), (4, 1, 1, 2.2),
    ),
    6: ((2, 2, 0, 0.0), (2, 0, 0, 0.3), (1, 0, 0, 1.2), (2, 1, 0, 1.0), (4, 1, 0, 1.4), (3, 0, 0, 1.6)),
    7: ((1, 3, 0, 0.4), (1, 0, 0, 0.4), (2, 3, 1, 0.4), (2, 0, 0, 1.0), (2, 3, 0, 1.0), (2, 2, 0, 1.4), (7, 0, 0, 1.4)),
    8: ((2, 3, 0, 0.2), (4, 2, 0, 0.2), (1, 0, 0, 0.6), (2, 0, 0, 1.0), (8, 0, 0, 0.8)),
}  # fmt: skip
_PLAIN: dict[int, tuple[tuple[int, int, int, float], ...]] = {  # in an encoder
    1: ((1, 0, 0, 0.0), (2, 0, 0, 1.0)),
    2: ((2, 0, 0, 0.0), (1, 0, 0, 0.9), (2, 1, 0, 1.2), (1, 1, 0, 1.2)),
    3: ((2, 1, 0, 0.0), (1, 1, 0, 0.2), (2, 0, 0, 0.8), (1, 0, 0, 0.7), (3, 1, 0, 1.5), (3, 0, 0, 1.6), (1, 2, 0, 2.2)),
    4: ((2, 1, 0, 0.0), (2, 0, 0, 0.6), (1, 0, 0, 0.8), (1, 1, 0, 1.2), (2, 2, 0, 1.3), (4, 0, 0, 1.4), (1, 2, 0, 1.6)),
    5: ((2, 2, 0, 0.0), (1, 2, 0, 0.4), (1, 0, 0, 0.6), (2, 0, 0, 0.8), (2, 1, 0, 0.8), (3, 1, 0, 1.7), (3, 2, 0, 1.7)),
    6: ((2, 2, 0, 0.0), (2, 0, 0, 0.6), (1, 0, 0, 1.0), (2, 1, 0, 1.0)),
    7: ((1, 3, 0, 0.3), (2, 3, 0, 0.3), (1, 0, 0, 0.5), (2, 0, 0, 1.0), (4, 3, 0, 1.5)),
    8: ((2, 3, 0, 0.2), (4, 2, 0, 0.2), (1, 0, 0, 0.6), (2, 0, 0, 1.0)),
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """How a convolution is done.

    Attributes:
        stride, padding, output_padding: as in torch; a padding of four is uneven (top, bottom, left, right).
        scale: by what the map is enlarged before (decoder) or pooled after (encoder).
        shuffle: by what `PixelShuffle` enlarges after.
    """

    stride: int = 1
    padding: int | tuple[int, int, int, int] = 0
    output_padding: int = 0
    scale: int = 1
    shuffle: int = 1


@dataclass(frozen=True)
class Path:
    """A way for each convolution, with the size it leads to.

    Attributes:
        height, width: of the last map.
        cost: how unusual it is.
        ways: one a link; of a linear link an empty `Way`.
        sizes: of the map that leaves each link.
    """

    height: int
    width: int
    cost: float = 0.0
    ways: tuple[Way, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()


Room = Callable[[int], Sequence[tuple[int, float]]]
"""By the index of a link: which scalings may stand there, each with its cost; (1, 0.0) for none."""


def decoder_paths(links: Sequence[Link], start: Path, room: Room, last_shuffle: int = 1) -> list[Path]:
    """Return the cheapest ways through a decoder's convolutions.

    Args:
        links: those from the first map on.
        start: its size.
        room: where maps may be enlarged.
        last_shuffle: by what the last map's pixels are spread.
    """
    paths = [start]
    most = _most(links)
    for at, link in enumerate(links):
        if link.flat:
            paths = [step for path in paths for step in _flattened(path, link, links[at - 1])]
            continue
        spread = last_shuffle if at == len(links) - 1 else shuffled(link, links[at + 1])
        paths = _kept((_stepped(path, link, room(at), spread) for path in paths), most)
    return paths


def encoder_paths(
    links: Sequence[Link], start: Path, room: Room, ends: Callable[[Path], float | None]
) -> list[Path]:
    """Return the cheapest ways from a picture through an encoder, with what it costs that they end so.

    Args:
        links: convolutions and the linear layers behind them.
        start: the picture's size.
        room: where maps may be pooled.
        ends: the cost of an end, None where it cannot be.
    """
    paths = [start]
    most = _most(links)
    for at, link in enumerate(links):
        if link.flat:
            paths = [step for path in paths for step in _flattened(path, link, links[at - 1] if at else None)]
            continue
        paths = _kept((_shrunk(path, link, room(at)) for path in paths), most, _evenness)
    ended = [(path, ends(path)) for path in paths]
    found = [replace(path, cost=_evenness(path) + cost) for path, cost in ended if cost is not None]
    return sorted(found, key=lambda path: path.cost)


def plainness(path: Path) -> float:
    """Return what part of a geometry's cost counts: little where no padding is said anywhere."""
    return 0.45 if is_unpadded(path) else 1.0


def _evenness(path: Path) -> float:
    """Return an encoder's cost: less where all maps are pooled, more where some are pooled and some strided."""
    ways = [way for way in path.ways if way != Way()]
    pooled = sum(way.scale == 2 for way in ways)
    if pooled and any(way.stride > 1 for way in ways):
        return path.cost + 0.5
    if pooled > 1 and pooled == len(ways) == ways.count(ways[0]):
        return min(path.cost, 0.6)
    return path.cost * plainness(path)


def mixing(links: Sequence[Link], path: Path) -> float:
    """Return what it costs that strided convolutions are padded here and not there, or not all next to each other."""
    kinds = [
        way.padding != 0
        for link, way, size in zip(links, path.ways, [(1, 1), *path.sizes], strict=False)
        if way.stride > 1 and link.kernel[0] > way.stride and size != (1, 1)
    ]
    cost = 0.12 * sum(one != other for one, other in pairwise(kinds))
    if all(link.kind == "convT" for link in links):
        turns = sum((one.stride > 1) != (other.stride > 1) for one, other in pairwise(path.ways))
        cost += 0.3 * max(0, turns - 1)
    return cost


def mirroring(path: Path, encoder: Path) -> float:
    """Return what it costs that a decoder's maps are of other sizes than its encoder's."""
    inner = [size for size in path.sizes[:-1] if size != (1, 1)]
    met = sum(size in encoder.sizes for size in inner)
    return 0.4 * (1 - met / len(inner)) if inner else 0.0


def is_unpadded(path: Path) -> bool:
    """Return whether maps are strided and nowhere padded."""
    turned = [way for way in path.ways if way.stride > 1 or way.padding or way.output_padding]
    return bool(turned) and all(
        way.padding == 0 and way.output_padding == 0 and way.scale == 1 for way in turned
    )


def _flattened(path: Path, link: Link, before: Link | None) -> Iterator[Path]:
    """Yield the path behind a linear layer, where it takes as much as there is."""
    if before is None or before.flat or before.wide_out * path.height * path.width == link.wide_in:
        yield _after(path, Way(), 1, 1, 0.0)
    elif before.wide_out == link.wide_in:  # pooled over all pixels
        yield _after(path, Way(scale=-1), 1, 1, 1.6)


def _stepped(path: Path, link: Link, scales: Iterable[tuple[int, float]], spread: int) -> Iterator[Path]:
    """Yield what one convolution of a decoder may lead to."""
    for scale, price in scales:
        height, width = path.height * scale, path.width * scale
        for way, cost in _ways(link, height):
            sizes = [_transposed(n, k, way) if link.kind == "convT" else _plain(n, k, way, axis)
                     for axis, (n, k) in enumerate(zip((height, width), link.kernel, strict=True))]  # fmt: skip
            tall, wide = (size * spread for size in sizes)
            if _is_possible(link.wide_out, tall, wide) and _work(link, tall, wide) <= _MOST_WORK:
                way = replace(way, scale=scale, shuffle=spread)
                yield _after(path, way, tall, wide, price + _habit(path, way, link, cost))


def _shrunk(path: Path, link: Link, pools: Iterable[tuple[int, float]]) -> Iterator[Path]:
    """Yield what one convolution of an encoder may lead to."""
    for way, cost in _encoder_ways(link, path.height):
        tall = _plain(path.height, link.kernel[0], way, 0)
        wide = _plain(path.width, link.kernel[1], way, 1)
        for pool, price in pools:
            if _is_possible(link.wide_out, tall // pool, wide // pool):
                pooled = way if pool == 1 else replace(way, scale=pool)
                cost_here = price + _habit(path, pooled, link, cost)
                yield _after(path, pooled, tall // pool, wide // pool, cost_here)


def _ways(link: Link, size: int) -> list[tuple[Way, float]]:
    """Return the usual ways of a decoder's convolution on a map of a size."""
    kernel = link.kernel[0]
    if link.block:
        return [(Way(1, kernel // 2), 0.0)]
    if link.kind == "convT":
        known = _TRANSPOSED.get(kernel, ((1, 0, 0, 0.3), (2, kernel // 2 - 1, 0, 0.5), (kernel, 0, 0, 0.8)))
        if size == 1:
            return _from_one(kernel, known)
        return [(Way(*way), cost) for *way, cost in known]
    if kernel % 2:
        found = [(Way(1, kernel // 2), 0.0), (Way(1, 0), 0.9 if kernel > 1 else 5.0)]
        return found if kernel < 5 else [*found, (Way(1, kernel // 2 - 1), 1.6), (Way(1, 1), 1.7)]
    short, long = (kernel - 1) // 2, kernel // 2
    uneven = (short, long, short, long)
    return [(Way(1, long), 0.7), (Way(1, uneven), 0.9), (Way(1, short), 0.9), (Way(1, 0), 1.1)]


def _from_one(kernel: int, known: Iterable[tuple[int, int, int, float]]) -> list[tuple[Way, float]]:
    """Return the ways on a map of one pixel, where the stride makes no difference."""
    found = {kernel: (Way(), 0.0)}
    for stride, padding, more, cost in known:
        size = kernel - 2 * padding + more
        if size > 0 and size not in found:
            found[size] = (Way(stride, padding, more), cost + 0.2)
    return list(found.values())


def _encoder_ways(link: Link, size: int) -> list[tuple[Way, float]]:
    kernel = link.kernel[0]
    if link.block:
        return [(Way(1, kernel // 2), 0.0)]
    known = _PLAIN.get(kernel, ((1, 0, 0, 0.5), (2, kernel // 2, 0, 0.6), (1, kernel // 2, 0, 0.6)))
    found = [(Way(*way), cost) for *way, cost in known]
    whole = [(Way(), 0.0)] if size == kernel else []
    return whole + [(way, cost) for way, cost in found if not (whole and way == Way())]


def _transposed(size: int, kernel: int, way: Way) -> int:
    assert isinstance(way.padding, int)
    return (size - 1) * way.stride - 2 * way.padding + kernel + way.output_padding


def _plain(size: int, kernel: int, way: Way, axis: int) -> int:
    pad = way.padding
    total = 2 * pad if isinstance(pad, int) else sum(pad[2 * axis : 2 * axis + 2])
    return (size + total - kernel) // way.stride + 1 if size + total >= kernel else 0


def _is_possible(channels: int, height: int, width: int) -> bool:
    return 0 < height <= _LARGEST and 0 < width <= _LARGEST and channels * height * width <= _MOST_VALUES


def path_work(links: Sequence[Link], path: Path) -> int:
    """Return about how many products a picture takes."""
    return sum(_work(link, *size) for link, size in zip(links, path.sizes, strict=False))


def _work(link: Link, height: int, width: int) -> int:
    """Return about how many products a convolution takes."""
    return link.wide_in * link.wide_out * link.kernel[0] * link.kernel[1] * height * width


def _habit(path: Path, way: Way, link: Link, cost: float) -> float:
    """Return a way's cost: less where it was taken before, more where the one before was another."""
    if way in path.ways:
        return 0.3 * cost
    others = sum(other != Way() and other.shuffle == way.shuffle for other in path.ways)
    return cost + (0.05 if others and link.kernel[0] > 1 else 0.0)


def _after(path: Path, way: Way, height: int, width: int, cost: float) -> Path:
    return Path(height, width, path.cost + cost, (*path.ways, way), (*path.sizes, (height, width)))


def _most(links: Sequence[Link]) -> int:
    """Return how many ways are followed: fewer through a long chain, so that the work stays the same."""
    return max(4, min(_KEPT, _KEPT * 12 // max(1, len(links))))


def _counted(path: Path) -> float:
    return path.cost * plainness(path)


def _kept(steps: Iterable[Iterator[Path]], most: int, cost: Callable[[Path], float] = _counted) -> list[Path]:
    """Return the cheapest of each size, and of these the cheapest."""
    by_size: dict[tuple[int, int], list[Path]] = {}
    for step in steps:
        for path in step:
            by_size.setdefault((path.height, path.width), []).append(path)
    best = [sorted(paths, key=cost)[:_KEPT_BY_SIZE] for paths in by_size.values()]
    found = sorted((path for paths in best for path in paths), key=lambda path: path.cost)[:most]
    return [path for path in found if path.cost <= found[0].cost + _DEAREST]


_USUAL_GREY = {
    28: 0.0, 32: 0.25, 64: 0.3, 128: 0.8, 256: 1.0, 16: 1.0, 8: 1.4, 14: 1.6, 48: 1.1, 96: 1.1, 30: 1.2, 36: 1.3,
    20: 1.4, 24: 1.4, 40: 1.4, 50: 1.4, 56: 1.4, 60: 1.4, 80: 1.4, 84: 1.3, 100: 1.2, 112: 1.3, 512: 1.3, 42: 1.6,
}  # fmt: skip
_USUAL_COLOUR = {
    64: 0.0, 32: 0.05, 128: 0.2, 256: 0.4, 96: 0.5, 48: 0.7, 28: 0.8, 16: 0.9, 512: 0.8, 100: 1.1, 80: 1.1, 160: 1.2,
    192: 1.1, 224: 0.9, 112: 1.1, 120: 1.2, 150: 1.3, 200: 1.2, 84: 1.2, 40: 1.3, 50: 1.3, 60: 1.3, 36: 1.3, 24: 1.3,
    72: 1.2, 1024: 1.2, 180: 1.4, 148: 1.4, 250: 1.4, 300: 1.4,
}  # fmt: skip


def unusual(channels: int, height: int, width: int) -> float:
    """Return how unusual a picture's size is: 0 for 28 x 28 grey and 64 x 64 in colour."""
    if height != width:
        return 3.0
    usual = _USUAL_GREY if channels == 1 else _USUAL_COLOUR
    return usual.get(height, 2.4 if height % 2 == 0 else 3.0)


def usual_near(channels: int, height: int, width: int) -> list[int]:
    """Return the usual sides that a map can be resized or cropped to, though it missed them by a few pixels."""
    if height != width:
        return []
    usual = _USUAL_GREY if channels == 1 else _USUAL_COLOUR
    near = [side for side, cost in usual.items() if 0 < abs(side - height) <= 4 and cost < 0.6]
    return sorted(near, key=lambda side: abs(side - height))
