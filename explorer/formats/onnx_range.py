"""The values between which an ONNX output lies, by the operators that end it. Used in the child process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from explorer.formats.onnx_graph import Graph, Node

Bounds = tuple[float, float]

_BOUNDED: Mapping[str, Bounds] = {
    "Sigmoid": (0.0, 1.0), "HardSigmoid": (0.0, 1.0), "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0),
    "Softsign": (-1.0, 1.0), "Sin": (-1.0, 1.0), "Cos": (-1.0, 1.0),
}  # fmt: skip
_PASSES = {
    "Identity", "Cast", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Resize", "Upsample", "Slice",
    "DepthToSpace", "SpaceToDepth", "Round", "Floor", "AveragePool", "MaxPool",
}  # fmt: skip
_SUMS: Mapping[str, Callable[[float, float], float]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a / b,
}
_MOST_STEPS = 40


def bounds(graph: Graph, output: str) -> Bounds | None:
    """Return between which values an output lies; None where its last operators do not say."""
    after: list[Callable[[float], float]] = []
    clip: Bounds | None = None
    name = output
    for _ in range(_MOST_STEPS):
        node = graph.maker(name)
        if node is None or not node.inputs:
            break
        found = _BOUNDED.get(node.op)
        if node.op == "Clip":
            found = _clip(graph, node)
            clip = None if found is None else _through(found, after) if clip is None else clip
        elif found is not None:
            return _clipped(_through(found, after), clip)
        elif node.op in _SUMS:
            step = _with_constant(graph, node)
            if step is None:
                break
            name, change = step
            after.append(change)
            continue
        elif node.op not in _PASSES:
            break
        name = node.inputs[0]
    return clip


def _through(found: Bounds, after: list[Callable[[float], float]]) -> Bounds:
    low, high = found
    for change in reversed(after):
        low, high = change(low), change(high)
    return (low, high) if low <= high else (high, low)


def _clipped(found: Bounds, clip: Bounds | None) -> Bounds:
    return found if clip is None else (max(found[0], clip[0]), min(found[1], clip[1]))


def _clip(graph: Graph, node: Node) -> Bounds | None:
    """Return the limits of a Clip, as settings or as constants."""
    limits = [node.settings.get("min"), node.settings.get("max")]
    for place, name in enumerate(node.inputs[1:3]):
        stored = graph.constants.get(name)
        limits[place] = stored.value if stored is not None else limits[place]
    low, high = limits
    return None if low is None or high is None or not low < high else (float(low), float(high))


def _with_constant(graph: Graph, node: Node) -> tuple[str, Callable[[float], float]] | None:
    """Return the value that a sum with one constant number is made of, and what is done to it."""
    if len(node.inputs) != 2:
        return None
    first, second = (graph.constants.get(name) for name in node.inputs)
    act = _SUMS[node.op]
    if second is not None and second.value is not None and (second.value or node.op != "Div"):
        number = second.value
        return node.inputs[0], lambda x: act(x, number)
    if first is not None and first.value is not None and node.op != "Div":
        start = first.value
        return node.inputs[1], lambda x: act(start, x)
    return None
