"""Laying pictures on a page: whole-number enlargement, cells in rows, texts beside and below them.

What stands where on the page of a strip or a sheet is in `pages`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from explorer.data.wording import counted
from explorer.errors import UsageError
from explorer.export.lettering import (
    Colour,
    block_size,
    colour_of,
    ink_on,
    lines_of,
    quiet_on,
    shortened,
    text_size,
    write,
)
from explorer.export.recipe import Style

COMFORTABLE = 128  # pixels; smaller pictures are enlarged until their shorter side reaches this
LARGEST = 16_384  # pixels a side; an automatic scale stays below this
MOST_PIXELS = 400_000_000  # of a whole page or film; more than that fits neither memory nor any viewer
_MARGIN = 8


def scale_for(height: int, width: int, columns: int = 1, rows: int = 1) -> int:
    """Return the enlargement that makes a grid of small pictures pleasant to look at.

    The smallest whole number that brings the shorter side of a picture to 128 pixels: 5 for 30x30, 2 for
    64x64, 1 from 128x128 on; less where the whole grid would become longer than 16 384 pixels.
    """
    wanted = math.ceil(COMFORTABLE / max(1, min(height, width)))
    room = LARGEST // max(1, height * rows, width * columns)
    return max(1, min(wanted, room))


def check_page(width: int, height: int) -> None:
    """Refuse a page of more than `MOST_PIXELS` before memory is taken for it.

    Raises:
        UsageError: it would be larger.
    """
    if width * height > MOST_PIXELS:
        raise UsageError(
            f"The whole picture would have {width}x{height} pixels, more than {MOST_PIXELS // 1_000_000} "
            "million; ask for fewer pictures or a smaller scale."
        )


def check_all(count: int, width: int, height: int) -> None:
    """Refuse so many pictures of a size that all of them have more than `MOST_PIXELS`.

    Raises:
        UsageError: they would have more.
    """
    if count * width * height > MOST_PIXELS:
        raise UsageError(
            f"{counted(count, 'picture')} of {width}x{height} pixels would have more than "
            f"{MOST_PIXELS // 1_000_000} million in all; ask for fewer or smaller ones."
        )


def enlarge(pictures: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of pictures `(N, H, W, C)` `scale` times each way."""
    return pictures.repeat(scale, axis=1).repeat(scale, axis=2)


def to_image(picture: np.ndarray) -> Image.Image:
    """Return one picture, uint8 `(H, W, 1|3)`, as a Pillow image of mode L or RGB."""
    return Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[-1] == 1 else picture))


@dataclass(frozen=True)
class Texts:
    """What is written around the pictures of a page.

    Attributes:
        left: one label a row, what follows its first line quieter; empty leaves no room.
        below: captions of single cells under a row, by the row's number.
        foot: one line below everything.
    """

    left: Sequence[str] = ()
    below: Mapping[int, Sequence[str]] = field(default_factory=dict)
    foot: str = ""

    def __bool__(self) -> bool:
        return any(self.left) or any(map(any, self.below.values())) or bool(self.foot)


NO_TEXTS = Texts()


def lay(
    pictures: Sequence[np.ndarray | None] | np.ndarray,
    columns: int,
    style: Style,
    texts: Texts = NO_TEXTS,
    scale: int | None = None,
) -> Image.Image:
    """Lay pictures in rows of `columns` on a page.

    Args:
        pictures: uint8 `(H, W, 1|3)` each, of one height and width; background shows where one is None and
            at the end of an unfinished row. There is at least one.
        columns: pictures in a row.
        style: scale, margin, gap and background; what its `captions` means is up to the caller.
        texts: what is written around them.
        scale: used where the style has none; None takes `scale_for`.

    Returns:
        mode L where everything is grey and nothing is written, else RGB.

    Raises:
        UsageError: it would have more than `MOST_PIXELS`.
    """
    height, width = next(picture.shape[:2] for picture in pictures if picture is not None)
    coloured = any(picture.shape[-1] == 3 for picture in pictures if picture is not None)
    rows = math.ceil(len(pictures) / columns)
    scale = style.scale or scale or scale_for(height, width, columns, rows)
    places = _Places(style, texts, columns, rows, width * scale, height * scale)
    check_page(places.width, places.height)
    paper = colour_of(style.background)
    plain = not coloured and len(set(paper)) == 1 and not texts
    canvas = np.empty((places.height, places.width, 1 if plain else 3), np.uint8)
    canvas[:] = paper[:1] if plain else paper
    for index, picture in enumerate(pictures):
        if picture is None:
            continue
        left, top = places.left(index % columns), places.tops[index // columns]
        canvas[top : top + height * scale, left : left + width * scale] = enlarge(picture[None], scale)[0]
    page = to_image(canvas)
    if texts:
        _write(page, texts, places, paper)
    return page


class _Places:
    """Where the cells and texts of a page are, in pixels."""

    def __init__(self, style: Style, texts: Texts, columns: int, rows: int, wide: int, high: int) -> None:
        self.wide, self.step, self.margin = wide, wide + style.gap, style.margin
        widest = max((block_size(label)[0] for label in texts.left), default=0)
        self.labels = widest + 2 * _MARGIN if widest else 0
        line = text_size("Ag")[1]
        band = max([high, *(block_size(label)[1] for label in texts.left)]) if widest else high
        self.tops: list[int] = []  # of the pictures
        self.middles: list[float] = []  # of the rows
        self.captions: dict[int, float] = {}  # middles of the lines under rows
        y = style.margin
        for row in range(rows):
            self.tops.append(y + (band - high) // 2)
            self.middles.append(y + band / 2)
            y += band
            if any(texts.below.get(row, ())):
                self.captions[row] = y + (line + _MARGIN) / 2
                y += line + _MARGIN
            y += style.gap if row < rows - 1 else 0
        self.foot = y + (line + _MARGIN) / 2
        y += line + _MARGIN if texts.foot else 0
        inner = self.labels + columns * self.step - style.gap
        self.width, self.height = inner + 2 * style.margin, y + style.margin

    def left(self, column: int) -> int:
        """Return where the pictures of a column begin."""
        return self.margin + self.labels + column * self.step


def _write(page: Image.Image, texts: Texts, places: _Places, paper: Colour) -> None:
    """Write the texts onto a page of pictures."""
    draw = ImageDraw.Draw(page)
    ink, quiet = ink_on(paper), quiet_on(paper)
    right = places.left(0) - _MARGIN
    for label, middle in zip(texts.left, places.middles, strict=False):
        lines = lines_of(label)
        for number, line in enumerate(lines):
            y = middle + (number - (len(lines) - 1) / 2) * text_size(line)[1]
            write(draw, (right, y), line, quiet if number else ink, "rm")
    for row, middle in places.captions.items():
        for column, caption in enumerate(texts.below[row]):
            place = (places.left(column) + places.wide / 2, middle)
            write(draw, place, caption, ink, "mm")
    if texts.foot:
        foot = shortened(texts.foot, page.width - 2 * places.margin)
        x = places.left(0) + (page.width - places.margin - places.left(0)) / 2
        x = max(x, places.margin + text_size(foot)[0] / 2)
        write(draw, (x, places.foot), foot, quiet, "mm")


def fitting(captions: Sequence[str], step: int) -> list[str]:
    """Return captions of cells `step` pixels apart, so many left out between them that they do not touch."""
    widest = max((text_size(caption)[0] for caption in captions), default=0)
    stride = next((n for n in _divisors(len(captions) - 1) if n * step >= widest + _MARGIN), None)
    if stride is None:
        return [""] * len(captions)
    return [caption if index % stride == 0 else "" for index, caption in enumerate(captions)]


def _divisors(number: int) -> list[int]:
    """Return what divides `number` without a rest, ascending, so that first and last both stay."""
    return [n for n in range(1, number + 1) if number % n == 0] or [1]
