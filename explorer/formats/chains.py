"""From a record of what was computed (a traced or exported graph) to layers, where one follows the other.

`Flow` stands for the network's input after some layers; `apply` adds what one operation of torch does. Whatever is
no such chain (two inputs, random numbers, a loop) raises `NotAChain`. Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from explorer.formats import module_tree
from explorer.models.layers import Layer

_MOST_LAYERS = 1000


class NotAChain(Exception):
    """The operations are more than layers one after the other."""


@dataclass(frozen=True, eq=False)
class Flow:
    """The input after these layers."""

    layers: tuple[Layer, ...] = ()

    def then(self, *layers: Layer | None) -> Flow:
        """Return the flow after more layers."""
        if any(layer is None for layer in layers):
            raise NotAChain("a layer with options that are not known here")
        if len(self.layers) > _MOST_LAYERS:
            raise NotAChain("more layers than any network has")
        return Flow((*self.layers, *(layer for layer in layers if layer and layer.kind != "identity")))


@dataclass(frozen=True, eq=False)
class Weight:
    """A tensor of the file and its name there; None where it has none."""

    tensor: Tensor
    name: str = ""


class Batch:
    """Stands for the number of pictures."""


BATCH = Batch()


@dataclass(eq=False)
class Chains:
    """Makes layers of operations, and keeps their tensors under names of the kind that layers want."""

    tensors: dict[str, Tensor] = field(default_factory=dict)

    def apply(self, name: str, args: Sequence[Any], options: Mapping[str, Any] | None = None) -> Any:
        """Return what an operation gives.

        Args:
            name: as torch calls it: `conv_transpose2d`.
            args: in the order of torch's own operators.
            options: those given by name.

        Raises:
            NotAChain: it is none that layers do.
        """
        if name in _NOTHING:
            return args[0]
        maker = _OPS.get(name)
        if maker is None:
            raise NotAChain(f"{name} is no layer")
        try:
            return maker(self, *args, **(options or {}))
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise NotAChain(f"{name} is used in an unknown way") from error

    def layer(self, kind: str, options: Mapping[str, Any], **weights: Weight | None) -> Layer:
        """Return a layer with tensors, under the name it had where that is plain."""
        first = next(weight for weight in weights.values() if weight is not None)
        owner, _, last = first.name.rpartition(".")
        key = owner if owner and last in ("weight", "running_mean") else f"layer{len(self.tensors)}"
        for name, weight in weights.items():
            if weight is not None:
                self.tensors[f"{key}.{name}"] = weight.tensor
        return Layer(kind, key, options)


def _flow(value: Any) -> Flow:
    if not isinstance(value, Flow):
        raise NotAChain("an operation on something else than the input")
    return value


def _linear(chains: Chains, x: Any, weight: Any, bias: Any = None) -> Flow:
    return _flow(x).then(chains.layer("linear", {}, weight=weight, bias=bias))


def _options(kind: str, weight: Weight, **state: Any) -> Mapping[str, Any]:
    made = module_tree.stated(kind, {"kernel_size": list(weight.tensor.shape[2:]), **state})
    if made is None:
        raise NotAChain("a convolution with options that are not known here")
    return made.options


def _conv(
    chains: Chains, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: Any = 1,
) -> Flow:  # fmt: skip
    said = _options("Conv2d", weight, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return _flow(x).then(chains.layer("conv", said, weight=weight, bias=bias))


def _conv_transpose(
    chains: Chains, x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: Any = 1, dilation: Any = 1,
) -> Flow:  # fmt: skip
    said = _options(
        "ConvTranspose2d", weight, stride=stride, padding=padding, output_padding=output_padding, groups=groups,
        dilation=dilation,
    )  # fmt: skip
    return _flow(x).then(chains.layer("convT", said, weight=weight, bias=bias))


def _convolution(
    chains: Chains, x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: Any,
    output_padding: Any, groups: Any, *rest: Any,
) -> Flow:  # fmt: skip
    if transposed:
        return _conv_transpose(chains, x, weight, bias, stride, padding, output_padding, groups, dilation)
    return _conv(chains, x, weight, bias, stride, padding, dilation, groups)


def _batch_norm(
    chains: Chains, x: Any, weight: Any, bias: Any, mean: Any, var: Any, training: Any = False, momentum: Any = 0.1,
    eps: Any = 1e-5, *rest: Any,
) -> Flow:  # fmt: skip
    if training is True or mean is None:
        raise NotAChain("a batch norm that uses the batch's own statistics")
    said = {"eps": eps} if eps != 1e-5 else {}
    return _flow(x).then(
        chains.layer("bn", said, weight=weight, bias=bias, running_mean=mean, running_var=var)
    )


def _batch_norm_of_functional(
    chains: Chains, x: Any, mean: Any, var: Any, weight: Any = None, bias: Any = None, training: Any = False,
    momentum: Any = 0.1, eps: Any = 1e-5,
) -> Flow:  # fmt: skip
    return _batch_norm(chains, x, weight, bias, mean, var, training, momentum, eps)


def _exported_norm(
    chains: Chains, x: Any, weight: Any, bias: Any, mean: Any, var: Any, momentum: Any, eps: Any
) -> Flow:
    return _batch_norm(chains, x, weight, bias, mean, var, False, momentum, eps)


def _instance_norm(
    chains: Chains, x: Any, weight: Any = None, bias: Any = None, mean: Any = None, var: Any = None,
    use_input: Any = True, momentum: Any = 0.1, eps: Any = 1e-5, *rest: Any,
) -> Flow:  # fmt: skip
    if not use_input:
        return _batch_norm(chains, x, weight, bias, mean, var, False, momentum, eps)
    said = {"eps": eps} if eps != 1e-5 else {}
    if weight is None:
        return _flow(x).then(Layer("in", "", said))
    return _flow(x).then(chains.layer("in", said, weight=weight, bias=bias))


def _group_norm(
    chains: Chains, x: Any, groups: Any, weight: Any, bias: Any, eps: Any = 1e-5, *rest: Any
) -> Flow:
    return _flow(x).then(chains.layer("gn", {"groups": groups, "eps": eps}, weight=weight, bias=bias))


def _layer_norm(
    chains: Chains, x: Any, shape: Any, weight: Any, bias: Any, eps: Any = 1e-5, *rest: Any
) -> Flow:
    return _flow(x).then(chains.layer("ln", {"eps": eps}, weight=weight, bias=bias))


def _prelu(chains: Chains, x: Any, weight: Any) -> Flow:
    return _flow(x).then(chains.layer("prelu", {}, weight=weight))


def _module(kind: str, *names: str) -> Callable[..., Flow]:
    """Return an operation that does what a module of torch does, whose arguments are called so."""

    def make(chains: Chains, x: Any, *args: Any) -> Flow:
        state = dict(zip(names, args, strict=False))
        return _flow(x).then(module_tree.stated(kind, {k: v for k, v in state.items() if v is not None}))

    return make


def _reshape(chains: Chains, x: Any, shape: Sequence[Any]) -> Flow:
    return _shaped(_flow(x), list(shape)[1:])


def _unflatten(chains: Chains, x: Any, dim: Any, shape: Sequence[Any]) -> Flow:
    if dim not in (1, -1):
        raise NotAChain("an unflatten of something else than the channels")
    return _shaped(_flow(x), list(shape))


def _shaped(flow: Flow, shape: list[Any]) -> Flow:
    """A shape behind the number of pictures: one size is a flat row, three are a map."""
    if len(shape) == 1:
        return flow.then(Layer("flatten"))
    if len(shape) == 3 and all(type(n) is int and n > 0 for n in shape):
        return flow.then(Layer("reshape", "", {"shape": tuple(shape)}))
    raise NotAChain("a shape that is no picture's")


def _flatten(chains: Chains, x: Any, start: Any = 0, end: Any = -1) -> Flow:
    if start != 1 or end != -1:
        raise NotAChain("a flatten across pictures")
    return _flow(x).then(Layer("flatten"))


def _upsample(mode: str) -> Callable[..., Flow]:
    def make(chains: Chains, x: Any, size: Any, *args: Any) -> Flow:
        align = bool(args[0]) if mode != "nearest" and args else False
        factors = next((value for value in reversed(args) if isinstance(value, list | tuple) and value), None)
        if factors is None and not mode and args:
            factors = args
        state = {"mode": mode, "align_corners": align, "size": size, "scale_factor": factors}
        return _flow(x).then(module_tree.stated("Upsample", state))

    return make


def _interpolate(
    chains: Chains,
    x: Any,
    size: Any = None,
    factor: Any = None,
    mode: Any = "nearest",
    align: Any = None,
    *rest: Any,
) -> Flow:
    state = {"mode": mode, "align_corners": align, "size": size, "scale_factor": factor}
    return _flow(x).then(module_tree.stated("Upsample", state))


def _scaled(chains: Chains, x: Any, factor: float, offset: float) -> Flow:
    return _flow(x).then(Layer("scale", "", {"by": (float(factor), float(offset))}))


def _plain(value: Any) -> Any:
    """Return a number that a file keeps as a tensor of one."""
    if isinstance(value, Weight) and value.tensor.numel() == 1:
        return float(value.tensor)
    return value


def _add(chains: Chains, x: Any, y: Any, alpha: Any = 1) -> Flow:
    if isinstance(y, Flow) and isinstance(x, Flow):
        return _residual(x, y)
    x, y = (y, x) if isinstance(y, Flow) else (x, y)
    return _scaled(chains, x, 1.0, _plain(y) * _plain(alpha))


def _residual(x: Flow, y: Flow) -> Flow:
    """The sum of two flows, one of which goes on from the other."""
    longer, shorter = (x, y) if len(x.layers) >= len(y.layers) else (y, x)
    shared = len(shorter.layers)
    if (
        any(a is not b for a, b in zip(longer.layers, shorter.layers, strict=False))
        or len(longer.layers) == shared
    ):
        raise NotAChain("a sum of two branches")
    return shorter.then(Layer("residual", "", {"layers": longer.layers[shared:]}))


def _mul(chains: Chains, x: Any, y: Any) -> Flow:
    x, y = (y, x) if isinstance(y, Flow) else (x, y)
    return _scaled(chains, x, _plain(y), 0.0)


def _div(chains: Chains, x: Any, y: Any) -> Flow:
    return _scaled(chains, x, 1.0 / _plain(y), 0.0)


def _sub(chains: Chains, x: Any, y: Any, alpha: Any = 1) -> Flow:
    return _scaled(chains, x, 1.0, -_plain(y) * _plain(alpha))


def _size(chains: Chains, x: Any, dim: Any) -> Any:
    if isinstance(x, Flow) and dim == 0:
        return BATCH
    raise NotAChain("a size that is not known")


def _unsqueeze(chains: Chains, x: Any, dim: Any) -> Flow:
    """Only of the code, which becomes a map of one pixel; a convolution takes it as it is."""
    flow = _flow(x)
    if any(layer.kind in ("linear", "conv", "convT") for layer in flow.layers):
        raise NotAChain("a new dimension")
    return flow


def _pad(mode: str) -> Callable[..., Flow]:
    kinds = {"": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}

    def make(chains: Chains, x: Any, padding: Any, value: Any = 0) -> Flow:
        return _flow(x).then(module_tree.stated(kinds[mode], {"padding": padding, "value": value or 0}))

    return make


_NOTHING = ("dropout", "dropout_", "feature_dropout", "contiguous", "detach", "clone", "alias", "alias_copy", "to",
            "_to_copy", "int", "NumToTensor", "lift_fresh_copy", "identity")  # fmt: skip
"""Operations that change nothing in a trained network."""

_SIMPLE: dict[str, Callable[..., Any]] = {
    "relu": _module("ReLU"),
    "relu6": _module("ReLU6"),
    "leaky_relu": _module("LeakyReLU", "negative_slope"),
    "elu": _module("ELU", "alpha"),
    "celu": _module("CELU", "alpha"),
    "selu": _module("SELU"),
    "gelu": _module("GELU", "approximate"),
    "silu": _module("SiLU"),
    "mish": _module("Mish"),
    "softplus": _module("Softplus", "beta"),
    "softsign": _module("Softsign"),
    "sigmoid": _module("Sigmoid"),
    "tanh": _module("Tanh"),
    "hardtanh": _module("Hardtanh", "min_val", "max_val"),
    "hardsigmoid": _module("Hardsigmoid"),
    "hardswish": _module("Hardswish"),
    "add": _add,
    "mul": _mul,
    "div": _div,
    "sub": _sub,
}

_OPS: dict[str, Callable[..., Any]] = {
    **_SIMPLE,
    **{f"{name}_": maker for name, maker in _SIMPLE.items()},
    "linear": _linear,
    "conv2d": _conv,
    "conv_transpose2d": _conv_transpose,
    "_convolution": _convolution,
    "convolution": _convolution,
    "batch_norm": _batch_norm,
    "functional.batch_norm": _batch_norm_of_functional,
    "_native_batch_norm_legit_no_training": _exported_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
    "native_group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "view": _reshape,
    "reshape": _reshape,
    "unflatten": _unflatten,
    "flatten": _flatten,
    "unsqueeze": _unsqueeze,
    "upsample_nearest2d": _upsample("nearest"),
    "upsample_bilinear2d": _upsample("bilinear"),
    "upsample_bicubic2d": _upsample("bicubic"),
    "functional.interpolate": _interpolate,
    "interpolate": _interpolate,
    "pixel_shuffle": _module("PixelShuffle", "upscale_factor"),
    "max_pool2d": _module("MaxPool2d", "kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg_pool2d": _module("AvgPool2d", "kernel_size", "stride", "padding", "ceil_mode"),
    "adaptive_avg_pool2d": _module("AdaptiveAvgPool2d", "output_size"),
    "constant_pad_nd": _pad(""),
    "reflection_pad2d": _pad("reflect"),
    "replication_pad2d": _pad("replicate"),
    "size": _size,
    "sym_size": _size,
}
