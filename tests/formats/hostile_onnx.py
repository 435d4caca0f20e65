"""ONNX files that would read other files, run strangers' operators or take all time; they join `hostile.VARIANTS`."""

import numpy as np
from formats.hostile import CANARY, MARK, several
from onnx_files import Decoder, entry, graph, node, onnx, port, tensor


def outside(location: str) -> bytes:
    decoder = Decoder()
    return decoder.file(weights={"w": tensor("w", decoder.weights["w"], (location, 0, 1280))})


def with_node(*listed: bytes, domains: tuple[str, ...] = ()) -> bytes:
    kept = Decoder().weights | {"t": np.array(True)}
    return onnx(listed, [port("z", ("N", 5))], [port("image", ("N", 3, 8, 8))], kept, domains=domains)


def deep(levels: int) -> bytes:
    inner = b""
    for _ in range(levels):
        inner = graph([node("If", ["t"], ["x"], then_branch=inner)], [], [], {})
    return entry(1, 8) + entry(7, inner)


def stated(*sides: int) -> bytes:
    weight = b"".join(entry(1, side) for side in sides) + entry(2, 1) + entry(8, "w") + entry(9, b"abcd")
    return Decoder().file(weights={"w": weight})


several(
    "onnx",
    {
        **{f"outside_{at}": lambda place=place: outside(place) for at, place in enumerate(
            ("/etc/hostname", "../../../../../etc/hostname", f"{MARK}", "/dev/zero", "/proc/self/mem"))},
        "domain": lambda: with_node(node(CANARY, ["z"], ["image"], domain=CANARY), domains=(CANARY,)),
        "context": lambda: with_node(
            node("EPContext", ["z"], ["image"], domain="com.microsoft", ep_cache_context=f"../{MARK}")
        ),
        "loop": lambda: with_node(node("Loop", ["", "t"], ["image"], body=graph([], [], [], {}))),
        "deep": lambda: deep(2000),
        "nodes": lambda: entry(1, 8) + entry(7, entry(1, b"") * 1_500_000),
        "huge": lambda: stated(1 << 30, 1 << 30),
        "negative": lambda: stated((1 << 64) - 5, 1),
        "sides": lambda: stated(*[2] * 60),
        "no_graph": lambda: entry(1, 8) + entry(2, "x" * 100),
        "itself": lambda: with_node(node("Relu", ["image"], ["image"])),
    },
)  # fmt: skip
