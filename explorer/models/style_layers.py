"""What the networks of StyleGAN2 and StyleGAN3 share: dense layers with equalised learning rates, and the mapping.

Karras et al. 2019, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958). A weight is kept as
it was trained and multiplied by a gain when it is used; every gain is in the configuration, none is assumed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-8
"""What keeps a norm from being 0."""

LARGEST = 1 << 16
"""Channels, sides and the like that a file may ask for."""

LARGEST_MAP = 1 << 29
"""Values in the feature maps of one picture, 2 GB: 32 channels of 4096 x 4096 pixels."""

_ACTIVATIONS: dict[str, tuple[float, Callable[[Tensor], Tensor]]] = {
    "linear": (1.0, lambda x: x),
    "relu": (math.sqrt(2), functional.relu),
    "lrelu": (math.sqrt(2), lambda x: functional.leaky_relu(x, 0.2)),
    "tanh": (1.0, torch.tanh),
    "sigmoid": (1.0, torch.sigmoid),
    "elu": (1.0, functional.elu),
    "selu": (1.0, functional.selu),
    "softplus": (1.0, functional.softplus),
    "swish": (math.sqrt(2), functional.silu),
}
ACTIVATIONS = tuple(_ACTIVATIONS)
"""Names of activations, as files give them."""

HOMOGENEOUS = ("linear", "relu", "lrelu")
"""Those through which a positive gain may be moved: `f(gain * x) = gain * f(x)`."""


def usual_gain(activation: str) -> float:
    """Return what an activation's output is multiplied by, so that it keeps its variance, where nothing is stated.

    Raises:
        ValueError: the activation is not known.
    """
    check_activation(activation)
    return _ACTIVATIONS[activation][0]


def activate(x: Tensor, activation: str, gain: float | None = None) -> Tensor:
    """Return `activation(x) * gain`, with the usual gain if None."""
    usual, function = _ACTIVATIONS[activation]
    gain = usual if gain is None else gain
    y = function(x)
    return y if gain == 1 else y * gain


def finished(x: Tensor, activation: str, gain: float, clamp: float | None) -> Tensor:
    """Return `activation(x) * gain` kept within plus and minus `clamp`; in the place of `x` where it is free to go."""
    if x.requires_grad or activation not in ("lrelu", "linear"):
        x = activate(x, activation, gain)
        return x if clamp is None else x.clamp(-clamp, clamp)
    x = functional.leaky_relu_(x, 0.2) if activation == "lrelu" else x
    x = x if gain == 1 else x.mul_(gain)
    return x if clamp is None else x.clamp_(-clamp, clamp)


def check_activation(activation: str) -> None:
    """Raise `ValueError` for one that is not known."""
    if activation not in _ACTIVATIONS:
        raise ValueError(f"the activation {activation!r} is not known")


def check_sizes(*sizes: int) -> None:
    """Raise `ValueError` for a size that no layer has."""
    for size in sizes:
        if type(size) is not int or not 0 < size <= LARGEST:
            raise ValueError(f"a layer of size {size!r}")


def check_map(channels: int, height: int, width: int) -> None:
    """Raise `ValueError` for feature maps that no computer should be asked to hold."""
    check_sizes(channels, height, width)
    if channels * height * width > LARGEST_MAP:
        raise ValueError(f"feature maps of {channels}x{height}x{width}")


@dataclass(frozen=True)
class DenseConfig:
    """`activation(x @ (weight * weight_gain).T + bias * bias_gain)`, with the activation's usual gain."""

    inputs: int
    outputs: int
    weight_gain: float = 1.0
    bias_gain: float = 1.0
    activation: str = "linear"
    bias: bool = True

    def __post_init__(self) -> None:
        check_sizes(self.inputs, self.outputs)
        check_activation(self.activation)


class Dense(nn.Module):
    """`(N, inputs)` to `(N, outputs)`."""

    def __init__(self, config: DenseConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.empty(config.outputs, config.inputs))
        self.bias = nn.Parameter(torch.empty(config.outputs)) if config.bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, outputs)`."""
        config = self.config
        y = functional.linear(x, self.weight) * config.weight_gain
        y = y if self.bias is None else y + self.bias * config.bias_gain
        return activate(y, config.activation)


@dataclass(frozen=True)
class MappingConfig:
    """Sizes of the mapping network; `embed` is there where `c_dim` is not 0.

    `normalise` says what is divided by the root of its mean square: the code and the embedded class `each` by
    itself (StyleGAN2-ADA), the two `joined` (StyleGAN, StyleGAN2), or `nothing`.
    """

    z_dim: int
    w_dim: int
    layers: tuple[DenseConfig, ...]
    c_dim: int = 0
    embed: DenseConfig | None = None
    normalise: str = "each"

    def __post_init__(self) -> None:
        check_sizes(self.z_dim, self.w_dim)
        if self.normalise not in ("each", "joined", "nothing"):
            raise ValueError(f"a mapping that normalises {self.normalise!r}")
        if (self.embed is None) != (self.c_dim == 0) or (self.embed and self.embed.inputs != self.c_dim):
            raise ValueError(f"{self.c_dim} classes, but another embedding of them")
        width = self.z_dim + (self.embed.outputs if self.embed else 0)
        for layer in self.layers:
            if layer.inputs != width:
                raise ValueError(f"a mapping layer that takes {layer.inputs} values where {width} come")
            width = layer.outputs
        if width != self.w_dim:
            raise ValueError(f"a mapping that ends with {width} values, not {self.w_dim}")


class Mapping(nn.Module):
    """z and class to w, with the average w that was kept in training."""

    w_avg: Tensor

    def __init__(self, config: MappingConfig) -> None:
        super().__init__()
        self.config = config
        if config.embed is not None:
            self.embed = Dense(config.embed)
        for index, layer in enumerate(config.layers):
            self.add_module(f"fc{index}", Dense(layer))
        self.register_buffer("w_avg", torch.empty(config.w_dim))

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Return w `(N, w_dim)`, not truncated.

        Args:
            z: `(N, z_dim)`.
            c: one-hot classes `(N, c_dim)`; None where there are none.
        """
        each = normalised if self.config.normalise == "each" else _as_it_is
        x = each(z)
        if self.config.embed is not None:
            if c is None:
                c = functional.one_hot(z.new_zeros(len(z), dtype=torch.long), self.config.c_dim).to(z)
            x = torch.cat([x, each(self.embed(c))], dim=1)  # (N, z_dim + embedded)
        x = normalised(x) if self.config.normalise == "joined" else x
        for index in range(len(self.config.layers)):
            x = getattr(self, f"fc{index}")(x)
        return x


class StyleGenerator(nn.Module):
    """What every generator has of `explorer.models.style.StyleNetwork`: its sizes, the mapping and its average."""

    def __init__(self, mapping: MappingConfig, num_ws: int) -> None:
        super().__init__()
        self.z_dim, self.w_dim, self.c_dim = mapping.z_dim, mapping.w_dim, mapping.c_dim
        self.num_ws = num_ws
        self.mapping = Mapping(mapping)

    @property
    def w_avg(self) -> Tensor:
        """The average w `(w_dim,)`, which truncation draws towards."""
        return self.mapping.w_avg


def normalised(x: Tensor) -> Tensor:
    """Return rows `(N, D)` divided by the root of their mean square."""
    return x * (x.square().mean(dim=1, keepdim=True) + EPSILON).rsqrt()


def _as_it_is(x: Tensor) -> Tensor:
    return x


def average_w(mapping: Mapping, count: int = 4096, seed: int = 0) -> Tensor:
    """Return the mean w `(w_dim,)` of codes drawn by a fixed seed, of all classes alike, for files that keep none."""
    generator = torch.Generator().manual_seed(seed)
    config = mapping.config
    z = torch.randn(count, config.z_dim, generator=generator)
    c = functional.one_hot(torch.arange(count) % config.c_dim, config.c_dim).to(z) if config.c_dim else None
    with torch.inference_mode():
        mean = torch.stack(
            [
                mapping(z[at : at + 512], None if c is None else c[at : at + 512]).mean(0)
                for at in range(0, count, 512)
            ]
        ).mean(0)
    return mean.clone()
