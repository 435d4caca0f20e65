"""Keras weights without a description: a decoder, and an encoder where there is one, guessed as Keras users build them.

What shapes decide is taken from them: kinds, widths, the start grid. Strides are chosen so that a usual picture
comes out; the rest are the usual choices ('same' padding, ReLU, sigmoid), each of them a guess with its hint.
Batch norm's statistics decide where there are any; see `keras_judging`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.formats import keras_judging
from explorer.formats.diagnosis import Guess
from explorer.formats.keras_builder import built
from explorer.formats.keras_choices import Choice, choices_of, size_of
from explorer.formats.keras_condition import separated
from explorer.formats.keras_encoder import encoder_of
from explorer.formats.keras_layout import Found
from explorer.formats.keras_path import DecoderPath, decoder_path
from explorer.formats.keras_units import Chain, chains
from explorer.formats.keras_words import activation_words
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError, Model

_FEW = 16  # codes of the first round
_FINALISTS = 6


@dataclass(frozen=True, eq=False)
class Guessed:
    """Models made up for weights, with what was guessed of them."""

    models: Sequence[tuple[tuple[str, ...], Model]]
    weights: Mapping[int, Sequence[Found]]
    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]


def guessed(content: Mapping[str, Any], hints: Hints, beside: Mapping[str, Any] | None = None) -> Guessed:
    """Return the networks that weights make, most likely.

    Args:
        content: of a file without a description; see `hdf5_dump`.
        hints: `image`, `activation`, `output`, `latent` and `start` are used.
        beside: of the file with the encoder, which tells how often pictures are halved.

    Raises:
        KerasError: no network of the usual kinds has such weights.
    """
    found = chains(content)
    if not found:
        raise KerasError(
            "holds no weights of Keras's and no description of a model; save it again with model.save(path)"
        )
    found, condition = separated(found)
    path = decoder_path(found, hints, condition)
    if path is None:
        encoder = encoder_of(found, hints, None, None)
        if encoder is None:
            raise KerasError(_no_decoder(found))
        model, weights = encoder
        return Guessed([((), model)], weights, (), ())
    halvings = _halvings([*found, *(chains(beside) if beside else [])], path)
    is_gan = halvings is None
    choices = list(choices_of(path, hints, halvings, is_gan))
    if not choices:
        raise KerasError(_no_size(path))
    chosen, reason = _judged(path, choices)
    decoder, weights = built(path, chosen)
    models = [((), decoder)]
    encoder = encoder_of(found, hints, path.latent, size_of(path, chosen)) if not is_gan else None
    if encoder is not None:
        models.append(((), encoder[0]))
        weights = {**weights, **encoder[1]}
    note = "The file holds weights alone: kinds and widths of the layers are theirs, strides and activations a guess."
    return Guessed(models, weights, tuple(_guesses(path, chosen, choices, hints, reason)), (note,))


def _no_decoder(found: Sequence[Chain]) -> str:
    units = [unit for chain in found for unit in chain.units if unit.entries]
    some = ", ".join(f"{unit.name[:30]} {'x'.join(map(str, unit.kernel))}" for unit in units[:3])
    return (
        f"holds weights without a description ({some}, ...), and no decoder or generator of a usual kind has them; "
        "save the whole model with model.save(path), or put its description beside it (model.to_json())"
    )


def _no_size(path: DecoderPath) -> str:
    side = path.grid[0] if path.grid else 0
    return (
        f"holds weights without a description; from {side}x{side} no usual picture comes out: say its shape with "
        "--hint image=CHANNELSxHEIGHTxWIDTH"
    )


def _halvings(found: Sequence[Chain], path: DecoderPath) -> int | None:
    """Return how many convolutions an encoder has; None where there is no encoder."""
    used = {id(unit) for unit in path.units}
    latent = path.latent
    for chain in found:
        others = [unit for unit in chain.units if id(unit) not in used]
        if any(unit.kind == "dense" and unit.width_out == latent for unit in others):
            return sum(unit.kind == "conv" for unit in others)
    return None


def _judged(path: DecoderPath, choices: Sequence[Choice]) -> tuple[Choice, str]:
    """Return the likeliest choice, by batch norm's statistics where there are any, and why."""
    if not path.has_norm or len(choices) < 2:
        return choices[0], ""
    choices = _of_best_scaling(path, choices)
    roughly = _errors(path, choices, _FEW)
    order = sorted(range(len(choices)), key=lambda place: roughly[place])
    choices = [choices[place] for place in sorted(order[:_FINALISTS])]
    errors = _errors(path, choices, None)
    best = min(range(len(choices)), key=lambda place: errors[place])
    close = [place for place in range(len(choices)) if errors[place] <= errors[best] * 1.05 + 1e-3]
    chosen = choices[close[0]]
    others = [error for place, error in enumerate(errors) if choices[place].hidden != chosen.hidden]
    after = f", the next by {min(others):.2f}" if others and math.isfinite(min(others)) else ""
    return chosen, f"batch norm's statistics agree (off by {errors[close[0]]:.2f}{after})"


def _of_best_scaling(path: DecoderPath, choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices whose strides agree best, each tried with a few of its activations."""
    groups: dict[Any, list[Choice]] = {}
    for choice in choices:
        groups.setdefault((choice.strides, choice.ups), []).append(choice)
    if len(groups) == 1:
        return list(choices)
    return min(groups.values(), key=lambda group: min(_errors(path, group[:: max(1, len(group) // 3)], _FEW)))


def _errors(path: DecoderPath, choices: Sequence[Choice], samples: int | None) -> list[float]:
    """Return how far batch norm's statistics are off for each choice; those that run alike run once."""
    known: dict[tuple[str, ...], float] = {}
    errors = []
    for choice in choices:
        model, weights = built(path, choice)
        same = tuple(f"{layer.class_name}{layer.config}" for layer in model.layers)
        if same not in known:
            count = {} if samples is None else {"samples": samples}
            known[same] = keras_judging.norm_error(
                model, weights, path.latent, **count, classes=_classes(path)
            )
        errors.append(known[same])
    return errors


def _classes(path: DecoderPath) -> int:
    return path.condition.classes if path.condition else 0


def _guesses(
    path: DecoderPath, chosen: Choice, choices: Sequence[Choice], hints: Hints, reason: str
) -> Iterator[Guess]:
    size = size_of(path, chosen)
    sizes = ["x".join(map(str, size_of(path, choice))) for choice in choices]
    others = tuple(dict.fromkeys(text for text in sizes if text != "x".join(map(str, size))))
    if hints.image is None:
        yield Guess(
            "image",
            "x".join(map(str, size)),
            0.7 if others else 0.8,
            "a usual size for its strides",
            others[:3],
        )
    if hints.activation is None:
        told = reason or "nothing tells; it is the most usual"
        yield Guess(
            "activation",
            activation_words(chosen.hidden),
            0.8 if reason else 0.6,
            told,
            _others(chosen.hidden, "relu", "lrelu:0.2", "lrelu:0.3", "elu"),
        )
    if hints.output is None:
        told = "usual for a generator" if chosen.output == "tanh" else "usual for an autoencoder"
        others = _others(chosen.output, "sigmoid", "tanh", "linear")
        yield Guess("output", activation_words(chosen.output), 0.7, told, others)


def _others(chosen: str, *names: str) -> tuple[str, ...]:
    """Return other activations as hints say them."""
    return tuple(activation_words(name) for name in names if name != chosen)


def with_image(hints: Hints, image: Any) -> Hints:
    """Return hints that say a picture's shape where they said none."""
    return hints if hints.image is not None else replace(hints, image=image)
