"""Planes in a latent space: what the map shows, and how a point on it becomes a code."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.models.base import Space

_FEW = 2000  # dimensions; with more, the Gram matrix of half as many codes is the smaller one
_MANY = 3000  # codes; more say nothing new about two axes


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane through a latent space.

    Attributes:
        origin: float32 `(D,)`, the code at (0, 0).
        axes: float32 `(2, D)`, orthonormal; in a 1-D space the second is 0.
        name: for people.
        floor: no code is below it (`Space.floor`), so that what the plane has there is lifted; None: there is none.
    """

    origin: np.ndarray
    axes: np.ndarray
    name: str
    floor: float | None = None

    def project(self, codes: np.ndarray) -> np.ndarray:
        """Return where codes `(N, D)` fall on the plane, float32 `(N, 2)`; one code `(D,)` gives `(2,)`."""
        return (np.asarray(codes, np.float32) - self.origin) @ self.axes.T

    def point(self, xy: np.ndarray) -> np.ndarray:
        """Return the codes on the plane at `xy (N, 2)` or `(2,)`, float32 `(N, D)` or `(D,)`."""
        codes = self.origin + np.asarray(xy, np.float32) @ self.axes
        return codes if self.floor is None else np.maximum(codes, np.float32(self.floor))

    def move(self, code: np.ndarray, xy: np.ndarray) -> np.ndarray:
        """Return `code (D,)` with its part within the plane moved to `xy (2,)`; the rest stays.

        No number goes below the floor, or further below where it was already.
        """
        code = np.asarray(code, np.float32)
        moved = code + (np.asarray(xy, np.float32) - self.project(code)) @ self.axes
        if self.floor is None:
            return moved
        return np.maximum(moved, np.minimum(code, np.float32(self.floor)))


def dimensions(space: Space, i: int, j: int) -> Plane:
    """Return a plane of two 0-based dimensions; coordinates are values, the others stay at the centre."""
    axes = np.zeros((2, space.dim), np.float32)
    axes[0, i] = 1.0
    if i != j:
        axes[1, j] = 1.0
    origin = np.where(axes.any(axis=0), 0.0, space.center).astype(np.float32)
    return Plane(origin, axes, f"{space.letters}{i + 1} × {space.letters}{j + 1}", space.floor)


def pca(codes: np.ndarray, space: Space, logvar: np.ndarray | None = None) -> Plane:
    """Return the plane through the mean of `codes (N, D)` on which they vary most (Pearson 1901).

    With the `logvar (N, D)` of a variational encoder each dimension is measured in units of what the encoder
    leaves open there, its root mean posterior variance. A trained VAE gives every active dimension about the
    same variance, so that plain PCA of its codes finds no direction; what the encoder is sure of is what
    changes the picture.

    The sign of an axis is chosen so that its largest part is positive: the same codes always give the same
    map. Fewer than three codes, or codes that are all equal, give the plane of the first two dimensions.
    """
    codes = np.asarray(codes)[:: len(codes) // _MANY + 1]
    codes = codes.astype(np.float64).reshape(len(codes), -1)
    sureness = _sureness(logvar, space.dim)
    codes = codes[np.isfinite(codes).all(axis=1)]
    if space.dim < 2 or len(codes) < 3 or not np.ptp(codes, axis=0).any():
        return dimensions(space, 0, min(1, space.dim - 1))
    mean = codes.mean(axis=0)
    axes = _principal_axes((codes - mean) * sureness) * sureness
    axes = np.linalg.qr(axes.T)[0].T
    strongest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[[0, 1], strongest])[:, None]
    return Plane(mean.astype(np.float32), axes.astype(np.float32), "PCA", space.floor)


def _sureness(logvar: np.ndarray | None, dim: int) -> np.ndarray:
    """Return one over the posterior's root mean variance `(D,)`, the largest 1; ones where unknown."""
    if logvar is None or not len(logvar):
        return np.ones(dim)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        sureness = np.exp(np.asarray(logvar, np.float64).reshape(len(logvar), -1)).mean(axis=0) ** -0.5
    if not np.isfinite(sureness).all() or not (sureness > 0).all():
        return np.ones(dim)
    return np.maximum(sureness / sureness.max(), 1e-6)


def _principal_axes(centred: np.ndarray) -> np.ndarray:
    """Return the two directions `(2, D)` of largest variance, by whichever Gram matrix is smaller."""
    if centred.shape[1] <= _FEW:
        _, vectors = np.linalg.eigh(centred.T @ centred)  # ascending
        return vectors[:, :-3:-1].T
    some = centred[np.linspace(0, len(centred) - 1, min(_FEW // 2, len(centred))).astype(int)]
    _, weights = np.linalg.eigh(some @ some.T)
    axes = weights[:, :-3:-1].T @ some
    basis, _ = np.linalg.qr(axes.T)  # also where the codes lie on one line
    return basis.T
