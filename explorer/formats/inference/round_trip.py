"""What an encoder says of decoded pictures: codes that come back tell which reading of both halves is right.

A search over the slots that nothing else settled, one group after another, each judged by how far codes come back
from where they were (measured in `sending`). What batch norm tells is in `statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from explorer.formats.inference.output import is_plain, last_of
from explorer.formats.inference.sending import WORST, Sent, sent_through
from explorer.formats.inference.slots import HeadsOption, Slots, usual_choices, with_choice
from explorer.formats.inference.statistics import COST_WEIGHT, EVIDENCE, Path, Tensors
from explorer.formats.inference.work import is_sound, price
from explorer.models.layered import Heads, Layered, LayeredConfig

Stop = Callable[[], bool]

SHARED = "activation"
"""The group whose word decoder and encoder usually share."""

_WORK = 1.2e10  # multiply-adds in all
_DEAREST = 2.0e10  # for one way
_ODD = 1.2  # a cost beyond which a word is tried at the best of the others alone
_FAR = 3.0  # nats by which an output may be behind and is tried with other activations
_MAYBE = 0.5  # a cost below which it is open whether anything stands in a place
_MOST_TRIED = 90
_TRIED = 60  # ways that a search tries, about
_FEWEST, _MOST = 32, 256  # codes
_FLOOR = 0.03  # below that share of the codes' variance an error tells nothing
_ALIVE = 0.6  # a dimension counts where any way brings it back that well
_SEEN = 1.0  # weight of pictures that come back, against codes that do
_MIX = 1.0  # nats: what a word of its own must win by
_NEAR = {"leaky_relu": 1.0}
"""Nats by which a word must win that hardly differs from the usual one, and is far rarer: noise tells them apart."""

_RETURNS = 1.0  # an error beyond which nothing comes back, however far it goes
_GAP = 3.3  # how much more it counts, the more it costs, that nothing stands in a place where something might
_SWAPPED = 1.0  # cost of taking the second branch for the mean
_NORMS = 0.5  # weight of what the encoder's batch norms say: decoded pictures are not the real ones


@dataclass(frozen=True, eq=False)
class Trip:
    """The way to read both halves under which codes come back best.

    Attributes:
        choices: by index of the slot, the option.
        heads: how the encoder's heads are read; None for a plain code.
        error: mean square distance of the codes that come back, in variances, over the dimensions alive.
        energy: how little it is to be believed, in nats.
        rivals: by group, the least energy of each word; the best of all is `energy`.
        errors: by group, the error of each word.
        logits: the encoder takes what a sigmoid makes of the decoder's values.
        alive: how many dimensions come back at all; 0: nothing was told.
        spread: `(dim,)` of the codes that came back, for a code without a prior.
    """

    choices: dict[int, int]
    heads: Heads | None
    error: float
    energy: float
    rivals: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    logits: bool = False
    alive: int = 0
    spread: Tensor | None = None


def returned(
    slots: Slots,
    tensors: Tensors,
    settled: Mapping[int, int],
    should_stop: Stop | None = None,
    output: Mapping[str, float] | None = None,
    path: Path | None = None,
) -> Trip | None:
    """Return the reading under which codes come back best; None without an encoder, or where one way is too dear.

    Args:
        slots: the candidate.
        tensors: of the file.
        settled: choices that stay as they are.
        should_stop: asked before each try; True ends the search.
        output: nats against each word after the last layer, by what else is known.
        path: what batch norm says of slots that it did not settle; the search begins there.
    """
    config = slots.candidate.config
    if config.heads is None or _is_dear(config, tensors):
        return None
    with torch.inference_mode():
        search = _Search(slots, tensors, settled, should_stop, output or {}, path)
        search.run()
        return search.trip()


def likeliest(
    ways: Sequence[Slots],
    tensors: Tensors,
    settled: Mapping[int, int],
    should_stop: Stop | None = None,
    output: Mapping[str, float] | None = None,
    path: Path | None = None,
) -> tuple[Slots, float] | None:
    """Return the one of several candidates with one decoder whose encoder knows pictures best, at a glance.

    With it the nats against it; None where none has an encoder that could be asked.

    Args:
        ways: of the first, arguments are as of `returned`.
    """
    best: tuple[float, Slots, _Search] | None = None
    for at, slots in enumerate(ways):
        config = slots.candidate.config
        if config.heads is None or (at and not is_sound(config, tensors)) or _is_dear(config, tensors):
            continue
        with torch.inference_mode():
            search = _Search(slots, tensors, settled, should_stop, output or {}, path, brief=True)
            energy = search.glance() + slots.candidate.cost
        if math.isfinite(energy) and (best is None or energy < best[0]):
            best = energy, slots, search
    if best is None:
        return None
    with torch.inference_mode():
        return best[1], best[2].glance_again()


def _is_dear(config: LayeredConfig, tensors: Tensors) -> bool:
    """Return whether not even one way can be tried."""
    return 3 * _FEWEST * price(config, tensors) > _DEAREST


@dataclass(frozen=True, eq=False)
class _Try:
    """One way, and what came of it under one reading of the heads."""

    choices: dict[int, int]
    sent: Sent


class _Search:
    def __init__(
        self,
        slots: Slots,
        tensors: Tensors,
        settled: Mapping[int, int],
        should_stop: Stop | None,
        output: Mapping[str, float],
        path: Path | None,
        brief: bool = False,
    ) -> None:
        self.brief = brief
        self.slots = slots
        self.tensors = tensors
        self.settled = dict(settled)
        self.should_stop = should_stop or (lambda: False)
        self.output = output
        self.begun = {**(path.choices if path else {}), **settled}
        known = path.energies if path else {}
        self.known = {index: energies for index, energies in known.items() if index not in settled}
        self.outputs = {index for index, slot in enumerate(slots.slots) if slot.group == "output"}
        self.readings = list(_readings(slots))
        self.read = list(range(len(self.readings)))  # those that are still open
        self.free = [index for index in range(len(slots.slots)) if index not in self.settled]
        self.tries: dict[tuple[tuple[int, int], ...], list[_Try]] = {}
        self.walked = self._shared(path.choices) if path else set()  # batch norm was asked what these cost
        self.codes = self._codes()

    def _codes(self) -> Tensor:
        config = self.slots.candidate.config
        count = int(_WORK / _TRIED / max(1.0, 8 * _price(config, self.tensors)))
        generator = torch.Generator().manual_seed(0)
        count = max(_FEWEST, min(_MOST, count))
        return torch.randn((count, config.latent_dim), generator=generator)

    def run(self) -> None:
        """Try groups one after another, each at the best of the others; then single slots."""
        words = self._words(self._places(SHARED)) or [""]
        self._try(self._usual())
        lasts = self._words(self._places("output")) or [""]
        self._try_jointly(words[:1], lasts)
        self._try_doubtful()
        self._try_jointly(words[1:], self._likely(lasts))
        self._try_doubtful()
        self.read = [self._best().sent.heads]  # by now it is plain which half is the mean
        for group in ("output", "code", *self._other_groups(), SHARED):
            self._try_words(group)
        for index in self.free:
            self._try_slot(index)
        for group in self._other_groups():
            self._try_words(group)

    def glance(self) -> float:
        """Return the energy of the first way, with its outputs, by few pictures alone."""
        self.codes = self.codes[:_FEWEST]
        start = self._usual()
        places, code = self._places("output"), self._places("code")
        word = (self._words(self._places(SHARED)) or [""])[0]
        for last in self._words(places) or [""]:
            filled = start | self._filled(start, places, last)
            self._try(filled)
            self._try(filled | self._filled(start, code, word))
        if not any(self.tries.values()):
            return math.inf
        return self._energy(self._best(), self._alive())

    def glance_again(self) -> float:
        """Return the least energy with other activations as well."""
        start, places = self._best().choices, self._places(SHARED)
        for word in self._words(places)[1:]:
            self._try(start | self._filled(start, places, word))
        return self._energy(self._best(), self._alive())

    def _usual(self) -> dict[int, int]:
        """Return the first way: what is settled, and elsewhere its words."""
        return usual_choices(self.slots, self.begun)

    def _likely(self, lasts: Sequence[str]) -> list[str]:
        """Return the outputs that are not far behind the best one."""
        alive = self._alive()
        least: dict[str, float] = {}
        for one in self._all():
            energy = self._energy(one, alive)
            for word in self._last(one.choices) or [""]:
                least[word] = min(energy, least.get(word, math.inf))
        best = min(least.values(), default=0.0)
        return [word for word in lasts if least.get(word, math.inf) <= best + _FAR]

    def _last(self, choices: Mapping[int, int]) -> list[str]:
        """Return the word after the last layer; none where it is known."""
        return [self.slots.slots[i].options[o].word for i, o in choices.items() if i in self.outputs]

    def _try_jointly(self, words: Sequence[str], lasts: Sequence[str]) -> None:
        """Try each output with some activations: at a wrong one of either, the others all look alike."""
        start = self._best().choices if words and any(self.tries.values()) else self._usual()
        places = {group: self._places(group) for group in ("output", SHARED, "code")}
        for word in words:
            for last in lasts:
                filled = start | self._filled(start, places["output"], last)
                filled |= self._filled(start, places[SHARED], word)
                self._try(filled)
                self._try(filled | self._filled(start, places["code"], word))

    def _try_doubtful(self) -> None:
        """Try the places of which it is open whether anything stands there."""
        for index in self.free:
            if any(o.word == "identity" and o.cost < _MAYBE for o in self.slots.slots[index].options):
                self._try_slot(index)

    def _places(self, group: str) -> list[int]:
        return [index for index in self.free if self.slots.slots[index].group == group]

    def _words(self, places: list[int]) -> list[str]:
        """Return the words that some slots take, without the odd ones."""
        options = [option for index in places for option in self.slots.slots[index].options]
        found = dict.fromkeys(option.word for option in options if option.cost <= _ODD)
        return [word for word in found if word != "identity" or self.slots.slots[places[0]].group == "output"]

    def _other_groups(self) -> list[str]:
        seen = dict.fromkeys(self.slots.slots[index].group for index in self.free)
        return [group for group in seen if group not in ("output", SHARED, "code")]

    def _try_words(self, group: str) -> None:
        """Try each word of a group in all its free slots, and for activations in each half alone."""
        mine = self._places(group)
        for parts in (("decoder", "encoder"), ("decoder",), ("encoder",)) if group == SHARED else ((),):
            some = [index for index in mine if not parts or self.slots.slots[index].part in parts]
            if not some or (len(parts) == 1 and len(some) == len(mine)):
                continue
            start = self._best().choices
            odd = _ODD if group not in ("output", SHARED) else math.inf
            options = [o for index in some for o in self.slots.slots[index].options if o.cost <= odd]
            for word in dict.fromkeys(option.word for option in options):
                if word != "identity" or group != SHARED:
                    self._try(start | self._filled(start, some, word))

    def _filled(self, start: Mapping[int, int], places: list[int], word: str) -> dict[int, int]:
        """Return the slots that hold something filled with a word."""
        found = {}
        for index in places:
            options = self.slots.slots[index].options
            at = next((at for at, option in enumerate(options) if option.word == word), None)
            empty = options[start[index]].word == "identity" and len(places) > 1
            if at is not None and not empty:
                found[index] = at
        return found

    def _try_slot(self, index: int) -> None:
        """Try nothing, or what the others have, in one slot."""
        slot = self.slots.slots[index]
        if slot.group != SHARED:
            return
        start = self._best().choices
        words = {self.slots.slots[other].options[start[other]].word for other in self.free if other != index}
        words = {"identity", *(words - {"identity"} if len(words) < 3 else ())}
        for at, option in enumerate(slot.options):
            if option.word in words and at != start[index]:
                self._try(start | {index: at})

    def _try(self, choices: dict[int, int]) -> None:
        key = tuple(sorted(choices.items()))
        if key in self.tries or len(self.tries) >= _MOST_TRIED or (self.tries and self.should_stop()):
            return
        self.tries[key] = []
        try:
            found = self._sent(choices)
        except (RuntimeError, ValueError):  # a geometry that does not go through
            return
        self.tries[key] = found

    def _sent(self, choices: dict[int, int]) -> list[_Try]:
        """Return what comes back of the codes, for each reading of the heads."""
        network = Layered(with_choice(self.slots, choices), self.tensors)
        readings = {at: self.readings[at][0] for at in self.read}
        found: list[Sent] = []
        for logits in (False, True) if is_plain(last_of(network.config)) else (False,):
            found += sent_through(network, self.codes, readings, logits, self.brief)
        return [_Try(choices, sent) for sent in found]

    def _alive(self) -> Tensor:
        """Return, in the shape of `back`, which dimensions any way brings back; all where none does."""
        backs = torch.stack([one.sent.back for one in self._all()])
        backs = torch.where(backs.isnan(), torch.full_like(backs, WORST), backs)
        alive = backs.amin(0) < _ALIVE
        return alive | ~alive.any(1, keepdim=True)

    def _energy(self, one: _Try, alive: Tensor) -> float:
        words = self._shared(one.choices)
        cost = self._cost(one.choices, words) + self.readings[one.sent.heads][1]
        mixes = _MIX * max(0, len(words - self.walked) - (not self.walked))
        mixes += sum(_NEAR.get(word, 0.0) for word in words - self.walked)
        last = self._last(one.choices)
        values = sum(self.output.get("sigmoid" if one.sent.logits else word, 0.0) for word in last)
        values += sum(
            energies.get(one.choices[index], max(energies.values())) - min(energies.values())
            for index, energies in self.known.items()
        )
        errors = [min(_RETURNS, error) for error in one.sent.errors(alive)]
        told = [math.log(error + _FLOOR) for error in errors]
        values += _SEEN * EVIDENCE * math.log(one.sent.seen + _FLOOR)
        return (
            EVIDENCE * sum(told) / len(told) + values + _NORMS * one.sent.norms + COST_WEIGHT * cost + mixes
        )

    def _cost(self, choices: Mapping[int, int], words: set[str]) -> float:
        """Return how unusual some choices are; to leave a place empty does not save what a rare word costs."""
        cost = 0.0
        for index, option in choices.items():
            slot = self.slots.slots[index]
            taken = slot.options[option]
            if taken.word != "identity":
                cost += taken.cost
                continue
            cost += taken.cost * max(1.0, _GAP * taken.cost)
            if slot.group == SHARED:
                cost += min((other.cost for other in slot.options if other.word in words), default=0.0)
        return cost

    def _shared(self, choices: Mapping[int, int]) -> set[str]:
        """Return the activations of some choices."""
        taken = [(self.slots.slots[index], option) for index, option in choices.items()]
        words = {slot.options[option].word for slot, option in taken if slot.group == SHARED}
        return words - {"identity"}

    def _all(self) -> Iterator[_Try]:
        for tries in self.tries.values():
            yield from tries

    def _best(self) -> _Try:
        alive = self._alive()
        return min(self._all(), key=lambda one: self._energy(one, alive))

    def trip(self) -> Trip | None:
        """Return the best way of all that were tried."""
        if not any(self.tries.values()):
            return None
        alive = self._alive()
        best = self._best()
        rivals: dict[str, dict[str, float]] = {}
        errors: dict[str, dict[str, float]] = {}
        for one in self._all():
            energy, error = self._energy(one, alive), one.sent.error(alive)
            for group, word in self._said(one):
                known = rivals.setdefault(group, {})
                if energy < known.get(word, math.inf):
                    known[word] = energy
                    errors.setdefault(group, {})[word] = error
        return Trip(
            best.choices,
            self.readings[best.sent.heads][0],
            best.sent.error(alive),
            self._energy(best, alive),
            rivals,
            errors,
            best.sent.logits,
            int((best.sent.back < _ALIVE).any(0).sum()),
            best.sent.spread,
        )

    def _said(self, one: _Try) -> Iterator[tuple[str, str]]:
        """Yield the groups that one way fills, with its words; a group that is mixed says nothing."""
        words: dict[str, set[str]] = {}
        for index, option in one.choices.items():
            slot = self.slots.slots[index]
            if index not in self.settled:
                words.setdefault(slot.group, set()).add(slot.options[option].word)
        for group, said in words.items():
            said = said - {"identity"} if len(said) > 1 else said
            if len(said) == 1:
                yield group, next(iter(said))
        heads = self.readings[one.sent.heads][0]
        yield "heads", heads.layout


def _readings(slots: Slots) -> Iterator[tuple[Heads, float]]:
    """Yield the ways to read the heads that differ in the mean, with their cost."""
    seen = set()
    options = slots.heads or (HeadsOption(slots.candidate.config.heads or Heads()),)
    for option in options:
        key = (option.heads.layout, tuple(layer.key for layer in option.heads.mean))
        if key in seen:
            continue
        seen.add(key)
        yield option.heads, option.cost
        if option.heads.layout == "separate":
            swapped = replace(option.heads, mean=option.heads.second, second=option.heads.mean)
            yield swapped, option.cost + _SWAPPED


def _price(config: LayeredConfig, tensors: Tensors) -> float:
    """Return the multiply-adds of one picture, about: a convolution runs at each pixel of an average map."""
    places = (config.image.height or 1) * (config.image.width or 1) / 4
    price = 0.0
    for layer in (*config.decoder, *config.encoder):
        weight = tensors.get(f"{layer.key}.weight")
        if weight is not None:
            price += weight.numel() * (places if weight.ndim == 4 else 1)
    return price
