"""Running networks on tensors without memory ("meta"), to learn shapes: `with ShapesAlone(): network(codes)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_KEPT_BY_NAME = (
    "batch_norm", "group_norm", "layer_norm", "instance_norm", "dropout", "dropout1d", "dropout2d", "dropout3d",
    "alpha_dropout", "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "elu", "elu_", "selu", "celu", "gelu",
    "silu", "mish", "softplus", "softsign", "softmax", "log_softmax", "sigmoid", "tanh", "hardtanh", "hardsigmoid",
    "hardswish", "logsigmoid", "normalize", "prelu", "rsqrt", "sqrt", "exp", "log", "abs", "neg", "square",
    "round", "floor", "sin", "cos", "clamp", "clamp_min", "__neg__", "__abs__",
)  # fmt: skip
_SHAPE_KEPT = {
    getattr(place, name)
    for place in (functional, torch, Tensor)
    for name in _KEPT_BY_NAME
    if hasattr(place, name)
}
_BROADCAST_BY_NAME = (
    "add",
    "sub",
    "mul",
    "div",
    "true_divide",
    "rsub",
    "maximum",
    "minimum",
    "where",
    "clamp",
    "pow",
)
_BROADCAST = {
    getattr(place, name)
    for place in (torch, Tensor)
    for word in _BROADCAST_BY_NAME
    for name in (word, f"__{word}__", f"__r{word}__", "__truediv__", "__rtruediv__")
    if hasattr(place, name)
}


_BY_CHANNEL = {functional.batch_norm, functional.instance_norm, functional.group_norm, functional.prelu}


class ShapesAlone(TorchFunctionMode):
    """Has the usual functions tell their shapes by simpler means; the values of what they return mean nothing.

    On tensors without memory torch takes them apart with its compiler, whose import takes seconds and makes a
    folder among the temporary files.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run a function of torch, or what has the same shapes."""
        kwargs = kwargs or {}
        if func is functional.linear and not kwargs:
            return _linear(*args)
        if func is functional.conv2d and not kwargs:
            return _convolved(*args)
        if func is functional.conv_transpose2d and not kwargs:
            return _transposed(*args)
        if func in _SHAPE_KEPT:
            values = args[0] if args else kwargs["input"]
            if func in _BY_CHANNEL:
                _fit_channels(values, [*args[1:], *kwargs.values()], func is functional.prelu)
            elif func is functional.layer_norm:
                _fit_rows(values, args[1] if len(args) > 1 else kwargs["normalized_shape"])
            return values
        if func is functional.adaptive_avg_pool2d or func is functional.interpolate:
            return _resized(func, *args, **kwargs)
        if func is torch.cat:
            return _cat(*args, **kwargs)
        if func in _BROADCAST and not kwargs:
            return _broadcast(args)
        return func(*args, **kwargs)


def _fit_channels(values: Tensor, others: Sequence[Any], one_fits: bool) -> None:
    """Check that what a norm or a PReLU keeps for each channel is for as many channels as there are."""
    channels = int(values.shape[1]) if values.ndim > 1 else 1
    fitting = {channels, 1} if one_fits else {channels}
    for other in others:
        if isinstance(other, Tensor) and other.ndim == 1 and len(other) not in fitting:
            raise RuntimeError(f"{len(other)} channels do not fit {tuple(values.shape)}")


def _fit_rows(values: Tensor, shape: Sequence[int]) -> None:
    if tuple(values.shape[-len(shape) :]) != tuple(shape):
        raise RuntimeError(f"rows of {tuple(shape)} do not fit {tuple(values.shape)}")


def _linear(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    outputs, inputs = weight.shape
    if values.shape[-1] != inputs or (bias is not None and bias.shape != (outputs,)):
        raise RuntimeError(f"{inputs} inputs do not fit {tuple(values.shape)}")
    return values.new_empty((*values.shape[:-1], outputs))


def _convolved(
    values: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    dilation: Any = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    outputs, inputs, *kernel = weight.shape
    _fit(values, inputs * groups, outputs, bias)
    kept = tuple(values.shape[2:]) if padding == "same" else None
    padding = 0 if isinstance(padding, str) else padding
    sides = [
        (side + 2 * pad - by * (wide - 1) - 1) // step + 1
        for side, wide, step, pad, by in zip(
            values.shape[2:], kernel, _two(stride), _two(padding), _two(dilation), strict=True
        )
    ]
    return _map(values, outputs, kept or sides)


def _transposed(
    values: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
    output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
) -> Tensor:  # fmt: skip
    inputs, outputs, *kernel = weight.shape
    _fit(values, inputs, outputs * groups, bias)
    steps = zip(_two(stride), _two(padding), _two(output_padding), _two(dilation), strict=True)
    sides = [
        (side - 1) * step - 2 * pad + by * (wide - 1) + more + 1
        for side, wide, (step, pad, more, by) in zip(values.shape[2:], kernel, steps, strict=True)
    ]
    if any(
        more >= max(step, by)
        for step, more, by in zip(*map(_two, (stride, output_padding, dilation)), strict=True)
    ):
        raise RuntimeError("output padding is smaller than the stride or the dilation")
    return _map(values, outputs * groups, sides)


def _fit(values: Tensor, inputs: int, outputs: int, bias: Tensor | None) -> None:
    if values.ndim != 4 or values.shape[1] != inputs or (bias is not None and bias.shape != (outputs,)):
        raise RuntimeError(f"{inputs} channels do not fit {tuple(values.shape)}")


def _map(values: Tensor, channels: int, sides: Any) -> Tensor:
    if min(sides) < 1:
        raise RuntimeError(f"a map of {tuple(sides)} pixels is none")
    return values.new_empty((len(values), channels, *sides))


def _two(value: Any) -> tuple[int, ...]:
    return (value, value) if isinstance(value, int) else tuple(value) * (2 if len(value) == 1 else 1)


def _broadcast(values: Any) -> Tensor:
    tensors = [value for value in values if isinstance(value, Tensor)]
    return tensors[0].new_empty(torch.broadcast_shapes(*(tensor.shape for tensor in tensors)))


def _cat(tensors: Any, dim: int = 0) -> Tensor:
    shape = list(tensors[0].shape)
    others = [[*tensor.shape] for tensor in tensors]
    if any(len(other) != len(shape) for other in others):
        raise RuntimeError("values of different dimensions cannot be joined")
    for other in others:
        other[dim] = shape[dim]
    if any(other != shape for other in others):
        raise RuntimeError("values of different sizes cannot be joined")
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    return tensors[0].new_empty(shape)


def _resized(
    func: Any, values: Tensor, size: Any = None, scale_factor: Any = None, *rest: Any, **more: Any
) -> Tensor:
    sides = values.shape[2:]
    if func is functional.adaptive_avg_pool2d or scale_factor is None:
        sizes = (size,) * len(sides) if isinstance(size, int) else tuple(size)
    else:
        by = (scale_factor,) * len(sides) if isinstance(scale_factor, int | float) else scale_factor
        sizes = tuple(int(side * factor) for side, factor in zip(sides, by, strict=True))
    return values.new_empty((*values.shape[:2], *sizes))
