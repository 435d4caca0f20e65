"""The map as a picture: points of a code book over the decoded background."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from explorer.export.layout import check_page, lay
from explorer.export.lettering import (
    INK,
    MINUS,
    PAPER,
    Colour,
    colour_of,
    ink_on,
    shortened,
    text_size,
    write,
)
from explorer.export.recipe import PLAIN, Style

Legend = list[tuple[str, Colour]]

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
_LEGEND = 32  # pixels, the height of its line


def column_of(values: Sequence[float | str | None] | np.ndarray) -> np.ndarray:
    """Return a label column as float32 numbers, or as texts where it has any."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fU":
        return values
    if any(isinstance(value, str) for value in values):
        return np.array(["" if value is None else str(value) for value in values], np.str_)
    return np.array([math.nan if value is None else value for value in values], np.float32)


def map_picture(
    background: np.ndarray | None,
    points: np.ndarray,
    extent: tuple[float, float, float, float],
    values: np.ndarray | None = None,
    title: str = "",
    *,
    marker: Sequence[float] | np.ndarray | None = None,
    style: Style = PLAIN,
    shows_legend: bool = True,
) -> Image.Image:
    """Return points over a decoded background, 800 pixels a side times the style's scale.

    Args:
        background: uint8 `(n * n, H, W, 1|3)`, the n x n pictures of the map row by row, the highest row
            first; or None.
        points: `(N, 2)`, x to the right and y upwards.
        extent: left, right, bottom, top: the edges of the picture in the points' units.
        values: a label column, N numbers or texts, that colours the points; None colours all alike.
        title: written below with the legend, such as the column's name.
        marker: x and y of "you are here"; None is nowhere.
        style: its gap and captions have no meaning here.
        shows_legend: whether a line below names the colours.
    """
    scale = style.scale or 1
    side = _SIDE * scale
    legend_height = _LEGEND if shows_legend else 0
    check_page(side + 2 * style.margin, side + 2 * style.margin + legend_height)
    paper = colour_of(style.background)
    ground = Image.new("RGB", (side, side), paper)
    if background is not None:
        ground = Image.blend(
            ground, _tiled(background).resize(ground.size, Image.Resampling.BICUBIC), _STRENGTH
        )
    colours, legend = _coloured(values, len(points))
    radius = (4 if len(points) < 3000 else 2) * scale
    _draw_points(ground, _places(points, extent, side), colours, radius)
    if marker is not None:
        _draw_marker(ground, _places(np.asarray(marker)[None], extent, side), scale)
    return _on_page(ground, legend if shows_legend else [], title if shows_legend else "", style)


def _places(points: np.ndarray, extent: tuple[float, float, float, float], side: int) -> np.ndarray:
    """Return where points `(N, 2)` are on the picture, pixels `(N, 2)` from its left upper corner."""
    left, right, bottom, top = extent
    with np.errstate(over="ignore"):  # so far away is out of sight
        across = (points[:, 0] - left) / (right - left) * side
        down = (top - points[:, 1]) / (top - bottom) * side
    return np.stack([across, down], axis=1)


def _draw_points(ground: Image.Image, places: np.ndarray, colours: Sequence[Colour], radius: int) -> None:
    """Draw the points that can be seen; others may lie farther away than Pillow's whole numbers reach."""
    draw = ImageDraw.Draw(ground)
    seen = ((places > -2 * radius) & (places < ground.width + 2 * radius)).all(axis=1)
    for index in map(int, np.flatnonzero(seen)):
        x, y = places[index]
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colours[index])


def _draw_marker(ground: Image.Image, places: np.ndarray, scale: int) -> None:
    """Draw "you are here": a dark ring within a light one."""
    draw = ImageDraw.Draw(ground)
    for x, y in places[(np.abs(places) < 2 * ground.width).all(axis=1)]:
        for radius, colour, width in ((9 * scale, PAPER, 5), (8 * scale, INK, 2)):
            draw.ellipse(
                (x - radius, y - radius, x + radius, y + radius), outline=colour, width=width * scale
            )


def _tiled(pictures: np.ndarray) -> Image.Image:
    """Return n x n pictures as one, in colours."""
    side = round(len(pictures) ** 0.5)
    return lay(pictures, side, Style(scale=1)).convert("RGB")


def _coloured(values: np.ndarray | None, count: int) -> tuple[list[Colour], Legend]:
    """Return a colour per point, and what each colour stands for."""
    if values is None or not len(values):
        return [CATEGORIES[0]] * count, []
    if values.dtype.kind == "f":
        known = np.isfinite(values)
        if not known.any():
            return [UNKNOWN] * count, []
        edges = np.quantile(values[known], np.linspace(0, 1, len(RAMP) + 1)[1:-1])
        places = np.searchsorted(edges, values)
        legend = [(f"{values[known].min():.3g}".replace("-", MINUS), RAMP[0])]
        legend += [("", colour) for colour in RAMP[1:-1]]
        legend += [(f"{values[known].max():.3g}".replace("-", MINUS), RAMP[-1])]
        return [RAMP[place] if ok else UNKNOWN for place, ok in zip(places, known, strict=True)], legend
    names, counts = np.unique(values[values != ""], return_counts=True)
    common = [str(name) for name in names[np.argsort(-counts, kind="stable")][: len(CATEGORIES) - 1]]
    chosen = dict(zip(common, CATEGORIES, strict=False))
    return [chosen.get(str(value), UNKNOWN) for value in values], list(chosen.items())


def _on_page(ground: Image.Image, legend: Legend, title: str, style: Style) -> Image.Image:
    """Return the map within its margin, with a line below that names the colours."""
    below = _LEGEND if legend or title else 0
    if not below and not style.margin:
        return ground
    paper, margin = colour_of(style.background), style.margin
    whole = Image.new("RGB", (ground.width + 2 * margin, ground.height + 2 * margin + below), paper)
    whole.paste(ground, (margin, margin))
    draw, ink = ImageDraw.Draw(whole), ink_on(paper)
    x, middle = margin + 12.0, margin + ground.height + _LEGEND / 2
    if title:
        title = shortened(title, ground.width // 2)
        write(draw, (x, middle), title, ink)
        x += text_size(title)[0] + 20
    for name, colour in legend:
        draw.ellipse((x, middle - 5, x + 10, middle + 5), fill=colour)
        name = shortened(name, ground.width // 4)
        write(draw, (x + 15, middle), name, ink)
        x += (15 + text_size(name)[0] if name else 10) + 10
    return whole
