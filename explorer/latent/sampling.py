"""Codes drawn from a space's prior, repeatable by seed."""

from __future__ import annotations

import numpy as np

from explorer.models.base import NO_OPTIONS, DecodeOptions, Space


def sample(space: Space, count: int, seed: int, options: DecodeOptions = NO_OPTIONS) -> np.ndarray:
    """Draw `count` codes from the prior; a code depends on its place and the seed, not on `count`.

    `normal` is N(0, 1) (Kingma & Welling 2013, arXiv:1312.6114), `uniform` -1..1 in each dimension (Radford
    et al. 2015, arXiv:1511.06434), `sphere` evenly on the unit sphere, `none` a normal with the space's own
    centre and spread, lifted to its floor where it has one. A space with a `source` has that one's samples, mapped.

    Args:
        space: whose prior.
        count: how many, 0 or more.
        seed: 0 or more.
        options: their labels count where a mapping depends on the class.

    Returns:
        float32 `(count, dim)`.
    """
    if space.source is not None:
        return space.source.mapped(sample(space.source, count, seed), space.name, options)
    generator = np.random.default_rng(seed)
    if space.prior == "uniform":
        return generator.uniform(-1.0, 1.0, (count, space.dim)).astype(np.float32)
    codes = generator.standard_normal((count, space.dim))
    if space.prior == "sphere":
        codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    elif space.prior == "none":
        codes = space.center + space.spread * codes
        codes = codes if space.floor is None else np.maximum(codes, space.floor)
    return codes.astype(np.float32)


def distant_pair(codes: np.ndarray, space: Space, among: int = 64) -> tuple[int, int]:
    """Return the two of `among` codes, spread evenly over `codes (N, D)`, that lie farthest apart.

    Distance is counted in spreads, so a wide dimension does not decide alone. A good first pair to morph.
    """
    chosen = np.linspace(0, len(codes) - 1, min(among, len(codes))).round().astype(int)
    scaled = (np.asarray(codes, np.float64).reshape(len(codes), -1)[chosen] - space.center) / space.spread
    distances = ((scaled[:, None] - scaled[None]) ** 2).sum(axis=-1)
    first, second = np.unravel_index(np.argmax(np.nan_to_num(distances)), distances.shape)
    return int(chosen[first]), int(chosen[second])
