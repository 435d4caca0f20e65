"""What a Lambda or a layer of an unknown class does, as far as its place and the words in it tell.

A Lambda's bytecode is never run and never unmarshalled: only the words that stand readable among its bytes are
looked at. What isn't certain enough stays unknown.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor
from torch.nn import functional

from explorer.models.keras_config import Layer
from explorer.models.keras_weighted import Shape

_SAMPLING = ("sampl", "repar", "random", "normal", "gauss", "latent", "stochastic")
_MEAN = re.compile(r"mean|mu|loc")
_SECOND = re.compile(r"var|sigma|std|scale|dev")
_REPEATING = {"tile", "repeat", "repeat_elements", "broadcast_to", "broadcast", "ones_like", "ones"}
_PLACING = {"expand_dims", "squeeze", "reshape", "newaxis", "flatten", "batch_flatten"}


class Sampling:
    """Draws codes around a mean in training; here the mean itself is taken.

    Attributes:
        mean, second: which of its inputs are the mean and the other head.
    """

    def __init__(self, mean: int, second: int) -> None:
        self.mean = mean
        self.second = second

    def __call__(self, *args: Any, **_: Any) -> Any:
        inputs = args[0] if isinstance(args[0], list | tuple) else args
        return inputs[self.mean]


class HalfSampling:
    """The same, from mean and second head side by side in one tensor."""

    def __call__(self, x: Tensor, *_: Any, **__: Any) -> Tensor:
        return x[..., : x.shape[-1] // 2]


def recognised(
    layer: Layer,
    shapes: Sequence[Shape],
    names: Sequence[str],
    are_siblings: bool,
    recorded: Shape | None,
    outputs: int = 1,
) -> Callable[..., Any] | None:
    """Return what an unknown layer does, None where nobody can tell.

    Args:
        layer: the layer.
        shapes: of its inputs.
        names: of the layers that give them.
        are_siblings: the first two inputs are made of the same values by a layer each, as two heads are.
        recorded: of its output, where the file notes it.
        outputs: how many of its outputs are used.
    """
    said = words(layer)
    if outputs > 1:  # a layer that only adds to the loss and hands its inputs on
        return (
            (lambda *args, **_: list(args[0]))
            if outputs == len(shapes) and layer.class_name != "Lambda"
            else None
        )
    is_lambda = layer.class_name == "Lambda"
    draws = any(part in word for word in said for part in _SAMPLING)
    if len(shapes) >= 2 and shapes[0] == shapes[1] and (draws or are_siblings):
        return _sampling(names)
    if len(shapes) != 1 or not (is_lambda or draws):
        return None
    shape, target = shapes[0], recorded or _stated(layer)
    if draws and target is not None and len(shape) == 1 and target == (shape[0] // 2,):
        return HalfSampling()
    return _placed(shape, target, said) if is_lambda and target is not None else None


def words(layer: Layer) -> set[str]:
    """Return the words by which a layer is told: its class and name, its function's, those among its bytes."""
    said = {layer.class_name.lower()} if layer.class_name != "Lambda" else set()
    function = layer.config.get("function")
    if isinstance(function, dict):
        inner = function.get("config")
        function = inner.get("code") if isinstance(inner, dict) else inner
        if isinstance(function, str) and isinstance(inner, dict):
            return said | _among_bytes(function)
    if isinstance(function, list) and function and isinstance(function[0], str):
        return said | _among_bytes(function[0])
    if isinstance(function, str):
        said.add(function.lower())
    return said


def _among_bytes(code: str) -> set[str]:
    try:
        data = base64.b64decode(code[:65536], validate=False)
    except (binascii.Error, ValueError):
        return set()
    found = set()
    for text in re.findall(rb"[\x20-\x7e]{2,}", data):
        if not re.search(rb"[/\\<>]|\.py", text):  # the file it was written in
            found |= {word.decode().lower() for word in re.findall(rb"[A-Za-z_][A-Za-z_0-9]+", text)}
    return found


def _sampling(names: Sequence[str]) -> Sampling:
    """Return the drawing of codes from two heads; by their names, where those say that the mean is second."""
    first, second = (name.lower() for name in names[:2])
    turned = _SECOND.search(first) and not _SECOND.search(second) and _MEAN.search(second)
    return Sampling(1, 0) if turned else Sampling(0, 1)


def _stated(layer: Layer) -> Shape | None:
    shape = layer.config.get("output_shape")
    if isinstance(shape, dict):
        shape = shape.get("items")
    if (
        not isinstance(shape, list)
        or not shape
        or not all(isinstance(size, int) for size in shape if size is not None)
    ):
        return None
    sizes = shape[1:] if shape[0] is None else shape
    return tuple(sizes) if all(isinstance(size, int) for size in sizes) else None


def _placed(shape: Shape, target: Shape, said: set[str]) -> Callable[..., Any] | None:
    """Return what makes one shape of another without any sum: repeating, reshaping, one-hot rows."""
    if "one_hot" in said and target and shape in ((), (1,)):
        return lambda x, *_, **__: (
            functional.one_hot(x.long().reshape(len(x)), target[-1]).float().reshape(len(x), *target)
        )
    if said & _REPEATING and len(shape) == len(target):
        if all(have in (1, want) for have, want in zip(shape, target, strict=True)):
            return lambda x, *_, **__: x.expand(len(x), *target)
        return None
    if said & _PLACING and [size for size in shape if size != 1] == [size for size in target if size != 1]:
        return lambda x, *_, **__: x.reshape(len(x), *target)
    if "depth_to_space" in said and len(shape) == len(target) == 3 and shape[0] and target[0] % shape[0] == 0:
        return shuffled(target[0] // shape[0])
    return None


def shuffled(size: int) -> Callable[..., Any]:
    """Return depth to space in TensorFlow's order: rows, columns, channels."""

    def function(x: Tensor, *_: Any, **__: Any) -> Tensor:
        count, height, width, depth = x.shape
        channels = depth // size**2
        x = x.reshape(count, height, width, size, size, channels).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(count, height * size, width * size, channels)

    return function
