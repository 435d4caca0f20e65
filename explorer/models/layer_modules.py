"""One layer as a module of torch, with the very tensors of its file; what layers form together is in `layered`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from explorer.models.layers import Layer

Tensors = Mapping[str, Tensor]


class BatchNorm(_BatchNorm):
    """Batch norm of `(N, C)` or `(N, C, H, W)`, whichever comes."""

    def _check_input_dim(self, input: Tensor) -> None:
        return


class Padded(nn.Module):
    """A layer whose input is padded before, unevenly or not with zeros."""

    def __init__(self, sides: Sequence[int], inner: nn.Module | None = None, mode: str = "constant") -> None:
        super().__init__()
        top, bottom, left, right = sides
        self._sides = (left, right, top, bottom)
        self._mode = mode
        self.inner = inner

    def forward(self, values: Tensor) -> Tensor:
        """Return the padded values, run through the layer where there is one."""
        padded = functional.pad(values, self._sides, mode=self._mode)
        return padded if self.inner is None else self.inner(padded)


class Reshape(nn.Module):
    """A new shape of each row; `hwc`: the row is height x width x channels."""

    def __init__(self, shape: Sequence[int], hwc: bool = False) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self._hwc = hwc

    def forward(self, values: Tensor) -> Tensor:
        """Return `(N, *shape)`."""
        if not self._hwc:
            return values.reshape(-1, *self.shape)
        channels, height, width = self.shape
        return values.reshape(-1, height, width, channels).permute(0, 3, 1, 2)


class Flatten(nn.Module):
    """One row a picture; `hwc`: in the order height x width x channels."""

    def __init__(self, hwc: bool = False) -> None:
        super().__init__()
        self._hwc = hwc

    def forward(self, values: Tensor) -> Tensor:
        """Return `(N, width)`."""
        return (values.permute(0, 2, 3, 1) if self._hwc and values.ndim == 4 else values).flatten(1)


class Resize(nn.Module):
    """Scaling by a factor or to a size."""

    def __init__(
        self, *, by: Any = None, size: Any = None, mode: str = "nearest", align: bool = False
    ) -> None:
        super().__init__()
        self._by = tuple(map(float, by)) if isinstance(by, tuple | list) else by and float(by)
        self._size = tuple(size) if size else None
        self._mode = mode
        self._align = align if mode != "nearest" else None

    def forward(self, values: Tensor) -> Tensor:
        """Return the scaled values."""
        return functional.interpolate(values, self._size, self._by, self._mode, self._align)


class Crop(nn.Module):
    """The first rows and columns."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self._size = tuple(size)

    def forward(self, values: Tensor) -> Tensor:
        """Return `(N, C, *size)`."""
        return values[..., : self._size[0], : self._size[1]]


class Scale(nn.Module):
    """`values * factor + offset`."""

    def __init__(self, factor: float, offset: float = 0.0) -> None:
        super().__init__()
        self._factor, self._offset = factor, offset

    def forward(self, values: Tensor) -> Tensor:
        """Return the scaled values."""
        return values * self._factor + self._offset


class Pointwise(nn.Module):
    """A function without weights."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._function = function

    def forward(self, values: Tensor) -> Tensor:
        """Return the function's values."""
        return self._function(values)


class Residual(nn.Module):
    """Layers added to their input, or to what a shortcut makes of it (He et al. 2015, arXiv:1512.03385)."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, values: Tensor) -> Tensor:
        """Return the sum."""
        return self.layers(values) + self.shortcut(values)


def module_of(layer: Layer, tensors: Tensors) -> nn.Module:
    """Return a layer as a module, with the very tensors of the file.

    Raises:
        ValueError: a tensor is missing or of another shape; it is named.
    """
    maker = _MAKERS.get(layer.kind)
    if maker is None:
        raise ValueError(f"there is no layer called {layer.kind}")
    return maker(layer, tensors)


def sequence(layers: Sequence[Layer], tensors: Tensors) -> nn.Sequential:
    """Return layers as one module.

    Raises:
        ValueError: a tensor is missing or of another shape; it is named.
    """
    return nn.Sequential(*(module_of(layer, tensors) for layer in layers))


def _tensor(layer: Layer, tensors: Tensors, name: str, dims: int) -> Tensor:
    found = tensors.get(f"{layer.key}.{name}")
    if found is None:
        raise ValueError(f"{layer.key}.{name} is missing")
    if found.ndim != dims:
        raise ValueError(f"{layer.key}.{name} has {found.ndim} dimensions instead of {dims}")
    return found


def _with(module: nn.Module, layer: Layer, tensors: Tensors) -> nn.Module:
    """Give a module that was made without memory its tensors."""
    parameters = dict(module.named_parameters())
    for name, expected in (parameters | dict(module.named_buffers())).items():
        if name == "num_batches_tracked":
            setattr(module, name, torch.zeros((), dtype=torch.long))
            continue
        found = tensors.get(f"{layer.key}.{name}")
        if found is None or found.shape != expected.shape:
            wanted = "x".join(map(str, expected.shape))
            state = "missing" if found is None else "x".join(map(str, found.shape))
            raise ValueError(f"{layer.key}.{name} is {state} instead of {wanted}")
        setattr(module, name, nn.Parameter(found, requires_grad=False) if name in parameters else found)
    return module


class _Untouched:
    """A layer whose weights are given: none are drawn, which takes longer than all else in making one."""

    def reset_parameters(self) -> None:
        """Leave them."""


class _Linear(_Untouched, nn.Linear):
    pass


class _Conv(_Untouched, nn.Conv2d):
    pass


class _ConvTranspose(_Untouched, nn.ConvTranspose2d):
    pass


def _linear(layer: Layer, tensors: Tensors) -> nn.Module:
    wide, narrow = _tensor(layer, tensors, "weight", 2).shape
    return _with(_Linear(narrow, wide, f"{layer.key}.bias" in tensors, device="meta"), layer, tensors)


def _conv(layer: Layer, tensors: Tensors) -> nn.Module:
    out, per_group, *kernel = _tensor(layer, tensors, "weight", 4).shape
    padding, groups = layer.get("padding", 0), layer.get("groups", 1)
    sides = _uneven(padding)
    module = _Conv(
        per_group * groups, out, _pair(kernel), layer.get("stride", 1), 0 if sides else padding,
        layer.get("dilation", 1), groups, f"{layer.key}.bias" in tensors,
        "zeros" if sides else layer.get("mode", "zeros"), device="meta",
    )  # fmt: skip
    made = _with(module, layer, tensors)
    return Padded(sides, made, layer.get("mode", "constant")) if sides else made


def _conv_transpose(layer: Layer, tensors: Tensors) -> nn.Module:
    width, per_group, *kernel = _tensor(layer, tensors, "weight", 4).shape
    groups = layer.get("groups", 1)
    module = _ConvTranspose(
        width, per_group * groups, _pair(kernel), layer.get("stride", 1), layer.get("padding", 0),
        layer.get("output_padding", 0), groups, f"{layer.key}.bias" in tensors, layer.get("dilation", 1),
        device="meta",
    )  # fmt: skip
    return _with(module, layer, tensors)


def _pair(kernel: Sequence[int]) -> tuple[int, int]:
    height, width = kernel
    return height, width


def _uneven(padding: Any) -> tuple[int, ...] | None:
    return tuple(padding) if isinstance(padding, tuple | list) and len(padding) == 4 else None


def _batch_norm(layer: Layer, tensors: Tensors) -> nn.Module:
    width = len(_tensor(layer, tensors, "running_mean", 1))
    affine = f"{layer.key}.weight" in tensors
    return _with(BatchNorm(width, layer.get("eps", 1e-5), affine=affine, device="meta"), layer, tensors)


def _instance_norm(layer: Layer, tensors: Tensors) -> nn.Module:
    eps = layer.get("eps", 1e-5)
    if f"{layer.key}.weight" not in tensors:
        return Pointwise(partial(functional.instance_norm, eps=eps))
    width = len(_tensor(layer, tensors, "weight", 1))
    return _with(nn.InstanceNorm2d(width, eps, affine=True, device="meta"), layer, tensors)


def _group_norm(layer: Layer, tensors: Tensors) -> nn.Module:
    width = len(_tensor(layer, tensors, "weight", 1))
    module = nn.GroupNorm(layer.get("groups", 1), width, layer.get("eps", 1e-5), device="meta")
    return _with(module, layer, tensors)


def _layer_norm(layer: Layer, tensors: Tensors) -> nn.Module:
    weight = tensors.get(f"{layer.key}.weight")
    if weight is None:
        raise ValueError(f"{layer.key}.weight is missing")
    bias = f"{layer.key}.bias" in tensors
    module = nn.LayerNorm(tuple(weight.shape), layer.get("eps", 1e-5), bias=bias, device="meta")
    return _with(module, layer, tensors)


def _prelu(layer: Layer, tensors: Tensors) -> nn.Module:
    return _with(nn.PReLU(len(_tensor(layer, tensors, "weight", 1)), device="meta"), layer, tensors)


def _residual(layer: Layer, tensors: Tensors) -> nn.Module:
    return Residual(
        sequence(layer.options["layers"], tensors), sequence(layer.options.get("shortcut", ()), tensors)
    )


def _pool(kind: Any) -> Callable[[Layer, Tensors], nn.Module]:
    def make(layer: Layer, tensors: Tensors) -> nn.Module:
        kernel = layer.get("kernel", 2)
        return kind(kernel, layer.get("stride", kernel), layer.get("padding", 0))

    return make


def _plain(kind: Any, *options: tuple[str, Any]) -> Callable[[Layer, Tensors], nn.Module]:
    """Return a maker of a module whose arguments are these options, with what holds without them."""

    def make(layer: Layer, tensors: Tensors) -> nn.Module:
        return kind(*(layer.get(name, default) for name, default in options))

    return make


_MAKERS: dict[str, Callable[[Layer, Tensors], nn.Module]] = {
    "linear": _linear,
    "conv": _conv,
    "convT": _conv_transpose,
    "bn": _batch_norm,
    "in": _instance_norm,
    "gn": _group_norm,
    "ln": _layer_norm,
    "prelu": _prelu,
    "residual": _residual,
    "relu": _plain(nn.ReLU),
    "relu6": _plain(nn.ReLU6),
    "leaky_relu": _plain(nn.LeakyReLU, ("slope", 0.01)),
    "elu": _plain(nn.ELU, ("alpha", 1.0)),
    "celu": _plain(nn.CELU, ("alpha", 1.0)),
    "selu": _plain(nn.SELU),
    "gelu": _plain(nn.GELU),
    "silu": _plain(nn.SiLU),
    "mish": _plain(nn.Mish),
    "softplus": _plain(nn.Softplus, ("beta", 1.0)),
    "softsign": _plain(nn.Softsign),
    "sigmoid": _plain(nn.Sigmoid),
    "tanh": _plain(nn.Tanh),
    "hardtanh": _plain(nn.Hardtanh),
    "hardsigmoid": _plain(nn.Hardsigmoid),
    "hardswish": _plain(nn.Hardswish),
    "exp": lambda layer, tensors: Pointwise(torch.exp),
    "sin": lambda layer, tensors: Pointwise(torch.sin),
    "softmax": lambda layer, tensors: nn.Softmax(1),
    "log_softmax": lambda layer, tensors: nn.LogSoftmax(1),
    "identity": _plain(nn.Identity),
    "reshape": lambda layer, tensors: Reshape(layer.options["shape"], layer.get("order", "") == "hwc"),
    "flatten": lambda layer, tensors: Flatten(layer.get("order", "") == "hwc"),
    "upsample": lambda layer, tensors: Resize(
        by=layer.get("by", 2), mode=layer.get("mode", "nearest"), align=layer.get("align", False)
    ),
    "resize": lambda layer, tensors: Resize(
        size=layer.options["size"], mode=layer.get("mode", "nearest"), align=layer.get("align", False)
    ),
    "shuffle": _plain(nn.PixelShuffle, ("by", 2)),
    "crop": lambda layer, tensors: Crop(layer.options["size"]),
    "pad": lambda layer, tensors: Padded(layer.options["sides"], None, layer.get("mode", "constant")),
    "scale": lambda layer, tensors: Scale(*layer.options["by"]),
    "maxpool": _pool(nn.MaxPool2d),
    "avgpool": _pool(nn.AvgPool2d),
    "adaptive": lambda layer, tensors: nn.AdaptiveAvgPool2d(tuple(layer.options["size"])),
}
