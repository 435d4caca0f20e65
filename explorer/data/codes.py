"""Codes from a file, for the command line and the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.data.arrays import is_npz, open_npy, open_npz
from explorer.data.wording import shown_list
from explorer.errors import LatentError
from explorer.models.base import Space

NAMES = ("z", "codes", "mean", "mu")
"""Arrays of an `.npz` that are taken for codes, the first found."""


def load_codes(path: Path | str, space: Space) -> np.ndarray:
    """Return float32 `(N, dim)` from an `.npy`, or from `z`, `codes`, `mean` or `mu` of an `.npz`.

    Every trailing shape whose product is `space.dim` is taken, such as `(N, 100, 1, 1)`; a single code
    without N too.

    Raises:
        LatentError: the file cannot be read or does not fit; the text says both shapes.
    """
    wanted = f"float codes (N, {space.dim}) as .npy or .npz"
    if is_npz(path):
        arrays = open_npz(path, LatentError, wanted)
        found = next((arrays[name] for name in NAMES if name in arrays), None)
        if found is None:
            raise LatentError(
                f"{path} has none of the arrays {', '.join(NAMES)} (it has: {shown_list(arrays)}); give "
                f"{wanted}."
            )
    else:
        found = open_npy(path, LatentError, wanted)
    shape = "x".join(map(str, found.shape)) or "a single value"
    if found.dtype.kind not in "fiu":
        raise LatentError(f"{path} holds {found.dtype} instead of numbers; give {wanted}.")
    if found.size == space.dim and found.shape in ((space.dim,), space.shape):
        found = found[None]
    if found.ndim < 2 or not len(found) or found[0].size != space.dim:
        raise LatentError(
            f"The codes in {path} are {shape}, but the space {space.name} has {space.dim} dimensions; give "
            f"{wanted}."
        )
    codes = found.reshape(len(found), space.dim).astype(np.float32)
    if not np.isfinite(codes).all():
        raise LatentError(f"{path} holds values that are not numbers (NaN or infinite); give finite codes.")
    return codes
