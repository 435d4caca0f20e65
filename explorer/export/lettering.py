"""Texts on a page: fonts, sizes, colours that can be read, lines that are not too long."""

from __future__ import annotations

import functools
import math

from PIL import ImageDraw, ImageFont

Colour = tuple[int, int, int]

PAPER = (255, 255, 255)
INK = (28, 34, 48)
CHALK = (236, 239, 244)
MINUS = "\N{MINUS SIGN}"
_TEXT = 14
_WIDEST = 320  # pixels of a label; the rest of a longer one is left out
_NOTE = 260  # pixels of a line of the note below it
_NOTE_LINES = 3
# Pillow's own font draws English text; other letters need one of the system's.
_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSans-Regular.ttf",
    "DroidSansFallbackFull.ttf",
    "wqy-zenhei.ttc",
    "DejaVuSans.ttf",
    "PingFang.ttc",
    "msyh.ttc",
)


def colour_of(text: str) -> Colour:
    """Return `#rrggbb` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def ink_on(paper: Colour) -> Colour:
    """Return the colour of texts that can be read on `paper`: dark or light, by contrast (WCAG 2.1)."""
    dark, light = (_contrast(ink, paper) for ink in (INK, CHALK))
    return INK if dark >= light else CHALK


def quiet_on(paper: Colour) -> Colour:
    """Return the colour of texts on `paper` that stand back."""
    red, green, blue = (round(0.62 * a + 0.38 * b) for a, b in zip(ink_on(paper), paper, strict=True))
    return red, green, blue


def _contrast(one: Colour, other: Colour) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lines_of(label: str) -> list[str]:
    """Return the lines of a label: its title, and what follows the first line break in up to three lines."""
    title, _, note = label.partition("\n")
    return [line for line in (shortened(title, _WIDEST), *_wrapped(note)) if line]


def _wrapped(note: str) -> list[str]:
    """Return a note in lines of whole words, the last with dots where something was left out."""
    lines, words = [""], note.split()
    for number, word in enumerate(words):
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and text_size(longer)[0] > _NOTE:
            if len(lines) == _NOTE_LINES:
                lines[-1] = shortened(" ".join([lines[-1], *words[number : number + 20]]), _NOTE)
                break
            lines.append("")
            longer = word
        lines[-1] = shortened(longer, _NOTE)
    return lines


def block_size(label: str) -> tuple[int, int]:
    """Return width and height of a label, all lines of it, pixels."""
    sizes = [text_size(line) for line in lines_of(label)]
    return max((width for width, _ in sizes), default=0), sum(height for _, height in sizes)


def shortened(text: str, width: int) -> str:
    """Return text as one line no wider than `width` pixels, with dots where something was left out."""
    text = " ".join(text.split())
    if text_size(text)[0] <= width:
        return text
    text = text[: max(1, width)]  # no letter is narrower than a pixel
    while text and text_size(text + "...")[0] > width:
        text = text[:-1]
    return text.rstrip() + "..." if text else ""


def text_size(text: str) -> tuple[int, int]:
    """Return width and height of a line of text, pixels."""
    font = font_for(text)
    ascent, descent = font.getmetrics() if isinstance(font, ImageFont.FreeTypeFont) else (_TEXT, 0)
    return math.ceil(font.getlength(_measurable(text))), ascent + descent


def write(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, fill: Colour, anchor: str = "lm"
) -> None:
    """Write a line of text.

    Args:
        draw: on this.
        place: its left end, middle or right end, at half its height.
        text: a minus sign in it, which Pillow's own font lacks, becomes the bar of that font's plus.
        fill: colour.
        anchor: Pillow's name of what `place` is: `lm`, `mm` or `rm`.
    """
    font = font_for(text)
    if MINUS not in text or font is not _font(True):
        draw.text(place, text, fill=fill, font=font, anchor=anchor)
        return
    x, y = place
    x -= font.getlength(_measurable(text)) * {"l": 0, "m": 0.5, "r": 1}[anchor[0]]
    left, top, right, bottom = font.getbbox("+", anchor="lm")  # type: ignore[call-arg]
    bar = math.floor(y + (top + bottom) / 2)
    for number, part in enumerate(text.split(MINUS)):
        if number:
            draw.line((round(x + left) + 1, bar, round(x + right) - 2, bar), fill=fill)
            x += font.getlength("+")
        draw.text((x, y), part, fill=fill, font=font, anchor="lm")
        x += font.getlength(part)


def signed(value: float, form: str = ".3g") -> str:
    """Return a number with its sign, zero without one; a number and its opposite have the same digits."""
    text = format(
        abs(value) * (1 + 1e-6), form
    )  # halves go outwards on both sides, whatever their last bit is
    if not float(text):
        return "0"
    return f"{'+' if value > 0 else MINUS}{text}"


def _measurable(text: str) -> str:
    """Return a text of the same length whose letters the font has."""
    return text.replace(MINUS, "+") if font_for(text) is _font(True) else text


def font_for(text: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return a font that has the letters of `text`, as far as the system has one."""
    return _font(all(letter == MINUS or _is_own(letter) for letter in text))


@functools.cache
def _is_own(letter: str) -> bool:
    """Return whether Pillow's own font has a letter; it draws all others alike."""
    own = _font(True)
    return letter == " " or bytes(own.getmask(letter)) != bytes(own.getmask("\N{REPLACEMENT CHARACTER}"))


@functools.cache
def _font(own: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if not own:
        for name in _WIDE_FONTS:
            try:
                return ImageFont.truetype(name, _TEXT)
            except OSError:
                continue
    return ImageFont.load_default(_TEXT)
