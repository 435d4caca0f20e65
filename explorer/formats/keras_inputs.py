"""What comes into a part of a Keras graph: the code, classes as numbers or rows, noise; and where a picture is.

Shapes decide; names only where shapes leave open which of several inputs is which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Value
from explorer.models.keras_layers import IDENTITIES, is_known
from explorer.models.keras_model import LabelInput, Layout, layout_of

SHAPE_HINT = "say the picture's shape with --hint image=CHANNELSxHEIGHTxWIDTH"
_LABEL = re.compile(
    r"label|class|cond|digit|one_?hot|categor|attribute|(^|_)(y|c|cls|lbl|tag|target)(_|\d|$)"
)
_SURELY = re.compile(r"label|class|one_?hot")
_CODE = re.compile(r"noise|latent|code|sampl|random|encod|(^|_)z(_|\d|$)")
_NOISE = re.compile(r"noise|random|eps")


def layout_at(network: Network, value: Value, hints: Hints) -> Layout | None:
    shape = network.shapes.get(value)
    return None if shape is None else layout_of(shape, image=hints.image, order=hints.order)


def told_value(network: Network, value: Value) -> tuple[Value, str]:
    """Return a value, or what comes before a last layer with code of its own, whose name is returned then."""
    left_out = ""
    for _ in range(4):
        step = network.graph.steps[value.step]
        if is_known(step.layer.class_name) or value.step not in network.unknown or len(step.sources) != 1:
            break
        source = step.sources[0]
        sizes = [math.prod(network.shapes[v]) for v in (value, source) if v in network.shapes]
        if len(set(sizes)) > 1:
            break
        value, left_out = source, step.layer.name
    return value, left_out


def code_among(network: Network, inputs: Sequence[Value], picture: Value) -> Value | None:
    """Return the input that is the code: small beside the picture, and no label."""
    pixels = math.prod(network.shapes[picture])
    shapes = {value: network.shapes.get(value) for value in inputs}
    if any(shape is None for shape in shapes.values()):
        return None
    if any(layout_of(shape) and math.prod(shape) >= pixels for shape in shapes.values() if shape is not None):
        return None  # pictures come in
    small = [value for value in inputs if 0 < math.prod(shapes[value] or ()) < pixels]
    codes = [value for value in small if not is_label(network, value, inputs)]
    if not codes:
        return (
            small[0]
            if len(small) == 1 and shapes[small[0]] != () and not _is_index(network, small[0])
            else None
        )
    made = [value for value in codes if not network.graph.steps[value.step].is_input]  # drawn by an encoder
    named = [value for value in codes if _CODE.search(name_of(network, value))]
    if not made and not named and len(codes) == 2 and shapes[codes[0]] == (10,) != shapes[codes[1]]:
        return codes[1]  # ten digits come as a row of ten
    return (made or named or codes)[0]


def name_of(network: Network, value: Value) -> str:
    return network.graph.steps[value.step].layer.name.lower()


def is_label(network: Network, value: Value, inputs: Sequence[Value]) -> bool:
    """Tell whether an input among several takes a class."""
    shape = network.shapes.get(value)
    if shape is None or _is_index(network, value):
        return True
    name = name_of(network, value)
    if len(inputs) < 2:
        return False
    if _CODE.search(name):
        return bool(_SURELY.search(name))
    return bool(_LABEL.search(name)) or math.prod(shape) == 1


def _is_index(network: Network, value: Value) -> bool:
    """Tell whether an input takes the number of a class: whole numbers, or looked up in a table."""
    step = network.graph.steps[value.step]
    if step.is_input and "int" in str(step.layer.config.get("dtype", "")):
        return True
    return _table(network, value) > 0


def _table(network: Network, value: Value, depth: int = 0) -> int:
    """Return how many classes the table has in which a value is looked up; 0 where it is not."""
    for step in network.graph.steps[value.step + 1 :]:
        if value not in step.sources:
            continue
        layer = step.layer
        if layer.class_name == "Embedding":
            size = layer.config.get("input_dim")
            return size if isinstance(size, int) else 0
        if layer.class_name == "CategoryEncoding":
            return int(layer.config.get("num_tokens") or 0)
        if depth < 4 and (layer.class_name in IDENTITIES or layer.class_name in ("Flatten", "Reshape")):
            after = Value(network.graph.steps.index(step))
            return _table(network, after, depth + 1)
    return 0


def inputs_of(network: Network, given: Sequence[Value], wanted: Sequence[Value]) -> list[Value]:
    """Return the inputs on which wanted values depend besides given ones, in the graph's order."""
    found: set[Value] = set()
    seen: set[Value] = set(given)
    todo = [value for value in wanted if value not in seen]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        step = network.graph.steps[value.step]
        if step.is_input:
            found.add(value)
        todo += step.sources
    return sorted(found, key=lambda value: value.step)


def label_inputs(network: Network, values: Sequence[Value]) -> list[tuple[Value, LabelInput]]:
    """Return how each input takes the class; of several rows only one can be a class, the others are left at 0.

    Raises:
        KerasError: one takes a picture, or nobody knows what.
    """
    found = [(value, _label_input(network, value)) for value in values]
    rows = [value for value, entry in found if entry.kind == "onehot"]
    if len(rows) < 2 or any(entry.kind == "index" for _, entry in found):
        return found
    named = [value for value in rows if _LABEL.search(name_of(network, value))]
    tens = [value for value in rows if network.shapes[value][-1] == 10]
    chosen = (named or tens or rows)[0]
    zero = {value for value in rows if value != chosen and network.shapes[value] != network.shapes[chosen]}
    return [(value, LabelInput(entry.shape, "zero") if value in zero else entry) for value, entry in found]


def _label_input(network: Network, value: Value) -> LabelInput:
    """Return how an input takes a class.

    Raises:
        KerasError: it takes a picture, or nobody knows what.
    """
    shape = network.shapes.get(value)
    name = network.graph.steps[value.step].layer.name[:60]
    if shape is None:
        raise KerasError(f"does not say what its input {name} takes; save it again after it was called once")
    if _is_index(network, value) or math.prod(shape) == 1:
        return LabelInput(shape, "index")
    if _NOISE.search(name.lower()):
        return LabelInput(shape, "zero")
    if layout_of(shape) is not None and len(shape) > 1:
        raise KerasError(f"wants a picture besides the code (its input {name}), which is not possible here")
    return LabelInput(shape, "onehot")


def classes_of(network: Network, value: Value, entry: LabelInput, hints: Hints) -> int:
    if entry.kind == "zero":
        return 0
    if entry.kind == "onehot":
        return entry.shape[-1]
    return _table(network, value) or hints.classes or 10
