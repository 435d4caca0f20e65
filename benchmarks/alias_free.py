"""The sizes and filters of a StyleGAN3-T, from the rules of the paper (arXiv:2106.12423, section 3.2, appendix C).

Each layer has a cutoff frequency and a stopband that grow geometrically; the sampling rate, the channels and the
margins follow from them, and the filters are Kaiser windows whose transition lies between the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.models.style_layers import MappingConfig
from explorer.models.stylegan2_config import usual_dense
from explorer.models.stylegan3 import InputConfig, LayerConfig, StyleGan3Config

FIRST_CUTOFF, FIRST_STOPBAND = 2.0, 2**2.1
LAST_STOPBAND = 2**0.3  # as a multiple of half the picture's side
CRITICAL = 2  # last layers at the highest cutoff
MARGIN = 10  # samples around the picture
TAPS = 6  # of a filter, for each time it resamples
ENLARGED = 2  # how many times for the activation

Filters = dict[str, dict[str, np.ndarray]]
"""By layer: `up_filter` and `down_filter`, those that it has."""


@dataclass(frozen=True)
class _Signal:
    """What the maps behind a layer are: samples per picture, cutoff, transition's half width, channels, side."""

    rate: int
    cutoff: float
    half_width: float
    channels: int
    side: int


def config(
    side: int, base: int, most: int = 512, layers: int = 14, mapping: int = 2, w_dim: int = 512
) -> tuple[StyleGan3Config, Filters]:
    """Return the sizes of a network for pictures of `side`, and its filters."""
    signals = [_signal(index, layers, side, base, most) for index in range(layers + 1)]
    made, filters = [], {}
    for index, signal in enumerate(signals):
        before = signals[max(index - 1, 0)]
        layer, own = _layer(f"L{index}", before, signal, w_dim, draws=index == layers)
        made.append(layer)
        filters[layer.name] = own
    first = signals[0]
    waves = InputConfig(
        first.channels, (first.side, first.side), first.rate, first.cutoff, usual_dense(w_dim, 4)
    )
    dense = tuple(usual_dense(w_dim, w_dim, "lrelu", 0.01) for _ in range(mapping))
    return StyleGan3Config(MappingConfig(w_dim, w_dim, dense), waves, tuple(made)), filters


def _signal(index: int, layers: int, side: int, base: int, most: int) -> _Signal:
    share = min(index / (layers - CRITICAL), 1.0)
    last = side / 2
    cutoff = FIRST_CUTOFF * (last / FIRST_CUTOFF) ** share
    stopband = FIRST_STOPBAND * (last * LAST_STOPBAND / FIRST_STOPBAND) ** share
    rate = 1 << math.ceil(math.log2(min(2 * stopband, side)))
    is_picture, has_margin = index == layers, index < layers - 1
    channels = 3 if is_picture else round(min(base / 2 / cutoff, most))
    half_width = max(stopband, rate / 2) - cutoff
    return _Signal(rate, cutoff, half_width, channels, rate + 2 * MARGIN if has_margin else side)


def _layer(
    name: str, before: _Signal, after: _Signal, w_dim: int, *, draws: bool
) -> tuple[LayerConfig, dict[str, np.ndarray]]:
    inside = max(before.rate, after.rate) * (1 if draws else ENLARGED)  # samples, where the activation acts
    up, down, kernel = inside // before.rate, inside // after.rate, 1 if draws else 3
    filters = {}
    for kind, times, signal in (("up_filter", up, before), ("down_filter", down, after)):
        if times > 1:
            filters[kind] = low_pass(TAPS * times, signal.cutoff, 2 * signal.half_width, inside)
    taps = {kind: len(filters[kind]) if kind in filters else 1 for kind in ("up_filter", "down_filter")}
    entering = (before.side + kernel - 1) * up - (taps["up_filter"] - 1)
    leaving = (after.side - 1) * down + taps["down_filter"]
    front = (leaving - entering + up) // 2
    shapes = {kind: taps.shape for kind, taps in filters.items()}
    layer = LayerConfig(
        f"{name}_{after.side}_{after.channels}",
        before.channels,
        after.channels,
        (before.side, before.side),
        (after.side, after.side),
        usual_dense(w_dim, before.channels),
        kernel=kernel,
        up=up,
        down=down,
        up_filter=shapes.get("up_filter"),
        down_filter=shapes.get("down_filter"),
        padding=(front, leaving - entering - front) * 2,
        draws=draws,
        clamp=256,
    )
    return layer, filters


def low_pass(taps: int, cutoff: float, width: float, rate: float) -> np.ndarray:
    """Return a filter `(taps,)` that sums to 1, float32: a sinc under the Kaiser window for this transition.

    The attenuation that so many taps reach, and the window for it, are Kaiser's formulas (appendix C).

    Args:
        taps: its length.
        cutoff, width: where the transition's middle is, and how wide it is.
        rate: samples in the same unit of length.
    """
    attenuation = 2.285 * (taps - 1) * math.pi * width / (rate / 2) + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    else:
        over = max(attenuation - 21, 0.0)
        beta = 0.5842 * over**0.4 + 0.07886 * over
    places = np.arange(taps) - (taps - 1) / 2
    line = np.sinc(2 * cutoff / rate * places) * np.kaiser(taps, beta)
    return (line / line.sum()).astype(np.float32)
