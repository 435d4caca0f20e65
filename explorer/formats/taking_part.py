"""What speaks against a network that was found: how little of its file takes part; what else a file seems to hold.

Goes by shapes, and by names that torch itself gives to parameters; never by those of one project.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

from explorer.data.wording import shown
from explorer.formats.diagnosis import Diagnosis, Guess, by_certainty

_LEAST = 0.5
"""Share of a file's numbers that a network uses, from which on it is not doubted."""

_LEAST_OF_CHAINS = 0.9
"""The same where what is left is of layers that pass something on besides the picture."""

_RECURRENT = re.compile(r"(weight|bias)_(ih|hh)(_l\d+)?(_reverse)?$|(weight|bias)_hr_l\d+$")
_ATTENDS = re.compile(r"in_proj_(weight|bias)$|[qkv]_proj_weight$|bias_[kv]$")

_DOUBT = 0.35
Shapes = Mapping[str, tuple[int, ...]]


def doubted(diagnosis: Diagnosis) -> tuple[Diagnosis, list[str]]:
    """Return a diagnosis with the layers doubted where much of the file takes no part; and why, for people."""
    left = [tensor for tensor in diagnosis.tensors if not tensor.part]
    whole = sum(math.prod(tensor.shape) for tensor in diagnosis.tensors)
    share = 1 - sum(math.prod(tensor.shape) for tensor in left) / max(whole, 1)
    kind = _kind([tensor.key for tensor in left])
    if share >= (_LEAST_OF_CHAINS if kind else _LEAST) or not diagnosis.layers_text:
        return diagnosis, []
    what = f"{kind}, which are not read here" if kind else "what they belong to is not known"
    text = (
        f"Only {100 * share:.0f} % of the file's weights take part in this network, so its pictures are most likely "
        f"wrong; the others (such as {shown(left[0].key)}) are of {what}."
        if kind
        else f"Only {100 * share:.0f} % of the file's weights take part in this network, so it may be part of another "
        f"one; {what} (such as {shown(left[0].key)})."
    )
    reason = f"{100 * (1 - share):.0f} % of the file's weights take no part"
    least = min([_DOUBT, *(guess.certainty for guess in diagnosis.guesses)])
    guess = Guess("layers", diagnosis.layers_text, least, reason)
    return replace(diagnosis, guesses=by_certainty((guess, *diagnosis.guesses))), [text]


def _kind(keys: list[str]) -> str:
    """Return what layers tensors belong to, by the names that torch gives to parameters of no others."""
    if any(_RECURRENT.search(key) for key in keys):
        return "recurrent layers"
    return "layers with attention" if any(_ATTENDS.search(key) for key in keys) else ""


def seeming(shapes: Shapes) -> str:
    """Return what a file seems to do that is no drawing from codes, to stand behind "it seems to"; empty if unknown.

    Args:
        shapes: of its tensors, in order.
    """
    weights = [shape for shape in shapes.values() if len(shape) in (2, 4) and min(shape) > 0]
    kind = _kind(list(shapes))
    if kind:
        return f"have {kind}, which are not read here"
    if len(weights) < 2 or len(weights[0]) != 4 or weights[0][1] > 4:
        return ""
    first, last = weights[0], weights[-1]
    if len(last) == 4 and min(last[0], last[1]) <= 4 and max(last[0], last[1]) > 4:
        return (
            "go from picture to picture, without a code in between; such networks are read as stages, where they are "
            "those of CycleGAN or pix2pix, Keras files, or this program's own"
        )
    if len(last) == 2 and last == weights[-2] and last[0] < last[1]:
        return "turn pictures into codes, and not back; open the file with the decoder instead"
    if len(last) == 2 and last[0] < last[1] and first[0] > first[1]:
        return (
            f"judge pictures (it ends in {last[0]} numbers), not to draw any; open that of a decoder instead"
        )
    return ""
