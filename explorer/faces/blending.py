"""What is drawn in place of a face: laid back where the crop was taken, in the picture's colours, with soft edges.

Takes pixels and an alignment; knows no network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.faces import MARGIN
from explorer.faces.alignment import Alignment, warped

Mask = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From places in a crop, 0..1, to how much of the new face is seen there, 0..1."""

_FEATHER = 0.3  # share of the ellipse's radius in which a face fades
_EDGE = 0.08  # share of the crop's side in which everything fades
_MOST_CONTRAST = 1.5  # by which colours are spread at most, and drawn together


def face_mask(margin: float = MARGIN) -> Mask:
    """Return a soft ellipse over brows to chin, for a crop with that margin; at the crop's edges nothing is left."""
    whole = 1 + 2 * margin
    across, up, height = 0.48 / whole, 0.58 / whole, (0.54 + margin) / whole

    def mask(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        distance = np.hypot((x - 0.5) / across, (y - height) / up)
        to_edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
        return _smooth((1 - distance) / _FEATHER) * _smooth(to_edge / _EDGE)

    return mask


def square_mask(alignment: Alignment, width: int, height: int) -> Mask:
    """Return a mask of a whole crop, soft only at the sides where the picture of that size goes on beyond it."""
    left, top = alignment.left > 0.5, alignment.top > 0.5
    right, bottom = (
        alignment.left + alignment.side < width - 0.5,
        alignment.top + alignment.side < height - 0.5,
    )

    def mask(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        inside = ((x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)).astype(np.float64)
        for goes_on, distance in ((left, x), (right, 1 - x), (top, y), (bottom, 1 - y)):
            if goes_on:
                inside = inside * _smooth(distance / _EDGE)
        return inside

    return mask


def _smooth(share: np.ndarray) -> np.ndarray:
    """Return 0 below 0, 1 above 1, and a soft step between."""
    share = share.clip(0, 1)
    return share * share * (3 - 2 * share)


def pasted(pixels: np.ndarray, face: np.ndarray, alignment: Alignment, mask: Mask) -> np.ndarray:
    """Return a copy of a picture with a face laid where its crop was taken.

    Args:
        pixels: uint8 `(H, W, C)`.
        face: uint8 `(S, S, C)`.
        alignment: where.
        mask: how much of it is seen.
    """
    height, width = pixels.shape[:2]
    corners = alignment.corners
    left, top = np.floor(corners.min(0)).astype(int).clip(0, (width, height))
    right, bottom = np.ceil(corners.max(0)).astype(int).clip(0, (width, height))
    result = pixels.copy()
    if right <= left or bottom <= top:
        return result
    inverse = alignment.inverse + np.column_stack(
        (np.zeros((2, 2)), alignment.inverse[:, :2] @ (int(left), int(top)))
    )
    x, y = np.meshgrid(np.arange(right - left) + 0.5, np.arange(bottom - top) + 0.5)
    share = mask(*(row[0] * x + row[1] * y + row[2] for row in inverse))[..., None]  # (h, w, 1)
    drawn = warped(face, inverse * len(face), (int(right - left), int(bottom - top)))
    region = result[top:bottom, left:right]
    region[:] = np.rint(region * (1 - share) + drawn * share)
    return result


def recoloured(face: np.ndarray, like: np.ndarray, margin: float = MARGIN) -> np.ndarray:
    """Return a face in the colours of another: mean and spread of each channel of CIELAB within the face's mask.

    The method is that of Reinhard and others, "Color Transfer between Images" (2001), in CIELAB, and careful: contrast
    changes by a factor of 1.5 at most.

    Args:
        face, like: uint8 `(S, S, 3)`, of one size.
        margin: of both crops.
    """
    places = (np.arange(len(face)) + 0.5) / len(face)
    weights = face_mask(margin)(*np.meshgrid(places, places))[..., None]
    weights /= weights.sum()
    own, other = _to_lab(face), _to_lab(like)
    means = [(lab * weights).sum((0, 1)) for lab in (own, other)]
    spreads = [
        np.sqrt(((lab - mean) ** 2 * weights).sum((0, 1)))
        for lab, mean in zip((own, other), means, strict=True)
    ]
    factor = ((spreads[1] + 0.5) / (spreads[0] + 0.5)).clip(1 / _MOST_CONTRAST, _MOST_CONTRAST)
    return _from_lab((own - means[0]) * factor + means[1])


# sRGB (IEC 61966-2-1) to CIE XYZ relative to its white, D65
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_TO_XYZ = _TO_XYZ / _TO_XYZ.sum(1, keepdims=True)
_FROM_XYZ = np.linalg.inv(_TO_XYZ)
_STEP = 6 / 29


def _to_lab(pixels: np.ndarray) -> np.ndarray:
    """Return CIELAB of colours uint8 `(..., 3)`."""
    rgb = pixels / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > _STEP**3, np.cbrt(xyz), xyz / (3 * _STEP**2) + 4 / 29), -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1)


def _from_lab(lab: np.ndarray) -> np.ndarray:
    """Return colours uint8 `(..., 3)` of CIELAB."""
    y = (lab[..., 0] + 16) / 116
    root = np.stack((y + lab[..., 1] / 500, y, y - lab[..., 2] / 200), -1)
    linear = np.where(root > _STEP, root**3, 3 * _STEP**2 * (root - 4 / 29)) @ _FROM_XYZ.T
    linear = linear.clip(0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(rgb.clip(0, 1) * 255).astype(np.uint8)
