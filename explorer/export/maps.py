"""The map as a picture: points of a code book over the decoded background."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from explorer.export.layout import INK, PAPER, font_for, grid, to_rgb

# Paul Tol's "vibrant" and "muted" colours, which colour-blind people tell apart (SRON/EPS/TN/09-002).
CATEGORIES = (
    (0, 119, 187),
    (238, 119, 51),
    (0, 153, 136),
    (204, 51, 17),
    (51, 187, 238),
    (238, 51, 119),
    (51, 34, 136),
    (153, 153, 51),
    (136, 34, 85),
    (187, 187, 187),
)
RAMP = ((51, 34, 136), (0, 119, 187), (51, 187, 238), (0, 153, 136), (238, 119, 51))
UNKNOWN = (187, 187, 187)
_STRENGTH = 0.35  # of the background under the points
_SIDE = 800


def map_picture(
    background: np.ndarray | None,
    points: np.ndarray,
    extent: tuple[float, float, float, float],
    values: np.ndarray | None = None,
    title: str = "",
) -> Image.Image:
    """Return points over a decoded background.

    Args:
        background: uint8 `(n * n, H, W, 1|3)`, the n x n pictures of the map row by row, the highest row
            first; or None.
        points: `(N, 2)`, x to the right and y upwards.
        extent: left, right, bottom, top: the edges of the picture in the points' units.
        values: a label column, N numbers or texts, that colours the points; None colours all alike.
        title: written below with the legend, such as the column's name.
    """
    page = Image.new("RGB", (_SIDE, _SIDE), PAPER)
    if background is not None:
        tiles = grid(to_rgb(background), round(len(background) ** 0.5), 1)
        page = Image.blend(page, tiles.resize(page.size, Image.Resampling.BICUBIC), _STRENGTH)
    left, right, bottom, top = extent
    across = (points[:, 0] - left) / (right - left) * _SIDE
    down = (top - points[:, 1]) / (top - bottom) * _SIDE
    draw = ImageDraw.Draw(page)
    radius = 4 if len(points) < 3000 else 2
    colours, legend = _coloured(values, len(points))
    for x, y, colour in zip(across, down, colours, strict=True):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return _with_legend(page, legend, title)


def _coloured(
    values: np.ndarray | None, count: int
) -> tuple[list[tuple[int, int, int]], list[tuple[str, tuple[int, int, int]]]]:
    """Return a colour per point, and what each colour stands for."""
    if values is None or not len(values):
        return [CATEGORIES[0]] * count, []
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        if not known.any():
            return [UNKNOWN] * count, []
        edges = np.quantile(values[known], np.linspace(0, 1, len(RAMP) + 1)[1:-1])
        places = np.searchsorted(edges, values)
        legend = [(f"{values[known].min():.3g}", RAMP[0])]
        legend += [("", colour) for colour in RAMP[1:-1]]
        legend += [(f"{values[known].max():.3g}", RAMP[-1])]
        return [RAMP[place] if ok else UNKNOWN for place, ok in zip(places, known, strict=True)], legend
    names, counts = np.unique(values[values != ""], return_counts=True)
    common = [str(name) for name in names[np.argsort(-counts, kind="stable")][: len(CATEGORIES) - 1]]
    chosen = dict(zip(common, CATEGORIES, strict=False))
    return [chosen.get(str(value), UNKNOWN) for value in values], list(chosen.items())


def _with_legend(
    page: Image.Image, legend: list[tuple[str, tuple[int, int, int]]], title: str
) -> Image.Image:
    """Return the page with a line below that names the colours."""
    if not legend and not title:
        return page
    whole = Image.new("RGB", (page.width, page.height + 32), PAPER)
    whole.paste(page, (0, 0))
    draw = ImageDraw.Draw(whole)
    x, middle = 12.0, page.height + 16
    if title:
        draw.text((x, middle), title, fill=INK, font=font_for(title), anchor="lm")
        x += font_for(title).getlength(title) + 20
    for name, colour in legend:
        draw.ellipse((x, middle - 5, x + 10, middle + 5), fill=colour)
        draw.text((x + 15, middle), name, fill=INK, font=font_for(name), anchor="lm")
        x += (15 + font_for(name).getlength(name) if name else 10) + 10
    return whole
