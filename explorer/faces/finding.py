"""Finds faces and their eyes in photographs, with the cascades that come with OpenCV (the extra `faces`).

Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features" (2001). They were trained on
photographs of people: drawn faces are rarely found.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, Protocol

import numpy as np

from explorer.errors import UsageError
from explorer.faces.alignment import Face, Point

_LONGEST = 1024  # pixels of a picture's longer side in which faces are looked for
_LONGEST_TURNED = 2048  # of one that is turned for it, so that it stays small
_SMALLEST = 24  # pixels of a face that the cascade knows
_SHARE = 1 / 16  # of a picture's shorter side, below which a face is no subject of it
_FACE_SIDE = 160  # pixels of a face in which eyes are looked for
_UPPER = 0.6  # of a face, where its eyes are
_STEEPEST = math.radians(35)
_APART = (0.22, 0.65)  # of a face's width: how far its eyes may be from each other
_LEANING = (-25, 25)  # degrees by which a picture is turned where no face is upright
_OVERLAP = 0.3  # of the area that two boxes cover: they are one face


class Finder(Protocol):
    """Whoever finds faces."""

    def find(self, pixels: np.ndarray) -> list[Face]:
        """Return the faces in a picture, uint8 `(H, W, 3)`, the largest first."""


def cascades() -> Finder:
    """Return the finder of photographed faces.

    Raises:
        UsageError: the extra is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise UsageError(
            'Faces are found by OpenCV, which is not installed; run: pip install "latent-explorer[faces]", or take '
            "pictures as they are with --centre (prepare) or --whole (swap)."
        ) from error
    if not hasattr(cv2, "CascadeClassifier"):
        raise UsageError(
            f"OpenCV {cv2.__version__} has no cascades to find faces with; run: "
            'pip install "opencv-python-headless>=4.10,<5".'
        )
    return _Cascades(cv2)


class _Cascades:
    """The frontal-face cascade, and the eye cascade in what it found."""

    def __init__(self, cv2: Any) -> None:
        self._cv2 = cv2
        folder = cv2.data.haarcascades
        self._faces = cv2.CascadeClassifier(f"{folder}haarcascade_frontalface_alt2.xml")
        self._eyes = cv2.CascadeClassifier(f"{folder}haarcascade_eye.xml")

    def find(self, pixels: np.ndarray) -> list[Face]:
        """Return the faces in a picture, uint8 `(H, W, 3)`, the largest first; leaning ones where none is upright."""
        grey = self._cv2.cvtColor(np.ascontiguousarray(pixels), self._cv2.COLOR_RGB2GRAY)
        found = self._upright(grey)
        if not any(face.eyes for face, _ in found):
            found += self._leaning(grey)
        return _apart(found)

    def _upright(self, grey: np.ndarray) -> list[tuple[Face, float]]:
        """Return the upright faces in a grey picture `(H, W)`, and how sure each is."""
        scale = min(1.0, _LONGEST / max(grey.shape))
        small = self._scaled(grey, scale)
        least = int(max(_SMALLEST, min(small.shape) * _SHARE))
        found = []
        for box, weight in self._boxes(self._faces, small, least, neighbours=5):
            left, top, width, height = (side / scale for side in box)
            found.append((Face((left, top, width, height), self._eyes_in(grey, left, top, width)), weight))
        return found

    def _leaning(self, grey: np.ndarray) -> list[tuple[Face, float]]:
        """Return the faces that lean to a side; only with eyes, for the cascade errs the more often it is asked."""
        scale = min(1.0, _LONGEST_TURNED / max(grey.shape))
        small, found = self._scaled(grey, scale), []
        for angle in _LEANING:
            turn, size = _turn(angle, *small.shape)
            turned = self._upright(self._cv2.warpAffine(small, turn, size))
            found += [(_turned_back(face, turn, scale), weight) for face, weight in turned if face.eyes]
        return found

    def _boxes(
        self, cascade: Any, grey: np.ndarray, least: int, neighbours: int
    ) -> list[tuple[tuple[int, ...], float]]:
        """Return boxes (left, top, width, height), and how sure each is."""
        if min(grey.shape) < least:
            return []
        boxes, _, weights = cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=neighbours, minSize=(least, least), outputRejectLevels=True
        )
        return [
            (tuple(map(int, box)), float(weight))
            for box, weight in zip(boxes, np.ravel(weights), strict=True)
        ]

    def _eyes_in(self, grey: np.ndarray, left: float, top: float, width: float) -> tuple[Point, Point] | None:
        """Return the middles of the surest pair of eyes in the upper part of a face."""
        x, y = max(int(left), 0), max(int(top), 0)
        upper = grey[y : y + int(width * _UPPER), x : x + int(width)]
        scale = _FACE_SIDE / width
        eyes = self._boxes(self._eyes, self._scaled(upper, scale), _FACE_SIDE // 8, neighbours=3)
        middles = [
            ((x + (box[0] + box[2] / 2) / scale, y + (box[1] + box[3] / 2) / scale), weight)
            for box, weight in eyes
        ]
        pairs = [
            (one_weight + other_weight, min(one, other), max(one, other))
            for (one, one_weight), (other, other_weight) in itertools.combinations(middles, 2)
        ]
        fitting = [pair for pair in pairs if _is_pair(*pair[1:], left + width / 2, width)]
        return max(fitting)[1:] if fitting else None

    def _scaled(self, grey: np.ndarray, scale: float) -> np.ndarray:
        if scale == 1 or not grey.size:
            return grey
        size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        how = self._cv2.INTER_AREA if scale < 1 else self._cv2.INTER_LINEAR
        return self._cv2.resize(grey, size, interpolation=how)


def _turn(angle: float, height: int, width: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Return what turns a picture and moves it into view, `(2, 3)` from old places to new, and its width and height."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = np.array([[cos, -sin], [sin, cos]])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ turn.T
    across, down = np.ceil(np.ptp(corners, axis=0)).astype(int).tolist()
    return np.column_stack((turn, -corners.min(0))), (across, down)


def _turned_back(face: Face, turn: np.ndarray, scale: float) -> Face:
    """Return a face of a picture that was scaled, then turned, as it lies in the picture; its box stays upright."""
    back = turn[:, :2].T / scale

    def place(point: Point) -> Point:
        x, y = back @ (np.array(point) - turn[:, 2])
        return float(x), float(y)

    left, top, width, height = face.box
    x, y = place((left + width / 2, top + height / 2))
    width, height = width / scale, height / scale
    eyes = tuple(map(place, face.eyes or ()))
    return Face((x - width / 2, y - height / 2, width, height), eyes or None)  # type: ignore[arg-type]


def _is_pair(one: Point, other: Point, middle: float, width: float) -> bool:
    """Return whether two eyes are on both sides of a face, about as high, and as far apart as eyes are."""
    across, down = other[0] - one[0], other[1] - one[1]
    return (
        one[0] < middle < other[0]
        and abs(math.atan2(down, across)) < _STEEPEST
        and _APART[0] * width < math.hypot(across, down) < _APART[1] * width
    )


def _apart(found: list[tuple[Face, float]]) -> list[Face]:
    """Return the faces without those that cover a surer one, the largest first."""
    kept: list[Face] = []
    for face, _ in sorted(found, key=lambda entry: (entry[0].eyes is not None, entry[1]), reverse=True):
        if all(overlap(face, other) < _OVERLAP for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: face.box[2], reverse=True)


def overlap(one: Face, other: Face) -> float:
    """Return the share of the area under two boxes that both cover."""
    (x, y, width, height), (other_x, other_y, other_width, other_height) = one.box, other.box
    across = min(x + width, other_x + other_width) - max(x, other_x)
    down = min(y + height, other_y + other_height) - max(y, other_y)
    both = max(across, 0.0) * max(down, 0.0)
    return both / (width * height + other_width * other_height - both)
