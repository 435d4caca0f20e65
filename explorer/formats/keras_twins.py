"""Decoders that share an encoder in a Keras graph, as those that swap faces do: found by how the graph is built.

One model within the whole is called for each person's pictures, and a decoder of their own goes on from what it
gives. Names only say what the decoders are called.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from explorer.formats.keras_inputs import layout_at, told_value
from explorer.formats.keras_parts import Generator
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Part, Plan, Value
from explorer.models.keras_model import Layout

_MOST = 16  # decoders
_SHUFFLES = "PixelShuffler"


def twins(network: Network, hints: Hints) -> dict[str, Generator]:
    """Return the decoders that go on from the same encoder, by what they are called.

    What lies between may be larger than the pictures.

    Args:
        network: the graph.
        hints: one with `entry` asks for a decoder by itself.

    Returns:
        Two or more, in the file's order; none where there are not.
    """
    given = {value for part in network.graph.parts if part.place for value in part.outputs}
    together: dict[tuple[int, int], dict[int, Generator]] = {}
    for part in network.graph.parts if hints.entry is None else ():
        twin = _twin(network, part, given, hints)
        if twin is not None:
            source = id(network.graph.steps[twin.code.step].layer), twin.code.output
            last = id(network.graph.steps[twin.plan.wanted[0].step].layer)
            together.setdefault(source, {}).setdefault(last, twin)
    for found in together.values():
        image = next(iter(found.values())).layout.image
        alike = [twin for twin in found.values() if twin.layout.image == image][:_MOST]
        if len(alike) > 1:
            return dict(zip(_names([twin.place[-1] for twin in alike]), alike, strict=True))
    return {}


def _twin(network: Network, part: Part, given: Container[Value], hints: Hints) -> Generator | None:
    """Return a model within the whole as a decoder, if it goes from what another one gives to a picture."""
    if not part.place or len(part.inputs) != 1 or part.inputs[0] not in given:
        return None
    code = part.inputs[0]
    shape = network.shapes.get(code, ())
    picture = _picture(network, part.outputs, hints)
    if picture is None or not shape or (len(shape) > 1 and layout_at(network, code, hints) is not None):
        return None
    value, layout, left_out = picture
    try:
        plan = network.plan([code], [value])
    except KerasError:
        return None
    return Generator(code, (), 0, plan, layout, part.place, False, left_out)


def _picture(network: Network, outputs: Sequence[Value], hints: Hints) -> tuple[Value, Layout, str] | None:
    """Return the output of a decoder that is the picture; a mask beside it has one channel."""
    found = []
    for out in outputs:
        value, left_out = told_value(network, out)
        layout = layout_at(network, value, hints)
        if layout is not None:
            found.append((value, layout, left_out))
    found.sort(key=lambda entry: entry[1].image.channels != 3)
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
