"""Critic of a Wasserstein GAN: pictures to one number each, with no normalisation between them.

The mirror of DCGAN's generator (Radford, Metz & Chintala 2015, arXiv:1511.06434): strided convolutions halve the
picture down to 4x4, leaky ReLU between them. Batch norm is left out, since the gradient penalty holds for one
picture at a time (Gulrajani et al. 2017, arXiv:1704.00028, section 4). It is used in training only, so no file has it.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

SLOPE = 0.2
"""Of the leaky ReLU below 0."""

_SMALLEST = 4  # side of the last map


class Critic(nn.Module):
    """Pictures `(N, channels, side, side)` in -1..1 to scores `(N,)`, side = 4 doubled by every width.

    Args:
        widths: channels after each halving, from the picture inwards.
    """

    def __init__(self, widths: Sequence[int], channels: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width_in = channels
        for width in widths:
            layers += [nn.Conv2d(width_in, width, 4, 2, 1), nn.LeakyReLU(SLOPE)]  # (N, width, side / 2, ...)
            width_in = width
        self.main = nn.Sequential(*layers)
        self.score = nn.Linear(width_in * _SMALLEST**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return one score a picture, `(N,)` float32, higher for what looks real."""
        return self.score(self.main(images).flatten(1)).float().squeeze(1)
