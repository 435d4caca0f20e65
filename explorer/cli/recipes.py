"""What several commands read into a recipe: the ends of a strip, two dimensions, the names of rows, a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from explorer.cli.options import Layout
from explorer.cli.work import Work
from explorer.data.codes import load_codes
from explorer.data.images import fit, read_image
from explorer.data.wording import counted, shown_list
from explorer.errors import LatentError, UsageError
from explorer.export import making
from explorer.export.recipe import Recipe
from explorer.latent import plane, sampling

TILES = 12
"""Decoded pictures a side behind a map."""

_MAP_CODES = 500  # drawn where no code book is there
_MARGIN = 0.05  # of a map's width, around the outermost points


def strip_ends(
    work: Work, codes: Path | None, images: tuple[Path, Path] | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the two codes `(2, dim)` and, of pictures, the pictures themselves, uint8 `(H, W, 1|3)`.

    Raises:
        LatentError: there are not two codes, or they do not fit.
        ImageError: a picture cannot be read.
        UsageError: the model cannot encode.
    """
    if codes is not None:
        pair = load_codes(codes, work.space)
        if len(pair) != 2:
            raise LatentError(
                f"{codes} holds {counted(len(pair), 'code')} where two belong; give (2, {work.space.dim})."
            )
        return pair, []
    assert images is not None
    read = [read_image(path) for path in images]
    spec = work.model.image
    for path, image in zip(images, read, strict=True):
        if image.width * (spec.height or 1) != image.height * (spec.width or 1):
            work.tell(f"{path} is {image.width}x{image.height} and was cropped at its centre.")
    mean, _ = work.encode(np.stack([fit(image, spec) for image in read]))
    return mean, [np.atleast_3d(np.asarray(image)) for image in read]


def two_dimensions(text: str, work: Work, option: str = "--dims") -> tuple[int, int]:
    """Return `I,J` as numbers.

    Raises:
        UsageError: not two different dimensions of the space.
    """
    dim = work.space.dim
    try:
        first, second = (int(word) for word in text.split(","))
    except ValueError:
        first = second = -1
    if dim == 1 and text == "0,1":
        return 0, 0
    if first == second or not (0 <= first < dim and 0 <= second < dim):
        raise UsageError(
            f"{option} {text} are not two dimensions of {work.space.name}; "
            f"give two different numbers from 0 to {dim - 1}."
        )
    return first, second


def row_labels(work: Work, dims: Sequence[int]) -> list[str]:
    """Return the names of dimensions, each with its note in a second line where it has one."""
    return [f"{work.dimension_label(index)}\n{work.remark(index)}".rstrip() for index in dims]


def known_codes(work: Work) -> np.ndarray:
    """Return the code book's means, or samples where there is none; float32 `(N, dim)`."""
    book = work.opened.code_book
    if book is not None and book.space == work.space.name:
        return book.mean
    return sampling.sample(work.space, _MAP_CODES, 0)


def map_recipe(
    work: Work, layout: Layout, shown: str = "pca", colour: str | None = None, tiles: int = TILES
) -> Recipe:
    """Return the recipe of the map of what `known_codes` gives.

    Args:
        work: whose codes.
        layout: how it is laid out.
        shown: the plane, `pca` or `I,J`, two 0-based dimensions.
        colour: the label column that colours the points; None takes a telling one.
        tiles: decoded pictures a side behind the points.

    Raises:
        UsageError: there is no such plane or column.
    """
    codes, book = known_codes(work), work.opened.code_book
    own = book is not None and codes is book.mean
    if shown.lower() == "pca":
        ground = plane.pca(codes, work.space, book.logvar if own and book is not None else None)
    else:
        ground = plane.dimensions(work.space, *two_dimensions(shown, work, "--plane"))
    points = ground.project(codes)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = _MARGIN * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    column, values = _column(book.labels if own and book is not None else {}, colour)
    return making.map_of(
        work.network,
        work.space,
        ground,
        (left, right, bottom, top),
        points,
        tiles=tiles,
        column=column,
        values=values,
        **work.shared(layout),
    )


def _column(labels: Mapping[str, np.ndarray], wanted: str | None) -> tuple[str, np.ndarray | None]:
    """Return a label column and its values; of any, one of numbers where there is one."""
    if wanted is None:
        by_kind = sorted(labels.items(), key=lambda column: column[1].dtype.kind != "f")
        return by_kind[0] if by_kind else ("", None)
    if wanted not in labels:
        has = f"it has: {shown_list(labels)}" if labels else "it has none; see encode --labels"
        raise UsageError(f"The code book has no label column {wanted} ({has}).")
    return wanted, labels[wanted]
