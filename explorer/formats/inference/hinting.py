"""Hints over what is open in a candidate: they leave the slots only what they say.

What hints say of geometry and labels is heeded where these are proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from explorer.data.wording import counted, shown
from explorer.formats.inference import Candidate, tensors_used
from explorer.formats.inference.parts import Parts
from explorer.formats.inference.slots import HeadsOption, Option, Slot, Slots
from explorer.formats.sidecars import Hints
from explorer.models.base import ImageSpec
from explorer.models.layered import Labels, Layered, LayeredConfig
from explorer.models.layers import WEIGHTED, Layer
from explorer.models.shapes_alone import ShapesAlone
from explorer.models.sizes import flat_picture

_MOST_VALUES = 1 << 26  # between two layers, for one picture


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
    heads = _heads(slots.heads, hints)
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


def _heads(options: Sequence[HeadsOption], hints: Hints) -> tuple[HeadsOption, ...]:
    """Return the readings of an encoder's heads that hints leave; one that leaves none is passed over."""
    found = tuple(options)
    if hints.heads is not None:
        found = tuple(option for option in found if option.heads.layout == hints.heads) or found
    if hints.second is not None:
        found = tuple(option for option in found if option.heads.meaning == hints.second) or found
    return found


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
    if hints.order != "HWC" or image.channels == 1:  # one channel lies the same in both orders
        return tuple(decoder), tuple(encoder)
    weighted = [layer.kind for layer in decoder if layer.kind in WEIGHTED]
    if weighted and weighted[-1] in ("linear", "bn", "ln"):
        shape = (image.channels, image.height, image.width)
        decoder = [*decoder, Layer("reshape", "", {"shape": shape, "order": "hwc"})]
    if encoder and encoder[0].kind == "flatten":
        encoder = [Layer("flatten", "", {"order": "hwc"}), *encoder[1:]]
    return tuple(decoder), tuple(encoder)


@dataclass
class _Spelling:
    """A hint's layers on their way to the tensors of a file.

    Attributes:
        kinds: of the layers with tensors, by key, in the file's order.
        tensors: of the file.
        left: keys that no layer has yet, the next first.
        ordered: whether a layer took its tensors by their order.
    """

    kinds: Mapping[str, str]
    tensors: Mapping[str, Tensor]
    left: list[str]
    ordered: bool = False

    def layer(self, layer: Layer) -> Layer:
        """Return a layer with the key of its tensors."""
        if layer.kind == "residual":
            inner = {
                name: tuple(map(self.layer, layer.options[name]))
                for name in ("layers", "shortcut")
                if layer.options.get(name)
            }
            return Layer("residual", "", inner)
        if layer.kind not in WEIGHTED:
            return layer
        key = layer.key or self._next(layer.kind)
        if not key:
            return layer
        if layer.key and not any(f"{key}.{name}" in self.tensors for name in ("weight", "running_mean")):
            raise ValueError(f"the hint layers says {shown(key, 60)}, which is no layer of the file")
        self._check_kernel(layer, key)
        options = {name: value for name, value in layer.options.items() if name != "kernel"}
        return Layer(layer.kind, key, options)

    def _next(self, kind: str) -> str:
        """Return the key of the next tensors in the file's order; none for a norm that has no tensors."""
        known = self.kinds.get(self.left[0], "") if self.left else ""
        if kind == "in" and known not in _NORMS:
            return ""
        self.ordered = True
        if not self.left:
            raise ValueError(
                f"the hint layers has more layers with weights than the {len(self.kinds)} of the file's decoder"
            )
        if not _may_be(kind, known):
            raise ValueError(
                f"the hint layers says {kind} where the file has {shown(self.left[0], 60)}, a {known}"
            )
        return self.left.pop(0)

    def _check_kernel(self, layer: Layer, key: str) -> None:
        weight = self.tensors.get(f"{key}.weight")
        kernel = layer.get("kernel", None)
        if kernel is None or weight is None or weight.ndim != 4:
            return
        said = (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)
        if said != tuple(weight.shape[2:]):
            held = "x".join(map(str, weight.shape[2:]))
            raise ValueError(f"the hint layers says a kernel of {kernel} where {shown(key, 60)} has {held}")


def spelled(
    kinds: Mapping[str, str], layers: Sequence[Layer], tensors: Mapping[str, Tensor]
) -> tuple[Layer, ...]:
    """Return a hint's layers with the keys of a decoder's tensors: those they name, or else in the file's order.

    Args:
        kinds: of the decoder's layers with tensors, by key, in that order.
        layers: of the hint.
        tensors: of the file.

    Raises:
        ValueError: the file has other layers; the text says where they part.
    """
    said = set(tensors_used(layers))
    spelling = _Spelling(kinds, tensors, [key for key in kinds if key not in said])
    found = tuple(map(spelling.layer, layers))
    if spelling.ordered and spelling.left:
        count = counted(len(kinds) - len(spelling.left), "layer")
        raise ValueError(
            f"the hint layers has {count} with weights where the file's decoder has {len(kinds)}"
        )
    return found


_NORMS = ("bn", "norm", "in", "gn", "ln")


def _may_be(said: str, kind: str) -> bool:
    if kind in ("conv", "convT"):
        return said in ("conv", "convT")
    return said == kind or (kind in ("norm", "in", "gn", "ln") and said in ("in", "gn", "ln"))


def _kinds_in(layers: Sequence[Layer]) -> dict[str, str]:
    """Return the kinds of layers by the keys of their tensors, inner ones too."""
    found: dict[str, str] = {}
    for layer in layers:
        found |= {layer.key: layer.kind} if layer.key else {}
        found |= _kinds_in((*layer.get("layers", ()), *layer.get("shortcut", ())))
    return found


def _kinds_of(parts: Parts) -> dict[str, str]:
    return {
        unit.key: kind
        for link in parts.decoder
        for unit, kind in ((link.unit, link.kind), *((norm, _kind(norm)) for norm in link.norms))
    }


def _kind(unit: Any) -> str:
    return "prelu" if unit.kind == "prelu" else "bn" if unit.tracked else "norm"


def from_layers(
    proposed: Sequence[Slots], parts: Parts, hints: Hints, tensors: Mapping[str, Tensor]
) -> Slots:
    """Return the candidate with the decoder that the hint `layers` says, and the encoder of its pictures.

    Args:
        proposed: candidates, of which the first is taken whose tensors the layers can have.
        parts: a reading of the file, for when there are none.
        hints: with `layers`.
        tensors: of the file.

    Raises:
        ValueError: the file has other layers, or they do not fit together so.
    """
    problem: ValueError | None = None
    tried: dict[object, None] = {}
    for slots in [*proposed, _bare(parts)]:
        kinds = _kinds_in(slots.candidate.config.decoder) or _kinds_of(parts)
        alike = [one for one in proposed if _same(one) == _same(slots)]
        if _same(slots) in tried:
            continue
        tried[_same(slots)] = None
        try:
            return _from_layers(alike or [slots], kinds, hints, tensors)
        except ValueError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _same(slots: Slots) -> object:
    """Return what is equal for candidates that use the same tensors in the same way."""
    config = slots.candidate.config
    return tuple(_kinds_in(config.decoder)), repr(config.labels)


def _bare(parts: Parts) -> Slots:
    """Return a candidate of which nothing is known but where its decoder's tensors are."""
    width = parts.latent or parts.width
    return Slots(Candidate(LayeredConfig(width, ImageSpec(1, 1, 1), ())))


def _from_layers(
    alike: Sequence[Slots], kinds: Mapping[str, str], hints: Hints, tensors: Mapping[str, Tensor]
) -> Slots:
    """Return one of several candidates, whose decoders have the same tensors, with a hint's layers for its own."""
    assert hints.layers is not None
    decoder = spelled(kinds, hints.layers, tensors)
    usual = alike[0].candidate.config
    config = replace(usual, decoder=decoder, labels=_joined_again(usual, decoder))
    image = _picture_of(config, hints, tensors)
    slots = next((one for one in alike if one.candidate.config.image == image), alike[0])
    candidate = slots.candidate
    config = replace(candidate.config, decoder=decoder, image=image, labels=config.labels)
    if candidate.config.image != image:  # no encoder takes such pictures
        config = replace(config, encoder=(), heads=None)
        slots = replace(slots, slots=(), heads=())
    choices = {"image": f"{image.channels}x{image.height}x{image.width}", "latent": str(config.latent_dim)}
    encoders = tuple(slot for slot in slots.slots if slot.part == "encoder")
    made = Candidate(config, candidate.cost, choices, {"image": "the layers of a hint"}, frozenset(choices))
    return Slots(made, encoders, slots.heads)


def _joined_again(config: LayeredConfig, decoder: Sequence[Layer]) -> Labels | None:
    """Return the labels, joined before the layer that has the same tensors as the one before."""
    labels = config.labels
    if labels is None or not labels.at:
        return labels
    key = next((layer.key for layer in config.decoder[labels.at :] if layer.key), "")
    at = next((at for at, layer in enumerate(decoder) if layer.key == key), None)
    if at is None:
        raise ValueError("the hint layers has nothing before which its labels could be joined")
    return replace(labels, at=at)


def _picture_of(config: LayeredConfig, hints: Hints, tensors: Mapping[str, Tensor]) -> ImageSpec:
    """Return the picture that a decoder gives: what a hint or else the candidate says of a flat row.

    Raises:
        ValueError: its layers do not fit together, or become larger than any picture.
    """
    empty = {key: torch.empty_like(tensor, device="meta") for key, tensor in tensors.items()}
    try:
        network = Layered(config, empty)
        with ShapesAlone():
            values = torch.empty(1, config.latent_dim, device="meta")
            for module in network.before:
                values = _fitting(module(values))
            if config.labels is not None:
                values = network.with_labels(values, torch.empty(1, config.labels.classes, device="meta"))
            for module in network.decoder:
                values = _fitting(module(values))
    except (RuntimeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(
            f"the layers of the hint layers do not fit together ({shown(error, 100)})"
        ) from error
    if values.ndim == 4:
        image = ImageSpec(*values.shape[1:])
        if image.channels not in (1, 3, 4):
            raise ValueError(f"the layers of the hint layers end in {image.channels} channels, not 1, 3 or 4")
        if hints.image is not None and hints.image != image:
            raise ValueError(
                f"the layers of the hint layers draw {image}, not {hints.image} as the hint image says"
            )
        return image
    for spec in (hints.image, config.image, ImageSpec(*flat_picture(values.numel()))):
        if spec is not None and spec.channels * (spec.height or 1) * (spec.width or 1) == values.numel():
            return spec
    raise ValueError(f"the layers of the hint layers end in {values.numel()} numbers, which are no picture")


def _fitting(values: Tensor) -> Tensor:
    """Return values that a picture can be made of.

    Raises:
        ValueError: they are too many, or none.
    """
    if not 0 < values.numel() <= _MOST_VALUES or len(values) != 1:
        raise ValueError("the layers of the hint layers become larger than any picture, or nothing at all")
    return values
