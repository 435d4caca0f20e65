"""The one sentence on tensors of which no network came: what they are, why not, and what to try.

What is found out of them, and what is built, is in `described`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from explorer.data.wording import counted, shown
from explorer.errors import CheckpointError
from explorer.formats import taking_part
from explorer.formats.diagnosis import Diagnosis, Guess, Unfamiliar
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.formats.state_dict import Weights
from explorer.models.sizes import flat_picture

if TYPE_CHECKING:
    from explorer.formats.inference.inferring import Inferred

_LEAST_ROW = 16  # numbers that may be a picture


def unfamiliar(
    tensors: Mapping[str, Tensor], found: Weights, reading: Reading, error: Unfamiliar
) -> Unfamiliar:
    """Return the error for a file of which nothing came, with what can be said of why."""
    hints, diagnosis = reading.hints, error.diagnosis
    why = str(error).partition("; give hints")[0].rstrip(".")
    why = f"{why[:1].lower()}{why[1:]}"
    if hints.layers is not None:
        first = next((key.rpartition(".")[0] for key in tensors if "." in key), "NAME")
        return Unfamiliar(
            f"{reading.path} cannot be read so: {why}; change the hint layers, name the tensors of each layer in it "
            f"(such as linear@{shown(first)}), or leave it out.",
            diagnosis,
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
    if row := _row(tensors):
        return _no_square(text, row, hints, diagnosis)
    if hints.image is not None or hints.start is not None:
        why = "none of its layers lead to a picture by the hints image and start"
    seems = taking_part.seeming({key: tuple(tensor.shape) for key, tensor in tensors.items()})
    if seems:
        return Unfamiliar(
            f"{text}: it seems to {seems}.", dataclasses.replace(diagnosis, seems=seems, misfits=())
        )
    return Unfamiliar(
        f"{text}: {why}; give hints such as image, start or layers.",
        dataclasses.replace(diagnosis, misfits=()),
    )


def _row(tensors: Mapping[str, Tensor]) -> int:
    """Return how many numbers linear layers alone end in, where those are no square picture; else 0."""
    weights = [tuple(tensor.shape) for tensor in tensors.values() if tensor.ndim > 1]
    if len(weights) < 2 or any(len(shape) != 2 for shape in weights) or weights[-1][0] < _LEAST_ROW:
        return 0
    row = weights[-1][0]
    return row if flat_picture(row)[1] == 1 else 0


def _no_square(text: str, row: int, hints: Hints, diagnosis: Diagnosis) -> Unfamiliar:
    """Return the error for a row of numbers that is no square picture."""
    reason = f"its last layer gives {row} numbers"
    advice = "which are no square picture; say its shape with --hint image=CHANNELSxHEIGHTxWIDTH"
    if hints.image is not None:
        advice = f"which are not {hints.image} as the hint image says; change or leave out that hint"
    needed = Guess("image", "", 0.0, reason)
    return Unfamiliar(
        f"{text}: {reason}, {advice}.", dataclasses.replace(diagnosis, guesses=(needed,), misfits=())
    )


def unbuilt(
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
