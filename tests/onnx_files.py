"""Writes small ONNX files with a protobuf writer of its own; no ONNX package is needed."""

import struct

import numpy as np

FLOAT, UINT8, INT64, BOOL, HALF = 1, 2, 7, 9, 10
KINDS = {"float32": FLOAT, "uint8": UINT8, "int64": INT64, "bool": BOOL, "float16": HALF}


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def entry(field, value):
    """One field: a number, or bytes, a text or another message."""
    if isinstance(value, int):
        return varint(field << 3) + varint(value)
    if isinstance(value, float):
        return varint(field << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(name, array, external=None):
    """A weight; `external`: file name, offset and length instead of its bytes."""
    array = np.asarray(array)
    out = (
        b"".join(entry(1, side) for side in array.shape) + entry(2, KINDS[array.dtype.name]) + entry(8, name)
    )
    if external is None:
        return out + entry(9, array.tobytes())
    pairs = zip(("location", "offset", "length"), map(str, external), strict=False)
    return out + b"".join(entry(13, entry(1, key) + entry(2, value)) for key, value in pairs) + entry(14, 1)


def attribute(name, value):
    if isinstance(value, float):
        return entry(1, name) + entry(2, value) + entry(20, 1)
    if isinstance(value, int):
        return entry(1, name) + entry(3, value) + entry(20, 2)
    if isinstance(value, str):
        return entry(1, name) + entry(4, value) + entry(20, 3)
    if isinstance(value, np.ndarray):
        return entry(1, name) + entry(5, tensor("", value)) + entry(20, 4)
    if isinstance(value, bytes):  # a graph
        return entry(1, name) + entry(6, value) + entry(20, 5)
    return entry(1, name) + b"".join(entry(8, each) for each in value) + entry(20, 7)


def node(op, inputs, outputs, domain="", **settings):
    said = b"".join(entry(1, name) for name in inputs) + b"".join(entry(2, name) for name in outputs)
    said += entry(4, op) + b"".join(entry(5, attribute(*pair)) for pair in settings.items())
    return said + (entry(7, domain) if domain else b"")


def port(name, shape, kind=FLOAT):
    """An input or output; a side is a number, or a name for any."""
    sides = b"".join(entry(1, entry(1, side) if isinstance(side, int) else entry(2, side)) for side in shape)
    return entry(1, name) + entry(2, entry(1, entry(1, kind) + entry(2, sides)))


def graph(nodes, inputs, outputs, weights):
    """`weights`: name to array, or to the bytes of `tensor`."""
    kept = [value if isinstance(value, bytes) else tensor(name, value) for name, value in weights.items()]
    parts = [(1, nodes), (5, kept), (11, inputs), (12, outputs)]
    return entry(2, "graph") + b"".join(entry(field, each) for field, all_ in parts for each in all_)


def onnx(*parts, producer="pytorch", opset=13, domains=()):
    opsets = entry(8, entry(1, "") + entry(2, opset))
    opsets += b"".join(entry(8, entry(1, domain) + entry(2, 1)) for domain in domains)
    return entry(1, 8) + entry(2, producer) + entry(7, graph(*parts)) + opsets


def chain(nodes, given, made, weights, **more):
    """A graph of nodes one after the other: `(op, weight names, settings)`, from port `given` to port `made`."""
    first, last = given[0], made[0]
    names = [first, *(f"v{place}" for place in range(1, len(nodes))), last]
    listed = [
        node(op, [names[place], *inputs], [names[place + 1]], **settings)
        for place, (op, inputs, settings) in enumerate(nodes)
    ]
    return onnx(listed, [port(*given)], [port(*made)], weights, **more)


class Decoder:
    """Five numbers to a picture of 8x8: Gemm, Relu, Reshape, ConvTranspose, Sigmoid."""

    def __init__(self, channels=3, seed=0, kind="float32"):
        rng = np.random.default_rng(seed)
        self.channels = channels
        self.weights = {
            "w": rng.normal(size=(5, 64)).astype(kind),
            "b": rng.normal(size=64).astype(kind),
            "shape": np.array([-1, 4, 4, 4]),
            "k": (rng.normal(size=(4, channels, 2, 2)) * 0.5).astype(kind),
        }

    nodes = (
        ("Gemm", ["w", "b"], {}),
        ("Relu", [], {}),
        ("Reshape", ["shape"], {}),
        ("ConvTranspose", ["k"], {"strides": [2, 2], "kernel_shape": [2, 2]}),
    )

    def file(self, *after, batch="N", code=None, out=None, weights=None, kind=FLOAT, **more):
        """The whole file; `after`: nodes behind the last layer, Sigmoid if none is given."""
        nodes = [*self.nodes, *(after or [("Sigmoid", [], {})])]
        made = out or (batch, self.channels, 8, 8)
        weights = self.weights | (weights or {})
        return chain(nodes, ("z", code or (batch, 5), kind), ("image", made, kind), weights, **more)

    def expected(self, codes):
        """What it draws, before what ends it, in plain numpy."""
        w, b, _, k = (each.astype(np.float64) for each in self.weights.values())
        maps = np.maximum(codes @ w + b, 0).reshape(-1, 4, 4, 4)
        return np.einsum("nchw,coij->nohiwj", maps, k).reshape(len(codes), self.channels, 8, 8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
