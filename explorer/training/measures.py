"""Figures a report gives: errors against simple baselines. numpy and scikit-learn; no torch, no file."""

from __future__ import annotations

import numpy as np

from explorer.latent.activity import ACTIVE_KL, kl_per_dim
from explorer.models.base import aggregate_posterior


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
    pca = PCA(components, svd_solver="covariance_eigh").fit(_flat(fitted_on))
    return {
        name: mean_squared_error(pca.inverse_transform(pca.transform(_flat(pictures))), _flat(pictures))
        for name, pictures in collections.items()
    }


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
    correlation = np.corrcoef(mean.T) - np.eye(mean.shape[1]) if mean.shape[1] > 1 else np.zeros((1, 1))
    return {
        "kl_per_dim": rounded(kl),
        "active_dimensions": int((kl > ACTIVE_KL).sum()),
        "posterior_mean": rounded(center),
        "posterior_spread": rounded(spread),
        "largest_correlation": round(float(np.nanmax(np.abs(correlation))), 3),
    }


def rounded(values: np.ndarray) -> list[float]:
    """Return values for a report, to 3 decimals."""
    return [round(float(value), 3) for value in values]


def _flat(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1).astype(np.float64)
