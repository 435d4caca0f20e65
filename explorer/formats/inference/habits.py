"""What is usual in networks of one build, where it differs from what is usual elsewhere: other costs, no evidence.

A generator of linear layers with batch norm behind all but the first and the last descends, as a rule, from widely
copied examples of WGAN-GP (Gulrajani et al. 2017, arXiv:1704.00028), whose `BatchNorm1d(width, 0.8)` sets the eps where
the momentum was meant, and whose activation is a leaky ReLU of 0.2. A trained file's statistics say more than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from explorer.formats.inference.slots import Option, Slot, Slots
from explorer.models.layers import Layer

_USUAL = {"eps": "0.8", "activation": "leaky_relu:0.2"}
_STEP = 0.3  # how much dearer what else was cheapest becomes


def with_habits(slots: Slots) -> Slots:
    """Return a candidate with the costs of its build."""
    if not _is_copied(slots.candidate.config.decoder):
        return slots
    decoder = [*slots.candidate.config.decoder]
    changed = []
    for slot in slots.slots:
        if slot.part == "decoder" and slot.group in _USUAL:
            slot = _cheaper(slot, _USUAL[slot.group])
            decoder[slot.at] = slot.options[0].layer
        changed.append(slot)
    config = replace(slots.candidate.config, decoder=tuple(decoder))
    return replace(slots, candidate=replace(slots.candidate, config=config), slots=tuple(changed))


def _is_copied(decoder: Sequence[Layer]) -> bool:
    """Tell whether all linear layers but the first and the last have a batch norm, two of them at least."""
    weighted = [layer.kind for layer in decoder if layer.key]
    inner = (len(weighted) - 2) // 2
    return inner >= 2 and weighted == ["linear", *["linear", "bn"] * inner, "linear"]


def _cheaper(slot: Slot, word: str) -> Slot:
    """Return a slot in which a word is the cheapest; it stays as it is without that word."""
    if all(option.word != word for option in slot.options):
        return slot
    options = [
        Option(option.word, option.layer, 0.0 if option.word == word else option.cost + _STEP)
        for option in slot.options
    ]
    return replace(slot, options=tuple(sorted(options, key=lambda option: option.cost)))
