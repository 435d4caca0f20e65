"""Models whose codes are maps: convolutional networks, so that any size of map gives a picture of that size.

No network here (`autoencoder_kl`, `autoencoder_tiny`), and no directions over a map (`latent.rotation`).
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor
from torch.nn import functional

from explorer.models.base import NO_OPTIONS, DecodeOptions, ImageSpec, LatentModel, Space

_LEAST_SIDE = 64
"""Of a preview; a network that saw large pictures makes nothing of very small ones."""

_MOST_PIXELS = 1 << 24


class MapModel(LatentModel):
    """A generator of maps `(C, h, w)`, the first space, which it enlarges `factor` times.

    Args:
        factor: how many pixels wide one number of a map is.
    """

    def __init__(self, *args: Any, factor: int, **described: Any) -> None:
        super().__init__(*args, **described)
        self.factor = factor

    def drawing(self, shape: tuple[int, ...]) -> MapModel | None:
        """Return the same model for maps of another height and width; None where they are not its own.

        The network is shared. Spaces over the maps are left out, as they are of one size.

        Args:
            shape: of a code, `(C, h, w)`.
        """
        first = self.spaces[self.default_space]
        if len(shape) != 3 or shape[0] != first.shape[0] or min(shape) < 1:
            return None
        height, width = (side * self.factor for side in shape[1:])
        if height * width > _MOST_PIXELS:
            return None
        if shape == first.shape:
            return self
        model = copy.copy(self)
        model.image = ImageSpec(self.image.channels, height, width)
        model.spaces = {first.name: _of_shape(first, shape)}
        return model

    def preview(
        self,
        codes: Tensor,
        space: str = "z",
        options: DecodeOptions = NO_OPTIONS,
        max_side: int | None = None,
    ) -> Tensor:
        """Decode maps shrunk by a power of 2, to pictures of at least `max_side` pixels (half a side if None)."""
        first, held = self.spaces[self.default_space], self.spaces[space]
        if self.default_space in held.mappings:
            codes = held.to(codes, self.default_space, options)
        maps = codes.reshape(len(codes), *first.shape)
        side = max(self.image.height or 0, self.image.width or 0)
        wanted = max(max_side or side // 2, _LEAST_SIDE)
        while side >= 2 * wanted and not (maps.shape[2] % 2 or maps.shape[3] % 2):
            maps, side = functional.avg_pool2d(maps, 2), side // 2
        return self.native_range.to_unit(self.network.decode(maps)).clamp(0, 1)  # type: ignore[operator]


def _of_shape(space: Space, shape: tuple[int, ...]) -> Space:
    """Return a space of maps of another size; centre and spread are those of each channel."""

    def spread_out(values: np.ndarray) -> np.ndarray:
        of_channels = values.reshape(shape[0], -1).mean(axis=1, dtype=np.float64)
        return np.repeat(of_channels, shape[1] * shape[2])

    center, spread = spread_out(space.center), spread_out(space.spread)
    return replace(space, shape=shape, center=center, spread=spread, mappings={})
