"""Codes along single dimensions: the rows of a traversal sheet, the grid of a manifold."""

from __future__ import annotations

from statistics import NormalDist
from typing import Literal

import numpy as np

from explorer.models.base import Space

RangeName = Literal["data", "prior"]

SPREADS = 3.0  # a slider and a traversal reach this many spreads to either side


def span(space: Space, dim: int, steps: int, range: RangeName = "data") -> np.ndarray:
    """Return evenly spaced values for one dimension, ascending.

    `data` reaches 3 spreads to either side of the centre. `prior` is -3..3 for a normal prior and -1..1 for
    a uniform one or a sphere; a space without prior is always measured by its data.

    Args:
        space: whose dimension.
        dim: 0-based.
        steps: how many, 1 or more; 1 gives the middle.
        range: `data` or `prior`.

    Returns:
        float32 `(steps,)`.
    """
    return between(*bounds(space, dim, range), steps)


def bounds(space: Space, dim: int, range: RangeName = "data") -> tuple[float, float]:
    """Return the middle of what `span` covers, and how far it reaches to either side."""
    if range == "prior" and space.prior != "none":
        return 0.0, SPREADS if space.prior == "normal" else 1.0
    return float(space.center[dim]), SPREADS * float(space.spread[dim])


def between(center: float, reach: float, steps: int) -> np.ndarray:
    """Return `steps` evenly spaced values from `center - reach` to `center + reach`; 1 gives the middle."""
    values = np.linspace(-reach, reach, steps) if steps > 1 else np.zeros(1)
    return (center + values).astype(np.float32)


def traverse(code: np.ndarray, dim: int, values: np.ndarray) -> np.ndarray:
    """Return copies of `code (D,)` whose dimension `dim` takes each of `values (N,)`; float32 `(N, D)`."""
    codes = np.repeat(np.asarray(code, np.float32).reshape(1, -1), len(values), axis=0)
    codes[:, dim] = values
    return codes


def sheet(
    space: Space, code: np.ndarray | None = None, steps: int = 9, range: RangeName = "data"
) -> np.ndarray:
    """Return one traversal per dimension through `code (D,)` (default: centre); float32 `(D, steps, D)`."""
    code = space.center if code is None else code
    dims = np.arange(space.dim)
    return np.stack([traverse(code, int(dim), span(space, int(dim), steps, range)) for dim in dims])


def manifold(space: Space, steps: int, dims: tuple[int, int] = (0, 1)) -> np.ndarray:
    """Return a grid of codes at evenly spaced quantiles of the prior (Kingma & Welling 2013, appendix A).

    Quantiles 0.05..0.95: the first dimension of `dims` grows from left to right, the second from top to
    bottom, the others stay at the centre. A space without prior, or on a sphere, uses a normal with its own
    centre and spread.

    Args:
        space: whose codes.
        steps: pictures per side.
        dims: two different 0-based dimensions; of a 1-D space both are 0 and only the columns differ.

    Returns:
        float32 `(steps * steps, D)`, row by row.
    """
    quantiles = np.linspace(0.05, 0.95, steps) if steps > 1 else np.array([0.5])
    first, second = dims
    codes = np.tile(space.center, (steps, steps, 1)).astype(np.float32)  # (rows, columns, D)
    codes[:, :, second] = _at_quantiles(space, second, quantiles)[:, None]
    codes[:, :, first] = _at_quantiles(space, first, quantiles)[None, :]
    return codes.reshape(steps * steps, space.dim)


def _at_quantiles(space: Space, dim: int, quantiles: np.ndarray) -> np.ndarray:
    """Return the prior's values of one dimension at `quantiles`."""
    if space.prior == "uniform":
        return 2.0 * quantiles - 1.0
    normal = np.array([NormalDist().inv_cdf(float(quantile)) for quantile in quantiles])
    return normal if space.prior == "normal" else space.center[dim] + space.spread[dim] * normal
