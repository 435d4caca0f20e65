"""Colour for grey pictures: a small residual U-Net that predicts chroma and keeps luminance.

The network sees a grey picture of any size and says, for every pixel, how likely each colour of a small
palette is; the expected colour under the sharpened distribution (the annealed mean of Zhang et al. 2016,
arXiv:1603.08511, which keeps colours lively where a plain mean would be brown) gives the two chroma
differences R-Y and B-Y. Green follows from Y = 0.3 R + 0.59 G + 0.11 B, so the grey of the result is the grey
that came in, and chroma shrinks per pixel until the colour can be shown. Body: U-Net (Ronneberger et al.
2015, arXiv:1505.04597) of residual blocks (He et al. 2016, arXiv:1603.05027) with coordinate channels (Liu et
al. 2018, arXiv:1807.03247).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models import Architecture
from explorer.models.base import ImageSpec, NativeRange, StageModel

RED, GREEN, BLUE = 0.30, 0.59, 0.11
"""Weights of the luminance, as the face article has them."""


@dataclass(frozen=True)
class ConvColorizerConfig:
    """Sizes: `widths` are the channels from full resolution downwards, each level half the size of the last.

    Attributes:
        widths: channels per level.
        blocks: residual blocks at the lowest level.
        colours: size of the palette.
        temperature: below 1 the distribution is sharpened before the mean is taken (0.38 in the paper).
    """

    widths: tuple[int, ...] = (32, 48, 64)
    blocks: int = 2
    colours: int = 64
    temperature: float = 0.38

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if not 1 < len(self.widths) <= 6 or any(width % 8 for width in self.widths):
            raise ValueError("conv-colorizer has 2 to 6 widths, multiples of 8")
        if not (0 < self.blocks <= 32 and 0 < self.colours <= 1024 and 0.01 <= self.temperature <= 10):
            raise ValueError(
                "conv-colorizer has 1 to 32 blocks, 1 to 1024 colours, a temperature of 0.01 to 10"
            )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, pre-activated, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape `(N, width, h, w)`."""
        return features + self.body(features)


class Up(nn.Module):
    """Doubles the size (nearest, then 3x3) and merges with what the encoder saw at that size."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width_out, 3, padding=1)
        self.merge = nn.Conv2d(2 * width_out, width_out, 1)
        self.block = ResidualBlock(width_out)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """`features (N, width_in, h, w)` and `skip (N, width_out, 2h, 2w)` to `(N, width_out, 2h, 2w)`."""
        features = self.conv(functional.interpolate(features, scale_factor=2.0, mode="nearest"))
        return self.block(self.merge(torch.cat((features, skip), dim=1)))


class ConvColorizer(nn.Module):
    """Grey `(N, 1, H, W)` in 0..1 to colour `(N, 3, H, W)` in 0..1 of the same luminance; any H and W."""

    palette: Tensor

    def __init__(self, config: ConvColorizerConfig) -> None:
        super().__init__()
        widths = config.widths
        self.multiple = 2 ** (len(widths) - 1)
        self.temperature = config.temperature
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1)
        self.encoders = nn.ModuleList(ResidualBlock(width) for width in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(widths))
        self.bottom = nn.Sequential(*(ResidualBlock(widths[-1]) for _ in range(config.blocks)))
        self.context = nn.Linear(widths[-1], widths[-1])  # what the whole picture says, given to every pixel
        self.ups = nn.ModuleList(Up(b, a) for a, b in reversed(list(pairwise(widths))))
        self.head = nn.Sequential(
            nn.GroupNorm(8, widths[0]), nn.SiLU(), nn.Conv2d(widths[0], config.colours, 1)
        )
        self.register_buffer("palette", spiral_palette(config.colours))  # (colours, 2): R-Y, B-Y

    def logits(self, grey: Tensor) -> Tensor:
        """Return how likely each palette colour is, `(N, colours, H, W)`, before the softmax."""
        height, width = grey.shape[-2:]
        right, below = -width % self.multiple, -height % self.multiple
        padded = functional.pad(grey, (0, right, 0, below), mode="replicate")
        features = self.stem(torch.cat((padded * 2 - 1, _coordinates(padded)), dim=1))
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            features = encoder(features)
            skips.append(features)
            features = down(features)
        features = self.bottom(features)
        features = features + self.context(features.mean(dim=(2, 3)))[:, :, None, None]
        for up in self.ups:
            features = up(features, skips.pop())
        return self.head(features)[..., :height, :width]

    def chroma(self, grey: Tensor) -> Tensor:
        """Return the wished chroma R-Y and B-Y, `(N, 2, H, W)`; it may leave the gamut."""
        likely = torch.softmax(self.logits(grey) / self.temperature, dim=1)
        return torch.einsum("nkhw,kc->nchw", likely, self.palette)

    def forward(self, images: Tensor) -> Tensor:
        """Return colour pictures `(N, 3, H, W)` in 0..1."""
        grey = images.clamp(0, 1)
        return to_rgb(grey, self.chroma(grey))


def spiral_palette(count: int) -> Tensor:
    """Return `count` chroma pairs (R-Y, B-Y), `(count, 2)`, spread evenly over the colours that can be shown.

    A sunflower spiral from grey outwards (Vogel 1979), stretched to the ranges +-0.7 and +-0.89 of the two
    differences and kept to what some luminance can show; training may replace it by the colours of its data.
    """
    golden = math.pi * (3 - math.sqrt(5))
    found: list[tuple[float, float]] = []
    total = count
    while len(found) < count:  # the gamut is a hexagon inside the ellipse: enlarge until enough fall inside
        found = []
        for step in range(total):
            radius, turn = math.sqrt(step / max(1, total - 1)), golden * step
            red, blue = 0.7 * radius * math.cos(turn), 0.89 * radius * math.sin(turn)
            differences = (red, -(RED * red + BLUE * blue) / GREEN, blue)
            if max(differences) - min(differences) <= 1:
                found.append((red, blue))
        total += 1
    return torch.tensor(found[:count])


def _differences(red: Tensor, blue: Tensor) -> Tensor:
    """Return R-Y, G-Y, B-Y stacked on axis 1, from R-Y and B-Y `(N, 1, ...)`."""
    return torch.cat((red, -(RED * red + BLUE * blue) / GREEN, blue), dim=1)


def to_rgb(grey: Tensor, chroma: Tensor) -> Tensor:
    """Return RGB `(N, 3, H, W)` in 0..1 of luminance `grey (N, 1, H, W)` with as much of `chroma` as fits.

    `chroma (N, 2, H, W)` is R-Y and B-Y; where the colour would leave 0..1, both shrink by one factor per
    pixel, so the hue and the luminance stay. Differentiable.
    """
    difference = _differences(chroma[:, :1], chroma[:, 1:])
    room = torch.where(difference > 0, 1 - grey, grey)
    share = room / difference.abs().clamp_min(1e-6)
    return (grey + difference * share.amin(dim=1, keepdim=True).clamp_max(1)).clamp(0, 1)


def _coordinates(images: Tensor) -> Tensor:
    """Return where each pixel is, `(N, 2, H, W)`: -1..1 from left to right and from top to bottom."""
    count, _, height, width = images.shape
    across = torch.linspace(-1, 1, width, device=images.device, dtype=images.dtype)
    down = torch.linspace(-1, 1, height, device=images.device, dtype=images.dtype)
    across = across.expand(count, 1, height, width)
    return torch.cat((across, down[:, None].expand(count, 1, height, width)), dim=1)


def _wrap(network: ConvColorizer, config: ConvColorizerConfig, **described: object) -> StageModel:
    return StageModel(
        network,
        architecture="conv-colorizer",
        input=ImageSpec(1),
        output=ImageSpec(3),
        native_range=NativeRange(),
        **described,  # type: ignore[arg-type]
    )


ARCHITECTURE = Architecture("conv-colorizer", ConvColorizerConfig, ConvColorizer, _wrap)
