"""Ways from one code to another."""

from __future__ import annotations

from typing import Literal

import numpy as np

PathKind = Literal["lerp", "slerp"]

_PARALLEL = 1e-6  # radians; nearer than this to 0 or pi the arc is not defined by its ends


def lerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Interpolate on the straight line: `a` at t = 0, `b` at t = 1.

    Args:
        a, b: codes `(D,)`.
        t: a number, or `(N,)` numbers.

    Returns:
        float64 `(D,)`, or `(N, D)` for `(N,)` numbers.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    weight = np.asarray(t, np.float64)[..., None]
    return (1.0 - weight) * a + weight * b


def slerp(a: np.ndarray, b: np.ndarray, t: float | np.ndarray) -> np.ndarray:
    """Interpolate on the arc around the origin (Shoemake 1985; for codes White 2016, arXiv:1609.04468).

    The length changes smoothly from |a| to |b|, so samples of a normal prior stay as long as they are.
    Codes that point the same way or opposite ways, or one of length 0, define no arc: the straight line is
    taken.

    Args:
        a, b: codes `(D,)`.
        t: a number, or `(N,)` numbers.

    Returns:
        float64 `(D,)`, or `(N, D)` for `(N,)` numbers.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths == 0:
        return lerp(a, b, t)
    omega = np.arccos(np.clip(np.dot(a, b) / lengths, -1.0, 1.0))
    if min(omega, np.pi - omega) < _PARALLEL:
        return lerp(a, b, t)
    weight = np.asarray(t, np.float64)[..., None]
    return (np.sin((1.0 - weight) * omega) * a + np.sin(weight * omega) * b) / np.sin(omega)


def path(a: np.ndarray, b: np.ndarray, steps: int, kind: PathKind = "lerp") -> np.ndarray:
    """Return `steps` codes from `a` to `b`, both included and bit for bit as given.

    Args:
        a, b: codes `(D,)`.
        steps: 1 or more; 1 gives `a` alone.
        kind: `lerp` or `slerp`.

    Returns:
        float32 `(steps, D)`.
    """
    between = {"lerp": lerp, "slerp": slerp}[kind]
    codes = between(a, b, np.linspace(0.0, 1.0, steps)).astype(np.float32)
    if steps > 1:
        codes[-1] = b
    codes[0] = a
    return codes
