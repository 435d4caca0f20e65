"""Running any part of a Keras graph: modules for its steps, all shapes without computing anything, plans."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.models.keras_config import KerasError, Layer
from explorer.models.keras_layers import Function, make
from explorer.models.keras_opaque import HalfSampling, Sampling, recognised
from explorer.models.keras_steps import Graph, Part, Step, Value, flatten
from explorer.models.keras_weighted import Shape
from explorer.models.shapes_alone import ShapesAlone

__all__ = ["Graph", "Network", "Part", "Plan", "Step", "Value", "flatten", "unknown_layer"]

_MOST_VALUES = 1 << 27  # in one tensor, for one picture
_COUNT = 2  # pictures with which shapes are found


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
        module = _made(layer, shapes, self.version)
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
            with torch.device("meta"), ShapesAlone():
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


def _made(layer: Layer, shapes: Sequence[Shape], version: int) -> nn.Module | None:
    """Return the module of a layer; see `keras_layers.make`.

    Raises:
        KerasError: its settings make no sense.
    """
    try:
        return make(layer, shapes, version)
    except KerasError:
        raise
    except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise KerasError(
            f"gives its layer {layer.name[:60]} ({layer.class_name[:40]}) settings that make no sense; it is damaged"
        ) from error


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
