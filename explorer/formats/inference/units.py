"""Tensors grouped to units (one layer's weight, bias, statistics) in the order in which the file registers them.

Also which submodules without tensors stand between two units. What the units form together is for `parts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from explorer.formats.inference import Module
from explorer.models.layers import Layer

UnitKind = Literal["linear", "conv", "norm", "prelu", "table", "other"]

_FIELDS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_MOST_MISSING = 8  # numbers in a row without tensors
_TABLES = re.compile(r"emb|label|class|cond|table|codebook", re.IGNORECASE)


@dataclass(frozen=True)
class Unit:
    """What has tensors under one name.

    Attributes:
        key: `decoder.0`.
        kind: "conv" also stands for transposed ones; "norm" for all norms with tensors.
        shape: of the weight; of the statistics for a norm without one.
        bias: length of the bias; 0 without one.
        place: index in `Leaves.all`.
        tracked: whether it has running statistics.
        layer: what the file states it to be, with its options.
    """

    key: str
    kind: UnitKind
    shape: tuple[int, ...]
    bias: int = 0
    place: int = 0
    tracked: bool = False
    layer: Layer | None = None

    @property
    def width(self) -> int:
        """Of a norm or PReLU: how many channels."""
        return self.shape[0] if self.shape else 1


@dataclass(frozen=True)
class Leaf:
    """A submodule without submodules: a unit, or one that has no tensors.

    Attributes:
        path: its name.
        unit: what has its tensors.
        layer: what the file states it to be.
        cls: the class that the file names.
    """

    path: str
    unit: Unit | None = None
    layer: Layer | None = None
    cls: str = ""

    @property
    def parent(self) -> str:
        """The path of what it is in."""
        return self.path.rpartition(".")[0]


@dataclass(frozen=True)
class Leaves:
    """All leaves in the order of registration.

    Attributes:
        all: units and keyless ones.
        listed: whether the file lists the keyless ones; where it does not, an absent one says nothing.
        chains: paths of submodules whose children are numbered, so that they most likely run in their order.
    """

    all: tuple[Leaf, ...]
    listed: bool = False
    chains: frozenset[str] = field(default_factory=frozenset)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Those with tensors."""
        return tuple(leaf.unit for leaf in self.all if leaf.unit is not None)

    def in_chain(self, path: str) -> bool:
        """Return whether a leaf is a numbered child."""
        return path.rpartition(".")[0] in self.chains

    def between(self, first: int, second: int) -> tuple[Leaf, ...]:
        """Return the keyless leaves between two places."""
        return tuple(leaf for leaf in self.all[first + 1 : second] if leaf.unit is None)


def natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts `conv2` before `conv10`."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part)) if part.isdigit() else (1, part) for part in parts)


def leaves_of(tensors: Mapping[str, Tensor], modules: Sequence[Module] | None) -> Leaves:
    """Return the units of a file among the submodules it lists.

    Args:
        tensors: by name.
        modules: in the order of registration; None where the file lists none.
    """
    names = _grouped(tensors)
    if modules is None:
        ordered = _with_gaps([Module(key) for key in names])
    else:
        paths = {module.path for module in modules}
        ordered = [*modules, *(Module(key) for key in names if key not in paths)]
    parents = {module.path.rpartition(".")[0] for module in ordered if module.path}
    found: list[Leaf] = []
    for module in ordered:
        if module.path in names:
            unit = _unit(module, names[module.path], len(found))
            found.append(Leaf(module.path, unit, module.layer, module.cls))
        elif module.path and module.path not in parents:
            found.append(Leaf(module.path, None, module.layer, module.cls))
    return Leaves(tuple(found), modules is not None, _chains(ordered))


def _with_gaps(modules: list[Module]) -> list[Module]:
    """Return modules with those that a missing number tells of: between `net.0` and `net.2` stood `net.1`."""
    chains = _chains(modules)
    found: list[Module] = []
    seen: dict[str, int] = {}
    for module in modules:
        for parent, number in _numbers(module.path, chains):
            missing = range(seen.get(parent, -1) + 1, number)
            if len(missing) <= _MOST_MISSING:
                found += [Module(f"{parent}.{at}" if parent else str(at)) for at in missing]
            seen[parent] = max(number, seen.get(parent, -1))
        found.append(module)
    return found


def _numbers(path: str, chains: frozenset[str]) -> list[tuple[str, int]]:
    """Return the numbered steps on the way to a module: `("decoder", 3)` of `decoder.3.weight`."""
    parts = path.split(".")
    steps = [(".".join(parts[:at]), part) for at, part in enumerate(parts)]
    return [(parent, int(part)) for parent, part in steps if part.isdigit() and parent in chains]


def _grouped(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Return shapes by unit and field; sorted naturally where the file sorts its names by letters."""
    keys = list(tensors)
    named = [key for key in keys if not key.endswith("num_batches_tracked")]  # another type, so sorted apart
    if len(named) > 2 and named == sorted(named):
        keys = sorted(keys, key=natural)
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for key in keys:
        unit, _, name = key.rpartition(".")
        if name not in _FIELDS:
            unit, name = key, "value"
        found.setdefault(unit, {})[name] = tuple(tensors[key].shape)
    return found


def _chains(modules: Sequence[Module]) -> frozenset[str]:
    """Return the paths whose children are all numbered."""
    children: dict[str, set[str]] = {}
    for module in modules:
        parts = module.path.split(".") if module.path else []
        for at, part in enumerate(parts):
            children.setdefault(".".join(parts[:at]), set()).add(part)
    return frozenset(parent for parent, names in children.items() if all(name.isdigit() for name in names))


def _unit(module: Module, fields: Mapping[str, tuple[int, ...]], place: int) -> Unit:
    shape = fields.get("weight", fields.get("running_mean", fields.get("value", ())))
    bias = fields.get("bias", (0,))
    length = bias[0] if len(bias) == 1 else 0
    tracked = "running_mean" in fields and "running_var" in fields
    kind = _kind(module, fields, shape, length, tracked)
    return Unit(module.path, kind, shape, length, place, tracked, module.layer)


def _kind(
    module: Module, fields: Mapping[str, tuple[int, ...]], shape: tuple[int, ...], bias: int, tracked: bool
) -> UnitKind:
    """Return what a unit is by the shapes of its tensors."""
    if "value" in fields or 0 in shape:
        return "other"
    if tracked:
        return "norm"
    if len(shape) == 2:
        named = module.cls == "Embedding" or _TABLES.search(module.path)
        return "table" if not bias and named and module.layer is None else "linear"
    if len(shape) == 4:
        return "conv"
    if fields.get("bias") == shape and shape:
        return "norm"
    return "prelu" if len(shape) == 1 and "bias" not in fields else "other"
