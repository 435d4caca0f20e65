"""A whole module that was pickled, as an inert tree: its tensors by key, and what each layer says of itself.

The pickle of a network holds every attribute of every layer of `torch.nn` (kernel, stride, eps, slope), but not
what `forward` does; so layers come out exact, and how they follow each other is left to `inference`. Nothing of
the tree is made or called. Attributes that a class got in a later version of torch are missing in old files:
then torch's default holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from explorer.formats.content import Record
from explorer.formats.inference import Module
from explorer.models.layers import Layer

State = Mapping[str, Any]

_TORCH = "torch.nn."
_MOST_LEVELS = 40
_MOST_NAME = 1000


def unfold(record: Record) -> tuple[dict[str, Tensor], list[Module]]:
    """Return the state dict that a module would have, and its submodules in the order of registration."""
    tensors: dict[str, Tensor] = {}
    modules: list[Module] = []
    for path, each in _walk(record, "", 0):
        state = each.state if isinstance(each.state, dict) else {}
        before = f"{path}." if path else ""
        for kind in ("_parameters", "_buffers"):
            held = state.get(kind)
            for name, value in held.items() if isinstance(held, Mapping) else ():
                if isinstance(value, Tensor):
                    tensors[f"{before}{name}"] = value
        if path:
            modules.append(Module(path, layer_of(each, path), each.name))
    return tensors, modules


def _walk(record: Record, path: str, level: int) -> Iterator[tuple[str, Record]]:
    yield path, record
    children = record.state.get("_modules") if isinstance(record.state, dict) else None
    if not isinstance(children, Mapping) or level > _MOST_LEVELS:
        return
    for name, child in children.items():
        if isinstance(child, Record):
            yield from _walk(child, f"{path}.{name}" if path else str(name), level + 1)


def chain(record: Record) -> tuple[Layer, ...]:
    """Return the layers of a module that runs them one after the other; none where that is not known.

    That is a `Sequential`, or a class of somebody's own around nothing but one: what its `forward` may do besides is
    to give what comes out the shape of a picture. Between a row and a map stands the shape that fits the channels.
    """
    before = ""
    while not _is_sequential(record):
        inner = _children(record)
        if len(inner) != 1 or len(before) > _MOST_NAME:
            return ()
        name, record = next(iter(inner.items()))
        before += f"{name}."
    found = [
        layer
        for path, each in _walk(record, "", 0)
        if path and (layer := _in_chain(path, each)) is not _HOLDS
    ]
    if not all(found):
        return ()
    layers = _with_shapes([layer for layer in found if layer], unfold(record)[0])
    return tuple(rekeyed(layer, before) for layer in layers)


_HOLDS = Layer("identity", "", {"holds": "others"})


def _in_chain(path: str, record: Record) -> Layer | None:
    return _HOLDS if _is_sequential(record) else layer_of(record, path)


def _is_sequential(record: Record) -> bool:
    return record.cls in ("torch.nn.modules.container.Sequential", "torch.nn.Sequential")


def _children(record: Record) -> dict[str, Record]:
    held = record.state.get("_modules") if isinstance(record.state, dict) else None
    return {str(k): v for k, v in held.items() if isinstance(v, Record)} if isinstance(held, Mapping) else {}


def _with_shapes(layers: list[Layer], tensors: Mapping[str, Tensor]) -> tuple[Layer, ...]:
    """Return the layers with the shape between a linear layer and a convolution that nothing states."""
    found: list[Layer] = []
    wide = 0  # of the row that comes, 0 for a map or where it is not known
    for layer in layers:
        if layer.kind == "identity":
            continue
        weight = tensors.get(f"{layer.key}.weight") if layer.key else None
        if layer.kind in ("conv", "convT") and wide and weight is not None:
            channels = weight.shape[0] if layer.kind == "convT" else weight.shape[1]
            side = int((wide / channels) ** 0.5)
            if channels * side * side != wide:
                return ()
            found.append(Layer("reshape", "", {"shape": (channels, side, side)}))
        if layer.kind in ("reshape", "conv", "convT"):
            wide = 0
        elif layer.kind == "linear" and weight is not None:
            wide = weight.shape[0]
        found.append(layer)
    return tuple(found)


def under(module: Module, name: str) -> Module:
    """Return a submodule as part of another; the layer's tensors are then found there, too."""
    return Module(f"{name}.{module.path}", module.layer and rekeyed(module.layer, f"{name}."), module.cls)


def without(module: Module, name: str) -> Module:
    """Return a submodule without the first name of its path."""
    return Module(
        module.path[len(name) + 1 :], module.layer and rekeyed(module.layer, drop=f"{name}."), module.cls
    )


def rekeyed(layer: Layer, before: str = "", drop: str = "") -> Layer:
    """Return a layer whose tensors have another name: with something before, or without how it begins."""
    return Layer(layer.kind, before + layer.key.removeprefix(drop), layer.options) if layer.key else layer


def layer_of(record: Record, path: str) -> Layer | None:
    """Return the layer that a record states; None for a container, or a class that nobody knows here."""
    state = record.state if isinstance(record.state, dict) else {}
    if not record.cls.startswith(_TORCH):
        return _own_class(record.name, state)
    made = stated(record.name, state)
    if made is None or made.kind not in WITH_TENSORS:
        return made
    return Layer(made.kind, path, made.options)


def stated(name: str, state: State) -> Layer | None:
    """Return the layer of a class of `torch.nn` with these attributes, without its key; None if unknown here."""
    maker = _MAKERS.get(name)
    try:
        return maker(state) if maker else None
    except (TypeError, ValueError, KeyError, AttributeError):
        return None  # a file may say anything


def _own_class(name: str, state: State) -> Layer | None:
    """Return what a stranger's class without weights and children most likely is: a new shape."""
    if any(state.get(held) for held in ("_modules", "_parameters", "_buffers")):
        return None
    if name.lower() == "flatten":
        return Layer("flatten")
    stated = [value for key, value in state.items() if not key.startswith("_") and key != "training"]
    shapes = [value for value in stated if _ints(value) and len(value) > 1]
    whole = [value for value in stated if type(value) is int]
    shape = shapes[0] if len(shapes) == 1 else whole if not shapes and len(whole) == 3 else None
    if shape is None:
        return None
    shape = list(shape)[1:] if len(shape) == 4 or shape[0] == -1 else list(shape)
    if len(shape) == 1:
        return Layer("flatten")
    return Layer("reshape", "", {"shape": tuple(shape)}) if len(shape) == 3 and min(shape) > 0 else None


def _ints(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(type(n) is int for n in value)


def _pair(value: Any) -> Any:
    """Return one number where both sides have the same."""
    if isinstance(value, list | tuple):
        first, *others = value
        return first if all(other == first for other in others) else tuple(value)
    return value


def _given(state: State, *names: tuple[str, str, Any]) -> dict[str, Any]:
    """Return options by our names, from theirs, where they are not torch's defaults."""
    found = {ours: _pair(state.get(theirs, default)) for ours, theirs, default in names}
    return {ours: found[ours] for ours, _, default in names if found[ours] != default}


def _conv(state: State) -> Layer:
    options = {"kernel": _pair(state["kernel_size"])} | _given(
        state, ("stride", "stride", 1), ("dilation", "dilation", 1), ("groups", "groups", 1)
    )
    padding = _pair(state.get("padding", 0))
    if padding == "same":
        options["padding"] = _same(state)
    elif padding not in (0, "valid"):
        options["padding"] = padding
    mode = state.get("padding_mode", "zeros")
    return Layer("conv", "", options | ({"mode": mode} if mode != "zeros" else {}))


def _same(state: State) -> Any:
    """Return the padding that leaves a picture its size; what is odd goes behind."""
    kernel, dilation = state["kernel_size"], state.get("dilation", 1)
    kernel = kernel if isinstance(kernel, list | tuple) else [kernel, kernel]
    dilation = dilation if isinstance(dilation, list | tuple) else [dilation, dilation]
    totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    sides = tuple(side for total in totals for side in (total // 2, total - total // 2))
    return sides[0] if len(set(sides)) == 1 else sides


def _conv_transpose(state: State) -> Layer:
    options = {"kernel": _pair(state["kernel_size"])}
    return Layer("convT", "", options | _given(
        state, ("stride", "stride", 1), ("padding", "padding", 0), ("output_padding", "output_padding", 0),
        ("dilation", "dilation", 1), ("groups", "groups", 1),
    ))  # fmt: skip


def _norm(kind: str, *more: tuple[str, str, Any]) -> Callable[[State], Layer]:
    return lambda state: Layer(kind, "", _given(state, ("eps", "eps", 1e-5), *more))


def _instance_norm(state: State) -> Layer:
    """With running statistics it is a batch norm, once it is trained."""
    buffers = state.get("_buffers")
    tracked = isinstance(buffers, Mapping) and isinstance(buffers.get("running_mean"), Tensor)
    return Layer("bn" if tracked else "in", "", _given(state, ("eps", "eps", 1e-5)))


def _plain(kind: str, *options: tuple[str, str, Any]) -> Callable[[State], Layer]:
    return lambda state: Layer(kind, "", _given(state, *options))


def _unflatten(state: State) -> Layer | None:
    shape = state["unflattened_size"]
    usable = _ints(shape) and len(shape) == 3 and min(shape) > 0 and state.get("dim", 1) in (1, -1)
    return Layer("reshape", "", {"shape": tuple(shape)}) if usable else None


def _upsample(state: State) -> Layer | None:
    size, factor, mode = state.get("size"), state.get("scale_factor"), str(state.get("mode", "nearest"))
    options: dict[str, Any] = {"mode": mode} if mode != "nearest" else {}
    if mode not in ("nearest", "bilinear", "bicubic"):
        return None
    if state.get("align_corners"):
        options["align"] = True
    if size is not None:
        return Layer(
            "resize", "", {"size": tuple(size) if isinstance(size, list | tuple) else (size, size)} | options
        )
    factor = _pair(factor)
    factor = int(factor) if isinstance(factor, float) and factor.is_integer() else factor
    return Layer("upsample", "", ({"by": factor} if factor != 2 else {}) | options)


def _pool(kind: str) -> Callable[[State], Layer | None]:
    def make(state: State) -> Layer | None:
        if state.get("ceil_mode") or _pair(state.get("dilation", 1)) != 1:
            return None
        kernel = _pair(state["kernel_size"])
        stride = _pair(state.get("stride") or kernel)
        options = {"kernel": kernel} | ({"stride": stride} if stride != kernel else {})
        return Layer(kind, "", options | _given(state, ("padding", "padding", 0)))

    return make


def _adaptive(state: State) -> Layer:
    size = state["output_size"]
    return Layer("adaptive", "", {"size": tuple(size) if isinstance(size, list | tuple) else (size, size)})


def _pad(mode: str) -> Callable[[State], Layer | None]:
    def make(state: State) -> Layer | None:
        if state.get("value", 0) != 0:
            return None
        padding = state["padding"]
        left, right, top, bottom = padding if isinstance(padding, list | tuple) else [padding] * 4
        return Layer("pad", "", {"sides": (top, bottom, left, right)} | ({"mode": mode} if mode else {}))

    return make


def _flatten(state: State) -> Layer | None:
    return Layer("flatten") if state.get("start_dim", 1) == 1 else None


def _softmax(kind: str) -> Callable[[State], Layer | None]:
    return lambda state: Layer(kind) if state.get("dim") == 1 else None


def _hardtanh(state: State) -> Layer | None:
    return Layer("hardtanh") if (state.get("min_val", -1), state.get("max_val", 1)) == (-1, 1) else None


WITH_TENSORS = ("linear", "conv", "convT", "bn", "in", "gn", "ln", "prelu")

_MAKERS: dict[str, Callable[[State], Layer | None]] = {
    "Linear": _plain("linear"),
    "Conv2d": _conv,
    "ConvTranspose2d": _conv_transpose,
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "SyncBatchNorm"), _norm("bn")),
    **dict.fromkeys(("InstanceNorm1d", "InstanceNorm2d"), _instance_norm),
    "GroupNorm": _norm("gn", ("groups", "num_groups", 1)),
    "LayerNorm": _norm("ln"),
    "PReLU": _plain("prelu"),
    "ReLU": _plain("relu"),
    "ReLU6": _plain("relu6"),
    "LeakyReLU": _plain("leaky_relu", ("slope", "negative_slope", 0.01)),
    "ELU": _plain("elu", ("alpha", "alpha", 1.0)),
    "CELU": _plain("celu", ("alpha", "alpha", 1.0)),
    "SELU": _plain("selu"),
    "GELU": lambda state: Layer("gelu") if state.get("approximate", "none") == "none" else None,
    "SiLU": _plain("silu"),
    "Mish": _plain("mish"),
    "Softplus": _plain("softplus", ("beta", "beta", 1.0)),
    "Softsign": _plain("softsign"),
    "Sigmoid": _plain("sigmoid"),
    "Tanh": _plain("tanh"),
    "Hardtanh": _hardtanh,
    "Hardsigmoid": _plain("hardsigmoid"),
    "Hardswish": _plain("hardswish"),
    "Softmax": _softmax("softmax"),
    "LogSoftmax": _softmax("log_softmax"),
    **dict.fromkeys(("Identity", "Dropout", "Dropout1d", "Dropout2d", "AlphaDropout"), _plain("identity")),
    "Flatten": _flatten,
    "Unflatten": _unflatten,
    **dict.fromkeys(("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d"), _upsample),
    "PixelShuffle": _plain("shuffle", ("by", "upscale_factor", 2)),
    "MaxPool2d": _pool("maxpool"),
    "AvgPool2d": _pool("avgpool"),
    "AdaptiveAvgPool2d": _adaptive,
    "ZeroPad2d": _pad(""),
    "ConstantPad2d": _pad(""),
    "ReflectionPad2d": _pad("reflect"),
    "ReplicationPad2d": _pad("replicate"),
}
