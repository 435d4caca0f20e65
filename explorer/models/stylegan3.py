"""StyleGAN3 (Karras et al. 2021, "Alias-Free Generative Adversarial Networks", arXiv:2106.12423), generators.

Maps are signals: they begin as waves whose phases and directions the style and the user move, every layer has a
sampling rate and margins around the picture, and a leaky ReLU acts between an enlargement and a reduction by designed
low-pass filters. Both kinds are here: `t` (translations; filters of one axis) and `r` (rotations, too; 1x1 kernels, and
filters that are radially symmetric). Filters, sizes and margins are taken as the file states them.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import fir
from explorer.models.style_layers import (
    EPSILON,
    Dense,
    DenseConfig,
    MappingConfig,
    StyleGenerator,
    check_map,
    check_sizes,
    finished,
)
from explorer.models.style_noise import CONST, Noise

Size = tuple[int, int]
"""Width and height."""

_ROWS = 16
"""Rows of a reduced map that are made at once, of enlarged ones that are few enough to stay near the processor."""


# ---- sizes ----


@dataclass(frozen=True)
class InputConfig:
    """The waves that everything begins with, at `size` places, and the highest frequency that they have."""

    channels: int
    size: Size
    sampling_rate: float
    bandwidth: float
    affine: DenseConfig

    def __post_init__(self) -> None:
        check_map(self.channels, *self.size)
        if not 0 < self.sampling_rate < math.inf or not self.bandwidth >= 0 or self.affine.outputs != 4:
            raise ValueError("an input without a sampling rate, a bandwidth or four numbers that move it")


@dataclass(frozen=True)
class LayerConfig:
    """A modulated convolution and its filtered activation.

    Attributes:
        name: as its tensors' names have it: `L3_36_512`.
        kernel: side of the convolution's kernel, around which `kernel - 1` zeros are put.
        up, down: how many times maps are enlarged before the activation and reduced after it.
        up_filter, down_filter: shapes of their filters, `(12,)` or `(12, 12)`; None for none.
        padding: left, right, top, bottom, in pixels of the enlarged map.
        draws: the last layer, that draws: no demodulation, no activation.
        clamp: outputs of the activation are kept within plus and minus this.
    """

    name: str
    inputs: int
    outputs: int
    in_size: Size
    out_size: Size
    affine: DenseConfig
    kernel: int = 3
    up: int = 1
    down: int = 1
    up_filter: tuple[int, ...] | None = None
    down_filter: tuple[int, ...] | None = None
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    draws: bool = False
    clamp: float | None = None

    def __post_init__(self) -> None:
        check_sizes(self.inputs, self.outputs, self.kernel, self.up, self.down)
        if self.affine.outputs != self.inputs:
            raise ValueError(f"a style of {self.affine.outputs} values for {self.inputs} channels")
        for inside, outside in zip(self.inside, self.out_size, strict=True):
            check_map(self.outputs, inside, inside)
            if (inside - _taps(self.down_filter)) // self.down + 1 != outside:
                raise ValueError(f"{self.name} does not make maps of {self.out_size}")
        check_map(self.outputs, *self.out_size)

    @property
    def inside(self) -> Size:
        """Width and height of the enlarged maps, where the activation acts."""
        left, right, top, bottom = self.padding
        width, height = (
            (side + self.kernel - 1) * self.up - _taps(self.up_filter) + 1 for side in self.in_size
        )
        return (width + left + right, height + top + bottom)


def _taps(shape: tuple[int, ...] | None) -> int:
    return shape[0] if shape else 1


@dataclass(frozen=True)
class StyleGan3Config:
    """Sizes of the whole network; `scale` is what the last layer's output is multiplied by."""

    mapping: MappingConfig
    input: InputConfig
    layers: tuple[LayerConfig, ...]
    scale: float = 0.25

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("no layers")
        channels, size = self.input.channels, self.input.size
        for layer in self.layers:
            fits = layer.affine.inputs == self.mapping.w_dim and layer.inputs == channels
            if not fits or layer.in_size != size:
                raise ValueError(f"{layer.name} does not fit what comes before it")
            channels, size = layer.outputs, layer.out_size

    @property
    def num_ws(self) -> int:
        """Styles that a picture takes: one for the input, one a layer."""
        return len(self.layers) + 1


# ---- layers ----


class WaveInput(nn.Module):
    """w to the first maps `(N, channels, H, W)`: waves that `transform` moves, mixed."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, config: InputConfig) -> None:
        super().__init__()
        self.config = config
        self.affine = Dense(config.affine)
        self.weight = nn.Parameter(torch.empty(config.channels, config.channels))
        self.register_buffer("transform", torch.empty(3, 3))
        self.register_buffer("freqs", torch.empty(config.channels, 2))
        self.register_buffer("phases", torch.empty(config.channels))

    def forward(self, w: Tensor, transform: Tensor | None = None) -> Tensor:
        """Return the maps.

        Args:
            w: `(N, w_dim)`.
            transform: `(3, 3)`, from the picture's plane to the waves'; what the file keeps if None.
        """
        config = self.config
        moved = self._learned(w) @ (self.transform if transform is None else transform)  # (N, 3, 3)
        phases = self.phases + (self.freqs @ moved[:, :2, 2:]).squeeze(2)  # (N, channels)
        freqs = self.freqs @ moved[:, :2, :2]  # (N, channels, 2)
        room = config.sampling_rate / 2 - config.bandwidth
        heights = (1 - (freqs.norm(dim=2) - config.bandwidth) / room).clamp(0, 1)  # (N, channels)
        across, down = (self._places(side, freqs) for side in config.size)
        turns = (
            across[:, None] * freqs[:, None, None, :, 0] + down[:, None, None] * freqs[:, None, None, :, 1]
        )
        waves = torch.sin((turns + phases[:, None, None]) * (2 * math.pi))  # (N, H, W, channels)
        waves = waves * heights[:, None, None]
        return (waves @ (self.weight / math.sqrt(config.channels)).T).permute(0, 3, 1, 2)

    def _learned(self, w: Tensor) -> Tensor:
        """Return how the style itself turns and shifts, `(N, 3, 3)`: a shift, then a rotation."""
        t = self.affine(w)
        cos, sin, right, below = (t / t[:, :2].norm(dim=1, keepdim=True)).unbind(1)
        zero, one = torch.zeros_like(cos), torch.ones_like(cos)
        turn = torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], 1).reshape(-1, 3, 3)
        shift = torch.stack([one, zero, -right, zero, one, -below, zero, zero, one], 1).reshape(-1, 3, 3)
        return turn @ shift

    def _places(self, side: int, like: Tensor) -> Tensor:
        """Return where samples are on one axis, 0 in the middle."""
        return (
            torch.arange(side, device=like.device, dtype=like.dtype) + 0.5 - side / 2
        ) / self.config.sampling_rate


class Filters:
    """How a layer enlarges, activates and reduces maps of the type and on the device of `like`.

    Rows of the reduced map are made a few at a time. It is filtered by one convolution of two axes, one filter a
    channel, which has fewer passes over large maps than two of one axis.
    """

    def __init__(self, config: LayerConfig, up: Tensor | None, down: Tensor | None, like: Tensor) -> None:
        self.config, self.up, self.device = config, up, like.device
        self.activation, self.gain = ("linear", 1.0) if config.draws else ("lrelu", math.sqrt(2))
        self.is_idle = up is down is None and config.up == config.down == 1 and not any(config.padding)
        line = like.new_full((1,), 1 / config.up)
        if up is not None and up.ndim == 1:
            line = fir.rounded(up, like.dtype, config.up)
        left, _, top, _ = config.padding
        sizes = (side + config.kernel - 1 for side in config.in_size)
        self.across, self.down = (
            fir.Enlarging(line, config.up, before, size, length)
            for before, size, length in zip((left, top), sizes, config.inside, strict=True)
        )
        low = like.new_ones(1) if down is None else down
        low = torch.outer(low, low) if low.ndim == 1 else low
        low = fir.rounded(low.flip(0, 1) * self.gain, like.dtype)
        self.low_pass = low.expand(config.outputs, 1, -1, -1).contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        """Return what becomes of a map `(1, C, H, W)`, which may be written over."""
        config = self.config
        if self.is_idle:
            return finished(x, self.activation, self.gain, config.clamp)
        clamp = None if config.clamp is None else config.clamp / self.gain  # the gain is in the last filter
        made = []
        for part in self._enlarged(x):
            active = finished(part, self.activation, 1.0, clamp)
            y = functional.conv2d(active, self.low_pass, stride=config.down, groups=config.outputs)
            made.append(y[0].permute(1, 2, 0))
        return _as_maps(torch.cat(made))

    def _enlarged(self, x: Tensor) -> Iterator[Tensor]:
        """Return as many rows of the enlarged map at a time as some rows of the reduced one are made of."""
        config = self.config
        if self.up is not None and self.up.ndim == 2:
            yield fir.filtered(fir.stuffed(x, config.up), self.up, config.padding, config.up**2)
            return
        wide = self.across.across(x[0].permute(1, 2, 0).contiguous())  # (H, W', C)
        rows, more = config.out_size[1], len(self.low_pass[0, 0]) - config.down
        for at in range(0, rows, _ROWS):
            end = min(at + _ROWS, rows)
            yield _as_maps(self.down.down(wide, range(config.down * at, config.down * end + more)))


def _as_maps(x: Tensor) -> Tensor:
    """Return `(H, W, C)` as `(1, C, H, W)`, in the order of memory in which it is."""
    return x[None].permute(0, 3, 1, 2)


class Layer(nn.Module):
    """Map `(1, inputs, *in)` and w `(1, w_dim)` of a picture to `(1, outputs, *out)`, of the map's type."""

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None
    power: Tensor | None

    def __init__(self, config: LayerConfig) -> None:
        super().__init__()
        self.config = config
        self.affine = Dense(config.affine)
        self.weight = nn.Parameter(torch.empty(config.outputs, config.inputs, config.kernel, config.kernel))
        self.bias = nn.Parameter(torch.empty(config.outputs))
        self.register_buffer("magnitude_ema", torch.empty(()))
        for name, shape in (("up_filter", config.up_filter), ("down_filter", config.down_filter)):
            self.register_buffer(name, None if shape is None else torch.empty(shape))
        self.register_buffer("power", None, persistent=False)
        self._filters: Filters | None = None

    def freeze(self) -> None:
        """Compute now what depends on no style; weights and filters must not change any more."""
        weight, self.power = self._weights()
        weight = weight.detach().contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the maps, by weights that the style has scaled."""
        weight, power = self._weights() if self.power is None else (self.weight, self.power)
        kernel = (weight * self._scales(w, power)[:, :, None, None]).to(x.dtype)
        y = functional.conv2d(x, kernel, self.bias.to(x.dtype), padding=self.config.kernel - 1)
        return self._filters_for(x)(y)

    def _weights(self) -> tuple[Tensor, Tensor]:
        """Return weights and, for demodulation, the squares of what a style scales, summed over the kernel.

        The mean strength of what comes in, known from training, is divided out. Weights of one output are made of
        equal size, so that what keeps demodulation from dividing by 0 is as small for all.
        """
        weight: Tensor = self.weight
        if not self.config.draws:
            weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
        return weight * self.magnitude_ema.rsqrt(), weight.square().sum((2, 3))

    def _scales(self, w: Tensor, power: Tensor) -> Tensor:
        """Return what multiplies each weight, `(outputs or 1, inputs)`; equations 1 and 3 of StyleGAN2's paper."""
        styles = self.affine(w)  # (1, inputs)
        if self.config.draws:
            return styles / math.sqrt(self.config.inputs * self.config.kernel**2)
        styles = styles * styles.square().mean().rsqrt()
        return styles * (styles.square() @ power.T + EPSILON).rsqrt().T

    def _filters_for(self, x: Tensor) -> Filters:
        """Return the filters for such maps; a frozen layer keeps them."""
        if self._filters is not None and self._filters.device == x.device:
            return self._filters
        filters = Filters(self.config, self.up_filter, self.down_filter, x)
        if self.power is not None:
            self._filters = filters
        return filters


# ---- networks ----


class Synthesis(nn.Module):
    """Styles to pictures."""

    def __init__(self, config: StyleGan3Config) -> None:
        super().__init__()
        self.config = config
        self.input = WaveInput(config.input)
        for layer in config.layers:
            self.add_module(layer.name, Layer(layer))
        self.maps: torch.dtype | None = None  # their type; None: that of the styles

    def freeze(self, dtype: torch.dtype) -> None:
        """Get ready for maps of `dtype`; weights and filters must not change any more."""
        self.maps = dtype
        for layer in self.config.layers:
            getattr(self, layer.name).freeze()

    def forward(self, ws: Tensor, noise: Noise = CONST, transform: Tensor | None = None) -> Tensor:
        """Return pictures `(N, C, H, W)`, about -1..1, unclipped.

        Args:
            ws: `(N, num_ws, w_dim)`.
            noise: not used.
            transform: `(3, 3)`, from the picture's plane to the network's own; what the file keeps if None.
        """
        drawn = [self._drawn(ws[at : at + 1], transform) for at in range(len(ws))]
        last = self.config.layers[-1]
        return torch.cat(drawn) if drawn else ws.new_zeros(0, last.outputs, *last.out_size[::-1])

    def _drawn(self, ws: Tensor, transform: Tensor | None) -> Tensor:
        """Return one picture: several at once are not faster, and take more memory."""
        x = self.input(ws[:, 0], transform).to(self.maps or ws.dtype)
        for index, layer in enumerate(self.config.layers, 1):
            x = getattr(self, layer.name)(x, ws[:, index])
        return (x.to(ws.dtype) * self.config.scale).contiguous()


class StyleGan3(StyleGenerator):
    """The generator, as `explorer.models.style.StyleNetwork` says."""

    has_noise = False
    has_transform = True

    def __init__(self, config: StyleGan3Config) -> None:
        super().__init__(config.mapping, config.num_ws)
        self.config = config
        self.synthesis = Synthesis(config)

    def in_precision(self, dtype: torch.dtype) -> StyleGan3:
        """Return a copy for inference alone whose maps are `dtype`; styles, waves and pictures stay float32."""
        frozen = copy.deepcopy(self).requires_grad_(False).eval()
        frozen.synthesis.freeze(dtype)
        return frozen

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height and width of the pictures."""
        width, height = self.config.layers[-1].out_size
        return (self.config.layers[-1].outputs, height, width)

    def style_matrices(self) -> list[Tensor]:
        """Return the matrix `(C, w_dim)` by which each of the `num_ws` layers turns w into styles."""
        layers = [getattr(self.synthesis, layer.name) for layer in self.config.layers]
        return [layer.affine.weight for layer in (self.synthesis.input, *layers)]
