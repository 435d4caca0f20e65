"""Which dimensions have a row, and in which order."""

from __future__ import annotations

import numpy as np

from explorer.gui.session import Session

FOLD = -1  # the item that stands for the inactive dimensions


def items(session: Session, text: str = "") -> list[int]:
    """Return dimensions (0-based) from top to bottom, with `FOLD` where the inactive ones begin.

    Where `text` was typed to find some, they are all there is, active or not.
    """
    dims = _ordered(session)
    wanted = text.strip().casefold()
    if wanted:
        return [dim for dim in dims if _is_called(session, dim, wanted)]
    activity = session.activity
    if activity is None or activity.active.all() or not activity.active.any():
        return dims
    active = [dim for dim in dims if activity.active[dim]]
    inactive = [dim for dim in dims if not activity.active[dim]]
    return [*active, FOLD, *(inactive if session.rows.inactive_open else [])]


def _ordered(session: Session) -> list[int]:
    if session.rows.order == "influence" and session.activity is not None:
        return np.argsort(-session.activity.influence, kind="stable").tolist()
    return list(range(session.dim))


def _is_called(session: Session, dim: int, text: str) -> bool:
    """Return whether the number of a dimension begins with a text, or its name or note contains it."""
    return (
        session.name_of(dim).casefold().startswith(text)
        or str(dim + 1).startswith(text)
        or text in session.title_of(dim).casefold()
        or place_of(session, dim).casefold().startswith(text)
        or text in session.remark_of(dim).casefold()
    )


def place_of(session: Session, dim: int) -> str:
    """Return `layer 3 · 17` for a dimension of a space that has a row for every layer, else nothing."""
    shape = session.space.shape if session.space is not None else ()
    return f"layer {dim // shape[1] + 1} · {dim % shape[1] + 1}" if len(shape) == 2 else ""
