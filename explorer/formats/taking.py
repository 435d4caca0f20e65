"""The parent's end of `handing`: makes real tensors of what the child process wrote down.

The numbers are read into memory of their own (from the checkpoint itself where they lie there), so a tensor
may become a parameter as it is, and neither the temporary folder nor the checkpoint stays in use.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from explorer.errors import Cancelled, CheckpointError
from explorer.formats import content_codec
from explorer.formats.handing import SIZES, Numbers
from explorer.formats.reader import Progress, ShouldStop

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 16 << 20
"""Bytes between two questions whether to stop."""


@dataclass(frozen=True, eq=False)
class Handed:
    """What came back.

    Attributes:
        kind: how the file lies on disk: "zip", "stream", "tar", "pickle" (all four by torch or pickle),
            "script", "export", "hdf5", "keras".
        content: the tree, with torch tensors in place; see `content`.
        notes: for people, what was left out.
    """

    kind: str
    content: Any
    notes: tuple[str, ...]


def take_over(path: Path, folder: Path, on_progress: Progress, should_stop: ShouldStop) -> Handed:
    """Return what the child read from `path` and wrote into `folder`.

    Raises:
        CheckpointError: the checkpoint has changed meanwhile, or the folder is gone.
        Cancelled: `should_stop` turned true.
    """
    try:
        said = json.loads((folder / "content.json").read_text(encoding="ascii"))
        with path.open("rb") as file, (folder / "numbers.raw").open("rb") as copied:
            tensors = _tensors(said["tensors"], file, copied, on_progress, should_stop)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} could not be taken over from the reading process; try again."
        ) from error
    return Handed(said["kind"], content_codec.decode(said["nodes"], tensors), tuple(said["notes"]))


def _tensors(
    listed: list[Any], file: BinaryIO, copied: BinaryIO, on_progress: Progress, should_stop: ShouldStop
) -> list[Tensor]:
    every = [Numbers(n[0], n[1], n[2], tuple(n[3]), tuple(n[4]), n[5]) for n in listed]
    total = sum(numbers.span for numbers in every) or 1
    read = 0
    tensors: list[Tensor] = []
    for numbers in every:
        tensors.append(_tensor(numbers, copied if numbers.copied else file, should_stop))
        read += numbers.span
        on_progress(0.4 + 0.3 * read / total, f"Taking over {read / 1e6:.0f} MB of weights")
    return tensors


def _tensor(numbers: Numbers, file: BinaryIO, should_stop: ShouldStop) -> Tensor:
    """Read the numbers of one tensor."""
    import torch

    raw = torch.empty(numbers.span, dtype=torch.uint8)
    _fill(memoryview(raw.numpy().data), file, numbers.offset, should_stop)
    if numbers.swapped:
        part = SIZES[numbers.dtype] // (2 if numbers.dtype.startswith("complex") else 1)
        raw = raw.view(-1, part).flip(1).reshape(-1)
    dtype = getattr(torch, numbers.dtype, None)
    if dtype is None:
        raise ValueError(numbers.dtype)
    values = raw.view(dtype)
    if 0 in numbers.shape:
        return values.reshape(numbers.shape)
    if dtype == torch.bool:
        values = raw != 0  # other bytes than 0 and 1 are no truth values
    return values.as_strided(numbers.shape, numbers.strides).contiguous()


def _fill(target: memoryview, file: BinaryIO, offset: int, should_stop: ShouldStop) -> None:
    file.seek(offset)
    for start in range(0, len(target), _BLOCK):
        if should_stop():
            raise Cancelled
        block = target[start : start + _BLOCK]
        if file.readinto(block) != len(block):  # type: ignore[attr-defined]
            raise OSError("the file has become shorter")
