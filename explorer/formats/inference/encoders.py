"""Candidates that share a decoder and differ in how their encoders are done.

Two encoders of the same tensors may well give codes of the same width; what becomes of pictures tells them apart (in
`round_trip`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from explorer.formats.inference.slots import Slots

Others = Mapping[str, Sequence[Slots]]
"""By `decoder_of`, the candidates with that decoder and another encoder."""

_MOST_DECODERS = 48
_MOST_OTHERS = 9


def parted(proposed: Sequence[Slots]) -> tuple[list[Slots], Others]:
    """Return the likeliest candidate of each decoder, and the others."""
    first: dict[str, Slots] = {}
    others: dict[str, list[Slots]] = {}
    for slots in proposed:
        key = decoder_of(slots)
        if first.setdefault(key, slots) is not slots:
            others.setdefault(key, []).append(slots)
    return list(first.values())[:_MOST_DECODERS], {key: ways[:_MOST_OTHERS] for key, ways in others.items()}


def decoder_of(slots: Slots) -> str:
    """Return what makes a candidate's decoder."""
    config = slots.candidate.config
    layers = [(layer.text, layer.key) for layer in config.decoder]
    return repr((config.image, config.latent_dim, config.labels, layers))
