"""How sure each guess is: what all evidence says of the words of a group, and whether another would show at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from torch import Tensor

from explorer.formats.diagnosis import Guess
from explorer.formats.inference.effects import Effects
from explorer.formats.inference.judging import Judged
from explorer.formats.inference.slots import Slot
from explorer.formats.inference.statistics import BELIEVED, Path

Tensors = Mapping[str, Tensor]

_HINTED = ("output", "activation", "upsample", "eps")
_MOST_OTHERS = 6
_PRIOR = 2.5  # nats for a cost of 1 where nothing but habit tells
_HABIT = 1.0  # beside evidence
_SURE = 0.99
_LIGHT = 0.02  # a word that is no likelier is not looked at
_LOST = 0.5  # an error beyond which codes hardly come back under any reading that was tried: the right one is another
_DOUBTED = 0.6
_SHOWN = 3  # words whose effect on the picture is looked at


def guesses(best: Judged, tensors: Tensors) -> list[Guess]:
    """Return what a judged network assumes that its file does not state, by hint.

    Args:
        best: what was chosen.
        tensors: of the file.
    """
    effects = Effects(best.slots, best.choices, tensors)
    found = [guess for group in _HINTED if (guess := _guess(best, group, effects)) is not None]
    return [*found, *_of_heads(best), *_of_range(best)]


def _guess(best: Judged, group: str, effects: Effects) -> Guess | None:
    """Return what is assumed in one group; None where no slot is open."""
    mine = [(index, slot) for index, slot in enumerate(best.slots.slots) if slot.group == group]
    mine = [(index, slot) for index, slot in mine if slot.part == "decoder"] or mine
    if not mine:
        return None
    words = [_word(best, index, slot) for index, slot in mine]
    filled = [word for word in words if word != "identity"] or words
    value = max(dict.fromkeys(filled), key=filled.count)
    energies, reason = _energies(best, group, mine)
    costs = {option.word: option.cost for _, slot in reversed(mine) for option in slot.options}
    if not energies:
        low = costs.get(value, 0.0)
        energies = {word: _PRIOR * (cost - low) for word, cost in costs.items()}
        reason = (
            "nothing tells; it is the most usual"
            if all(energy >= 0 for energy in energies.values())
            else "by how the values lie"
        )
    others = sorted((word for word in costs if word != value), key=lambda word: energies.get(word, 99.0))
    sure = _certainty(value, energies, others, lambda word: effects.of(group, word))
    if best.trip is not None and best.trip.alive and best.trip.error > _LOST and not _walked(best, mine):
        sure = min(sure, _DOUBTED)
    return Guess(group, value, sure, reason, tuple(others[:_MOST_OTHERS]))


def _walked(best: Judged, mine: list[tuple[int, Slot]]) -> bool:
    """Return whether batch norm's statistics tell of any slot."""
    return best.path is not None and any(_believed(best.path, index) for index, _ in mine)


def _word(best: Judged, index: int, slot: Slot) -> str:
    return slot.options[best.choices.get(index, 0)].word


def _energies(best: Judged, group: str, mine: list[tuple[int, Slot]]) -> tuple[dict[str, float], str]:
    """Return nats against each word of a group by the best evidence there is, and what it is called."""
    path, trip = best.path, best.trip
    told = [(index, slot) for index, slot in mine if path is not None and _believed(path, index)]
    if path is not None and told:
        sums: dict[str, float] = {}
        for index, slot in told:
            known = path.energies[index]
            low, high = min(known.values()), max(known.values())
            for at, option in enumerate(slot.options):
                sums[option.word] = sums.get(option.word, 0.0) + known.get(at, high) - low
        return sums, _statistics(best, told)
    if trip is not None and trip.alive and len(trip.rivals.get(group, {})) > 1:
        rivals = trip.rivals[group]
        low = min(rivals.values())
        return {word: energy - low for word, energy in rivals.items()}, _round_trip(best, group)
    return {}, ""


def _believed(path: Path, index: int) -> bool:
    """Return whether batch norm's statistics agree well enough with any way to fill a slot."""
    return min(path.rivals.get(index, {}).values(), default=math.inf) < BELIEVED


def _statistics(best: Judged, told: list[tuple[int, Slot]]) -> str:
    """Return how well batch norm agrees, where it tells most."""
    assert best.path is not None
    index, _ = max(told, key=lambda one: _gap(best, one[0]))
    errors = best.path.rivals[index]
    mine = errors.get(best.choices.get(index, 0), min(errors.values()))
    others = [error for at, error in errors.items() if at != best.choices.get(index, 0)]
    following = f", the next by {min(others):.2f}" if others else ""
    return f"batch norm's statistics agree (off by {mine:.2f}{following})"


def _gap(best: Judged, index: int) -> float:
    assert best.path is not None
    energies = sorted(best.path.energies[index].values())
    return energies[1] - energies[0] if len(energies) > 1 else 0.0


def _round_trip(best: Judged, group: str) -> str:
    assert best.trip is not None
    errors = best.trip.errors[group]
    word = min(best.trip.rivals[group], key=best.trip.rivals[group].__getitem__)
    others = [error for other, error in errors.items() if other != word]
    return f"by how codes come back from the encoder (off by {errors[word]:.2f}, with the next by {min(others):.2f})"


def _certainty(
    value: str, energies: Mapping[str, float], others: Sequence[str], effect: Callable[[str], float]
) -> float:
    """Return how likely a word is right, or another that gives the same picture."""
    mine = energies.get(value, 0.0)
    total, wrong = 1.0, 0.0
    for at, word in enumerate(word for word in others if word in energies):
        weight = math.exp(min(30.0, mine - energies[word]))
        total += weight
        wrong += weight * (effect(word) if at < _SHOWN and weight > _LIGHT else 1.0)
    return round(min(_SURE, max(0.05, 1.0 - wrong / total)), 3)


def _of_heads(best: Judged) -> Iterator[Guess]:
    """Yield what is assumed of the encoder's heads."""
    if best.heads is None or best.trip is None or best.heads.layout == "single":
        return
    layouts: tuple[str, ...] = tuple(dict.fromkeys(option.heads.layout for option in best.slots.heads))
    if len(layouts) > 1:
        energies = best.trip.rivals.get("heads", {})
        others: list[str] = [word for word in layouts if word != best.heads.layout]
        sure = _certainty(best.heads.layout, energies, others, lambda word: 1.0)
        yield Guess("heads", best.heads.layout, sure, _round_trip(best, "heads"), tuple(others))
    if len(best.second) > 1:
        meaning = best.heads.meaning
        others = sorted((word for word in best.second if word != meaning), key=best.second.__getitem__)
        sure = _certainty(meaning, best.second, others, lambda word: 1.0)
        yield Guess("second", meaning, sure, "by its name and by how wide codes lie", tuple(others))


def _of_range(best: Judged) -> Iterator[Guess]:
    """Yield what is taken for black and white, where no function bounds the values."""
    if best.config is None:
        return
    said = str(best.config.native_range)
    others = tuple(word for word in ("0..1", "-1..1", "0..255", "logits") if word != said)
    last = best.config.decoder[-1].kind if best.config.decoder else ""
    bounded = last in ("sigmoid", "tanh", "hardtanh", "hardsigmoid")
    yield Guess(
        "range",
        said,
        0.95 if bounded else 0.7,
        "by the last layer" if bounded else "by the values of its pictures",
        others,
    )
