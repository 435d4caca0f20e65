"""What batch norm remembers of the values that came in, against those that come in when codes are drawn anew.

Statistics of a decoder only: a walk from code to picture that keeps, at each batch norm, the ways to fill the slots
before it that agree best. What an encoder says is in `round_trip`; nothing is settled here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.formats.inference.measured import Measured, compared, thinned
from explorer.formats.inference.slots import Option, Slots
from explorer.formats.inference.work import Work
from explorer.models.layer_modules import BatchNorm, module_of
from explorer.models.layered import Layered, LayeredConfig
from explorer.models.layers import Layer

Tensors = Mapping[str, Tensor]
Stop = Callable[[], bool]

COST_WEIGHT = 0.3
"""Nats of evidence that outweigh a cost of 1."""

EVIDENCE = 2.0
"""Nats for an error that is e times smaller."""

_MIX = {"activation": 0.4, "eps": 0.1}
"""Nats by which another word than before in one group must win."""

_LEAST_MIX = 0.3  # in groups not named there
_BEAM = 3
_MOST_WAYS = (
    64  # ways to fill the slots before one batch norm that are tried all; else one slot after another
)
_FINALISTS = 6
_CLEAR = 1.0  # nats by which the best option of a place must win to be settled
BELIEVED = 0.2
"""An error of means and variances that the truth stays below."""

_SCREENED = 0.6e9  # multiply-adds, for all ways before one batch norm together
_COMPARED = 0.6e9  # for the best of them
_WALKED = 0.6e9  # to walk on
_LEAST = 4.0e9  # for the fewest codes that tell anything
_RARER = 0.5  # nats: what a prior must win by against the one named before
_HOPELESS = 6.0  # nats by which a candidate is behind another when it is given up
_QUICKER = 6  # how much less is done to tell geometries apart
_USUAL = 1.0  # what an option costs at most to be tried then
_MOST_CODES = 2048
_TRUE = 0.025  # an error that the truth has


@dataclass(frozen=True, eq=False)
class Path:
    """A way through the network, as far as the last batch norm.

    Attributes:
        choices: by index of the slot, the option taken.
        prior: what the codes were drawn from.
        errors: at each batch norm, how far the statistics are apart; about 0.02 for the truth.
        energy: how little all of that is to be believed, in nats.
        values: what comes in at the last batch norm that was passed; none where no other follows.
        rivals: by index of the slot, the least error that each option reached.
        energies: by index of the slot, the least energy of each option in its stage, against the best.
        settled: slots about which statistics agree well enough to be believed.
    """

    choices: dict[int, int]
    prior: str
    values: Tensor
    errors: tuple[float, ...] = ()
    energy: float = 0.0
    rivals: dict[int, dict[int, float]] = field(default_factory=dict)
    energies: dict[int, dict[int, float]] = field(default_factory=dict)
    settled: frozenset[int] = frozenset()


def norms_of(config: LayeredConfig, tensors: Tensors) -> list[int]:
    """Return the decoder's layers that are batch norms with statistics."""
    return [
        at
        for at, layer in enumerate(config.decoder)
        if layer.kind == "bn" and f"{layer.key}.running_mean" in tensors
    ]


def untrained(config: LayeredConfig, tensors: Tensors) -> bool:
    """Return whether the decoder has batch norms and all remember 0 and 1, as they do before the first picture."""
    norms = [config.decoder[at].key for at in norms_of(config, tensors)]
    return bool(norms) and all(
        not tensors[f"{key}.running_mean"].any() and bool((tensors[f"{key}.running_var"] == 1).all())
        for key in norms
    )


def to_gain(path: Path) -> float:
    """Return the nats by which another way through all batch norms is most likely better at best."""
    return sum(max(0.0, math.log((error + _TRUE) / (2 * _TRUE))) for error in path.errors)


class Walks:
    """Quick walks through many candidates, to tell geometries apart: what two have in common is walked once.

    Args:
        tensors: of the file.
        priors: what codes may be drawn from: "normal", "uniform".
    """

    def __init__(self, tensors: Tensors, priors: Sequence[str]) -> None:
        self._tensors, self._priors = tensors, priors
        self._known: dict[tuple[str, ...], list[Path]] = {}
        self._least: dict[int, float] = {}  # by how many batch norms were passed

    def best(self, slots: Slots, should_stop: Stop | None = None) -> Path | None:
        """Return the best way through a candidate; None where another is better by far, or it has no batch norm.

        Args:
            slots: the candidate.
            should_stop: asked before each measurement; True gives the candidate up.
        """
        norms = norms_of(slots.candidate.config, self._tensors)
        if not norms:
            return None
        with torch.inference_mode():
            walk = _Walk(slots, self._tensors, should_stop, quick=True)
            paths = walk.begun(self._priors)
            for depth, (start, norm) in enumerate(pairwise((0, *norms))):
                key = _signature(slots, norm)
                if key not in self._known:
                    found = walk.on(paths, start, norm)
                    if walk.stop():
                        return None
                    self._known[key] = found
                paths = self._known[key]
                energy = paths[0].energy if paths else math.inf
                least = self._least[depth] = min(energy, self._least.get(depth, math.inf))
                if not paths or energy > least + _HOPELESS:
                    return None
        return paths[0]


def _signature(slots: Slots, norm: int) -> tuple[str, ...]:
    """Return what makes a decoder up to one of its layers, with all that is open there."""
    config = slots.candidate.config
    layers = [f"{layer.text}@{layer.key}" for layer in config.decoder[: norm + 1]]
    slots_before = [slot for slot in slots.slots if slot.part == "decoder" and slot.at < norm]
    opened = [f"{slot.at} {' '.join(o.layer.text for o in slot.options)}" for slot in slots_before]
    return (str(config.latent_dim), str(config.labels), *layers, *opened)


def walked(
    slots: Slots, tensors: Tensors, priors: Sequence[str], should_stop: Stop | None = None
) -> list[Path]:
    """Return the best ways through a decoder by its batch norms, the best first; empty where it has none.

    Args:
        slots: the candidate.
        tensors: of the file.
        priors: what codes may be drawn from: "normal", "uniform".
        should_stop: asked before each measurement; True gives the walk up.
    """
    norms = norms_of(slots.candidate.config, tensors)
    if not norms:
        return []
    with torch.inference_mode():
        walk = _Walk(slots, tensors, should_stop, quick=False)
        paths = walk.begun(priors)
        for start, norm in pairwise((0, *norms)):
            paths = walk.on(paths, start, norm)
            if not paths or walk.stop():
                return []
    return paths


class _Walk:
    """One candidate's decoder with its modules."""

    def __init__(self, slots: Slots, tensors: Tensors, should_stop: Stop | None, quick: bool) -> None:
        self.slots = slots
        self.quick = quick
        self.stop = should_stop or (lambda: False)
        self.tensors = tensors
        self.config = slots.candidate.config
        self.network = Layered(self.config, tensors)
        self.open = {slot.at: index for index, slot in enumerate(slots.slots) if slot.part == "decoder"}
        self._modules: dict[tuple[int, int], nn.Module] = {}

    def codes(self, prior: str) -> Tensor:
        """Return codes drawn from a prior; the same at each call."""
        generator = torch.Generator().manual_seed(0)
        shape = (_MOST_CODES, self.config.latent_dim)
        if prior == "uniform":
            return torch.rand(shape, generator=generator) * 2 - 1
        return torch.randn(shape, generator=generator)

    def begun(self, priors: Sequence[str]) -> list[Path]:
        """Return where all ways begin."""
        return [Path({}, prior, self.codes(prior), (), _RARER * at) for at, prior in enumerate(priors)]

    def module(self, at: int, choices: Mapping[int, int]) -> nn.Module:
        """Return what stands at a place, made once for each option."""
        option = choices.get(self.open.get(at, -1), 0)
        if (at, option) not in self._modules:
            self._modules[at, option] = module_of(self.layer(at, choices), self.tensors).eval()
        return self._modules[at, option]

    def layer(self, at: int, choices: Mapping[int, int]) -> Layer:
        """Return the layer at a place."""
        index = self.open.get(at)
        if index is None or index not in choices:
            return self.config.decoder[at]
        return self.slots.slots[index].options[choices[index]].layer

    def through(self, values: Tensor, start: int, stop: int, choices: Mapping[int, int]) -> Tensor:
        """Return values that went through some of the layers."""
        for at in range(start, stop):
            values = self.told(values, at)
            module = self.module(at, choices)
            values = _renewed(module, values) if isinstance(module, BatchNorm) else module(values)
        return values

    def told(self, values: Tensor, at: int) -> Tensor:
        """Return values with the labels that join them before a layer, if any do there."""
        labels = self.config.labels
        if labels is None or labels.at != at:
            return values
        return self.network.with_labels(values, torch.arange(len(values)) % labels.classes)

    def on(self, paths: Sequence[Path], start: int, norm: int) -> list[Path]:
        """Return the best ways on to the next batch norm."""
        try:
            arriving = self.through(paths[0].values[:2], start, norm, paths[0].choices)
        except RuntimeError:  # a geometry that does not go through
            return []
        stage = _Stage(self, start, norm, arriving.shape[-1] if arriving.ndim == 4 else 0)
        for path in paths:
            stage.screen(path)
        return stage.best()


class _Stage:
    """The way from one batch norm to the next."""

    def __init__(self, walk: _Walk, start: int, norm: int, side: int) -> None:
        self.walk = walk
        self.start, self.norm = start, norm
        self.key = walk.config.decoder[norm].key
        self.last = norm == norms_of(walk.config, walk.tensors)[-1]
        self.places = [index for at, index in sorted(walk.open.items()) if start <= at < norm]
        self.thin = thinned(walk.config.decoder, norm, walk.tensors, side)
        self.found: list[tuple[Path, dict[int, int], Measured]] = []
        self.least = 0.0  # error of the best way: differences far below it tell nothing

    def screen(self, path: Path) -> None:
        """Measure the ways to fill the slots here that continue one path, on few codes."""
        usual = self._usual(path)
        others = self.walk.quick or bool(self.found)  # the best path alone is looked at closely
        few = self._many() <= (_MOST_WAYS if not others else 0)
        ways = self._all() if few else self._near(usual)
        budget = _SCREENED / (_QUICKER if self.walk.quick else 1)
        count = _count(budget / len(ways), self._price(path, self.thin.factor), 8, 256)
        measured = [(way, self._measured(path, way, count)) for way in ways]
        if not few and not others:
            best = min(measured, key=lambda found: self._energy(path, *found))[0]
            seen = [way for way, _ in measured]
            more = [way for way in self._near(best) if way not in seen]
            measured += [(way, self._measured(path, way, count)) for way in more]
        self.found += [(path, way, result) for way, result in measured]

    def best(self) -> list[Path]:
        """Return the best of all that was screened, measured again on more codes, and walked on."""
        self._sorted()
        if not self.walk.quick:
            self._again()
        rivals, energies = self._rivals()
        budget, beam = (_WALKED / _QUICKER, 1) if self.walk.quick else (_WALKED / _BEAM, _BEAM)
        kept = (
            0
            if self.last
            else _count(budget, self._price(self.found[0][0]), 12 if self.walk.quick else 32, _MOST_CODES)
        )
        found = [one for one in self.found[:beam] if one[2].error < 1e8]
        return [self._walked(one, rivals, energies, kept) for one in found]

    def _again(self) -> None:
        """Measure the best of all on more codes."""
        head, tail = self.found[:_FINALISTS], self.found[_FINALISTS:]
        count = _count(_COMPARED / _FINALISTS, self._price(head[0][0], self.thin.factor), 32, _MOST_CODES)
        self.found = [(path, way, self._measured(path, way, count)) for path, way, _ in head]
        self._sorted()
        self.found += tail

    def _sorted(self) -> None:
        self.least = min(min(found[2].error for found in self.found), 10.0)
        self.found.sort(key=lambda found: self._energy(*found))

    def _walked(
        self,
        found: tuple[Path, dict[int, int], Measured],
        rivals: Mapping[int, Mapping[int, float]],
        energies: Mapping[int, Mapping[int, float]],
        kept: int,
    ) -> Path:
        path, way, result = found
        choices = path.choices | way
        values = path.values[:kept]
        if kept:
            values = self.walk.through(values, self.start, self.norm, choices)
        return Path(
            choices,
            path.prior,
            values,
            (*path.errors, result.error),
            self._energy(*found),
            path.rivals | {index: dict(errors) for index, errors in rivals.items()},
            path.energies | {index: dict(found) for index, found in energies.items()},
            path.settled | self._settled(result.error, energies),
        )

    def _settled(self, error: float, energies: Mapping[int, Mapping[int, float]]) -> frozenset[int]:
        """Return the places about which nothing else need be asked."""
        if error > BELIEVED:
            return frozenset()
        gaps = {index: sorted(found.values()) for index, found in energies.items()}
        return frozenset(index for index, gap in gaps.items() if len(gap) < 2 or gap[1] - gap[0] > _CLEAR)

    def _rivals(self) -> tuple[dict[int, dict[int, float]], dict[int, dict[int, float]]]:
        """Return the least error and the least energy of each option in each place."""
        errors: dict[int, dict[int, float]] = {index: {} for index in self.places}
        energies: dict[int, dict[int, float]] = {index: {} for index in self.places}
        for path, way, result in self.found:
            energy = self._energy(path, way, result)
            for index in self.places:
                option = way[index]
                if energy < energies[index].get(option, math.inf):
                    energies[index][option], errors[index][option] = energy, result.error
        return errors, energies

    def _energy(self, path: Path, way: Mapping[int, int], result: Measured) -> float:
        """Return what a path costs with these choices added."""
        slots = self.walk.slots.slots
        cost = sum(slots[index].options[option].cost for index, option in way.items())
        mixes = sum(self._differs(path, index, option) for index, option in way.items())
        return path.energy + EVIDENCE * math.log(result.known + self.least) + COST_WEIGHT * cost + mixes

    def _differs(self, path: Path, index: int, option: int) -> float:
        """Return what it costs that another word was taken before in the same group."""
        group = self.walk.slots.slots[index].group
        words = {word for word in self._words(path, group) if word != "identity"}
        word = self.walk.slots.slots[index].options[option].word
        mixed = bool(words) and word != "identity" and word not in words
        return _MIX.get(group, _LEAST_MIX) if mixed else 0.0

    def _words(self, path: Path, group: str) -> list[str]:
        slots = self.walk.slots.slots
        return [
            slots[index].options[option].word
            for index, option in path.choices.items()
            if slots[index].group == group
        ]

    def _usual(self, path: Path) -> dict[int, int]:
        """Return the way that takes the words taken before."""
        usual = {}
        for index in self.places:
            slot = self.walk.slots.slots[index]
            words = self._words(path, slot.group)
            fitting = (at for at, option in enumerate(slot.options) if words and option.word == words[-1])
            usual[index] = next(fitting, 0)
        return usual

    def _many(self) -> int:
        return math.prod(len(self.walk.slots.slots[index].options) for index in self.places)

    def _all(self) -> list[dict[int, int]]:
        ranges = [range(len(self.walk.slots.slots[index].options)) for index in self.places]
        return [dict(zip(self.places, way, strict=True)) for way in itertools.product(*ranges)]

    def _near(self, way: Mapping[int, int]) -> list[dict[int, int]]:
        """Return a way and those that differ in one place."""
        near = [dict(way)]
        for index in self.places:
            options = [
                at for at, option in enumerate(self.walk.slots.slots[index].options) if self._tried(option)
            ]
            near += [{**way, index: option} for option in options if option != way[index]]
        return near

    def _tried(self, option: Option) -> bool:
        return not self.walk.quick or option.cost <= _USUAL

    def _measured(self, path: Path, way: Mapping[int, int], count: int) -> Measured:
        choices = {**path.choices, **way}
        if self.walk.stop():  # and the whole walk is given up
            return Measured(1e9, 0.0)
        values = path.values[:count]
        thin = self.thin
        try:
            if thin.at < 0:
                values = self.walk.through(values, self.start, self.norm, choices)
                values = values.index_select(1, thin.channels)
            else:
                values = self.walk.through(values, self.start, thin.at, choices)
                values = self.walk.told(values, thin.at)
                values = thin.module(self.walk.layer(thin.at, choices))(values)
                values = self.walk.through(values, thin.at + 1, self.norm, choices)
        except RuntimeError:  # a geometry that does not go through
            return Measured(1e9, 0.0)
        return compared(values, self.key, thin.channels, self.walk.tensors)

    def _price(self, path: Path, thinner: float = 1.0) -> float:
        """Return the multiply-adds of one code on this way, about; the last layer does so much less."""
        price = 1.0
        values = path.values[:2]
        for at in range(self.start, self.norm):
            with Work() as work:
                values = self.walk.through(values, at, at + 1, path.choices)
            price += work.done / len(values) / (thinner if at >= self.thin.at >= 0 else 1.0)
        return price


def _renewed(norm: BatchNorm, values: Tensor) -> Tensor:
    """Return values normed by their own statistics, as in training, so that an error before goes no further."""
    if values.numel() <= 2 * values.shape[1]:  # too few to have any
        return norm(values)
    return functional.batch_norm(values, None, None, norm.weight, norm.bias, True, 0.0, norm.eps)


def _count(budget: float, price: float, low: int, high: int) -> int:
    """Return how many codes a budget of multiply-adds allows; of dear ones fewer than is good."""
    price = max(price, 1.0)
    return max(2, min(low, int(_LEAST / price)), min(high, int(budget / price)))
