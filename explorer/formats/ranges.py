"""The ranges of spaces without a prior: from a code book, else provisional ones, and the sentence that says so.

The maths is in `latent.ranges`; nothing is read from disk here.
"""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.formats import map_space
from explorer.latent import ranges as maths
from explorer.models.base import LatentModel, Space

if TYPE_CHECKING:
    from explorer.data.code_book import CodeBook
    from explorer.formats import Opened
    from explorer.models.layers import Layer

_USUAL = "N(0, I)"
_STATING = ("native", "pythae", "nvidia", "nvidia-tensorflow")
"""Formats in which the file says which prior it has, or in which only networks of one prior are written."""

_MANY = 10_000_000
"""Weights from which on a decoder is taken to be slow."""

_NOT_NEGATIVE = ("relu", "relu6", "softplus", "sigmoid", "hardsigmoid", "exp", "softmax")


def is_provisional(space: Space) -> bool:
    """Return whether neither a prior, the file, another space nor encoded pictures tell how far codes reach."""
    is_told = space.measured or space.stated or space.source is not None
    return space.prior == "none" and not is_told


def unknown_prior(model: LatentModel, how: str = "encode pictures to measure them") -> str:
    """Return the sentence for people on a space whose ranges are provisional.

    Args:
        model: whose.
        how: what to do where it has an encoder.
    """
    without = (
        "put a code book (NAME.codes.npz) beside the checkpoint, or say which prior it has (the hint prior)"
    )
    advice = how if model.has_encoder else without
    origin = model.origin
    is_told = origin is not None and origin.hints.get("prior") == "none"
    what = (
        f"As the hint prior says, {model.name} has no prior"
        if is_told
        else f"No prior is known for {model.name}"
    )
    return f"{what}: ranges are taken from the network's own response; {advice}."


def assumed_prior(model: LatentModel) -> str:
    """Return the sentence on a generator whose prior is taken by convention; empty where something tells it.

    A file states it, a hint does, the reader has told it in its own words, or an encoder trained towards it.
    """
    origin = model.origin
    is_stated = (
        origin is None
        or bool(model.layers)
        or origin.format in _STATING
        or "prior" in origin.hints
        or model.has_encoder
    )
    guesses = model.diagnosis.guesses if model.diagnosis is not None else ()
    is_told = any(guess.hint == "prior" for guess in guesses) or any(_USUAL in note for note in model.notes)
    if is_stated or is_told or model.spaces[model.default_space].prior != "normal":
        return ""
    return (
        f"{_USUAL} is assumed for its codes, as is usual; nothing in the file says so (the hint prior does)."
    )


def settle(model: LatentModel) -> None:
    """Give every space that nothing is known of a provisional centre and spread; note a prior that is assumed."""
    if note := assumed_prior(model):
        model.notes = (*model.notes, note)
    positive = is_positive(model)
    for name, space in model.spaces.items():
        if space.prior == "none" and positive and name == model.default_space:
            space = model.spaces[name] = replace(space, floor=0.0)
        if is_provisional(space):
            decode = _Decoding(model, name)
            with contextlib.suppress(RuntimeError, ValueError):  # the first picture will say what is wrong
                center, spread = maths.provisional(
                    decode, space.dim, decode.count, positive=space.floor == 0.0
                )
                model.spaces[name] = replace(space, center=center, spread=spread)


def take(model: LatentModel, book: CodeBook) -> None:
    """Give a model the ranges that a code book tells, and where its codes are maps the directions as well."""
    model.spaces[book.space] = model.spaces[book.space].with_data(book.mean, book.logvar)
    map_space.attach(model, book)


def measured(opened: Opened, book: CodeBook) -> Opened:
    """Return the same checkpoint with the ranges that a code book tells; the network is shared."""
    assert isinstance(opened.model, LatentModel)
    model = copy.copy(opened.model)
    model.spaces = dict(model.spaces)
    take(model, book)
    return replace(opened, model=model, code_book=book, book_note="", first=None)


class _Decoding:
    """Pictures of codes, in 0..1, as they are needed here: few of large ones."""

    def __init__(self, model: LatentModel, space: str) -> None:
        self._model, self._space = model, space
        for module in model.modules:
            module.eval()
        image = model.image
        numbers = image.channels * (image.height or 64) * (image.width or 64)
        is_slow = numbers > 1 << 16 or model.parameter_count > _MANY
        self.count = 4 if is_slow else 64 if numbers <= 1 << 12 else 16

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            return self._model.decode(torch.from_numpy(codes), self._space).cpu().numpy()


def is_positive(model: LatentModel) -> bool:
    """Return whether what the model states of its encoder says that no code is below 0."""
    config = getattr(model.network, "config", None)
    heads = getattr(config, "heads", None)
    if heads is None or heads.layout != "single":
        return False
    layers: tuple[Layer, ...] = (*config.encoder, *heads.mean)  # type: ignore[union-attr]
    last = next((layer.kind for layer in reversed(layers) if layer.kind not in ("flatten", "reshape")), "")
    return last in _NOT_NEGATIVE
