"""Codes from a file, for the command line and the window."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from explorer.data.arrays import open_npy, open_npz
from explorer.data.wording import shown_list
from explorer.errors import LatentError
from explorer.models.base import Space

NAMES = ("z", "codes", "mean", "mu")
"""Arrays of an `.npz` that are taken for codes, the first found."""


def load_codes(path: Path | str, space: Space) -> np.ndarray:
    """Return float32 `(N, dim)` from an `.npy`, or from `z`, `codes`, `mean` or `mu` of an `.npz`.

    `(N, *space.shape)` is taken too, ones at the end do not matter, such as `(N, 100, 1, 1)`, and a single
    code may come without N. Of a space of rows, such as w+, one row stands for all; for a space of one row, such
    as w, rows that are all the same are one.

    Raises:
        LatentError: the file cannot be read or does not fit; the text says both shapes.
    """
    wanted = f"float codes (N, {space.dim}) as .npy or .npz"
    found = _array(path, wanted)
    shape = "x".join(map(str, found.shape)) or "a single value"
    if found.dtype.kind not in "fiu":
        raise LatentError(f"{path} holds {found.dtype} instead of numbers; give {wanted}.")
    if found.size == space.dim and found.shape in ((space.dim,), space.shape):
        found = found[None]
    if found.ndim > 1 and not len(found):
        raise LatentError(f"There are no codes in {path} ({shape}); give {wanted}.")
    found = _in_rows(found, space.shape)
    if found.ndim < 2 or _without_ones(found.shape[1:]) not in (
        _without_ones((space.dim,)),
        _without_ones(space.shape),
    ):
        own = f" of the shape {'x'.join(map(str, space.shape))}" if len(space.shape) > 1 else ""
        raise LatentError(
            f"The codes in {path} are {shape}, but the space {space.name} has {space.dim} dimensions{own}; "
            f"give {wanted}."
        )
    return in_float32(found.reshape(len(found), space.dim), f"{path} holds")


def shape_of(path: Path | str) -> tuple[int, ...]:
    """Return the shape of one of the codes in a file, as they lie there.

    Raises:
        LatentError: the file cannot be read.
    """
    return _array(path, "float codes as .npy or .npz").shape[1:]


def _array(path: Path | str, wanted: str) -> np.ndarray:
    """Return the array of codes in a file; `wanted` says what belongs there."""
    if not zipfile.is_zipfile(path):
        return open_npy(path, LatentError, wanted)
    arrays = open_npz(path, LatentError, wanted)
    found = next((arrays[name] for name in NAMES if name in arrays), None)
    if found is None:
        raise LatentError(
            f"{path} has none of the arrays {', '.join(NAMES)} (it has: {shown_list(arrays)}); give {wanted}."
        )
    return found


def in_float32(numbers: np.ndarray, where: str) -> np.ndarray:
    """Return numbers as float32, all of them finite; `where` begins the sentence: "a.npy holds".

    Raises:
        LatentError: some are no numbers, or too large.
    """
    if not np.isfinite(numbers).all():
        raise LatentError(f"{where} values that are not numbers (NaN or infinite); give finite codes.")
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise LatentError(
            f"{where} values up to {np.abs(numbers).max():.3g}, which is too large for float32; give smaller "
            "codes."
        )
    return narrow


def _in_rows(found: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return codes with as many rows as a space has, where one row stands for all or all are the same."""
    if len(shape) == 2 and found.shape[1:] == shape[1:]:
        return np.repeat(found[:, None], shape[0], axis=1)
    is_same = found.ndim == 3 and len(shape) == 1 and found.shape[2:] == shape
    return found[:, 0] if is_same and (found == found[:, :1]).all() else found


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without the ones at its end."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape
