"""What made an exported picture: plain values that ride in the file and are enough to make it again.

A recipe names its checkpoint and stages by name and hash, never by path, so a picture that is passed on tells
nothing of its maker's computer. Making pictures of a recipe is `making`; finding it in a file is `reading`.

What `codes` and `settings` hold, by kind (`D` dimensions; numbers are exact, a float32 survives JSON):

    kind             codes                settings
    picture          (1, D)               -
    strip            (2, D), the ends     steps (both ends included), path, ends ("source" or "decoded"), film (bool);
                                          of a film also milliseconds (of a frame, or null), back (bool: to and fro)
    sheet            (1, D), through it   steps, dims [R], center [R], reach [R]: row r shows dimension dims[r] at
                                          center[r] -+ reach[r]; range ("data": reach is 3 spreads, or "prior")
    manifold         (1, D), the rest     dims [i, j], across [values of i], down [values of j]
    samples          (N, D)               count, seed (at most `MOST_SEED`); where N would be too many, (0, D) and
                                          prior, and for the prior "none" center [D], spread [D] and
                                          perhaps floor [1], below which no code lies
    reconstructions  (N, D)               errors [N] or [], mean squared, 0..255
    map              (0, D)               origin [D], axes [[D], [D]], extent [left, right, bottom, top],
                                          tiles (a side, 0 for none), points [[x, y]...], marker [x, y] or null,
                                          column, values [numbers or texts] or null, and perhaps floor [1], below
                                          which no code of the background lies
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["picture", "strip", "sheet", "manifold", "samples", "reconstructions", "map"]
Precision = Literal["exact", "fast"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MARK = "latent-explorer"
"""By this a recipe is known: where it lies in a PNG's text, and the first word of its own text."""

SCHEMA = 1
MOST_NUMBERS = 1_000_000
"""A recipe carries no more numbers than this in its codes."""

MOST_SEED = 2**64 - 1

MOST_POINTS = 300_000
"""A recipe carries no more points of a map than this."""


@dataclass(frozen=True)
class Network:
    """A checkpoint as a recipe names it.

    Attributes:
        name: what it was called.
        sha256: of its file, None where it came from none.
        hints: all by which the file was read, as texts; None where nobody knows them.
    """

    name: str
    sha256: str | None = None
    hints: Mapping[str, str] | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Style:
    """How pictures are laid on a page.

    Attributes:
        scale: whole-number enlargement of every pixel; None takes what small pictures need.
        margin: pixels of background around everything.
        gap: pixels of background between two pictures.
        captions: names, values and errors beside the pictures; None does what is usual for the kind (sheets,
            reconstructions and maps have them, the others not).
        background: `#rrggbb`; texts on it are dark or light, whichever can be read.
    """

    scale: int | None = None
    margin: int = 0
    gap: int = 0
    captions: bool | None = None
    background: str = "#ffffff"


PLAIN = Style()


@dataclass(frozen=True, eq=False)
class Recipe:
    """Everything a page of pictures is made from.

    Attributes:
        kind: what it is.
        model: the generator.
        space: whose codes.
        codes: float32 `(N, D)`; see the table above.
        stages: that ran after the decoder, in their order.
        options: decode options that were given, by name; arrays as lists.
        settings: of the kind; see the table above.
        style: how it is laid out.
        labels: texts at the rows (sheet), the ends (strip: two), the axes (manifold: two) or the pictures, where
            `style` shows captions; what follows the first line of one is written quieter.
        sources: pictures that are shown beside decoded ones, uint8 `(H, W, 1|3)` each: the ends of a strip
            (two, None for an end without one), or what was reconstructed.
        precision: of the arithmetic that decoded the pictures; see `Renderer`.
    """

    kind: Kind
    model: Network
    space: str
    codes: np.ndarray
    stages: tuple[Network, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    style: Style = PLAIN
    labels: tuple[str, ...] = ()
    sources: tuple[np.ndarray | None, ...] = ()
    precision: Precision = "exact"
