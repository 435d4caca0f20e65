"""Critic of patches: one score for each overlapping piece of a picture; used in training only, so no file has it.

PatchGAN (Isola et al. 2017, arXiv:1611.07004) as in CycleGAN (Zhu et al. 2017, arXiv:1703.10593, appendix 7.2):
convolutions of kernel 4, leaky ReLU, an instance norm behind each but the first, and no sigmoid, since the loss is
least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky ReLU below 0."""


class PatchCritic(nn.Module):
    """Pictures `(N, channels, H, W)` in -1..1 to scores `(N, 1, h, w)`, high for what looks real.

    Args:
        widths: channels after each convolution but the last; each halves the size, save the last of these. The
            paper's 64, 128, 256, 512 looks at patches of 70x70.
    """

    def __init__(self, widths: Sequence[int], channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 4, _stride(0, widths), 1),
            nn.LeakyReLU(SLOPE),
        ]
        for number, (wide, out) in enumerate(pairwise(widths), 1):
            # what a bias adds, the norm takes away
            conv = nn.Conv2d(wide, out, 4, _stride(number, widths), 1, bias=False)
            layers += [conv, nn.InstanceNorm2d(out), nn.LeakyReLU(SLOPE)]
        self.main = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return one score a patch, `(N, 1, h, w)` float32."""
        return self.main(images).float()


def _stride(number: int, widths: Sequence[int]) -> int:
    return 1 if number == len(widths) - 1 else 2


def least_side(widths: Sequence[int]) -> int:
    """Return the smallest pictures, in pixels a side, that leave more than one value to each instance norm."""
    return 3 * 2 ** (len(widths) - 1)
