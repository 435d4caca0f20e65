"""A TorchScript file as layers: its tree of records gives the tensors, the text of its methods says how they are used.

The text is followed line by line with a `chains.Flow` in place of the input, never compiled and never run. Where
it is more than layers one after the other, the layers of each submodule are still exact, and `inference` orders them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from explorer.formats import module_tree, script_text
from explorer.formats.chains import Chains, Flow, NotAChain, Weight
from explorer.formats.content import Record
from explorer.formats.inference import Module
from explorer.formats.script_text import Class, Expression, Method, Unreadable
from explorer.models.layers import Layer

_MANGLED = re.compile(r"___torch_mangle_\d+\.?")
_MOST_LEVELS = 40
_MOST_STEPS = 50_000
_FUNCTIONAL = "__torch__.torch.nn.functional."
_MODULES = "__torch__.torch.nn.modules."


def unfold(record: Record) -> tuple[dict[str, Tensor], list[Module]]:
    """Return the tensors and submodules of a `torch_archive.SCRIPT` record, with layers where the text says them."""
    reader = _Reader(record)
    tensors = {name: weight.tensor for name, weight in reader.weights.items()}
    modules = [
        Module(path, reader.layer_of(path, each), each.name) for path, each in reader.records.items() if path
    ]
    return tensors, modules


def chain(record: Record) -> tuple[tuple[Layer, ...], dict[str, Tensor]]:
    """Return the layers from the network's input to its output, and their tensors.

    Raises:
        NotAChain: it is more than that.
    """
    reader = _Reader(record)
    try:
        found = reader.called(reader.records[""], "forward", [Flow()])
    except RecursionError as error:
        raise NotAChain("methods that call each other without end") from error
    if not isinstance(found, Flow):
        raise NotAChain("more than one output")
    return found.layers, reader.chains.tensors


class _Reader:
    """One file: its records and weights by path, and its text."""

    def __init__(self, record: Record) -> None:
        entries = record.entries
        self._constants = entries.get("constants")
        self._classes = script_text.classes_in(entries.get("code") or {})
        self.records: dict[str, Record] = {}
        self.weights: dict[str, Weight] = {}
        self._names: dict[int, str] = {}
        self.chains = Chains()
        self._steps = 0
        module = entries.get("module")
        for path, each in _walk(module if isinstance(module, Record) else Record("nothing"), "", 0):
            self.records[path] = each
            for name, value in _state(each).items():
                if isinstance(value, Tensor):
                    full = f"{path}.{name}" if path else name
                    self.weights[full] = Weight(value, full)
                    self._names.setdefault(id(value), full)

    def layer_of(self, path: str, record: Record) -> Layer | None:
        """Return what a submodule without submodules does, if it is one layer."""
        if any(isinstance(value, Record) for value in _state(record).values()):
            return None
        try:
            found = self.called(record, "forward", [Flow()])
        except (NotAChain, RecursionError):
            return None
        layers = found.layers if isinstance(found, Flow) else (None, None)
        if not layers:
            return Layer("identity")
        return layers[0] if len(layers) == 1 else None

    def called(self, record: Record, name: str, given: Sequence[Any], level: int = 0) -> Any:
        """Return what a method gives.

        Raises:
            NotAChain: it does more than layers do.
        """
        cls = self._classes.get(record.cls)
        stated = self._stated(record, cls) if name == "forward" else None
        if stated is not None and given and isinstance(given[0], Flow):
            return given[0].then(stated)
        method = cls.methods.get(name) if cls else None
        if method is None or level > _MOST_LEVELS:
            raise NotAChain(f"{record.name} has no text")
        values: dict[str, Any] = dict(zip(method.parameters, [record, *given], strict=False))
        values = dict.fromkeys(method.parameters) | values
        return _Frame(self, values, level).run(method)

    def _stated(self, record: Record, cls: Class | None) -> Layer | None:
        """Return the layer of torch that a scripted class states by its constants."""
        name = _MANGLED.sub("", record.cls)
        if cls is None or not cls.finals or not name.startswith(_MODULES):
            return None
        held = {key: value for key, value in _state(record).items() if isinstance(value, Tensor)}
        made = module_tree.stated(record.name, {**cls.finals, "_buffers": held})
        if made is None or made.kind not in module_tree.WITH_TENSORS:
            return made
        weights = {key: self.weight(value) for key, value in held.items() if value.is_floating_point()}
        return self.chains.layer(made.kind, made.options, **weights)

    def weight(self, tensor: Tensor) -> Weight:
        """Return a tensor with its name."""
        return Weight(tensor, self._names.get(id(tensor), ""))

    def constant(self, name: str) -> Any:
        """Return `CONSTANTS.c3`."""
        held = self._constants if isinstance(self._constants, list) else []
        at = int(name[1:]) if name[1:].isdigit() and len(name) < 8 else len(held)
        if at >= len(held):
            raise NotAChain("a constant that is not there")
        return self.value(held[at])

    def value(self, value: Any) -> Any:
        """Return what lies in a record as it is computed with."""
        return self.weight(value) if isinstance(value, Tensor) else value

    def step(self) -> None:
        """Count a step, so that methods that call each other come to an end."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise NotAChain("more steps than a network needs")


def _walk(record: Record, path: str, level: int) -> Iterator[tuple[str, Record]]:
    yield path, record
    for name, value in _state(record).items():
        if isinstance(value, Record) and value.cls.startswith("__torch__.") and level < _MOST_LEVELS:
            yield from _walk(value, f"{path}.{name}" if path else name, level + 1)


def _state(record: Record) -> dict[str, Any]:
    state = record.state if isinstance(record.state, dict) else {}
    return {name: value for name, value in state.items() if isinstance(name, str)}


class _Frame:
    """One call: its names and their values."""

    def __init__(self, reader: _Reader, values: dict[str, Any], level: int) -> None:
        self._reader = reader
        self._values = values
        self._level = level

    def run(self, method: Method) -> Any:
        returned = self._block(list(method.body), 4)
        return returned[0] if returned else None

    def _block(self, lines: list[str], indent: int) -> list[Any]:
        """Follow lines of one indentation; a list of one value once something is returned."""
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if not line.strip():
                continue
            self._reader.step()
            if line.startswith(" " * indent + "if "):
                inner, at = _indented(lines, at, indent)
                other: list[str] = []
                if at < len(lines) and lines[at] == " " * indent + "else:":
                    other, at = _indented(lines, at + 1, indent)
                found = self._branch(line.strip()[3:-1], inner, other, indent)
            else:
                found = self._statement(line.strip())
            if found:
                return found
        return []

    def _branch(self, condition: str, inner: list[str], other: list[str], indent: int) -> list[Any]:
        """Follow the branch that is taken; one that only raises is not."""
        try:
            known = self._value(condition)
        except NotAChain:
            known = None
        if not isinstance(known, bool):
            if not _only_raises(inner) and not _only_raises(other):
                raise NotAChain("a branch")
            known = _only_raises(other) and not _only_raises(inner)
        return self._block(inner if known else other, indent + 2)

    def _statement(self, text: str) -> list[Any]:
        if text == "pass":
            return []
        if text.startswith("return "):
            return [self._value(text[7:])]
        match = re.match(r"(\w+(?:, \w+)*)(?: : [^=]*)? = (.*)", text)
        if match is None or text.startswith(("for ", "while ")):
            raise NotAChain(text[:40])
        names = match[1].split(", ")
        parts = _parts(match[2]) if len(names) > 1 else [match[2]]
        if len(parts) != len(names):
            raise NotAChain("values of an unknown number")
        made = [self._lazily(part) for part in parts]
        self._values.update(zip(names, made, strict=True))
        return []

    def _lazily(self, text: str) -> Any:
        """Return a value; what is no chain only matters if it is used."""
        try:
            return self._value(text)
        except NotAChain as error:
            return _Unknown(error)

    def _value(self, text: str) -> Any:
        try:
            return self._computed(script_text.parse(text))
        except Unreadable as error:
            raise NotAChain(str(error)) from error

    def _computed(self, expression: Expression) -> Any:
        self._reader.step()
        kind = expression[0]
        if kind == "value":
            return expression[1]
        if kind == "list":
            return [self._computed(item) for item in expression[1]]
        if kind == "call":
            return self._called(expression)
        if kind == "item":
            held, index = self._computed(expression[1]), self._computed(expression[2][0])
            if isinstance(held, list) and type(index) is int and -len(held) <= index < len(held):
                return held[index]
            raise NotAChain("a part of something")
        dotted = _dotted(expression)
        if dotted is not None and dotted.startswith(("torch.", "ops.", "__torch__.")):
            return _Function(dotted)
        if kind == "name":
            found = self._values.get(expression[1], _Unknown(NotAChain("a name that is not known")))
            if isinstance(found, _Unknown):
                raise found.error
            return found
        return self._attribute(expression)

    def _attribute(self, expression: Expression) -> Any:
        if expression[1] == ("name", "CONSTANTS"):
            return self._reader.constant(expression[2])
        held = self._computed(expression[1])
        return self._of(held, expression[2])

    def _of(self, held: Any, name: Any) -> Any:
        state = _state(held) if isinstance(held, Record) else {}
        if name not in state:
            raise NotAChain("an attribute that is not there")
        return self._reader.value(state[name])

    def _called(self, expression: Expression) -> Any:
        _, callee, given, named = expression
        if callee[0] == "name" and callee[1] in ("annotate", "unchecked_cast"):
            return self._computed(given[1])
        if (callee[0] == "of" and _dotted(callee) is None) or self._is_own(callee):
            record = self._computed(callee[1])
            arguments = [self._computed(each) for each in given]
            if not isinstance(record, Record):
                raise NotAChain("a method of something else")
            return self._reader.called(record, callee[2], arguments, self._level + 1)
        arguments = [self._computed(each) for each in given]
        if callee == ("name", "getattr"):
            return self._of(*arguments)
        name = callee[1] if callee[0] == "name" and callee[1] in ("int", "float", "bool") else None
        if name is None:
            function = self._computed(callee)
            if not isinstance(function, _Function):
                raise NotAChain("a call of something else")
            name = function.short
        options = {key: self._computed(each) for key, each in named.items()}
        return _apply(self._reader.chains, name, arguments, options)

    def _is_own(self, callee: Expression) -> bool:
        """Tell whether a callee is a method of something that has a name here."""
        if callee[0] != "of":
            return False
        root = callee
        while root[0] == "of":
            root = root[1]
        return root[0] != "name" or root[1] in self._values


class _Function:
    """A function of torch, by its name."""

    def __init__(self, name: str) -> None:
        self.short = _MANGLED.sub("", name)
        if self.short.startswith(_FUNCTIONAL):
            last = self.short.removeprefix(_FUNCTIONAL)
            self.short = f"functional.{last}" if last in ("batch_norm", "interpolate") else last
        else:
            self.short = self.short.rpartition(".")[2]


class _Unknown:
    """A value that could not be followed."""

    def __init__(self, error: NotAChain) -> None:
        self.error = error


def _apply(chains: Chains, name: str, given: list[Any], options: Mapping[str, Any]) -> Any:
    """Return what a function gives: of plain values here, of the input as a layer."""
    if name in _COMPARISONS and len(given) == 2 and not any(isinstance(v, Flow | Weight) and name in ("eq", "ne")
                                                            for v in given):  # fmt: skip
        return _COMPARISONS[name](*given)
    if name == "__not__":
        return not given[0]
    if name == "dim" and isinstance(given[0], Flow):
        return _dimensions(given[0])
    if given and isinstance(given[0], Flow) and name in ("relu", "leaky_relu", "elu", "dropout", "selu"):
        given = [value for value in given if type(value) is not bool]  # in place or training, of no effect
    return chains.apply(name, given, options)


_COMPARISONS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "__is__": lambda a, b: a is b,
    "__isnot__": lambda a, b: a is not b,
}


def _dimensions(flow: Flow) -> int:
    for layer in reversed(flow.layers):
        if layer.kind in ("linear", "flatten"):
            return 2
        if layer.kind in ("conv", "convT", "reshape"):
            return 4
    raise NotAChain("a number of dimensions that is not known")


def _dotted(expression: Expression) -> str | None:
    """Return `torch.nn.x`, if that is all an expression is."""
    names: list[str] = []
    while expression[0] == "of":
        names.append(expression[2])
        expression = expression[1]
    return ".".join([expression[1], *reversed(names)]) if expression[0] == "name" else None


def _indented(lines: list[str], at: int, indent: int) -> tuple[list[str], int]:
    inner = []
    while at < len(lines) and (lines[at].startswith(" " * (indent + 2)) or not lines[at]):
        inner.append(lines[at])
        at += 1
    return inner, at


def _only_raises(lines: list[str]) -> bool:
    words = [line.strip() for line in lines if line.strip()]
    ends = any(word.startswith("ops.prim.RaiseException") for word in words)
    return ends or (bool(words) and all(word == "pass" for word in words))


def _parts(text: str) -> list[str]:
    """Return what stands between commas outside of brackets."""
    found, depth, start = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            found.append(text[start:at])
            start = at + 1
    return [part.strip() for part in [*found, text[start:]]]
