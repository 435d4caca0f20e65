"""From a file's tensors to one network and what is to be said of it: the only door of this package.

Readers call `infer`; what they hand over is free of prefixes, with weight norm folded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from explorer.errors import Cancelled
from explorer.formats.diagnosis import Diagnosis, Unfamiliar
from explorer.formats.inference import Module
from explorer.formats.inference.encoders import parted
from explorer.formats.inference.habits import with_habits
from explorer.formats.inference.hinting import from_layers, narrowed
from explorer.formats.inference.judging import Judged, judged
from explorer.formats.inference.parts import Parts, parts_of
from explorer.formats.inference.proposals import proposals
from explorer.formats.inference.slots import Slots, tidied
from explorer.formats.inference.telling import diagnosis_of, tensor_facts
from explorer.formats.inference.units import Leaves, leaves_of
from explorer.formats.inference.untried import is_large, sound, untried
from explorer.formats.inference.work import is_sound
from explorer.formats.sidecars import Hints
from explorer.models.layered import LayeredConfig

_MOST_TENSORS = 4000
_STRANGEST = 4.0  # the cost from which on a reading is no decoder
_STRANGEST_HINTED = 9.0


@dataclass(frozen=True, eq=False)
class Inferred:
    """A network for a file's tensors.

    Attributes:
        config: what it is.
        diagnosis: what was found, and how sure each finding is.
        notes: finished sentences on what was guessed.
    """

    config: LayeredConfig
    diagnosis: Diagnosis
    notes: tuple[str, ...] = ()


def infer(
    tensors: Mapping[str, Tensor],
    modules: Sequence[Module] | None = None,
    hints: Hints | None = None,
    facts: Mapping[str, Any] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Inferred:
    """Return the network that tensors most likely belong to.

    Args:
        tensors: float32, by name.
        modules: the submodules that the file lists; None where it lists none.
        hints: what is known; they go before everything.
        facts: plain numbers that the file carries, by name.
        should_stop: asked often; true gives up.

    Raises:
        Unfamiliar: no decoder is among them; the error tells what was found.
        Cancelled: `should_stop` turned true.
    """
    hints = hints or Hints()
    if not tensors or len(tensors) > _MOST_TENSORS:
        raise _unfamiliar(tensors, f"{len(tensors)} tensors are no decoder that could be guessed")
    leaves = leaves_of(tensors, modules)
    found = parts_of(leaves)
    if not found or found[0].cost > (_STRANGEST_HINTED if hints.told else _STRANGEST):
        raise _unfamiliar(tensors, "none of its layers leads from a code to a picture")
    proposed = _proposed(leaves, found, hints, facts or {}, tensors)
    if not proposed:
        raise _unfamiliar(tensors, _no_geometry(hints))
    proposed, others = parted(proposed)
    proposed = sound(proposed, tensors)
    given_range = hints.range is not None
    if is_large(tensors) or not is_sound(proposed[0].candidate.config, tensors):
        ranked = untried(proposed, tensors, given_range)
    else:
        ranked = judged(proposed, tensors, _cancelling(should_stop), given_range, others)
    if not ranked or ranked[0].config is None:
        raise _unfamiliar(tensors, "none of the networks that fit them gives a picture")
    config = tidied(ranked[0].config)
    if hints.prior is not None:
        config = replace(config, prior=hints.prior)
    diagnosis = diagnosis_of(tensors, config, ranked, proposed, hints)
    return Inferred(config, diagnosis, _notes(ranked[0]))


def _cancelling(should_stop: Callable[[], bool] | None) -> Callable[[], bool]:
    """Return what raises `Cancelled` where `should_stop` turned true: what is half weighed is of no use."""

    def stop() -> bool:
        if should_stop is not None and should_stop():
            raise Cancelled
        return False

    return stop


def _notes(best: Judged) -> tuple[str, ...]:
    """Return what is to be said of the winner beside its guesses."""
    if best.untrained:
        return ("Its batch norms are as they were made, so the network is most likely not trained.",)
    return ()


def _proposed(
    leaves: Leaves, found: list[Parts], hints: Hints, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> list[Slots]:
    """Return the candidates, with hints heeded."""
    proposed = proposals(leaves, found, hints, facts, tensors)
    if hints.layers is not None:
        try:
            proposed = [from_layers(proposed, found[0], hints, tensors)]
        except ValueError as error:
            raise _unfamiliar(tensors, str(error)) from error
    return [narrowed(with_habits(slots), hints) for slots in proposed]


def _no_geometry(hints: Hints) -> str:
    if hints.image is not None or hints.start is not None:
        return "no strides lead to the picture that the hints say"
    return "no strides lead from its first map to a picture"


def _unfamiliar(tensors: Mapping[str, Tensor], why: str) -> Unfamiliar:
    text = f"{why[:1].upper()}{why[1:]}; give hints such as image, start or layers."
    return Unfamiliar(text, Diagnosis(tensor_facts(tensors, None), misfits=(text,)))
