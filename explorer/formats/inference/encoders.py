"""Candidates that share a decoder and differ in how their encoders are done: which of those, once the decoder is known.

Two encoders of the same tensors may well give codes of the same width; what returns tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from explorer.formats.inference.judging import Judged, judged
from explorer.formats.inference.slots import Slots
from explorer.formats.inference.untried import sound

_MOST_DECODERS = 64
_MOST_OTHERS = 5
_POOR = 0.1  # an error of codes that come back, from which on other encoders are tried
_BETTER = 0.6  # what the error of another must be of it


def parted(proposed: Sequence[Slots]) -> tuple[list[Slots], list[Slots]]:
    """Return the likeliest candidate of each decoder, and the others."""
    first: dict[str, Slots] = {}
    others = []
    for slots in proposed:
        if first.setdefault(_decoder(slots), slots) is not slots:
            others.append(slots)
    return list(first.values())[:_MOST_DECODERS], others


def heard_again(
    ranked: list[Judged],
    others: Sequence[Slots],
    tensors: Mapping[str, Tensor],
    should_stop: Callable[[], bool],
    given_range: bool,
) -> list[Judged]:
    """Return readings with the winner's encoder done another way, where codes come back far better so.

    Args:
        ranked: the winner first.
        others: candidates that `parted` left out.
        tensors: of the file.
        should_stop: as of `judged`.
        given_range: as of `judged`.
    """
    trip = ranked[0].trip if ranked else None
    if trip is None or trip.error < _POOR:
        return ranked
    key = _decoder(ranked[0].slots)
    same = [slots for slots in others if _decoder(slots) == key][:_MOST_OTHERS]
    again = judged(sound(same, tensors), tensors, should_stop, given_range) if same else []
    if not again or again[0].trip is None or again[0].trip.error > _BETTER * trip.error:
        return ranked
    return [again[0], *ranked[1:]]


def _decoder(slots: Slots) -> str:
    config = slots.candidate.config
    layers = [(layer.text, layer.key) for layer in config.decoder]
    return repr((config.image, config.latent_dim, config.labels, layers))
