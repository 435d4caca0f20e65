"""Keras's activations by name, and its free-standing operations ("TFOpLambda", "Operation") as plain functions.

Tensors as Keras lays them out, pictures last axis channels. Everything here has no weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from explorer.models.keras_config import KerasError

Function = Callable[[Tensor], Tensor]

_ACTIVATIONS: dict[str, Function] = {
    "linear": lambda x: x,
    "relu": functional.relu,
    "relu6": functional.relu6,
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.2),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "elu": functional.elu,
    "selu": functional.selu,
    "celu": functional.celu,
    "gelu": functional.gelu,
    "silu": functional.silu,
    "mish": functional.mish,
    "exponential": torch.exp,
    "log_sigmoid": functional.logsigmoid,
    "hard_silu": functional.hardswish,
    "hard_tanh": functional.hardtanh,
    "tanh_shrink": functional.tanhshrink,
    "hard_shrink": functional.hardshrink,
    "soft_shrink": functional.softshrink,
    "sin": torch.sin,
    "cos": torch.cos,
}
_SAME = {
    "swish": "silu",
    "exp": "exponential",
    "hard_swish": "hard_silu",
    "none": "linear",
    "identity": "linear",
}


def number(value: Any, default: float) -> float:
    """Return a setting that should be a number; Keras 2 wraps some as arrays."""
    if isinstance(value, dict):
        inner = value.get("value", value.get("config"))
        return number(inner.get("value") if isinstance(inner, dict) else inner, default)
    if isinstance(value, list) and len(value) == 1:
        return number(value[0], default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return float(value)


def activation_name(said: Any) -> str:
    """Return the name of an activation that is a name, None, or an object of a function or layer."""
    if said is None:
        return "linear"
    if isinstance(said, dict):
        config = said.get("config")
        if isinstance(config, str):  # a function, registered by its name
            said = config
        else:
            said = said.get("class_name", "")
            if said == "Activation" and isinstance(config, dict):
                return activation_name(config.get("activation"))
    name = str(said).rpartition(">")[2].rpartition(".")[2]
    name = name.removesuffix("_v2")
    snake = _snake(name)
    return _SAME.get(snake, snake)


def _snake(name: str) -> str:
    known = {"LeakyReLU": "leaky_relu", "ReLU": "relu", "PReLU": "prelu", "ELU": "elu", "SELU": "selu",
             "GELU": "gelu", "SiLU": "silu", "Swish": "silu"}  # fmt: skip
    return known.get(name, name.lower())


def activation(said: Any, version: int = 2) -> Function:
    """Return an activation as a function.

    Args:
        said: what the file says: a name, None, or a serialized function or layer.
        version: of Keras, the first number; `hard_sigmoid` changed with 3.

    Raises:
        KerasError: there is none of that name.
    """
    name = activation_name(said)
    if isinstance(said, dict) and isinstance(said.get("config"), dict) and name != "linear":
        function = _of_layer(name, said["config"])
        if function is not None:
            return function
    if name == "hard_sigmoid":
        return functional.hardsigmoid if version >= 3 else lambda x: (0.2 * x + 0.5).clamp(0, 1)
    if name not in _ACTIVATIONS:
        raise KerasError(f"uses the activation {name[:60] or 'of its own'}, which is not known here")
    return _ACTIVATIONS[name]


def _of_layer(name: str, config: Mapping[str, Any]) -> Function | None:
    """Return the function of an activation layer with settings of its own."""
    if name == "leaky_relu":
        slope = number(config.get("alpha", config.get("negative_slope")), 0.3)
        return lambda x: functional.leaky_relu(x, slope)
    if name == "elu":
        alpha = number(config.get("alpha"), 1.0)
        return lambda x: functional.elu(x, alpha)
    if name == "relu":
        return rectified(config)
    return None


def rectified(config: Mapping[str, Any]) -> Function:
    """Return Keras's ReLU with its three settings."""
    most = config.get("max_value")
    top = math.inf if most is None else number(most, math.inf)
    slope = number(config.get("negative_slope", config.get("alpha")), 0.0)
    threshold = number(config.get("threshold"), 0.0)

    def function(x: Tensor) -> Tensor:
        if slope == 0 and threshold == 0:
            return x.clamp(0, top)
        below = slope * (x - threshold)
        return torch.where(x >= threshold, x, below).clamp(max=top)

    return function


def thresholded(theta: float) -> Function:
    """Return Keras's ThresholdedReLU: what is above stays, all else is 0."""
    return lambda x: torch.where(x > theta, x, torch.zeros_like(x))


def _sized(shape: Any) -> list[int]:
    return [int(size) for size in (shape.tolist() if isinstance(shape, Tensor) else shape)]


def _reshaped(x: Tensor, shape: Any) -> Tensor:
    sizes = _sized(shape)
    return x.reshape([len(x), *sizes[1:]]) if sizes and sizes[0] in (-1, len(x)) else x.reshape(sizes)


def _random(shape: Any, *_: Any, **__: Any) -> Tensor:
    """Noise, of which the middle is taken: an encoder's mean is what is wanted."""
    return (
        torch.zeros_like(shape)
        if isinstance(shape, Tensor) and shape.dim() > 1
        else torch.zeros(_sized(shape))
    )


def _one_hot(x: Tensor, depth: Any = None, *_: Any, **more: Any) -> Tensor:
    classes = int(more["num_classes"] if depth is None else depth)
    return (x.long().unsqueeze(-1) == torch.arange(classes, device=x.device)).to(torch.float32)


def _axis(axis: Any, more: Mapping[str, Any], default: Any = None) -> Any:
    axis = more.get("axis", axis)
    return default if axis is None else axis


def _mean(x: Tensor, axis: Any = None, keepdims: bool = False, **more: Any) -> Tensor:
    axis = _axis(axis, more)
    return x.mean() if axis is None else x.mean(axis, keepdim=keepdims)


def _sum(x: Tensor, axis: Any = None, keepdims: bool = False, **more: Any) -> Tensor:
    axis = _axis(axis, more)
    return x.sum() if axis is None else x.sum(axis, keepdim=keepdims)


def _concat(values: Any, axis: int = -1, **_: Any) -> Tensor:
    return torch.cat(list(values), int(axis))


def _squeeze(x: Tensor, axis: Any = None, **_: Any) -> Tensor:
    return (
        x.reshape([size for index, size in enumerate(x.shape) if index == 0 or size != 1])
        if axis is None
        else x.squeeze(axis)
    )


def _permute(x: Tensor, perm: Any = None, **more: Any) -> Tensor:
    order = perm if perm is not None else more.get("axes")
    return x.permute(*(order if order is not None else range(x.dim() - 1, -1, -1)))


def _slice(x: Tensor, spec: Any = None, *_: Any, **more: Any) -> Tensor:
    """Take a part, as Python's brackets do; slices are written as dicts or as objects of Keras's."""
    spec = more.get("slice_spec", more.get("key", spec))
    places = spec if isinstance(spec, list | tuple) else [spec]
    return x[tuple(_place(place) for place in places)]


def _place(place: Any) -> Any:
    if isinstance(place, dict):
        inner = place.get("config", place)
        if place.get("class_name") == "__ellipsis__" or place.get("type") == "Ellipsis":
            return Ellipsis
        return slice(inner.get("start"), inner.get("stop"), inner.get("step"))
    return place


def _clip(x: Tensor, low: Any = None, high: Any = None, **more: Any) -> Tensor:
    low = more.get("x_min", more.get("clip_value_min", more.get("min_value", low)))
    high = more.get("x_max", more.get("clip_value_max", more.get("max_value", high)))
    return x.clamp(low, high)


def _cast(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x.to(torch.float32)


def _tile(x: Tensor, times: Any = None, **more: Any) -> Tensor:
    return x.repeat(*_sized(more.get("multiples", more.get("repeats", times))))


def _stack(values: Any, axis: int = 0, **_: Any) -> Tensor:
    return torch.stack(list(values), axis)


def _split(x: Tensor, parts: Any = None, axis: int = 0, **more: Any) -> list[Tensor]:
    parts = more.get("num_or_size_splits", more.get("indices_or_sections", parts))
    if isinstance(parts, int):
        return list(torch.tensor_split(x, parts, axis))
    return list(torch.split(x, _sized(parts), axis))


def _whole(x: Tensor, alpha: float = 0.2, **more: Any) -> Tensor:
    return functional.leaky_relu(x, float(more.get("negative_slope", alpha)))


def _shape_of(x: Tensor, **_: Any) -> list[int]:
    return list(x.shape)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y, **_: x + y,
    "subtract": lambda x, y, **_: x - y,
    "multiply": lambda x, y, **_: x * y,
    "divide": lambda x, y, **_: x / y,
    "power": lambda x, y, **_: x**y,
    "maximum": lambda x, y, **_: torch.maximum(_tensor(x, y), _tensor(y, x)),
    "minimum": lambda x, y, **_: torch.minimum(_tensor(x, y), _tensor(y, x)),
    "matmul": lambda x, y, **_: x @ y,
    "exp": lambda x, **_: torch.exp(x),
    "log": lambda x, **_: torch.log(x),
    "sqrt": lambda x, **_: torch.sqrt(x),
    "rsqrt": lambda x, **_: torch.rsqrt(x),
    "square": lambda x, **_: x * x,
    "negative": lambda x, **_: -x,
    "abs": lambda x, **_: x.abs(),
    "reciprocal": lambda x, **_: 1 / x,
    "mean": _mean,
    "sum": _sum,
    "clip": _clip,
    "cast": _cast,
    "identity": lambda x, **_: x,
    "reshape": lambda x, shape=None, **more: _reshaped(x, more.get("newshape", shape)),
    "transpose": _permute,
    "concatenate": _concat,
    "stack": _stack,
    "split": _split,
    "tile": _tile,
    "expand_dims": lambda x, axis=-1, **_: x.unsqueeze(axis),
    "squeeze": _squeeze,
    "getitem": _slice,
    "one_hot": _one_hot,
    "shape": _shape_of,
    "random_normal": _random,
    "zeros": lambda shape, **_: torch.zeros(_sized(shape)),
    "ones": lambda shape, **_: torch.ones(_sized(shape)),
    "ones_like": lambda x, **_: torch.ones_like(x),
    "zeros_like": lambda x, **_: torch.zeros_like(x),
    "broadcast_to": lambda x, shape=None, **_: x.expand(*_sized(shape)),
    "leaky_relu": _whole,
}

_OPERATION_NAMES = {
    "addv2": "add", "bias_add": "add", "mul": "multiply", "sub": "subtract", "truediv": "divide",
    "true_divide": "divide", "realdiv": "divide", "div": "divide", "pow": "power", "neg": "negative",
    "reduce_mean": "mean", "reduce_sum": "sum", "clip_by_value": "clip", "concat": "concatenate",
    "concatv2": "concatenate", "absolute": "abs", "_shape_as_tensor": "shape", "get_item": "getitem",
    "expanddims": "expand_dims", "onehot": "one_hot", "random_normal_like": "random_normal",
    "standard_normal": "random_normal", "normal": "random_normal", "randomstandardnormal": "random_normal",
    "truncated_normal": "random_normal", "convert_to_tensor": "identity", "stop_gradient": "identity",
    "stopgradient": "identity", "broadcastto": "broadcast_to", "leakyrelu": "leaky_relu",
    "zeroslike": "zeros_like", "oneslike": "ones_like", "float": "cast", "permute_dimensions": "transpose",
}  # fmt: skip


def operation(name: str) -> Callable[..., Any] | None:
    """Return an operation of `keras.ops` or TensorFlow by its name, with or without where it lives."""
    last = name.rpartition(".")[2].strip("_")
    snake = (
        "".join("_" + c.lower() if c.isupper() else c for c in last).lstrip("_")
        if not last.islower()
        else last
    )
    for candidate in (last.lower(), snake):
        known = _OPERATION_NAMES.get(candidate, candidate)
        if known in OPERATIONS:
            return OPERATIONS[known]
        known = _SAME.get(candidate, candidate)
        if known in _ACTIVATIONS:
            function = _ACTIVATIONS[known]
            return lambda x, *_, _function=function, **__: _function(x)
    return None


def _tensor(value: Any, like: Any) -> Tensor:
    return value if isinstance(value, Tensor) else torch.full_like(like, value)
