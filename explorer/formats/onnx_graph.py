"""What an ONNX file states: its graph's inputs, outputs, layers and weights, read without onnxruntime.

Only as much as is needed to say what goes in and comes out, and for `onnx_checks`. Used in the child process, but for
`looks_like`.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field

from explorer.data.wording import shown
from explorer.formats.protobuf import Message, numbers, real, signed, text
from explorer.formats.span import Damaged, Span, TooMuch

Shape = tuple[int | None, ...]

KINDS = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
    11: "float64", 12: "uint32", 13: "uint64",
}  # fmt: skip
"""Kinds of numbers by ONNX's number for them."""

FLOATS = ("float32", "float16", "float64")
_BITS = {16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4}  # further kinds that weights may have
_MOST_DIMENSIONS = 32
_MOST_SCALARS = 64  # bytes of a constant whose value is kept


@dataclass(frozen=True, eq=False)
class Stored:
    """A constant: shape, kind, its value where it is a single number, and the file it lies in if another."""

    dims: tuple[int, ...]
    kind: str
    value: float | None = None
    external: dict[str, str] | None = None


@dataclass(frozen=True, eq=False)
class Node:
    """One call of an operator."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: dict[str, float | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Port:
    """An input or output of the graph; `shape` is None where nothing is said of it, a side where it may be any."""

    name: str
    kind: str
    shape: Shape | None


@dataclass(eq=False)
class Graph:
    """The graph, and all that lies in graphs within it."""

    producer: str = ""
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Stored] = field(default_factory=dict)
    domains: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    stored: list[Stored] = field(default_factory=list)

    @property
    def weights(self) -> int:
        """How many floating point numbers it keeps."""
        return sum(math.prod(each.dims) for each in self.stored if "float" in each.kind)

    def maker(self, name: str) -> Node | None:
        """Return the node that gives a value."""
        return next((node for node in reversed(self.nodes) if name in node.outputs), None)


def read(span: Span) -> Graph:
    """Return what the file states.

    Raises:
        Damaged: it is no ONNX file, or cut off.
    """
    found = Graph()
    model = Message(span)
    has_graph = False
    for number, value in model.fields():
        if number == 2:
            found.producer = text(value)
        elif number == 7:
            has_graph = True
            _graph(model.inner(value), found, True)
        elif number == 25:
            _function(model.inner(value), found)
    if not has_graph:
        raise Damaged("it holds no graph")
    return found


def _function(message: Message, found: Graph) -> None:
    for number, value in message.fields():
        if number == 10:
            found.functions.add(text(value))
        elif number == 7:
            _node(message.inner(value), found)


def _graph(message: Message, found: Graph, is_whole: bool) -> None:
    for number, value in message.fields():
        if number == 1:
            node = _node(message.inner(value), found)
            if is_whole:
                found.nodes.append(node)
        elif number in (5, 15):
            inner = message.inner(value)
            name, stored = _stored(inner) if number == 5 else _sparse(inner)
            found.stored.append(stored)
            if is_whole:
                found.constants[name] = stored
        elif is_whole and number in (11, 12):
            (found.inputs if number == 11 else found.outputs).append(_port(message.inner(value)))
    if is_whole:
        found.inputs = [port for port in found.inputs if port.name not in found.constants]


def _node(message: Message, found: Graph) -> Node:
    inputs, outputs, op, domain = [], [], "", ""
    settings: dict[str, float | int] = {}
    kept: Stored | None = None
    for number, value in message.fields():
        if number == 1:
            inputs.append(text(value))
        elif number == 2:
            outputs.append(text(value))
        elif number == 4:
            op = text(value)
        elif number == 7:
            domain = text(value)
        elif number == 5:
            kept = _attribute(message.inner(value), settings, found) or kept
    found.domains.add(domain)
    found.operators.add(op)
    if kept is not None and op == "Constant" and outputs:
        found.constants[outputs[0]] = kept
    return Node(op, tuple(inputs), tuple(outputs), settings)


def _attribute(message: Message, settings: dict[str, float | int], found: Graph) -> Stored | None:
    """Note a setting that is one number; return a constant."""
    name, kept = "", None
    said: float | int | None = None
    for number, value in message.fields():
        if number == 1:
            name = text(value)
        elif number == 2:
            said = real(value)
        elif number == 3:
            said = signed(value)
        elif number in (5, 10):
            kept = _stored(message.inner(value))[1]
            found.stored.append(kept)
        elif number in (6, 11):
            _graph(message.inner(value), found, False)
        elif number in (22, 23):
            kept = _sparse(message.inner(value))[1]
            found.stored.append(kept)
    if said is not None:
        settings[name] = said
        if name in ("value_float", "value_int"):
            return Stored((), "float32", float(said))
    return kept


def _sparse(message: Message) -> tuple[str, Stored]:
    """Return the values of a sparse constant; their places may not lie in another file either."""
    found = [_stored(message.inner(value)) for number, value in message.fields() if number in (1, 2)]
    outside = next((stored.external for _, stored in found if stored.external), None)
    return (found[0][0], Stored((), "sparse", None, outside)) if found else ("", Stored((), "sparse"))


_ITEMS = {4: 4, 5: 1, 6: 1, 7: 1, 10: 8, 11: 1}  # least bytes of a number in each list of a tensor


def _stored(message: Message) -> tuple[str, Stored]:
    name, dims, number_kind, is_outside = "", list[int](), 0, False
    raw: Span | None = None
    room, single = 0, None
    external: dict[str, str] = {}
    for number, value in message.fields():
        if number == 1:
            dims += numbers(value, _MOST_DIMENSIONS)
        elif number == 2:
            number_kind = signed(value)
        elif number in _ITEMS:
            room += len(value) // _ITEMS[number] if isinstance(value, Span) else 1
            single = (number, value) if single is None else single
        elif number == 8:
            name = text(value)
        elif number == 9 and isinstance(value, Span):
            raw = value
        elif number == 13:
            key, entry = _pair(message.inner(value))
            external[key] = entry
        elif number == 14:
            is_outside = value == 1
    shape = _sound(dims)
    kind = KINDS.get(
        number_kind, "float" if number_kind in (16, 17, 18, 19, 20, 23) else f"kind {number_kind}"
    )
    if is_outside or external:
        return name, Stored(shape, kind, None, external)
    size = math.prod(shape)
    if number_kind != 8 and size > (
        len(raw) * 8 // _bits(number_kind) if raw is not None else max(room, 0) * 2
    ):
        raise Damaged(f"{shown(name)} says {size} numbers, which are not there")
    return name, Stored(shape, kind, _single(raw, single, kind) if size == 1 else None)


def _bits(number_kind: int) -> int:
    if number_kind in _BITS:
        return _BITS[number_kind]
    name = KINDS.get(number_kind, "")
    return int("".join(letter for letter in name if letter.isdigit()) or 8)


def _sound(dims: list[int]) -> tuple[int, ...]:
    if len(dims) > _MOST_DIMENSIONS or any(not 0 <= side < 1 << 40 for side in dims):
        raise Damaged("a tensor with absurd sides")
    return tuple(dims)


_FORMATS = {
    "float32": "<f",
    "float16": "<e",
    "float64": "<d",
    "int32": "<i",
    "int64": "<q",
    "uint8": "<B",
    "int8": "<b",
}


def _single(raw: Span | None, single: tuple[int, int | Span] | None, kind: str) -> float | None:
    """Return the value of a constant that is one number."""
    if raw is not None:
        form = _FORMATS.get(kind)
        is_one = form is not None and len(raw) == struct.calcsize(form)
        return float(struct.unpack(form, raw.copy())[0]) if form and is_one else None
    if single is None:
        return None
    number, value = single
    if number in (4, 10):
        return real(value) if isinstance(value, Span) and len(value) in (4, 8) else None
    return float(numbers(value, _MOST_SCALARS)[0]) if kind not in ("float16", "float") else None


def _pair(message: Message) -> tuple[str, str]:
    said = {number: text(value) for number, value in message.fields() if number in (1, 2)}
    return said.get(1, ""), said.get(2, "")


def _port(message: Message) -> Port:
    name, kind = "", ""
    shape: Shape | None = None
    for number, value in message.fields():
        if number == 1:
            name = text(value)
        elif number == 2:
            kind, shape = _type(message.inner(value))
    return Port(name, kind, shape)


def _type(message: Message) -> tuple[str, Shape | None]:
    kind, shape = "", None
    for number, value in message.fields():
        if number != 1:  # a sequence or a map
            continue
        tensor = message.inner(value)
        for part, inner in tensor.fields():
            if part == 1:
                kind = KINDS.get(signed(inner), f"kind {signed(inner)}")
            elif part == 2:
                sides = tensor.inner(inner)
                shape = tuple(_side(sides.inner(side)) for entry, side in sides.fields() if entry == 1)
    if shape is not None and len(shape) > _MOST_DIMENSIONS:
        raise TooMuch("an input of absurdly many dimensions")
    return kind, shape


def _side(message: Message) -> int | None:
    """Return a side; None where it has a name or is open."""
    for number, value in message.fields():
        if number == 1:
            side = signed(value)
            return side if 0 < side < 1 << 31 else None
    return None


def looks_like(head: bytes) -> bool:
    """Return whether first bytes are those of an ONNX file: a version of the format, and then a field of a model."""
    if len(head) < 8 or head[0] != 0x08 or not 0 < head[1] < 64:
        return False
    return head[2] in _AFTER_VERSION


_AFTER_VERSION = {2 << 3 | 2, 3 << 3 | 2, 4 << 3 | 2, 5 << 3, 6 << 3 | 2, 7 << 3 | 2, 8 << 3 | 2, 14 << 3 | 2}
