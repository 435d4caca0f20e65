"""How good the small grey faces and their colour stage are; see `quality`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .quality_figure import QualityFigure, figure

HELD_OUT = 100
_COLLECTIONS = {"main": "the 944 faces", "kept_out": "faces kept out", "learnt_from": "all learnt from"}


def anime_faces(data: Path, checkpoint: Path | str = "anime-faces") -> list[QualityFigure]:
    """Mean squared error (0..255) of faces rebuilt from their codes, and of a PCA with as many numbers."""
    from explorer.formats import open_latent
    from explorer.models.base import ImageSpec
    from explorer.training import fc_vae
    from explorer.training.pictures import load

    extra = str(data / "anime-faces-64" / "faces.zip")
    pictures = load(_faces(data), ImageSpec(1, 30, 30), extra=extra, hold_out=HELD_OUT, near_copy=500.0)
    model: Any = open_latent(checkpoint).model
    dim = model.spaces["z"].dim
    found = fc_vae.measure(model.network, pictures, dim)
    of = {"pca_of_main": f"{dim} principal components of the 944", "pca_of_all": f"{dim} of all"}
    return [
        figure(
            f"anime-faces/mse/{name}", found[name]["mse"], "", found[name][key], f"{whose}; baseline: {text}"
        )
        for name, whose in _COLLECTIONS.items()
        for key, text in of.items()
    ]


def anime_colorizer(
    data: Path, checkpoint: Path | str = "anime-colorizer", grey: Path | str = "anime-faces"
) -> list[QualityFigure]:
    """Mean absolute error of chroma (0..255) of decoded faces, and of the mean chroma of each grey level."""
    import torch

    from explorer.formats import open_latent, open_stage
    from explorer.models.base import ImageSpec
    from explorer.training import conv_colorizer
    from explorer.training.pictures import load

    pictures = load(_faces(data), ImageSpec(3, 30, 30), hold_out=HELD_OUT)
    vae, network = open_latent(grey).model, open_stage(checkpoint).network
    parts = [
        conv_colorizer.Pairs(vae, of, torch.device("cpu")) for of in (pictures.images, pictures.kept_out)
    ]
    with torch.inference_mode():
        found = conv_colorizer.measure(network, vae, *parts)  # type: ignore[arg-type]
    figures = []
    for key, name in (("learnt_from", "main"), ("kept_out", "kept_out")):
        part, note = found[key], f"{_COLLECTIONS[name]}; baseline: by grey level"
        for what in ("chroma_error", "colourfulness"):
            baseline = part[f"{what}_of_grey_levels"]
            figures.append(figure(f"anime-colorizer/{what}/{name}", part[what], "", baseline, note))
        for what in ("chroma_error_of_grey", "colourfulness_of_pictures"):
            figures.append(figure(f"anime-colorizer/{what}/{name}", part[what], "", None, _COLLECTIONS[name]))
    return figures


def _faces(data: Path) -> Path:
    return data / "seed-animeface" / "faces-30x30.zip"
