"""What must fit before a decode: codes, space, options, labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.data.wording import counted
from explorer.errors import LatentError, UsageError
from explorer.models.base import NO_OPTIONS, DecodeOptions

if TYPE_CHECKING:
    from explorer.models.base import LatentModel


def checked(
    model: LatentModel, codes: np.ndarray, space: str, options: DecodeOptions
) -> tuple[np.ndarray, DecodeOptions]:
    """Return codes as `(N, dim)` and options with one label a code.

    Raises:
        UsageError: the model has no such space, does not use an option, or labels are of another number.
        LatentError: the codes are of another size.
    """
    if space not in model.spaces or options is not NO_OPTIONS:
        model.check_options(space, options)
    dim = model.spaces[space].dim
    codes = np.asarray(codes, np.float32)
    if codes.ndim < 2 or codes[:1].size not in (0, dim):
        raise LatentError(
            f"{model.name} takes codes of {dim} numbers in its space {space}, not an array of "
            f"{' x '.join(map(str, codes.shape))}; give (N, {dim})."
        )
    codes = codes.reshape(len(codes), dim)
    labels = options.labels
    if labels is not None and len(labels) != len(codes):
        if len(labels) != 1:
            raise UsageError(
                f"{counted(len(labels), 'label')} came with {counted(len(codes), 'code')}; give one for each, or "
                "one for all."
            )
        options = replace(options, labels=np.repeat(labels, len(codes), axis=0))
    return codes, options


def of_part(options: DecodeOptions, part: slice) -> DecodeOptions:
    """Return the options with the labels of a part of the codes."""
    return options if options.labels is None else replace(options, labels=options.labels[part])
