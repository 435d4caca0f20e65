"""A network described layer by layer: what a reader stated or guessed of a decoder, and of an encoder beside it.

`LayeredConfig` holds plain values; the weights stay under the names they have in the file. How a description
is found is no matter of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from explorer.models.base import ImageSpec, NativeRange, PriorName, Space
from explorer.models.labelled import LabelledModel
from explorer.models.layers import Layer

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Heads:
    """How an encoder's features become mean and second moment.

    Attributes:
        layout: "separate" (two branches), "halves" or "interleaved" (one branch of width 2D), "single" (a plain
            autoencoder's code).
        mean, second: the layers of the branches; `second` only for "separate".
        meaning: what the second half is: "logvar", "logsigma" or "sigma".
    """

    layout: Literal["separate", "halves", "interleaved", "single"] = "single"
    mean: tuple[Layer, ...] = ()
    second: tuple[Layer, ...] = ()
    meaning: Literal["logvar", "logsigma", "sigma"] = "logvar"


@dataclass(frozen=True)
class Labels:
    """How a decoder is told a class.

    Attributes:
        classes: how many there are.
        kind: "onehot", or "embedding" of the table `key.weight` `(classes, width)`.
        join: "after" or "before" the values there, along dimension 1; "times" multiplies.
        at: index of the decoder layer before which they are joined; 0 joins them to the code.
        layers: what is run on the label's values before.
        encoder: the encoder takes them too, joined in the same way to the flat picture ("after") or,
            for a convolution, as planes.
    """

    classes: int
    kind: Literal["onehot", "embedding"] = "onehot"
    key: str = ""
    join: Literal["after", "before", "times"] = "after"
    at: int = 0
    layers: tuple[Layer, ...] = ()
    encoder: bool = False


@dataclass(frozen=True)
class LayeredConfig:
    """All that a layered network is, but its weights.

    Attributes:
        latent_dim: of a code, without a label's part.
        image: what leaves the decoder.
        decoder: from a code (and label) `(N, width)` to native pictures; what is flat at the end is
            reshaped to `image`.
        encoder, heads: from native pictures `(N, C, H, W)` to codes; absent where `heads` is None.
        labels: absent where the network takes none.
        prior: of the code; "none" for a plain autoencoder.
        native_range: of the decoder's pictures.
        input_range: of the encoder's, where another.
    """

    latent_dim: int
    image: ImageSpec
    decoder: tuple[Layer, ...]
    encoder: tuple[Layer, ...] = ()
    heads: Heads | None = None
    labels: Labels | None = None
    prior: PriorName = "normal"
    native_range: NativeRange = field(default_factory=NativeRange)
    input_range: NativeRange | None = None


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

_FLAT = (nn.Linear, BatchNorm, nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.Identity)


class Layered(nn.Module):
    """The network of a `LayeredConfig`.

    Args:
        config: what it is.
        tensors: of the file; float32, under the keys that the layers name.

    Raises:
        ValueError: a tensor is missing or does not fit; it is named.
    """

    def __init__(self, config: LayeredConfig, tensors: Tensors) -> None:
        super().__init__()
        self.config = config
        labels, heads = config.labels, config.heads
        at = labels.at if labels else 0
        self.before = sequence(config.decoder[:at], tensors)
        self.decoder = sequence(config.decoder[at:], tensors)
        self.table = _table(labels, tensors)
        self.label_layers = sequence(labels.layers, tensors) if labels else None
        self.encoder = sequence(config.encoder, tensors) if heads else None
        self.mean_head = sequence(heads.mean, tensors) if heads else None
        self.second_head = sequence(heads.second, tensors) if heads and heads.second else None
        self.eval().requires_grad_(False)

    @property
    def chain(self) -> nn.Sequential | None:
        """The layers from a flat code to a flat picture, where decoding is no more; see `LatentModel.chain`."""
        layers = list(self.decoder)
        while layers and isinstance(layers[-1], Reshape) and layers[-1].shape == self._sides:
            layers.pop()
        if self.config.labels or not layers or not all(isinstance(layer, _FLAT) for layer in layers):
            return None
        return nn.Sequential(*layers)

    @property
    def _sides(self) -> tuple[int, int, int]:
        image = self.config.image
        return image.channels, image.height or 1, image.width or 1

    def decode(self, codes: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return native pictures `(N, C, H, W)` of codes `(N, latent_dim)`; labels `(N,)` or one-hot rows."""
        values = codes.flatten(1)
        if self.config.labels is None:
            return self.decoder(values).reshape(-1, *self._sides)
        values = self.with_labels(self.before(values), labels)
        return self.decoder(values).reshape(-1, *self._sides)

    def with_labels(self, values: Tensor, labels: Tensor | None) -> Tensor:
        """Return values on their way through the decoder with what they are told of their labels."""
        return self._joined(values, self._label_values(labels, len(values), values))

    def _label_values(self, labels: Tensor | None, count: int, like: Tensor) -> Tensor:
        """Return what the labels become before they are joined: class 0 for all where none were given."""
        spec = self.config.labels
        assert spec is not None
        if labels is None:
            labels = torch.zeros(count, dtype=torch.long, device=like.device)
        if self.table is not None:
            values = labels.to(like) @ self.table if labels.ndim == 2 else self.table[labels.long()]
        else:
            values = labels if labels.ndim == 2 else functional.one_hot(labels.long(), spec.classes)
        assert self.label_layers is not None
        return self.label_layers(values.to(like))

    def _joined(self, values: Tensor, labels: Tensor) -> Tensor:
        assert self.config.labels is not None
        join = self.config.labels.join
        if labels.ndim == 2 and values.ndim == 4:
            labels = labels[:, :, None, None].expand(-1, -1, *values.shape[2:])
        if join == "times":
            return values * labels
        return torch.cat((values, labels) if join == "after" else (labels, values), 1)

    def encode(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return mean and log variance `(N, latent_dim)` of native pictures `(N, C, H, W)`.

        Raises:
            TypeError: there is no encoder.
        """
        mean, second = self.heads(images, labels)
        return mean, None if second is None else self._logvar(second)

    def heads(self, images: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return what the heads say of native pictures, the second as it is, whatever it means."""
        heads = self.config.heads
        if self.encoder is None or heads is None or self.mean_head is None:
            raise TypeError("this network has no encoder")
        features = self.encoder(self._labelled(images, labels))
        if heads.layout == "separate":
            second = self.second_head(features).flatten(1) if self.second_head is not None else None
            return self.mean_head(features).flatten(1), second
        both = self.mean_head(features).flatten(1)
        if heads.layout == "halves":
            mean, second = both.chunk(2, 1)
            return mean, second
        return (both[:, ::2], both[:, 1::2]) if heads.layout == "interleaved" else (both, None)

    def _labelled(self, images: Tensor, labels: Tensor | None) -> Tensor:
        spec = self.config.labels
        if spec is None or not spec.encoder:
            return images
        values = self._label_values(labels, len(images), images)
        first = next(
            (layer.kind for layer in self.config.encoder if layer.kind in ("linear", "conv")), "linear"
        )
        return self._joined(images if first == "conv" else images.flatten(1), values)

    def _logvar(self, second: Tensor) -> Tensor:
        meaning = self.config.heads.meaning if self.config.heads else "logvar"
        if meaning == "sigma":
            return 2 * second.abs().clamp_min(1e-12).log()
        return 2 * second if meaning == "logsigma" else second


def _table(labels: Labels | None, tensors: Tensors) -> nn.Parameter | None:
    if labels is None or labels.kind != "embedding":
        return None
    found = tensors.get(f"{labels.key}.weight")
    if found is None or found.ndim != 2 or len(found) != labels.classes:
        raise ValueError(f"{labels.key}.weight is no table of {labels.classes} classes")
    return nn.Parameter(found, requires_grad=False)


class LayeredModel(LabelledModel):
    """A generator described layer by layer, with labels where it takes them."""

    network: Layered

    def __init__(self, network: Layered, *, architecture: str = "layered", **described: Any) -> None:
        config = network.config
        super().__init__(
            network,
            architecture=architecture,
            image=config.image,
            native_range=config.native_range,
            input_range=config.input_range,
            spaces=[Space("z", (config.latent_dim,), config.prior)],
            classes=config.labels.classes if config.labels else 0,
            encodes_labels=config.labels is not None and config.labels.encoder,
            **described,
        )

    @property
    def has_encoder(self) -> bool:
        """Whether `encode` can be called."""
        return self.network.config.heads is not None

    @property
    def chain(self) -> nn.Sequential | None:
        """See `LatentModel.chain`."""
        return self.network.chain
