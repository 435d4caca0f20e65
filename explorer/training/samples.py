"""Pictures that a run leaves to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from explorer.paths import replacing


def save_grid(path: Path, rows: np.ndarray, zoom: int = 3) -> None:
    """Write pictures `(rows, columns, H, W, C)` in 0..255 as one PNG, each pixel `zoom` times as large.

    Raises:
        OutputError: it could not be written.
    """
    down, across, height, width, channels = rows.shape
    shades = np.nan_to_num(rows).clip(0, 255).round().astype(np.uint8)
    sheet = shades.transpose(0, 2, 1, 3, 4).reshape(down * height, across * width, channels)
    picture = Image.fromarray(sheet[..., 0] if channels == 1 else sheet)
    picture = picture.resize((picture.width * zoom, picture.height * zoom), Image.Resampling.NEAREST)
    with replacing(path) as temporary:
        picture.save(temporary, "png")
