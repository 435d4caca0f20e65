"""What a model looks like when it is opened, or measured: its code at the centre, two ends worth morphing between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.gui.spaces import book_in, moved
from explorer.gui.state import Anchor, MapSettings, Place, StageEntry, State, StyleSettings, frozen_code
from explorer.latent import sampling
from explorer.models.base import ImageSpec, LatentModel, Space

if TYPE_CHECKING:
    from explorer.formats import Opened

SHELL = 16
"""Dimensions from which on a sample of the normal prior is hardly ever near its centre."""
SEED = 3
"""Of what is shown first; 1 and 2 are the ends of the strip. The bundled GAN draws a good face of it."""


def first_state(opened: Opened, before: State) -> State:
    """Return the state in which a model is first shown; of the one `before` stay what fits: stages, strip, ground.

    Another network of the same file is shown where the one before was.
    """
    model = opened.model
    assert isinstance(model, LatentModel)
    if _is_sibling(opened, before):
        return replace(before, opened=opened)
    space = model.spaces[model.explored_space]
    first, last = _first_anchors(opened, model, space)
    return replace(
        before,
        opened=opened,
        space=space.name,
        code=frozen_code(_first_code(opened, model, space)),
        locked=np.zeros(space.dim, bool),
        label=0,
        style=StyleSettings(),
        seed=None,
        original=None,
        anchor_a=first,
        anchor_b=last,
        stages=_fitting(model.image, before.stages),
        map=MapSettings(background=before.map.background, colour=_first_column(opened)),
        titles=opened.notes.titles,
        remarks=opened.notes.remarks,
    )


def _is_sibling(opened: Opened, before: State) -> bool:
    """Return whether a model is another network of the file that is open, with the same spaces."""
    other, model = before.opened.model if before.opened else None, opened.model
    if not isinstance(other, LatentModel) or not isinstance(model, LatentModel) or not model.entries:
        return False
    spaces = [{name: space.shape for name, space in each.spaces.items()} for each in (model, other)]
    is_same_file = (
        model.origin is not None and other.origin is not None and model.origin.path == other.origin.path
    )
    is_other = is_same_file and model.entries[:1] != other.entries[:1]
    return is_other and set(model.entries) == set(other.entries) and spaces[0] == spaces[1]


def measured_state(opened: Opened, before: State) -> State:
    """Return the state `before` with the ranges of its model measured: what stood at the centre does so again.

    Ends of the strip that were drawn without a prior mean nothing now, and are chosen anew.
    """
    model = opened.model
    assert before.opened is not None
    assert isinstance(model, LatentModel)
    old: Space = before.opened.model.spaces[before.space]  # type: ignore[union-attr]
    was_central = np.array_equal(before.code, old.center)
    if before.space not in model.spaces:  # directions of other pictures, which mean nothing now
        before = replace(before, **moved(before, model.default_space))
    space = model.spaces[before.space]
    changes: dict[str, Any] = {"opened": opened, "map": replace(before.map, plane="pca")}
    if was_central:
        changes |= {"code": frozen_code(space.center)}
    after = replace(before, **changes)
    if before.space == model.default_space != model.explored_space:  # now there are directions to look along
        after = replace(after, **moved(after, model.explored_space))
        space = model.spaces[model.explored_space]
    if space.prior == "none" and not old.measured:
        first, last = _first_anchors(opened, model, space)
        after = replace(after, anchor_a=first, anchor_b=last)
    return after


def measured_places(opened: Opened, before: Opened, places: Sequence[Place]) -> tuple[Place, ...]:
    """Return the places of a model that was measured: those in spaces that are gone lie in its first one now."""
    old, model = before.model, opened.model
    assert isinstance(old, LatentModel)
    assert isinstance(model, LatentModel)
    kept = []
    for place in places:
        if place.space not in model.spaces and place.space in old.spaces:
            code = old.spaces[place.space].mapped(place.code[None], model.default_space)[0]
            place = replace(place, space=model.default_space, code=frozen_code(code))
        kept.append(place)
    return tuple(kept)


def _fitting(image: ImageSpec, entries: Sequence[StageEntry]) -> tuple[StageEntry, ...]:
    """Return the entries that still fit behind `image`, in their order."""
    kept: list[StageEntry] = []
    for entry in entries:
        if entry.stage.input.accepts(image):
            kept.append(entry)
            if entry.enabled:
                image = entry.stage.output_for(image)
    return tuple(kept)


def _first_column(opened: Opened) -> str | None:
    """Return the first column of numbers in the code book, which shows which way is what; else its first."""
    columns = opened.code_book.labels if opened.code_book else {}
    numbers = [name for name, values in columns.items() if values.dtype.kind in "fiu"]
    return next(iter([*numbers, *columns]), None)


def _first_code(opened: Opened, model: LatentModel, space: Space) -> np.ndarray:
    """Return the centre; of a space that only samples are known of one of those: a GAN draws nothing at 0.

    Codes of a normal prior in many dimensions lie on a shell around 0, and a GAN saw no others.
    """
    is_drawn = space.prior == "normal" and not model.has_encoder and opened.code_book is None
    if is_drawn and space.dim >= SHELL and space.name == model.default_space:
        return sampling.sample(space, 1, SEED)[0]
    return space.center


def _first_anchors(opened: Opened, model: LatentModel, space: Space) -> list[Anchor]:
    """Return two ends worth morphing between: far codes of the code book, else two random ones."""
    book = book_in(opened.code_book, model, space.name)
    if book is not None and len(book) > 1:
        pair = sampling.distant_pair(book.mean, space)
        return [Anchor(frozen_code(book.mean[index]), None, book.names[index]) for index in pair]
    return [Anchor(frozen_code(sampling.sample(space, 1, seed)[0]), None, f"seed {seed}") for seed in (1, 2)]
