"""What the weights of a Keras decoder leave open: strides, doublings and activations, the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.formats.keras_path import RECTIFIES, DecoderPath, flat_channels, groups_of
from explorer.formats.keras_units import Unit
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError

_USUAL = {28: 10, 32: 10, 64: 10, 128: 9, 256: 8, 512: 6, 96: 5, 48: 5, 224: 5, 72: 4, 80: 4, 100: 4, 112: 4, 160: 4,
          192: 4, 56: 3, 120: 3, 144: 2, 16: 1}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """What a decoder's weights leave open.

    Attributes:
        strides: of the transposed convolutions, in order.
        ups: whether each plain convolution has its input doubled.
        hidden: activation between layers: a name, or "lrelu:0.2".
        first: that behind the first dense layer.
        norm_first: batch norm comes before the activation.
        output: the last activation.
    """

    strides: tuple[int, ...]
    ups: tuple[bool, ...]
    hidden: str
    first: str
    norm_first: bool
    output: str


def choices_of(path: DecoderPath, hints: Hints, halvings: int | None, is_gan: bool) -> Iterator[Choice]:
    """Yield what the decoder may be, the likeliest first; alone what the hint `layers` says, where there is one."""
    if hints.layers is not None:
        yield _said(path, hints.layers, _output(path, hints, is_gan))
        return
    for strides, ups in _scalings(path, hints, halvings):
        for hidden, first, norm_first in _activations(path, hints, is_gan):
            yield Choice(strides, ups, hidden, first, norm_first, _output(path, hints, is_gan))


def _said(path: DecoderPath, layers: Sequence[Any], output: str) -> Choice:
    """Return the choice that a list of layers says.

    Raises:
        KerasError: it has other layers with weights.
    """
    kinds = {"linear": "dense", "conv": "conv", "convT": "convT"}
    cores = [kinds[layer.kind] for layer in layers if layer.kind in kinds]
    if cores != [unit.kind for unit in path.cores]:
        raise KerasError(
            f"has the layers {' '.join(unit.kind for unit in path.cores)}, others than the hint layers says"
        )
    ups, pending = [], False
    after: list[list[str]] = []
    norm_first = True
    for layer in layers:
        if layer.kind in kinds:
            ups += [pending] if layer.kind == "conv" else []
            pending = False
            after.append([])
        elif layer.kind in ("upsample", "up"):
            pending = True
        elif layer.kind in ("bn", "batchnorm"):
            norm_first = not (after and after[-1])
        elif after and layer.kind not in ("reshape", "flatten", "dropout", "identity"):
            after[-1].append(hinted(layer))
    strides = tuple(_stride(layer) for layer in layers if layer.kind == "convT")
    acts = [found[0] if found else "linear" for found in after]
    hidden = acts[1] if len(acts) > 2 else acts[0]
    last = acts[-1] if after[-1] else "linear" if len(acts) > 1 else output
    return Choice(strides, tuple(ups), hidden, acts[0], norm_first, last)


def _stride(layer: Any) -> int:
    stride = layer.get("stride", 1)
    return int(stride if isinstance(stride, int) else stride[0])


def _scalings(
    path: DecoderPath, hints: Hints, halvings: int | None
) -> list[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Return strides and doublings that make a usual picture, the likeliest first."""
    transposed = [unit for unit in path.units if unit.kind == "convT"]
    convolutions = [unit for unit in path.units if unit.kind == "conv"]
    if path.grid is None:
        return [((), ())]
    listed = _listed_ups(path)
    free = len(transposed) + (len(convolutions) if not path.is_complete and not transposed else 0)
    counts = sorted(
        range(free + 1), key=lambda count: -_likely(path, hints, count + sum(listed), halvings, free)
    )
    counts = [count for count in counts if _likely(path, hints, count + sum(listed), halvings, free) > 0]
    found = []
    for count in counts[:2]:
        for places in _placings(transposed or convolutions, count):
            if transposed:
                found.append((tuple(2 if place in places else 1 for place in range(len(transposed))), listed))
            else:
                ups = tuple(listed[place] or place in places for place in range(len(convolutions)))
                found.append(((), ups))
        if hints.image:
            break
    return found


def _listed_ups(path: DecoderPath) -> tuple[bool, ...]:
    """Return whether an upsampling layer is listed before each plain convolution."""
    ups, pending = [], False
    for unit in path.units:
        pending = pending or unit.kind == "up"
        if unit.kind == "conv":
            ups.append(pending)
            pending = False
        elif unit.kind == "convT":
            pending = False
    return tuple(ups)


def _likely(path: DecoderPath, hints: Hints, doublings: int, halvings: int | None, free: int) -> float:
    assert path.grid is not None
    rows, columns = (side << doublings for side in path.grid)
    if hints.image:
        return 100.0 if (rows, columns) == (hints.image.height, hints.image.width) else 0.0
    usual = _USUAL.get(rows, 0.5 if rows >= 16 else 0) if rows == columns else 0.5
    return usual + (6 if halvings is not None and doublings == halvings else 0)


def _placings(units: Sequence[Unit], count: int) -> list[set[int]]:
    """Return which layers may double the picture: even kernels, the first, the last, all but the first."""
    if count == len(units):
        return [set(range(count))]
    even = {place for place, unit in enumerate(units) if unit.kernel[0] % 2 == 0}
    options = [even] if len(even) == count else []
    options += [set(range(count)), set(range(1, count + 1)), set(range(len(units) - count, len(units)))]
    return [option for place, option in enumerate(options) if option not in options[:place]]


def _activations(path: DecoderPath, hints: Hints, is_gan: bool) -> list[tuple[str, str, bool]]:
    """Return hidden activation, that of the first layer, and whether batch norm comes before it."""
    if hints.activation is not None:
        told = hinted(hints.activation)
        return [(told, told, True), (told, told, False)] if path.has_norm else [(told, told, True)]
    marks = [unit.kind for unit in path.units if unit.kind in RECTIFIES]
    leaky = ["lrelu:0.2", "lrelu:0.3", "lrelu:0.1", "lrelu:0.01"]
    if path.has_norm:
        names = leaky if "lrelu" in marks else ["relu"] if marks else ["relu", *leaky[:2], "elu"]
        orders = [True] if marks else [True, False]
        firsts = _first_activations(path)
        return [
            (name, first, order)
            for name in names
            for order in orders
            for first in dict.fromkeys(name if option == "same" else option for option in firsts)
        ]
    if "lrelu" in marks or (is_gan and path.condition and not marks):  # a table of classes is a GAN's
        return [(leaky[0], leaky[0], True)]
    return [("elu" if "elu" in marks else "relu",) * 2 + (True,)]  # type: ignore[list-item]


def _first_activations(path: DecoderPath) -> tuple[str, ...]:
    """Return what may follow the first dense layer: "same" as elsewhere, or another."""
    if not path.is_complete:
        return "same", "linear"
    after = groups_of(path.units)[0][1]
    return ("same",) if any(unit.kind in RECTIFIES for unit in after) else ("linear", "relu")


def hinted(layer: Any) -> str:
    """Return an activation that a hint says, in the words used here."""
    if layer.kind == "leaky_relu":
        return f"lrelu:{layer.get('slope', 0.01):g}"
    return {"identity": "linear", "hardsigmoid": "hard_sigmoid", "logsigmoid": "log_sigmoid"}.get(
        layer.kind, layer.kind
    )


def _output(path: DecoderPath, hints: Hints, is_gan: bool) -> str:
    if hints.output is not None:
        return hinted(hints.output)
    is_rectified = any(unit.kind == "lrelu" for unit in path.units)
    return "tanh" if is_gan and (path.has_norm or is_rectified or path.condition) else "sigmoid"


def size_of(path: DecoderPath, choice: Choice) -> tuple[int, int, int]:
    """Return channels, height and width of the pictures."""
    width = path.cores[-1].width_out
    if path.grid is None:
        channels = flat_channels(width, Hints()) or 1
        side = math.isqrt(width // channels)
        return channels, side, side
    times = math.prod(choice.strides) * 2 ** sum(choice.ups)
    return width, path.grid[0] * times, path.grid[1] * times
