"""How a decoder is told a class, where anything in a file tells it: tables, widths that differ, weights unlike others.

Nothing else makes a class: a wide code is a wide code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from explorer.formats.inference.links import side_of
from explorer.formats.inference.one_hot import one_hot
from explorer.formats.inference.parts import Parts
from explorer.formats.sidecars import Hints
from explorer.models.layered import Labels

_BEFORE = 0.3  # what it costs that a label goes before the code


@dataclass(frozen=True)
class Told:
    """One way in which the code and a label share what the decoder takes.

    Attributes:
        latent: width of the code.
        labels: None without any.
        cost: how unusual it is.
        reason: why it is believed.
        sure: the file leaves no other way.
    """

    latent: int
    labels: Labels | None = None
    cost: float = 0.0
    reason: str = ""
    sure: bool = False


def told_by(parts: Parts, hints: Hints, tensors: Mapping[str, Tensor]) -> list[Told]:
    """Return the ways to share a decoder's input, the likeliest first; never none.

    Args:
        parts: of the file.
        hints: what is known.
        tensors: of the file, for what weights alone can tell; none do for a test of shapes.
    """
    found = sorted(_ways(parts, hints, tensors), key=lambda way: way.cost)
    if hints.latent is not None:
        found = [way for way in found if way.latent == hints.latent] or found
    if hints.classes is not None:
        found = [way for way in found if (way.labels.classes if way.labels else 0) == hints.classes] or found
    return found or [Told(parts.width)]


def _ways(parts: Parts, hints: Hints, tensors: Mapping[str, Tensor]) -> Iterator[Told]:
    width, code = parts.width, parts.latent
    extra = width - code if code is not None else None
    wide = parts.branch[0].wide_in if parts.branch else 0
    table = next((table for table in parts.tables if table.shape[1] == wide), None)
    if parts.branch and table is not None:
        labels = Labels(table.shape[0], "embedding", table.key)
        yield Told(width, labels, 0.0, "a label has a table and a layer of its own", True)
        return
    if parts.branch:
        yield Told(width, Labels(parts.branch[0].wide_in), 0.0, "a label has a layer of its own", True)
        return
    for table in parts.tables:
        yield from _with_table(table.key, table.shape[0], table.shape[1], parts)
    if extra == 0:
        yield Told(
            width, None, 0.5 if parts.tables else 0.0, "the heads are as wide as the decoder's input", True
        )
    elif extra is not None and extra > 0:
        yield Told(
            width - extra,
            Labels(extra, encoder=_encoder_takes(parts, extra)),
            0.2,
            f"the decoder takes {extra} numbers more than the heads give",
            True,
        )
    else:
        seen = one_hot(parts.decoder[0], tensors) if not parts.tables and not parts.encodes else None
        if seen is not None:
            labels = Labels(seen.classes, join="before" if seen.before else "after")
            reason = f"its weights differ from the code's by {seen.apart:.0f} standard errors"
            yield Told(width - seen.classes, labels, 0.0, reason)
        yield Told(width, None, 1.0 if parts.tables or seen is not None else 0.0)
        classes = hints.classes or (width - hints.latent if hints.latent is not None else 0)
        if 0 < classes < width:
            yield Told(width - classes, Labels(classes), 0.1, "a hint says so", True)


def _with_table(key: str, classes: int, wide: int, parts: Parts) -> Iterator[Told]:
    """Yield the ways in which a table's rows join the code."""
    width, code = parts.width, parts.latent
    fits = code is None or width - wide == code
    if wide < width - 1 and fits:
        labels = Labels(classes, "embedding", key, encoder=_encoder_takes(parts, wide))
        reason = f"a table of {classes} classes, {wide} wide"
        yield Told(width - wide, labels, 0.0, reason, True)
        yield Told(width - wide, replace(labels, join="before"), _BEFORE, reason, True)
    if wide == width and code in (None, width):
        labels = Labels(classes, "embedding", key, "times")
        yield Told(width, labels, 0.1, f"a table of {classes} rows as wide as the code", True)


def _encoder_takes(parts: Parts, extra: int) -> bool:
    """Return whether the encoder takes a label beside the picture: it is wider by as much."""
    if not parts.encoder and not parts.mean:
        return False
    first = (*parts.encoder, *parts.mean)[0]
    last = parts.decoder[-1]
    if not first.flat:
        return first.wide_in - extra in (1, 3, 4)
    if last.flat:
        return first.wide_in - extra == last.wide_out
    return side_of(first.wide_in) is None and side_of(first.wide_in - extra) is not None
