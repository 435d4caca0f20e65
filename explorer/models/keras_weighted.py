"""Keras's layers with weights on torch: dense, convolutions, norms, embedding, PReLU.

Values keep Keras's layout, `(N, H, W, C)` unless a layer says `channels_first`; a convolution sees a permuted view,
which torch calls channels last. Weights come in Keras's order and layout and are turned around once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.keras_config import KerasError
from explorer.models.keras_maths import activation

Shape = tuple[int, ...]


class Weighted(nn.Module):
    """A layer with weights; they are without memory until `take`."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[tuple[str, Shape]] = []  # in Keras's order and layout
        self._orders: dict[str, tuple[int, ...] | None] = {}

    def want(self, name: str, shape: Sequence[int], order: tuple[int, ...] | None = None) -> None:
        """Say that a weight of Keras's shape is needed; `order` permutes it to torch's."""
        shape = tuple(int(size) for size in shape)
        if any(size < 0 for size in shape) or math.prod(shape) > 1 << 33:
            raise KerasError(f"asks for weights of {'x'.join(map(str, shape))}; it is damaged")
        self.wanted.append((name, shape))
        self._orders[name] = order
        ours = shape if order is None else tuple(shape[place] for place in order)
        self.register_parameter(name, nn.Parameter(torch.empty(ours, device="meta"), requires_grad=False))

    def take(self, arrays: Sequence[Tensor]) -> None:
        """Take the weights, which are as `wanted` says."""
        for (name, _), array in zip(self.wanted, arrays, strict=True):
            order = self._orders[name]
            ours = array.to(torch.float32)
            ours = ours if order is None else ours.permute(order)
            kind = torch.channels_last if ours.ndim == 4 else torch.contiguous_format
            setattr(self, name, nn.Parameter(ours.contiguous(memory_format=kind), requires_grad=False))


class Dense(Weighted):
    """`(..., in)` to `(..., units)`."""

    kernel: Tensor
    bias: Tensor | None

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        units = _positive(config, "units")
        self.want("kernel", (shapes[0][-1], units), (1, 0))
        self.register_parameter("bias", None)
        if config.get("use_bias", True):
            self.want("bias", (units,))
        self._activation = activation(config.get("activation"), version)

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return self._activation(functional.linear(x, self.kernel, self.bias))


class Embedding(Weighted):
    """Class numbers `(N, ...)` to rows `(N, ..., width)`."""

    embeddings: Tensor

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        self.classes = _positive(config, "input_dim")
        self.want("embeddings", (self.classes, _positive(config, "output_dim")))

    def forward(self, x: Tensor) -> Tensor:
        """Look up."""
        return self.embeddings[x.long().clamp(0, self.classes - 1)]


class _Spatial(Weighted):
    """What convolutions share: sizes, layout, padding."""

    rank: ClassVar[int] = 2
    kernel: Tensor
    depthwise_kernel: Tensor
    pointwise_kernel: Tensor
    bias: Tensor | None

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        self.first = config.get("data_format") == "channels_first"
        shape = shapes[0]
        if len(shape) != self.rank + 1:
            raise KerasError(f"runs a convolution over values of {'x'.join(map(str, shape)) or 'one number'}")
        self.channels = shape[0] if self.first else shape[-1]
        self.kernel_size = pair(config.get("kernel_size", 3), self.rank)
        self.strides = pair(config.get("strides", 1), self.rank)
        self.dilation = pair(config.get("dilation_rate", 1), self.rank)
        self.padding = str(config.get("padding", "valid"))
        self.register_parameter("bias", None)
        self._activation = activation(config.get("activation"), version)
        self._inward = (0, self.rank + 1, *range(1, self.rank + 1))
        self._outward = (0, *range(2, self.rank + 2), 1)

    def _in(self, x: Tensor) -> Tensor:
        return x if self.first else x.permute(self._inward)

    def _out(self, x: Tensor) -> Tensor:
        return self._activation(x if self.first else x.permute(self._outward))

    def _convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None, groups: int) -> Tensor:
        """Correlate, with Keras's padding: 'same' pads more at the end."""
        run = functional.conv2d if self.rank == 2 else functional.conv1d
        pads = [(0, 0)] * self.rank
        if self.padding in ("same", "causal"):
            pads = [
                same_pads(x.shape[2 + axis], kernel.shape[2 + axis], self.strides[axis], self.dilation[axis])
                for axis in range(self.rank)
            ]
            if self.padding == "causal":
                pads = [(self.dilation[0] * (self.kernel_size[0] - 1), 0)]
        if all(before == after for before, after in pads):
            around = [before for before, _ in pads]
            return run(x, kernel, bias, self.strides, around, self.dilation, groups)
        x = functional.pad(x, [side for before_after in reversed(pads) for side in before_after])
        return run(x, kernel, bias, self.strides, 0, self.dilation, groups)


class Conv2D(_Spatial):
    """Convolution."""

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__(config, shapes, version)
        filters = _positive(config, "filters")
        self.groups = max(1, int(config.get("groups") or 1))
        if self.channels % self.groups:
            raise KerasError(f"splits {self.channels} channels into {self.groups} groups")
        inner = self.channels // self.groups
        if config.get("kernel_order") == "th":
            self.want("kernel", (filters, inner, *self.kernel_size))
        else:
            self.want(
                "kernel", (*self.kernel_size, inner, filters), (self.rank + 1, self.rank, *range(self.rank))
            )
        if config.get("use_bias", True):
            self.want("bias", (filters,))

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return self._out(self._convolve(self._in(x), self.kernel, self.bias, self.groups))


class Conv1D(Conv2D):
    """Convolution along one axis."""

    rank = 1


class DepthwiseConv2D(_Spatial):
    """Each channel by itself."""

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__(config, shapes, version)
        self.multiplier = int(config.get("depth_multiplier") or 1)
        self.want("depthwise_kernel", (*self.kernel_size, self.channels, self.multiplier))
        self._more(config)
        if config.get("use_bias", True):
            self.want("bias", (self._filters(config),))

    def _more(self, config: Mapping[str, Any]) -> None:
        return

    def _filters(self, config: Mapping[str, Any]) -> int:
        return self.channels * self.multiplier

    def _depthwise(self, x: Tensor, bias: Tensor | None) -> Tensor:
        kernel = self.depthwise_kernel.permute(2, 3, 0, 1).flatten(0, 1).unsqueeze(1)
        return self._convolve(x, kernel, bias, self.channels)

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return self._out(self._depthwise(self._in(x), self.bias))


class SeparableConv2D(DepthwiseConv2D):
    """Each channel by itself, then across channels."""

    def _more(self, config: Mapping[str, Any]) -> None:
        self.want(
            "pointwise_kernel",
            (1, 1, self.channels * self.multiplier, _positive(config, "filters")),
            (3, 2, 0, 1),
        )

    def _filters(self, config: Mapping[str, Any]) -> int:
        return _positive(config, "filters")

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return self._out(
            functional.conv2d(self._depthwise(self._in(x), None), self.pointwise_kernel, self.bias)
        )


class Conv2DTranspose(_Spatial):
    """Transposed convolution: the full one, cropped or filled to the size that Keras promises."""

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__(config, shapes, version)
        filters = _positive(config, "filters")
        said = config.get("output_padding")
        self._extra = [None] * self.rank if said is None else pair(said, self.rank)
        self._sizes = self._stated_sizes(config.get("output_shape"))
        if config.get("kernel_order") == "th":
            self.want("kernel", (self.channels, filters, *self.kernel_size))
        else:
            order = (self.rank + 1, self.rank, *range(self.rank))
            self.want("kernel", (*self.kernel_size, filters, self.channels), order)
        if config.get("use_bias", True):
            self.want("bias", (filters,))

    def _stated_sizes(self, shape: Any) -> Sequence[int] | None:
        """Return height and width that Keras 1 states."""
        if not isinstance(shape, list) or len(shape) != self.rank + 2:
            return None
        sizes = shape[2:] if self.first else shape[1:-1]
        return sizes if all(isinstance(size, int) for size in sizes) else None

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        x = self._in(x)
        plan = [self._axis(axis, x.shape[2 + axis]) for axis in range(self.rank)]
        before = [front for front, _, _ in plan]
        fill = [short for _, short, _ in plan]
        run = functional.conv_transpose2d if self.rank == 2 else functional.conv_transpose1d
        y = run(x, self.kernel, self.bias, self.strides, before, fill, 1, self.dilation)
        for axis, (_, _, size) in enumerate(plan):
            y = y.narrow(2 + axis, 0, size)
        return self._out(y)

    def _axis(self, axis: int, size: int) -> tuple[int, int, int]:
        """Return what is cut off in front, what is added at the end, and the size that leaves."""
        kernel = (self.kernel_size[axis] - 1) * self.dilation[axis] + 1
        stride, extra = self.strides[axis], self._extra[axis]
        full = (size - 1) * stride + kernel
        if self._sizes is not None:
            wanted = self._sizes[axis]
        elif extra is not None:
            wanted = full - (2 * (kernel // 2) if self.padding == "same" else 0) + int(extra)
        else:
            wanted = size * stride if self.padding == "same" else size * stride + max(kernel - stride, 0)
        front = max(full - wanted, 0) // 2 if self.padding == "same" else 0
        return front, max(wanted - full, 0), wanted


class Conv1DTranspose(Conv2DTranspose):
    """Transposed convolution along one axis."""

    rank = 1


class BatchNormalization(Weighted):
    """Batch norm by its running statistics; `running_std` of Keras 1 is the variance."""

    gamma: Tensor | None
    beta: Tensor | None
    moving_mean: Tensor
    moving_variance: Tensor

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and axis else axis
        shape = shapes[0]
        place = axis - 1 if axis > 0 else axis  # Keras counts the pictures' axis
        if not -len(shape) <= place < len(shape):
            raise KerasError(f"normalises an axis {axis} that is not there")
        width = shape[place]
        self._view = [1] * (len(shape) + 1)
        self._view[place if place < 0 else place + 1] = width
        self._epsilon = float(config.get("epsilon", 1e-3))
        self.register_parameter("gamma", None)
        self.register_parameter("beta", None)
        if config.get("scale", True):
            self.want("gamma", (width,))
        if config.get("center", True):
            self.want("beta", (width,))
        self.want("moving_mean", (width,))
        self.want("moving_variance", (width,))

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        factor = torch.rsqrt(self.moving_variance + self._epsilon)
        factor = factor if self.gamma is None else factor * self.gamma
        shift = -self.moving_mean * factor
        shift = shift if self.beta is None else shift + self.beta
        return x * factor.view(self._view) + shift.view(self._view)


class LayerNormalization(Weighted):
    """Norm over axes of each picture by itself."""

    gamma: Tensor | None
    beta: Tensor | None

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        axes = config.get("axis", -1)
        axes = axes if isinstance(axes, list) else [axes]
        rank = len(shapes[0]) + 1
        self._axes = sorted(axis % rank for axis in axes)
        sizes = [shapes[0][axis - 1] for axis in self._axes]
        self._view = [shapes[0][axis - 1] if axis in self._axes else 1 for axis in range(1, rank)]
        self._epsilon = float(config.get("epsilon", 1e-3))
        self.register_parameter("gamma", None)
        self.register_parameter("beta", None)
        if config.get("scale", True):
            self.want("gamma", sizes)
        if config.get("center", True):
            self.want("beta", sizes)

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        variance, mean = torch.var_mean(x, self._axes, correction=0, keepdim=True)
        x = (x - mean) * torch.rsqrt(variance + self._epsilon)
        x = x if self.gamma is None else x * self.gamma.view(self._view)
        return x if self.beta is None else x + self.beta.view(self._view)


class GroupNormalization(Weighted):
    """Norm over groups of channels of each picture; of single channels, it is instance norm."""

    gamma: Tensor | None
    beta: Tensor | None

    def __init__(
        self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int, groups: int = 32
    ) -> None:
        super().__init__()
        axis = config.get("axis", -1)
        axis = -1 if axis is None else axis[0] if isinstance(axis, list) else axis
        self._axis = axis % (len(shapes[0]) + 1)
        width = shapes[0][self._axis - 1]
        groups = int(config.get("groups", groups))
        self._groups = width if groups == -1 else groups
        if self._groups < 1 or width % self._groups:
            raise KerasError(f"splits {width} channels into {groups} groups")
        self._epsilon = float(config.get("epsilon", 1e-3))
        self.register_parameter("gamma", None)
        self.register_parameter("beta", None)
        if config.get("scale", True):
            self.want("gamma", (width,))
        if config.get("center", True):
            self.want("beta", (width,))

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        x = x.movedim(self._axis, 1)
        return functional.group_norm(x, self._groups, self.gamma, self.beta, self._epsilon).movedim(
            1, self._axis
        )


class InstanceNormalization(GroupNormalization):
    """Instance norm, as add-on packages have it."""

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__({"axis": -1, **config, "groups": -1}, shapes, version)


class PReLU(Weighted):
    """ReLU with learned slopes."""

    alpha: Tensor

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        shared = {axis % (len(shapes[0]) + 1) for axis in config.get("shared_axes") or []}
        self.want("alpha", [1 if axis + 1 in shared else size for axis, size in enumerate(shapes[0])])

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        return functional.relu(x) - self.alpha * functional.relu(-x)


class Normalization(Weighted):
    """`(x - mean) / sqrt(variance)`, learned from data or stated."""

    mean: Tensor
    variance: Tensor

    def __init__(self, config: Mapping[str, Any], shapes: Sequence[Shape], version: int) -> None:
        super().__init__()
        self._inverse = bool(config.get("invert"))
        stated = [config.get("mean"), config.get("variance")]
        self._stated = None
        if all(value is not None for value in stated):
            self._stated = [torch.tensor(value, dtype=torch.float32) for value in stated]
            return
        axes = config.get("axis", -1)
        axes = [] if axes is None else axes if isinstance(axes, list) else [axes]
        rank = len(shapes[0]) + 1
        kept = sorted(axis % rank for axis in axes)
        sizes = [shapes[0][axis - 1] for axis in kept]
        self._view = [shapes[0][axis - 1] if axis in kept else 1 for axis in range(1, rank)]
        self.want("mean", sizes)
        self.want("variance", sizes)
        self.want("count", ())

    def forward(self, x: Tensor) -> Tensor:
        """Run."""
        if self._stated is not None:
            mean, variance = (value.to(x.device) for value in self._stated)
        else:
            mean, variance = self.mean.view(self._view), self.variance.view(self._view)
        spread = variance.sqrt().clamp(min=1e-7)
        return x * spread + mean if self._inverse else (x - mean) / spread


def pair(value: Any, rank: int = 2) -> tuple[int, ...]:
    """Return a size for each axis."""
    sizes = value if isinstance(value, list | tuple) else [value] * rank
    if len(sizes) != rank or not all(isinstance(size, int) and 0 <= size < 1 << 20 for size in sizes):
        raise KerasError(f"gives a layer the sizes {str(value)[:60]}, which make no sense")
    return tuple(sizes)


def same_pads(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return what Keras's 'same' puts in front and at the end; the end gets more."""
    total = max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def _positive(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if isinstance(value, float) and value == int(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        raise KerasError(f"gives a layer {key} of {str(value)[:40]}, which makes no sense")
    return value


WEIGHTED: dict[str, Callable[[Mapping[str, Any], Sequence[Shape], int], Weighted]] = {
    kind.__name__: kind
    for kind in (
        Dense, Embedding, Conv1D, Conv2D, DepthwiseConv2D, SeparableConv2D, Conv2DTranspose, Conv1DTranspose,
        BatchNormalization, LayerNormalization, GroupNormalization, InstanceNormalization, PReLU, Normalization,
    )
}  # fmt: skip
"""Layers by Keras's name of their class: `kind(config, shapes, version)`."""
