"""Which dimensions a model uses, and how much each changes the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from explorer.latent.sampling import sample
from explorer.models.base import NO_OPTIONS, DecodeOptions, Space

Decode = Callable[[np.ndarray], np.ndarray]
"""Codes float32 `(N, D)` to pictures `(N, C, H, W)` in 0..1."""

ACTIVE_KL = 0.1  # nats
ACTIVE_SENSITIVITY = 0.01  # of the largest
PROBES = 64


@dataclass(frozen=True, eq=False)
class Activity:
    """What is known of each dimension of a space.

    Attributes:
        kl: nats, float32 `(D,)`; None without a posterior.
        sensitivity: mean absolute change of the picture for one spread, 0..255, float32 `(D,)`; None if not
            measured.
        active: bool `(D,)`.
        influence: 0..1, float32 `(D,)`, the largest is 1; what rows are ordered by.
    """

    kl: np.ndarray | None
    sensitivity: np.ndarray | None
    active: np.ndarray
    influence: np.ndarray


def kl_per_dim(mean: np.ndarray, logvar: np.ndarray) -> np.ndarray:
    """Return the divergence of the posterior from N(0, 1) in each dimension, averaged over pictures.

    `(mean^2 + exp(logvar) - 1 - logvar) / 2` (Kingma & Welling 2013, arXiv:1312.6114, appendix B). A
    dimension that ignores the picture, a collapsed one, has 0 (Bowman et al. 2016, arXiv:1511.06349).

    Args:
        mean, logvar: `(N, D)` or `(N, *shape)`.

    Returns:
        float32 `(D,)`, nats; inf or NaN where the codes are.
    """
    mean = np.asarray(mean, np.float64).reshape(len(mean), -1)
    logvar = np.asarray(logvar, np.float64).reshape(len(logvar), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        return (0.5 * (mean**2 + np.exp(logvar) - 1.0 - logvar)).mean(axis=0).astype(np.float32)


def probes(
    space: Space, mean: np.ndarray | None = None, count: int = PROBES, options: DecodeOptions = NO_OPTIONS
) -> np.ndarray:
    """Return places worth probing: `count` codes of a code book's `mean (N, D)`, else samples, of the class given."""
    if mean is None or not len(mean):
        return sample(space, count, 0, options)
    chosen = np.linspace(0, len(mean) - 1, min(count, len(mean))).round().astype(int)
    return np.asarray(mean, np.float32).reshape(len(mean), -1)[chosen]


def sensitivities(decode: Decode, codes: np.ndarray, spread: np.ndarray) -> Iterator[float]:
    """Yield `sensitivity` dimension by dimension, so that a caller can pause or stop in between."""
    codes = np.asarray(codes, np.float32)
    for dim, width in enumerate(np.asarray(spread, np.float32)):
        step = np.zeros(codes.shape[1], np.float32)
        step[dim] = width / 2
        change = np.asarray(decode(codes + step), np.float64) - np.asarray(decode(codes - step), np.float64)
        yield float(255.0 * np.abs(change).mean())


def sensitivity(decode: Decode, codes: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return how much each dimension changes the picture: mean |decode(code + s/2) - decode(code - s/2)|.

    Args:
        decode: codes `(N, D)` to pictures `(N, C, H, W)` in 0..1.
        codes: `(N, D)`, where to look (`probes`).
        spread: `(D,)`, s, one spread of each dimension.

    Returns:
        float32 `(D,)`, on the scale 0..255: the mean over codes, channels and pixels.
    """
    return np.array(list(sensitivities(decode, codes, spread)), np.float32)


def judge(kl: np.ndarray | None, sensitivity: np.ndarray | None) -> Activity:
    """Decide which dimensions are active.

    With a posterior: KL above 0.1 nat. Collapsed dimensions of a trained VAE lie an order of magnitude below
    that, used ones above: the gap that active units were defined by (Burda et al. 2016, arXiv:1509.00519,
    section 5.2, there by the variance of the mean). Without one: sensitivity above 1 % of the largest. Where
    no dimension changes anything, all count as active; where nothing could be measured (NaN), none. Influence
    follows the sensitivity, or the KL where that is all there is; what is not a number counts as 0.

    Args:
        kl: nats `(D,)`, or None.
        sensitivity: `(D,)` in any unit, or None.

    Raises:
        ValueError: neither was given, so the number of dimensions is not known.
    """
    measure = sensitivity if sensitivity is not None else kl
    if measure is None:
        raise ValueError("neither KL nor sensitivity was given")
    influence = np.nan_to_num(np.asarray(measure, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(influence.max(initial=0.0))
    influence = influence / largest if largest > 0 else np.zeros_like(influence)
    if kl is not None:
        active = np.nan_to_num(kl, nan=0.0, posinf=np.inf) > ACTIVE_KL
    else:
        active = influence > ACTIVE_SENSITIVITY if largest > 0 else np.isfinite(measure)
    return Activity(kl, sensitivity, active, influence)


def leading(space: Space) -> Activity:
    """Return what is known of a space with leading dimensions before its decoder is asked: they are active.

    Their influence follows the spread, for all directions of a map are of one unit.
    """
    spread = np.array(space.spread, np.float32)
    spread[space.leading :] = 0.0
    influence = spread / max(float(spread.max(initial=0.0)), 1e-30)
    return Activity(None, None, np.arange(space.dim) < (space.leading or 0), influence)


def within_leading(found: Activity, space: Space) -> Activity:
    """Return an activity in which none but the leading dimensions of the space is active, where it has some."""
    if space.leading is None:
        return found
    return replace(found, active=found.active & (np.arange(space.dim) < space.leading))
