"""Which of several candidates is right, and how its open places are filled: the door to all evidence.

What batch norm remembers goes first, then the encoder's round trip, then how the values lie, and where nothing tells
what is most usual. Here they are put in order; each is measured in a module of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explorer.formats.inference import output, round_trip, spread, statistics
from explorer.formats.inference.encoders import Others, decoder_of
from explorer.formats.inference.round_trip import Trip
from explorer.formats.inference.slots import Slots, tidied, usual_choices, with_choice
from explorer.formats.inference.statistics import COST_WEIGHT, Path
from explorer.formats.inference.work import Work, drawn, fewer, is_sound
from explorer.models.layered import Heads, Layered, LayeredConfig
from explorer.models.layers import Layer

Tensors = Mapping[str, Tensor]
Stop = Callable[[], bool]
Ranked = tuple[float, Slots, Path | None]
"""Nats against a candidate, the candidate, and its way through the batch norms."""

_PRIORS = ("normal", "uniform")
_MOST_FILLED = 4  # candidates whose places are filled
_FOREIGN = 0.5  # an error of statistics that no true reading has
_NO_ENCODER = 1.0  # nats against a reading that leaves out an encoder that another finds
_LOOKED = 24  # codes
_EXCELLENT = 0.15  # an error at each batch norm, that ends the search for what is dearer by far
_COMPARED = 1.5e10  # multiply-adds, to tell candidates apart by batch norms
_WALKED = 3.0e10  # to look at one of them closely
_GLANCED = 0.4e10  # to tell one candidate's encoders apart
_BEHIND = 4.0  # nats by which no encoder's word makes up
_CLOSE = 1.0  # nats by which a candidate may be behind at a glance, and is looked at closely all the same
_FIRST_RETURNED = 2.4e10  # for the encoder of the likeliest candidate
_OTHERS_RETURNED = 0.6e10  # for that of another


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate with its places filled, and all that was found on the way.

    Attributes:
        slots: the candidate.
        choices: by index of the slot, the option taken.
        heads: how the encoder's heads are read.
        path: the way through its batch norms; None without any.
        trip: what the encoder said; None without one.
        second: nats against each meaning of the encoder's second half.
        output: nats against each word after the last layer, where nothing but the values tells.
        energy: how little all of it is to be believed, in nats.
        config: the network; complete, without the layers that do nothing; of the first alone.
        untrained: all batch norms are as they were made.
    """

    slots: Slots
    choices: dict[int, int]
    heads: Heads | None
    path: Path | None = None
    trip: Trip | None = None
    second: dict[str, float] = field(default_factory=dict)
    output: dict[str, float] = field(default_factory=dict)
    energy: float = 0.0
    config: LayeredConfig | None = None
    untrained: bool = False


def judged(
    proposed: Sequence[Slots],
    tensors: Tensors,
    should_stop: Stop | None = None,
    given_range: bool = False,
    others: Others | None = None,
) -> list[Judged]:
    """Return a few candidates with their places filled, the likeliest first; those that cannot run are left out.

    Args:
        proposed: the likeliest first.
        tensors: of the file, float32.
        should_stop: asked now and then; True takes what is known by then.
        given_range: leave `native_range` of the candidates as it is.
        others: the same decoders with other encoders.
    """
    with torch.inference_mode(), Work(should_stop) as work:
        ranked = list(_running(_by_statistics(proposed, tensors, work.until(_COMPARED)), tensors))
        begun: list[_Begun] = []
        for at, one in enumerate(ranked):
            if at and (one[0] > ranked[0][0] + _BEHIND or work.until(math.inf)()):
                break
            energy, slots, path = _walked_well(one, tensors, work.until(_WALKED), at)
            if path is not None and path.errors and min(path.errors) > _FOREIGN:
                energy, path = slots.candidate.cost, None  # they are not of this training, and say nothing
            if at and _is_any_size(slots.candidate.config) and slots.candidate.cost > begun[0].cost:
                continue  # its pictures may have any size, and only habit tells which
            ways = (slots, *(others or {}).get(decoder_of(slots), ()))
            begun.append(_begun(energy, ways, path, tensors, work.until(_GLANCED)))
        begun.sort(key=lambda one: one.energy + one.glance)
        found = []
        for at, started in enumerate(begun):
            near = started.energy + started.glance <= begun[0].energy + begun[0].glance + _CLOSE
            stop = work.until(_FIRST_RETURNED if at == 0 else _OTHERS_RETURNED)
            found.append(_filled(started, tensors, stop, near))
        found = sorted(found, key=lambda one: (one.trip is None and found[0].trip is not None, one.energy))
        if found:
            config = _finished(found[0], tensors, given_range)
            found[0] = replace(found[0], config=config, untrained=_untrained(proposed, tensors))
        return found


def _is_any_size(config: LayeredConfig) -> bool:
    """Return whether a code is a map, and both halves would do with another size of it."""
    code: tuple[int, ...] = config.decoder[0].get("shape", ()) if config.decoder else ()
    flat = any(layer.kind == "linear" for layer in (*config.decoder, *config.encoder))
    return bool(config.encoder) and not flat and len(code) == 3 and code[1] > 1


def _running(ranked: Sequence[Ranked], tensors: Tensors) -> Iterator[Ranked]:
    """Yield the candidates that give a picture, a few of them."""
    some = (one for one in ranked if is_sound(one[1].candidate.config, tensors))
    yield from itertools.islice(some, _MOST_FILLED)


def _by_statistics(proposed: Sequence[Slots], tensors: Tensors, stop: Stop) -> list[Ranked]:
    """Return candidates with what their decoders' batch norms say, the best first."""
    told = any(statistics.norms_of(slots.candidate.config, tensors) for slots in proposed[:1])
    if not told or _untrained(proposed, tensors):
        return [(slots.candidate.cost, slots, None) for slots in proposed]
    walks = statistics.Walks(tensors, _PRIORS)
    found: dict[str, Path | None] = {}
    ranked: list[Ranked] = []
    dearest = math.inf
    for slots in proposed:
        if stop() or (ranked and slots.candidate.cost > dearest):
            break
        key = decoder_of(slots)
        if key not in found:
            found[key] = walks.best(slots, stop)
        path = found[key]
        if path is not None:
            ranked.append((path.energy + slots.candidate.cost, slots, path))
            if max(path.errors) < _EXCELLENT:
                dearest = min(dearest, slots.candidate.cost + statistics.to_gain(path))
    ranked = ranked or [(slots.candidate.cost, slots, None) for slots in proposed]
    ranked.sort(key=lambda one: one[0])
    return ranked


def _untrained(proposed: Sequence[Slots], tensors: Tensors) -> bool:
    return bool(proposed) and statistics.untrained(proposed[0].candidate.config, tensors)


def _walked_well(found: Ranked, tensors: Tensors, stop: Stop, at: int) -> Ranked:
    """Return the first of several candidates looked at closely."""
    energy, slots, path = found
    if path is None or at > 0:
        return found
    paths = statistics.walked(slots, tensors, (path.prior,), stop)
    return (energy, slots, paths[0]) if paths else found


@dataclass(frozen=True, eq=False)
class _Begun:
    """A candidate before its encoder is asked in earnest.

    Attributes:
        energy: nats against it so far.
        slots: with the best of several encoders.
        path: its way through the batch norms.
        settled: what these leave no doubt of.
        choices: the first way to fill its places.
        against: nats against each word after the last layer.
        glance: nats more, by what an encoder makes of pictures at a glance; or those against having none.
        cost: of the decoder with its likeliest encoder.
    """

    energy: float
    slots: Slots
    path: Path | None
    settled: dict[int, int]
    choices: dict[int, int]
    against: dict[str, float]
    glance: float
    cost: float


def _begun(energy: float, ways: Sequence[Slots], path: Path | None, tensors: Tensors, stop: Stop) -> _Begun:
    """Return a candidate with the best of several encoders, at a glance."""
    slots, cost = ways[0], ways[0].candidate.cost
    settled = (
        {index: option for index, option in path.choices.items() if index in path.settled} if path else {}
    )
    choices = usual_choices(slots, path.choices if path else {})
    against, choices = _by_values(slots, choices, tensors)
    seen = round_trip.likeliest(ways, tensors, settled, stop, against, path)
    if seen is not None:
        slots, glance = seen
        energy += slots.candidate.cost - cost
        choices = {index: choices.get(index, 0) for index in range(len(slots.slots))}
    else:
        costs = sum(slots.slots[index].options[option].cost for index, option in choices.items())
        glance = _NO_ENCODER + COST_WEIGHT * costs * (path is None)
    return _Begun(energy, slots, path, settled, choices, against, glance, cost)


def _filled(begun: _Begun, tensors: Tensors, stop: Stop, ask: bool) -> Judged:
    """Return a candidate with its places filled by all that tells."""
    slots, path, against = begun.slots, begun.path, begun.against
    trip = round_trip.returned(slots, tensors, begun.settled, stop, against, path) if ask else None
    if trip is None:
        heads = slots.candidate.config.heads
        return Judged(slots, begun.choices, heads, path, None, {}, against, begun.energy + begun.glance)
    second = spread.against(slots, trip, tensors)
    heads = _meant(trip.heads, second)
    return Judged(slots, trip.choices, heads, path, trip, second, against, begun.energy + trip.energy)


def _meant(heads: Heads | None, second: Mapping[str, float]) -> Heads | None:
    """Return heads with the likeliest meaning of their second half."""
    if heads is None or not second:
        return heads
    likeliest = min(second, key=lambda meaning: second[meaning])
    return replace(heads, meaning=likeliest)  # type: ignore[arg-type]


def _by_values(
    slots: Slots, choices: dict[int, int], tensors: Tensors
) -> tuple[dict[str, float], dict[int, int]]:
    """Return what the values before the output say against each word there, and the choices by that."""
    index = next((index for index, slot in enumerate(slots.slots) if slot.group == "output"), None)
    if index is None or slots.candidate.config.prior == "none":  # where its codes lie is not known
        return {}, choices
    options = slots.slots[index].options
    plain = _decoded(_bare(slots, choices, index), tensors)
    listed = options[0].word == "identity"  # the file lists what runs, and nothing there
    against = output.energies(output.look(plain), [option.word for option in options], listed)
    best = min(range(len(options)), key=lambda at: against[options[at].word] + options[at].cost)
    return against, choices | {index: best}


def _bare(slots: Slots, choices: Mapping[int, int], index: int) -> LayeredConfig:
    """Return the network without what is in one slot."""
    config = with_choice(slots, choices)
    layers = list(config.decoder)
    layers[slots.slots[index].at] = Layer("identity")
    return replace(config, decoder=tuple(layers), encoder=(), heads=None)


def _decoded(config: LayeredConfig, tensors: Tensors) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    count = fewer(_LOOKED, config)
    codes = torch.randn((count, config.latent_dim), generator=generator)
    labels = torch.arange(count) % config.labels.classes if config.labels else None
    return drawn(Layered(config, tensors), codes, labels)


def _finished(one: Judged, tensors: Tensors, given_range: bool) -> LayeredConfig:
    """Return the network with its prior and the range of its pictures."""
    config = with_choice(one.slots, one.choices)
    config = replace(config, heads=one.heads)
    if one.path is not None and config.prior == "normal":
        config = replace(config, prior=one.path.prior)  # type: ignore[arg-type]
    if not given_range:
        values = _decoded(replace(config, encoder=(), heads=None), tensors)
        seen = output.range_of(output.last_of(config), output.look(values))
        config = replace(config, native_range=seen)
    if one.trip is not None and one.trip.logits:
        config = replace(config, native_range=output.LOGITS, input_range=output.UNIT)
    return tidied(config)
