"""Which of several candidates is right, and how its open places are filled: the door to all evidence.

What batch norm remembers goes first, then the encoder's round trip, then how the values lie, and where nothing tells
what is most usual. Here they are put in order; each is measured in a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explorer.formats.inference import output, round_trip, statistics
from explorer.formats.inference.round_trip import Trip
from explorer.formats.inference.slots import Slots, tidied, usual_choices, with_choice
from explorer.formats.inference.statistics import COST_WEIGHT, Path
from explorer.models.layered import Heads, Layered, LayeredConfig
from explorer.models.layers import Layer

Tensors = Mapping[str, Tensor]
Stop = Callable[[], bool]

_MOST_WALKED = 16  # candidates whose statistics are looked at
_AGREEING = 0.08  # an error at each batch norm below which a candidate needs few rivals
_RIVALS = 5
_NEAR = 1.5  # in costs
_MOST_RETURNED = 4  # candidates whose encoder is asked
_NO_ENCODER = 1.0  # nats against a reading that leaves out an encoder that another finds
_LOOKED = 64  # codes


@dataclass(frozen=True, eq=False)
class Judged:
    """A candidate with its places filled, and all that was found on the way.

    Attributes:
        slots: the candidate.
        choices: by index of the slot, the option taken.
        heads: how the encoder's heads are read.
        path: the way through its batch norms; None without any.
        trip: what the encoder said; None without one.
        output: nats against each word after the last layer, where nothing but the values tells.
        energy: how little all of it is to be believed, in nats.
        config: the network; complete, without the layers that do nothing.
        untrained: all batch norms are as they were made.
    """

    slots: Slots
    choices: dict[int, int]
    heads: Heads | None
    path: Path | None = None
    trip: Trip | None = None
    output: dict[str, float] = field(default_factory=dict)
    energy: float = 0.0
    config: LayeredConfig | None = None
    untrained: bool = False


def judged(
    proposed: Sequence[Slots], tensors: Tensors, should_stop: Stop | None = None, given_range: bool = False
) -> list[Judged]:
    """Return candidates with their places filled, the likeliest first; those that cannot run are left out.

    Args:
        proposed: the likeliest first.
        tensors: of the file, float32.
        should_stop: asked now and then; True takes what is known by then.
        given_range: leave `native_range` of the candidates as it is.
    """
    stop = should_stop or (lambda: False)
    with torch.inference_mode():
        ranked = _by_statistics(list(_running(proposed, tensors)), tensors, stop)
        found = []
        for at, (energy, slots, path) in enumerate(ranked):
            if at and stop():
                break
            found.append(_filled(energy, slots, path, tensors, stop, at < _MOST_RETURNED))
        found = sorted(found, key=lambda one: one.energy)
        return [replace(one, config=_finished(one, tensors, given_range)) for one in found]


def _running(proposed: Sequence[Slots], tensors: Tensors) -> Iterator[Slots]:
    """Yield the candidates that give a picture."""
    for slots in proposed:
        try:
            network = Layered(slots.candidate.config, tensors)
            network.decode(torch.zeros((1, slots.candidate.config.latent_dim)))
        except (RuntimeError, ValueError):
            continue
        yield slots


def _by_statistics(
    proposed: list[Slots], tensors: Tensors, stop: Stop
) -> list[tuple[float, Slots, Path | None]]:
    """Return candidates with what their decoders' batch norms say, the best first."""
    ranked: list[tuple[float, Slots, Path | None]] = []
    known: dict[str, Path | None] = {}
    most, limit = _MOST_WALKED, float("inf")
    for slots in proposed:
        cost = slots.candidate.cost
        signature = _signature(slots)
        if signature not in known:
            if len(known) >= most or cost > limit or (known and stop()):
                continue
            quick = len(proposed) > 1
            paths = statistics.walked(slots, tensors, ("normal", "uniform"), stop, quick=quick)
            known[signature] = paths[0] if paths else None
            if paths and max(paths[0].errors) < _AGREEING and limit == float("inf"):
                most, limit = min(most, len(known) + _RIVALS), cost + _NEAR
        path = known[signature]
        ranked.append(((path.energy if path else 0.0) + cost, slots, path))
    ranked.sort(key=lambda found: found[0])
    return [_walked_well(found, tensors, stop, at) for at, found in enumerate(ranked)]


def _walked_well(
    found: tuple[float, Slots, Path | None], tensors: Tensors, stop: Stop, at: int
) -> tuple[float, Slots, Path | None]:
    """Return the first of several candidates looked at closely."""
    energy, slots, path = found
    if path is None or at > 0:
        return found
    paths = statistics.walked(slots, tensors, (path.prior,), stop)
    return (energy, slots, paths[0]) if paths else found


def _signature(slots: Slots) -> str:
    """Return what makes a decoder: two candidates that differ in their encoders alone have one."""
    config = slots.candidate.config
    layers = " ".join(f"{layer.text}@{layer.key}" for layer in config.decoder)
    return f"{config.latent_dim} {config.labels} {layers}"


def _filled(
    energy: float, slots: Slots, path: Path | None, tensors: Tensors, stop: Stop, ask: bool
) -> Judged:
    """Return a candidate with its places filled by all that tells."""
    settled = (
        {index: option for index, option in path.choices.items() if index in path.settled} if path else {}
    )
    choices = usual_choices(slots, path.choices if path else {})
    against, choices = _by_values(slots, choices, tensors)
    trip = round_trip.returned(slots, tensors, settled, stop, against) if ask else None
    if trip is not None:
        return Judged(slots, trip.choices, trip.heads, path, trip, {}, energy + trip.energy)
    cost = sum(slots.slots[index].options[option].cost for index, option in choices.items())
    energy += _NO_ENCODER + COST_WEIGHT * cost * (path is None)
    return Judged(slots, choices, slots.candidate.config.heads, path, None, against, energy)


def _by_values(
    slots: Slots, choices: dict[int, int], tensors: Tensors
) -> tuple[dict[str, float], dict[int, int]]:
    """Return what the values before the output say against each word there, and the choices by that."""
    index = next((index for index, slot in enumerate(slots.slots) if slot.group == "output"), None)
    if index is None:
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
    codes = torch.randn((_LOOKED, config.latent_dim), generator=generator)
    labels = torch.arange(_LOOKED) % config.labels.classes if config.labels else None
    return Layered(config, tensors).decode(codes, labels)


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
