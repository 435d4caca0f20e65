"""StyleGAN (Karras, Laine & Aila 2018, "A Style-Based Generator Architecture for Generative Adversarial Networks",
arXiv:1812.04948).

A learned 4x4 map is convolved and enlarged, block by block; behind every convolution come noise, a bias, the
activation, instance normalisation and the style of that layer. The paper's own ablations (a dense first layer, no
styles, no noise) and snapshots from the middle of progressive growing are covered, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture, style
from explorer.models.base import ImageSpec
from explorer.models.style_layers import Dense, DenseConfig, MappingConfig, StyleGenerator, check_sizes
from explorer.models.style_maps import EPSILON, activated, enlarge, fused_up, normed, pixel_norm, smooth
from explorer.models.style_noise import Noise


@dataclass(frozen=True)
class StyleGan1Config:
    """Sizes and switches, named after what they do.

    Attributes:
        mapping: sizes of the mapping network; see `usual_mapping`.
        widths: channels at 4x4, 8x8 and so on, up to the whole picture.
        channels: of the pictures.
        equalized: weights count times `gain / sqrt(fan_in)` (equalized learning rate).
        fused_from: side from which enlarging and convolving are one transposed convolution; 0 for never.
        blur: filter behind an enlargement, in one dimension; empty for none.
        lod: how many doublings are not grown yet; a fraction fades the newest one in.
    """

    mapping: MappingConfig
    widths: tuple[int, ...] = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    channels: int = 3
    activation: str = "lrelu"
    equalized: bool = True
    use_styles: bool = True
    use_noise: bool = True
    const_input: bool = True
    pixel_norm: bool = False
    instance_norm: bool = True
    fused_from: int = 128
    blur: tuple[float, ...] = (1.0, 2.0, 1.0)
    lod: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self.channels, *self.widths)
        if not 1 < len(self.widths) <= 12:
            raise ValueError("stylegan1 has 2 to 12 resolutions")
        if self.activation not in ("lrelu", "relu"):
            raise ValueError("stylegan1 knows the activations lrelu and relu")
        if not 0 <= self.lod <= len(self.widths) - 1 or len(self.blur) > 9:
            raise ValueError("stylegan1 is grown to a resolution that it has")
        if self.blur and not abs(sum(self.blur)) > 0:
            raise ValueError("the blur of stylegan1 must keep the brightness")

    @property
    def side(self) -> int:
        """Height and width of the pictures."""
        return 4 << (len(self.widths) - 1)

    @property
    def grown(self) -> int:
        """How many of the resolutions are used, from 4x4 on."""
        return len(self.widths) - int(self.lod)

    @property
    def num_ws(self) -> int:
        """Styles of a picture: two a resolution; one alone where only the first layer sees w."""
        return 2 * len(self.widths) if self.use_styles else 1


def usual_mapping(
    z_dim: int,
    widths: Sequence[int],
    *,
    c_dim: int = 0,
    embedded: int = 0,
    lrmul: float = 0.01,
    activation: str = "lrelu",
    equalized: bool = True,
    normalise: bool = True,
) -> MappingConfig:
    """Return the mapping network with layers of these `widths`, the last that of w.

    The root of 2 that scales the weights is behind the activation in `style_layers`; a bias does without it.
    """
    wide, layers = z_dim + embedded, []
    for width in widths:
        gain = lrmul / math.sqrt(wide) if equalized else lrmul / math.sqrt(2)
        layers.append(DenseConfig(wide, width, gain, lrmul / math.sqrt(2), activation))
        wide = width
    embed = DenseConfig(c_dim, embedded, bias=False) if c_dim else None
    return MappingConfig(z_dim, wide, tuple(layers), c_dim, embed, "joined" if normalise else "nothing")


class Weight(nn.Module):
    """A weight `(O, I, ...)` that counts times `gain / sqrt(fan_in) * lrmul`."""

    def __init__(
        self, *shape: int, gain: float = math.sqrt(2), lrmul: float = 1.0, equalized: bool = True
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self._factor = (gain / math.sqrt(math.prod(shape[1:])) if equalized else 1.0) * lrmul

    @property
    def scaled(self) -> Tensor:
        """The weight as it counts."""
        return self.weight * self._factor


class Finish(nn.Module):
    """What comes behind every convolution: noise, bias, activation, norms and the style of the layer."""

    noise_const: Tensor

    def __init__(self, config: StyleGan1Config, index: int, width: int) -> None:
        super().__init__()
        self.config, self.index, self.side = config, index, 4 << index // 2
        self.bias = nn.Parameter(torch.empty(width))
        if config.use_noise:
            self.noise_strength = nn.Parameter(torch.empty(width))
            self.register_buffer("noise_const", torch.empty(self.side, self.side))
        if config.use_styles:
            w_dim = config.mapping.w_dim
            gain = 1 / math.sqrt(w_dim) if config.equalized else 1.0
            self.affine = Dense(DenseConfig(w_dim, 2 * width, gain))

    def forward(self, values: Tensor, ws: Tensor, noise: Noise) -> Tensor:
        """Return `(N, C, H, W)` of the same; `ws` is `(N, num_ws, w_dim)`."""
        config = self.config
        values = values + self.bias.view(-1, 1, 1)
        if config.use_noise:
            grain = noise.of(self.index, self.noise_const, (self.side, self.side), values)  # (H, W)
            if grain is not None:
                values = torch.addcmul(values, grain, self.noise_strength.view(-1, 1, 1))
        values = activated(values, config.activation)
        values = pixel_norm(values) if config.pixel_norm else values
        if not config.use_styles:
            return functional.instance_norm(values, eps=EPSILON) if config.instance_norm else values
        scale, shift = self.affine(ws[:, self.index]).unflatten(1, (2, -1)).unbind(1)  # (N, C) each
        if config.instance_norm:
            return normed(values, scale + 1, shift)
        return torch.addcmul(shift[:, :, None, None], values, scale[:, :, None, None] + 1)


class Start(nn.Module):
    """The first map: learned, or (an ablation of the paper) drawn from w by a dense layer."""

    def __init__(self, config: StyleGan1Config) -> None:
        super().__init__()
        width = config.widths[0]
        if config.const_input:
            self.const = nn.Parameter(torch.empty(width, 4, 4))
        else:
            gain = math.sqrt(2) / 4
            self.dense = Weight(16 * width, config.mapping.w_dim, gain=gain, equalized=config.equalized)
        self.finish = Finish(config, 0, width)

    def forward(self, ws: Tensor, noise: Noise) -> Tensor:
        """Return `(N, C, 4, 4)`."""
        if self.finish.config.const_input:
            values = self.const.expand(len(ws), -1, -1, -1)
        else:
            values = functional.linear(ws[:, 0], self.dense.scaled).unflatten(1, (-1, 4, 4))
        return self.finish(values, ws, noise)


class Conv(Weight):
    """A 3x3 convolution with what comes behind it; with `up` it doubles the map first."""

    def __init__(self, config: StyleGan1Config, index: int, wide: int, out: int, up: bool = False) -> None:
        super().__init__(out, wide, 3, 3, equalized=config.equalized)
        self.config, self.up = config, up
        self.finish = Finish(config, index, out)

    def forward(self, values: Tensor, ws: Tensor, noise: Noise) -> Tensor:
        """Return `(N, out, H, W)`, or twice as high and wide."""
        if not self.up:
            return self.finish(functional.conv2d(values, self.scaled, padding=1), ws, noise)
        fused = 0 < self.config.fused_from <= 2 * values.shape[-1]
        values = (
            fused_up(values, self.scaled)
            if fused
            else functional.conv2d(enlarge(values), self.scaled, padding=1)
        )
        values = smooth(values, self.config.blur) if self.config.blur else values
        return self.finish(values, ws, noise)


class ToRgb(Weight):
    """Maps `(N, C, H, W)` to pictures, pixel by pixel."""

    def __init__(self, config: StyleGan1Config, width: int) -> None:
        super().__init__(config.channels, width, 1, 1, gain=1.0, equalized=config.equalized)
        self.bias = nn.Parameter(torch.empty(config.channels))

    def forward(self, values: Tensor) -> Tensor:
        """Return `(N, channels, H, W)`."""
        return functional.conv2d(values, self.scaled, self.bias)


class Synthesis(nn.Module):
    """Styles `(N, num_ws, w_dim)` to pictures `(N, channels, side, side)`, about -1..1, unclipped."""

    def __init__(self, config: StyleGan1Config) -> None:
        super().__init__()
        self.config = config
        self.start = Start(config)
        self.convs = nn.ModuleList([Conv(config, 1, config.widths[0], config.widths[0])])
        for level in range(1, config.grown):
            wide, width = config.widths[level - 1 : level + 1]
            self.convs.append(Conv(config, 2 * level, wide, width, up=True))
            self.convs.append(Conv(config, 2 * level + 1, width, width))
        self.torgb = ToRgb(config, config.widths[config.grown - 1])
        self._fade = config.lod % 1 if config.grown > 1 else 0.0
        if self._fade:
            self.torgb_before = ToRgb(config, config.widths[config.grown - 2])

    def forward(self, ws: Tensor, noise: Noise, transform: Tensor | None = None) -> Tensor:
        """Return native pictures; there is no transform."""
        values = self.convs[0](self.start(ws, noise), ws, noise)  # (N, C, 4, 4)
        before = values
        for up, conv in zip(self.convs[1::2], self.convs[2::2], strict=True):
            before, values = values, conv(up(values, ws, noise), ws, noise)  # (N, C, 2H, 2W)
        images = self.torgb(values)
        if self._fade:
            images = torch.lerp(images, enlarge(self.torgb_before(before)), self._fade)
        return enlarge(images, 1 << int(self.config.lod))


class StyleGan1(StyleGenerator):
    """A `StyleNetwork`; see there."""

    has_transform = False

    def __init__(self, config: StyleGan1Config) -> None:
        super().__init__(config.mapping, config.num_ws)
        self.config = config
        self.has_noise = config.use_noise
        self.synthesis = Synthesis(config)

    def style_matrices(self) -> list[Tensor]:
        """Return the matrix `(2C, w_dim)` by which each layer turns w into styles; none where they take no styles."""
        if not self.config.use_styles:
            return []
        layers = [self.synthesis.start, *self.synthesis.convs]
        return [layer.finish.affine.weight for layer in layers]


def _wrap(network: StyleGan1, config: StyleGan1Config, **described: object) -> style.StyleModel:
    described.pop("trained", None)
    image = ImageSpec(config.channels, config.side, config.side)
    return style.wrap(network, architecture="stylegan1", image=image, **described)  # type: ignore[arg-type]


ARCHITECTURE = Architecture("stylegan1", StyleGan1Config, StyleGan1, _wrap)
