"""Sheets: traversals stacked, and pictures above their reconstructions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from explorer.export.layout import captioned, check_page, grid, labelled_rows, scale_for, to_rgb

RECONSTRUCTIONS_IN_A_ROW = 9
ROOM_FOR_UNIT = 80  # pixels


def traversals(pictures: np.ndarray, labels: Sequence[str], scale: int | None = None) -> Image.Image:
    """Return one row of pictures per dimension, each with its label to the left.

    Args:
        pictures: uint8 `(D, steps, H, W, 1|3)`.
        labels: D of them, such as `z3` or `z9 hair colour`; empty ones leave no margin.
        scale: enlargement; None takes `layout.scale_for`.
    """
    count, steps, height, width, _ = pictures.shape
    scale = scale or scale_for(height, width, steps, count)
    return labelled_rows([grid(row, steps, scale) for row in pictures], labels)


def reconstructions(
    sources: np.ndarray, decoded: np.ndarray, errors: Sequence[float] | None = None, scale: int | None = None
) -> Image.Image:
    """Return every source above what was decoded from its code, nine pairs in a row.

    Args:
        sources: uint8 `(N, H, W, 1|3)`, as the model got them.
        decoded: uint8 `(N, H, W, 1|3)`, of the same height and width.
        errors: mean squared error of each (0..255), written under it; None writes nothing.
        scale: enlargement; None takes `layout.scale_for`.
    """
    count, height, width, _ = sources.shape
    columns = min(count, RECONSTRUCTIONS_IN_A_ROW)
    lines = math.ceil(count / columns)
    scale = scale or scale_for(height, width, columns, 2 * lines)
    if sources.shape[-1] != decoded.shape[-1]:
        sources, decoded = to_rgb(sources), to_rgb(decoded)
    bands = []
    for start in range(0, count, columns):
        chosen = slice(start, start + columns)
        missing = columns - len(sources[chosen])
        pair = [_filled(pictures[chosen], missing) for pictures in (sources, decoded)]
        unit = "MSE " if width * scale >= ROOM_FOR_UNIT else ""
        captions = [f"{unit}{error:.0f}" for error in errors[chosen]] if errors is not None else []
        bands.append(captioned(grid(np.concatenate(pair), columns, scale), captions, width * scale))
    height = sum(band.height for band in bands)
    check_page(bands[0].width, height)
    page = Image.new(bands[0].mode, (bands[0].width, height), "white")
    top = 0
    for band in bands:
        page.paste(band, (0, top))
        top += band.height
    return page


def _filled(pictures: np.ndarray, missing: int) -> np.ndarray:
    """Return the pictures with `missing` white ones behind them."""
    return np.concatenate([pictures, np.full((missing, *pictures.shape[1:]), 255, np.uint8)])
