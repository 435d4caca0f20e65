"""Laying pictures side by side: whole-number enlargement, grids, rows with labels."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.errors import UsageError

COMFORTABLE = 128  # pixels; smaller pictures are enlarged until their shorter side reaches this
LARGEST = 16_384  # pixels a side; an automatic scale stays below this
MOST_PIXELS = 400_000_000  # of a whole page; more than that fits neither memory nor any viewer
PAPER = (255, 255, 255)
INK = (28, 34, 48)
_TEXT = 14
_MARGIN = 8
# Pillow's own font draws Latin text; names in other scripts need one of the system's.
_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSans-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "wqy-zenhei.ttc",
    "DejaVuSans.ttf",
    "PingFang.ttc",
    "msyh.ttc",
)


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
            "million; ask for fewer pictures or a smaller --scale."
        )


def enlarge(pictures: np.ndarray, scale: int) -> np.ndarray:
    """Repeat every pixel of pictures `(N, H, W, C)` `scale` times each way."""
    return pictures.repeat(scale, axis=1).repeat(scale, axis=2)


def to_rgb(pictures: np.ndarray) -> np.ndarray:
    """Return pictures `(..., 1|3)` as `(..., 3)`, grey in all three channels."""
    return np.broadcast_to(pictures, (*pictures.shape[:-1], 3)) if pictures.shape[-1] == 1 else pictures


def to_image(picture: np.ndarray) -> Image.Image:
    """Return one picture, uint8 `(H, W, 1|3)`, as a Pillow image of mode L or RGB."""
    return Image.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[-1] == 1 else picture))


def grid(pictures: np.ndarray, columns: int, scale: int | None = None) -> Image.Image:
    """Lay pictures in rows of `columns`, without gaps; an unfinished row ends in white.

    Args:
        pictures: uint8 `(N, H, W, 1|3)`, N of at least 1.
        columns: pictures in a row.
        scale: enlargement; None takes `scale_for`.

    Returns:
        mode L for grey pictures, else RGB; picture i has its corner at `(i % columns, i // columns)` cells.

    Raises:
        UsageError: it would have more than `MOST_PIXELS`.
    """
    count, height, width, channels = pictures.shape
    rows = math.ceil(count / columns)
    scale = scale or scale_for(height, width, columns, rows)
    check_page(columns * width * scale, rows * height * scale)
    cells = np.full((rows * columns, height, width, channels), 255, np.uint8)
    cells[:count] = pictures
    table = cells.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    whole = table.reshape(1, rows * height, columns * width, channels)
    return to_image(enlarge(whole, scale)[0])


def labelled_rows(rows: Sequence[Image.Image], labels: Sequence[str]) -> Image.Image:
    """Stack pictures with a label to the left of each, on white; no label at all leaves no margin.

    Args:
        rows: pictures of one size.
        labels: one a row.

    Raises:
        UsageError: the page would have more than `MOST_PIXELS`.
    """
    margin = max((text_size(label)[0] for label in labels), default=0)
    margin = margin + 2 * _MARGIN if margin else 0
    height = max(rows[0].height, text_size("Ag")[1] if margin else 0)
    check_page(margin + rows[0].width, height * len(rows))
    page = Image.new("RGB", (margin + rows[0].width, height * len(rows)), PAPER)
    draw = ImageDraw.Draw(page)
    for index, (row, label) in enumerate(zip(rows, labels, strict=True)):
        page.paste(row, (margin, index * height + (height - row.height) // 2))
        draw.text(
            (margin - _MARGIN, index * height + height / 2),
            label,
            fill=INK,
            font=font_for(label),
            anchor="rm",
        )
    return page


def captioned(pictures: Image.Image, captions: Sequence[str], cell: int) -> Image.Image:
    """Put one caption under each column, `cell` pixels wide; those that do not fit make the page no wider."""
    if not any(captions):
        return pictures
    height = text_size("Ag")[1] + _MARGIN
    page = Image.new("RGB", (pictures.width, pictures.height + height), PAPER)
    page.paste(pictures, (0, 0))
    draw = ImageDraw.Draw(page)
    for index, caption in enumerate(captions):
        place = (index * cell + cell / 2, pictures.height + height / 2)
        draw.text(place, caption, fill=INK, font=font_for(caption), anchor="mm")
    return page


def text_size(text: str) -> tuple[int, int]:
    """Return width and height of a line of text, pixels."""
    font = font_for(text)
    ascent, descent = font.getmetrics() if isinstance(font, ImageFont.FreeTypeFont) else (_TEXT, 0)
    return math.ceil(font.getlength(text)), ascent + descent


def font_for(text: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return a font that has the letters of `text`, as far as the system has one."""
    return _font(all(ord(letter) < 0x250 for letter in text))


@functools.cache
def _font(latin: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if not latin:
        for name in _WIDE_FONTS:
            try:
                return ImageFont.truetype(name, _TEXT)
            except OSError:
                continue
    return ImageFont.load_default(_TEXT)
