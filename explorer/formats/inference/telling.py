"""What is said of an inferred network: its layers with shapes and certainty, and what else each guess might be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from explorer.formats.diagnosis import Diagnosis, Guess, LayerFact, TensorFact, by_certainty
from explorer.formats.diagnosis_words import unused
from explorer.formats.inference import tensors_used
from explorer.formats.inference.judging import Judged
from explorer.formats.inference.slots import Slots
from explorer.formats.inference.weighing import guesses
from explorer.formats.sidecars import Hints
from explorer.models.layer_modules import module_of
from explorer.models.layered import LayeredConfig
from explorer.models.layers import WEIGHTED, Layer, parse_all
from explorer.models.layers import told as words_of
from explorer.models.shapes_alone import ShapesAlone

_MOST_OTHERS = 6
_MOST_IMAGES = 3
_NEAR = 3.0  # in costs: geometries farther off are not offered


def tensor_facts(tensors: Mapping[str, Tensor], config: LayeredConfig | None) -> tuple[TensorFact, ...]:
    """Return what is to be said of each tensor: shape, kind of number, and the part that uses it."""
    parts = _parts(config) if config else {}
    return tuple(
        TensorFact(key, tuple(value.shape), str(value.dtype).removeprefix("torch."), _part(key, parts))
        for key, value in tensors.items()
    )


def _parts(config: LayeredConfig) -> dict[str, str]:
    """Return the part of each key that layers use."""
    heads = config.heads
    encoder = (*config.encoder, *(heads.mean if heads else ()), *(heads.second if heads else ()))
    found = dict.fromkeys(tensors_used(encoder), "encoder") | dict.fromkeys(
        tensors_used(config.decoder), "decoder"
    )
    if config.labels:
        found |= dict.fromkeys(tensors_used(config.labels.layers), "labels")
        found |= {config.labels.key: "labels"} if config.labels.key else {}
    return found


def _part(key: str, parts: Mapping[str, str]) -> str:
    return parts.get(key.rpartition(".")[0], "")


def diagnosis_of(
    tensors: Mapping[str, Tensor],
    config: LayeredConfig,
    ranked: Sequence[Judged],
    proposed: Sequence[Slots],
    hints: Hints,
) -> Diagnosis:
    """Return what is to be said of an inferred network.

    Args:
        tensors: of the file.
        config: the network, tidied.
        ranked: what was judged, the winner first.
        proposed: what it was chosen from.
        hints: what was known.
    """
    told = {guess.hint: guess for guess in guesses(ranked[0], tensors) if guess.hint not in hints.told}
    for guess in _geometry_guesses(ranked[0].slots, proposed, hints):
        told.setdefault(guess.hint, guess)
    found = Diagnosis(tensor_facts(tensors, config))
    misfits = tuple(filter(None, [unused(found)]))
    return replace(
        found,
        layers=layer_facts(tensors, config, told),
        guesses=by_certainty(list(told.values())),
        misfits=misfits,
        layers_text=in_words(config.decoder),
    )


def _geometry_guesses(chosen: Slots, proposed: Sequence[Slots], hints: Hints) -> list[Guess]:
    """Return what the winner assumes of sizes and labels, with what the others assume instead."""
    found = []
    candidate = chosen.candidate
    for key, value in candidate.choices.items():
        if key in hints.told:
            continue
        others: dict[str, float] = {}
        for slots in proposed:
            word = slots.candidate.choices.get(key)
            gap = slots.candidate.cost - candidate.cost
            if word is not None and word != value and gap < _NEAR:
                others.setdefault(word, gap)
        near = sorted(others, key=others.__getitem__)
        sure = 0.98 if key in candidate.certain or not near else _certainty(others[near[0]])
        near = _sensible(value, near) if key == "image" else near[:_MOST_OTHERS]
        found.append(Guess(key, value, sure, candidate.reasons.get(key, ""), tuple(near)))
    return found


def _sensible(value: str, sizes: Sequence[str]) -> list[str]:
    """Return the likeliest other sizes of pictures; four channels are as rare as they are seldom meant."""
    return [size for size in sizes if not size.startswith("4x") or value.startswith("4x")][:_MOST_IMAGES]


def _certainty(gap: float) -> float:
    """Return how sure a choice is, by how much dearer the next is."""
    return max(0.3, min(0.95, 0.5 + 0.3 * gap))


def layer_facts(
    tensors: Mapping[str, Tensor], config: LayeredConfig, told: Mapping[str, Guess]
) -> tuple[LayerFact, ...]:
    """Return the decoder's and the encoder's layers, with its heads, and the shapes of what leaves them.

    Args:
        tensors: of the file.
        config: the network.
        told: what was guessed, by hint.
    """
    width = config.latent_dim + _label_width(config, tensors)
    found = _walked("decoder", config.decoder, (width,), tensors, told)
    image, heads = config.image, config.heads
    if heads is None:
        return found
    shape: tuple[int, ...] = (
        image.channels + _planes(config, tensors), image.height or 1, image.width or 1,
    )  # fmt: skip
    encoder = _walked("encoder", config.encoder, shape, tensors, told)
    shape = encoder[-1].shape if encoder else shape
    mean = {"single": "code", "separate": "mean"}.get(heads.layout, f"mean, {heads.meaning}")
    found += (*encoder, *_walked(mean, heads.mean, shape, tensors, told))
    return (*found, *_walked(heads.meaning, heads.second, shape, tensors, told))


def in_words(decoder: Sequence[Layer], keys: bool = False) -> str:
    """Return a decoder as the hint `layers` takes it; nothing where words cannot say it.

    Args:
        decoder: its layers.
        keys: name the tensors of each.
    """
    text = words_of(decoder, keys)
    try:
        again = parse_all(text)
    except ValueError:
        return ""
    return text if words_of(again, keys) == text else ""


def _label_width(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> int:
    labels = config.labels
    if labels is None or labels.join == "times" or labels.at:
        return 0
    return tensors[f"{labels.key}.weight"].shape[1] if labels.key else labels.classes


def _planes(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> int:
    first = next((layer.kind for layer in config.encoder if layer.kind in WEIGHTED), "")
    takes = config.labels is not None and config.labels.encoder and first == "conv"
    return _label_width(config, tensors) if takes else 0


def _walked(
    part: str,
    layers: Sequence[Layer],
    shape: tuple[int, ...],
    tensors: Mapping[str, Tensor],
    told: Mapping[str, Guess],
) -> tuple[LayerFact, ...]:
    """Return layers with their shapes; empty shapes from where they no longer fit."""
    values: Tensor | None = torch.zeros(1, *shape, device="meta") if shape else None
    found = []
    for at, layer in enumerate(layers):
        values = _run(layer, values, tensors)
        guess = _guess_of(layer, at == len(layers) - 1 and part == "decoder", told)
        found.append(
            LayerFact(
                part,
                layer.text,
                layer.key,
                tuple(values.shape[1:]) if values is not None else (),
                guess.certainty if guess else 1.0,
                guess.reason if guess else "",
            )
        )
    return tuple(found)


def _run(layer: Layer, values: Tensor | None, tensors: Mapping[str, Tensor]) -> Tensor | None:
    if values is None:
        return None
    try:
        with torch.inference_mode(), ShapesAlone():
            return module_of(layer, tensors).to("meta").eval()(values)
    except (ValueError, RuntimeError):
        return None


def _guess_of(layer: Layer, last: bool, told: Mapping[str, Guess]) -> Guess | None:
    """Return the guess that decided a layer."""
    if layer.kind in ("conv", "convT", "reshape", "upsample", "resize"):
        return told.get("upsample" if layer.kind == "upsample" else "image")
    if layer.key:
        return told.get("eps") if layer.kind == "bn" else None
    return told.get("output") if last else told.get("activation")
