"""What a candidate leaves open: places of a network that several layers may fill, with the cost of each.

Topology makes these (which tensors, in which order, with which geometry is settled by then), judging fills them.
No evidence is weighed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from explorer.formats.inference import Candidate
from explorer.models.layered import Heads, LayeredConfig
from explorer.models.layers import Layer

Part = Literal["decoder", "encoder"]


@dataclass(frozen=True)
class Option:
    """One way to fill a slot.

    Attributes:
        word: the value as the hint of the slot's group says it: `relu`, `0.8`, `bilinear,align`; slots of one
            group that were filled alike have equal words.
        layer: what stands in the slot; kind `identity` for nothing. It has the key of its tensors (batch norm
            whose eps is open, a convolution whose padding is).
        cost: how unusual it is, 0 for the most usual; what decides where no evidence does.
    """

    word: str
    layer: Layer
    cost: float = 0.0


@dataclass(frozen=True)
class Slot:
    """A layer of a candidate that is not certain.

    Attributes:
        part: which of `config.decoder` and `config.encoder` it is in.
        at: index of the layer there. The candidate has the cheapest option in that place, so it is complete.
        group: slots of a group most likely hold one and the same word, but for `identity`, which each may choose
            for itself: "activation", "output" (the last layer of the decoder), "eps", "upsample", "padding".
        options: the cheapest first; at least two.
    """

    part: Part
    at: int
    group: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class HeadsOption:
    """One way to read an encoder's heads."""

    heads: Heads
    cost: float = 0.0


@dataclass(frozen=True, eq=False)
class Slots:
    """A candidate and all that is open in it.

    Attributes:
        candidate: with the cheapest option in each place; `identity` stands where that is nothing.
        slots: front to back, the decoder's before the encoder's.
        heads: the cheapest first; empty without an encoder.
    """

    candidate: Candidate
    slots: tuple[Slot, ...] = ()
    heads: tuple[HeadsOption, ...] = ()

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the words of each group that any of its slots takes, the cheapest first."""
        found: dict[str, dict[str, float]] = {}
        for slot in self.slots:
            words = found.setdefault(slot.group, {})
            for option in slot.options:
                words[option.word] = min(option.cost, words.get(option.word, option.cost))
        return {group: tuple(sorted(words, key=words.__getitem__)) for group, words in found.items()}


def with_choice(slots: Slots, choices: Mapping[int, int], heads: int = 0) -> LayeredConfig:
    """Return the network with some slots filled otherwise than cheapest; indices of layers stay as they are.

    Args:
        slots: of a candidate.
        choices: by index in `slots.slots`, the index of an option.
        heads: index in `slots.heads`.
    """
    parts = {"decoder": [*slots.candidate.config.decoder], "encoder": [*slots.candidate.config.encoder]}
    for index, option in choices.items():
        slot = slots.slots[index]
        parts[slot.part][slot.at] = slot.options[option].layer
    read = slots.heads[heads].heads if slots.heads else slots.candidate.config.heads
    return replace(
        slots.candidate.config,
        decoder=tuple(parts["decoder"]),
        encoder=tuple(parts["encoder"]),
        heads=read,
    )


def alike(slots: Slots, words: Mapping[str, str]) -> dict[int, int]:
    """Return choices that fill each group with one word, wherever a slot takes it; others stay cheapest."""
    found = {}
    for index, slot in enumerate(slots.slots):
        word = words.get(slot.group)
        taken = next((at for at, option in enumerate(slot.options) if option.word == word), None)
        if taken is not None:
            found[index] = taken
    return found


def usual_choices(slots: Slots, settled: Mapping[int, int]) -> dict[int, int]:
    """Return choices for all slots: what is settled, and elsewhere what stands nearest before in the group."""
    taken = dict(settled)
    words: dict[str, str] = {}
    for index, option in settled.items():
        words.setdefault(slots.slots[index].group, slots.slots[index].options[option].word)
    for index, slot in enumerate(slots.slots):
        if index not in taken:
            word = words.get(slot.group)
            same = (at for at, option in enumerate(slot.options) if option.word == word)
            taken[index] = 0 if slot.options[0].word == "identity" else next(same, 0)
        word = slot.options[taken[index]].word
        if word != "identity":
            words[slot.group] = word
    return taken


def tidied(config: LayeredConfig) -> LayeredConfig:
    """Return a network without the layers that do nothing."""
    labels = config.labels
    if labels:
        before = config.decoder[: labels.at]
        labels = replace(labels, at=len(_without_identity(before)))
    return replace(
        config,
        decoder=_without_identity(config.decoder),
        encoder=_without_identity(config.encoder),
        labels=labels,
    )


def _without_identity(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    return tuple(layer for layer in layers if layer.kind != "identity")
