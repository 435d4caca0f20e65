"""Which pictures a recipe learns from, and which it must never see.

Pictures are uint8 `(N, H, W, C)`, on the disk where they are many. The last ones of the main collection, in
natural order, are kept out; pictures that nearly equal a kept-out one leave the training set, wherever they
come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from explorer.data.images import PictureReading, grey
from explorer.data.spool import Spool
from explorer.data.wording import counted
from explorer.errors import Cancelled, ImageError, UsageError
from explorer.formats.reader import Progress, ShouldStop, never, nothing
from explorer.models.base import ImageSpec

AT_ONCE = 1 << 24
"""Bytes of pictures that are compared or moved at once."""

MOST_SIDE = 32
"""Pixels a side that near copies are told by; the threshold of 500 was found on pictures of 30x30."""


MOST_VALUES = 100_000_000
"""Of the pictures that figures of a whole collection are measured on."""


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

    @property
    def examples(self) -> np.ndarray:
        """Pictures to show what is learnt: those kept out, or those learnt from where none are."""
        return self.kept_out if len(self.kept_out) else self.images

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
    folder: Path | None = None,
    on_progress: Progress = nothing,
    should_stop: ShouldStop = never,
) -> TrainingPictures:
    """Read the collection `data`, and `extra` where one is named, and split them.

    Args:
        spec: the shape that pictures are cropped and scaled to.
        hold_out: how many of the last pictures of `data`, in natural order, are kept out; -1 is a tenth, 100
            at most.
        near_copy: pictures whose grey mean squared error (0..255, see `distances`) to any kept-out one is
            below this are left out.
        folder: where they lie if they are more than memory should hold; None is the system's temporary one.

    Raises:
        ImageError: a collection cannot be read, or nothing would be left to learn from.
        UsageError: `extra` is `data`.
        OutputError: there is no room for the pictures.
        Cancelled: `should_stop` turned true.
    """
    if extra:
        _check_extra(Path(data), Path(extra))
    paths, spool, read = [Path(data), *([Path(extra)] if extra else [])], Spool(folder), []
    for number, path in enumerate(paths):
        tell = partial(_tell, on_progress, path.name, number, len(paths))
        read.append(_read(PictureReading(path, spec, should_stop, tell), spool))
        if not number:
            count = len(spool)
            split = _split(path, count, hold_out)
    images, names = spool.array(), read[0].names[split:]
    kept_out = np.array(images[split:count])
    stays = _far(images, kept_out, near_copy, on_progress, should_stop)
    stays[split:count] = False
    main_count = int(stays[:split].sum())
    if main_count < 2:
        raise ImageError(
            f"Nearly all pictures of {data} are near copies of the {len(kept_out)} kept out; "
            "lower near_copy or hold_out."
        )
    return TrainingPictures(
        images=_compact(images, stays),
        main_count=main_count,
        kept_out=kept_out,
        kept_out_names=(names[0], names[-1]) if names else (),
        removed=len(images) - len(kept_out) - int(stays.sum()),
        sources=tuple(path.name for path in paths),
        notes=tuple(note for collection in read for note in collection.notes),
    )


def _check_extra(data: Path, extra: Path) -> None:
    if not extra.exists():
        raise ImageError(f"There is no file or folder {extra}, which extra names; check its spelling.")
    if data.exists() and data.samefile(extra):
        raise UsageError(f"The data and extra are both {extra}; leave extra out, or name another collection.")


def _split(data: Path, count: int, hold_out: int) -> int:
    """Return how many of `count` pictures are not kept out."""
    if count < 2:
        raise ImageError(f"{data} has 1 picture, too few to learn from; give a collection of many.")
    split = count - (hold_out if hold_out >= 0 else min(100, count // 10))
    if split < 2:
        raise ImageError(
            f"{data} has {counted(count, 'picture')}, so hold_out={hold_out} leaves too few to learn from; "
            "lower it or give more."
        )
    return split


@dataclass(frozen=True, eq=False)
class _Told:
    """What was read of one collection besides its pictures."""

    names: list[str]
    notes: tuple[str, ...]


def _read(reading: PictureReading, spool: Spool) -> _Told:
    """Add the pictures of a collection to the spool."""
    names = []
    for name, pixels in reading:
        spool.add(pixels)
        names.append(name)
    return _Told(names, reading.notes())


def _tell(on_progress: Progress, name: str, number: int, of: int, done: int, count: int) -> None:
    """Tell how far the reading of collection `number` of so many is."""
    on_progress((number + done / max(1, count)) / of, f"reading {name}: {done} of {count}")


def _far(
    images: np.ndarray,
    kept_out: np.ndarray,
    near_copy: float,
    on_progress: Progress,
    should_stop: ShouldStop,
) -> np.ndarray:
    """Return which pictures are no near copies of kept-out ones, `(N,)`."""
    if not near_copy or not len(kept_out):
        return np.ones(len(images), dtype=bool)
    on_progress(1.0, "looking for near copies")

    def each() -> Iterator[np.ndarray]:
        for nearest in _distances(images, kept_out):
            if should_stop():
                raise Cancelled
            yield nearest >= near_copy

    return np.concatenate(list(each()))


def _compact(images: np.ndarray, stays: np.ndarray) -> np.ndarray:
    """Move the pictures that stay to the front, in their order, and return those; no second copy is made."""
    count = 0
    for rows in _parts(images):
        moved = images[rows][stays[rows]]
        if count != rows.start or len(moved) != rows.stop - rows.start:
            images[count : count + len(moved)] = moved
        count += len(moved)
    return images[:count]


def weighted(pictures: TrainingPictures, times: int) -> Tensor:
    """Return the indices of one epoch: each main picture `times` times, each extra one once."""
    every = torch.arange(len(pictures.images))
    return torch.cat((every[: pictures.main_count].repeat(times), every[pictures.main_count :]))


def evenly(images: np.ndarray) -> np.ndarray:
    """Return pictures `(N, H, W, C)` that stand for a collection and fit into memory as float numbers: all, or some."""
    most = max(2, MOST_VALUES // images[0].size)
    return images if len(images) <= most else images[np.linspace(0, len(images) - 1, most).astype(int)]


def distances(images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the grey mean squared error (0..255) to the nearest of `others`, `(N,)`; inf if none.

    Of pictures with more than `MOST_SIDE` pixels a side the means of blocks are compared, whose sides are
    whole numbers of pixels; what fills no block at the right and below does not count.
    """
    if not len(others):
        return np.full(len(images), np.inf)
    return np.concatenate(list(_distances(images, others)))


def _distances(images: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """Yield `distances` for part after part of the images."""
    there = [_flat_grey(others[rows])[0] for rows in _parts(others)]  # each (k, blocks)
    for rows in _parts(images):
        here, block = _flat_grey(images[rows])
        nearest = np.minimum.reduce([_squared(here, part).min(1) for part in there])
        yield nearest / here.shape[1] / block**2


def _squared(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the squared distances `(N, K)` between rows."""
    return np.square(here).sum(1)[:, None] + np.square(there).sum(1) - 2 * here @ there.T


def _parts(images: np.ndarray) -> Iterator[slice]:
    """Yield slices that cover the pictures, each of at most `AT_ONCE` bytes and 2048 pictures."""
    step = min(2048, max(1, AT_ONCE // images[:1].nbytes)) if len(images) else 1
    for start in range(0, len(images), step):
        yield slice(start, min(start + step, len(images)))


def _flat_grey(images: np.ndarray) -> tuple[np.ndarray, int]:
    """Return sums of blocks, float64 `(N, blocks)`, and the pixels of a block.

    They are whole numbers, and so is all that is summed of them below 2**53, so that distances are exact.
    """
    shades = images[..., 0] if images.shape[-1] == 1 else grey(images)
    (height, width), (down, right) = (
        shades.shape[1:],
        (math.ceil(side / MOST_SIDE) for side in shades.shape[1:]),
    )
    shades = shades[:, : height // down * down, : width // right * right]
    blocks = shades.reshape(len(shades), height // down, down, width // right, right).sum(
        (2, 4), dtype=np.float64
    )
    return blocks.reshape(len(blocks), -1), down * right
