"""How good the bundled models are: the figures of `checkpoints/README.md`, measured again on the reference data.

`FIGURES` says by model what measures it; to add one, write `measure(data) -> list of QualityFigure`, where `data` is
the folder that the README describes, and name it there. The measures themselves lie in the package (`training.quality`,
`training.measures`).
"""

from __future__ import annotations

import json as json_text
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from explorer import paths
from explorer.errors import UsageError

from .quality_anime import anime_colorizer, anime_faces
from .quality_figure import Measure, QualityFigure, faces, figure
from .quality_hair import hair_translate, hair_translate_back, twin_faces
from .quality_vae import digits_2d, faces_64

DATA = "EXPLORER_REFERENCE_DATA"
"""The variable of the environment that names the folder of reference data."""

_AT_ONCE = 128  # codes


def run(only: Sequence[str], json: bool) -> None:
    """Measure the models that `only` names, all bundled ones without any; a table or, with `json`, a list goes to
    standard output, progress to standard error.

    Raises:
        UsageError: no figures of such a model are known, it is not bundled, or there is no reference data.
    """
    chosen = _chosen(only)
    data = _reference_data()
    figures: list[QualityFigure] = []
    for name in chosen:
        print(f"{name} ...", file=sys.stderr)
        figures += FIGURES[name](data)
    if json:
        print(json_text.dumps([asdict(figure) for figure in figures], indent=1))
    else:
        _print(figures)


def faces_wgan_gp(data: Path, checkpoint: Path | str = "faces-wgan-gp") -> list[QualityFigure]:
    """2048 samples against the 2048 faces kept out, beside as many faces learnt from against the same.

    `swd`: sliced Wasserstein distance by side of the level, and their mean (see `training.quality`). `nearest`: how
    far a picture is from the nearest one learnt from; samples that are no nearer than kept-out faces are no copies.
    `variety`: how far two pictures are apart.
    """
    from explorer.training.quality import nearest_distances, sliced_wasserstein, variety

    collection = faces(data)
    held, learnt = collection.kept_out, collection.images
    chosen = np.random.default_rng(0).choice(len(learnt), len(held), replace=False)
    half = learnt[np.sort(chosen)]
    samples = _samples(checkpoint, len(held))
    distances, floor = sliced_wasserstein(samples, held), sliced_wasserstein(half, held)
    against = f"{len(held)} faces kept out; baseline: as many faces learnt from"
    found = [
        figure(f"faces-wgan-gp/swd/{side}", distances[side], "1e-3", floor[side], against)
        for side in distances
    ]
    means = (float(np.mean(list(these.values()))) for these in (distances, floor))
    found.append(figure("faces-wgan-gp/swd/mean", next(means), "1e-3", next(means), against))
    near, near_held = nearest_distances(samples, learnt), nearest_distances(held, learnt)
    for share, name in ((0.05, "least_5_percent"), (0.5, "median")):
        values = (float(np.quantile(these, share)) for these in (near, near_held))
        note = "of 255, to the nearest face learnt from; baseline: of faces kept out"
        found.append(figure(f"faces-wgan-gp/nearest/{name}", next(values), "rms", next(values), note))
    note = "of 255, between two samples; baseline: between two faces kept out"
    found.append(figure("faces-wgan-gp/variety", variety(samples), "rms", variety(held), note))
    return found


FIGURES: dict[str, Measure] = {
    "anime-faces": anime_faces,
    "anime-colorizer": anime_colorizer,
    "digits-2d": digits_2d,
    "faces-64": faces_64,
    "faces-wgan-gp": faces_wgan_gp,
    "hair-translate": hair_translate,
    "hair-translate-back": hair_translate_back,
    "twin-faces": twin_faces,
}


def _chosen(only: Sequence[str]) -> list[str]:
    bundled = paths.bundled()
    for wanted in only:
        if wanted not in FIGURES:
            raise UsageError(
                f"No figures of quality are known of {wanted}; choose from: {', '.join(FIGURES)}."
            )
        if wanted not in bundled:
            raise UsageError(f"The model {wanted} is not among the bundled ones; install the program again.")
    return [name for name in FIGURES if (name in only if only else name in bundled)]


def _reference_data() -> Path:
    named = os.environ.get(DATA, "")
    if not named or not Path(named).is_dir():
        where = f"names {named}, which is no folder" if named else "is not set"
        raise UsageError(
            f"Quality is measured on reference data, but the variable {DATA} {where}; "
            "set it to the folder that checkpoints/README.md describes."
        )
    return Path(named)


def _samples(checkpoint: Path | str, count: int) -> np.ndarray:
    """Return samples of a model's prior, uint8 `(count, H, W, C)`."""
    import torch

    from explorer.formats import open_latent
    from explorer.latent.sampling import sample

    model = open_latent(checkpoint).model
    codes = torch.from_numpy(np.array(sample(model.spaces[model.default_space], count, seed=0)))
    with torch.inference_mode():
        parts = [(255 * model.decode(part)).round().byte() for part in codes.split(_AT_ONCE)]  # type: ignore[union-attr]
    return torch.cat(parts).permute(0, 2, 3, 1).contiguous().numpy()


def _print(figures: list[QualityFigure]) -> None:
    from rich.console import Console
    from rich.table import Table

    from .tables import FILE_WIDTH

    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("figure", "value", "", "baseline", "ratio", "of"):
        table.add_column(title, justify="right" if title in ("value", "baseline", "ratio") else "left")
    for entry in figures:
        numbers = ["-" if it is None else f"{it:.4g}" for it in (entry.value, entry.baseline, entry.ratio)]
        table.add_row(entry.name, numbers[0], entry.unit, numbers[1], numbers[2], entry.note)
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(table)
