"""One layer as plain values, and the words that say it: `linear`, `convT:k4s2p1`, `leaky_relu:0.2`.

These words are what the hint `layers` takes and what people are shown. What a layer computes is in `layered`; no
torch here.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WEIGHTED = ("linear", "conv", "convT", "bn", "in", "gn", "ln", "prelu")
"""Kinds that may have tensors; norms may do without."""

ACTIVATIONS = (
    "relu", "leaky_relu", "elu", "celu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "sigmoid", "tanh",
    "hardtanh", "hardsigmoid", "hardswish", "relu6", "exp", "sin", "log_softmax", "softmax",
)  # fmt: skip
"""Kinds without tensors that act on each number (softmax: on each row)."""

SHAPING = (
    "reshape",
    "flatten",
    "upsample",
    "resize",
    "shuffle",
    "crop",
    "pad",
    "maxpool",
    "avgpool",
    "adaptive",
)
"""Kinds that change the shape alone, or pool."""

KINDS = (*WEIGHTED, *ACTIVATIONS, *SHAPING, "identity", "scale", "residual")

_FIRST = {
    "leaky_relu": "slope", "elu": "alpha", "celu": "alpha", "softplus": "beta", "upsample": "by", "shuffle": "by",
}  # fmt: skip
_LETTERS = {
    "k": "kernel", "s": "stride", "p": "padding", "op": "output_padding", "d": "dilation", "g": "groups", "eps": "eps",
}  # fmt: skip
_SHORT = {name: letter for letter, name in _LETTERS.items()}
_WORDS = {
    "mode": ("nearest", "bilinear", "bicubic", "replicate", "reflect", "circular"),
    "align": ("align",),
    "order": ("hwc",),
}
_SIZED = {
    "reshape": "shape",
    "resize": "size",
    "crop": "size",
    "adaptive": "size",
    "pad": "sides",
    "scale": "by",
}


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    Attributes:
        kind: one of `KINDS`.
        key: whose tensors it has: `decoder.0` for `decoder.0.weight`, `decoder.0.bias`; empty without any.
        options: by the names of torch's arguments, absent where torch's default holds: `kernel`, `stride`,
            `padding`, `output_padding`, `dilation` (an int, or two for height and width; padding also four:
            top, bottom, left, right), `groups`, `mode` (of padding or of scaling), `eps`, `slope`, `alpha`,
            `beta`, `by` (factor), `align` (corners), `shape`, `size`, `sides`, `order` ("hwc": a flat row is
            height x width x channels), and of `residual` `layers` and `shortcut` (tuples of layers).
    """

    kind: str
    key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        """Return an option, or what holds without it."""
        return self.options.get(name, default)

    @property
    def text(self) -> str:
        """The layer in words: `convT:k4s2p1`."""
        if self.kind == "residual":
            inner = " ".join(layer.text for layer in self.options["layers"])
            return f"residual:({inner})"
        said = self._letters() + self._rest()
        return f"{self.kind}:{said}" if said else self.kind

    def _letters(self) -> str:
        return "".join(
            f"{_SHORT[name]}{_sides(value)}" for name, value in self.options.items() if name in _SHORT
        )

    def _rest(self) -> str:
        lists = [v for n, v in self.options.items() if n in ("shape", "size", "sides")]
        parts = [",".join(map(str, value)) for value in lists]
        for name, value in self.options.items():
            if name in ("slope", "alpha", "beta", "by"):
                parts.append(_sides(value))
            elif name in ("mode", "order"):
                parts.append(str(value))
            elif name == "align" and value:
                parts.append("align")
        joined = ",".join(parts)
        return f",{joined}" if joined and self._letters() else joined


def _sides(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "x".join(map(_sides, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Layer:
    """Return the layer that words say, without its key.

    Raises:
        ValueError: they say none.
    """
    kind, _, said = text.strip().partition(":")
    kind = {"batchnorm": "bn", "conv_transpose": "convT", "convt": "convT", "deconv": "convT", "dense": "linear",
            "lrelu": "leaky_relu", "leakyrelu": "leaky_relu", "swish": "silu", "none": "identity"}.get(
        kind.lower(), kind
    )  # fmt: skip
    if kind not in KINDS or kind == "residual":
        raise ValueError(f"there is no layer called {kind}")
    options: dict[str, Any] = {}
    numbers: list[float] = []
    for part in filter(None, said.split(",")):
        word = next((name for name, words in _WORDS.items() if part in words), None)
        if word is not None:
            options[word] = True if word == "align" else part
        elif re.fullmatch(r"[-\d.ex]+", part):
            numbers += [_number(value) for value in part.split("x")]
        else:
            options |= _lettered(part)
    return Layer(kind, "", options | _numbered(kind, numbers))


def parse_all(texts: Sequence[str] | str) -> tuple[Layer, ...]:
    """Return layers from a list of words, or from one text with blanks or semicolons between them.

    Raises:
        ValueError: one says no layer.
    """
    words = re.split(r"[\s;]+", texts.strip()) if isinstance(texts, str) else texts
    return tuple(parse(word) for word in words)


def _lettered(part: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    rest = part
    while rest:
        match = re.match(r"(eps|op|[kspdg])(-?[\d.]+(?:e-?\d+)?(?:x[\d.]+)*)", rest)
        if match is None:
            raise ValueError(f"{part!r} is no option of a layer")
        values = tuple(_number(value) for value in match[2].split("x"))
        found[_LETTERS[match[1]]] = values[0] if len(values) == 1 else values
        rest = rest[match.end() :]
    return found


def _numbered(kind: str, numbers: Sequence[float]) -> dict[str, Any]:
    if not numbers:
        return {}
    if kind in _SIZED:
        return {_SIZED[kind]: tuple(numbers)}
    name = _FIRST.get(kind)
    if name is None:
        raise ValueError(f"{kind} takes no plain number")
    return {name: numbers[0] if len(numbers) == 1 else tuple(numbers)}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)
