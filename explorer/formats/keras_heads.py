"""The encoder of a Keras graph: the way from a picture to a mean and, in a variational one, a second head."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from explorer.formats.keras_cuts import all_before
from explorer.formats.keras_inputs import inputs_of, label_inputs, name_of
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Plan, Value
from explorer.models.keras_maths import activation_name
from explorer.models.keras_model import LabelInput, Layout, layout_of
from explorer.models.keras_opaque import HalfSampling, Sampling

_MEAN = re.compile(r"mean|mu|loc")
_SECOND = re.compile(r"var|sigma|std|scale|dev")
_POSITIVE = ("softplus", "exponential", "relu", "sigmoid", "relu6", "hard_sigmoid")


@dataclass(frozen=True, eq=False)
class Encoder:
    """From picture to code; `second` is None for a plain autoencoder."""

    plan: Plan
    labels: tuple[LabelInput, ...]
    layout: Layout
    picture: Value
    halves: bool = False
    is_sigma: bool = False
    draws: bool = False

    @property
    def is_variational(self) -> bool:
        """Whether it tells a variance, or draws codes."""
        return self.draws or self.halves or len(self.plan.wanted) > 1


def encoder(network: Network, code: Value | None, dim: int, image: Layout, hints: Hints) -> Encoder | None:
    """Return the way from a picture to the code; None where the graph has none.

    Args:
        network: the graph, of the generator's file or of another.
        code: where the generator takes it, if that is of this graph.
        dim: of a code.
        image: of the generator's picture.
    """
    outputs = [list(part.outputs) for part in network.graph.parts]
    if code is not None:
        outputs.insert(0, [code])
    for values in outputs:
        for heads in _heads(network, values, dim):
            found = _encoder_to(network, heads, image, hints)
            if found is not None:
                return found
    return None


def _heads(network: Network, values: Sequence[Value], dim: int) -> Iterator[tuple[list[Value], bool, bool]]:
    """Yield what may be mean and second head: the values, whether they lie in one, whether codes are drawn."""
    sized = [
        value
        for value in values
        if math.prod(network.shapes.get(value, ())) == dim and network.shapes.get(value)
    ]
    drawn = [value for value in sized if network.sampling(value.step)]
    for value in drawn:
        how, step = network.sampling(value.step), network.graph.steps[value.step]
        if isinstance(how, Sampling):
            yield [step.sources[how.mean], step.sources[how.second]], False, True
        elif isinstance(how, HalfSampling):
            yield [step.sources[0]], True, True
    heads = [value for value in sized if value not in drawn]
    if len(heads) >= 2:
        first, second = (name_of(network, value) for value in heads[:2])
        if _SECOND.search(first) and not _SECOND.search(second) and _MEAN.search(second):
            heads[:2] = heads[1], heads[0]
        yield heads[:2], False, len(heads) > 2 or bool(drawn)
    elif heads:
        yield heads, False, _is_drawn(network, heads[0])
    if not sized and len(values) == 1 and network.shapes.get(values[0]) == (2 * dim,):
        yield list(values), True, True


def _is_drawn(network: Network, value: Value) -> bool:
    """Tell whether noise is among what a value is made of."""
    names = (network.graph.steps[v.step].layer for v in all_before(network, value))
    return any(
        "random" in f"{layer.class_name} {layer.config.get('function', '')}".lower() for layer in names
    )


def _encoder_to(
    network: Network, heads: tuple[list[Value], bool, bool], image: Layout, hints: Hints
) -> Encoder | None:
    wanted, halves, draws = heads
    needed = inputs_of(network, [], wanted)
    pixels = image.image.channels * (image.image.height or 0) * (image.image.width or 0)
    pictures = [value for value in needed if math.prod(network.shapes.get(value, ())) == pixels]
    layout = None
    if pictures:
        layout = layout_of(
            network.shapes[pictures[0]], image=hints.image or image.image, order=hints.order or image.order
        )
    if not pictures or layout is None:
        return None
    try:
        labels = label_inputs(network, [value for value in needed if value != pictures[0]])
        plan = network.plan([pictures[0], *(value for value, _ in labels)], wanted)
    except KerasError:
        return None
    is_sigma = len(wanted) > 1 and _last_activation(network, wanted[1]) in _POSITIVE
    entries = tuple(entry for _, entry in labels)
    return Encoder(plan, entries, layout, pictures[0], halves, is_sigma, draws)


def _last_activation(network: Network, value: Value) -> str:
    layer = network.graph.steps[value.step].layer
    return activation_name(layer.config.get("activation"))
