"""What goes into an ONNX graph and comes out of it: codes, pictures, classes; by shapes, or names.

Used in the child process; plain values, which `onnx_file` gets back.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats.onnx_graph import FLOATS, Graph, Port, Shape
from explorer.models.onnx_feeds import Feed, Role

_LABEL = re.compile(r"label|class|cond|digit|one_?hot|(^|_)(y|c|cls|lbl)(_|\d|$)")
_CODE = re.compile(r"latent|noise|code|sampl|(^|[_.])z(_|\d|$)")
_NOISE = re.compile(r"noise|random|eps")
_WHOLE = ("int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64")

OPEN_MAP = 16
"""Side of a map of codes that may be of any size."""

OPEN_PICTURE = 64
"""Side of the first picture that a stage for any size is tried with."""

_LEAST_SIDE = 8  # of a picture
_SCALARS = (("psi", 1.0), ("trunc", 1.0), ("scale", 1.0))


def feeds(graph: Graph, path: Path) -> list[Feed]:
    """Return what each input takes.

    Raises:
        CheckpointError: nothing takes a code or a picture, or an input is of a kind that is not known here.
    """
    ports = {port.name: _settled(graph, port) for port in graph.inputs}
    main = _main(graph, list(ports.values()))
    if main is None:
        listed = ", ".join(f"{shown(port.name, 30)} {_said(port)}" for port in graph.inputs[:4]) or "nothing"
        raise CheckpointError(
            f"{path} takes {listed}, which is neither a code nor a picture; export the decoder by itself."
        )
    return [
        _feed(main, "picture" if _is_picture(graph, main) else "code")
        if port.name == main.name
        else _beside(graph, port, path)
        for port in ports.values()
    ]


def _main(graph: Graph, ports: list[Port]) -> Port | None:
    """Return the input that is the code or the picture."""
    real = [port for port in ports if port.kind in (*FLOATS, "uint8") and port.shape is not None]
    real = [port for port in real if len(port.shape or ()) in (2, 3, 4) and _size(port) != 1]
    several = len(real) > 1
    fitting = [port for port in real if not several or not _names_label(port)]
    named = [
        port for port in fitting if _CODE.search(port.name.lower()) and not _NOISE.search(port.name.lower())
    ]
    pictures = [port for port in fitting if _is_picture(graph, port)]
    return next(iter((*named, *pictures, *fitting)), None)


def _names_label(port: Port) -> bool:
    name = port.name.lower()
    return bool(_LABEL.search(name)) and not _CODE.search(name)


def _size(port: Port) -> int | None:
    inner = (port.shape or ())[1:]
    return None if None in inner else math.prod(side or 1 for side in inner)


def _is_picture(graph: Graph, port: Port) -> bool:
    """Tell whether an input takes pictures: one or three channels, as large as what comes out at most."""
    shape = port.shape or ()
    if len(shape) != 4 or _CODE.search(port.name.lower()):
        return False
    out = next((each.shape for each in graph.outputs if each.shape and len(each.shape) == 4), None)
    is_own = out is not None and shape[1:] == out[1:]
    sides = shape[2:] if shape[1] in (1, 3) or (shape[1] == 4 and is_own) else shape[1:3]
    if shape[1] not in (1, 3) and shape[3] not in (1, 3) and not is_own:
        return False
    return all(side is None or side >= _LEAST_SIDE for side in sides)


def _settled(graph: Graph, port: Port) -> Port:
    """Return an input with the open side of its channels told by the first weights that it meets."""
    shape = port.shape
    if shape is None or len(shape) not in (2, 4) or shape[1] is not None or None not in shape[1:]:
        return port
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return port
    width = _first_width(graph, port.name, len(shape))
    return Port(port.name, port.kind, (shape[0], width, *shape[2:])) if width else port


_PASSES = {
    "Cast", "Identity", "Mul", "Div", "Add", "Sub", "Dropout", "Clip", "Normalizer", "LpNormalization", "Reshape",
    "Unsqueeze", "Squeeze", "Flatten", "Pad",
}  # fmt: skip


def _first_width(graph: Graph, name: str, rank: int) -> int | None:
    """Return how wide a code is, as the first layer with weights wants it."""
    names = {name}
    for node in graph.nodes:
        if not node.inputs or not names & set(node.inputs):
            continue
        weights = next((graph.constants[each] for each in node.inputs if each in graph.constants), None)
        if node.op == "Gemm" and weights is not None and len(weights.dims) == 2:
            return weights.dims[1 if node.settings.get("transB") else 0]
        if node.op == "MatMul" and weights is not None and len(weights.dims) == 2:
            return weights.dims[0]
        if node.op in ("Conv", "ConvTranspose") and weights is not None and len(weights.dims) == 4:
            return (
                weights.dims[1] * int(node.settings.get("group", 1)) if node.op == "Conv" else weights.dims[0]
            )
        if node.op in _PASSES and len(names) < 64:
            names |= set(node.outputs)
    return None


def _feed(port: Port, role: Role) -> Feed:
    shape = port.shape or ()
    count = None if shape[0] is None else shape[0]
    is_open = len(shape) == 4 and None in shape[2:]
    side = OPEN_PICTURE if role == "picture" else OPEN_MAP
    sides: Shape = shape[1:]
    if len(shape) == 4 and role == "picture" and shape[1] not in (1, 3, 4) and shape[3] in (1, 3, 4):
        is_open = None in shape[1:3]
        sides = (shape[1] or side, shape[2] or side, shape[3])
    elif len(shape) == 4:
        sides = (shape[1] or 3, shape[2] or side, shape[3] or side)
    return Feed(port.name, port.kind, role, tuple(each or side for each in sides), count, is_open)


def _beside(graph: Graph, port: Port, path: Path) -> Feed:
    """Return what an input besides the code takes.

    Raises:
        CheckpointError: nobody knows what.
    """
    shape, name = port.shape, port.name.lower()
    if shape is not None:
        rest = tuple(side or 1 for side in shape[1:])
        count = 0 if not shape else shape[0]
        if port.kind in _WHOLE and math.prod(rest) == 1:
            return Feed(port.name, port.kind, "index", rest, count, classes=_table(graph, port.name))
        if len(shape) == 2 and None not in shape[1:] and (port.kind in _WHOLE or port.kind in FLOATS):
            is_noise = _NOISE.search(name) and not _names_label(port)
            return Feed(port.name, port.kind, "fixed" if is_noise else "onehot", rest, count)
        if port.kind in FLOATS and math.prod(rest) == 1:
            value = next((said for word, said in _SCALARS if word in name), 0.0)
            return Feed(port.name, port.kind, "fixed", rest, count, value=value)
        if port.kind in FLOATS and None not in shape[1:] and _NOISE.search(name):
            return Feed(port.name, port.kind, "fixed", rest, count)
        if port.kind == "bool":
            return Feed(port.name, port.kind, "fixed", rest, count)
    raise CheckpointError(
        f"{path} wants {shown(port.name)} ({_said(port)}) besides the code, and nobody knows what that is; export it "
        "without that input."
    )


def _table(graph: Graph, name: str) -> int:
    """Return how many classes the table has in which an input is looked up; 0 where none is found."""
    names = {name}
    for node in graph.nodes:
        if not names & set(node.inputs):
            continue
        table = graph.constants.get(node.inputs[0])
        if (
            node.op == "Gather"
            and table is not None
            and len(table.dims) == 2
            and not node.settings.get("axis")
        ):
            return table.dims[0]
        depth = graph.constants.get(node.inputs[1]) if node.op == "OneHot" and len(node.inputs) > 1 else None
        if depth is not None and depth.value is not None and 0 < depth.value < 1 << 20:
            return int(depth.value)
        if node.op in ("Cast", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten"):
            names |= set(node.outputs)
    return 0


def _said(port: Port) -> str:
    shape = port.shape
    sides = (
        "of any shape" if shape is None else "x".join("any" if side is None else str(side) for side in shape)
    )
    return f"{sides or 'one number'} {port.kind}".strip()
