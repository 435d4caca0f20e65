"""The space `pca` of a model of maps: the map turned into the principal directions of a code book.

Its codes have as many dimensions as the map, so that one of a picture keeps all it has while a slider moves; the first
ones are the principal directions. The maths is in `latent.rotation`.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.latent import rotation
from explorer.models.base import LatentModel, Space

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.data.code_book import CodeBook
    from explorer.models.base import DecodeOptions

LETTERS = "pca"
_SHARE_OF_REST = 0.05
"""Of their real spread, what the dimensions behind the principal ones get: drawn with all of it, codes of no common
picture would be told apart by noise alone."""


def attach(model: LatentModel, book: CodeBook) -> None:
    """Give a model whose first space is one of maps the space of the principal directions of a code book.

    One that was there before goes. A book of fewer than three codes, or of another space, tells of none.
    """
    first = model.spaces[model.default_space]
    if len(first.shape) != 3 or min(first.shape[1:]) < 2 or book.space != first.name:
        return
    gone = [name for name, space in model.spaces.items() if space.letters == LETTERS]
    for name in gone:
        del model.spaces[name]
    others = {name: way for name, way in first.mappings.items() if name not in gone}
    model.spaces[first.name] = replace(first, mappings=others)
    turn = rotation.fit(book.mean)
    if turn is None:
        return
    there, back = _ways(turn, first.shape)
    name = f"{LETTERS}-{hashlib.sha256(book.mean.tobytes()).hexdigest()[:8]}"
    model.spaces[first.name] = replace(first, mappings={**others, name: there})
    model.spaces[name] = Space(
        name,
        (first.dim,),
        "none",
        spread=_spreads(turn),
        measured=True,
        mappings={first.name: back},
        leading=turn.leading,
    )


def _spreads(turn: rotation.Rotation) -> np.ndarray:
    """Return the spread of all dimensions, none of them 0."""
    least = max(_SHARE_OF_REST * turn.rest, 1e-3 * float(turn.spread[-1]), 1e-6)
    spread = np.full(turn.dim, least, np.float32)
    spread[: turn.leading] = turn.spread
    return spread


def _ways(turn: rotation.Rotation, shape: tuple[int, ...]):  # type: ignore[no-untyped-def]
    """Return the mappings from a map to its directions and back."""

    def there(codes: Tensor, options: DecodeOptions) -> Tensor:
        return turn.to_directions(codes.reshape(len(codes), -1))

    def back(codes: Tensor, options: DecodeOptions) -> Tensor:
        return turn.from_directions(codes).reshape(len(codes), *shape)

    return there, back
