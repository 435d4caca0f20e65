"""Turning maps so that their principal directions come first: coordinates for sliders, with nothing lost.

Of D dimensions K are the directions on which codes of pictures vary most (Pearson 1901), found by iterating on a
random subspace (Halko, Martinsson & Tropp 2011, arXiv:0909.4061); the others complete them to a basis that nobody
needs to see. The whole basis is a product of K Householder reflections, kept as I - Y T Y' (Schreiber & Van Loan
1989; Golub & Van Loan, Matrix Computations, 5.1-5.2): K x D numbers instead of D x D. Codes here are flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

    Codes = TypeVar("Codes", np.ndarray, Tensor)

MOST = 32
"""Directions that are found."""

_MORE = 8  # directions iterated on besides, so that the last wanted ones are right as well
_ROUNDS = 6
_MANY = 5000  # codes; more say nothing new about a few directions
_NOTHING = 1e-6
"""A direction with less than this share of the largest spread is none: the codes do not vary on it."""


@dataclass(frozen=True, eq=False)
class Rotation:
    """A rigid turn of codes about their mean.

    Attributes:
        mean: float64 `(D,)`, the code whose coordinates are all 0.
        spread: float64 `(K,)`, of the codes it was fitted to, on each principal direction, descending.
        rest: their spread on any other direction, on the average.
        reflectors: float64 `(D, K)`, the Y of I - Y T Y'.
        factor: float64 `(K, K)`, the T.
        signs: float64 `(K,)`, 1 or -1: of each direction, so that its largest number is positive.
    """

    mean: np.ndarray
    spread: np.ndarray
    rest: float
    reflectors: np.ndarray
    factor: np.ndarray
    signs: np.ndarray

    @property
    def leading(self) -> int:
        """K, how many principal directions there are."""
        return len(self.spread)

    @property
    def dim(self) -> int:
        """D, how many dimensions codes have, before and after."""
        return len(self.mean)

    def to_directions(self, codes: Codes) -> Codes:
        """Return the coordinates `(N, D)` of codes `(N, D)`, arrays or tensors: the first K on principal directions."""
        fine, (mean, reflectors, factor, signs) = self._finely(codes)
        fine = fine - mean
        fine = fine - ((fine @ reflectors) @ factor) @ reflectors.T  # rows of Q' x = x' Q, Q = I - Y T Y'
        fine[:, : self.leading] *= signs
        return _as(fine, codes)

    def from_directions(self, coords: Codes) -> Codes:
        """Return the codes `(N, D)` at coordinates `(N, D)`: the way back."""
        fine, (mean, reflectors, factor, signs) = self._finely(coords)
        fine = fine + 0  # a copy
        fine[:, : self.leading] *= signs
        return _as(fine - ((fine @ reflectors) @ factor.T) @ reflectors.T + mean, coords)

    def _finely(self, codes: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return codes and what the turn is made of in float64, arrays or tensors where they are, as codes are."""
        held = self.mean, self.reflectors, self.factor, self.signs
        if isinstance(codes, np.ndarray):
            return codes.astype(np.float64), held
        import torch

        fine = codes if codes.device.type == "mps" else codes.to(torch.float64)  # which knows no float64
        return fine, tuple(torch.from_numpy(each).to(device=fine.device, dtype=fine.dtype) for each in held)


def _as(fine: Any, like: Codes) -> Codes:
    return fine.astype(like.dtype) if isinstance(like, np.ndarray) else fine.to(like.dtype)


def fit(codes: np.ndarray, most: int = MOST) -> Rotation | None:
    """Return the turn to the principal directions of codes `(N, D)`, the same for the same codes.

    At most `most` directions, N - 1 and D; None for fewer than three codes, or where they do not vary.
    """
    codes = np.asarray(codes, np.float32)[:: (len(codes) - 1) // _MANY + 1]
    codes = np.ascontiguousarray(codes.reshape(len(codes), -1))
    count = min(most, len(codes) - 1, codes.shape[1])
    if len(codes) < 3 or not np.isfinite(codes).all():
        return None
    mean = codes.mean(axis=0, dtype=np.float64).astype(np.float32)
    axes, spread = _principal(codes, mean, count)
    kept = spread > _NOTHING * max(spread[0], np.abs(mean).max() * _NOTHING, 1e-30)
    if not kept.any():
        return None
    axes, spread = axes[:, kept], spread[kept]
    whole = sum(float(np.square(part - mean).sum(dtype=np.float64)) for part in np.array_split(codes, 64))
    left = max(whole / len(codes) - float(np.square(spread).sum()), 0.0)
    rest = left / max(codes.shape[1] - len(spread), 1)
    return Rotation(mean.astype(np.float64), spread, rest**0.5, *_reflections(axes))


def _principal(codes: np.ndarray, mean: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the `count` directions of largest variance, float64 `(D, count)`, and the spread on each."""
    width = min(count + _MORE, *codes.shape)
    basis = np.random.default_rng(0).standard_normal((codes.shape[1], width), np.float32)
    for _ in range(_ROUNDS):
        scores, _ = np.linalg.qr(codes @ basis - mean @ basis)  # (N, width)
        basis, _ = np.linalg.qr(codes.T @ scores - np.outer(mean, scores.sum(axis=0)))  # (D, width)
    scores = (codes @ basis - mean @ basis).astype(np.float64)
    _, sizes, turn = np.linalg.svd(scores, full_matrices=False)
    axes = basis.astype(np.float64) @ turn[:count].T
    return axes, sizes[:count] / len(codes) ** 0.5


def _reflections(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Y, T and signs of the product of reflections whose first columns are these axes `(D, K)`."""
    count = axes.shape[1]
    raw, _ = np.linalg.qr(axes, mode="raw")  # (K, D): R above the diagonal, the reflectors below
    triangle = np.diagonal(raw)
    reflectors = np.tril(raw.T, -1)
    reflectors[np.arange(count), np.arange(count)] = 1.0
    overlaps = reflectors.T @ reflectors
    factor = np.linalg.inv(
        np.triu(overlaps, 1) + np.diag(np.diagonal(overlaps)) / 2
    )  # rigid to the last digit
    strongest = np.abs(axes).argmax(axis=0)
    signs = np.sign(triangle) * np.sign(axes[strongest, np.arange(count)])
    return reflectors, factor, signs
