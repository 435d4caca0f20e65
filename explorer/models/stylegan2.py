"""StyleGAN2 (Karras et al. 2019, arXiv:1912.04958) and StyleGAN2-ADA (2020, arXiv:2006.06676), generators.

A constant map is convolved and doubled in blocks; a style, made of w, scales the channels that enter each convolution,
and the output is scaled back to what it would be expected to have ("demodulation"). Pictures are the sum of what each
block draws (`skip`), or are drawn by the last of residual blocks (`resnet`) or plain ones (`orig`). Every size, gain
and limit is in the configuration, as files of different years mean different ones. The tensors' names are those of
NVIDIA's PyTorch files; readers of other files give theirs these names.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import fir
from explorer.models.style_layers import Dense, StyleGenerator, finished, modulated
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

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None = None, gain: float = 1.0) -> Tensor:
        """Return the maps; `noise` broadcasts over them, `gain` scales them after the activation."""
        config = self.config
        styles = self.affine(w) * config.weight_gain
        y = modulated(x, self.weight, styles, self._plain, demodulate=config.demodulate)
        if noise is not None:
            y = y + noise * self.noise_strength
        y = y + self.bias[:, None, None]
        clamp = None if config.clamp is None else config.clamp * gain
        return finished(y, config.activation, config.gain * gain, clamp)

    def _plain(self, x: Tensor, weight: Tensor) -> Tensor:
        return convolved(x, weight, self.config.up, self.config.padding, self.resample_filter)


def convolved(x: Tensor, weight: Tensor, up: int, padding: int, low_pass: Tensor | None) -> Tensor:
    """Convolve, enlarging `up` times: a transposed convolution, whose output is then filtered."""
    if up == 1:
        return functional.conv2d(x, weight, padding=padding)
    assert low_pass is not None
    if weight.shape[2:] == (1, 1) and padding == 0:
        return fir.upsampled(functional.conv2d(x, weight), low_pass, up)  # fewer pixels to convolve
    y = functional.conv_transpose2d(x, weight.transpose(0, 1), stride=up)
    behind = up - weight.shape[-1] + padding  # the transposed one leaves out the zeros behind the last pixel
    before = padding - weight.shape[-1] + 1
    left, right, top, bottom = fir.up_pads(tuple(low_pass.shape), up)
    pads = (left + before, right + behind, top + before, bottom + behind)
    return fir.filtered(y, low_pass, pads, up**2)


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
        y = convolved(x, self.weight * config.weight_gain, config.up, config.padding, self.resample_filter)
        y = y if self.bias is None else y + self.bias[:, None, None]
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
        drawn = self.torgb(x, w)
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
