"""What tells one reading of a checkpoint from another: two readings of one file may give a picture other codes.

Plain values of a model; no file, no torch.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.models.base import LatentModel
    from explorer.models.layers import Layer

_VERSION = "1"
"""Of what is looked at; readings told by another one cannot be compared."""

_LEFT_OUT = ("prior", "output", "upsample", "start", "range", "color", "image", "latent")
"""Hints that change no code of a picture, or whose work is looked at itself."""


def encoding_of(model: LatentModel) -> str:
    """Return a short text that stays the same as long as a model makes the same codes of the same pictures.

    It tells apart what hints may change: range, order and size of pictures, the encoder's layers and heads.
    Hints that say what was read anyway change nothing. The weights are the file's hash's matter.
    """
    range_ = model.input_range or model.native_range
    seen = [str(model.image), str(range_), range_.reverse, model.spaces[model.default_space].dim]
    said = json.dumps([*seen, _encoder_of(model)], sort_keys=True)
    return f"{_VERSION}:{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def can_compare(one: str, other: str) -> bool:
    """Return whether two readings were told by the same rules."""
    return one.partition(":")[0] == other.partition(":")[0]


def _encoder_of(model: LatentModel) -> Any:
    config = getattr(model.network, "config", None)
    heads = getattr(config, "heads", None)
    if heads is not None and hasattr(heads, "layout"):
        labels = config.labels.classes if config.labels is not None and config.labels.encoder else 0  # type: ignore[union-attr]
        layers = (config.encoder, heads.mean, heads.second)  # type: ignore[union-attr]
        return [heads.layout, heads.meaning, labels, *map(_words, layers)]
    found = getattr(model.diagnosis, "layers", ())
    encoder = [[layer.key, layer.text] for layer in found if layer.part not in ("decoder", "labels")]
    hints = model.origin.hints if model.origin is not None else {}
    return encoder or {key: value for key, value in hints.items() if key not in _LEFT_OUT}


def _words(layers: tuple[Layer, ...]) -> list[list[str]]:
    return [[layer.key, layer.text] for layer in layers]
