"""A part of a network written down layer by layer, with a slot wherever the file does not say what stands there.

The links and their geometry are settled by then. What the open places hold is weighed in `judging`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.formats.inference import filling
from explorer.formats.inference.gaps import Gap, attributes, behind, between, named_last
from explorer.formats.inference.geometry import Path, Way
from explorer.formats.inference.links import Link, Run
from explorer.formats.inference.slots import Option, Part, Slot
from explorer.formats.inference.units import Leaves, Unit
from explorer.models.layers import ACTIVATIONS, Layer

_LAST = ("sigmoid", "tanh", "hardtanh", "hardsigmoid")
_SHAPES = ("reshape", "flatten")


@dataclass(frozen=True)
class Setting:
    """What all of a file's drafts share.

    Attributes:
        leaves: its submodules.
        outputs: what usual outputs cost: those of autoencoders, or of generators.
        norm_last: where no chain says it, activations go before norms.
        leaky: a leaky activation is as usual as the plain one.
        first: the unit that takes the code.
        plain: of an autoencoder without a prior, whose likely loss is that of its pictures, not of logits.
    """

    leaves: Leaves
    outputs: dict[str, float] = field(default_factory=dict)
    norm_last: bool = False
    leaky: bool = False
    first: Unit | None = None
    plain: bool = False


@dataclass
class Draft:
    """Layers so far, and the slots among them."""

    part: Part
    layers: list[Layer] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)
    ambiguous: bool = False  # whether a norm stands where an activation might go before it
    begun: int = 0  # where the residual block begins that is being written

    def add(self, layer: Layer) -> None:
        """Write down a layer."""
        self.layers.append(layer)

    def open(self, group: str, options: Sequence[Option]) -> None:
        """Write down the cheapest of several layers, and a slot where there are more."""
        if len(options) > 1:
            self.slots.append(Slot(self.part, len(self.layers), group, tuple(options)))
        self.add(options[0].layer)

    def enter(self, run: Sequence[Link], at: int, setting: Setting, previous: Unit | None) -> None:
        """Begin a residual block where a link is the first of one."""
        block = run[at].block
        if not block or (at and run[at - 1].block == block):
            return
        self.begun = len(self.layers)
        if previous is not None and _inside(between(setting.leaves, previous, run[at].unit), block):
            self.open("activation", filling.hidden())

    def leave(self, run: Sequence[Link], at: int) -> None:
        """End a residual block where a link is the last of one: what is open inside becomes open of the whole."""
        block = run[at].block
        if not block or (at + 1 < len(run) and run[at + 1].block == block):
            return
        begun = self.begun
        inner = self.layers[begun:]
        open_ones = [slot for slot in self.slots if slot.at >= begun and slot.group == "activation"]
        self.layers, self.slots = self.layers[:begun], [slot for slot in self.slots if slot.at < begun]
        words = [option for slot in open_ones[:1] for option in slot.options if option.word != "identity"]
        options = []
        for option in words or [Option("", Layer("identity"))]:
            places = {slot.at - begun for slot in open_ones}
            filled = tuple(option.layer if place in places else layer for place, layer in enumerate(inner))
            options.append(Option(option.word, Layer("residual", "", {"layers": filled}), option.cost))
        self.open("activation", options)


def _inside(gap: Gap, block: str) -> bool:
    """Return whether something stands before the first link of a block, inside of it."""
    return any(leaf.path.startswith(block + ".") for leaf in gap.leaves)


def decoder_draft(
    setting: Setting, run: Run, start: tuple[int, int, int] | None, path: Path | None, ending: Layer | None
) -> Draft:
    """Write a decoder down.

    Args:
        setting: of the file.
        run: its links.
        start: channels, height and width of the first map; None where there is none.
        path: the ways of the links from the first convolution on.
        ending: what follows all else, a `resize` or a `crop`.
    """
    draft = Draft("decoder")
    hidden, last = _words(setting.leaves, run)
    first = next((at for at, link in enumerate(run) if not link.flat), len(run))
    ways = [*[Way()] * first, *(path.ways if path else ())]
    if start and first == 0:
        draft.add(Layer("reshape", "", {"shape": start}))
    previous: Unit | None = None
    for at, link in enumerate(run):
        shape = _shape_change(run, at, start)
        if previous is not None and at:
            shape = None if _reshapes_early(run[at - 1], link, start) else shape
            _middle(draft, setting, previous, run[at - 1], link, shape, ways[at].scale, hidden)
        draft.enter(run, at, setting, previous)
        draft.add(_layer(link, ways[at]))
        if _open_padding(link, ways[at]):
            _reopen(draft, "padding", filling.padding(draft.layers[-1]))
        if ways[at].shuffle > 1:
            draft.add(Layer("shuffle", "", {"by": ways[at].shuffle}))
        following = run[at + 1] if at + 1 < len(run) else None
        early = following is not None and _reshapes_early(link, following, start)
        if early:
            draft.add(Layer("reshape", "", {"shape": start}))
        previous = _norms(draft, setting, link, hidden, flat=link.flat and not early, early=early)
        draft.leave(run, at)
    assert previous is not None
    if setting.leaky:
        _lean(draft)
    _output(draft, setting, previous, run, last)
    if ending is not None:
        draft.open("upsample", filling.scaling(ending)) if ending.kind == "resize" else draft.add(ending)
    return draft


def _lean(draft: Draft) -> None:
    """Make a leaky activation the cheapest."""
    for at, slot in enumerate(draft.slots):
        if slot.group == "activation":
            options = [
                replace(option, cost=option.cost - 0.4) if option.word == "leaky_relu:0.2" else option
                for option in slot.options
            ]
            draft.slots[at] = replace(slot, options=tuple(sorted(options, key=lambda option: option.cost)))
            draft.layers[slot.at] = draft.slots[at].options[0].layer


def encoder_draft(setting: Setting, run: Run, heads: Run, path: Path | None, code: bool) -> Draft:
    """Write an encoder down.

    Args:
        setting: of the file.
        run: its links.
        heads: the first head's.
        path: the ways of all links of the run (and of a head that is a convolution).
        code: the last link gives the code itself, so that no activation is usual behind it.
    """
    draft = Draft("encoder")
    hidden, _ = _words(setting.leaves, run or heads)
    links = [*run, *heads[:1]]
    known = path.ways if path else ()
    ways = [*known, *[Way()] * (len(links) - len(known))]
    if links and links[0].flat:
        draft.add(Layer("flatten"))
    previous: Unit | None = None
    for at, link in enumerate(links):
        if previous is not None:
            before, way = links[at - 1], ways[at - 1]
            changed = not before.flat and link.flat
            shape = Layer("flatten") if changed else None
            pool = Layer("maxpool", "", {"kernel": way.scale}) if way.scale > 1 else None
            if ways[at].scale == -1 if at < len(ways) else False:
                pool = Layer("adaptive", "", {"size": (1, 1)})
            _middle(draft, setting, previous, before, link, shape, 1, hidden, pool, at == len(run))
        if at == len(run):
            break
        draft.enter(links, at, setting, previous)
        draft.add(_layer(link, ways[at]))
        previous = _norms(draft, setting, link, hidden, flat=link.flat)
        draft.leave(links, at)
    if code and previous is not None:
        _code(draft, setting, previous, hidden)
        if ways and ways[-1].scale > 1 and not any("pool" in layer.kind for layer in draft.layers[-2:]):
            draft.add(Layer("maxpool", "", {"kernel": ways[-1].scale}))
    return draft


def branch_layers(setting: Setting, run: Run, beside: Run, path: Path | None) -> tuple[Layer, ...]:
    """Return the layers that a label has for itself, done as those of the code, with the cheapest activation."""
    draft = Draft("decoder")
    hidden, _ = _words(setting.leaves, (*run, *beside))
    for link in run:
        if not link.flat:
            draft.add(Layer("reshape", "", {"shape": (link.wide_in, 1, 1)}))
        draft.add(_layer(link, path.ways[0] if path and not link.flat else Way()))
        _norms(draft, setting, link, hidden, flat=link.flat)
        draft.add(filling.hidden(hidden)[0].layer)
    return tuple(draft.layers)


def _words(leaves: Leaves, run: Run) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the hidden and the last activations that names of attributes give away."""
    words = attributes(leaves, [link.unit for link in run])
    hidden = tuple(word for word in words if word not in _LAST)
    last = tuple(word for word in words if word in _LAST)
    if not hidden and len(last) > 1 and "sigmoid" in last:
        return tuple(word for word in last if word != "sigmoid"), ("sigmoid",)
    return hidden, last


def _shape_change(run: Run, at: int, start: tuple[int, int, int] | None) -> Layer | None:
    """Return what must stand before a link that takes a map behind a row, or a row behind a map."""
    if not at or run[at - 1].flat == run[at].flat:
        return None
    return Layer("flatten") if run[at].flat else Layer("reshape", "", {"shape": start})


def _reshapes_early(before: Link, link: Link, start: tuple[int, int, int] | None) -> bool:
    """Return whether a norm between a row and a map is of the map's channels."""
    if start is None or not before.flat or link.flat:
        return False
    widths = [norm.width for norm in before.norms if norm.kind == "norm"]
    return bool(widths) and widths[0] == start[0] != before.wide_out


def _layer(link: Link, way: Way) -> Layer:
    """Return a link as a layer."""
    if link.unit.layer is not None:
        return Layer(link.unit.layer.kind, link.unit.key, link.unit.layer.options)
    if link.flat:
        return Layer("linear", link.unit.key)
    high, wide = link.kernel
    options: dict[str, Any] = {"kernel": high if high == wide else (high, wide)}
    options |= {"stride": way.stride} if way.stride != 1 else {}
    options |= {"padding": way.padding} if way.padding else {}
    options |= {"output_padding": way.output_padding} if way.output_padding else {}
    return Layer(link.kind, link.unit.key, options)


def _open_padding(link: Link, way: Way) -> bool:
    return (
        link.kind == "conv" and link.unit.layer is None and isinstance(way.padding, int) and way.padding > 0
    )


def _reopen(draft: Draft, group: str, options: Sequence[Option]) -> None:
    """Make a slot of the layer written down last."""
    draft.layers.pop()
    draft.open(group, options)


def _norms(
    draft: Draft, setting: Setting, link: Link, words: Sequence[str], flat: bool, early: bool = False
) -> Unit:
    """Write down what follows a link before the next one, and return the last unit of it."""
    previous = link.unit
    for norm in link.norms:
        gap = between(setting.leaves, previous, norm)
        if gap.stated is not None:
            draft.layers += gap.stated
        elif gap.count > int(early and gap.near) and (gap.strict or gap.tail):
            draft.open("activation", filling.hidden(gap.words))
        elif not gap.near and norm.kind == "norm" and previous is link.unit:
            draft.ambiguous = True
            if setting.norm_last:
                draft.open("activation", filling.hidden(words))
        if norm.kind == "prelu":
            draft.add(Layer("prelu", norm.key))
        else:
            _norm(draft, norm, flat)
        previous = norm
    return previous


def _norm(draft: Draft, norm: Unit, flat: bool) -> None:
    if norm.layer is not None:
        draft.add(Layer(norm.layer.kind, norm.key, norm.layer.options))
    elif norm.tracked:
        draft.open("eps", filling.eps(norm.key))
    elif len(norm.shape) > 1:
        draft.add(Layer("ln", norm.key))
    else:
        named = "gn" if "gn" in norm.key.lower() or "group" in norm.key.lower() else "in"
        draft.open("norm", filling.norms(norm.key, norm.width, flat, named))


def _middle(
    draft: Draft,
    setting: Setting,
    previous: Unit,
    before: Link,
    link: Link,
    shape: Layer | None,
    scale: int,
    words: Sequence[str],
    pool: Layer | None = None,
    to_head: bool = False,
) -> None:
    """Write down what stands between two links (behind the norms of the first)."""
    gap = between(setting.leaves, previous, link.unit)
    if link.block != before.block and _inside(gap, link.block):
        gap = replace(gap, leaves=tuple(leaf for leaf in gap.leaves if not _inside(Gap((leaf,)), link.block)))
    if gap.stated is not None:
        _stated(draft, gap.stated, shape, scale, pool)
        return
    done = any(norm.kind == "prelu" for norm in before.norms) or _is_done(draft, before, setting)
    options = (
        () if done else _activations(gap, previous, before, link, shape, scale, words, pool, to_head, setting)
    )
    if options:
        draft.open("activation", options)
    if pool is not None:
        draft.add(pool)
    if shape is not None:
        draft.add(shape)
    if scale > 1:
        draft.open("upsample", filling.scaling(Layer("upsample", "", {"by": scale})))


def _is_done(draft: Draft, before: Link, setting: Setting) -> bool:
    """Return whether an activation stands before the norm of a link already."""
    return bool(before.norms) and len(draft.layers) > 1 and draft.layers[-2].kind in ACTIVATIONS


def _stated(
    draft: Draft, layers: Sequence[Layer], shape: Layer | None, scale: int, pool: Layer | None
) -> None:
    draft.layers += layers
    if shape is not None and not any(layer.kind in _SHAPES for layer in layers):
        draft.add(shape)
    if scale > 1 and not any(layer.kind in ("upsample", "resize") for layer in layers):
        draft.open("upsample", filling.scaling(Layer("upsample", "", {"by": scale})))
    if pool is not None and not any("pool" in layer.kind or layer.kind == "adaptive" for layer in layers):
        draft.add(pool)


def _activations(
    gap: Gap, previous: Unit, before: Link, link: Link, shape: Layer | None, scale: int,
    words: Sequence[str], pool: Layer | None, to_head: bool, setting: Setting,
) -> tuple[Option, ...]:  # fmt: skip
    """Return what may stand between two links; nothing where nothing can."""
    taken = int(shape is not None and gap.near and not gap.reshapes)
    taken += int((scale > 1 or pool is not None) and (gap.strict or gap.count > 1))
    free = gap.count - taken
    if gap.strict:
        return filling.hidden(gap.words) if free > 0 else ()
    chained = setting.leaves.in_chain(previous.key)
    first = before.flat and not link.flat
    if first and not before.norms:
        return filling.hidden(
            gap.words or words,
            _first_row(gap, chained, setting.leaves.in_chain(link.unit.key), previous == setting.first),
        )
    if free > 0 and gap.tail:
        surely = not (to_head and shape is not None and gap.count == 1)
        return filling.hidden(gap.words or words, 2.0 if surely else 0.8)
    if before.block and before.block != link.block:
        return filling.hidden(gap.words or words, 0.2)
    if to_head:
        return _sorted(filling.hidden(words, 0.5), chained, setting)
    return filling.hidden(gap.words or words, 1.0 if free > 0 or not before.norms or not chained else 0.6)


def _sorted(options: tuple[Option, ...], chained: bool, setting: Setting) -> tuple[Option, ...]:
    """Return options before a head: in a chain that lists what runs, nothing is cheapest."""
    if not (chained and setting.leaves.listed):
        return options
    changed = [Option(o.word, o.layer, 0.0 if o.word == "identity" else o.cost + 0.6) for o in options]
    return tuple(sorted(changed, key=lambda option: option.cost))


def _first_row(gap: Gap, chained: bool, into_chain: bool, alone: bool) -> float:
    """Return what it costs that nothing stands between the first rows, or the only one, and the first map."""
    if gap.tail:
        return 1.5
    if chained or gap.count:
        return -0.6
    return -0.35 if into_chain else -0.1 if alone else 0.1


def _output(draft: Draft, setting: Setting, previous: Unit, run: Run, words: Sequence[str]) -> None:
    """Write down what follows the last layer."""
    gap = behind(setting.leaves, previous)
    if gap.stated is not None:
        draft.layers += [layer for layer in gap.stated if layer.kind not in _SHAPES]
        return
    costs = dict(setting.outputs)
    told = tuple(word for word in gap.words) or tuple(words)
    if gap.count or (not words and named_last(setting.leaves, previous)):
        costs |= {"identity": 2.0}
    elif gap.strict and not words and _is_one_chain(run) and not setting.plain:
        costs = {word: cost + 1.5 for word, cost in costs.items()} | {"identity": 0.0}
    draft.open("output", filling.outputs(costs, told))


def _is_one_chain(run: Run) -> bool:
    """Return whether a run is in one place; else somebody wrote down how its parts follow, and perhaps what ends it."""
    return len({link.unit.key.partition(".")[0] for link in run}) == 1 or "." not in run[-1].unit.key


def _code(draft: Draft, setting: Setting, previous: Unit, words: Sequence[str]) -> None:
    """Write down what follows a plain code."""
    gap = behind(setting.leaves, previous)
    if gap.stated is not None:
        draft.layers += [layer for layer in gap.stated if layer.kind not in _SHAPES]
    elif gap.count:
        draft.open("code", filling.hidden(gap.words, 0.7))
    elif not gap.strict:
        draft.open("code", filling.hidden(words, -0.8))
