"""Where a face lies in a picture, and the square crop in which its eyes are always at the same places.

Geometry and resampling alone: who finds faces is in `finding`, what is drawn in their place in `blending`. All
coordinates are continuous: the middle of the first pixel is at 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer.faces import MARGIN

_APART = 0.42  # of the side of the box that a cascade draws around a face: how far the eyes are apart
_DOWN = 0.38  # and how far they are below its top; both measured on photos
_SHARP = 4  # input pixels to one of the output, up to which every input pixel is looked at

Point = tuple[float, float]


@dataclass(frozen=True)
class Face:
    """A face that was found, in pixels of its picture.

    Attributes:
        box: left, top, width and height.
        eyes: middles of both, the one further left in the picture first; None where they were not found.
    """

    box: tuple[float, float, float, float]
    eyes: tuple[Point, Point] | None = None


@dataclass(frozen=True)
class Alignment:
    """A square in a picture, turned as the face is: its first corner, and the way along its upper edge, in pixels."""

    left: float
    top: float
    right: float
    down: float

    @property
    def side(self) -> float:
        """Length of an edge, in pixels."""
        return math.hypot(self.right, self.down)

    @property
    def matrix(self) -> np.ndarray:
        """From places in the square, 0..1, to pixels of the picture, float64 `(2, 3)`."""
        return np.array([[self.right, -self.down, self.left], [self.down, self.right, self.top]])

    @property
    def inverse(self) -> np.ndarray:
        """From pixels of the picture to places in the square, float64 `(2, 3)`."""
        turn = np.array([[self.right, self.down], [-self.down, self.right]]) / self.side**2
        return np.column_stack((turn, -turn @ (self.left, self.top)))

    @property
    def corners(self) -> np.ndarray:
        """The four corners in pixels, float64 `(4, 2)`, clockwise from the first."""
        return np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) @ self.matrix[:, :2].T + self.matrix[:, 2]

    def crop(self, pixels: np.ndarray, size: int) -> np.ndarray:
        """Return what is in the square, uint8 `(size, size, C)`; beyond its edge a picture goes on as it ends."""
        return warped(pixels, self.matrix / (size, size, 1), (size, size))


def eyes_in_crop(margin: float = MARGIN) -> tuple[Point, Point]:
    """Return where the eyes lie in an aligned crop, as shares of its side."""
    whole = 1 + 2 * margin
    height = (_DOWN + margin) / whole
    return (0.5 - _APART / whole / 2, height), (0.5 + _APART / whole / 2, height)


def align(face: Face, margin: float = MARGIN) -> Alignment:
    """Return the square around a face: by its eyes, upright, or by its box where they are not known."""
    left, top, width, height = face.box
    if face.eyes is None:
        side = max(width, height) * (1 + 2 * margin)
        return Alignment(left + (width - side) / 2, top + (height - side) / 2, side, 0.0)
    (left_x, left_y), (right_x, right_y) = face.eyes
    (wanted, height), (other, _) = eyes_in_crop(margin)
    right, down = (right_x - left_x) / (other - wanted), (right_y - left_y) / (other - wanted)
    return Alignment(
        left_x - wanted * right + height * down, left_y - wanted * down - height * right, right, down
    )


def centre(width: int, height: int) -> Alignment:
    """Return the largest square in the middle of a picture."""
    side = float(min(width, height))
    return Alignment((width - side) / 2, (height - side) / 2, side, 0.0)


def warped(pixels: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a part of a picture, moved, turned and scaled: bicubic, and averaged over areas where it shrinks.

    Args:
        pixels: uint8 `(H, W, C)`, C 1 or 3.
        matrix: from pixels of the result to pixels of the picture, `(2, 3)`.
        size: width and height of the result.

    Returns:
        uint8 `(height, width, C)`; what lies outside of the picture is as its edge.
    """
    width, height = size
    ends = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ matrix.T
    (left, top), (right, bottom) = np.floor(ends.min(0)).astype(int) - 3, np.ceil(ends.max(0)).astype(int) + 3
    rows = np.arange(top, bottom).clip(0, len(pixels) - 1)
    columns = np.arange(left, right).clip(0, pixels.shape[1] - 1)
    part = pixels[rows[:, None], columns]
    image = Image.fromarray(part[..., 0] if part.shape[-1] == 1 else part)
    matrix = matrix - np.array([[0, 0, left], [0, 0, top]])
    scale = math.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if (coarser := int(scale / _SHARP)) > 1:
        image, matrix, scale = image.reduce(coarser), matrix / coarser, scale / coarser
    finer = max(1, math.ceil(scale - 1e-6))
    image = image.transform(
        (width * finer, height * finer),
        Image.Transform.AFFINE,
        (matrix / (finer, finer, 1)).ravel().tolist(),
        resample=Image.Resampling.BICUBIC,
    )
    result = np.asarray(image.reduce(finer) if finer > 1 else image)
    return result if result.ndim == 3 else result[..., None]
