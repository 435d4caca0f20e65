"""Networks that give a picture as one flat row of values: what shape it may be."""

import math


def flat_picture(pixels: int) -> tuple[int, int, int]:
    """Return channels, height and width of the square picture, grey or in colour, that a row of values is.

    A row that is no square comes back as one line, `(1, 1, pixels)`: then only a hint can say its shape.
    """
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side * side == pixels:
            return channels, side, side
    return 1, 1, pixels
