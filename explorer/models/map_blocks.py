"""Blocks of autoencoders of maps: residual blocks and attention, at resolutions that halve or double.

After Esser et al. 2020 (arXiv:2012.09841) and Rombach et al. 2021 (arXiv:2112.10752); norms steered by the code
after Zheng et al. 2022 (arXiv:2209.09002). Modules are named as diffusers names them, so that its state dicts fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.models.map_plan import HalfPlan, LevelPlan

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "silu": nn.SiLU,
    "swish": nn.SiLU,
    "mish": nn.Mish,
    "gelu": nn.GELU,
    "relu": nn.ReLU,
}
"""What may stand between convolutions, by the names that descriptions use."""

_EPS = 1e-6
_STEERED_GROUPS = 32  # of every norm that a map steers, as no description tells


@dataclass(frozen=True)
class Habit:
    """What tensors do not tell: groups of a norm, the activation; and channels of a steering map, 0 for none."""

    groups: int = 32
    activation: str = "silu"
    condition: int = 0


class PlainNorm(nn.GroupNorm):
    """Group norm (Wu & He 2018, arXiv:1803.08494); a steering map is not looked at."""

    def __init__(self, width: int, habit: Habit) -> None:
        super().__init__(habit.groups, width, eps=_EPS)

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return normalised maps `(N, C, H, W)`; also of a single number a group, which the base class refuses."""
        return torch.group_norm(maps, self.num_groups, self.weight, self.bias, self.eps)


class SteeredNorm(nn.Module):
    """Group norm whose scale and shift at each place are made of the code there."""

    def __init__(self, width: int, habit: Habit) -> None:
        super().__init__()
        self.norm_layer = PlainNorm(width, Habit(_STEERED_GROUPS))
        self.conv_y = nn.Conv2d(habit.condition, width, 1)
        self.conv_b = nn.Conv2d(habit.condition, width, 1)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        """Return normalised maps `(N, C, H, W)`; the code `(N, condition, h, w)` is enlarged to their size."""
        code = functional.interpolate(code, size=maps.shape[-2:], mode="nearest")
        return self.norm_layer(maps) * self.conv_y(code) + self.conv_b(code)


def _norm(width: int, habit: Habit) -> nn.Module:
    return SteeredNorm(width, habit) if habit.condition else PlainNorm(width, habit)


class Residual(nn.Module):
    """Norm, activation and convolution, twice, added to what came in (He et al. 2016, arXiv:1603.05027)."""

    def __init__(self, width_in: int, width: int, habit: Habit) -> None:
        super().__init__()
        self.norm1 = _norm(width_in, habit)
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.norm2 = _norm(width, habit)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(width_in, width, 1) if width_in != width else nn.Identity()
        self.activation = ACTIVATIONS[habit.activation]()

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return maps `(N, width, H, W)`."""
        inner = self.conv1(self.activation(self.norm1(maps, code)))
        inner = self.conv2(self.activation(self.norm2(inner, code)))
        return self.conv_shortcut(maps) + inner


class Attention(nn.Module):
    """Every place looks at every other, with one head (Vaswani et al. 2017, arXiv:1706.03762)."""

    def __init__(self, width: int, habit: Habit) -> None:
        super().__init__()
        if habit.condition:
            self.spatial_norm = SteeredNorm(width, habit)
        else:
            self.group_norm = PlainNorm(width, habit)
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])
        self._is_steered = habit.condition > 0

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return maps `(N, width, H, W)`."""
        normed = self.spatial_norm(maps, code) if self._is_steered else self.group_norm(maps)
        places = normed.flatten(2).transpose(1, 2)  # (N, H * W, width)
        seen = functional.scaled_dot_product_attention(
            self.to_q(places)[:, None], self.to_k(places)[:, None], self.to_v(places)[:, None]
        )
        told = self.to_out[0](seen[:, 0]).transpose(1, 2)  # (N, width, H * W)
        return maps + told.reshape(maps.shape)


class Doubled(nn.Module):
    """Nearest neighbours twice as large, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `(N, width, 2 H, 2 W)`."""
        return self.conv(functional.interpolate(maps, scale_factor=2.0, mode="nearest"))


class Halved(nn.Module):
    """A convolution of stride 2; zeros are put at the right and below alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, stride=2)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps `(N, width, H / 2, W / 2)`."""
        return self.conv(functional.pad(maps, (0, 1, 0, 1)))


class Level(nn.Module):
    """Residual blocks of one resolution, each with attention where there is any, and the way to the next."""

    def __init__(self, plan: LevelPlan, habit: Habit, *, enlarges: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Residual(wide, width, habit) for wide, width in pairwise(plan.widths))
        inner = plan.widths[1:] if plan.attends else ()
        self.attentions = nn.ModuleList(Attention(width, habit) for width in inner)
        last = plan.widths[-1]
        ways = [Doubled(last) if enlarges else Halved(last)] if plan.resamples else []
        self.upsamplers = nn.ModuleList(ways if enlarges else [])
        self.downsamplers = nn.ModuleList([] if enlarges else ways)

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return maps of the next resolution, or of the same where this is the last."""
        for index, block in enumerate(self.resnets):
            maps = block(maps, code)
            if self.attentions:
                maps = self.attentions[index](maps, code)
        for way in (*self.upsamplers, *self.downsamplers):
            maps = way(maps)
        return maps


class Middle(nn.Module):
    """Two residual blocks at the smallest resolution, with attention between them where there is any."""

    def __init__(self, width: int, attends: bool, habit: Habit) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(Residual(width, width, habit) for _ in range(2))
        self.attentions = nn.ModuleList([Attention(width, habit)] if attends else [])

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return maps `(N, width, H, W)`."""
        maps = self.resnets[0](maps, code)
        for attention in self.attentions:
            maps = attention(maps, code)
        return self.resnets[1](maps, code)


class Encoder(nn.Module):
    """Pictures `(N, channels, H, W)` to maps `(N, channels_out, H / factor, W / factor)`."""

    def __init__(self, plan: HalfPlan, habit: Habit) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(plan.channels_in, plan.levels[0].widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(Level(level, habit, enlarges=False) for level in plan.levels)
        self.mid_block = Middle(plan.middle, plan.attends, habit)
        self.conv_norm_out = PlainNorm(plan.middle, habit)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(plan.middle, plan.channels_out, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        """Return maps."""
        maps = self.conv_in(images)
        for level in self.down_blocks:
            maps = level(maps)
        return self.conv_out(self.conv_act(self.conv_norm_out(self.mid_block(maps))))


class Decoder(nn.Module):
    """Maps `(N, channels_in, h, w)` to pictures `(N, channels_out, factor * h, factor * w)`."""

    def __init__(self, plan: HalfPlan, habit: Habit) -> None:
        super().__init__()
        last = plan.levels[-1].widths[-1]
        self.conv_in = nn.Conv2d(plan.channels_in, plan.middle, 3, padding=1)
        self.mid_block = Middle(plan.middle, plan.attends, habit)
        self.up_blocks = nn.ModuleList(Level(level, habit, enlarges=True) for level in plan.levels)
        self.conv_norm_out = _norm(last, habit)
        self.conv_act = nn.SiLU()
        self.conv_out = nn.Conv2d(last, plan.channels_out, 3, padding=1)

    def forward(self, maps: Tensor, code: Tensor | None = None) -> Tensor:
        """Return pictures; `code (N, condition, h, w)` steers the norms where they are steered."""
        maps = self.mid_block(self.conv_in(maps), code)
        for level in self.up_blocks:
            maps = level(maps, code)
        return self.conv_out(self.conv_act(self.conv_norm_out(maps, code)))
