"""From a network's values to pixels, and back from the device: rounding, shrinking, what is no number.

The one place that knows how a value between 0 and 1 becomes one of 256 levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

Images = Tensor | np.ndarray
"""Pictures float32 `(N, C, H, W)`, on any device."""

CHECK_SIDE = 3  # pixels of one square of the check pattern
CHECK_VALUES = (64, 192)


def to_uint8(images: Images) -> tuple[np.ndarray, int]:
    """Round pictures, float `(N, C, H, W)` in 0..1, to uint8 `(N, H, W, 1|3)`: the one rule of the program.

    Values are clipped, 255 times them rounded half to even. A fourth channel is how opaque a pixel is, and the
    picture lies on white; of other numbers of channels the first is shown, or the first three. A pixel of which
    any channel is not finite is drawn as part of a grey check pattern.

    Returns:
        The pictures, and how many pixels were not finite.
    """
    if isinstance(images, Tensor) and _is_large(images) and bool(torch.isfinite(images.sum())):
        return _rounded(images), 0
    array = _visible(np.asarray(as_array(images), np.float32))
    scaled = np.clip(array, 0.0, 1.0)
    scaled *= np.float32(255)
    np.rint(scaled, out=scaled)
    bad = 0
    if not np.isfinite(array).all():
        missing = np.logical_not(np.isfinite(array).all(axis=1))  # (N, H, W)
        bad = int(missing.sum())
        rows, columns = np.indices(array.shape[2:]) // CHECK_SIDE
        checks = np.where((rows + columns) % 2, *CHECK_VALUES).astype(np.float32)
        scaled = np.where(missing[:, None], checks, scaled)
    return np.ascontiguousarray(scaled.transpose(0, 2, 3, 1), np.uint8), bad


_LARGE = 1 << 18  # values, from which on torch is quicker than numpy


def _is_large(images: Tensor) -> bool:
    is_plain = images.shape[1] in (1, 3)
    return is_plain and (images.numel() >= _LARGE or images.device.type != "cpu")


def _rounded(images: Tensor) -> np.ndarray:
    """Return pictures of finite values as uint8 `(N, H, W, C)`; rounded where they are, as bytes travel faster."""
    levels = images.float().clamp(0, 1).mul_(255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    if levels.device.type != "cuda":
        return levels.cpu().numpy()
    host = torch.empty(levels.shape, dtype=torch.uint8, pin_memory=True)
    host.copy_(levels, non_blocking=True)
    torch.cuda.current_stream().synchronize()
    return host.numpy()


def _visible(array: np.ndarray) -> np.ndarray:
    """Return pictures with one channel or three."""
    channels = array.shape[1]
    if channels in (1, 3):
        return array
    if channels == 4:
        opaque = array[:, 3:].clip(0.0, 1.0)
        return array[:, :3].clip(0.0, 1.0) * opaque + (1 - opaque)
    return array[:, : 3 if channels > 3 else 1]


def as_array(images: Images) -> np.ndarray:
    """Return pictures, or codes, as an array on the CPU."""
    return images.detach().cpu().numpy() if isinstance(images, Tensor) else images


def joined(parts: list[np.ndarray], shape: tuple[int | None, ...], kind: type) -> np.ndarray:
    """Return the parts in one array; `shape` is for the case that there is none."""
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.zeros((0, *(side or 0 for side in shape)), kind)


def shrunk(images: Images, max_side: int | None) -> Images:
    """Return pictures of which no side is longer than `max_side` pixels."""
    height, width = images.shape[-2:]
    if max_side is None or max(height, width) <= max_side:
        return images
    scale = max_side / max(height, width)
    size = (max(round(height * scale), 1), max(round(width * scale), 1))
    return functional.interpolate(torch.as_tensor(images).clamp(0, 1), size, mode="bilinear", antialias=True)


def warning(model: LatentModel, stages: Sequence[StageModel], bad: int, pictures: np.ndarray) -> str | None:
    """Return what to say of pixels that are no numbers, or None."""
    if not bad:
        return None
    who = " or ".join((model.name, *(f"the stage {stage.name}" for stage in stages)))
    everything = bad == pictures[..., 0].size
    what = "All values" if everything else f"{bad} of {pictures[..., 0].size} pixels"
    return (
        f"{what} that {who} gave are not numbers and are drawn as a check pattern; "
        "the checkpoint may hold weights that are not finite, or the code may be too far out."
    )
