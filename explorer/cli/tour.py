"""What the program does without a display: six pictures that show what the window would."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from explorer import paths
from explorer.cli.options import Decoding, Device, Precision
from explorer.cli.work import Work, open_stage, say
from explorer.errors import OutputError
from explorer.export import layout, maps, sheets, strips, writing
from explorer.latent import interpolation, plane, sampling, traversal
from explorer.models.base import StageModel

FOLDER = Path("out") / "tour"
COLORIZER = "anime-colorizer"
_SAMPLES = 36
_ROWS = 16  # dimensions on the sheet
_MAP_SIDE = 12


def give_tour(file: str, stages: Sequence[str], device: Device, precision: Precision) -> None:
    """Render samples, sheet, strip, manifold, map and coloured samples of `file` into `out/tour/`.

    Raises:
        ExplorerError: the checkpoint cannot be used, or the folder not be written.
    """
    with Work(file, Decoding(device=device, precision=precision, stage=list(stages))) as work:
        say("No display was found, so no window opens; six pictures are rendered instead.")
        try:
            FOLDER.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(
                f"{FOLDER} cannot be made here ({reason}); go to a folder of your own."
            ) from error
        for name, render in _STOPS.items():
            image = render(work)
            if image is not None:
                writing.save_image(image, FOLDER / f"{name}.png")
                say(f"{FOLDER / name}.png")


def _samples(work: Work) -> layout.Image.Image:
    codes = sampling.sample(work.space, _SAMPLES, 0)
    return layout.grid(work.pictures(codes), math.isqrt(_SAMPLES))


def _sheet(work: Work) -> layout.Image.Image:
    codes = traversal.sheet(work.space, None, 9)[:_ROWS]
    pictures = work.pictures(codes.reshape(-1, work.space.dim))
    labels = [work.dimension_label(index) for index in range(len(codes))]
    return sheets.traversals(pictures.reshape(*codes.shape[:2], *pictures.shape[1:]), labels)


def _strip(work: Work) -> layout.Image.Image:
    codes = _known_codes(work)
    first, last = sampling.distant_pair(codes, work.space)
    return strips.strip(work.pictures(interpolation.path(codes[first], codes[last], 9)))


def _manifold(work: Work) -> layout.Image.Image:
    codes = traversal.manifold(work.space, _MAP_SIDE, (0, min(1, work.space.dim - 1)))
    return layout.grid(work.pictures(codes), _MAP_SIDE)


def _map(work: Work) -> layout.Image.Image:
    codes = _known_codes(work)
    book = work.opened.code_book
    ground = plane.pca(codes, work.space, book.logvar if book is not None else None)
    points = ground.project(codes)
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.05 * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    middles = (np.arange(_MAP_SIDE) + 0.5) / _MAP_SIDE
    across, down = np.meshgrid(left + (right - left) * middles, top - (top - bottom) * middles)
    tiles = work.pictures(ground.point(np.stack([across.ravel(), down.ravel()], axis=1)))
    column, values = _telling_column(work)
    return maps.map_picture(tiles, points, (left, right, bottom, top), values, column)


def _telling_column(work: Work) -> tuple[str, np.ndarray | None]:
    """Return a label column to colour the points by: one of numbers where there is any."""
    labels = work.opened.code_book.labels if work.opened.code_book else {}
    by_kind = sorted(labels.items(), key=lambda column: column[1].dtype.kind != "f")
    return by_kind[0] if by_kind else ("", None)


def _coloured(work: Work) -> layout.Image.Image | None:
    stages = work.stages or _colorizer(work)
    if not stages:
        work.tell(f"No colour stage takes pictures of {work.model.image}, so there is no coloured picture.")
        return None
    codes = sampling.sample(work.space, _SAMPLES, 0)
    pictures = work.render(codes, stages=stages).pictures
    assert pictures is not None
    return layout.grid(pictures, math.isqrt(_SAMPLES))


def _colorizer(work: Work) -> tuple[StageModel, ...]:
    """Return the bundled colour stage where it is there and its input fits."""
    if COLORIZER not in paths.bundled():
        return ()
    stage = open_stage(COLORIZER)
    return (stage,) if stage.input.accepts(work.model.image) else ()


def _known_codes(work: Work) -> np.ndarray:
    """Return the code book's means, or samples where there is none; float32 `(N, dim)`."""
    book = work.opened.code_book
    if book is not None and book.space == work.space.name:
        return book.mean
    return sampling.sample(work.space, 500, 0)


_STOPS = {
    "samples": _samples,
    "sheet": _sheet,
    "strip": _strip,
    "manifold": _manifold,
    "map": _map,
    "coloured": _coloured,
}
