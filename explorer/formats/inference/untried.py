"""What is known of candidates without any weight: whether they can run at all, and which is taken if none is tried.

Networks too large to be tried are taken as is most usual, and nothing of their file is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from explorer.formats.inference.judging import Judged
from explorer.formats.inference.slots import Slots, tidied
from explorer.formats.inference.work import is_sound, without_memory
from explorer.models.base import NativeRange
from explorer.models.layered import LayeredConfig

TRIED_BYTES = 256 << 20
"""Of weights; trying a larger network would read all of its file, and take long."""

_FEW = 8  # candidates that are looked at where none is affordable

_SIGNED = ("tanh", "hardtanh", "softsign")


def is_large(tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether weights are too many to be tried."""
    return sum(tensor.nbytes for tensor in tensors.values()) > TRIED_BYTES


def untried(
    proposed: Sequence[Slots], tensors: Mapping[str, Tensor], given_range: bool = False
) -> list[Judged]:
    """Return the candidates that give a picture, the likeliest first, with their places filled as is most usual.

    Args:
        proposed: the likeliest first.
        tensors: of the file.
        given_range: leave `native_range` of the candidates as it is.
    """
    found = []
    for slots in sound(proposed, tensors):
        config = slots.candidate.config
        config = tidied(config if given_range else replace(config, native_range=_range(config)))
        found.append(Judged(slots, {}, config.heads, config=config))
    return found


def sound(proposed: Sequence[Slots], tensors: Mapping[str, Tensor]) -> list[Slots]:
    """Return the candidates that give their picture, and whose encoder takes it; all where none does.

    Those that could not be tried for what it takes are left out where others remain.
    """
    empty = without_memory(tensors)
    for bounded in (True, False):
        tried = proposed if bounded else proposed[:_FEW]
        found = [slots for slots in tried if is_sound(slots.candidate.config, empty, bounded)]
        if found:
            return found
    return list(proposed)


def _range(config: LayeredConfig) -> NativeRange:
    last = next(
        (layer.kind for layer in reversed(config.decoder) if layer.kind not in ("reshape", "identity")), ""
    )
    return NativeRange(-1.0, 1.0) if last in _SIGNED else NativeRange(0.0, 1.0)
