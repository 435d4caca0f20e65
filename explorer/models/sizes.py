"""Sizes of a network read from the shapes of its tensors, for the families' `recognise`.

A size is said by several tensors (a weight, its bias, the next layer's weight). What most of them say is
taken, so that one tensor that is missing or of another shape does not hide what the network is, and can be
named.
"""

import math
from collections import Counter

from explorer.models import Shapes


def most_said(shapes: Shapes, *places: tuple[str, int, int]) -> int | None:
    """Return the size that most tensors say, or None where none says any.

    Args:
        shapes: of the state dict.
        places: where it is said: key, number of dimensions the tensor must have, and which of them is the
            size.
    """
    said = Counter(
        shapes[key][axis] for key, dimensions, axis in places if len(shapes.get(key, ())) == dimensions
    )
    return said.most_common(1)[0][0] if said else None


def flat_picture(pixels: int) -> tuple[int, int, int]:
    """Return channels, height and width of the square picture, grey or in colour, that a row of values is.

    A row that is no square comes back as one line, `(1, 1, pixels)`: then only a hint can say its shape.
    """
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if channels * side * side == pixels:
            return channels, side, side
    return 1, 1, pixels
