"""Which part of a plane the map shows at first, and the decoded tiles behind its points."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from explorer.gui.pictures import to_qimage
from explorer.latent.plane import Plane

TILES = 12  # a side
TILE_PIXELS = 64  # a decoded picture is made smaller than this before it becomes a tile
FAR = 3.2  # standard deviations; what is further out is reached by zooming out


def home_region(xy: np.ndarray, shown: Plane, center: np.ndarray, spread: np.ndarray) -> QRectF:
    """Return the region that holds all points but far ones, and of two dimensions their sliders' range.

    Of two dimensions with a floor it begins there: below is no code.
    """
    finite = xy[np.isfinite(xy).all(axis=1)]
    middle = shown.project(center)
    reach = 3 * np.sqrt((shown.axes.astype(np.float64) ** 2) @ (spread.astype(np.float64) ** 2))
    reach[reach == 0] = 1.0
    low, high = middle - reach, middle + reach
    if len(finite):
        if shown.name == "PCA":
            far = FAR * finite.std(axis=0)
            low = np.maximum(finite.min(axis=0), finite.mean(axis=0) - far)
            high = np.minimum(finite.max(axis=0), finite.mean(axis=0) + far)
        else:
            low, high = np.minimum(low, finite.min(axis=0)), np.maximum(high, finite.max(axis=0))
    margin = np.maximum((high - low) * 0.04, 1e-6)
    low, high = low - margin, high + margin
    if shown.name != "PCA" and shown.floor is not None:
        low = np.where(shown.axes.any(axis=1) & (high > shown.floor), np.maximum(low, shown.floor), low)
    return QRectF(float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1]))


def tile_centres(region: QRectF) -> np.ndarray:
    """Return the centres of the tiles of a region, row by row from the top left, `(TILES * TILES, 2)`."""
    middles = (np.arange(TILES) + 0.5) / TILES
    x = region.x() + middles * region.width()
    y = region.y() + (1 - middles) * region.height()
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)


def joined_tiles(pictures: np.ndarray) -> QImage:
    """Return pictures `(TILES * TILES, H, W, C)` as one, in rows."""
    height, width, channels = pictures.shape[1:]
    step = max(1, max(height, width) // TILE_PIXELS)
    small = pictures[:, ::step, ::step]
    height, width = small.shape[1:3]
    rows = small.reshape(TILES, TILES, height, width, channels).swapaxes(1, 2)
    return to_qimage(rows.reshape(TILES * height, TILES * width, channels))
