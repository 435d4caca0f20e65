"""Figures a report gives: errors against simple baselines. numpy and scikit-learn; no torch, no file."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from explorer.latent.activity import ACTIVE_KL, kl_per_dim
from explorer.models.base import aggregate_posterior

_FEW_VALUES = 4096  # of a picture; the covariance of more takes minutes, so their components are approximated
_MOST_VALUES = 1 << 28  # that components are fitted on; of more pictures only every so many-th counts
_CLOSEST = 1e-7  # to 0 and 1 that a probability in float32 may be
_CHUNK = 250  # pictures at once


def mean_squared_error(pictures: np.ndarray, others: np.ndarray) -> float:
    """Return the mean over all values of two equally shaped collections, in their own unit squared."""
    return float(np.mean(np.square(pictures.astype(np.float64) - others.astype(np.float64))))


def pca_errors(
    fitted_on: np.ndarray, components: int, collections: dict[str, np.ndarray]
) -> dict[str, float] | None:
    """Return by name the mean squared error of pictures kept by the first principal components only.

    What a linear autoencoder of the same width reaches at best (Baldi & Hornik 1989), the yardstick for a
    VAE.

    Args:
        fitted_on: pictures `(N, ...)`; None comes back where there are fewer than `components`.
        collections: pictures of the same shape to measure on.
    """
    from sklearn.decomposition import PCA

    if min(len(fitted_on), fitted_on[0].size) < components:
        return None
    is_small = fitted_on[0].size <= _FEW_VALUES
    solver = "covariance_eigh" if is_small else "randomized"
    kind = np.float64 if is_small else np.float32
    some = fitted_on[:: 1 + fitted_on.size // _MOST_VALUES]
    pca = PCA(components, svd_solver=solver, random_state=0).fit(_flat(some, kind))
    return {
        name: mean_squared_error(pca.inverse_transform(pca.transform(flat)), flat)
        for name, flat in ((name, _flat(pictures, kind)) for name, pictures in collections.items())
    }


def psnr(mse: float, peak: float = 1.0) -> float:
    """Return the peak signal-to-noise ratio of a mean squared error, in dB; inf where there is none.

    Args:
        mse: over all values of all pictures.
        peak: the difference between black and white, in the error's unit.
    """
    return math.inf if mse == 0 else 10 * math.log10(peak * peak / mse)


def negative_elbo(
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    decode: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    *,
    samples: int = 16,
    seed: int = 0,
) -> float:
    """Return the negative evidence lower bound of pictures whose values are probabilities, mean nats per picture.

    Kingma & Welling 2013 (arXiv:1312.6114), equation 3: the binary cross entropy of all values, averaged over
    `samples` codes of each posterior, plus the KL.

    Args:
        encode: pictures float32 `(N, C, H, W)` in 0..1 to mean and log variance `(N, D)`.
        decode: codes float32 `(N, D)` to pictures `(N, C, H, W)` in 0..1.
        images: pictures as `encode` takes them.
    """
    noise = np.random.default_rng(seed)
    total = 0.0
    for start in range(0, len(images), _CHUNK):
        part = np.asarray(images[start : start + _CHUNK], np.float32)
        mean, logvar = encode(part)
        total += len(part) * float(kl_per_dim(mean, logvar).sum())
        for _ in range(samples):
            codes = mean + noise.standard_normal(mean.shape) * np.exp(0.5 * logvar)
            total += _cross_entropy(decode(codes.astype(np.float32)), part) / samples
    return total / len(images)


def _cross_entropy(probabilities: np.ndarray, images: np.ndarray) -> float:
    """Return the sum over all values, in nats."""
    sure = probabilities.astype(np.float64).clip(_CLOSEST, 1 - _CLOSEST)
    return float(-(images * np.log(sure) + (1 - images) * np.log1p(-sure)).sum())


def knn_accuracy(
    codes: np.ndarray, labels: np.ndarray, others: np.ndarray, their_labels: np.ndarray, neighbours: int = 10
) -> float:
    """Return the share of `others` whose label most of their nearest codes have.

    Args:
        codes, labels: those among whom neighbours are looked for, `(N, D)` and `(N,)`.
        others, their_labels: those that are judged, `(K, D)` and `(K,)`.
    """
    from sklearn.neighbors import KNeighborsClassifier

    judge = KNeighborsClassifier(min(neighbours, len(codes))).fit(codes, labels)
    return float(np.mean(judge.predict(others) == their_labels))


def activity_figures(mean: np.ndarray, logvar: np.ndarray) -> dict[str, object]:
    """Return KL per dimension and how many are active, and how near the codes come to N(0, I).

    Args:
        mean, logvar: posteriors `(N, D)`.

    Returns:
        `kl_per_dim` (nats), `active_dimensions`, `posterior_mean` and `posterior_spread` of the aggregate
        posterior (0 and 1 where it is the prior), `largest_correlation` between two dimensions' means.
    """
    kl = kl_per_dim(mean, logvar)
    center, spread = aggregate_posterior(mean, logvar)
    with np.errstate(invalid="ignore", divide="ignore"):  # a dimension that never moves has no correlation
        correlation = np.nan_to_num(np.corrcoef(mean.T)) if mean.shape[1] > 1 else np.zeros((1, 1))
    np.fill_diagonal(correlation, 0)
    return {
        "kl_per_dim": rounded(kl),
        "active_dimensions": int((kl > ACTIVE_KL).sum()),
        "posterior_mean": rounded(center),
        "posterior_spread": rounded(spread),
        "largest_correlation": round(float(np.abs(correlation).max()), 3),
    }


def rounded(values: np.ndarray) -> list[float]:
    """Return values for a report, to 3 decimals."""
    return [round(float(value), 3) for value in values]


def _flat(pictures: np.ndarray, kind: type = np.float64) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).astype(kind)
