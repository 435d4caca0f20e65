"""One layer as plain values, and the words that say it: `linear`, `convT:k4s2p1`, `leaky_relu:0.2`.

These words are what the hint `layers` takes and what people are shown. What a layer computes is in `layered`; no
torch here.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
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

_LETTERS = {
    "k": "kernel", "s": "stride", "p": "padding", "op": "output_padding", "d": "dilation", "g": "groups", "eps": "eps",
}  # fmt: skip
_SHORT = {name: letter for letter, name in _LETTERS.items()}
_WORDS = {
    "mode": ("nearest", "bilinear", "bicubic", "replicate", "reflect", "circular"),
    "padding": ("same", "valid"),
    "align": ("align",),
    "order": ("hwc",),
}
_LISTS = {
    "reshape": "shape",
    "resize": "size",
    "crop": "size",
    "adaptive": "size",
    "pad": "sides",
    "scale": "by",
}
_FIRST = {
    "leaky_relu": "slope", "elu": "alpha", "celu": "alpha", "softplus": "beta", "upsample": "by", "shuffle": "by",
}  # fmt: skip
"""What plain numbers say of a layer: all of them, or the first."""

_TAKEN = {
    "conv": ("kernel", "stride", "padding", "dilation", "groups", "mode"),
    "convT": ("kernel", "stride", "padding", "output_padding", "dilation", "groups"),
    "bn": ("eps",), "in": ("eps",), "ln": ("eps",), "gn": ("groups", "eps"),
    "maxpool": ("kernel", "stride", "padding"), "avgpool": ("kernel", "stride", "padding"),
    "upsample": ("by", "mode", "align"), "resize": ("size", "mode", "align"), "shuffle": ("by",),
    "reshape": ("shape", "order"), "flatten": ("order",), "pad": ("sides", "mode"),
}  # fmt: skip
"""Which options words may give a layer; of another kind, what `_FIRST` and `_LISTS` say."""

_COUNTS = {"shape": (1, 3), "size": (2,), "sides": (4,), "by": (1, 2), "padding": (1, 2, 4)}
_LIMITS: dict[str, tuple[float, float]] = {
    "kernel": (1, 64), "stride": (1, 32), "padding": (0, 256), "output_padding": (0, 32), "dilation": (1, 64),
    "groups": (1, 1 << 16), "eps": (0, 100), "slope": (-1e6, 1e6), "alpha": (-1e6, 1e6), "beta": (1e-6, 1e6),
    "shape": (1, 1 << 20), "size": (1, 1 << 13), "sides": (-256, 256), "by": (-1e6, 1e6),
}  # fmt: skip
"""The least and the largest numbers that a layer of any sensible network has."""

_LARGEST_SCALING = 32
_WHOLE = ("kernel", "stride", "padding", "output_padding", "dilation", "groups", "shape", "size", "sides")
_MOST_VALUES = 1 << 26  # of a shape
_DEEPEST = 8
_MOST_TEXT = 1 << 16
_MOST_LAYERS = 1000

_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_OPTION = re.compile(rf"(eps|op|[kspdg])({_NUMBER}(?:x{_NUMBER})*)")
_NUMBERS = re.compile(rf"{_NUMBER}(?:x{_NUMBER})*")
_ALIASES = {
    "batchnorm": "bn", "conv_transpose": "convT", "convt": "convT", "deconv": "convT", "dense": "linear",
    "lrelu": "leaky_relu", "leakyrelu": "leaky_relu", "swish": "silu", "none": "identity",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    Attributes:
        kind: one of `KINDS`.
        key: whose tensors it has: `decoder.0` for `decoder.0.weight`, `decoder.0.bias`; empty without any.
        options: by the names of torch's arguments, absent where torch's default holds: `kernel`, `stride`,
            `padding`, `output_padding`, `dilation` (an int, or two for height and width; padding also four:
            top, bottom, left, right, or "same" or "valid"), `groups`, `mode` (of padding or of scaling), `eps`,
            `slope`, `alpha`, `beta`, `by` (factor), `align` (corners), `shape`, `size`, `sides`, `order` ("hwc": a
            flat row is height x width x channels), and of `residual` `layers` and `shortcut` (tuples of layers).
    """

    kind: str
    key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any) -> Any:
        """Return an option, or what holds without it."""
        return self.options.get(name, default)

    @property
    def text(self) -> str:
        """The layer in words: `convT:k4s2p1`; of a residual one `residual:(conv relu)+(conv:k1)`."""
        if self.kind == "residual":
            inner, shortcut = (told(self.get(name, ())) for name in ("layers", "shortcut"))
            return f"residual:({inner})" + (f"+({shortcut})" if shortcut else "")
        said = self._letters() + self._rest()
        return f"{self.kind}:{said}" if said else self.kind

    def _letters(self) -> str:
        return "".join(
            f"{_SHORT[name]}{_sides(value)}"
            for name, value in self.options.items()
            if name in _SHORT and not isinstance(value, str)
        )

    def _rest(self) -> str:
        lists = [v for n, v in self.options.items() if n in ("shape", "size", "sides")]
        numbers = [_sides(v) for n, v in self.options.items() if n in ("slope", "alpha", "beta", "by")]
        words = [self.options[n] for n in ("padding", "mode", "order") if isinstance(self.get(n, 0), str)]
        words += ["align"] if self.get("align", False) else []
        parts = [*(",".join(map(str, value)) for value in lists), *numbers, *words]
        joined = ",".join(parts)
        return f",{joined}" if joined and self._letters() else joined


def told(layers: Sequence[Layer], keys: bool = False) -> str:
    """Return layers in words, as `parse_all` reads them.

    Args:
        layers: in order.
        keys: say whose tensors each has: `linear@decoder.0`.
    """
    return " ".join(_keyed(layer) if keys else layer.text for layer in layers)


def _keyed(layer: Layer) -> str:
    if layer.kind == "residual":
        inner, shortcut = (told(layer.get(name, ()), keys=True) for name in ("layers", "shortcut"))
        return f"residual:({inner})" + (f"+({shortcut})" if shortcut else "")
    return f"{layer.text}@{layer.key}" if layer.key else layer.text


def _sides(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "x".join(map(_sides, value))
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Layer:
    """Return the layer that words say, with a key only where they end in one (`linear@decoder.0`).

    Raises:
        ValueError: they say none, or one that no network has.
    """
    found = parse_all(text)
    if len(found) != 1:
        raise ValueError("there is no layer called that")
    return found[0]


def parse_all(texts: Sequence[str] | str) -> tuple[Layer, ...]:
    """Return layers from a list of words, or from one text with blanks or semicolons between them.

    Raises:
        ValueError: one says no layer, or one that no network has.
    """
    text = texts if isinstance(texts, str) else " ".join(texts)
    if len(text) > _MOST_TEXT:
        raise ValueError("these are more layers than a network has")
    found = _layers_of(text, _DEEPEST)
    if _count(found) > _MOST_LAYERS:
        raise ValueError("these are more layers than a network has")
    return found


def _count(layers: Sequence[Layer]) -> int:
    return sum(1 + _count((*layer.get("layers", ()), *layer.get("shortcut", ()))) for layer in layers)


def _layers_of(text: str, deeper: int) -> tuple[Layer, ...]:
    """Return the layers of a text that has at least one."""
    found = tuple(_residual(word, deeper) if "(" in word else _one(word) for word in _split(text))
    if not found:
        raise ValueError("there is no layer called that")
    return found


def _split(text: str) -> Iterator[str]:
    """Yield the words of a text; what is in parentheses belongs to the word before it."""
    text = " ".join(text.split())  # so that no pattern has many blanks to try
    text = re.sub(r"\) ?\+ ?\(", ")+(", re.sub(r"residual ?:? ?\(", "residual:(", text))
    word, depth = "", 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            raise ValueError("there is a parenthesis too many")
        if depth or not (character.isspace() or character == ";"):
            word += character
        elif word:
            yield word
            word = ""
    if depth:
        raise ValueError("there is a parenthesis too few")
    if word:
        yield word


def _residual(word: str, deeper: int) -> Layer:
    """Return `residual:(layers)`, or with a shortcut `residual:(layers)+(layers)`."""
    if not word.startswith("residual:(") or not word.endswith(")"):
        raise ValueError(f"there is no layer called {word.partition('(')[0]}")
    if not deeper:
        raise ValueError("these layers lie deeper in each other than in any network")
    parts, depth = [""], 0
    for character in word.removeprefix("residual:"):
        depth += character == "("
        if depth:
            parts[-1] += character
        elif character == "+":
            parts.append("")
        else:
            raise ValueError(f"{character!r} is no option of a layer")
        depth -= character == ")"
    if len(parts) > 2 or not all(part.startswith("(") for part in parts):
        raise ValueError("a residual layer has one shortcut")
    inner = [_layers_of(part[1:-1], deeper - 1) for part in parts]
    return Layer("residual", "", dict(zip(("layers", "shortcut"), inner, strict=False)))


def _one(word: str) -> Layer:
    """Return a layer without others in it."""
    said, _, key = word.partition("@")
    kind, _, options = said.partition(":")
    kind = _ALIASES.get(kind.lower(), kind)
    if kind not in KINDS or kind == "residual":
        raise ValueError(f"there is no layer called {kind}")
    if key and kind not in WEIGHTED:
        raise ValueError(f"a layer called {kind} has no tensors")
    return Layer(kind, key, _checked(kind, _options(kind, options)))


def _options(kind: str, said: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    numbers: list[int | float] = []
    for part in filter(None, said.split(",")):
        rest = part
        while rest:
            option, plain = _OPTION.match(rest), _NUMBERS.match(rest)
            word = next((word for words in _WORDS.values() for word in words if rest.startswith(word)), None)
            if option is not None:
                values = tuple(map(_number, option[2].split("x")))
                found[_LETTERS[option[1]]] = values[0] if len(values) == 1 else values
                rest = rest[option.end() :]
            elif plain is not None:
                numbers += map(_number, plain[0].split("x"))
                rest = rest[plain.end() :]
            elif word is not None:
                name = next(name for name, words in _WORDS.items() if word in words)
                found[name] = True if name == "align" else word
                rest = rest.removeprefix(word)
            else:
                raise ValueError(f"{part!r} is no option of a layer")
    return found | _numbered(kind, numbers)


def _numbered(kind: str, numbers: Sequence[int | float]) -> dict[str, Any]:
    if not numbers:
        return {}
    if kind in _LISTS:
        return {_LISTS[kind]: tuple(numbers)}
    name = _FIRST.get(kind)
    if name is None:
        raise ValueError(f"{kind} takes no plain number")
    return {name: numbers[0] if len(numbers) == 1 else tuple(numbers)}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _checked(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return options that a layer of this kind may have.

    Raises:
        ValueError: one is another's, is missing, or is no number that a network has.
    """
    single = [names[kind] for names in (_LISTS, _FIRST) if kind in names]
    for name, value in options.items():
        if name not in (*_TAKEN.get(kind, ()), *single):
            raise ValueError(f"a layer called {kind} has no {name}")
        if not isinstance(value, str | bool):
            _check_numbers(kind, name, value if isinstance(value, tuple) else (value,))
    if kind in _LISTS and _LISTS[kind] not in options:
        raise ValueError(f"{kind} needs numbers")
    if "order" in options and kind == "reshape" and len(options["shape"]) != 3:
        raise ValueError("an order needs channels, height and width")
    return options


def _check_numbers(kind: str, name: str, values: Sequence[int | float]) -> None:
    low, high = _LIMITS[name]
    if name == "by" and kind != "scale":
        low, high = (2 if kind == "shuffle" else 1 / _LARGEST_SCALING), _LARGEST_SCALING
    is_whole = name in _WHOLE or kind == "shuffle"
    for value in values:
        if not low <= value <= high or (is_whole and not isinstance(value, int)):
            raise ValueError(f"{value} is no {name} that a layer has")
    single = kind == "shuffle" or name in ("groups", "eps", "slope", "alpha", "beta")
    if len(values) not in ((1,) if single else _COUNTS.get(name, (1, 2))):
        raise ValueError(f"{name} cannot be {len(values)} numbers")
    if name in ("shape", "size") and math.prod(values) > _MOST_VALUES:
        raise ValueError(f"the {name} is larger than a picture can be")
