"""StyleGAN2 (Karras et al. 2019, arXiv:1912.04958) and StyleGAN2-ADA (2020, arXiv:2006.06676), generators.

A constant map is convolved and doubled in blocks; a style, made of w, scales the channels that enter each convolution,
and the output is scaled back to what it would be expected to have ("demodulation"). Pictures are the sum of what each
block draws (`skip`), or are drawn by the last of residual blocks (`resnet`) or plain ones (`orig`). Every size, gain
and limit is in the configuration, as files of different years mean different ones. The tensors' names are those of
NVIDIA's PyTorch files; readers of other files give theirs these names.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import fir
from explorer.models.style_layers import EPSILON, HOMOGENEOUS, Dense, StyleGenerator, finished
from explorer.models.style_noise import CONST, Noise
from explorer.models.stylegan2_config import BlockConfig, ConvConfig, SkipConfig, StyleGan2Config

# ---- blocks ----


class ModulatedConv(nn.Module):
    """Feature maps `(N, inputs, H, W)` and w `(N, w_dim)` to `(N, outputs, H * up, W * up)`."""

    noise_const: Tensor | None
    resample_filter: Tensor | None

    def __init__(self, config: ConvConfig) -> None:
        super().__init__()
        self.config = config
        self.affine = Dense(config.affine)
        self.weight = nn.Parameter(torch.empty(config.outputs, config.inputs, config.kernel, config.kernel))
        self.bias = nn.Parameter(torch.empty(config.outputs))
        if config.noise is not None:
            self.noise_strength = nn.Parameter(torch.empty(()))
        _keep(self, "noise_const", config.noise)
        _keep(self, "resample_filter", config.filter)
        self.power: Tensor | None = None
        self.kernel: Tensor | None = None

    def freeze(self, dtype: torch.dtype, size: Sequence[int]) -> None:
        """Compute what will not change any more, for maps of `dtype` and, where they come in, of this size."""
        self.power = _power(self.weight.detach())
        kernel = _oriented(self.weight.detach(), self.config.up)
        kernel = kernel if _scales_weights(self.weight, size) else kernel.to(dtype)
        self.kernel = kernel.contiguous(memory_format=torch.channels_last)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None, gain: float = 1.0) -> Tensor:
        """Return the maps; `noise` broadcasts over them, `gain` scales them after the activation."""
        config = self.config
        gain *= config.gain
        clamp = None if config.clamp is None else config.clamp * gain / config.gain
        before = gain if config.activation in HOMOGENEOUS else 1.0  # one pass over large maps less
        y = self._convolved(x, self.affine(w) * config.weight_gain, before)
        if noise is not None:
            y = y.add_((noise * (self.noise_strength * before)).to(y.dtype))
        return finished(y, config.activation, gain / before, clamp)

    def _convolved(self, x: Tensor, styles: Tensor, gain: float) -> Tensor:
        """Convolve with weights whose input channels the styles `(N, inputs)` scale, and add the bias.

        Equations 1 and 3 of the paper. One picture is made with scaled weights where these are fewer than the values
        of its maps, all else with scaled maps, which is the same: no convolution is grouped.
        """
        config, bias = self.config, self.bias * gain
        scale = styles.new_full((len(styles), config.outputs), gain)
        if config.demodulate:
            power = self.power if self.power is not None else _power(self.weight)
            scale = gain * (styles.square() @ power.T + EPSILON).rsqrt()  # (N, outputs)
        kernel = _oriented(self.weight, config.up) if self.kernel is None else self.kernel
        ways = (config.up, config.padding, self.resample_filter)
        if len(x) == 1 and _scales_weights(self.weight, x.shape[2:]):
            scales = _oriented(scale[0, :, None, None, None] * styles[0, None, :, None, None], config.up)
            return convolved(x, (kernel * scales).to(x.dtype), *ways, bias)
        largest = styles.abs().amax(1, keepdim=True).clamp_min(EPSILON)  # or half precision might overflow
        scale = scale * largest
        x = x * (styles / largest)[:, :, None, None].to(x.dtype)
        y = convolved(x, kernel.to(x.dtype), *ways)
        return y.mul_(scale[:, :, None, None].to(y.dtype)).add_(bias[:, None, None].to(y.dtype))


def _oriented(weight: Tensor, up: int) -> Tensor:
    """Return weights `(O, I, k, k)` as a convolution wants them; a transposed one `(I, O, k, k)`."""
    return weight if up == 1 else weight.transpose(0, 1)


def _scales_weights(weight: Tensor, side: Sequence[int]) -> bool:
    """Return whether weights `(O, I, k, k)` are fewer than the values of maps of this height and width."""
    return weight[:, 0].numel() <= math.prod(side)


def _power(weight: Tensor) -> Tensor:
    """Return the squares of `(O, I, k, k)` summed over the kernel, `(O, I)`."""
    return weight.square().sum((2, 3))


def convolved(
    x: Tensor, kernel: Tensor, up: int, padding: int, low_pass: Tensor | None, bias: Tensor | None = None
) -> Tensor:
    """Convolve and add a bias, enlarging `up` times: a transposed convolution, whose output is then filtered.

    The kernel is as `_oriented` returns it.
    """
    bias = None if bias is None else bias.to(x.dtype)
    if up == 1:
        return functional.conv2d(x, kernel, bias, padding=padding)
    assert low_pass is not None
    side = kernel.shape[-1]
    if side == 1 and padding == 0:
        y = fir.upsampled(
            functional.conv2d(x, kernel.transpose(0, 1)), low_pass, up
        )  # fewer pixels to convolve
        return y if bias is None else y.add_(bias[:, None, None])
    y = functional.conv_transpose2d(x, kernel, stride=up)
    behind = up - side + padding  # the transposed one leaves out the zeros behind the last pixel
    before = padding - side + 1
    left, right, top, bottom = fir.up_pads(tuple(low_pass.shape), up)
    pads = (left + before, right + behind, top + before, bottom + behind)
    return fir.filtered(y, low_pass, pads, up**2, bias)


class Skip(nn.Module):
    """The way around a residual block: `(N, inputs, H, W)` to `(N, outputs, H * up, W * up)`."""

    resample_filter: Tensor | None

    def __init__(self, config: SkipConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.empty(config.outputs, config.inputs, config.kernel, config.kernel))
        self.bias = nn.Parameter(torch.empty(config.outputs)) if config.bias else None
        _keep(self, "resample_filter", config.filter)

    def forward(self, x: Tensor, gain: float) -> Tensor:
        """Return the maps, multiplied by `gain`."""
        config = self.config
        kernel = _oriented(self.weight * config.weight_gain, config.up).to(x.dtype)
        y = convolved(x, kernel, config.up, config.padding, self.resample_filter)
        y = y if self.bias is None else y + self.bias[:, None, None].to(y.dtype)
        clamp = None if config.clamp is None else config.clamp * gain
        return finished(y, config.activation, config.gain * gain, clamp)


class Block(nn.Module):
    """One size: feature maps and picture so far to both, larger."""

    resample_filter: Tensor | None

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        self.config = config
        if config.const is not None:
            self.const = nn.Parameter(torch.empty(config.const))
        if config.conv0 is not None:
            self.conv0 = ModulatedConv(config.conv0)
        self.conv1 = ModulatedConv(config.conv1)
        if config.torgb is not None:
            self.torgb = ModulatedConv(config.torgb)
        if config.skip is not None:
            self.skip = Skip(config.skip)
        _keep(self, "resample_filter", config.filter)

    def freeze(self, dtype: torch.dtype, before: tuple[int, int], size: tuple[int, int]) -> None:
        """Get ready for maps of `dtype`, of the size `before` where they come in, and `size` inside."""
        if self.config.const is not None:
            self.const = nn.Parameter(self.const.detach().to(dtype), requires_grad=False)
        for name, side in (("conv0", before), ("conv1", size), ("torgb", size)):
            if hasattr(self, name):
                getattr(self, name).freeze(dtype, side)

    def forward(
        self, x: Tensor | None, image: Tensor | None, ws: Tensor, noise: Noise, at: int
    ) -> tuple[Tensor, Tensor | None]:
        """Return feature maps `(N, C, H, W)` and, where one was drawn, the picture `(N, colours, H, W)`.

        Args:
            x, image: of the block before, None at first.
            ws: `(N, num_ws, w_dim)`; `at` is the block's first.
            noise: `at` is also the index of its first noise.
        """
        if x is None:
            x = self.const.expand(len(ws), -1, -1, -1)
            x = self._layer(self.conv1, x, ws, noise, at)
        elif self.config.skip is not None:
            around = self.skip(x, math.sqrt(0.5))
            x = self._layer(self.conv0, x, ws, noise, at)
            x = around + self._layer(self.conv1, x, ws, noise, at + 1, math.sqrt(0.5))
        else:
            x = self._layer(self.conv0, x, ws, noise, at)
            x = self._layer(self.conv1, x, ws, noise, at + 1)
        return x, self._drawn(x, image, ws[:, min(at + self.config.convolutions, ws.shape[1] - 1)])

    def _layer(
        self, conv: ModulatedConv, x: Tensor, ws: Tensor, noise: Noise, at: int, gain: float = 1.0
    ) -> Tensor:
        added = None
        if conv.noise_const is not None:
            height, width = conv.noise_const.shape
            added = noise.of(at, conv.noise_const, (height, width), x)
        return conv(x, ws[:, at], added, gain)

    def _drawn(self, x: Tensor, image: Tensor | None, w: Tensor) -> Tensor | None:
        if image is not None:
            assert self.resample_filter is not None
            image = fir.upsampled(image, self.resample_filter)  # (N, colours, H, W)
        if self.config.torgb is None:
            return image
        drawn = self.torgb(x, w).float()
        return drawn if image is None else image + drawn


def _keep(module: nn.Module, name: str, shape: tuple[int, ...] | None) -> None:
    """Give a module a buffer of this shape, or None."""
    module.register_buffer(name, None if shape is None else torch.empty(shape))


# ---- networks ----


class Synthesis(nn.Module):
    """Styles to pictures."""

    def __init__(self, config: StyleGan2Config) -> None:
        super().__init__()
        self.config = config
        for block in config.blocks:
            self.add_module(block.name, Block(block))

    def freeze(self, dtype: torch.dtype) -> None:
        """Get ready for maps of `dtype`."""
        before = self.config.sizes[0]
        for block, size in zip(self.config.blocks, self.config.sizes, strict=True):
            getattr(self, block.name).freeze(dtype, before, size)
            before = size

    def forward(
        self, ws: Tensor, noise: Noise = CONST, transform: Tensor | None = None, max_side: int | None = None
    ) -> Tensor:
        """Return pictures `(N, C, H, W)`, about -1..1, unclipped.

        Args:
            ws: `(N, num_ws, w_dim)`.
            noise: what the noise inputs get.
            transform: not used.
            max_side: stop where the picture has this many pixels on its longer side, if it is drawn by and by.
        """
        x = image = None
        at = 0
        for block, size in zip(self.config.blocks, self.config.sizes, strict=True):
            x, image = getattr(self, block.name)(x, image, ws, noise, at)
            at += block.convolutions
            if max_side is not None and image is not None and max(size) >= max_side:
                break
        assert image is not None
        return image


class StyleGan2(StyleGenerator):
    """The generator, as `explorer.models.style.StyleNetwork` says."""

    has_transform = False

    def __init__(self, config: StyleGan2Config) -> None:
        super().__init__(config.mapping, config.num_ws)
        self.config = config
        self.has_noise = any(
            conv.noise is not None for block in config.blocks for conv in (block.conv0, block.conv1) if conv
        )
        self.synthesis = Synthesis(config)

    def in_precision(self, dtype: torch.dtype) -> StyleGan2:
        """Return a copy for inference alone that computes maps in `dtype`; styles and pictures stay float32.

        It shares what it does not change with this network.
        """
        kept = {id(tensor): tensor for tensor in (*self.parameters(), *self.buffers())}
        frozen = copy.deepcopy(self, kept)
        frozen.synthesis.freeze(dtype)
        return frozen

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height and width of the pictures."""
        return (self.config.channels, *self.config.sizes[-1])

    @property
    def draws_early(self) -> bool:
        """Whether smaller pictures are drawn on the way to the whole one."""
        return sum(block.torgb is not None for block in self.config.blocks) > 1

    def synthesis_preview(
        self, ws: Tensor, noise: Noise = CONST, transform: Tensor | None = None, max_side: int | None = None
    ) -> Tensor:
        """Return smaller pictures of at least `max_side` pixels: what the first blocks of a `skip` network draw."""
        return self.synthesis(ws, noise, transform, max_side)

    def style_matrices(self) -> list[Tensor]:
        """Return the matrix `(C, w_dim)` by which each of the `num_ws` layers turns w into styles."""
        blocks = [getattr(self.synthesis, block.name) for block in self.config.blocks]
        layers = [
            layer for block in blocks for layer in (getattr(block, "conv0", None), block.conv1) if layer
        ]
        return [layer.affine.weight for layer in (*layers, blocks[-1].torgb)]
