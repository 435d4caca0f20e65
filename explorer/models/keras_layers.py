"""Keras's layers without weights on torch, and the way from a described layer to a module.

A module is called as Keras calls the layer: with one tensor, or a list of them. Shapes here leave out the number
of pictures. Code that a file brings along (a Lambda's) is never run; see `recognised`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.keras_config import KerasError, Layer
from explorer.models.keras_maths import activation, number, operation, rectified, thresholded
from explorer.models.keras_names import modern
from explorer.models.keras_weighted import WEIGHTED, Shape, Weighted, pair, same_pads

Maker = Callable[[Mapping[str, Any], int], Callable[..., Any]]

IDENTITIES = {
    "InputLayer", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianNoise", "GaussianDropout",
    "ActivityRegularization", "Masking", "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation",
    "RandomContrast", "RandomBrightness", "Identity",
}  # fmt: skip
"""Layers that do nothing once training is over."""


class Function(nn.Module):
    """A layer that is a plain function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run."""
        return self._function(*args, **kwargs)


def make(layer: Layer, shapes: Sequence[Shape], version: int) -> nn.Module | None:
    """Return the module of a layer that is given values of these shapes; None where nobody knows what it does.

    Raises:
        KerasError: its settings make no sense.
    """
    name, config = layer.class_name, layer.config
    if name in WEIGHTED:
        if not shapes:
            raise KerasError(f"gives its layer {layer.name} nothing to work on")
        return WEIGHTED[name](config, shapes, version)
    if name in IDENTITIES:
        return Function(lambda x, *_, **__: x)
    if name in _WRAPPERS:
        return _wrapped(layer, shapes, version)
    if name in _PLAIN:
        function = _PLAIN[name](config, version)
        return Function(lambda *args, **_: function(*args))
    return _operation(layer)


def _operation(layer: Layer) -> nn.Module | None:
    """Return a free-standing operation: `TFOpLambda`, `SlicingOpLambda` of Keras 2, any of `keras.ops` of 3."""
    config = layer.config
    if layer.class_name in ("TFOpLambda", "SlicingOpLambda"):
        function = operation(str(config.get("function", config.get("symbol", layer.name))))
        return None if function is None else Function(_without_name(function))
    if layer.class_name == "TensorFlowOpLayer":
        return _old_operation(config)
    if layer.class_name == "Lambda":
        return None
    function = operation(layer.class_name)
    if function is None:
        return None
    settings = {key: value for key, value in config.items() if key not in ("name", "dtype", "trainable")}
    return Function(lambda *args, **kwargs: function(*args, **{**settings, **kwargs}))


def _old_operation(config: Mapping[str, Any]) -> nn.Module | None:
    """Return an operation as TensorFlow 2.0 to 2.3 wrote it: a node of its graph, constants among its inputs."""
    node = config.get("node_def")
    name = node.get("op") if isinstance(node, dict) else None
    if isinstance(node, str):
        match = re.search(r'"?op"?\s*:\s*"(\w+)"', node)
        name = match[1] if match else None
    function = operation(name) if name else None
    constants = config.get("constants") or {}
    if (
        function is None
        or not isinstance(constants, dict)
        or not all(str(key).isdigit() for key in constants)
    ):
        return None

    def run(*args: Any, **_: Any) -> Any:
        given = iter(_values(args))
        total = len(_values(args)) + len(constants)
        at = {int(key): value for key, value in constants.items()}
        return function(*[at[place] if place in at else next(given) for place in range(total)])

    return Function(run)


def _without_name(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, name=None, **kwargs: function(*args, **kwargs)


class _Wrapped(Weighted):
    """A layer in a wrapper that does nothing once training is over; its own weights are not used."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        if isinstance(inner, Weighted):
            self.wanted = inner.wanted

    def take(self, arrays: Sequence[Tensor]) -> None:
        """Take the weights for the layer within."""
        if isinstance(self.inner, Weighted):
            self.inner.take(arrays)

    def forward(self, x: Tensor) -> Any:
        """Run."""
        return self.inner(x)


class _TimeDistributed(_Wrapped):
    """A layer for each step of the second axis."""

    def forward(self, x: Tensor) -> Any:
        """Run."""
        y = self.inner(x.flatten(0, 1))
        return y.reshape(x.shape[0], x.shape[1], *y.shape[1:])


_WRAPPERS = {"SpectralNormalization", "SpectralNorm", "WeightNormalization", "TimeDistributed", "ConvSN2D"}


def _wrapped(layer: Layer, shapes: Sequence[Shape], version: int) -> nn.Module | None:
    said = layer.config.get("layer")
    if layer.class_name == "WeightNormalization" or not isinstance(said, dict):
        return None
    if not isinstance(said.get("config"), dict):
        return None
    class_name, config = modern(str(said.get("class_name")), said["config"])
    within = Layer(layer.name, class_name, config)
    if layer.class_name == "TimeDistributed":
        inner = make(within, [shape[1:] for shape in shapes], version)
        return None if inner is None else _TimeDistributed(inner)
    inner = make(within, shapes, version)
    return None if inner is None else _Wrapped(inner)


def _values(args: tuple[Any, ...]) -> list[Tensor]:
    """Return the operands of a merging layer, given as one list or one by one."""
    return list(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple) else list(args)


def _merge(join: Callable[[Any, Any], Any]) -> Maker:
    def maker(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
        def function(*args: Any) -> Any:
            first, *others = _values(args)
            for other in others:
                first = join(first, other)
            return first

        return function

    return maker


def _average(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    return lambda *args: sum(_values(args)) / len(_values(args))


def _extreme(choose: Callable[[Tensor, Tensor], Tensor]) -> Maker:
    return _merge(lambda a, b: choose(torch.as_tensor(a), torch.as_tensor(b)))


def _concatenate(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    axis = int(config.get("axis", -1))

    def function(*args: Any) -> Tensor:
        if len(args) > 1 and not isinstance(args[-1], Tensor) and isinstance(args[0], list | tuple):
            return torch.cat(list(args[0]), int(args[1]))
        return torch.cat(_values(args), axis)

    return function


def _dot(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    axes = config.get("axes", -1)
    left, right = axes if isinstance(axes, list) else (axes, axes)

    def function(*args: Any) -> Tensor:
        a, b = _values(args)
        if a.dim() == b.dim() == 2:
            return (a * b).sum(1, keepdim=True)
        return a.movedim(left, -1) @ b.movedim(right, 1)

    return function


def _reshape(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    target = config.get("target_shape", config.get("newshape", config.get("shape")))
    if not isinstance(target, list) or not all(isinstance(size, int) for size in target):
        return lambda x, shape=None: x.reshape(len(x), *shape[1:])
    return lambda x, *_: x.reshape(len(x), *target)


def _flatten(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    first = config.get("data_format") == "channels_first"

    def function(x: Tensor) -> Tensor:
        x = x.movedim(1, -1) if first and x.dim() > 2 else x
        return x.reshape(len(x), -1)

    return function


def _first(config: Mapping[str, Any]) -> bool:
    return config.get("data_format") == "channels_first"


def _upsampling(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    size = pair(config.get("size", 2))
    mode = str(config.get("interpolation", "nearest"))
    first = _first(config)

    def function(x: Tensor) -> Tensor:
        if mode == "nearest":
            axes = (2, 3) if first else (1, 2)
            return x.repeat_interleave(size[0], axes[0]).repeat_interleave(size[1], axes[1])
        rows, columns = (x.shape[2], x.shape[3]) if first else (x.shape[1], x.shape[2])
        return resized(x, rows * size[0], columns * size[1], mode, first)

    return function


def _upsampling_line(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    (size,) = pair(config.get("size", config.get("length", 2)), 1)
    return lambda x: x.repeat_interleave(size, 1)


def resized(x: Tensor, height: int, width: int, mode: str, first: bool = False) -> Tensor:
    """Return pictures of another size, by pixel centres, as TensorFlow 2 does it."""
    known = {"nearest": "nearest-exact", "bilinear": "bilinear", "bicubic": "bicubic", "area": "area"}
    if mode not in known:
        raise KerasError(f"enlarges pictures by {mode[:30]}, which is not known here")
    x = x if first else x.movedim(-1, 1)
    centred = {"align_corners": False} if mode in ("bilinear", "bicubic") else {}
    y = functional.interpolate(x, (height, width), mode=known[mode], **centred)
    return y if first else y.movedim(1, -1)


def _resizing(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    height, width = int(config["height"]), int(config["width"])
    mode = str(config.get("interpolation", "bilinear"))
    if config.get("crop_to_aspect_ratio") or config.get("pad_to_aspect_ratio"):
        raise KerasError("resizes pictures by cropping or padding, which is not known here")
    return lambda x: resized(x, height, width, mode, _first(config))


def _sides(value: Any) -> list[tuple[int, int]]:
    """Return `((top, bottom), (left, right))` of the several ways to say it."""
    if isinstance(value, int):
        return [(value, value)] * 2
    if isinstance(value, dict):  # Keras 1
        return [
            (value.get("top_pad", 0), value.get("bottom_pad", 0)),
            (value.get("left_pad", 0), value.get("right_pad", 0)),
        ]
    if len(value) == 4:
        return [(value[0], value[1]), (value[2], value[3])]
    return [pair(side) if isinstance(side, list | tuple) else (side, side) for side in value]  # type: ignore[misc]


def _padding(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    (top, bottom), (left, right) = _sides(config.get("padding", 1))
    around = [left, right, top, bottom] if _first(config) else [0, 0, left, right, top, bottom]
    return lambda x: functional.pad(x, around)


def _cropping(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    (top, bottom), (left, right) = _sides(config.get("cropping", 0))
    rows, columns = slice(top, -bottom or None), slice(left, -right or None)
    return (lambda x: x[:, :, rows, columns]) if _first(config) else (lambda x: x[:, rows, columns])


def _pooling(reduce: str) -> Maker:
    def maker(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
        size = pair(config.get("pool_size", 2))
        strides = size if config.get("strides") is None else pair(config["strides"])
        same, first = config.get("padding") == "same", _first(config)

        def function(x: Tensor) -> Tensor:
            x = x if first else x.movedim(-1, 1)
            if same:
                pads = [same_pads(x.shape[2 + axis], size[axis], strides[axis]) for axis in range(2)]
                around = [*pads[1], *pads[0]]
                y = _pooled_same(x, reduce, size, strides, around)
            else:
                run = functional.max_pool2d if reduce == "max" else functional.avg_pool2d
                y = run(x, size, strides)
            return y if first else y.movedim(1, -1)

        return function

    return maker


def _pooled_same(x: Tensor, reduce: str, size: Any, strides: Any, around: list[int]) -> Tensor:
    if reduce == "max":
        return functional.max_pool2d(functional.pad(x, around, value=-math.inf), size, strides)
    counted = functional.avg_pool2d(functional.pad(torch.ones_like(x[:1, :1]), around), size, strides)
    return functional.avg_pool2d(functional.pad(x, around), size, strides) / counted


def _global_pooling(reduce: Callable[..., Tensor]) -> Maker:
    def maker(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
        axes = (2, 3) if _first(config) else (1, 2)
        keep = bool(config.get("keepdims"))
        return lambda x: reduce(x, axes, keep)

    return maker


def _rescaling(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    scale, offset = number(config.get("scale"), 1.0), number(config.get("offset"), 0.0)
    return lambda x: x * scale + offset


def _one_hot(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    classes = int(config.get("num_tokens") or 0)
    if config.get("output_mode") != "one_hot" or not 0 < classes < 1 << 20:
        raise KerasError("encodes classes in a way that is not known here")

    def function(x: Tensor) -> Tensor:
        x = x.reshape(len(x)) if x.dim() == 2 and x.shape[1] == 1 else x
        return functional.one_hot(x.long().clamp(0, classes - 1), classes).to(torch.float32)

    return function


def _shuffled(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    """Depth to space, in TensorFlow's order: rows, columns, channels."""
    size = config.get("size", config.get("block_size", config.get("scale", config.get("upscale_factor", 2))))
    factor = pair(size if isinstance(size, list) else int(size))

    def function(x: Tensor) -> Tensor:
        count, height, width, depth = x.shape
        channels = depth // (factor[0] * factor[1])
        x = x.reshape(count, height, width, factor[0], factor[1], channels).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(count, height * factor[0], width * factor[1], channels)

    return function


def _pixel_norm(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    """Karras et al. 2017 (arXiv:1710.10196): each pixel's features to unit length."""
    return lambda x: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-8)


def _reflecting(config: Mapping[str, Any], version: int) -> Callable[..., Any]:
    rows, columns = pair(config.get("padding", 1))
    return lambda x: functional.pad(x.movedim(-1, 1), [columns] * 2 + [rows] * 2, mode="reflect").movedim(
        1, -1
    )


_PLAIN: dict[str, Maker] = {
    "Activation": lambda config, version: activation(config.get("activation"), version),
    "LeakyReLU": lambda config, _: (
        lambda x: functional.leaky_relu(x, number(config.get("alpha", config.get("negative_slope")), 0.3))
    ),
    "ReLU": lambda config, _: rectified(config),
    "ELU": lambda config, _: lambda x: functional.elu(x, number(config.get("alpha"), 1.0)),
    "ThresholdedReLU": lambda config, _: thresholded(number(config.get("theta"), 1.0)),
    "Softmax": lambda config, _: lambda x, *__: torch.softmax(x, config.get("axis", -1)),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Permute": lambda config, _: lambda x: x.permute(0, *config["dims"]),
    "RepeatVector": lambda config, _: lambda x: x.unsqueeze(1).repeat(1, int(config["n"]), 1),
    "UpSampling1D": _upsampling_line,
    "UpSampling2D": _upsampling,
    "Resizing": _resizing,
    "ZeroPadding2D": _padding,
    "Cropping2D": _cropping,
    "MaxPooling2D": _pooling("max"),
    "AveragePooling2D": _pooling("mean"),
    "GlobalAveragePooling2D": _global_pooling(torch.mean),
    "GlobalMaxPooling2D": _global_pooling(torch.amax),
    "Concatenate": _concatenate,
    "Add": _merge(lambda a, b: a + b),
    "Subtract": _merge(lambda a, b: a - b),
    "Multiply": _merge(lambda a, b: a * b),
    "Average": _average,
    "Maximum": _extreme(torch.maximum),
    "Minimum": _extreme(torch.minimum),
    "Dot": _dot,
    "Rescaling": _rescaling,
    "CategoryEncoding": _one_hot,
    "PixelShuffler": _shuffled,
    "PixelNormalization": _pixel_norm,
    "PixelNorm": _pixel_norm,
    "PixelNormLayer": _pixel_norm,
    "ReflectionPadding2D": _reflecting,
}


def is_known(class_name: str) -> bool:
    """Return whether layers of a class can be run, were their settings sound."""
    return (
        class_name in _PLAIN or class_name in WEIGHTED or class_name in IDENTITIES or class_name in _WRAPPERS
    )
