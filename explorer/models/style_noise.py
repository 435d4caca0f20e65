"""What a StyleGAN adds to its feature maps to draw what no style decides: hair strands, pores, blades of grass.

Karras et al. 2018, "A Style-Based Generator Architecture for Generative Adversarial Networks" (arXiv:1812.04948),
section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

NoiseMode = Literal["const", "none", "random"]


@dataclass(frozen=True)
class Noise:
    """How the noise inputs of a network are filled.

    Attributes:
        mode: `const`: what was kept in the file; `none`; `random`: drawn from N(0, 1) by `seed`.
        seed: the same one gives the same noise, whatever the number of pictures: they all share it.
    """

    mode: NoiseMode = "const"
    seed: int = 0

    def of(self, index: int, const: Tensor | None, shape: tuple[int, int], like: Tensor) -> Tensor | None:
        """Return what to add at the layer `index` (before its strength), to be broadcast; None for nothing.

        Args:
            index: of the layer, from 0 on: each has noise of its own.
            const: what the file keeps for it, `(H, W)`; None where it keeps nothing, which adds nothing.
            shape: `(H, W)` of the layer's feature maps.
            like: a tensor of the same device and type.
        """
        if self.mode == "none":
            return None
        if self.mode == "const":
            return const
        generator = torch.Generator().manual_seed(_mixed(self.seed, index))
        return torch.randn(shape, generator=generator).to(like)


def _mixed(seed: int, index: int) -> int:
    """Return a seed for one layer: those of neighbouring seeds and layers have nothing in common."""
    return (seed * 0x9E3779B97F4A7C15 + index * 0xC2B2AE3D27D4EB4F + 0x165667B19E3779F9) % (1 << 63)


CONST = Noise()
