"""Weights that were stored in two parts, put together as the network used them: weight norm and spectral norm.

Both spellings of torch: hooks (`weight_g`, `weight_v`; `weight_orig`, `weight_u`, `weight_v`) and
parametrizations (`parametrizations.weight.original0`, ...). Tensors only; no file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_INNER = ".parametrizations"
_NEW = re.compile(r"(.*?)\.?parametrizations\.(\w+)\.(original\d?|\d+\._[uv])$")
_OLD = re.compile(r"(.*\.|)(\w+?)_(g|v|orig|u)$")


def fold(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Return the tensors with every weight in one piece, at the place of its first part, and notes about it.

    Weight norm (Salimans & Kingma 2016, arXiv:1602.07868) and spectral norm (Miyato et al. 2018,
    arXiv:1802.05957) with the vectors as they are stored, as a network in eval mode uses them.
    """
    groups: dict[str, dict[str, str]] = {}
    for key in tensors:
        found = _part(key)
        if found:
            groups.setdefault(found[0], {})[found[1]] = key
    groups = {
        name: parts for name, parts in groups.items() if {"orig"} <= set(parts) or {"g", "v"} <= set(parts)
    }
    owner = {key: name for name, parts in groups.items() for key in parts.values()}
    folded: dict[str, Tensor] = {}
    kinds: dict[str, int] = {}
    for key, tensor in tensors.items():
        name = owner.get(key)
        if name is None:
            folded[key] = tensor
        elif name not in folded:
            kind, folded[name] = _whole({part: tensors[at] for part, at in groups[name].items()})
            kinds[kind] = kinds.get(kind, 0) + 1
    return folded, [f"{count} weights were put together from their {kind}." for kind, count in kinds.items()]


def without_inner(paths: Mapping[str, object] | list[str]) -> list[str]:
    """Return paths of submodules without those that only hold the parts of a weight."""
    return [path for path in paths if _INNER not in f".{path}"]


def _part(key: str) -> tuple[str, str] | None:
    """Return whose part a tensor is, and which: "g", "v", "orig" or "u"."""
    new = _NEW.match(key)
    if new:
        part = {"original0": "g", "original1": "v", "original": "orig"}.get(new[3])
        if part is None:  # spectral norm's vectors
            part = "u" if new[3].endswith("u") else "v"
        return f"{new[1]}.{new[2]}" if new[1] else new[2], part
    old = _OLD.match(key)
    return (old[1] + old[2], old[3]) if old else None


def _whole(parts: Mapping[str, Tensor]) -> tuple[str, Tensor]:
    """Return a weight, and what it was made from; parts that do not fit each other leave it as it is."""
    parts = {name: tensor.to(torch.float32) for name, tensor in parts.items()}
    if "orig" in parts:
        weight = parts["orig"]
        if "u" not in parts:
            return "originals, as nothing tells how they were changed", weight
        return "spectral norm", _spectral(weight, parts["u"], parts.get("v"))
    scale, direction = parts["g"], parts["v"]
    across = [d for d in range(direction.ndim) if scale.ndim != direction.ndim or scale.shape[d] == 1]
    length = direction.square().sum(across, keepdim=True).sqrt() if across else direction.abs()
    scale = scale if scale.ndim == direction.ndim else scale.reshape([1] * direction.ndim)
    return "weight norm", direction * (scale / length)


def _spectral(weight: Tensor, left: Tensor, right: Tensor | None) -> Tensor:
    """Return `weight / (left^T W right)`; which dimension makes the rows of W is told by the vectors.

    It is the second for a transposed convolution; where both are of one size, `left` is nearer to `W right`
    with the true one.
    """
    best, sigma = -1.0, None
    for dim in range(min(2, weight.ndim)):
        matrix = weight.movedim(dim, 0).flatten(1)
        if matrix.shape[0] != left.numel() or (right is not None and matrix.shape[1] != right.numel()):
            continue
        across = torch.nn.functional.normalize(matrix.T @ left, dim=0) if right is None else right
        image = matrix @ across
        agreement = float(torch.nn.functional.cosine_similarity(image, left, dim=0))
        if agreement > best:
            best, sigma = agreement, left @ image
    return weight if sigma is None or float(sigma) == 0 else weight / sigma
