"""The sizes of a StyleGAN2, and what is usual where a file says no more than its tensors' shapes.

Plain values; the networks that are built of them are in `stylegan2`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from explorer.models.style_layers import (
    DenseConfig,
    MappingConfig,
    check_activation,
    check_map,
    check_sizes,
    usual_gain,
)

Filter = tuple[int, ...] | None
"""Shape of a low-pass filter that a file keeps, `(4, 4)` or `(12,)`; None where it keeps none."""


@dataclass(frozen=True)
class ConvConfig:
    """A convolution that a style modulates, with noise, bias and activation.

    Attributes:
        affine: from w to the style, one value for each of `inputs`.
        kernel, up, padding: side of the kernel, how many times it enlarges, pixels put around.
        weight_gain: of the convolution's weights.
        demodulate: scale the output back.
        activation, gain: and what is multiplied afterwards.
        clamp: outputs are kept within plus and minus this; None for no limit.
        noise: `(H, W)` of the noise that the file keeps; None where the layer has none.
        filter: of the enlargement; a file may keep one that is not used, too.
    """

    inputs: int
    outputs: int
    affine: DenseConfig
    kernel: int = 3
    up: int = 1
    padding: int = 1
    weight_gain: float = 1.0
    demodulate: bool = True
    activation: str = "lrelu"
    gain: float = math.sqrt(2)
    clamp: float | None = None
    noise: tuple[int, int] | None = None
    filter: Filter = None

    def __post_init__(self) -> None:
        check_sizes(self.inputs, self.outputs, self.kernel, self.up)
        check_activation(self.activation)
        if self.affine.outputs != self.inputs:
            raise ValueError(f"a style of {self.affine.outputs} values for {self.inputs} channels")
        if self.up > 1 and self.filter is None:
            raise ValueError("a layer that enlarges without a filter")
        if 2 * self.padding + 1 != self.kernel or self.up > 2:
            raise ValueError(
                f"a convolution of kernel {self.kernel}, padding {self.padding} and up {self.up}"
            )

    def leaves(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return `(H, W)` of what comes out when `size` goes in."""
        return (size[0] * self.up, size[1] * self.up)


@dataclass(frozen=True)
class SkipConfig:
    """The way around a residual block: a plain convolution that enlarges."""

    inputs: int
    outputs: int
    filter: Filter
    kernel: int = 1
    up: int = 2
    padding: int = 0
    weight_gain: float = 1.0
    bias: bool = False
    activation: str = "linear"
    gain: float = 1.0
    clamp: float | None = None


@dataclass(frozen=True)
class BlockConfig:
    """One size of feature maps.

    Attributes:
        name: as its tensors' names have it: `b8`.
        const: `(C, H, W)` of the constant it begins with; None for all but the first.
        conv0: enlarges; None in the first.
        torgb: draws; None where the block draws nothing.
        skip: of a residual block, else None.
        filter: with which the picture is enlarged before something is added.
    """

    name: str
    conv1: ConvConfig
    const: tuple[int, int, int] | None = None
    conv0: ConvConfig | None = None
    torgb: ConvConfig | None = None
    skip: SkipConfig | None = None
    filter: Filter = None

    @property
    def convolutions(self) -> int:
        """How many styles of its own the block takes; the one for `torgb` is also the next block's first."""
        return 1 + (self.conv0 is not None)

    def leaves(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return `(H, W)` of its feature maps, when such of `size` go in."""
        if self.const is not None:
            size = self.const[1:]
        for conv in (self.conv0, self.conv1):
            size = conv.leaves(size) if conv else size
        return size


@dataclass(frozen=True)
class StyleGan2Config:
    """Sizes of the whole network."""

    mapping: MappingConfig
    blocks: tuple[BlockConfig, ...]
    sizes: tuple[tuple[int, int], ...] = field(init=False)

    def __post_init__(self) -> None:
        if not self.blocks or self.blocks[0].const is None or self.blocks[-1].torgb is None:
            raise ValueError("synthesis blocks that do not begin with a constant and end with a picture")
        sizes, size, channels, drawn = [], (0, 0), 0, False
        for block in self.blocks:
            channels = _check_block(block, size, channels, self.mapping.w_dim, self.channels)
            size = block.leaves(size)
            if drawn and block.filter is None:
                raise ValueError(f"{block.name} enlarges its picture without a filter")
            drawn = drawn or block.torgb is not None
            sizes.append(size)
        object.__setattr__(self, "sizes", tuple(sizes))

    @property
    def channels(self) -> int:
        """Colour channels of the pictures."""
        assert self.blocks[-1].torgb
        return self.blocks[-1].torgb.outputs

    @property
    def num_ws(self) -> int:
        """Styles that a picture takes."""
        return sum(block.convolutions for block in self.blocks) + 1


def _check_block(block: BlockConfig, size: tuple[int, int], channels: int, w_dim: int, colours: int) -> int:
    """Return the channels that a block gives.

    Raises:
        ValueError: its parts do not fit together.
    """
    if (block.const is None) != (block.conv0 is not None) or (block.const is None) != bool(channels):
        raise ValueError(f"{block.name} has a constant and a first convolution, or neither")
    if block.const is not None:
        check_sizes(*block.const)
        channels, size = block.const[0], block.const[1:]
    entering = channels
    for conv in (block.conv0, block.conv1):
        if conv is None:
            continue
        size = conv.leaves(size)
        check_map(conv.outputs, *size)
        if conv.inputs != channels or conv.noise not in (None, size) or conv.affine.inputs != w_dim:
            raise ValueError(f"{block.name} has a convolution that does not fit what comes before it")
        channels = conv.outputs
    if block.torgb is not None:
        drawing = block.torgb
        fits = drawing.inputs == channels and drawing.outputs == colours and drawing.affine.inputs == w_dim
        if not fits or drawing.leaves(size) != size:
            raise ValueError(f"{block.name} draws pictures of another shape")
    if block.skip is not None and (block.skip.inputs, block.skip.outputs) != (entering, channels):
        raise ValueError(f"{block.name} has a residual way of other channels")
    return channels


# ---- what is usual, where a file says no more than its tensors' shapes ----


def usual_dense(
    inputs: int, outputs: int, activation: str = "linear", lr_multiplier: float = 1.0
) -> DenseConfig:
    """Return a dense layer whose weights were trained at a learning rate times `lr_multiplier`."""
    return DenseConfig(inputs, outputs, lr_multiplier / math.sqrt(inputs), lr_multiplier, activation)


def usual_torgb(inputs: int, colours: int, w_dim: int, clamp: float | None = None) -> ConvConfig:
    """Return the layer that draws."""
    return ConvConfig(
        inputs,
        colours,
        usual_dense(w_dim, inputs),
        kernel=1,
        padding=0,
        weight_gain=1 / math.sqrt(inputs),
        demodulate=False,
        activation="linear",
        gain=1.0,
        clamp=clamp,
    )


def usual_conv(
    inputs: int,
    outputs: int,
    w_dim: int,
    *,
    up: int = 1,
    noise: tuple[int, int] | None = None,
    filter: Filter = None,
    clamp: float | None = None,
    activation: str = "lrelu",
    kernel: int = 3,
) -> ConvConfig:
    """Return a layer between maps."""
    return ConvConfig(
        inputs,
        outputs,
        usual_dense(w_dim, inputs),
        kernel=kernel,
        up=up,
        padding=kernel // 2,
        activation=activation,
        gain=usual_gain(activation),
        clamp=clamp,
        noise=noise,
        filter=filter,
    )
