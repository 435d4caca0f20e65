"""What follows a decoder's last layer, and which values are black and white, by the values that the layer gives.

A squashing function wants values far to both sides of 0; pixels that are pictures already lie in their range. Where
an encoder can be asked, `round_trip` knows better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.models.base import NativeRange
from explorer.models.layered import LayeredConfig
from explorer.models.layers import ACTIVATIONS, Layer

UNIT = NativeRange(0.0, 1.0)
SIGNED = NativeRange(-1.0, 1.0)
BYTES = NativeRange(0.0, 255.0)
LOGITS = NativeRange(logits=True)

_SURE = 3.0  # nats for what is plain to see
_LIKELY = 1.2


@dataclass(frozen=True)
class Look:
    """How the values lie that reach the output.

    Attributes:
        low, high: below and above which one in a hundred lies.
        middle: the median.
        spread: standard deviation.
        outside, beyond: shares of the values that lie clearly outside 0..1 and -1..1.
    """

    low: float
    high: float
    middle: float
    spread: float
    outside: float
    beyond: float

    @property
    def bytes(self) -> bool:
        """Whether these are pixels from 0 to 255."""
        return self.high > 60 and self.middle > 8 and self.low > -0.2 * self.high and self.high < 400

    @property
    def unit(self) -> bool:
        """Whether these are pixels from 0 to 1 already: bright ones, or none that is dark."""
        bright, never_dark = self.high > 0.5 and self.spread > 0.08, self.low > 0.02 and self.high > 0.25
        return self.outside < 0.02 and (bright or never_dark)

    @property
    def signed(self) -> bool:
        """Whether these are pixels from -1 to 1 already."""
        return self.beyond < 0.02 and self.low < -0.7 and self.spread > 0.2


def last_of(config: LayeredConfig) -> Layer | None:
    """Return what follows a decoder's last layer with weights and acts on each number; None for nothing."""
    for layer in reversed(config.decoder):
        if layer.key:
            return None
        if layer.kind in ACTIVATIONS:
            return layer
    return None


def is_plain(last: Layer | None) -> bool:
    """Return whether values leave a decoder as its last layer gives them."""
    return last is None or last.kind == "identity"


def look(values: Tensor) -> Look:
    """Return how values lie that a decoder's last layer gives; NaN counts as 0, and no values at all are zeros."""
    flat = torch.nan_to_num(values.flatten().float())
    if not len(flat):
        return Look(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    step = max(1, len(flat) // 200_000)
    flat = flat[::step]
    low, middle, high = torch.quantile(flat, torch.tensor([0.01, 0.5, 0.99])).tolist()
    outside = ((flat < -0.15) | (flat > 1.15)).float().mean().item()
    beyond = (flat.abs() > 1.2).float().mean().item()
    return Look(low, high, middle, flat.std().item(), outside, beyond)


def energies(seen: Look, words: Sequence[str], listed: bool = False) -> dict[str, float]:
    """Return, in nats, what speaks against each word after the last layer.

    Args:
        seen: the values before it.
        words: that may stand there.
        listed: the file lists what runs and has nothing there, so wide values are logits.
    """
    against = dict.fromkeys(words, 0.0)
    for word in words:
        plain = word in ("identity", "relu")
        if seen.bytes:
            against[word] = 0.0 if plain else _SURE + _LIKELY
        elif seen.unit:
            against[word] = 0.0 if plain else _LIKELY
        elif seen.signed:
            against[word] = 0.0 if word != "sigmoid" else _LIKELY
        elif plain and not listed:
            against[word] = _LIKELY if seen.low > -3 and seen.high < 3 else _SURE
    return against


def range_of(last: Layer | None, seen: Look) -> NativeRange:
    """Return what is black and white in a decoder's values.

    Args:
        last: what follows the last layer with weights; None for nothing.
        seen: the values that leave the decoder.
    """
    kind = last.kind if last is not None else "identity"
    if kind in ("sigmoid", "hardsigmoid", "softmax"):
        return UNIT
    if kind in ("tanh", "hardtanh", "softsign"):
        return UNIT if seen.low > -0.05 else SIGNED
    if seen.bytes:
        return BYTES
    if seen.low > -0.3 and seen.high < 1.5:
        return UNIT
    if seen.low > -1.6 and seen.high < 1.6:
        return SIGNED
    return UNIT if kind == "relu" else LOGITS
