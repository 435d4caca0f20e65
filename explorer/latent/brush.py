"""A brush on a map: which of its places a stroke over the picture touches, and how two maps are mixed there.

Weights are float32 `(h, w)` in 0..1, one a place of the map; strokes are given in pixels of the picture, x to the right
and y down, (0, 0) the upper left corner. Arrays in and out, and no window.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

_SAMPLES = 4  # each way within a place of the map: a brush may be smaller than that is
_STEP = 0.25  # of the radius, between two dabs of a stroke


def dab(
    grid: tuple[int, int],
    picture: tuple[int, int],
    at: tuple[float, float],
    radius: float,
    strength: float = 1.0,
    softness: float = 1.0,
) -> np.ndarray:
    """Return the weights of one round dab.

    Args:
        grid: height and width of the map.
        picture: height and width of the picture, in pixels.
        at: x and y of its middle, in pixels.
        radius: where it ends, in pixels.
        strength: its weight in the middle, 0..1.
        softness: which share of the radius it takes to fade out, as half a cosine; 0 is a disc with a hard rim.
    """
    weights = np.zeros(grid, np.float32)
    (first, ys), (left, xs) = (
        _near(places, pixels, middle, radius)
        for places, pixels, middle in zip(grid, picture, (at[1], at[0]), strict=True)
    )
    away = np.hypot(ys[:, None], xs[None, :]) / max(radius, 1e-6)
    if softness > 0:
        fading = np.clip((1 - away) / min(softness, 1.0), 0, 1)
        fine = 0.5 - 0.5 * np.cos(math.pi * fading)
    else:
        fine = (away <= 1).astype(np.float64)
    rows, columns = len(ys) // _SAMPLES, len(xs) // _SAMPLES
    near = fine.reshape(rows, _SAMPLES, columns, _SAMPLES).mean(axis=(1, 3))
    weights[first : first + rows, left : left + columns] = np.clip(strength, 0, 1) * near
    return weights


def _near(places: int, pixels: int, middle: float, radius: float) -> tuple[int, np.ndarray]:
    """Return the first place that a dab reaches, and how far parts of it and of the others are from its middle.

    A place has `_SAMPLES` parts; distances are in pixels. One place is always among them.
    """
    wide = pixels / places
    first = min(max(math.floor((middle - radius) / wide), 0), places - 1)
    stop = min(max(math.ceil((middle + radius) / wide), first + 1), places)
    parts = np.arange(first * _SAMPLES, stop * _SAMPLES)
    return first, (parts + 0.5) * (wide / _SAMPLES) - middle


def stroke(
    grid: tuple[int, int],
    picture: tuple[int, int],
    points: Sequence[tuple[float, float]],
    radius: float,
    strength: float = 1.0,
    softness: float = 1.0,
) -> np.ndarray:
    """Return the weights of a stroke through points; where it crosses itself it is not stronger.

    Args:
        grid, picture, radius, strength, softness: as `dab` takes them.
        points: x and y of each, in pixels, at least one.
    """
    weights = np.zeros(grid, np.float32)
    for at in _along(points, max(_STEP * radius, 0.5)):
        np.maximum(weights, dab(grid, picture, at, radius, strength, softness), out=weights)
    return weights


def _along(points: Sequence[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """Return points no further than a step apart on the way through these."""
    found = [points[0]]
    for (x, y), (to_x, to_y) in pairwise(points):
        parts = max(1, math.ceil(math.hypot(to_x - x, to_y - y) / step))
        found += [
            (x + (to_x - x) * part / parts, y + (to_y - y) * part / parts) for part in range(1, parts + 1)
        ]
    return found


def blend(code: np.ndarray, other: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return a map that is `other` where the mask is 1, `code` where it is 0, and between them else.

    Args:
        code, other: float `(C, h, w)`, or flat; the shape of `code` comes back, as float32.
        mask: `(h, w)`, in 0..1.
    """
    code, other = np.asarray(code, np.float32), np.asarray(other, np.float32)
    weights = np.asarray(mask, np.float32)
    maps = code.reshape(-1, *weights.shape)
    mixed = maps + weights.clip(0, 1) * (other.reshape(maps.shape) - maps)
    return mixed.astype(np.float32).reshape(code.shape)
