"""Stages on pictures that are too large to be run at once: a few rows at a time, with the same result.

A network that can do so has `in_strips(images, rows)` and says how much memory it takes (`bytes_per_pixel`,
`strip_bytes_per_pixel`). Which way is taken goes by the size of the picture alone, so the same picture gives the same
bits on a machine with more memory, too; what is free only decides whether it is tried at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from explorer.errors import DeviceError

if TYPE_CHECKING:
    from explorer.models.base import StageModel

AT_ONCE = 1 << 30
"""Bytes that a picture may take as a whole; a larger one is computed in strips."""

STRIP = 1 << 28
"""Bytes that one strip may take."""

_LEAST_ROWS = 8
_SHARE = 0.9  # of the free memory that is used

Progress = Callable[[float], None]


def apply_raw(stage: StageModel, images: Tensor, on_progress: Progress) -> Tensor:
    """Return what `stage.apply_raw` does for pictures `(N, C, H, W)` in 0..1, in strips where they are large.

    Raises:
        DeviceError: there is not enough memory even so; nothing was computed.
    """
    rows = rows_at_once(stage, images.shape[1:])
    _check_memory(stage, images, rows)
    if rows is None:
        return stage.apply_raw(images)
    work = stage.network.in_strips(stage.native_range.to_native(images), rows)  # type: ignore[operator]
    while True:
        try:
            on_progress(next(work))
        except StopIteration as end:
            return end.value


def rows_at_once(stage: StageModel, shape: Sequence[int]) -> int | None:
    """Return how many rows of a picture `(C, H, W)` are computed at a time; None where it is run as a whole."""
    height, width = shape[1:]
    needed = getattr(stage.network, "bytes_per_pixel", 0)
    if not hasattr(stage.network, "in_strips") or needed * height * width <= AT_ONCE:
        return None
    return max(STRIP // (2 * needed * width), _LEAST_ROWS)


def _check_memory(stage: StageModel, images: Tensor, rows: int | None) -> None:
    count, (_, height, width) = len(images), images.shape[1:]
    whole = getattr(stage.network, "bytes_per_pixel", 0)
    if rows is None:
        needed = whole * count * height * width
    else:
        kept: int = getattr(stage.network, "strip_bytes_per_pixel", 0)
        needed = kept * height * width + 2 * whole * (rows + 16) * width
    if needed <= STRIP:
        return
    free = free_memory(images.device.type)
    if free is not None and needed > _SHARE * free:
        raise DeviceError(
            f"The stage {stage.name} takes about {needed / 2**30:.1f} GB for a picture of {width} x {height} "
            f"pixels, and {free / 2**30:.1f} GB are free; close other programs or give a smaller picture."
        )


def free_memory(device: str) -> int | None:
    """Return how many bytes a device has left, or None where that is not known."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    if device != "cpu":
        return None
    found = [left for left in (_of_machine(), _of_group()) if left is not None]
    return min(found, default=None)


def _of_machine() -> int | None:
    """Return what Linux calls available; None elsewhere."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            said = next((line for line in lines if line.startswith("MemAvailable:")), "")
        return int(said.split()[1]) << 10
    except (OSError, ValueError, IndexError):
        return None


def _of_group() -> int | None:
    """Return what a container leaves; None where there is no such limit."""
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as most:
            limit = int(most.read())
        with open("/sys/fs/cgroup/memory.current", encoding="ascii") as used:
            return max(limit - int(used.read()), 0)
    except (OSError, ValueError):
        return None
