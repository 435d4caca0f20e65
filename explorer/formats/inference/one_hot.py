"""Whether a decoder's input ends, or begins, with the one-hot of a class: nothing but its weights can tell.

Numbers of a code are all alike, and so are the weights that take them. Those that take a class learn otherwise, and
are longer, or shorter, than the others by more than chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.formats.inference.links import Link

_CLASSES = 10  # of the data sets that nearly all conditional examples are made for
_WIDTHS = frozenset((2, 8, 10, 16, 20, 32, 50, 62, 64, 100, 128, 256, 512))  # usual ones of a code
_CODES = 2  # an InfoGAN (Chen et al. 2016, arXiv:1606.03657) has that many numbers behind its one-hot
_APART = 3.5  # standard errors, where a code of the whole width would be odd
_FAR_APART = 9.0  # and where it would not


@dataclass(frozen=True)
class OneHot:
    """A class among the numbers that a decoder takes.

    Attributes:
        classes: how many.
        before: it goes before the code, not behind.
        apart: by how many standard errors the weights that take it differ from the others.
    """

    classes: int
    before: bool
    apart: float


def one_hot(link: Link, tensors: Mapping[str, Tensor]) -> OneHot | None:
    """Return the class that a decoder's first link takes beside its code; None where nothing tells of one.

    Args:
        link: the first.
        tensors: of the file.
    """
    weight = tensors.get(f"{link.unit.key}.weight")
    width = link.wide_in
    if weight is None or width - _CLASSES not in _WIDTHS:
        return None
    rows = weight if link.kind == "convT" else weight.transpose(0, 1)
    if len(rows) != width:
        return None
    lengths = rows.flatten(1).float().norm(dim=1).clamp_min(1e-12).log()
    ends = {True: lengths, False: lengths.flip(0)}
    found = {before: _apart(ordered, 0) for before, ordered in ends.items()}
    before = max(found, key=lambda at: found[at])
    enough = max(_FAR_APART if width in _WIDTHS else _APART, _apart(ends[before], _CODES))
    return OneHot(_CLASSES, before, found[before]) if found[before] > enough else None


def _apart(lengths: Tensor, skipped: int) -> float:
    """Return by how many standard errors the first lengths, but for some, differ from the others in the mean."""
    mine = lengths[skipped : skipped + _CLASSES]
    others = torch.cat((lengths[:skipped], lengths[skipped + _CLASSES :]))
    if len(mine) < 2 or len(others) < 2:
        return 0.0
    error = (mine.var() / len(mine) + others.var() / len(others)).sqrt().clamp_min(1e-9)
    return float((mine.mean() - others.mean()).abs() / error)
