"""Running networks on tensors without memory ("meta"), to learn shapes: `with ShapesAlone(): network(codes)`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_KEPT_BY_NAME = (
    "batch_norm", "group_norm", "layer_norm", "instance_norm", "dropout", "dropout1d", "dropout2d", "dropout3d",
    "alpha_dropout", "relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "elu", "elu_", "selu", "celu", "gelu",
    "silu", "mish", "softplus", "softsign", "softmax", "log_softmax", "sigmoid", "tanh", "hardtanh", "hardsigmoid",
    "hardswish", "logsigmoid", "normalize", "prelu",
)  # fmt: skip
_SHAPE_KEPT = {
    getattr(place, name)
    for place in (functional, torch, Tensor)
    for name in _KEPT_BY_NAME
    if hasattr(place, name)
}


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
        if func in _SHAPE_KEPT:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


def _linear(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    outputs, inputs = weight.shape
    if values.shape[-1] != inputs or (bias is not None and bias.shape != (outputs,)):
        raise RuntimeError(f"{inputs} inputs do not fit {tuple(values.shape)}")
    return values.new_empty((*values.shape[:-1], outputs))
