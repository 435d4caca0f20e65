"""The graph of a Keras model as one flat list of steps, models within models dissolved, and running any part of it.

`flatten` makes the steps, `Network` gives them modules, finds all shapes without computing anything, and runs the
steps between given values and wanted ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.keras_config import KerasError, Layer, Model, Ref, first_shape
from explorer.models.keras_layers import Function, make
from explorer.models.keras_opaque import HalfSampling, Sampling, recognised
from explorer.models.keras_weighted import Shape, Weighted

MOST_STEPS = 20_000
_MOST_VALUES = 1 << 27  # in one tensor, for one picture
_COUNT = 2  # pictures with which shapes are found


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
        """Add the calls whose inputs are there, until none is left or none can."""
        while pending:
            later = []
            for layer, index in pending:
                call = layer.calls[index]
                try:
                    args = tuple(_resolved(arg, known, offsets) for arg in call.args)
                    kwargs = {key: _resolved(value, known, offsets) for key, value in call.kwargs.items()}
                except LookupError:
                    later.append((layer, index))
                    continue
                recorded = layer.recorded.get((index, 0))
                known[layer.name, index] = self._call(layer, args, kwargs, recorded)
            if len(later) == len(pending):
                return
            pending = later

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
            refs += _refs((list(call.args), dict(call.kwargs)))
    for ref in refs:
        used.setdefault(ref.layer, set()).add(ref.call)
    within = {layer.name for layer in model.layers if layer.inner is not None}
    return {name: 1 for name, calls in used.items() if name in within and 0 not in calls}


def _refs(tree: Any) -> Iterator[Ref]:
    if isinstance(tree, Ref):
        yield tree
    elif isinstance(tree, list | tuple):
        for inner in tree:
            yield from _refs(inner)
    elif isinstance(tree, dict):
        for inner in tree.values():
            yield from _refs(inner)


def _looked_up(ref: Ref, known: Mapping[Any, Any], offsets: Mapping[str, int]) -> Any:
    found = known.get((ref.layer, ref.call - offsets.get(ref.layer, 0)))
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


@dataclass(frozen=True, eq=False)
class Plan:
    """The steps that lead from given values to wanted ones."""

    given: tuple[Value, ...]
    wanted: tuple[Value, ...]
    steps: tuple[int, ...]
    last_use: Mapping[int, tuple[Value, ...]]


class Network(nn.Module):
    """The steps of a graph with their modules; weights come later, by `Weighted.take`.

    Attributes:
        graph: the steps.
        shapes: of every value that is known, without the number of pictures.
        unknown: numbers of the steps that nobody knows how to run.
        layers_of: the module of each layer that is called, by the layer's identity.
    """

    def __init__(
        self, graph: Graph, version: int, weights: Mapping[int, Sequence[Tensor]] | None = None
    ) -> None:
        super().__init__()
        self.graph = graph
        self.version = version
        self.shapes: dict[Value, Shape] = {}
        self.unknown: set[int] = set()
        self.layers_of: dict[int, nn.Module] = {}
        self._held = nn.ModuleList()
        self._modules_of: list[nn.Module | None] = []
        self._meta: list[Any] = []
        self._outputs_used = {value for step in graph.steps for value in step.sources if value.output}
        for index, step in enumerate(graph.steps):
            result = self._infer(index, step, weights or {})
            self._meta.append(result)
            self._note(index, result)

    def module_of(self, step: int) -> nn.Module | None:
        """Return the module of a step; None for inputs and what is unknown."""
        return self._modules_of[step]

    def plan(self, given: Sequence[Value], wanted: Sequence[Value]) -> Plan:
        """Return the steps from given values to wanted ones.

        Raises:
            KerasError: they need an input that is not given, or a step that nobody knows how to run.
        """
        needed: set[int] = set()
        todo = [value for value in wanted if value not in given]
        while todo:
            value = todo.pop()
            if value.step in needed:
                continue
            step = self.graph.steps[value.step]
            if step.is_input:
                raise KerasError(f"needs its input {step.layer.name[:60]}, which nothing gives")
            if value.step in self.unknown:
                raise KerasError(unknown_layer(step.layer))
            needed.add(value.step)
            todo += [source for source in step.sources if source not in given]
        steps = tuple(sorted(needed))
        return Plan(tuple(given), tuple(wanted), steps, self._last_use(steps, wanted))

    def run(self, plan: Plan, given: Sequence[Tensor]) -> list[Any]:
        """Run the steps of a plan; return the wanted values, as Keras lays them out."""
        known: dict[Value, Any] = dict(zip(plan.given, given, strict=True))
        results: dict[int, Any] = {}
        for index in plan.steps:
            step, module = self.graph.steps[index], self._modules_of[index]
            assert module is not None
            args = [_fed(arg, known, results) for arg in step.args]
            kwargs = {key: _fed(value, known, results) for key, value in step.kwargs.items()}
            results[index] = module(*args, **kwargs)
            for value in plan.last_use.get(index, ()):
                results.pop(value.step, None)
        return [_fed(value, known, results) for value in plan.wanted]

    def _last_use(self, steps: Sequence[int], wanted: Sequence[Value]) -> dict[int, tuple[Value, ...]]:
        """Return which values are needed no more after a step, so that memory is given back early."""
        last: dict[int, int] = {}
        for index in steps:
            for source in self.graph.steps[index].sources:
                last[source.step] = index
        for value in wanted:
            last.pop(value.step, None)
        after: dict[int, list[Value]] = {}
        for step, index in last.items():
            after.setdefault(index, []).append(Value(step))
        return {index: tuple(values) for index, values in after.items()}

    def _infer(self, index: int, step: Step, weights: Mapping[int, Sequence[Tensor]]) -> Any:
        """Return the result of a step as a tensor without memory; None where it is unknown."""
        self._modules_of.append(None)
        if step.is_input:
            shape = step.shape if step.shape is not None else self._told_by_weights(index, weights)
            return None if shape is None else _empty(_filled(shape))
        known: dict[Value, Any] = {}
        sources = step.sources
        for value in sources:
            known[value] = _picked(self._meta[value.step], value.output)
        if any(entry is None for entry in known.values()):
            self.unknown.add(index)
            return self._said(index, step)
        shapes = [_shape(known[value]) for value in sources if isinstance(known[value], Tensor)]
        module = self._module(step, shapes)
        if module is None:
            self.unknown.add(index)
            return self._said(index, step)
        self._modules_of[index] = module
        return self._tried(step, module, known)

    def _said(self, index: int, step: Step) -> Tensor | None:
        """Return the result of an unknown step by the shape that the file notes of it, if it does."""
        shape = step.recorded if step.recorded is not None and None not in step.recorded else None
        shape = shape or self.graph.stated.get(Value(index))
        return None if shape is None else _empty(shape)  # type: ignore[arg-type]

    def _module(self, step: Step, shapes: Sequence[Shape]) -> nn.Module | None:
        """Return the module of a step's layer, the same one for every call of the layer."""
        layer = step.layer
        module = self.layers_of.get(id(layer))
        if module is not None:
            return module
        module = make(layer, shapes, self.version)
        if module is None:
            names = [self.graph.steps[value.step].layer.name for value in step.sources]
            target = step.recorded if step.recorded is not None and None not in step.recorded else None
            function = recognised(layer, shapes, names, self._are_siblings(step), target, self._used(step))  # type: ignore[arg-type]
            if function is None:
                return None
            module = Function(function)
            module.function = function  # type: ignore[assignment]
        self.layers_of[id(layer)] = module
        self._held.append(module)
        return module

    def keep(self, plans: Sequence[Plan]) -> None:
        """Forget the modules that no plan needs, and so their weights."""
        needed = {step for plan in plans for step in plan.steps}
        self._modules_of = [
            module if index in needed else None for index, module in enumerate(self._modules_of)
        ]
        kept = {id(module): module for module in self._modules_of if module is not None}
        self._held = nn.ModuleList(kept.values())
        self.layers_of = {key: module for key, module in self.layers_of.items() if id(module) in kept}
        self._meta = []

    def sampling(self, step: int) -> Sampling | HalfSampling | None:
        """Return how a step draws codes; None where it doesn't."""
        function = getattr(self._modules_of[step], "function", None)
        return function if isinstance(function, Sampling | HalfSampling) else None

    def _used(self, step: Step) -> int:
        """Return how many outputs of a step are used."""
        return 1 + max(
            (value.output for value in self._outputs_used if self.graph.steps[value.step] is step), default=0
        )

    def _are_siblings(self, step: Step) -> bool:
        """Tell whether the first two inputs are made of the same value by a layer each: two heads."""
        if len(step.sources) < 2:
            return False
        first, second = (self.graph.steps[value.step] for value in step.sources[:2])
        return first is not second and bool(first.sources) and first.sources == second.sources

    def _tried(self, step: Step, module: nn.Module, known: Mapping[Value, Any]) -> Any:
        """Run a module on tensors without memory.

        Raises:
            KerasError: it does not fit what it is given.
        """
        layer = step.layer
        args = [_fed(arg, known, {}) for arg in step.args]
        kwargs = {key: _fed(value, known, {}) for key, value in step.kwargs.items()}
        try:
            with torch.device("meta"):
                result = module(*args, **kwargs)
        except KerasError:
            raise
        except (
            RuntimeError,
            ValueError,
            TypeError,
            IndexError,
            KeyError,
            OverflowError,
            AttributeError,
            ZeroDivisionError,
        ) as error:
            given = ", ".join(
                "x".join(map(str, _shape(value))) for value in known.values() if isinstance(value, Tensor)
            )
            raise KerasError(
                f"gives its layer {layer.name[:60]} ({layer.class_name[:40]}) values of {given}, which do not fit"
            ) from error
        for tensor in result if isinstance(result, list | tuple) else [result]:
            if isinstance(tensor, Tensor) and tensor.numel() > _MOST_VALUES * _COUNT:
                raise KerasError(
                    f"makes values of {'x'.join(map(str, tensor.shape[1:]))}, far too many for any picture"
                )
        return result

    def _told_by_weights(self, index: int, weights: Mapping[int, Sequence[Tensor]]) -> Shape | None:
        """Return the shape of an input that only the weights of the layer behind it tell."""
        for step in self.graph.steps[index + 1 :]:
            if Value(index) in step.sources:
                arrays = weights.get(id(step.layer), ())
                if step.layer.class_name == "Dense" and arrays:
                    return (arrays[0].shape[0],)
                if step.layer.class_name in ("Dropout", "GaussianNoise", "BatchNormalization", "Flatten"):
                    return (arrays[0].shape[0],) if arrays else None
                return None
        return None

    def _note(self, index: int, result: Any) -> None:
        results = result if isinstance(result, list | tuple) else [result]
        for output, tensor in enumerate(results):
            if isinstance(tensor, Tensor):
                self.shapes[Value(index, output)] = _shape(tensor)


def unknown_layer(layer: Layer) -> str:
    """Return the end of the sentence that names a layer nobody knows how to run."""
    if layer.class_name == "Lambda":
        return (
            f"has a Lambda layer ({layer.name[:60]}), whose code from the file is never run; save the part behind it "
            "by itself, or use a layer of Keras instead"
        )
    return (
        f"has a layer {layer.name[:60]} of the class {layer.class_name[:60]}, which is not known here; save the part "
        "without it"
    )


def _picked(result: Any, output: int) -> Any:
    if isinstance(result, list | tuple) and result and isinstance(result[0], Tensor):
        return result[output] if output < len(result) else None
    return result if output == 0 else None


def _fed(tree: Any, known: Mapping[Value, Any], results: Mapping[int, Any]) -> Any:
    if isinstance(tree, Value):
        return known[tree] if tree in known else _picked(results[tree.step], tree.output)
    if isinstance(tree, list | tuple):
        return [_fed(inner, known, results) for inner in tree]
    if isinstance(tree, dict):
        return {key: _fed(inner, known, results) for key, inner in tree.items()}
    return tree


def _filled(shape: tuple[int | None, ...]) -> Shape:
    """Return a shape with a size where any would do."""
    return tuple(size if size is not None else (64 if len(shape) > 1 else 1) for size in shape)


def _empty(shape: Shape) -> Tensor:
    if any(size < 0 for size in shape) or math.prod(shape) > _MOST_VALUES:
        raise KerasError(f"takes values of {'x'.join(map(str, shape))[:80]}, far too many for any picture")
    return torch.empty((_COUNT, *shape), device="meta")


def _shape(tensor: Tensor) -> Shape:
    return tuple(tensor.shape[1:])


def weighted(network: Network, layer: Layer) -> Weighted | None:
    """Return the module of a layer that has weights."""
    module = network.layers_of.get(id(layer))
    return module if isinstance(module, Weighted) else None
