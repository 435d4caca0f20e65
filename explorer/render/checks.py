"""What must fit before a network runs: codes, space, options, labels; pictures to encode."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from explorer.data.wording import counted
from explorer.errors import ImageError, LatentError, UsageError
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
    if labels is not None:
        _check_labels(model, labels)
    if labels is not None and len(labels) != len(codes):
        if len(labels) != 1:
            raise UsageError(
                f"{counted(len(labels), 'label')} came with {counted(len(codes), 'code')}; give one for each, or "
                "one for all."
            )
        options = replace(options, labels=np.repeat(labels, len(codes), axis=0))
    return codes, options


def _check_labels(model: LatentModel, labels: np.ndarray) -> None:
    """Raise `UsageError` for a class that the model does not have."""
    if not model.classes:
        return
    known = f"0 to {model.classes - 1}"
    if labels.ndim == 2:
        if labels.shape[1] != model.classes:
            raise UsageError(
                f"{model.name} knows {model.classes} classes, but the labels have {labels.shape[1]} columns; give "
                f"numbers from {known}, or one column a class."
            )
    elif labels.size and (labels.min() < 0 or labels.max() >= model.classes):
        wrong = labels[(labels < 0) | (labels >= model.classes)][0]
        raise UsageError(f"{model.name} has no class {wrong}; its classes are {known}.")


def of_part(options: DecodeOptions, part: slice) -> DecodeOptions:
    """Return the options with the labels of a part of the codes."""
    return options if options.labels is None else replace(options, labels=options.labels[part])


def checked_images(model: LatentModel, images: np.ndarray) -> np.ndarray:
    """Return pictures to encode, uint8 `(N, H, W, C)`.

    Raises:
        ImageError: they are of another kind or shape, or there is none.
    """
    images, spec = np.asarray(images), model.image
    wanted = (spec.height, spec.width, spec.channels)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != wanted or not len(images):
        raise ImageError(
            f"{model.name} encodes 8-bit pictures of {spec} (channels x height x width), not "
            f"{images.dtype} of {' x '.join(map(str, images.shape))}; fit them to the model first."
        )
    return images
