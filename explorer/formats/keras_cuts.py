"""Where a Keras network of one piece can be cut: an autoencoder where it is narrowest, a GAN before its judge."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from explorer.formats.keras_inputs import is_label, layout_at, told_value
from explorer.formats.sidecars import Hints
from explorer.models.keras_graph import Network, Value
from explorer.models.keras_weighted import Shape

_FOLLOWS = re.compile(
    r"Normalization|Activation|ReLU|ELU|Dropout|Noise|Flatten|Reshape|Softmax|Permute|Regularization"
)


def cuts(network: Network, hints: Hints) -> Iterator[tuple[Value, Value, tuple[str, ...]]]:
    """Yield where a model of one piece can be cut: an autoencoder where it is narrowest, a GAN before its judge."""
    for part in network.graph.parts:
        pictures = [value for value in part.inputs if layout_at(network, value, hints)]
        for end in part.outputs:
            out, _ = told_value(network, end)
            shape = network.shapes.get(out)
            if shape is None:
                continue
            for given in pictures:
                if math.prod(network.shapes[given]) == math.prod(shape) and layout_at(network, out, hints):
                    yield from ((code, end, part.place) for code in _narrowest(network, given, out))
            if any(len(network.shapes[value]) > 1 for value in pictures):
                continue
            codes = [value for value in part.inputs if not is_label(network, value, part.inputs)]
            for code in codes[:1]:
                inner = _inner_picture(network, code, out, hints)
                if inner is not None:
                    yield code, inner, part.place


def _gates(network: Network, given: Value, out: Value) -> list[Value]:
    """Return the values through which every way from one value to another leads, in order.

    In an order in which steps can run, a step is such a gate when no value from before it is used after it.
    """
    above = all_before(network, out)
    outputs_of: dict[int, list[Value]] = {}
    for value in above:
        outputs_of.setdefault(value.step, []).append(value)
    on_way = {given.step}
    furthest: dict[int, int] = {}
    for index in range(given.step + 1, out.step + 1):
        sources = [v for v in network.graph.steps[index].sources if v.step in on_way and v in above]
        if sources and index in outputs_of:
            on_way.add(index)
            furthest |= {v.step: index for v in sources}
    gates = []
    reach = 0
    for index in sorted(on_way):
        outputs = outputs_of.get(index, [])
        if reach <= index and len(outputs) == 1:
            gates.append(outputs[0])
        reach = max(reach, furthest.get(index, 0))
    return gates


def all_before(network: Network, out: Value) -> set[Value]:
    """Return all values that one depends on, and itself."""
    seen: set[Value] = set()
    todo = [out]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        todo += network.graph.steps[value.step].sources
    return seen


def _narrowest(network: Network, given: Value, out: Value) -> list[Value]:
    """Return the narrowest place of an autoencoder: the fewest values, behind what follows without a kernel."""
    pixels = math.prod(network.shapes[given])
    gates = [
        value
        for value in _gates(network, given, out)
        if value not in (given, out) and value in network.shapes
    ]
    inner = [value for value in gates if math.prod(network.shapes[value]) < 0.9 * pixels]
    if not inner:
        inner = _fewest_places(network, gates, given)
    if not inner:
        return []
    least = min(math.prod(network.shapes[value]) for value in inner)
    place = next(
        index
        for index, value in enumerate(gates)
        if math.prod(network.shapes[value]) == least and value in inner
    )
    while place + 1 < len(gates):
        after = gates[place + 1]
        step = network.graph.steps[after.step]
        if math.prod(network.shapes[after]) != least or not _FOLLOWS.search(step.layer.class_name):
            break
        if step.layer.class_name == "Reshape" and len(network.shapes[after]) > 1:
            break  # the decoder's first layer
        place += 1
    return [gates[place]]


def _fewest_places(network: Network, gates: Sequence[Value], given: Value) -> list[Value]:
    """Return the maps of the smallest height and width."""

    def area(value: Value) -> int:
        shape: Shape = network.shapes[value]
        return math.prod(sorted(shape)[:2]) if len(shape) == 3 else math.prod(shape)

    maps = [value for value in gates if len(network.shapes[value]) == 3]
    least = min((area(value) for value in maps), default=0)
    return [value for value in maps if area(value) == least] if least and least < area(given) else []


def _inner_picture(network: Network, code: Value, out: Value, hints: Hints) -> Value | None:
    """Return the largest picture between a code and an output that is none: a generator stacked on its judge."""
    if len(network.shapes.get(code, ())) != 1 or layout_at(network, out, hints):
        return None
    found = None
    for value in _gates(network, code, out):
        shape = network.shapes.get(value, ())
        layout = layout_at(network, value, hints) if len(shape) > 1 else None
        if layout and (found is None or math.prod(shape) >= math.prod(network.shapes[found])):
            found = value
    return found
