"""Pictures that every autoencoder has seen the like of: what it makes of them tells more than codes drawn at random.

Grey ones are strokes of a pen, as in handwriting; coloured ones are clouds with the spectrum of natural pictures
(amplitudes fall with the frequency: Field 1987, "Relations between the statistics of natural images and the response
properties of cortical cells"). Drawn anew, the same at each call; none is stored.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor
from torch.nn import functional

_FINEST = 32  # pixels; larger pictures of strokes are enlarged ones
_STROKES = 2  # of one picture
_POINTS = 40  # of one stroke
_PEN = 0.045  # half of its width, of the picture's side
_SOFT = 0.012
_FALL = 1.5  # of the power spectrum's square root


@functools.lru_cache(maxsize=8)
def pictures(count: int, channels: int, height: int, width: int) -> Tensor:
    """Return `(count, channels, height, width)`, 0 for black and 1 for white."""
    generator = torch.Generator().manual_seed(4)
    if channels == 1:
        drawn = _strokes(count, min(height, _FINEST), min(width, _FINEST), generator)
        return functional.interpolate(drawn, (height, width), mode="bilinear")
    return _clouds(count, channels, height, width, generator)


def _strokes(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Return white curves on black: cubic Bezier curves between random points."""
    at = torch.linspace(0, 1, _POINTS)
    basis = torch.stack([(1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3])
    rows = torch.linspace(0, 1, height)[:, None]
    columns = torch.linspace(0, 1, width)[:, None]
    found = torch.zeros(count, height, width)
    for _ in range(_STROKES):
        points = 0.2 + 0.6 * torch.rand((count, 4, 2), generator=generator)
        curve = torch.einsum("kt,nkd->ntd", basis, points)
        down = (rows - curve[:, None, :, 0]).square()
        across = (columns - curve[:, None, :, 1]).square()
        far = (down[:, :, None] + across[:, None]).amin(-1).sqrt()
        found = torch.maximum(found, torch.sigmoid((_PEN - far) / _SOFT))
    return found[:, None]


def _clouds(count: int, channels: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Return soft shapes whose channels have most in common."""
    down = torch.fft.fftfreq(height)[:, None] * height
    across = torch.fft.fftfreq(width)[None] * width
    fall = (down.square() + across.square() + 1).pow(-_FALL / 2)

    def drawn(planes: int) -> Tensor:
        noise = torch.randn((count, planes, height, width), generator=generator)
        return torch.fft.ifft2(torch.fft.fft2(noise) * fall).real

    mixed = drawn(1) + 0.4 * drawn(channels)
    mean, spread = mixed.mean((1, 2, 3), keepdim=True), mixed.std((1, 2, 3), keepdim=True)
    return (0.5 + 0.25 * (mixed - mean) / spread.clamp_min(1e-6)).clamp(0, 1)
