"""What stands between two units: submodules without tensors, and what the names of such submodules give away.

A numbered chain lists all that runs in it, so an empty gap there is none; elsewhere a `forward` may do anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from explorer.formats.inference.units import Leaf, Leaves, Unit
from explorer.models.layers import Layer

_WORDS = (  # the first that a name has
    (r"leaky|lrelu|l_relu", "leaky_relu"),
    (r"selu", "selu"),
    (r"gelu", "gelu"),
    (r"celu", "celu"),
    (r"(?<![a-z])elu", "elu"),
    (r"relu6", "relu6"),
    (r"relu", "relu"),
    (r"silu|swish", "silu"),
    (r"mish", "mish"),
    (r"softplus", "softplus"),
    (r"hardtanh", "hardtanh"),
    (r"tanh", "tanh"),
    (r"sigmoid|(?<![a-z])sig(?![a-z])|sigm(?![a-z])", "sigmoid"),
)
_SCALING = re.compile(r"up_?sampl|(?<![a-z])up(?![a-z])|interp|scale", re.IGNORECASE)
_POOLING = re.compile(r"pool", re.IGNORECASE)
_RESHAPING = re.compile(r"flat|view|reshape", re.IGNORECASE)
_LAST = re.compile(
    r"^(out(put)?|final|last)?_?(act(ivation|iv)?|nonlin\w*|out(put)?)(_?fn|_?layer)?$", re.IGNORECASE
)
_NOTHING = re.compile(r"drop|identity|flatten|view|reshape|softmax|loss|crit", re.IGNORECASE)


@dataclass(frozen=True)
class Gap:
    """What stands between two units of one part.

    Attributes:
        leaves: those without tensors, in their order.
        strict: nothing else can stand there.
        near: both units are in one chain, so that a change of shape is a leaf as well.
        tail: how many of the leaves stand beside the first unit, not the second.
    """

    leaves: tuple[Leaf, ...] = ()
    strict: bool = False
    near: bool = False
    tail: int = 0

    @property
    def stated(self) -> tuple[Layer, ...] | None:
        """The layers, where the file states each."""
        layers = tuple(leaf.layer for leaf in self.leaves if leaf.layer is not None)
        return layers if self.leaves and len(layers) == len(self.leaves) else None

    @property
    def count(self) -> int:
        """How many leaves may be activations or scalings; those whose names say otherwise are not."""
        return sum(not _NOTHING.search(named(leaf)) for leaf in self.leaves)

    @property
    def scales(self) -> bool:
        """Whether a name says that a map is enlarged."""
        return any(_SCALING.search(named(leaf)) for leaf in self.leaves)

    @property
    def pools(self) -> bool:
        """Whether a name says that a map is pooled."""
        return any(_POOLING.search(named(leaf)) for leaf in self.leaves)

    @property
    def reshapes(self) -> bool:
        """Whether a name says that the shape changes."""
        return any(_RESHAPING.search(named(leaf)) for leaf in self.leaves)

    @property
    def words(self) -> tuple[str, ...]:
        """The activations that names in the gap give away."""
        return tuple(filter(None, (word_of(leaf) for leaf in self.leaves)))


def named(leaf: Leaf) -> str:
    """Return what a leaf goes by: its class where known, else the last word of its name."""
    return leaf.cls or leaf.path.rpartition(".")[2]


def word_of(leaf: Leaf) -> str:
    """Return the activation that a leaf's name gives away, "" for none."""
    name = named(leaf).lower()
    return next((word for pattern, word in _WORDS if re.search(pattern, name)), "")


def between(leaves: Leaves, first: Unit, second: Unit) -> Gap:
    """Return what stands between two units that follow each other in one part."""
    after, before = _around(leaves, first, 1), _around(leaves, second, -1)
    strict = _one_chain(leaves, first.key, second.key)
    if first.place < second.place and not any(
        leaf.unit for leaf in leaves.all[first.place + 1 : second.place]
    ):
        inner = leaves.all[first.place + 1 : second.place]
        chosen = {leaf.path for leaf in (*after, *before)}
        found = tuple(leaf for leaf in inner if leaf.path in chosen)
    else:
        found = (*after, *before)
    own = first.key.rpartition(".")[0]
    tail = sum(1 for leaf in found if own and (leaf.path + ".").startswith(own + "."))
    return Gap(found, strict and _is_live(leaves, first.key, second.key), strict, tail)


def behind(leaves: Leaves, last: Unit) -> Gap:
    """Return what stands behind the last unit of a part in its chain."""
    found = _around(leaves, last, 1)
    live = leaves.in_chain(last.key) and leaves.listed and _is_live(leaves, last.key, last.key)
    return Gap(found, live, False, len(found))


def ahead(leaves: Leaves, first: Unit) -> Gap:
    """Return what stands before the first unit of a part in its chain."""
    return Gap(_around(leaves, first, -1), leaves.in_chain(first.key))


def attributes(leaves: Leaves, units: Iterable[Unit]) -> tuple[str, ...]:
    """Return the activations that are registered outside chains beside these units or above them."""
    above = {parent for unit in units for parent in _parents(unit.key)}
    found = {
        word_of(leaf): None
        for leaf in leaves.all
        if leaf.unit is None and not leaves.in_chain(leaf.path) and leaf.parent in above
    }
    return tuple(word for word in found if word)


def named_last(leaves: Leaves, last: Unit) -> bool:
    """Return whether what is registered behind the last unit, outside its chain, is named as an output's function."""
    for leaf in leaves.all[last.place + 1 :]:
        if leaf.unit is not None:
            return False
        if not leaves.in_chain(leaf.path) and leaf.parent in _parents(last.key) and _LAST.search(named(leaf)):
            return True
    return False


def _around(leaves: Leaves, unit: Unit, step: int) -> tuple[Leaf, ...]:
    """Return the leaves next to a unit, up to the next unit, that stand in a chain around it."""
    found, at = [], unit.place + step
    parents = set(_parents(unit.key))
    while 0 <= at < len(leaves.all) and leaves.all[at].unit is None:
        leaf = leaves.all[at]
        chained = leaf.parent in leaves.chains and leaf.parent in parents
        if not chained and not _is_ordered(leaves, leaf, unit):
            break
        found.append(leaf)
        at += step
    return tuple(found[::step])


def _is_ordered(leaves: Leaves, leaf: Leaf, unit: Unit) -> bool:
    """Return whether a leaf stands in a chain with words for names: its siblings take turns with units."""
    if leaf.parent != unit.key.rpartition(".")[0] or not leaf.parent or leaf.parent in leaves.chains:
        return False
    kinds = [other.unit is None for other in leaves.all if other.parent == leaf.parent]
    return len(kinds) > 2 and not kinds[0] and all(one != other for one, other in pairwise(kinds))


def _parents(key: str) -> list[str]:
    parts = key.split(".")
    return [".".join(parts[:at]) for at in range(len(parts))]


def _one_chain(leaves: Leaves, first: str, second: str) -> bool:
    """Return whether two units are in one chain, perhaps in chains inside it."""
    one, other = first.split("."), second.split(".")
    shared = 0
    while shared < min(len(one), len(other)) - 1 and one[shared] == other[shared]:
        shared += 1
    inner = [".".join(key[:at]) for key in (one, other) for at in range(shared, len(key))]
    return all(path in leaves.chains for path in inner)


def _is_live(leaves: Leaves, first: str, second: str) -> bool:
    """Return whether the chain that two units share lists leaves without tensors, as one that runs does."""
    one, other = first.split("."), second.split(".")
    shared = [a for a, b in zip(one, other, strict=False) if a == b]
    if first == second:
        shared = shared[:-1]
    root = ".".join(shared)
    prefix = f"{root}." if root else ""
    inside = [leaf for leaf in leaves.all if leaf.path.startswith(prefix) and leaves.in_chain(leaf.path)]
    return any(leaf.unit is None for leaf in inside)
