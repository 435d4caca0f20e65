"""The decoder among chains of Keras weights: layers that follow on one another, by their widths, to a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.formats.keras_condition import Condition, settled
from explorer.formats.keras_units import Chain, Unit
from explorer.formats.sidecars import Hints

CHANNELS = (1, 3)
Groups = list[tuple[Unit, list[Unit]]]
KERNELS = ("dense", "conv", "convT")
RECTIFIES = ("lrelu", "relu", "elu", "activation", "prelu")


@dataclass(frozen=True, eq=False)
class DecoderPath:
    """The units of a decoder in order, with the grid on which it starts (None for a flat one)."""

    units: tuple[Unit, ...]
    grid: tuple[int, int] | None
    is_complete: bool
    condition: Condition | None = None

    @property
    def latent(self) -> int:
        """How wide the code is."""
        width = self.units[0].width_in
        return self.condition.latent(width) if self.condition else width

    @property
    def cores(self) -> list[Unit]:
        """The layers with kernels."""
        return [unit for unit in self.units if unit.kind in KERNELS]

    @property
    def has_norm(self) -> bool:
        """Whether batch norm judges."""
        return any(unit.kind == "bn" for unit in self.units)


def decoder_path(found: Sequence[Chain], hints: Hints, condition: Condition | None) -> DecoderPath | None:
    """Return the decoder: from the narrowest dense layer on to a picture."""
    best: tuple[tuple[bool, int], DecoderPath] | None = None
    for chain in found:
        named = any(word in chain.name.lower() for word in ("dec", "gen"))
        starts = [unit for unit in chain.units if unit.kind == "dense"]
        if hints.latent:
            starts = [unit for unit in starts if unit.width_in == hints.latent] or starts
        for start in sorted(starts, key=lambda unit: unit.width_in):
            path = _path(chain, start, hints, condition.extra if condition else 0)
            if path is not None:
                path = replace(path, condition=condition and settled(condition, start.width_in))
                rank = (not named, start.width_in)
                if best is None or rank < best[0]:
                    best = rank, path
                break
    return best[1] if best else None


def _path(chain: Chain, start: Unit, hints: Hints, extra: int) -> DecoderPath | None:
    """Return the units that follow on one another from a dense layer to a picture; None where they do not."""
    units = (
        _ordered(chain, start, extra)
        if not chain.is_ordered
        else list(chain.units[chain.units.index(start) :])
    )
    if any(unit.kind in ("join", "embedding") for unit in units):
        return None
    width, grid = start.width_in, None
    for unit in units:
        if unit.kind == "dense":
            if grid is not None or unit.width_in != width:
                return None
            width = unit.width_out
        elif unit.kind in ("conv", "convT"):
            if grid is None:
                grid = _grid(width, unit.width_in - extra, hints)
                if grid is None:
                    return None
            elif unit.width_in != width:
                return None
            width = unit.width_out
    if grid is None:
        is_picture = flat_channels(width, hints) is not None
        return (
            DecoderPath(tuple(units), None, chain.is_complete)
            if is_picture and width > start.width_in
            else None
        )
    channels = (hints.image.channels,) if hints.image else CHANNELS
    return DecoderPath(tuple(units), grid, chain.is_complete) if width in channels else None


def flat_channels(width: int, hints: Hints) -> int | None:
    if hints.image and hints.image.height and hints.image.width:
        return (
            hints.image.channels
            if width == hints.image.channels * hints.image.height * hints.image.width
            else None
        )
    for channels in CHANNELS:
        side = math.isqrt(width // channels)
        if side >= 8 and channels * side * side == width:
            return channels
    return None


def _grid(width: int, channels: int, hints: Hints) -> tuple[int, int] | None:
    """Return height and width of the first map."""
    if hints.start and math.prod(hints.start) == width and hints.start[0] == channels:
        return hints.start[1], hints.start[2]
    if channels <= 0 or width % channels:
        return None
    places = width // channels
    side = math.isqrt(places)
    if side * side == places:
        return side, side
    if hints.image and hints.image.height and hints.image.width:
        for rows in range(1, places + 1):
            if places % rows == 0 and rows * hints.image.width == places // rows * hints.image.height:
                return rows, places // rows
    return None


def _ordered(chain: Chain, start: Unit, extra: int) -> list[Unit]:
    """Return units in the order in which widths follow on one another, for a file that only counts them."""
    left = [unit for unit in chain.units if unit is not start]
    order = [start]
    width, is_map, rank = start.width_out, False, start.order
    _norms(order, left, width)
    while True:
        step = _next(left, width, is_map, rank, extra)
        if step is None or (is_map and width in CHANNELS and step.kind == "conv"):  # that begins an encoder
            return order
        rank = step.order if step.kind == "dense" else rank
        left.remove(step)
        order.append(step)
        is_map = is_map or step.kind != "dense"
        width = step.width_out
        _norms(order, left, width)


def _next(left: Sequence[Unit], width: int, is_map: bool, rank: int, extra: int) -> Unit | None:
    """Return the unit that may follow; dense layers before the last one belong to an encoder."""
    dense = [unit for unit in left if unit.kind == "dense" and unit.width_in == width and unit.order > rank]
    if dense and not is_map:
        return dense[0]
    for kind in ("convT", "conv"):
        for unit in left:
            if unit.kind != kind:
                continue
            fits = (
                unit.width_in == width if is_map else _grid(width, unit.width_in - extra, Hints()) is not None
            )
            if fits:
                return unit
    return None


def _norms(order: list[Unit], left: list[Unit], width: int) -> None:
    """Put the next batch norm behind a layer where it has its width (or that of the map a row becomes)."""
    norm = next((unit for unit in left if unit.kind in ("bn", "ln")), None)
    if norm is not None and norm.width_out == width:
        left.remove(norm)
        order.append(norm)


def groups_of(units: Sequence[Unit]) -> list[tuple[Unit, list[Unit]]]:
    """Return the layers with kernels, each with what follows it."""
    groups: list[tuple[Unit, list[Unit]]] = []
    for unit in units:
        if unit.kind in KERNELS:
            groups.append((unit, []))
        elif groups:
            groups[-1][1].append(unit)
    return groups
