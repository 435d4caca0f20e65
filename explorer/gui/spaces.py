"""From one latent space of a model to another: where its code, its anchors and a mixture of styles lie there.

Pure functions on states; `session` makes steps of what they return.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.data.code_book import CodeBook
from explorer.gui.state import Anchor, Original, Place, State, frozen_code
from explorer.latent import sampling
from explorer.models.base import LatentModel, Space
from explorer.models.space import DecodeOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NUMBERS = 1 << 25  # of a code book in another space, 128 MB

OF_A_CLASS = 256  # samples that tell the average of a class

LAYERS = "w+"
"""The space of a style network in which every layer has a style of its own."""


def moved(state: State, name: str) -> dict[str, Any]:
    """Return what changes when another space is shown: the same picture where a way leads there, else its centre.

    From w+ to w leads the mean of the layers, which is the same picture only where they are alike.
    """
    model = _model(state)
    here, there = model.spaces[state.space], model.spaces[name]
    changes: dict[str, Any] = {
        "space": name,
        "locked": np.zeros(there.dim, bool),
        "map": replace(state.map, plane="pca"),
    }
    if name not in here.mappings:
        nothing = dict.fromkeys(("seed", "original", "anchor_a", "anchor_b"))
        return changes | nothing | {"code": frozen_code(there.center)}
    ends = [state.original, state.anchor_a, state.anchor_b]
    codes = _mapped(here, [state.code, *(end.code for end in ends if end is not None)], name, state.options)
    changes["code"] = codes.pop(0)
    for field, end in zip(("original", "anchor_a", "anchor_b"), ends, strict=True):
        changes[field] = _with_code(end, codes.pop(0)) if end is not None else None
    return changes


def mixed(state: State, place: Place, first: int, stop: int) -> dict[str, Any] | None:
    """Return what changes when the layers `first <= i < stop` take the styles of a place; None if they cannot.

    Style mixing: Karras et al. 2018 (arXiv:1812.04948), section 3.1. The mixture lies in the space of layers.
    """
    model = _model(state)
    if LAYERS not in model.spaces or place.space not in model.spaces:
        return None
    shape = model.spaces[LAYERS].shape
    label = place.label if place.label is not None and place.label < model.classes else state.label
    own = DecodeOptions(labels=np.array([label]) if model.classes else None)
    [theirs] = _mapped(model.spaces[place.space], [place.code], LAYERS, own)
    changes = moved(state, LAYERS) if state.space != LAYERS else {}
    styles = np.array(changes.get("code", state.code)).reshape(shape)
    styles[first:stop] = theirs.reshape(shape)[first:stop]
    return changes | {"code": frozen_code(styles), "seed": None, "original": None}


def reclassed(state: State, label: int) -> np.ndarray:
    """Return the code `(dim,)` of another class in a space whose samples are mapped; locked dimensions stay.

    One that a seed drew is drawn again; another is moved by what lies between the averages of the two classes.
    """
    space = _model(state).spaces[state.space]
    now, then = state.options, DecodeOptions(labels=np.array([label]))
    if state.seed is not None:
        code = sampling.sample(space, 1, state.seed, then)[0]
    else:
        before, after = (sampling.sample(space, OF_A_CLASS, 0, options).mean(0) for options in (now, then))
        code = state.code + after - before
    return frozen_code(np.where(state.locked, state.code, code))


def of_encoder(state: State, code: np.ndarray) -> np.ndarray:
    """Return the code `(dim,)` of a picture, as the encoder gives it, in the shown space."""
    model = _model(state)
    first = model.spaces[model.default_space]
    if state.space == first.name or state.space not in first.mappings:
        return code
    [found] = _mapped(first, [code], state.space, state.options)
    return found


def book_in(book: CodeBook | None, model: LatentModel, name: str) -> CodeBook | None:
    """Return a code book with its codes in a space; evenly chosen ones where all would fill the memory.

    None where no way leads from its own space there, or it is of another size.
    """
    if book is None or not has_place(book, model, name):
        return None
    if book.space == name:
        return book
    space, own = model.spaces[name], model.spaces[book.space]
    most = max(MOST_NUMBERS // space.dim, 2)
    chosen = np.unique(np.linspace(0, len(book) - 1, min(len(book), most)).astype(int))
    labels = {column: values[chosen] for column, values in book.labels.items()}
    names = tuple(book.names[index] for index in chosen)
    mean = own.mapped(book.mean[chosen], name)
    return replace(book, mean=mean, logvar=None, names=names, labels=labels, space=name)


def has_place(book: CodeBook | None, model: LatentModel | None, name: str) -> bool:
    """Return whether the codes of a code book have a place in a space."""
    own = model.spaces.get(book.space) if book is not None and model is not None else None
    if book is None or model is None or own is None or not len(book) or book.mean.shape[1:] != (own.dim,):
        return False
    return book.space == name or (name in own.mappings and not model.classes)


def _model(state: State) -> LatentModel:
    assert state.opened is not None
    assert isinstance(state.opened.model, LatentModel)
    return state.opened.model


def _mapped(space: Space, codes: Sequence[np.ndarray], name: str, options: DecodeOptions) -> list[np.ndarray]:
    """Return codes `(dim,)` in another space; for each the class that the options name."""
    if name == space.name:
        return [frozen_code(code) for code in codes]
    labels = None if options.labels is None else np.repeat(options.labels, len(codes), axis=0)
    found = space.mapped(np.stack(codes), name, DecodeOptions(labels=labels))
    return [frozen_code(code) for code in found]


def _with_code(end: Anchor | Original, code: np.ndarray) -> Anchor | Original:
    return replace(end, code=code)
