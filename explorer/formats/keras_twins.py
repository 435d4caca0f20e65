"""Decoders that share an encoder in a Keras graph, as those that swap faces do: found by how the graph is built.

One model within the whole is called for each person's pictures, and a decoder of their own goes on from what it
gives. Names only say what the decoders are called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from explorer.formats.keras_inputs import layout_at, told_value
from explorer.formats.keras_parts import Generator
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Part, Plan, Value
from explorer.models.keras_model import Layout

_MOST = 16  # decoders
_SHUFFLES = "PixelShuffler"


def twins(network: Network, made: Generator, hints: Hints) -> dict[str, Generator]:
    """Return all decoders that go on from the same encoder as one of them, by what they are called.

    Args:
        network: the graph.
        made: the one that was found.
        hints: one with `entry` asks for a decoder by itself.

    Returns:
        Two or more, in the file's order; none where it is alone.
    """
    if hints.entry is not None or made.cut or made.labels or network.graph.steps[made.code.step].is_input:
        return {}
    found: list[tuple[Part, Generator]] = []
    seen: set[int] = set()
    for part in network.graph.parts:
        twin = _twin(network, part, made, hints)
        if twin is None or len(found) >= _MOST or (found and twin.layout.image != found[0][1].layout.image):
            continue
        last = id(network.graph.steps[twin.plan.wanted[0].step].layer)
        if last not in seen:
            seen.add(last)
            found.append((part, twin))
    if len(found) < 2:
        return {}
    names = _names([part.place[-1] for part, _ in found])
    return {name: twin for name, (_, twin) in zip(names, found, strict=True)}


def _twin(network: Network, part: Part, made: Generator, hints: Hints) -> Generator | None:
    """Return a part as a decoder, if it is one that goes on from the encoder of another."""
    if not part.place or len(part.inputs) != 1 or not isinstance(part.inputs[0], Value):
        return None
    code = part.inputs[0]
    first, mine = network.graph.steps[made.code.step], network.graph.steps[code.step]
    if mine.layer is not first.layer or code.output != made.code.output:
        return None
    picture = _picture(network, part.outputs, made.layout, hints)
    if picture is None:
        return None
    value, layout, left_out = picture
    try:
        plan = network.plan([code], [value])
    except KerasError:
        return None
    return replace(made, code=code, plan=plan, layout=layout, place=part.place, left_out=left_out)


def _picture(
    network: Network, outputs: Sequence[Value], wanted: Layout, hints: Hints
) -> tuple[Value, Layout, str] | None:
    """Return the output of a decoder that is the picture; a mask beside it has one channel."""
    found = []
    for out in outputs:
        value, left_out = told_value(network, out)
        layout = layout_at(network, value, hints)
        if layout is not None:
            found.append((value, layout, left_out))
    found.sort(key=lambda entry: (entry[1].image.channels != 3, entry[1].image != wanted.image))
    return found[0] if found else None


def _names(places: Sequence[str]) -> list[str]:
    """Return what tells names apart, in lower case: `decoder_a` and `decoder_b` are a and b."""
    words = [place.lower() for place in places]
    start = _shared(words)
    ends = [word[start:] for word in words]
    stop = _shared([end[::-1] for end in ends])
    parts = [re.sub(r"[^a-z0-9]+", "_", end[: len(end) - stop]).strip("_")[:20] for end in ends]
    if all(parts) and len(set(parts)) == len(parts):
        return parts
    return [chr(ord("a") + place) for place in range(len(places))]


def _shared(words: Sequence[str]) -> int:
    """Return with how many letters all words begin alike."""
    return next(
        (at for at, letters in enumerate(zip(*words, strict=False)) if len(set(letters)) > 1),
        min(map(len, words)),
    )


def is_reversed(network: Network, plans: Sequence[Plan]) -> bool:
    """Tell whether pictures come as blue, green, red: where decoders that share an encoder shuffle pixels.

    Programs that swap faces read pictures that way, and those that enlarge them by this layer are all of one family.
    """
    return any(
        network.graph.steps[step].layer.class_name == _SHUFFLES for plan in plans for step in plan.steps
    )


def notes(heads: Sequence[str], is_turned: bool) -> list[str]:
    """Return what people should know of a model with several decoders."""
    told = [
        f"One encoder serves {len(heads)} decoders; the option head says which draws: {', '.join(heads)}."
    ]
    if is_turned:
        told.append(
            "Networks that swap faces like this one store blue, green, red, which is undone (hint color)."
        )
    return told
