"""The weights of a file as the float32 that all networks here compute with, and what is said of doing so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from explorer.data.wording import shown
from explorer.errors import CheckpointError

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
"""What weights can be."""

CHECKED_BYTES = 64 << 20
"""Of a larger network not every weight is looked at for NaN, as that would read the whole file; the pictures tell."""

_NAMED = 4  # tensors told in a sentence


def in_float32(tensors: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """Return weights as float32, with notes of what they were and of values that are not numbers.

    Raises:
        CheckpointError: one is none; the text names `path`.
    """
    for key, tensor in tensors.items():
        check_float(key, tensor, path)
    kinds = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()} - {"float32"}
    notes = [f"The weights are {' and '.join(sorted(kinds))} and were widened to float32."] if kinds else []
    converted = {key: tensor.to(torch.float32) for key, tensor in tensors.items()}
    if sum(tensor.nbytes for tensor in converted.values()) > CHECKED_BYTES:
        return converted, notes
    broken = [shown(key) for key, tensor in converted.items() if not torch.isfinite(tensor).all()]
    if broken:
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        notes.append(
            f"Some weights are not numbers (NaN or infinite), in {', '.join(broken[:_NAMED])}{more}; pictures may "
            "show a check pattern: take an earlier checkpoint, from before the training broke down."
        )
    return converted, notes


def check_float(key: str, tensor: Tensor, path: Path) -> None:
    """Raise `CheckpointError` for a tensor that holds something else than real numbers."""
    if tensor.dtype not in FLOATS:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise CheckpointError(
            f"The tensor {shown(key)} in {path} holds {kind} instead of floating point weights; save the network "
            "unquantised, in float32."
        )
