"""A network described layer by layer, and the tensors of a file, to a model; and the way there by inference.

What the description is, the readers and `inference` find out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from explorer.data.wording import counted, shown
from explorer.errors import CheckpointError, UsageError
from explorer.formats import diagnosis_words, facts, sidecars, taking_part
from explorer.formats.diagnosis import Diagnosis, Unfamiliar
from explorer.formats.inference import telling, tensors_used
from explorer.formats.precision import in_float32
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.formats.state_dict import COUNTER, Weights
from explorer.models.base import LatentModel
from explorer.models.layered import Layered, LayeredConfig, LayeredModel
from explorer.models.layers import Layer
from explorer.models.shapes_alone import ShapesAlone

if TYPE_CHECKING:
    from explorer.formats.inference.inferring import Inferred

_MOST_VALUES = 1 << 28  # of one picture

SURE = 0.95
"""From that certainty on, what the shapes say is not doubted for what a stranger wrote beside them."""


def inferred(
    found: Weights,
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str] = (),
    weights: Path | None = None,
) -> LatentModel:
    """Return the model of a network that nothing but its tensors describes.

    Raises:
        Unfamiliar: none can be made of them.
        CheckpointError: the hints ask for what cannot be.
        Cancelled: the reading was told to stop.
    """
    from explorer.formats.inference.inferring import infer

    tensors, told = in_float32(found.tensors, reading.path)
    try:
        made = infer(tensors, found.modules or None, reading.hints, found.facts, reading.should_stop)
    except Unfamiliar as error:
        raise _unfamiliar(tensors, found, reading, error) from error
    said, made = _with_facts(made, tensors, found, reading)
    diagnosis, doubt = taking_part.doubted(made.diagnosis)
    try:
        return build(
            made.config,
            tensors,
            reading,
            format_name=format_name,
            notes=(*notes, *found.notes, *told, *said, *made.notes, *doubt, *_guessed(diagnosis)),
            diagnosis=diagnosis,
            weights=weights,
        )
    except CheckpointError as error:
        raise _unbuilt(error, diagnosis, tensors, reading) from error


def stated(
    config: LayeredConfig,
    found: Weights,
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str] = (),
    weights: Path | None = None,
) -> LatentModel:
    """Return the model of a network that the file itself describes.

    Raises:
        CheckpointError: the weights do not fit the description.
    """
    tensors, told = in_float32(found.tensors, reading.path)
    return build(
        config,
        tensors,
        reading,
        format_name=format_name,
        notes=(*notes, *found.notes, *told, *_untrained(tensors)),
        diagnosis=_stated(config, tensors),
        weights=weights,
    )


def _untrained(tensors: Mapping[str, Tensor]) -> list[str]:
    """Say so where all batch norms are as they were made."""
    made = [
        bool((tensor == (1 if key.endswith("var") else 0)).all())
        for key, tensor in tensors.items()
        if key.endswith(("running_mean", "running_var"))
    ]
    return (
        ["Its batch norms have seen no picture, so it was most likely never trained."]
        if made and all(made)
        else []
    )


def _stated(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> Diagnosis:
    """Return what is to be said of a network that its file states."""
    layers = [
        dataclasses.replace(layer, reason="the file states it")
        for layer in telling.layer_facts(tensors, config, {})
    ]
    facts_ = telling.tensor_facts(tensors, config)
    return Diagnosis(facts_, tuple(layers), layers_text=telling.in_words(config.decoder))


def _encoding(config: LayeredConfig) -> tuple[Layer, ...]:
    heads = config.heads
    return (*config.encoder, *heads.mean, *heads.second) if heads else ()


def _keys(layers: Sequence[Layer]) -> set[str]:
    return set(tensors_used(layers))


def build(
    config: LayeredConfig,
    tensors: dict[str, Tensor],
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str] = (),
    diagnosis: Diagnosis | None = None,
    weights: Path | None = None,
) -> LatentModel:
    """Return the model of a description with these weights, in float32, ready to run.

    Args:
        config: the description.
        tensors: float32, under the keys that it names.
        reading: of the file, with its hints.
        format_name: how the file lies on disk.
        notes: for people.
        diagnosis: of the description.
        weights: the file in a folder that holds them.

    Raises:
        CheckpointError: they do not fit, or it draws other pictures than the hint `image` says.
    """
    hints = reading.hints
    try:
        used = _used(config, tensors)
        _check_sizes(config, used)
        network = Layered(_as_hinted(config, hints), used)
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        why = shown(error, 160) if isinstance(error, ValueError) else "its layers do not fit each other"
        raise CheckpointError(
            f"{reading.path} does not hold the network it seems to ({why}); say its layers with "
            "--hint layers=, or save it again from where it was trained."
        ) from error
    model = LayeredModel(
        network, name=reading.name, origin=reading.origin(format_name, weights), notes=tuple(notes)
    )
    model.diagnosis = diagnosis
    if hints.image is not None and model.image != hints.image:
        raise CheckpointError(
            f"{reading.path} draws pictures of {model.image} (channels x height x width), not of {hints.image} as "
            "the hint image says; change or leave out that hint."
        )
    return model


def _check_sizes(config: LayeredConfig, tensors: Mapping[str, Tensor]) -> None:
    """Raise `ValueError` or `RuntimeError` where codes do not become the picture that is described; at no cost."""
    if config.labels is not None:
        return
    empty = {key: torch.empty_like(tensor, device="meta") for key, tensor in tensors.items()}
    with ShapesAlone():
        drawn = Layered(config, empty).decode(torch.empty(1, config.latent_dim, device="meta"))
    if drawn.numel() > _MOST_VALUES or len(drawn) != 1:
        raise ValueError(f"a code becomes {drawn.numel()} values instead of {config.image}")


def _used(config: LayeredConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that the description names; others need no memory."""
    keys = _keys(config.decoder) | _keys(_encoding(config))
    if config.labels:
        keys |= {config.labels.key, *tensors_used(config.labels.layers)}
    return {key: tensor for key, tensor in tensors.items() if key.rpartition(".")[0] in keys}


def asks_for_layers(hints: Hints) -> bool:
    """Tell whether hints say something of the layers, so that what a file describes does not hold as it is."""
    return any(getattr(hints, name) is not None for name in _OF_LAYERS)


_OF_LAYERS = ("activation", "output", "layers", "latent", "classes", "eps", "upsample", "heads", "second", "order",
              "start")  # fmt: skip


def _as_hinted(config: LayeredConfig, hints: Hints) -> LayeredConfig:
    """Return the description with what hints say that no layer depends on."""
    range_ = hints.range or config.native_range
    if hints.color is not None:
        range_ = dataclasses.replace(range_, reverse=hints.color == "BGR")
    return dataclasses.replace(config, native_range=range_, prior=hints.prior or config.prior)


def _unfamiliar(
    tensors: Mapping[str, Tensor], found: Weights, reading: Reading, error: Unfamiliar
) -> Unfamiliar:
    """Return the error for a file of which nothing came, with what can be said of why."""
    hints, diagnosis = reading.hints, error.diagnosis
    why = str(error).partition("; give hints")[0].rstrip(".")
    why = f"{why[:1].lower()}{why[1:]}"
    if hints.layers is not None:
        return Unfamiliar(
            f"{reading.path} cannot be read so: {why}; change the hint layers or leave it out.", diagnosis
        )
    if hints.image is not None or hints.start is not None:
        other = _without_sizes(tensors, found, reading)
        if other is not None:
            said = " and ".join(f"{key} {hints.told[key]}" for key in ("image", "start") if key in hints.told)
            return Unfamiliar(
                f"{reading.path} has no layers that lead to a picture by the hint {said}; without it they draw "
                f"{other.config.image}: change or leave out that hint.",
                other.diagnosis,
            )
    text = _of_none(tensors, reading)
    seems = taking_part.seeming({key: tuple(tensor.shape) for key, tensor in tensors.items()})
    if seems:
        return Unfamiliar(
            f"{text}: it seems to {seems}.", dataclasses.replace(diagnosis, seems=seems, misfits=())
        )
    return Unfamiliar(
        f"{text}: {why}; give hints such as image, start or layers.",
        dataclasses.replace(diagnosis, misfits=()),
    )


def _unbuilt(
    error: CheckpointError, diagnosis: Diagnosis, tensors: Mapping[str, Tensor], reading: Reading
) -> Unfamiliar:
    """Return the error for a network that was inferred but cannot be; where hints are at fault, it says so itself."""
    if error.__cause__ is None or reading.hints.told:
        return Unfamiliar(str(error), diagnosis)
    return Unfamiliar(
        f"{_of_none(tensors, reading)}: no row of its layers fits together; give the hint layers, or save the decoder "
        "by itself.",
        dataclasses.replace(diagnosis, guesses=(), layers=(), misfits=(), layers_text=""),
    )


def _of_none(tensors: Mapping[str, Tensor], reading: Reading) -> str:
    """Return the beginning of a sentence on tensors of which nothing came."""
    some = [
        f"{shown(key)} {'x'.join(map(str, tensor.shape)) or 'a single value'}"
        for key, tensor in tensors.items()
    ]
    listed = ", ".join(some[:3]) + (", ..." if len(some) > 3 else "")
    return f"{reading.path} holds {counted(len(some), 'tensor')} ({listed}) of no network known here"


def _without_sizes(tensors: Mapping[str, Tensor], found: Weights, reading: Reading) -> Inferred | None:
    """Return what is inferred without the hints that say sizes; None where nothing is."""
    from explorer.formats.inference.inferring import infer

    hints = dataclasses.replace(reading.hints, image=None, start=None)
    try:
        return infer(tensors, found.modules or None, hints, found.facts, reading.should_stop)
    except Unfamiliar:
        return None


def _with_facts(
    made: Inferred, tensors: dict[str, Tensor], found: Weights, reading: Reading
) -> tuple[list[str], Inferred]:
    """Return what is inferred again with the facts that lie beside the weights, where the shapes left that open."""
    from explorer.formats.inference.inferring import infer

    told = reading.hints.told
    said = facts.hints_in(found.facts, [tuple(tensor.shape) for tensor in tensors.values()])
    open_ = {guess.hint: guess for guess in made.diagnosis.guesses if guess.certainty < SURE}
    for key in [key for key in said if key in told or key not in open_ or open_[key].value == said[key]]:
        del said[key]
    if not said:
        return [], made
    try:
        more: dict[str, Any] = sidecars.parsed_hints(said)
        hints = dataclasses.replace(reading.hints, **more)
        again = infer(tensors, found.modules or None, hints, found.facts, reading.should_stop)
    except (CheckpointError, UsageError):  # a stranger's words that do not agree
        return [], made
    text = ", ".join(f"{key} {value}" for key, value in said.items())
    return [f"Taken from values beside the weights: {text}."], again


def _guessed(diagnosis: Diagnosis) -> list[str]:
    """Say what is more likely wrong than the rest."""
    text = diagnosis_words.guessed(diagnosis.doubtful[:4])
    return [text] if text else []


__all__ = ["COUNTER", "build", "inferred"]
