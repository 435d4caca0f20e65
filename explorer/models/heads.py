"""The option `head` of models that have several decoders behind one encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import UsageError

if TYPE_CHECKING:
    from explorer.models.base import LatentModel


def checked_head(model: LatentModel, head: str | None) -> int:
    """Return the number of the decoder of that name, 0 where none is named.

    Raises:
        UsageError: there is no such decoder.
    """
    if head is None:
        return 0
    if head not in model.heads:
        raise UsageError(f"{model.name} has no decoder {head[:40]}; choose one of {', '.join(model.heads)}.")
    return model.heads.index(head)
