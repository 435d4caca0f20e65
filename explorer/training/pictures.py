"""Which pictures a recipe learns from, and which it must never see.

Pictures are uint8 `(N, H, W, C)`. The last ones of the main collection, in natural order, are kept out;
pictures that nearly equal a kept-out one leave the training set, wherever they come from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.data.images import grey, read_pictures
from explorer.data.wording import counted
from explorer.errors import Cancelled, ImageError
from explorer.models.base import ImageSpec
from explorer.training.settings import setting


@dataclass(frozen=True)
class PictureSettings:
    """What every recipe that learns from one collection of pictures, or two, may be told about them."""

    extra: str = setting("", "a second collection of pictures to learn from")
    hold_out: int = setting(
        100, "how many of the last pictures of the data are kept out and reported", least=0
    )
    near_copy: float = setting(
        500.0, "pictures this near to a kept-out one (grey mean squared error) are left out", least=0
    )


@dataclass(frozen=True, eq=False)
class TrainingPictures:
    """A split collection.

    Attributes:
        images: uint8 `(N, H, W, C)`, to learn from: the main collection's first, then the extra ones.
        main_count: how many of `images` are the main collection's.
        kept_out: uint8 `(K, H, W, C)`, never learnt from.
        kept_out_names: first and last name, for the report; empty where K is 0.
        removed: how many near copies of kept-out pictures were left out.
        sources: names of the files or folders, main and extra.
        notes: what reading them had to change.
    """

    images: np.ndarray
    main_count: int
    kept_out: np.ndarray
    kept_out_names: tuple[str, ...]
    removed: int
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def main(self) -> np.ndarray:
        """The main collection's share of `images`."""
        return self.images[: self.main_count]

    def facts(self) -> dict[str, object]:
        """Return what a report says of the data, as plain values."""
        return {
            "sources": list(self.sources),
            "learnt_from": len(self.images),
            "of_main": self.main_count,
            "kept_out": len(self.kept_out),
            "kept_out_names": list(self.kept_out_names),
            "near_copies_removed": self.removed,
            "notes": list(self.notes),
        }


def load(
    data: Path | str,
    spec: ImageSpec,
    *,
    extra: str = "",
    hold_out: int = 0,
    near_copy: float = 0.0,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainingPictures:
    """Read the collection `data`, and `extra` where one is named, and split them.

    Args:
        spec: the shape that pictures are cropped and scaled to.
        hold_out: how many of the last pictures of `data`, in natural order, are kept out.
        near_copy: pictures whose grey mean squared error (0..255) to any kept-out one is below this are
            left out.

    Raises:
        ImageError: a collection cannot be read, or nothing would be left to learn from.
        Cancelled: `should_stop` turned true.
    """
    if extra and not Path(extra).exists():
        raise ImageError(f"There is no file or folder {extra}, which extra names; check its spelling.")
    main = read_pictures(Path(data), spec, should_stop=should_stop)
    split = len(main.images) - hold_out
    if split < 2:
        raise ImageError(
            f"{data} has {counted(len(main.images), 'picture')}, so hold_out={hold_out} leaves too few to learn "
            "from; lower it or give more."
        )
    images, kept_out = main.images[:split], main.images[split:]
    notes, sources = list(main.notes), [Path(data).name]
    if extra:
        more = read_pictures(Path(extra), spec, should_stop=should_stop)
        images = np.concatenate((images, more.images))
        notes += more.notes
        sources.append(Path(extra).name)
    if should_stop():
        raise Cancelled
    distinct = distances(images, kept_out) >= near_copy
    if distinct[:split].sum() < 2:
        raise ImageError(
            f"Nearly all pictures of {data} are near copies of the {hold_out} kept out; "
            "lower near_copy or hold_out."
        )
    names = main.names[split:]
    return TrainingPictures(
        images=images[distinct],
        main_count=int(distinct[:split].sum()),
        kept_out=kept_out,
        kept_out_names=(names[0], names[-1]) if names else (),
        removed=int((~distinct).sum()),
        sources=tuple(sources),
        notes=tuple(notes),
    )


def weighted(pictures: TrainingPictures, times: int) -> Tensor:
    """Return the indices of one epoch: each main picture `times` times, each extra one once."""
    every = torch.arange(len(pictures.images))
    return torch.cat((every[: pictures.main_count].repeat(times), every[pictures.main_count :]))


def distances(images: np.ndarray, others: np.ndarray, chunk: int = 2048) -> np.ndarray:
    """Return the grey mean squared error (0..255) to the nearest of `others`, `(N,)`; inf if none."""
    if not len(others):
        return np.full(len(images), np.inf)
    there = _flat_grey(others)  # (K, pixels)
    length = np.square(there).sum(1)

    def nearest() -> Iterator[np.ndarray]:
        for start in range(0, len(images), chunk):
            here = _flat_grey(images[start : start + chunk])
            squared = np.square(here).sum(1)[:, None] + length - 2 * here @ there.T
            yield squared.min(1) / there.shape[1]

    return np.concatenate(list(nearest()))


def _flat_grey(images: np.ndarray) -> np.ndarray:
    """Return float64 `(N, H*W)`: whole numbers below 2**53, so that the distances are exact."""
    shades = images[..., 0] if images.shape[-1] == 1 else grey(images)
    return shades.reshape(len(images), -1).astype(np.float64)
