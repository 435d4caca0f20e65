"""Hints over what is open in a candidate: they leave the slots only what they say.

What hints say of geometry and labels is heeded where these are proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from explorer.formats.inference import Candidate
from explorer.formats.inference.parts import Parts
from explorer.formats.inference.slots import Option, Slot, Slots
from explorer.formats.sidecars import Hints
from explorer.models.base import ImageSpec
from explorer.models.layered import LayeredConfig, sequence
from explorer.models.layers import WEIGHTED, Layer


def narrowed(slots: Slots, hints: Hints) -> Slots:
    """Return a candidate with hints heeded: slots keep what these allow, the rest is settled."""
    words = _words(hints)
    config = slots.candidate.config
    layers: dict[str, list[Layer]] = {"decoder": [*config.decoder], "encoder": [*config.encoder]}
    kept = []
    for slot in slots.slots:
        options = _allowed(slot, words.get(slot.group))
        layers[slot.part][slot.at] = options[0].layer
        if len(options) > 1:
            kept.append(replace(slot, options=options))
    heads = tuple(
        option
        for option in slots.heads
        if hints.heads in (None, option.heads.layout) and hints.second in (None, option.heads.meaning)
    )
    decoder, encoder = _ordered(layers["decoder"], layers["encoder"], config.image, hints)
    changed = replace(
        config,
        decoder=decoder,
        encoder=encoder,
        heads=heads[0].heads if heads else config.heads,
        prior=hints.prior or config.prior,
        native_range=hints.range or config.native_range,
    )
    return Slots(replace(slots.candidate, config=changed), tuple(kept), heads or slots.heads)


def _words(hints: Hints) -> dict[str, Layer | str]:
    """Return what hints say of each group of slots."""
    said: dict[str, Layer | str | None] = {
        "activation": hints.activation,
        "output": hints.output,
        "eps": None if hints.eps is None else str(hints.eps),
        "upsample": hints.upsample,
    }
    return {group: word for group, word in said.items() if word is not None}


def _allowed(slot: Slot, word: Layer | str | None) -> tuple[Option, ...]:
    """Return the options that a hint leaves; where nothing may stand in a slot, that stays possible."""
    if word is None:
        return slot.options
    if isinstance(word, Layer):
        found = tuple(option for option in slot.options if option.layer.kind == "identity" != word.kind)
        if slot.group == "output":
            found = ()
        # Which one is known now, so it costs what the most usual one does: an unusual one must not lose to none.
        cost = min((option.cost for option in slot.options if option.layer.kind != "identity"), default=0.0)
        return tuple(sorted((Option(word.text, word, cost), *found), key=lambda option: option.cost))
    fitting = tuple(option for option in slot.options if option.word == word)
    if slot.group == "eps":
        key = slot.options[0].layer.key
        return fitting or (Option(word, Layer("bn", key, {"eps": float(word)})),)
    return fitting or slot.options


def _ordered(
    decoder: list[Layer], encoder: list[Layer], image: ImageSpec, hints: Hints
) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """Return both parts with flat rows in the order that a hint says."""
    if hints.order != "HWC":
        return tuple(decoder), tuple(encoder)
    weighted = [layer.kind for layer in decoder if layer.kind in WEIGHTED]
    if weighted and weighted[-1] in ("linear", "bn", "ln"):
        shape = (image.channels, image.height, image.width)
        decoder = [*decoder, Layer("reshape", "", {"shape": shape, "order": "hwc"})]
    if encoder and encoder[0].kind == "flatten":
        encoder = [Layer("flatten", "", {"order": "hwc"}), *encoder[1:]]
    return tuple(decoder), tuple(encoder)


def spelled(parts: Parts, layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return a hint's layers with the keys of a decoder's units, in the file's order.

    Raises:
        ValueError: the file has other units; the text says where they part.
    """
    units = [unit for link in parts.decoder for unit in (link.unit, *link.norms)]
    kinds = [kind for link in parts.decoder for kind in (link.kind, *(_kind(norm) for norm in link.norms))]
    found, at = [], 0
    for layer in layers:
        if layer.kind not in WEIGHTED:
            found.append(layer)
            continue
        if at == len(units):
            raise ValueError(
                f"the hint layers has more layers with weights than the {len(units)} of the file"
            )
        if not _may_be(layer.kind, kinds[at]):
            raise ValueError(
                f"the hint layers says {layer.kind} where the file has {units[at].key}, a {kinds[at]}"
            )
        options: dict[str, Any] = {name: value for name, value in layer.options.items() if name != "kernel"}
        found.append(Layer(layer.kind, units[at].key, options))
        at += 1
    if at < len(units):
        raise ValueError(f"the hint layers has {at} layers with weights where the file has {len(units)}")
    return tuple(found)


def _picture_of(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> ImageSpec:
    """Return the picture that a decoder gives; the one assumed where it gives flat rows.

    Raises:
        ValueError: its layers do not fit together.
    """
    try:
        module = sequence(config.decoder, tensors).to("meta").eval()
        first = tensors[next(layer.key for layer in config.decoder if layer.key) + ".weight"]
        wide = first.shape[0] if config.decoder[0].kind == "reshape" else first.shape[1]
        values = module(torch.zeros((1, wide), device="meta"))
    except (RuntimeError, KeyError, StopIteration) as error:
        raise ValueError("the layers of the hint layers do not fit together") from error
    if values.ndim != 4:
        return config.image
    return ImageSpec(*values.shape[1:])


def _kind(unit: Any) -> str:
    return "prelu" if unit.kind == "prelu" else "bn" if unit.tracked else "norm"


def _may_be(said: str, kind: str) -> bool:
    if kind in ("conv", "convT"):
        return said in ("conv", "convT")
    return said == kind or (kind == "norm" and said in ("in", "gn", "ln"))


def from_layers(
    proposed: Sequence[Slots], parts: Parts, hints: Hints, tensors: Mapping[str, Tensor]
) -> Slots:
    """Return the candidate with the decoder that the hint `layers` says, and the encoder of its pictures.

    Raises:
        ValueError: the file has other units, or they do not fit together so.
    """
    assert hints.layers is not None
    decoder = spelled(parts, hints.layers)
    first: LayeredConfig = replace(proposed[0].candidate.config, decoder=decoder)
    image = hints.image or _picture_of(first, tensors)
    slots = next((one for one in proposed if one.candidate.config.image == image), proposed[0])
    candidate = slots.candidate
    config = replace(candidate.config, decoder=decoder, image=image)
    if candidate.config.image != image:  # no encoder takes such pictures
        config = replace(config, encoder=(), heads=None)
        slots = replace(slots, slots=(), heads=())
    choices = {"image": f"{image.channels}x{image.height}x{image.width}", "latent": str(config.latent_dim)}
    encoders = tuple(slot for slot in slots.slots if slot.part == "encoder")
    made = Candidate(config, candidate.cost, choices, {"image": "the layers of a hint"}, frozenset(choices))
    return Slots(made, encoders, slots.heads)
