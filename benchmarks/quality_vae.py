"""How good the bundled VAEs are; see `quality`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .quality_figure import QualityFigure, faces, figure

HELD_OUT_DIGITS = 1000
JUDGED_FACES = 500
_AT_ONCE = 250  # pictures


def digits_2d(data: Path, checkpoint: Path | str = "digits-2d") -> list[QualityFigure]:
    """The last 1000 digits, which nothing learnt from: likelihood, and what their neighbours in the plane are.

    `negative_elbo`: nats, grey values as probabilities, 16 codes of each posterior. `knn_accuracy`: how often most of
    the ten nearest codes of the digits learnt from have the label; baseline: guessing.
    """
    from explorer.data.images import read_pictures
    from explorer.models.base import ImageSpec
    from explorer.training.measures import knn_accuracy, negative_elbo

    folder = data / "mnist-10k"
    images = read_pictures(folder / "t10k-images-idx3-ubyte.gz", ImageSpec(1, 28, 28)).images
    labels = _labels(folder / "t10k-labels-idx1-ubyte.gz")
    model = _Opened(checkpoint)
    unit = images.transpose(0, 3, 1, 2) / np.float32(255)
    elbo = negative_elbo(model.encode, model.decode, unit[-HELD_OUT_DIGITS:], samples=16, seed=0)
    codes = model.encode(unit)[0]
    learnt, held = slice(None, -HELD_OUT_DIGITS), slice(-HELD_OUT_DIGITS, None)
    accuracy = knn_accuracy(codes[learnt], labels[learnt], codes[held], labels[held])
    return [
        figure("digits-2d/negative_elbo", elbo, "nats", None, f"of {HELD_OUT_DIGITS} digits kept out"),
        figure("digits-2d/knn_accuracy", accuracy, "", 0.1, "ten nearest codes; baseline: guessing"),
    ]


def faces_64(data: Path, checkpoint: Path | str = "faces-64") -> list[QualityFigure]:
    """Peak signal-to-noise ratio of the last 500 faces, rebuilt from their codes, and of a PCA with as many numbers."""
    from explorer.training.measures import mean_squared_error, pca_errors, psnr

    collection = faces(data)
    judged = collection.kept_out[-JUDGED_FACES:]
    model = _Opened(checkpoint)
    again = 255 * model.decode(model.encode(judged.transpose(0, 3, 1, 2) / np.float32(255))[0])
    ratio = psnr(mean_squared_error(again, judged.transpose(0, 3, 1, 2)), 255)
    errors = pca_errors(collection.images, model.dim, {"judged": judged})
    baseline = None if errors is None else psnr(errors["judged"], 255)
    note = f"of {len(judged)} faces kept out; baseline: {model.dim} principal components of those learnt from"
    return [figure("faces-64/psnr", ratio, "dB", baseline, note)]


class _Opened:
    """A model with arrays in and out, a few pictures at a time."""

    def __init__(self, checkpoint: Path | str) -> None:
        from explorer.formats import open_latent

        self._model: Any = open_latent(checkpoint).model
        self.dim: int = self._model.spaces[self._model.default_space].dim

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and log variance `(N, D)` of pictures `(N, C, H, W)` in 0..1."""
        import torch

        with torch.inference_mode():
            found = [self._model.encode(part.float()) for part in torch.from_numpy(images).split(_AT_ONCE)]
        return torch.cat([each.mean for each in found]).numpy(), torch.cat(
            [each.logvar for each in found]
        ).numpy()

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return pictures `(N, C, H, W)` in 0..1 of codes `(N, D)`."""
        import torch

        with torch.inference_mode():
            found = [self._model.decode(part.float()) for part in torch.from_numpy(codes).split(_AT_ONCE)]
        return torch.cat(found).numpy()


def _labels(path: Path) -> np.ndarray:
    """Return the labels of an idx file of the reference data, `(N,)`."""
    import gzip

    return np.frombuffer(gzip.decompress(path.read_bytes())[8:], np.uint8)
