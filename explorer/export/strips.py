"""Strips: the pictures between two codes side by side, or one after the other as a film."""

from __future__ import annotations

import numpy as np
from PIL import Image

from explorer.data.images import fit
from explorer.export.layout import enlarge, grid, scale_for, to_image, to_rgb
from explorer.models.base import ImageSpec


def with_sources(pictures: np.ndarray, first: np.ndarray | None, last: np.ndarray | None) -> np.ndarray:
    """Return the pictures of a strip with the source pictures at its ends, as the face article shows them.

    Args:
        pictures: uint8 `(N, H, W, 1|3)`, both ends included.
        first, last: uint8 `(H', W', 1|3)`, what the ends were encoded from, in their own colours; None
            leaves that end as it is. Another size is brought to `(H, W)` by a centre crop and Lanczos.

    Returns:
        uint8 `(N, H, W, 3)` where a source has colours, else as many channels as before; a copy.
    """
    height, width = pictures.shape[1:3]
    ends = {
        place: _fitted(source, height, width)
        for place, source in ((0, first), (-1, last))
        if source is not None
    }
    if any(end.shape[-1] == 3 for end in ends.values()):
        pictures = to_rgb(pictures)
    pictures = np.array(pictures)
    for place, end in ends.items():
        pictures[place] = to_rgb(end) if pictures.shape[-1] == 3 else end
    return pictures


def strip(pictures: np.ndarray, scale: int | None = None) -> Image.Image:
    """Return the pictures of a strip, uint8 `(N, H, W, 1|3)`, in one row; `scale` as in `grid`."""
    return grid(pictures, len(pictures), scale)


def frames(pictures: np.ndarray, scale: int | None = None) -> list[Image.Image]:
    """Return the pictures of a strip, uint8 `(N, H, W, 1|3)`, as frames of a film; `scale` as in `grid`."""
    scale = scale or scale_for(*pictures.shape[1:3])
    return [to_image(picture) for picture in enlarge(pictures, scale)]


def _fitted(source: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return `source` as uint8 `(height, width, 1|3)`; its own pixels where the size agrees."""
    if source.shape[:2] == (height, width):
        return source
    return fit(to_image(source), ImageSpec(source.shape[-1], height, width))
