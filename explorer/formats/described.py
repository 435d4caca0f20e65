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

from explorer.data.wording import shown
from explorer.errors import CheckpointError, UsageError
from explorer.formats import diagnosis_words, facts, refusing, sidecars, taking_part
from explorer.formats.diagnosis import Diagnosis, Unfamiliar
from explorer.formats.inference import telling, tensors_used
from explorer.formats.precision import in_float32
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.formats.state_dict import COUNTER, Weights
from explorer.models.base import LatentModel
from explorer.models.layered import Layered, LayeredConfig, LayeredModel
from explorer.models.layers import WEIGHTED, Layer
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
        config = _by_names(tensors, reading.hints)
        if config is None:
            raise refusing.unfamiliar(tensors, found, reading, error) from error
        return build(
            config,
            tensors,
            reading,
            format_name=format_name,
            notes=(*notes, *found.notes, *told),
            diagnosis=dataclasses.replace(
                _stated(config, tensors), layers_text=telling.in_words(config.decoder, keys=True)
            ),
            weights=weights,
        )
    said, made = _with_facts(made, tensors, found, reading)
    diagnosis, doubt = taking_part.doubted(made.diagnosis)
    if any(layer.key for layer in _weighted(reading.hints.layers or ())):
        text = telling.in_words(made.config.decoder, keys=True)
        diagnosis = dataclasses.replace(diagnosis, layers_text=text)
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
        raise refusing.unbuilt(error, diagnosis, tensors, reading) from error


def _by_names(tensors: Mapping[str, Tensor], hints: Hints) -> LayeredConfig | None:
    """Return the network that the hint `layers` says, whose layers all name their tensors; None where it cannot."""
    from explorer.formats import chained
    from explorer.formats.chains import NotAChain

    weighted = _weighted(hints.layers or ())
    if not weighted or not all(layer.key for layer in weighted):
        return None
    try:
        return chained.config_of(hints.layers or (), tensors, hints.image)
    except (NotAChain, KeyError):
        return None


def _weighted(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers that have tensors, inner ones too."""
    found = [layer for layer in layers if layer.kind in WEIGHTED]
    for layer in layers:
        found += _weighted((*layer.get("layers", ()), *layer.get("shortcut", ())))
    return found


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
