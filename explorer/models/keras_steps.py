"""The graph of a Keras model as one flat list of steps, models within models dissolved."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.models.keras_config import KerasError, Layer, Model, Ref, each_ref, first_shape

MOST_STEPS = 4000


@dataclass(frozen=True)
class Value:
    """What a step gives; `output` counts where it gives several."""

    step: int
    output: int = 0


@dataclass(eq=False)
class Step:
    """One call of a layer, or an input (`layer.class_name` "InputLayer", no arguments)."""

    layer: Layer
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int | None, ...] | None = None  # of an input
    recorded: tuple[int | None, ...] | None = None

    @property
    def is_input(self) -> bool:
        """Whether values come in here."""
        return not self.args and not self.kwargs and self.layer.class_name == "InputLayer"

    @property
    def sources(self) -> list[Value]:
        """The values it is called with."""
        return list(_values((list(self.args), dict(self.kwargs))))


@dataclass(eq=False)
class Part:
    """A model, the whole or one within: where its values come in and go out."""

    place: tuple[str, ...]
    inputs: list[Value]
    outputs: list[Value]


@dataclass(eq=False)
class Graph:
    """All steps in an order in which they can run, and the models they came from."""

    steps: list[Step] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    stated: dict[Value, tuple[int | None, ...]] = field(default_factory=dict)
    """Shapes that a model within says of what it is called with."""


def flatten(models: Iterable[tuple[tuple[str, ...], Model]]) -> Graph:
    """Return the steps of models; one that isn't called within another has inputs of its own.

    Raises:
        KerasError: a layer is called with what is not there.
    """
    flattener = _Flattener()
    for place, model in models:
        flattener.add(model, None, place)
    return flattener.graph


class _Flattener:
    def __init__(self) -> None:
        self.graph = Graph()

    def add(self, model: Model, given: list[Any] | None, place: tuple[str, ...]) -> list[Any]:
        """Add the steps of a model called with values, or with inputs of its own; return what it gives."""
        part = Part(place, [], [])
        self.graph.parts.append(part)
        run = self._chain if model.inputs is None else self._graph
        part.outputs = run(model, given, part)
        return part.outputs

    def _input(self, layer: Layer, shape: tuple[int | None, ...] | None) -> Value:
        return self._step(Step(layer, shape=shape))

    def _step(self, step: Step) -> Value:
        if len(self.graph.steps) >= MOST_STEPS:
            raise KerasError("calls more layers than any network does; it is damaged")
        self.graph.steps.append(step)
        return Value(len(self.graph.steps) - 1)

    def _chain(self, model: Model, given: list[Any] | None, part: Part) -> list[Any]:
        values = list(given) if given is not None else [self._first_input(model)]
        part.inputs = list(values)
        if len(values) == 1 and model.layers:
            self._state(values[0], first_shape(model.layers[0]) or model.input_shape)
        for layer in model.layers:
            if layer.class_name == "InputLayer":
                continue
            args = (values,) if len(values) > 1 else tuple(values)
            values = self._call(layer, args, {}, None)
        return values

    def _state(self, value: Any, shape: tuple[int | None, ...] | None) -> None:
        if isinstance(value, Value) and shape is not None and None not in shape:
            self.graph.stated[value] = shape

    def _first_input(self, model: Model) -> Value:
        """Make the input of a chain, which its first layer or the chain itself tells."""
        shape, first = model.input_shape, model
        while first.layers:
            layer = first.layers[0]
            shape = first_shape(layer) or shape
            if layer.inner is None:
                break
            first = layer.inner
            shape = shape or first.input_shape
        name = first.layers[0].name if first.layers else model.name
        return self._input(Layer(name, "InputLayer", {}, path=(model.name, "input")), shape)

    def _graph(self, model: Model, given: list[Any] | None, part: Part) -> list[Any]:
        assert model.inputs is not None
        known: dict[tuple[str, int], list[Any] | Value] = {}
        layers = {layer.name: layer for layer in model.layers}
        wanted = list(model.inputs)
        for place, ref in enumerate(wanted):
            layer = layers.get(ref.layer)
            if given is not None and place < len(given):
                value = given[place]
                self._state(value, first_shape(layer) if layer is not None else None)
            else:
                layer = layer or Layer(ref.layer, "InputLayer", {})
                value = self._input(layer, first_shape(layer))
            part.inputs.append(value)
            known[ref.layer, ref.call] = [value]
        for layer in model.layers:  # an input that nobody lists
            if layer.class_name == "InputLayer" and (layer.name, 0) not in known:
                known[layer.name, 0] = [self._input(layer, first_shape(layer))]
        pending = [
            (layer, index)
            for layer in model.layers
            for index in range(len(layer.calls))
            if (layer.name, index) not in known
        ]
        offsets = _offsets(model)
        self._run_pending(pending, known, offsets)
        found = [_looked_up(ref, known, offsets) for ref in model.outputs]
        if any(value is None for value in found):
            raise KerasError(
                f"does not say how the outputs of its model {model.name[:60]} are made; it is damaged"
            )
        return found

    def _run_pending(
        self, pending: list[tuple[Layer, int]], known: dict[Any, Any], offsets: Mapping[str, int]
    ) -> None:
        """Add the calls whose inputs are there, each as soon as they are; some may never be."""
        waiting: dict[Any, list[int]] = {}
        missing: list[int] = []
        for number, (layer, index) in enumerate(pending):
            call = layer.calls[index]
            needs = {
                _place(ref, offsets) for ref in each_ref((list(call.args), dict(call.kwargs)))
            } - known.keys()
            missing.append(len(needs))
            for place in needs:
                waiting.setdefault(place, []).append(number)
        ready = deque(number for number, count in enumerate(missing) if not count)
        while ready:
            layer, index = pending[ready.popleft()]
            self._add_call(layer, index, known, offsets)
            for number in waiting.pop((layer.name, index), ()):
                missing[number] -= 1
                if not missing[number]:
                    ready.append(number)

    def _add_call(self, layer: Layer, index: int, known: dict[Any, Any], offsets: Mapping[str, int]) -> None:
        call = layer.calls[index]
        try:
            args = tuple(_resolved(arg, known, offsets) for arg in call.args)
            kwargs = {key: _resolved(value, known, offsets) for key, value in call.kwargs.items()}
        except LookupError:  # it asks for an output that is not there
            return
        known[layer.name, index] = self._call(layer, args, kwargs, layer.recorded.get((index, 0)))

    def _call(self, layer: Layer, args: tuple[Any, ...], kwargs: Mapping[str, Any], recorded: Any) -> Any:
        if layer.inner is not None:
            return self.add(layer.inner, list(_values((list(args), dict(kwargs)))), layer.path)
        kwargs = {key: value for key, value in kwargs.items() if key not in ("training", "mask")}
        return [self._step(Step(layer, args, kwargs, recorded=recorded))]


def _offsets(model: Model) -> dict[str, int]:
    """Return by how much calls of models within are counted too far: making them was the first, to Keras."""
    used: dict[str, set[int]] = {}
    refs = list(model.outputs)
    for layer in model.layers:
        for call in layer.calls:
            refs += each_ref((list(call.args), dict(call.kwargs)))
    for ref in refs:
        used.setdefault(ref.layer, set()).add(ref.call)
    within = {layer.name for layer in model.layers if layer.inner is not None}
    return {name: 1 for name, calls in used.items() if name in within and 0 not in calls}


def _place(ref: Ref, offsets: Mapping[str, int]) -> tuple[str, int]:
    return ref.layer, ref.call - offsets.get(ref.layer, 0)


def _looked_up(ref: Ref, known: Mapping[Any, Any], offsets: Mapping[str, int]) -> Any:
    found = known.get(_place(ref, offsets))
    if found is None:
        return None
    if len(found) == 1 and isinstance(found[0], Value) and ref.output:
        return Value(found[0].step, ref.output)
    return found[ref.output] if ref.output < len(found) else None


def _resolved(tree: Any, known: Mapping[Any, Any], offsets: Mapping[str, int]) -> Any:
    """Return a tree with values for the references in it.

    Raises:
        LookupError: one is not there yet.
    """
    if isinstance(tree, Ref):
        value = _looked_up(tree, known, offsets)
        if value is None:
            raise LookupError(tree.layer)
        return value
    if isinstance(tree, list | tuple):
        return [_resolved(inner, known, offsets) for inner in tree]
    if isinstance(tree, dict):
        return {key: _resolved(inner, known, offsets) for key, inner in tree.items()}
    return tree


def _values(tree: Any) -> Iterator[Value]:
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, list | tuple):
        for inner in tree:
            yield from _values(inner)
    elif isinstance(tree, dict):
        for inner in tree.values():
            yield from _values(inner)
