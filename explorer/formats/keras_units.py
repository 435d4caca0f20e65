"""Keras weights without a description as chains of layers: what kind each is, and what stands between them.

Keras 2 lists all layers by name in their order, those without weights too; Keras 3 only counts layers by class.
Kinds come from the shapes of the weights, or the default name of the class where shapes leave it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.formats.keras_layout import Found

_TRANSPOSED = re.compile(r"transpose|deconv|convt|conv\w*_t(_|\d|$)|upconv")
_MARKS = (
    ("lrelu", re.compile(r"leaky")),
    ("relu", re.compile(r"^re_?lu|_relu|^relu|act\w*_relu")),
    ("elu", re.compile(r"^elu|_elu")),
    ("activation", re.compile(r"^activation|^act|tanh|sigmoid|softmax")),
    ("up", re.compile(r"up_?sampl|^up")),
    ("reshape", re.compile(r"reshape")),
    ("flatten", re.compile(r"flatten")),
    ("pool", re.compile(r"pool")),
    ("dropout", re.compile(r"dropout")),
    ("input", re.compile(r"input")),
    ("sampling", re.compile(r"sampl|lambda|repar")),
    ("join", re.compile(r"concat|merge|multiply|^add|_add|average|subtract|dot")),
    ("resize", re.compile(r"crop|padding|resiz")),
)


@dataclass(frozen=True, eq=False)
class Unit:
    """A layer.

    Attributes:
        kind: "dense", "conv", "convT", "bn", "ln", "prelu", "embedding"; without weights "lrelu", "relu", "elu",
            "activation", "up", "reshape", "flatten", "pool", "dropout", "input", "sampling", "join", "resize",
            "other".
        name: in the file.
        entries: its weights.
        order: how many of its class come before it.
    """

    kind: str
    name: str
    entries: tuple[Found, ...] = ()
    order: int = 0

    @property
    def kernel(self) -> tuple[int, ...]:
        """Shape of the first weight."""
        return tuple(self.entries[0].tensor.shape) if self.entries else ()

    @property
    def width_in(self) -> int:
        """Values or channels that come in."""
        shape = self.kernel
        return shape[3] if self.kind == "convT" else shape[-2] if len(shape) > 1 else shape[0]

    @property
    def width_out(self) -> int:
        """Values or channels that go out."""
        shape = self.kernel
        return shape[2] if self.kind == "convT" else shape[-1]

    @property
    def has_bias(self) -> bool:
        """Whether a bias follows the kernel."""
        return len(self.entries) > 1


@dataclass(frozen=True, eq=False)
class Chain:
    """Layers of one model; `is_ordered` where the file tells their order, `is_complete` where no layer is left out."""

    name: str
    units: tuple[Unit, ...]
    is_ordered: bool
    is_complete: bool = False
    inner: tuple[Chain, ...] = field(default=())


def chains(content: Mapping[str, Any]) -> list[Chain]:
    """Return the chains of a file of weights, models within the whole after it."""
    listed = content.get("layers")
    found = _listed(listed) if listed is not None else list(_counted("", _tree(content.get("tree") or {})))
    return [replace(chain, units=tuple(_settled(chain.units))) for chain in found]


def _settled(units: Sequence[Unit]) -> Iterator[Unit]:
    """Yield units; a convolution whose shape and name leave open which kind it is, is of the kind of the others."""
    kinds = {unit.kind for unit in units}
    other = "convT" if "convT" in kinds and "conv" not in kinds else "conv"
    seen_dense = False
    for unit in units:
        if unit.kind == "conv?":  # behind a dense layer it is a decoder's
            unit = replace(unit, kind="convT" if "convT" in kinds and seen_dense else other)
        seen_dense = seen_dense or unit.kind == "dense"
        yield unit


def _listed(layers: Sequence[Mapping[str, Any]]) -> list[Chain]:
    whole: list[Unit] = []
    inner: list[Chain] = []
    for layer in layers:
        entries = [
            Found(f"{layer['name']}/{name}", tensor)
            for name, tensor in zip(layer["names"], layer["weights"], strict=True)
        ]
        groups = _grouped(entries)
        if not entries:
            whole.append(Unit(mark_of(layer["name"]), layer["name"]))
        elif len(groups) == 1:
            whole.append(_unit(layer["name"], layer["name"], entries))
        else:
            units = [_unit(key, key.rpartition("/")[2], group) for key, group in groups.items()]
            inner.append(Chain(layer["name"], tuple(units), True))
    has_weights = any(unit.entries for unit in whole)
    return [*([Chain("", tuple(whole), True, True)] if has_weights else []), *inner]


def _grouped(entries: Sequence[Found]) -> dict[str, list[Found]]:
    """Return weights by the layer that their names begin with."""
    groups: dict[str, list[Found]] = {}
    for entry in entries:
        groups.setdefault(entry.key.rpartition("/")[0], []).append(entry)
    return groups


def mark_of(name: str) -> str:
    """Return what kind of layer without weights a name says."""
    lower = name.lower()
    return next((kind for kind, pattern in _MARKS if pattern.search(lower)), "other")


def _unit(name: str, class_name: str, entries: Sequence[Found], order: int = 0) -> Unit:
    return Unit(_kind(class_name.lower(), entries), name, tuple(entries), order)


def _kind(name: str, entries: Sequence[Found]) -> str:
    shapes = [tuple(entry.tensor.shape) for entry in entries]
    rank = len(shapes[0]) if shapes else 0
    if rank == 4:
        bias = shapes[1][0] if len(shapes) > 1 and len(shapes[1]) == 1 else None
        if bias is not None and shapes[0][2] != shapes[0][3]:
            return "convT" if bias == shapes[0][2] else "conv"
        if _TRANSPOSED.search(name):
            return "convT"
        return "conv" if re.match(r"conv2d|conv\b|conv_2d|convolution", name) else "conv?"
    if rank == 2:
        return "embedding" if "embed" in name or "embed" in entries[0].key.lower() else "dense"
    if rank == 1 and len(set(shapes)) == 1:
        return {4: "bn", 3: "bn", 2: "ln", 1: "prelu"}.get(len(shapes), "other")
    return "prelu" if len(shapes) == 1 and rank == 3 else "other"


def _tree(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, tensor in flat.items():
        here: Any = tree
        *parts, last = path.split("/")
        for part in parts:
            here = here.setdefault(part, {})
            if not isinstance(here, dict):
                return {}
        here[last] = Found(path, tensor)
    return tree


def _counted(name: str, node: Mapping[str, Any]) -> Iterator[Chain]:
    """Yield the chains of Keras 3's groups: one for each group that holds layers."""
    units: list[Unit] = []
    inner: list[Chain] = []
    for key, child in node.items():
        if not isinstance(child, dict) or key == "vars":
            continue
        own = child.get("vars")
        values = [own[index] for index in sorted(own, key=_number)] if isinstance(own, dict) else []
        values = [value for value in values if isinstance(value, Found)]
        if values:
            base, order = _split(key)
            units.append(_unit(key, base, values, order))
        elif any(isinstance(below, dict) for below in child.values()):
            inner += _counted(key if key not in ("layers", "_layer_checkpoint_dependencies") else name, child)
    units.sort(key=lambda unit: unit.order)
    if units:
        yield Chain(name, tuple(units), False)
    yield from inner


def _split(key: str) -> tuple[str, int]:
    match = re.match(r"(.*?)_?(\d+)$", key)
    if match is None or re.fullmatch(r"conv[123]", match[1] + match[2]):
        return key, 0
    return match[1], int(match[2])


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 1 << 30
