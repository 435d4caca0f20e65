"""Which part of a Keras graph is the generator: found by shapes, and by where the graph narrows.

A model within a model that goes from a small code to a picture is taken as it is; else the whole is cut, see
`keras_cuts`. The encoder is found by `keras_heads`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from explorer.data.wording import shown
from explorer.formats.keras_cuts import cuts
from explorer.formats.keras_inputs import (
    SHAPE_HINT,
    classes_of,
    code_among,
    inputs_of,
    label_inputs,
    layout_at,
    told_value,
)
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Part, Plan, Value, unknown_layer
from explorer.models.keras_layers import is_known
from explorer.models.keras_model import LabelInput, Layout

_GENERATES = re.compile(r"dec|gen")


@dataclass(frozen=True, eq=False)
class Generator:
    """From code to picture.

    Attributes:
        code: where the code comes in.
        labels: where the class comes in, in the plan's order after the code.
        place: the names of the model it was in the file; empty for the whole.
        cut: the whole was cut open at the code.
        left_out: a layer behind the picture that nobody knows how to run.
    """

    code: Value
    labels: tuple[tuple[Value, LabelInput], ...]
    classes: int
    plan: Plan
    layout: Layout
    place: tuple[str, ...] = ()
    cut: bool = False
    left_out: str = ""


def generator(network: Network, hints: Hints) -> Generator:
    """Return the part of a graph that goes from a code to a picture.

    Raises:
        KerasError: there is none, or nobody knows how to run a layer in it.
    """
    parts = list(_generators(network, hints))
    if hints.entry:
        named = [
            found
            for found in parts
            if found[0].place and hints.entry in (found[0].place[-1], "/".join(found[0].place))
        ]
        if not named:
            raise KerasError(_no_entry(hints.entry, parts))
        parts = named
    problems: list[KerasError] = []
    for part, code, picture in parts:
        try:
            return _planned(network, code, picture, hints, part.place, False)
        except KerasError as error:
            problems.append(error)
    for code, picture, place in cuts(network, hints):
        try:
            return _planned(network, code, picture, hints, place, True)
        except KerasError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    raise KerasError(_no_generator(network))


def _no_entry(wanted: str, parts: Sequence[tuple[Part, Value, Value]]) -> str:
    names = ", ".join(shown("/".join(part.place), 60) for part, _, _ in parts if part.place)
    can = f"the hint entry can be one of {names}" if names else "leave out the hint entry"
    return f"has no part {shown(wanted, 60)} that draws pictures; {can}"


def _no_generator(network: Network) -> str:
    first = network.graph.parts[0]
    own = [
        index
        for index in sorted(network.unknown)
        if not is_known(network.graph.steps[index].layer.class_name)
    ]
    if own:  # what follows is unknown because of it
        return unknown_layer(network.graph.steps[own[0]].layer)
    sides = []
    for values in (first.inputs, first.outputs):
        shapes = [network.shapes.get(value) for value in values]
        sides.append(
            " and ".join("x".join(map(str, shape)) if shape else "something unknown" for shape in shapes)
        )
    if is_encoder(network):
        return f"goes from {sides[0]} to {sides[1]}, so it is an encoder and draws nothing; open its decoder"
    return (
        f"goes from {sides[0]} to {sides[1]}, and no part of it from a code to a picture; save the decoder or "
        f"generator by itself, or {SHAPE_HINT}"
    )


def is_encoder(network: Network) -> bool:
    """Return whether a graph goes from pictures to rows of fewer numbers."""
    first = network.graph.parts[0]
    taken = [network.shapes.get(value, ()) for value in first.inputs]
    given = [network.shapes.get(value, ()) for value in first.outputs]
    if not given or any(len(shape) != 1 for shape in given):
        return False
    return any(len(shape) in (2, 3) and prod(shape) > 2 * max(map(prod, given)) for shape in taken)


def _generators(network: Network, hints: Hints) -> list[tuple[Part, Value, Value]]:
    """Return the models that go from a code to a picture, the likeliest first."""
    found = []
    for number, part in enumerate(network.graph.parts):
        for out in part.outputs:
            picture, _ = told_value(network, out)
            layout = layout_at(network, picture, hints)
            code = code_among(network, part.inputs, picture) if layout else None
            if code is not None:
                named = bool(part.place and _GENERATES.search(part.place[-1].lower()))
                rank = len(network.shapes[picture]) == 1  # a flat row may be a code, too
                found.append(((not named and number > 0, rank, number), part, code, out))
                break
    found.sort(key=lambda entry: entry[0])
    return [(part, code, picture) for _, part, code, picture in found]


def _planned(
    network: Network, code: Value, picture: Value, hints: Hints, place: tuple[str, ...], cut: bool
) -> Generator:
    """Return the way from a code to a picture, with what else it needs.

    Raises:
        KerasError: it needs another picture, or a layer that nobody knows how to run.
    """
    picture, left_out = told_value(network, picture)
    others = inputs_of(network, [code], [picture])
    layout = layout_at(network, picture, hints)
    if layout is None:
        raise KerasError(f"ends in values that are no picture; {SHAPE_HINT}")
    labels = label_inputs(network, others)
    classes = [classes_of(network, value, entry, hints) for value, entry in labels]
    plan = network.plan([code, *(value for value, _ in labels)], [picture])
    return Generator(code, tuple(labels), max(classes, default=0), plan, layout, place, cut, left_out)


def pictures_to_pictures(network: Network, hints: Hints) -> tuple[Plan, Layout, Layout] | None:
    """Return the whole model as a way from one picture to another; None where it is none."""
    whole = network.graph.parts[0]
    if len(whole.inputs) != 1:
        return None
    before = layout_at(network, whole.inputs[0], hints)
    after = next(
        ((value, layout) for value in whole.outputs if (layout := layout_at(network, value, hints))), None
    )
    if before is None or after is None:
        return None
    try:
        return network.plan([whole.inputs[0]], [after[0]]), before, after[1]
    except KerasError:
        return None
