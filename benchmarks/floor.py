"""The convolutions of a StyleGAN2 alone: no way of computing its pictures takes less, whatever else it saves.

Each layer is one 3x3 convolution, or a transposed one of stride 2 where maps are enlarged, of the layer's own shape;
half precision where the processor has it, channels last, weights that never change. No style, no filter, no noise, no
bias, no activation, nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from explorer.models.stylegan2_config import StyleGan2Config


@dataclass(frozen=True)
class Bare:
    """One convolution: channels, how many times it enlarges, `(H, W)` of what goes in."""

    inputs: int
    outputs: int
    up: int
    size: tuple[int, int]

    @property
    def products(self) -> int:
        """Multiplications, of 3x3 kernels."""
        return 9 * self.inputs * self.outputs * self.size[0] * self.size[1]


def convolutions(config: StyleGan2Config) -> list[Bare]:
    """Return the convolutions between the maps of a generator, in order."""
    found, size = [], (0, 0)
    for block in config.blocks:
        size = size if block.const is None else (block.const[1], block.const[2])
        for layer in (block.conv0, block.conv1):
            if layer is not None:
                found.append(Bare(layer.inputs, layer.outputs, layer.up, size))
                size = layer.leaves(size)
    return found


def runner(layers: list[Bare], number_type: torch.dtype) -> Callable[[], Tensor]:
    """Return a function that runs them one after the other on one picture's maps."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        values = torch.randn(shape, generator=generator).to(number_type)
        return values.contiguous(memory_format=torch.channels_last)

    steps = []
    for layer in layers:
        scale = (9 * layer.inputs / layer.up**2) ** -0.5
        ends = (layer.outputs, layer.inputs) if layer.up == 1 else (layer.inputs, layer.outputs)
        steps.append((layer.up, drawn(*ends, 3, 3).mul_(scale)))
    first = drawn(1, layers[0].inputs, *layers[0].size)

    def run() -> Tensor:
        x = first
        with torch.inference_mode():
            for up, weight in steps:
                if up == 1:
                    x = functional.conv2d(x, weight, padding=1)
                else:
                    x = functional.conv_transpose2d(x, weight, stride=up, padding=1, output_padding=1)
        return x

    return run
