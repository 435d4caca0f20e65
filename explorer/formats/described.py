"""A network described layer by layer, and the tensors of a file, to a model; and the way there by inference.

What the description is, the readers and `inference` find out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from explorer.data.wording import shown
from explorer.errors import CheckpointError, UsageError
from explorer.formats import facts, sidecars
from explorer.formats.diagnosis import Diagnosis, Guess
from explorer.formats.inference import tensors_used
from explorer.formats.inference.inferring import Inferred, infer
from explorer.formats.precision import in_float32
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.formats.state_dict import COUNTER, Weights
from explorer.models.base import LatentModel
from explorer.models.layered import Layered, LayeredConfig, LayeredModel

SURE = 0.95
"""From that certainty on, what the shapes say is not doubted for what a stranger wrote beside them."""


def inferred(found: Weights, reading: Reading, *, format_name: str, notes: Sequence[str] = ()) -> LatentModel:
    """Return the model of a network that nothing but its tensors describes.

    Raises:
        Unfamiliar: none can be made of them.
        CheckpointError: the hints ask for what cannot be.
    """
    tensors, told = in_float32(found.tensors, reading.path)
    made = _infer(tensors, found, reading.hints, reading.name)
    said, made = _with_facts(made, tensors, found, reading)
    return build(
        made.config,
        tensors,
        reading,
        format_name=format_name,
        notes=(*notes, *found.notes, *told, *said, *_guessed(made.diagnosis)),
        diagnosis=made.diagnosis,
    )


def build(
    config: LayeredConfig,
    tensors: dict[str, Tensor],
    reading: Reading,
    *,
    format_name: str,
    notes: Sequence[str] = (),
    diagnosis: Diagnosis | None = None,
) -> LatentModel:
    """Return the model of a description with these weights, in float32, ready to run.

    Raises:
        CheckpointError: they do not fit, or it draws other pictures than the hint `image` says.
    """
    hints = reading.hints
    try:
        network = Layered(_as_hinted(config, hints), _used(config, tensors))
    except (ValueError, RuntimeError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"{reading.path} does not hold the network it seems to ({shown(error, 160)}); say its layers with "
            "--hint layers=, or save it again from where it was trained."
        ) from error
    model = LayeredModel(network, name=reading.name, origin=reading.origin(format_name), notes=tuple(notes))
    model.diagnosis = diagnosis
    if hints.image is not None and model.image != hints.image:
        raise CheckpointError(
            f"{reading.path} draws pictures of {model.image} (channels x height x width), not of {hints.image} as "
            "the hint image says; change or leave out that hint."
        )
    return model


def _used(config: LayeredConfig, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that the description names; others need no memory."""
    layers = [*config.decoder, *config.encoder]
    if config.heads:
        layers += [*config.heads.mean, *config.heads.second]
    keys = {*tensors_used(layers)}
    if config.labels:
        keys |= {config.labels.key, *tensors_used(config.labels.layers)}
    return {key: tensor for key, tensor in tensors.items() if key.rpartition(".")[0] in keys}


def _as_hinted(config: LayeredConfig, hints: Hints) -> LayeredConfig:
    """Return the description with what hints say that no layer depends on."""
    range_ = hints.range or config.native_range
    if hints.color is not None:
        range_ = dataclasses.replace(range_, reverse=hints.color == "BGR")
    return dataclasses.replace(config, native_range=range_, prior=hints.prior or config.prior)


def _infer(tensors: dict[str, Tensor], found: Weights, hints: Hints, name: str) -> Inferred:
    return infer(tensors, found.modules or None, hints, name)


def _with_facts(
    made: Inferred, tensors: dict[str, Tensor], found: Weights, reading: Reading
) -> tuple[list[str], Inferred]:
    """Return what is inferred again with the facts that lie beside the weights, where the shapes left that open."""
    told = reading.hints.told
    said = facts.hints_in(found.facts, [tuple(tensor.shape) for tensor in tensors.values()])
    open_ = {guess.hint: guess for guess in made.diagnosis.guesses if guess.certainty < SURE}
    for key in [key for key in said if key in told or key not in open_ or open_[key].value == said[key]]:
        del said[key]
    if not said:
        return [], made
    try:
        more: dict[str, Any] = sidecars.parsed_hints(said)
        again = _infer(tensors, found, dataclasses.replace(reading.hints, **more), reading.name)
    except (CheckpointError, UsageError):  # a stranger's words that do not agree
        return [], made
    text = ", ".join(f"{key} {value}" for key, value in said.items())
    return [f"Taken from values beside the weights: {text}."], again


def _guessed(diagnosis: Diagnosis) -> list[str]:
    """Say what is more likely wrong than the rest."""
    doubtful: Sequence[Guess] = diagnosis.doubtful
    if not doubtful:
        return []
    text = ", ".join(f"{guess.hint} {guess.value}" for guess in doubtful[:4])
    return [f"Guessed, as the file does not say it: {text}; the hints of these names say otherwise."]


__all__ = ["COUNTER", "build", "inferred"]
