"""Candidates for a file: its parts, a geometry for each, and how a class is told, with all that is open as slots.

The number of candidates is bounded whatever the file holds. Which one is right is for `judging`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from torch import Tensor

from explorer.formats.inference import Candidate
from explorer.formats.inference.conditional import Told, told_by
from explorer.formats.inference.drafting import Draft, Setting, branch_layers, decoder_draft, encoder_draft
from explorer.formats.inference.gaps import behind, between
from explorer.formats.inference.geometry import (
    Path,
    Room,
    decoder_paths,
    encoder_paths,
    is_unpadded,
    mirroring,
    mixing,
    path_work,
    plainness,
    unusual,
    usual_near,
)
from explorer.formats.inference.heads import heads_options
from explorer.formats.inference.links import Link, Run, blocked
from explorer.formats.inference.parts import Parts
from explorer.formats.inference.slots import HeadsOption, Slots
from explorer.formats.inference.units import Leaves
from explorer.formats.sidecars import Hints
from explorer.models.base import ImageSpec
from explorer.models.layered import Labels, LayeredConfig
from explorer.models.layers import Layer

_MOST_MADE = 160
_MOST_LAYERS = 2400  # of all candidates together, so that a network of many layers has fewer
_MOST_LINKS = 160  # of all readings for which geometries are sought: 20 of a network of 8 layers
_MOST_PARTS = 4
_NEAR = 0.65  # in costs: one link left out is more
_MOST_TURNED = 3
_MOST_WORK = 1 << 35  # products for one picture of each candidate
_MOST_LINKS_TURNED = 24
_DEAREST = 5.0  # beyond the cheapest
_MOST_SIZES = 6  # pictures' sizes for which an encoder is tried
_MOST_MAPPED = 40  # with the sizes of a code that is a map
_MAP_SIDES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 14, 16)
_MOST_ENCODERS = 10
_NEAR_ENCODER = 2.5  # in costs

_SHORT_CODE = 24
_HALF = re.compile(r"(^|[._])dec(oder)?([._]|$)", re.IGNORECASE)  # a decoder was trained with an encoder
_VAE = {"sigmoid": 0.0, "tanh": 0.4, "identity": 0.9, "relu": 5.0}
_GENERATOR = {"tanh": 0.0, "sigmoid": 0.4, "identity": 1.0, "relu": 3.2}


@dataclass(frozen=True)
class _Shape:
    """A decoder's geometry, and the encoder's that goes with it."""

    image: ImageSpec
    start: tuple[int, int, int] | None = None
    path: Path | None = None
    ending: Layer | None = None
    cost: float = 0.0
    encoder: Path | None = None


_Known = dict[Any, list[Path]]
"""The ways of an encoder through pictures of a size, which several readings of a file have in common."""


def proposals(
    leaves: Leaves,
    found: Sequence[Parts],
    hints: Hints,
    facts: Mapping[str, Any],
    tensors: Mapping[str, Tensor] | None = None,
) -> list[Slots]:
    """Return what a file's network may be, the likeliest first.

    Args:
        leaves: its submodules.
        found: readings of its parts.
        hints: what is known.
        facts: plain numbers that the file carries, by name.
        tensors: of the file; without them shapes alone tell.
    """
    made: list[Slots] = []
    known: _Known = {}
    spent = 0
    best = found[0].cost if found else 0.0
    near = [parts for parts in found if parts.cost <= best + _NEAR][:_MOST_PARTS]
    for parts in (way for reading in near for way in _turned(leaves, reading)):
        if spent > (_MOST_LINKS if made else 4 * _MOST_LINKS):
            break
        if len(made) * (len(parts.decoder) + len(parts.encoder)) > 2 * _MOST_LAYERS:
            break
        spent += len(parts.decoder) + len(parts.encoder)
        most = max(8, _MOST_LAYERS // max(len(parts.decoder) + len(parts.encoder), 1))
        shapes = _shapes(leaves, parts, hints, facts, known)[:most]
        for told in told_by(parts, hints, tensors or {}):
            for shape in shapes:
                made += _drafted(leaves, parts, told, shape, hints)
    made.sort(key=lambda slots: slots.candidate.cost)
    most = _MOST_LAYERS // max(len(found[0].decoder) + len(found[0].encoder), 1) if found else 0
    return _distinct(made)[: min(_MOST_MADE, max(8, most))]


def _turned(leaves: Leaves, parts: Parts) -> Iterator[Parts]:
    """Yield a reading with residual blocks marked, and with each convolution that may be transposed turned."""
    decoder, encoder = blocked(parts.decoder, leaves), blocked(parts.encoder, leaves)
    marked = replace(parts, decoder=decoder, encoder=encoder)
    open_ones = [
        at
        for at, link in enumerate(decoder)
        if not link.sure and not link.block and link.wide_in == link.wide_out and link.kernel[0] % 2
    ]
    many = min(len(open_ones), _MOST_TURNED) if len(decoder) <= _MOST_LINKS_TURNED else 0
    for turned in product((False, True), repeat=many):
        chosen = {at for at, turn in zip(open_ones, turned, strict=False) if turn}
        links = tuple(_other_way(link) if at in chosen else link for at, link in enumerate(decoder))
        yield replace(marked, decoder=links, cost=marked.cost + 0.35 * len(chosen))


def _other_way(link: Link) -> Link:
    return replace(link, kind="conv" if link.kind == "convT" else "convT")


def _distinct(made: Sequence[Slots]) -> list[Slots]:
    """Return candidates without those that are another again, or far dearer than the first."""
    found: dict[object, Slots] = {}
    for slots in made:
        config = slots.candidate.config
        parts = [
            [(layer.kind, layer.key, layer.text) for layer in part]
            for part in (config.decoder, config.encoder)
        ]
        same = repr((parts, config.heads, config.labels, config.image, [slot.at for slot in slots.slots]))
        if slots.candidate.cost <= made[0].candidate.cost + _DEAREST:
            found.setdefault(same, slots)
    return list(found.values())


def _shapes(
    leaves: Leaves, parts: Parts, hints: Hints, facts: Mapping[str, Any], known: _Known
) -> list[_Shape]:
    """Return geometries of the parts by cost."""
    found = [
        shape
        for shape in _decoder_shapes(leaves, parts, hints)
        if _is_hinted(shape, hints) and _is_smaller(parts, shape)
    ]
    found = sorted(found, key=lambda shape: shape.cost)
    if parts.encodes:
        found = list(_with_encoders(leaves, parts, found, known))
    sides = {value for name, value in facts.items() if isinstance(value, int) and "size" in name.lower()}
    found = [
        replace(shape, cost=shape.cost - 0.5 * (shape.image.height in sides)) if sides else shape
        for shape in found
    ]
    return _affordable(parts.decoder, sorted(found, key=lambda shape: shape.cost)[:_MOST_MADE])


def _affordable(run: Run, shapes: list[_Shape]) -> list[_Shape]:
    """Return geometries without those whose pictures would take too long, each or all together."""
    kept: list[_Shape] = []
    spent = 0
    links = [link for at, link in enumerate(run) if any(not other.flat for other in run[: at + 1])]
    for shape in shapes:
        price = path_work(links, shape.path) if shape.path else 0
        if not kept or spent + price <= _MOST_WORK:
            kept.append(shape)
            spent += price
    return kept


def _is_smaller(parts: Parts, shape: _Shape) -> bool:
    """Return whether a code that is a map says its picture in fewer numbers: else it is from picture to picture."""
    if not parts.has_map or not shape.start:
        return True
    return math.prod(shape.start) < math.prod(_sides(shape.image))


def _is_hinted(shape: _Shape, hints: Hints) -> bool:
    """Return whether a geometry is what hints say."""
    return (hints.image is None or shape.image == hints.image) and (
        hints.start is None or shape.start is None or shape.start == hints.start
    )


def _decoder_shapes(leaves: Leaves, parts: Parts, hints: Hints) -> Iterator[_Shape]:
    run = parts.decoder
    first = next((at for at, link in enumerate(run) if not link.flat), None)
    if first is None:
        for image, cost in _flat_images(parts, hints):
            yield _Shape(image, cost=cost)
        return
    starts = _map_starts(parts) if first == 0 and parts.has_map else _starts(run, first, _plane(parts))
    for start, price in starts:
        begun = Path(start[1], start[2], price)
        spread = _last_shuffle(run[-1])
        paths = decoder_paths(run[first:], begun, _decoder_room(leaves, run, first), spread)
        for path in paths:
            cost = path.cost * plainness(path) + mixing(run[first:], path)
            yield from _finished(run, start, replace(path, cost=cost), hints, spread)


def _last_shuffle(link: Link) -> int:
    """Return by how much the last map's pixels are spread: a picture has 1, 3 or 4 channels."""
    if link.flat or link.wide_out in (1, 3, 4):
        return 1
    return next((by for by in (2, 3, 4) if link.wide_out in (by * by, 3 * by * by)), 1)


def _starts(run: Run, first: int, plane: int = 0) -> Iterator[tuple[tuple[int, int, int], float]]:
    """Yield the first map: channels, height, width, with its cost."""
    channels = run[first].wide_in - plane
    if first == 0:
        yield (channels, 1, 1), 0.0
        return
    pixels = run[first - 1].wide_out // channels
    side = round(pixels**0.5)
    if side * side == pixels:
        yield (channels, side, side), 0.0
        return
    pairs = [(low, pixels // low) for low in range(1, side + 1) if pixels % low == 0]
    for low, high in sorted(pairs, key=lambda pair: pair[1] - pair[0])[:2]:
        yield (channels, low, high), 1.5
        yield (channels, high, low), 1.5


def _plane(parts: Parts) -> int:
    """Return how many channels of the first map are a label's."""
    beside = parts.branch and parts.branch[-1].flat and not parts.decoder[parts.joined].flat
    return 1 if beside else 0


def _map_starts(parts: Parts) -> Iterator[tuple[tuple[int, int, int], float]]:
    """Yield the sizes of a code that is a map; the pictures that come of it tell which is usual."""
    for side in _MAP_SIDES:
        yield (parts.decoder[0].wide_in, side, side), 0.0 if side == 1 else 0.3


def _decoder_room(leaves: Leaves, run: Run, first: int) -> Room:
    def room(at: int) -> Sequence[tuple[int, float]]:
        link = run[first + at]
        extra = 0.9 if link.kind == "convT" else 0.0
        if first + at == 0:
            return ((1, 0.0),)
        before = run[first + at - 1]
        if link.block and link.block == before.block:
            return ((1, 0.0),)
        previous = before.norms[-1] if before.norms else before.unit
        gap = between(leaves, previous, link.unit)
        if gap.stated is not None:
            return ((_stated_scale(gap.stated), 0.0),)
        free = gap.count - int(gap.near and before.flat and not before.norms and not gap.reshapes)
        if gap.scales:
            return ((2, 0.0), (1, 1.5), (4, 1.0))
        if gap.strict and free < 1:
            return ((1, 0.0),)
        if free > 1:
            return ((1, 0.25), (2, 0.2 + extra), (4, 1.5 + extra))
        if gap.strict:
            return ((1, 0.0), (2, 0.5 + extra), (4, 2.0 + extra))
        return ((1, 0.0), (2, 0.7 + extra), (4, 2.2 + extra))

    return room


def _stated_scale(layers: Sequence[Layer]) -> int:
    for layer in layers:
        if layer.kind == "upsample":
            by = layer.get("by", 2)
            return int(by[0] if isinstance(by, tuple | list) else by)
    return 1


def _finished(
    run: Run, start: tuple[int, int, int], path: Path, hints: Hints, spread: int
) -> Iterator[_Shape]:
    """Yield a path's picture, and those that a last resize or crop may make of it."""
    last = run[-1]
    if last.flat:
        for image, cost in _flat_images(None, hints, last.wide_out):
            yield _Shape(image, start, path, None, path.cost + cost)
        return
    channels = last.wide_out // (spread * spread)
    image = ImageSpec(channels, path.height, path.width)
    yield _Shape(image, start, path, None, path.cost + (0.0 if hints.image else unusual(*_sides(image))))
    sides = usual_near(channels, path.height, path.width)
    if hints.image is not None and hints.image.channels == channels and hints.image != image:
        missed = abs((hints.image.height or 1) - path.height) + abs((hints.image.width or 1) - path.width)
        yield _ended(hints.image, start, path, 1.3 + 0.15 * missed)
        return
    for side in sides:
        goal = ImageSpec(channels, side, side)
        yield _ended(goal, start, path, 1.3 + unusual(*_sides(goal)))


def _ended(goal: ImageSpec, start: tuple[int, int, int], path: Path, cost: float) -> _Shape:
    return _Shape(
        goal, start, path, Layer("resize", "", {"size": (goal.height, goal.width)}), path.cost + cost
    )


def _sides(image: ImageSpec) -> tuple[int, int, int]:
    return image.channels, image.height or 1, image.width or 1


def _flat_images(parts: Parts | None, hints: Hints, wide: int | None = None) -> list[tuple[ImageSpec, float]]:
    """Return the pictures that a flat row may be."""
    width = wide if wide is not None else (parts.decoder[-1].wide_out if parts else 0)
    if hints.image is not None and width == _pixels(hints.image):
        return [(hints.image, 0.0)]
    found = []
    for channels in (1, 3, 4):
        side = round((width / channels) ** 0.5)
        if width == channels * side * side and side >= 4:
            image = ImageSpec(channels, side, side)
            found.append((image, unusual(channels, side, side) + (0.3 if channels == 4 else 0.0)))
    return found or _oblong(width)


def _oblong(width: int) -> list[tuple[ImageSpec, float]]:
    """Return the pictures nearest to a square that a row may be."""
    pairs = [(low, width // low) for low in range(4, int(width**0.5) + 1) if width % low == 0]
    near = [pair for pair in sorted(pairs, key=lambda pair: pair[1] - pair[0])[:2] if pair[1] <= 3 * pair[0]]
    return [(ImageSpec(1, high, low), 2.5 + at) for at, (low, high) in enumerate(near)]


def _pixels(image: ImageSpec) -> int:
    channels, height, width = _sides(image)
    return channels * height * width


def _with_encoders(leaves: Leaves, parts: Parts, shapes: list[_Shape], known: _Known) -> Iterator[_Shape]:
    """Yield geometries with the encoder's beside them, dearer where none fits."""
    most = _MOST_MAPPED if parts.has_map else _MOST_SIZES
    links = tuple((link.unit.key, link.kind, link.block) for link in (*parts.encoder, *parts.mean[:1]))
    seen: set[Any] = set()
    for shape in shapes:
        side = shape.start[1] if parts.has_map and shape.start else 1
        key = (links, parts.width, parts.latent, _sides(shape.image), side)
        if key not in seen and len(seen) >= most:
            continue
        seen.add(key)
        if key not in known:
            known[key] = _encoder_ways(leaves, parts, _sides(shape.image), side)
        if not known[key]:
            if not parts.has_map:
                yield replace(shape, cost=shape.cost + 4.0)
            continue
        found = sorted((_apart(shape, path) + path.cost, at) for at, path in enumerate(known[key]))
        for cost, at in found[:_MOST_ENCODERS]:
            if cost <= found[0][0] + _NEAR_ENCODER:
                yield replace(shape, cost=shape.cost + cost, encoder=known[key][at])


def _apart(shape: _Shape, path: Path) -> float:
    """Return what it costs that decoder and encoder are done in different ways."""
    if not path.ways or not shape.path:
        return 0.0
    return 0.6 * (is_unpadded(shape.path) != is_unpadded(path)) + mirroring(shape.path, path)


def _encoder_ways(leaves: Leaves, parts: Parts, sides: tuple[int, int, int], end: int) -> list[Path]:
    """Return the cheapest ways of an encoder through pictures of a size; none where none fits.

    Args:
        leaves: of the file.
        parts: with an encoder.
        sides: channels, height and width of a picture.
        end: the side of the code, where that is a map.
    """
    links = [*parts.encoder, *parts.mean[:1]]
    channels, height, width = sides
    first = links[0]
    label = parts.width - (parts.latent if parts.latent is not None else parts.width)
    labels = {0, label, *(table.shape[1] for table in parts.tables)}
    if first.flat:
        fits = first.wide_in - channels * height * width in labels
        return [Path(1, 1)] if fits and all(link.flat for link in links) else []
    if first.wide_in - channels not in labels:
        return []
    room = _encoder_room(leaves, links, parts.has_map and not parts.is_vae)
    return encoder_paths(links, Path(height, width), room, _ends(links[-1], end))


def _ends(last: Link, end: int) -> Any:
    """Return what it costs that an encoder ends in a map: a head takes rows."""

    def cost(path: Path) -> float | None:
        return 0.0 if last.flat or path.height == path.width == end else None

    return cost


def _encoder_room(leaves: Leaves, links: Sequence[Link], pooled: bool) -> Room:
    def room(at: int) -> Sequence[tuple[int, float]]:
        if at + 1 >= len(links):
            return _last_pool(leaves, links[-1]) if pooled else ((1, 0.0),)
        link, following = links[at], links[at + 1]
        if link.block and link.block == following.block:
            return ((1, 0.0),)
        previous = link.norms[-1] if link.norms else link.unit
        gap = between(leaves, previous, following.unit)
        if gap.stated is not None:
            return ((next((layer.get("kernel", 2) for layer in gap.stated if "pool" in layer.kind), 1), 0.0),)
        shapes = following.flat and (gap.near or gap.tail > 0)  # a leaf may flatten
        free = gap.count - int(shapes and not gap.reshapes)
        if gap.pools:
            return ((2, 0.0), (1, 1.5))
        if gap.strict and free < 1:
            return ((1, 0.0),)
        if free > 1:
            return ((1, 0.25), (2, 0.1), (4, 2.0))
        return ((1, 0.0), (2, 0.5), (4, 2.5))

    return room


def _last_pool(leaves: Leaves, link: Link) -> Sequence[tuple[int, float]]:
    """Return by what a code that is a map may have been pooled at last."""
    gap = behind(leaves, link.norms[-1] if link.norms else link.unit)
    if gap.stated is not None:
        return ((next((layer.get("kernel", 2) for layer in gap.stated if "pool" in layer.kind), 1), 0.0),)
    if gap.pools:
        return ((2, 0.0), (1, 1.5))
    return ((1, 0.0),) if gap.strict and not gap.count else ((1, 0.0), (2, 0.4))


def _drafted(leaves: Leaves, parts: Parts, told: Told, shape: _Shape, hints: Hints) -> Iterator[Slots]:
    """Yield the candidates of one reading and one geometry: norms before activations, or behind."""
    named = all(_HALF.search(link.unit.key) for link in parts.decoder)
    learned = parts.encodes or named or _is_small(parts)
    outputs = _VAE if learned or _is_normed(parts) else _GENERATOR
    leaky = not learned and _leaks(leaves, parts.decoder)
    plain = parts.encodes and not parts.is_vae
    first = Setting(leaves, outputs, leaky=leaky, first=parts.decoder[0].unit, plain=plain)
    draft = decoder_draft(first, parts.decoder, shape.start, shape.path, shape.ending)
    yield _candidate(first, parts, told, shape, draft, 0.0)
    if draft.ambiguous:
        other = replace(first, norm_last=True)
        again = decoder_draft(other, parts.decoder, shape.start, shape.path, shape.ending)
        yield _candidate(other, parts, told, shape, again, 0.8)


def _is_small(parts: Parts) -> bool:
    """Return whether a code is as short as those of autoencoders; generators have longer ones, or batch norm."""
    return parts.width <= _SHORT_CODE and not any(link.norms for link in parts.decoder) and not parts.tables


def _is_normed(parts: Parts) -> bool:
    """Return whether rows have a batch norm behind each but the last, as in courses whose first generator they are."""
    *inner, last = parts.decoder
    told = parts.branch or parts.tables
    return len(inner) > 2 and last.flat and not told and all(link.flat and link.norms for link in inner)


def _leaks(leaves: Leaves, decoder: Run) -> bool:
    """Return whether most generators of such rows leak: with batch norm, or the wider the nearer to the picture."""
    if not all(link.flat for link in decoder):
        return False
    if any(link.norms for link in decoder):
        return leaves.in_chain(decoder[0].unit.key)
    widths = [link.wide_out for link in decoder[:-1]]
    return len(widths) > 1 and widths == sorted(widths) and widths[0] < widths[1]


def _joined(setting: Setting, parts: Parts, told: Told, draft: Draft, path: Path | None) -> Labels | None:
    """Return labels that run through a layer of their own before they are joined."""
    if told.labels is None:
        return None
    key = parts.decoder[parts.joined].unit.key
    at = next((at for at, layer in enumerate(draft.layers) if layer.key == key), None)
    if at is None:  # it lies within a residual block: nothing is joined there
        return None
    if _plane(parts):
        link = parts.branch[-1]
        side = round(link.wide_out**0.5)
        plane = (Layer("linear", link.unit.key), Layer("reshape", "", {"shape": (1, side, side)}))
        return replace(told.labels, at=at, layers=plane)
    return replace(told.labels, at=at, layers=branch_layers(setting, parts.branch, parts.decoder, path))


def _candidate(
    setting: Setting, parts: Parts, told: Told, shape: _Shape, draft: Draft, price: float
) -> Slots:
    """Return a candidate with its slots."""
    encoder, heads = Draft("encoder"), tuple[HeadsOption, ...]()
    reads = parts.encodes and (shape.encoder is not None)
    if reads:
        plain = not parts.is_vae
        run = (*parts.encoder, *parts.mean) if plain else parts.encoder
        encoder = encoder_draft(setting, run, () if plain else parts.mean, shape.encoder, plain)
        heads = heads_options(setting, parts, shape.encoder)
    labels = _joined(setting, parts, told, draft, shape.path) if parts.branch else told.labels
    latent = told.latent
    if parts.has_map and shape.start and not told.labels:
        latent *= shape.start[1] * shape.start[2]
    config = LayeredConfig(
        latent,
        shape.image,
        tuple(draft.layers),
        tuple(encoder.layers),
        heads[0].heads if heads else None,
        labels,
        "none" if parts.encodes and not parts.is_vae else "normal",
    )
    image = "x".join(map(str, _sides(shape.image)))
    choices = {"image": image, "latent": str(latent)}
    if shape.start:
        choices["start"] = "x".join(map(str, shape.start))
    if told.labels or parts.tables:
        choices["classes"] = str(told.labels.classes if told.labels else 0)
    reasons = {"classes": told.reason} if told.reason else {}
    certain = frozenset({"latent", "classes"} if told.sure and latent == told.latent else ())
    cost = parts.cost + told.cost + shape.cost + price
    candidate = Candidate(config, cost, choices, reasons, certain)
    return Slots(candidate, (*draft.slots, *encoder.slots), heads)
