"""Which part of a Keras graph is the generator and which the encoder: found by shapes, and by where the graph narrows.

A model within a model that goes from a small code to a picture is taken as it is; an autoencoder in one piece is
cut where it is narrowest. Names only decide between what shapes leave open (which input is the label).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from explorer.formats.sidecars import Hints
from explorer.models.keras_config import KerasError
from explorer.models.keras_graph import Network, Part, Plan, Value, unknown_layer
from explorer.models.keras_layers import IDENTITIES, is_known
from explorer.models.keras_model import LabelInput, Layout, layout_of
from explorer.models.keras_opaque import HalfSampling, Sampling
from explorer.models.keras_weighted import Shape

_LABEL = re.compile(
    r"label|class|cond|digit|one_?hot|categor|attribute|(^|_)(y|c|cls|lbl|tag|target)(_|\d|$)"
)
_CODE = re.compile(r"noise|latent|code|sampl|random|encod|(^|_)z(_|\d|$)")
_NOISE = re.compile(r"noise|random|eps")
_MEAN = re.compile(r"mean|mu|loc")
_SECOND = re.compile(r"var|sigma|std|scale|dev")
_GENERATES = re.compile(r"dec|gen")
_FOLLOWS = re.compile(
    r"Normalization|Activation|ReLU|ELU|Dropout|Noise|Flatten|Reshape|Softmax|Permute|Regularization"
)
_POSITIVE = ("softplus", "exponential", "relu", "sigmoid", "relu6", "hard_sigmoid")


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
    code: Value = field(default_factory=lambda: Value(-1))

    @property
    def is_variational(self) -> bool:
        """Whether it tells a variance, or draws codes."""
        return self.draws or self.halves or len(self.plan.wanted) > 1


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
        parts = named or parts
    problems: list[KerasError] = []
    for part, code, picture in parts:
        try:
            return _planned(network, code, picture, hints, part.place, False)
        except KerasError as error:
            problems.append(error)
    for code, picture, place in _cuts(network, hints):
        try:
            return _planned(network, code, picture, hints, place, True)
        except KerasError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    raise KerasError(_no_generator(network))


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
    return (
        f"goes from {sides[0]} to {sides[1]}, and no part of it from a code to a picture; save the decoder or "
        f"generator by itself, or {_SHAPE_HINT}"
    )


def _told(network: Network, value: Value) -> tuple[Value, str]:
    """Return a value, or what comes before a last layer with code of its own, whose name is returned then."""
    left_out = ""
    for _ in range(4):
        step = network.graph.steps[value.step]
        if is_known(step.layer.class_name) or value.step not in network.unknown or len(step.sources) != 1:
            break
        source = step.sources[0]
        sizes = [math.prod(network.shapes[v]) for v in (value, source) if v in network.shapes]
        if len(set(sizes)) > 1:
            break
        value, left_out = source, step.layer.name
    return value, left_out


def _generators(network: Network, hints: Hints) -> list[tuple[Part, Value, Value]]:
    """Return the models that go from a code to a picture, the likeliest first."""
    found = []
    for number, part in enumerate(network.graph.parts):
        for out in part.outputs:
            picture, _ = _told(network, out)
            layout = _layout(network, picture, hints)
            code = _code(network, part.inputs, picture) if layout else None
            if code is not None:
                named = bool(part.place and _GENERATES.search(part.place[-1].lower()))
                rank = len(network.shapes[picture]) == 1  # a flat row may be a code, too
                found.append(((not named and number > 0, rank, number), part, code, out))
                break
    found.sort(key=lambda entry: entry[0])
    return [(part, code, picture) for _, part, code, picture in found]


def _layout(network: Network, value: Value, hints: Hints) -> Layout | None:
    shape = network.shapes.get(value)
    return None if shape is None else layout_of(shape, image=hints.image, order=hints.order)


def _code(network: Network, inputs: Sequence[Value], picture: Value) -> Value | None:
    """Return the input that is the code: small beside the picture, and no label."""
    pixels = math.prod(network.shapes[picture])
    shapes = {value: network.shapes.get(value) for value in inputs}
    if any(shape is None for shape in shapes.values()):
        return None
    if any(layout_of(shape) and math.prod(shape) >= pixels for shape in shapes.values() if shape is not None):
        return None  # pictures come in
    small = [value for value in inputs if 0 < math.prod(shapes[value] or ()) < pixels]
    codes = [value for value in small if not _is_label(network, value, inputs)]
    if not codes:
        return (
            small[0]
            if len(small) == 1 and shapes[small[0]] != () and not _is_index(network, small[0])
            else None
        )
    made = [value for value in codes if not network.graph.steps[value.step].is_input]  # drawn by an encoder
    named = [value for value in codes if _CODE.search(_name(network, value))]
    if not made and not named and len(codes) == 2 and shapes[codes[0]] == (10,) != shapes[codes[1]]:
        return codes[1]  # ten digits come as a row of ten
    return (made or named or codes)[0]


def _name(network: Network, value: Value) -> str:
    return network.graph.steps[value.step].layer.name.lower()


def _is_label(network: Network, value: Value, inputs: Sequence[Value]) -> bool:
    """Tell whether an input among several takes a class."""
    shape = network.shapes.get(value)
    if shape is None or _is_index(network, value):
        return True
    name = _name(network, value)
    if len(inputs) < 2 or _CODE.search(name):
        return False
    return bool(_LABEL.search(name)) or math.prod(shape) == 1


def _is_index(network: Network, value: Value) -> bool:
    """Tell whether an input takes the number of a class: whole numbers, or looked up in a table."""
    step = network.graph.steps[value.step]
    if step.is_input and "int" in str(step.layer.config.get("dtype", "")):
        return True
    return _table(network, value) > 0


def _table(network: Network, value: Value, depth: int = 0) -> int:
    """Return how many classes the table has in which a value is looked up; 0 where it is not."""
    for step in network.graph.steps[value.step + 1 :]:
        if value not in step.sources:
            continue
        layer = step.layer
        if layer.class_name == "Embedding":
            size = layer.config.get("input_dim")
            return size if isinstance(size, int) else 0
        if layer.class_name == "CategoryEncoding":
            return int(layer.config.get("num_tokens") or 0)
        if depth < 4 and (layer.class_name in IDENTITIES or layer.class_name in ("Flatten", "Reshape")):
            after = Value(network.graph.steps.index(step))
            return _table(network, after, depth + 1)
    return 0


def _planned(
    network: Network, code: Value, picture: Value, hints: Hints, place: tuple[str, ...], cut: bool
) -> Generator:
    """Return the way from a code to a picture, with what else it needs.

    Raises:
        KerasError: it needs another picture, or a layer that nobody knows how to run.
    """
    picture, left_out = _told(network, picture)
    others = _inputs(network, [code], [picture])
    layout = _layout(network, picture, hints)
    if layout is None:
        raise KerasError(f"ends in values that are no picture; {_SHAPE_HINT}")
    labels = _label_inputs(network, others)
    classes = [_classes(network, value, entry, hints) for value, entry in labels]
    plan = network.plan([code, *(value for value, _ in labels)], [picture])
    return Generator(code, tuple(labels), max(classes, default=0), plan, layout, place, cut, left_out)


_SHAPE_HINT = "say the picture's shape with --hint image=CHANNELSxHEIGHTxWIDTH"


def _inputs(network: Network, given: Sequence[Value], wanted: Sequence[Value]) -> list[Value]:
    """Return the inputs on which wanted values depend besides given ones, in the graph's order."""
    found: set[Value] = set()
    seen: set[Value] = set(given)
    todo = [value for value in wanted if value not in seen]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        step = network.graph.steps[value.step]
        if step.is_input:
            found.add(value)
        todo += step.sources
    return sorted(found, key=lambda value: value.step)


def _label_inputs(network: Network, values: Sequence[Value]) -> list[tuple[Value, LabelInput]]:
    """Return how each input takes the class; of several rows only one can be a class, the others are left at 0.

    Raises:
        KerasError: one takes a picture, or nobody knows what.
    """
    found = [(value, _label_input(network, value)) for value in values]
    rows = [value for value, entry in found if entry.kind == "onehot"]
    if len(rows) < 2 or any(entry.kind == "index" for _, entry in found):
        return found
    named = [value for value in rows if _LABEL.search(_name(network, value))]
    tens = [value for value in rows if network.shapes[value][-1] == 10]
    chosen = (named or tens or rows)[0]
    zero = {value for value in rows if value != chosen and network.shapes[value] != network.shapes[chosen]}
    return [(value, LabelInput(entry.shape, "zero") if value in zero else entry) for value, entry in found]


def _label_input(network: Network, value: Value) -> LabelInput:
    """Return how an input takes a class.

    Raises:
        KerasError: it takes a picture, or nobody knows what.
    """
    shape = network.shapes.get(value)
    name = network.graph.steps[value.step].layer.name[:60]
    if shape is None:
        raise KerasError(f"does not say what its input {name} takes; save it again after it was called once")
    if _is_index(network, value) or math.prod(shape) == 1:
        return LabelInput(shape, "index")
    if _NOISE.search(name.lower()):
        return LabelInput(shape, "zero")
    if layout_of(shape) is not None and len(shape) > 1:
        raise KerasError(f"wants a picture besides the code (its input {name}), which is not possible here")
    return LabelInput(shape, "onehot")


def _classes(network: Network, value: Value, entry: LabelInput, hints: Hints) -> int:
    if entry.kind == "zero":
        return 0
    if entry.kind == "onehot":
        return entry.shape[-1]
    return _table(network, value) or hints.classes or 10


def _cuts(network: Network, hints: Hints) -> Iterator[tuple[Value, Value, tuple[str, ...]]]:
    """Yield where a model of one piece can be cut: an autoencoder where it is narrowest, a GAN before its judge."""
    for part in network.graph.parts:
        pictures = [value for value in part.inputs if _layout(network, value, hints)]
        for end in part.outputs:
            out, _ = _told(network, end)
            shape = network.shapes.get(out)
            if shape is None:
                continue
            for given in pictures:
                if math.prod(network.shapes[given]) == math.prod(shape) and _layout(network, out, hints):
                    yield from ((code, end, part.place) for code in _narrowest(network, given, out))
            if any(len(network.shapes[value]) > 1 for value in pictures):
                continue
            codes = [value for value in part.inputs if not _is_label(network, value, part.inputs)]
            for code in codes[:1]:
                inner = _inner_picture(network, code, out, hints)
                if inner is not None:
                    yield code, inner, part.place


def _gates(network: Network, given: Value, out: Value) -> list[Value]:
    """Return the values through which every way from one value to another leads, in order.

    In an order in which steps can run, a step is such a gate when no value from before it is used after it.
    """
    above = _before(network, out)
    outputs_of: dict[int, list[Value]] = {}
    for value in above:
        outputs_of.setdefault(value.step, []).append(value)
    on_way = {given.step}
    furthest: dict[int, int] = {}
    for index in range(given.step + 1, out.step + 1):
        sources = [v for v in network.graph.steps[index].sources if v.step in on_way and v in above]
        if sources and index in outputs_of:
            on_way.add(index)
            furthest |= {v.step: index for v in sources}
    gates = []
    reach = 0
    for index in sorted(on_way):
        outputs = outputs_of.get(index, [])
        if reach <= index and len(outputs) == 1:
            gates.append(outputs[0])
        reach = max(reach, furthest.get(index, 0))
    return gates


def _before(network: Network, out: Value) -> set[Value]:
    """Return all values that one depends on, and itself."""
    seen: set[Value] = set()
    todo = [out]
    while todo:
        value = todo.pop()
        if value in seen:
            continue
        seen.add(value)
        todo += network.graph.steps[value.step].sources
    return seen


def _narrowest(network: Network, given: Value, out: Value) -> list[Value]:
    """Return the narrowest place of an autoencoder: the fewest values, behind what follows without a kernel."""
    pixels = math.prod(network.shapes[given])
    gates = [
        value
        for value in _gates(network, given, out)
        if value not in (given, out) and value in network.shapes
    ]
    inner = [value for value in gates if math.prod(network.shapes[value]) < 0.9 * pixels]
    if not inner:
        inner = _fewest_places(network, gates, given)
    if not inner:
        return []
    least = min(math.prod(network.shapes[value]) for value in inner)
    place = next(
        index
        for index, value in enumerate(gates)
        if math.prod(network.shapes[value]) == least and value in inner
    )
    while place + 1 < len(gates):
        after = gates[place + 1]
        step = network.graph.steps[after.step]
        if math.prod(network.shapes[after]) != least or not _FOLLOWS.search(step.layer.class_name):
            break
        if step.layer.class_name == "Reshape" and len(network.shapes[after]) > 1:
            break  # the decoder's first layer
        place += 1
    return [gates[place]]


def _fewest_places(network: Network, gates: Sequence[Value], given: Value) -> list[Value]:
    """Return the maps of the smallest height and width."""

    def area(value: Value) -> int:
        shape: Shape = network.shapes[value]
        return math.prod(sorted(shape)[:2]) if len(shape) == 3 else math.prod(shape)

    maps = [value for value in gates if len(network.shapes[value]) == 3]
    least = min((area(value) for value in maps), default=0)
    return [value for value in maps if area(value) == least] if least and least < area(given) else []


def _inner_picture(network: Network, code: Value, out: Value, hints: Hints) -> Value | None:
    """Return the largest picture between a code and an output that is none: a generator stacked on its judge."""
    if len(network.shapes.get(code, ())) != 1 or _layout(network, out, hints):
        return None
    found = None
    for value in _gates(network, code, out):
        shape = network.shapes.get(value, ())
        layout = _layout(network, value, hints) if len(shape) > 1 else None
        if layout and (found is None or math.prod(shape) >= math.prod(network.shapes[found])):
            found = value
    return found


def encoder(
    network: Network, made: Generator | None, dim: int, image: Layout, hints: Hints
) -> Encoder | None:
    """Return the way from a picture to the code; None where the graph has none.

    Args:
        network: the graph, of the generator's file or of another.
        made: the generator, where it is of this graph.
        dim: of a code.
        image: of the generator's picture.
    """
    outputs = [list(part.outputs) for part in network.graph.parts]
    if made is not None:
        outputs.insert(0, [made.code])
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
        first, second = (_name(network, value) for value in heads[:2])
        if _SECOND.search(first) and not _SECOND.search(second) and _MEAN.search(second):
            heads[:2] = heads[1], heads[0]
        yield heads[:2], False, len(heads) > 2 or bool(drawn)
    elif heads:
        yield heads, False, _is_drawn(network, heads[0])
    if not sized and len(values) == 1 and network.shapes.get(values[0]) == (2 * dim,):
        yield list(values), True, True


def _is_drawn(network: Network, value: Value) -> bool:
    """Tell whether noise is among what a value is made of."""
    names = (network.graph.steps[v.step].layer for v in _before(network, value))
    return any(
        "random" in f"{layer.class_name} {layer.config.get('function', '')}".lower() for layer in names
    )


def _encoder_to(
    network: Network, heads: tuple[list[Value], bool, bool], image: Layout, hints: Hints
) -> Encoder | None:
    wanted, halves, draws = heads
    needed = _inputs(network, [], wanted)
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
        labels = [(value, _label_input(network, value)) for value in needed if value != pictures[0]]
        plan = network.plan([pictures[0], *(value for value, _ in labels)], wanted)
    except KerasError:
        return None
    is_sigma = len(wanted) > 1 and _last_activation(network, wanted[1]) in _POSITIVE
    entries = tuple(entry for _, entry in labels)
    return Encoder(plan, entries, layout, pictures[0], halves, is_sigma, draws, wanted[0])


def _last_activation(network: Network, value: Value) -> str:
    from explorer.models.keras_maths import activation_name

    layer = network.graph.steps[value.step].layer
    return activation_name(layer.config.get("activation"))


def pictures_to_pictures(network: Network, hints: Hints) -> tuple[Plan, Layout, Layout] | None:
    """Return the whole model as a way from one picture to another; None where it is none."""
    whole = network.graph.parts[0]
    if len(whole.inputs) != 1:
        return None
    before = _layout(network, whole.inputs[0], hints)
    after = next(
        ((value, layout) for value in whole.outputs if (layout := _layout(network, value, hints))), None
    )
    if before is None or after is None:
        return None
    try:
        return network.plan([whole.inputs[0]], [after[0]]), before, after[1]
    except KerasError:
        return None
