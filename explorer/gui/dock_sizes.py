"""How large the window and its docks are at the first start: plain numbers from the room there is.

Where the docks are, and what becomes of sizes that a person gave them, is `docks`'.
"""

from __future__ import annotations

from PySide6.QtCore import QSize

USUAL = QSize(1280, 800)
FRAME = 40  # px; what a system may put over a window before it tells how high that is
SIDES = {"latent": 340, "map": 360}  # px wide, in a window of the usual size
GROWTH = {"latent": 0.08, "map": 0.25}  # of what a window is wider than usual
SHRINKAGE = {
    "latent": 0.1,
    "map": 0.4,
}  # of what it is narrower, so that the picture stays larger than the map
LARGEST = {"latent": 420, "map": 560}
SMALLEST = {"latent": 260, "map": 200}
SIDES_SHARE = 0.55  # of the window's width at most, in a narrow window; the rest is the picture's
STRIP = (112, 143, 180)  # px high: in a low window, in one of the usual size, in a high one
STRIP_GROWTH = 0.2  # of what a window is higher or lower than usual
HISTORY = 61
LOW = 740  # px; in less room the history waits behind the strip
NARROW = 900  # px; in room that is narrower too, the map waits behind the sliders


def first_size(free: QSize) -> QSize:
    """Return the size of the first window, without its frame, where so much of the screen is free."""
    return USUAL.boundedTo(QSize(free.width(), free.height() - FRAME))


def is_low(room: QSize) -> bool:
    """Return whether history and strip share a place."""
    return room.height() < LOW


def is_small(room: QSize) -> bool:
    """Return whether map and sliders share one, too."""
    return is_low(room) and room.width() < NARROW


def side_widths(window: QSize) -> dict[str, int]:
    """Return how wide the docks at the sides of a window are: a map is square, so it makes use of more."""
    more = window.width() - USUAL.width()
    share = GROWTH if more > 0 else SHRINKAGE
    return {
        name: min(max(round(width + share[name] * more), SMALLEST[name]), LARGEST[name])
        for name, width in SIDES.items()
    }


def strip_height(window: QSize) -> int:
    """Return how high the strip of a window is."""
    low, usual, high = STRIP
    return min(max(round(usual + STRIP_GROWTH * (window.height() - USUAL.height())), low), high)
