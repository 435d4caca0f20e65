"""Keras weights without a description: a decoder, and an encoder where there is one, guessed as Keras users build them.

What shapes decide is taken from them: kinds, widths, the start grid. Strides are chosen so that a usual picture
comes out; the rest are the usual choices ('same' padding, ReLU, sigmoid), each of them a guess with its hint.
Batch norm's statistics decide where there are any; see `keras_judging`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from explorer.formats import keras_judging
from explorer.formats.diagnosis import Guess
from explorer.formats.keras_condition import Condition, conditioned, separated, settled
from explorer.formats.keras_layout import Found
from explorer.formats.keras_units import Chain, Unit, chains
from explorer.formats.sidecars import Hints
from explorer.models.keras_config import Call, KerasError, Layer, Model, Ref

_USUAL = {28: 10, 32: 10, 64: 10, 128: 9, 256: 8, 512: 6, 96: 5, 48: 5, 224: 5, 72: 4, 80: 4, 100: 4, 112: 4, 160: 4,
          192: 4, 56: 3, 120: 3, 144: 2, 16: 1}  # fmt: skip
_CHANNELS = (1, 3)
_MOST_CLASSES = 100  # in a row beside a flat picture
_FEW = 16  # codes of the first round
_FINALISTS = 6
_Groups = list[tuple[Unit, list[Unit]]]
_KERNELS = ("dense", "conv", "convT")
_RECTIFIES = ("lrelu", "relu", "elu", "activation", "prelu")


@dataclass(frozen=True, eq=False)
class Guessed:
    """Models made up for weights, with what was guessed of them."""

    models: Sequence[tuple[tuple[str, ...], Model]]
    weights: Mapping[int, Sequence[Found]]
    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """What a decoder's weights leave open.

    Attributes:
        strides: of the transposed convolutions, in order.
        ups: whether each plain convolution has its input doubled.
        hidden: activation between layers: a name, or "lrelu:0.2".
        first: that behind the first dense layer.
        norm_first: batch norm comes before the activation.
        output: the last activation.
    """

    strides: tuple[int, ...]
    ups: tuple[bool, ...]
    hidden: str
    first: str
    norm_first: bool
    output: str


@dataclass(frozen=True, eq=False)
class _Path:
    """The units of a decoder in order, with the grid on which it starts (None for a flat one)."""

    units: tuple[Unit, ...]
    grid: tuple[int, int] | None
    is_complete: bool
    condition: Condition | None = None

    @property
    def latent(self) -> int:
        """How wide the code is."""
        width = self.units[0].width_in
        return self.condition.latent(width) if self.condition else width

    @property
    def cores(self) -> list[Unit]:
        """The layers with kernels."""
        return [unit for unit in self.units if unit.kind in _KERNELS]

    @property
    def has_norm(self) -> bool:
        """Whether batch norm judges."""
        return any(unit.kind == "bn" for unit in self.units)


def guessed(content: Mapping[str, Any], hints: Hints, beside: Mapping[str, Any] | None = None) -> Guessed:
    """Return the networks that weights make, most likely.

    Args:
        content: of a file without a description; see `hdf5_dump`.
        hints: `image`, `activation`, `output`, `latent` and `start` are used.
        beside: of the file with the encoder, which tells how often pictures are halved.

    Raises:
        KerasError: no network of the usual kinds has such weights.
    """
    found = chains(content)
    if not found:
        raise KerasError(
            "holds no weights of Keras's and no description of a model; save it again with model.save(path)"
        )
    found, condition = separated(found)
    path = _decoder_path(found, hints, condition)
    if path is None:
        encoder = _encoder(found, hints, None, None)
        if encoder is None:
            raise KerasError(_no_decoder(found))
        model, weights = encoder
        return Guessed([((), model)], weights, (), ())
    halvings = _halvings([*found, *(chains(beside) if beside else [])], path)
    is_gan = halvings is None
    choices = list(_choices(path, hints, halvings, is_gan))
    if not choices:
        raise KerasError(_no_size(path))
    chosen, reason = _judged(path, choices)
    decoder, weights = _built(path, chosen)
    models = [((), decoder)]
    encoder = _encoder(found, hints, path.latent, _size(path, chosen)) if not is_gan else None
    if encoder is not None:
        models.append(((), encoder[0]))
        weights = {**weights, **encoder[1]}
    note = "The file holds weights alone: kinds and widths of the layers are theirs, strides and activations a guess."
    return Guessed(models, weights, tuple(_guesses(path, chosen, choices, hints, reason)), (note,))


def _no_decoder(found: Sequence[Chain]) -> str:
    units = [unit for chain in found for unit in chain.units if unit.entries]
    some = ", ".join(f"{unit.name[:30]} {'x'.join(map(str, unit.kernel))}" for unit in units[:3])
    return (
        f"holds weights without a description ({some}, ...), and no decoder or generator of a usual kind has them; "
        "save the whole model with model.save(path), or put its description beside it (model.to_json())"
    )


def _no_size(path: _Path) -> str:
    side = path.grid[0] if path.grid else 0
    return (
        f"holds weights without a description; from {side}x{side} no usual picture comes out: say its shape with "
        "--hint image=CHANNELSxHEIGHTxWIDTH"
    )


def _decoder_path(found: Sequence[Chain], hints: Hints, condition: Condition | None) -> _Path | None:
    """Return the decoder: from the narrowest dense layer on to a picture."""
    best: tuple[tuple[bool, int], _Path] | None = None
    for chain in found:
        named = any(word in chain.name.lower() for word in ("dec", "gen"))
        starts = [unit for unit in chain.units if unit.kind == "dense"]
        if hints.latent:
            starts = [unit for unit in starts if unit.width_in == hints.latent] or starts
        for start in sorted(starts, key=lambda unit: unit.width_in):
            path = _path(chain, start, hints, condition.extra if condition else 0)
            if path is not None:
                path = replace(path, condition=condition and settled(condition, start.width_in))
                rank = (not named, start.width_in)
                if best is None or rank < best[0]:
                    best = rank, path
                break
    return best[1] if best else None


def _path(chain: Chain, start: Unit, hints: Hints, extra: int) -> _Path | None:
    """Return the units that follow on one another from a dense layer to a picture; None where they do not."""
    units = (
        _ordered(chain, start, extra)
        if not chain.is_ordered
        else list(chain.units[chain.units.index(start) :])
    )
    if any(unit.kind in ("join", "embedding") for unit in units):
        return None
    width, grid = start.width_in, None
    for unit in units:
        if unit.kind == "dense":
            if grid is not None or unit.width_in != width:
                return None
            width = unit.width_out
        elif unit.kind in ("conv", "convT"):
            if grid is None:
                grid = _grid(width, unit.width_in - extra, hints)
                if grid is None:
                    return None
            elif unit.width_in != width:
                return None
            width = unit.width_out
    if grid is None:
        is_picture = _flat_channels(width, hints) is not None
        return _Path(tuple(units), None, chain.is_complete) if is_picture and width > start.width_in else None
    channels = (hints.image.channels,) if hints.image else _CHANNELS
    return _Path(tuple(units), grid, chain.is_complete) if width in channels else None


def _flat_channels(width: int, hints: Hints) -> int | None:
    if hints.image and hints.image.height and hints.image.width:
        return (
            hints.image.channels
            if width == hints.image.channels * hints.image.height * hints.image.width
            else None
        )
    for channels in _CHANNELS:
        side = math.isqrt(width // channels)
        if side >= 8 and channels * side * side == width:
            return channels
    return None


def _grid(width: int, channels: int, hints: Hints) -> tuple[int, int] | None:
    """Return height and width of the first map."""
    if hints.start and math.prod(hints.start) == width and hints.start[0] == channels:
        return hints.start[1], hints.start[2]
    if channels <= 0 or width % channels:
        return None
    places = width // channels
    side = math.isqrt(places)
    if side * side == places:
        return side, side
    if hints.image and hints.image.height and hints.image.width:
        for rows in range(1, places + 1):
            if places % rows == 0 and rows * hints.image.width == places // rows * hints.image.height:
                return rows, places // rows
    return None


def _ordered(chain: Chain, start: Unit, extra: int) -> list[Unit]:
    """Return units in the order in which widths follow on one another, for a file that only counts them."""
    left = [unit for unit in chain.units if unit is not start]
    order = [start]
    width, is_map, rank = start.width_out, False, start.order
    _norms(order, left, width)
    while True:
        step = _next(left, width, is_map, rank, extra)
        if step is None or (is_map and width in _CHANNELS and step.kind == "conv"):  # that begins an encoder
            return order
        rank = step.order if step.kind == "dense" else rank
        left.remove(step)
        order.append(step)
        is_map = is_map or step.kind != "dense"
        width = step.width_out
        _norms(order, left, width)


def _next(left: Sequence[Unit], width: int, is_map: bool, rank: int, extra: int) -> Unit | None:
    """Return the unit that may follow; dense layers before the last one belong to an encoder."""
    dense = [unit for unit in left if unit.kind == "dense" and unit.width_in == width and unit.order > rank]
    if dense and not is_map:
        return dense[0]
    for kind in ("convT", "conv"):
        for unit in left:
            if unit.kind != kind:
                continue
            fits = (
                unit.width_in == width if is_map else _grid(width, unit.width_in - extra, Hints()) is not None
            )
            if fits:
                return unit
    return None


def _norms(order: list[Unit], left: list[Unit], width: int) -> None:
    """Put the next batch norm behind a layer where it has its width (or that of the map a row becomes)."""
    norm = next((unit for unit in left if unit.kind in ("bn", "ln")), None)
    if norm is not None and norm.width_out == width:
        left.remove(norm)
        order.append(norm)


def _halvings(found: Sequence[Chain], path: _Path) -> int | None:
    """Return how many convolutions an encoder has; None where there is no encoder."""
    used = {id(unit) for unit in path.units}
    latent = path.latent
    for chain in found:
        others = [unit for unit in chain.units if id(unit) not in used]
        if any(unit.kind == "dense" and unit.width_out == latent for unit in others):
            return sum(unit.kind == "conv" for unit in others)
    return None


def _choices(path: _Path, hints: Hints, halvings: int | None, is_gan: bool) -> Iterator[Choice]:
    """Yield what the decoder may be, the likeliest first."""
    for strides, ups in _scalings(path, hints, halvings):
        for hidden, first, norm_first in _activations(path, hints, is_gan):
            yield Choice(strides, ups, hidden, first, norm_first, _output(path, hints, is_gan))


def _scalings(
    path: _Path, hints: Hints, halvings: int | None
) -> list[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """Return strides and doublings that make a usual picture, the likeliest first."""
    transposed = [unit for unit in path.units if unit.kind == "convT"]
    convolutions = [unit for unit in path.units if unit.kind == "conv"]
    if path.grid is None:
        return [((), ())]
    listed = _listed_ups(path)
    free = len(transposed) + (len(convolutions) if not path.is_complete and not transposed else 0)
    counts = sorted(
        range(free + 1), key=lambda count: -_likely(path, hints, count + sum(listed), halvings, free)
    )
    counts = [count for count in counts if _likely(path, hints, count + sum(listed), halvings, free) > 0]
    found = []
    for count in counts[:2]:
        for places in _placings(transposed or convolutions, count):
            if transposed:
                found.append((tuple(2 if place in places else 1 for place in range(len(transposed))), listed))
            else:
                ups = tuple(listed[place] or place in places for place in range(len(convolutions)))
                found.append(((), ups))
        if hints.image:
            break
    return found


def _listed_ups(path: _Path) -> tuple[bool, ...]:
    """Return whether an upsampling layer is listed before each plain convolution."""
    ups, pending = [], False
    for unit in path.units:
        pending = pending or unit.kind == "up"
        if unit.kind == "conv":
            ups.append(pending)
            pending = False
        elif unit.kind == "convT":
            pending = False
    return tuple(ups)


def _likely(path: _Path, hints: Hints, doublings: int, halvings: int | None, free: int) -> float:
    assert path.grid is not None
    rows, columns = (side << doublings for side in path.grid)
    if hints.image:
        return 100.0 if (rows, columns) == (hints.image.height, hints.image.width) else 0.0
    usual = _USUAL.get(rows, 0.5 if rows >= 16 else 0) if rows == columns else 0.5
    return usual + (6 if halvings is not None and doublings == halvings else 0)


def _placings(units: Sequence[Unit], count: int) -> list[set[int]]:
    """Return which layers may double the picture: even kernels, the first, the last, all but the first."""
    if count == len(units):
        return [set(range(count))]
    even = {place for place, unit in enumerate(units) if unit.kernel[0] % 2 == 0}
    options = [even] if len(even) == count else []
    options += [set(range(count)), set(range(1, count + 1)), set(range(len(units) - count, len(units)))]
    return [option for place, option in enumerate(options) if option not in options[:place]]


def _activations(path: _Path, hints: Hints, is_gan: bool) -> list[tuple[str, str, bool]]:
    """Return hidden activation, that of the first layer, and whether batch norm comes before it."""
    if hints.activation is not None:
        told = _hinted(hints.activation)
        return [(told, told, True), (told, told, False)] if path.has_norm else [(told, told, True)]
    marks = [unit.kind for unit in path.units if unit.kind in _RECTIFIES]
    leaky = ["lrelu:0.2", "lrelu:0.3", "lrelu:0.1", "lrelu:0.01"]
    if path.has_norm:
        names = leaky if "lrelu" in marks else ["relu"] if marks else ["relu", *leaky[:2], "elu"]
        orders = [True] if marks else [True, False]
        firsts = _first_activations(path)
        return [
            (name, first, order)
            for name in names
            for order in orders
            for first in dict.fromkeys(name if option == "same" else option for option in firsts)
        ]
    if "lrelu" in marks or (is_gan and path.condition and not marks):  # a table of classes is a GAN's
        return [(leaky[0], leaky[0], True)]
    return [("elu" if "elu" in marks else "relu",) * 2 + (True,)]  # type: ignore[list-item]


def _first_activations(path: _Path) -> tuple[str, ...]:
    """Return what may follow the first dense layer: "same" as elsewhere, or another."""
    if not path.is_complete:
        return "same", "linear"
    after = _groups(path.units)[0][1]
    return ("same",) if any(unit.kind in _RECTIFIES for unit in after) else ("linear", "relu")


def _hinted(layer: Any) -> str:
    """Return an activation that a hint says, in the words used here."""
    text = str(layer.text)
    return text if text.startswith("lrelu") and ":" in text else "lrelu:0.2" if text == "lrelu" else text


def _output(path: _Path, hints: Hints, is_gan: bool) -> str:
    if hints.output is not None:
        return {"none": "linear", "identity": "linear"}.get(hints.output.text, hints.output.text)
    is_rectified = any(unit.kind == "lrelu" for unit in path.units)
    return "tanh" if is_gan and (path.has_norm or is_rectified or path.condition) else "sigmoid"


def _judged(path: _Path, choices: Sequence[Choice]) -> tuple[Choice, str]:
    """Return the likeliest choice, by batch norm's statistics where there are any, and why."""
    if not path.has_norm or len(choices) < 2:
        return choices[0], ""
    choices = _of_best_scaling(path, choices)
    roughly = _errors(path, choices, _FEW)
    order = sorted(range(len(choices)), key=lambda place: roughly[place])
    choices = [choices[place] for place in sorted(order[:_FINALISTS])]
    errors = _errors(path, choices, None)
    best = min(range(len(choices)), key=lambda place: errors[place])
    close = [place for place in range(len(choices)) if errors[place] <= errors[best] * 1.05 + 1e-3]
    chosen = choices[close[0]]
    others = [error for place, error in enumerate(errors) if choices[place].hidden != chosen.hidden]
    after = f", the next {min(others):.2f}" if others and math.isfinite(min(others)) else ""
    return chosen, f"batch norm's statistics agree ({errors[close[0]]:.2f}{after})"


def _of_best_scaling(path: _Path, choices: Sequence[Choice]) -> list[Choice]:
    """Return the choices whose strides agree best, each tried with a few of its activations."""
    groups: dict[Any, list[Choice]] = {}
    for choice in choices:
        groups.setdefault((choice.strides, choice.ups), []).append(choice)
    if len(groups) == 1:
        return list(choices)
    return min(groups.values(), key=lambda group: min(_errors(path, group[:: max(1, len(group) // 3)], _FEW)))


def _errors(path: _Path, choices: Sequence[Choice], samples: int | None) -> list[float]:
    """Return how far batch norm's statistics are off for each choice; those that run alike run once."""
    known: dict[tuple[str, ...], float] = {}
    errors = []
    for choice in choices:
        model, weights = _built(path, choice)
        same = tuple(f"{layer.class_name}{layer.config}" for layer in model.layers)
        if same not in known:
            count = {} if samples is None else {"samples": samples}
            known[same] = keras_judging.norm_error(
                model, weights, path.latent, **count, classes=_classes(path)
            )
        errors.append(known[same])
    return errors


def _size(path: _Path, choice: Choice) -> tuple[int, int, int]:
    """Return channels, height and width of the pictures."""
    width = path.cores[-1].width_out
    if path.grid is None:
        channels = _flat_channels(width, Hints()) or 1
        side = math.isqrt(width // channels)
        return channels, side, side
    times = math.prod(choice.strides) * 2 ** sum(choice.ups)
    return width, path.grid[0] * times, path.grid[1] * times


class _Builder:
    """Collects layers and their weights."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights: dict[int, Sequence[Found]] = {}

    def add(self, kind: str, config: dict[str, Any], unit: Unit | None = None) -> None:
        """Add a layer, with the weights of a unit."""
        name = unit.name if unit is not None else f"{kind.lower()}_{len(self.layers)}"
        layer = Layer(name, kind, config, path=(name,))
        self.layers.append(layer)
        self.weights[id(layer)] = unit.entries if unit is not None else ()

    def activation(self, name: str) -> None:
        """Add an activation by its name here."""
        if name.startswith("lrelu"):
            self.add("LeakyReLU", {"alpha": float(name.partition(":")[2] or 0.2)})
        elif name != "linear":
            self.add("Activation", {"activation": name})

    def kernel(self, unit: Unit, stride: int = 1) -> None:
        """Add a layer with a kernel."""
        if unit.kind == "dense":
            self.add("Dense", {"units": unit.width_out, "use_bias": unit.has_bias}, unit)
            return
        kind = {"conv": "Conv2D", "convT": "Conv2DTranspose"}[unit.kind]
        config = {"filters": unit.width_out, "kernel_size": list(unit.kernel[:2]), "strides": [stride] * 2}
        self.add(kind, {**config, "padding": "same", "use_bias": unit.has_bias}, unit)

    def norm(self, unit: Unit) -> None:
        """Add a norm."""
        if unit.kind == "ln":
            self.add("LayerNormalization", {}, unit)
        elif unit.kind == "bn":
            self.add(
                "BatchNormalization", {"scale": _has(unit, "gamma", 4), "center": _has(unit, "beta", 4)}, unit
            )
        else:
            shape = unit.kernel
            shared = [axis + 1 for axis, size in enumerate(shape) if size == 1]
            self.add("PReLU", {"shared_axes": shared}, unit)


def _has(unit: Unit, word: str, whole: int) -> bool:
    return len(unit.entries) == whole or any(word in entry.key for entry in unit.entries)


def _built(path: _Path, choice: Choice) -> tuple[Model, dict[int, Sequence[Found]]]:
    """Return the decoder that a choice makes."""
    builder = _Builder()
    strides, ups = iter(choice.strides), iter(choice.ups)
    groups = _groups(path.units)
    is_map = False
    for place, (core, after) in enumerate(groups):
        if core.kind != "dense" and not is_map:
            assert path.grid is not None
            channels = core.width_in - (path.condition.extra if path.condition else 0)
            builder.add("Reshape", {"target_shape": [*path.grid, channels]})
            is_map = True
        if core.kind == "conv" and next(ups):
            builder.add("UpSampling2D", {"size": [2, 2]})
        builder.kernel(core, next(strides) if core.kind == "convT" else 1)
        is_last = place == len(groups) - 1
        name = choice.output if is_last else choice.first if place == 0 else choice.hidden
        following = groups[place + 1][0] if not is_last else None
        if following is not None and following.kind != "dense" and not is_map and path.grid is not None:
            flat = any(unit.kind == "bn" and unit.width_out != core.width_out for unit in after)
            if flat:
                channels = following.width_in - (path.condition.extra if path.condition else 0)
                builder.add("Reshape", {"target_shape": [*path.grid, channels]})
                is_map = True
        _between(builder, after, name, choice.norm_first, path.is_complete)
    width = path.units[0].width_in
    model = Model("decoder", "Sequential", tuple(builder.layers), None, (), (width,))
    if path.condition is not None:
        return conditioned(model, builder.weights, path.condition, width)
    return model, builder.weights


def _classes(path: _Path) -> int:
    return path.condition.classes if path.condition else 0


def _groups(units: Sequence[Unit]) -> list[tuple[Unit, list[Unit]]]:
    """Return the layers with kernels, each with what follows it."""
    groups: list[tuple[Unit, list[Unit]]] = []
    for unit in units:
        if unit.kind in _KERNELS:
            groups.append((unit, []))
        elif groups:
            groups[-1][1].append(unit)
    return groups


def _between(
    builder: _Builder, after: Sequence[Unit], name: str, norm_first: bool, is_complete: bool
) -> None:
    """Add norms and the activation that follow a kernel, in the file's order where it lists both."""
    places = [unit.kind for unit in after if unit.kind in _RECTIFIES]
    norms = [unit for unit in after if unit.kind in ("bn", "ln")]
    if is_complete and places:
        has_acted = False
        for unit in after:
            if unit.kind in ("bn", "ln", "prelu"):
                builder.norm(unit)
            elif unit.kind in _RECTIFIES and not has_acted:
                builder.activation(name)
                has_acted = True
        return
    slopes = [unit for unit in after if unit.kind == "prelu"]
    if norm_first and not is_complete:
        for unit in [*norms, *slopes]:
            builder.norm(unit)
        if not slopes:
            builder.activation(name)
        return
    builder.activation(name if not slopes else "linear")  # within the layer itself, so before the norm
    for unit in [*norms, *slopes]:
        builder.norm(unit)


def _encoder(
    found: Sequence[Chain], hints: Hints, latent: int | None, image: tuple[int, int, int] | None
) -> tuple[Model, dict[int, Sequence[Found]]] | None:
    """Return the encoder among chains: from a picture to one or two heads as wide as the code."""
    if image is None and hints.image and hints.image.height and hints.image.width:
        image = hints.image.channels, hints.image.height, hints.image.width
    if image is None:
        return None
    for chain in found:
        units = [unit for unit in chain.units if unit.kind in (*_KERNELS, "bn", "pool", *_RECTIFIES)]
        made = _encoder_of(chain, units, latent, image)
        if made is not None:
            return made
    return None


def _encoder_of(
    chain: Chain, units: Sequence[Unit], latent: int | None, image: tuple[int, int, int]
) -> tuple[Model, dict[int, Sequence[Found]]] | None:
    channels, rows, columns = image
    convolutions: _Groups = []
    dense: _Groups = []
    width = channels
    groups = _groups(units)
    if not chain.is_ordered:
        groups.sort(key=lambda group: (group[0].kind == "dense", group[0].order))
    for unit, after in groups:
        if unit.kind == "conv" and not dense and unit.width_in == width:
            convolutions.append((unit, after))
            width = unit.width_out
        elif unit.kind == "dense":
            dense.append((unit, after))
    trunk, heads = _heads(dense, latent, math.prod(image) if not convolutions else None)
    if not heads:
        return None
    first = (trunk[0][0] if trunk else heads[0]).width_in
    strides = _encoder_strides(convolutions, first, (rows, columns))
    if strides is None:
        return None
    return _encoder_model(image, convolutions, strides, trunk, heads)


def _heads(dense: _Groups, latent: int | None, pixels: int | None) -> tuple[_Groups, list[Unit]]:
    """Return the dense layers before the heads, and the heads."""
    trunk: _Groups = []
    width = pixels
    for place, (unit, after) in enumerate(dense):
        following = dense[place + 1][0] if place + 1 < len(dense) else None
        if width is not None and not width <= unit.width_in <= width + (0 if place else _MOST_CLASSES):
            return [], []
        is_pair = following is not None and following.kernel == unit.kernel and unit.width_out <= 1024
        if (latent is None and is_pair) or unit.width_out == latent:
            return trunk, [unit, following] if is_pair and following is not None else [unit]
        if latent is None and following is None:
            return trunk, [unit]
        trunk.append((unit, after))
        width = unit.width_out
    return [], []


def _encoder_strides(convolutions: _Groups, first: int, sides: tuple[int, int]) -> list[int] | None:
    """Return the strides that lead from the picture to the first dense layer; None where none do."""
    if not convolutions:
        return []
    channels = convolutions[-1][0].width_out
    for count in range(len(convolutions), -1, -1):
        strides = [2 if place < count else 1 for place in range(len(convolutions))]
        rows, columns = sides
        for stride, (_, after) in zip(strides, convolutions, strict=True):
            rows, columns = -(-rows // stride), -(-columns // stride)
            for unit in after:
                if unit.kind == "pool":
                    rows, columns = rows // 2, columns // 2
        if rows * columns * channels == first:
            return strides
    return None


def _encoder_model(
    image: tuple[int, int, int],
    convolutions: _Groups,
    strides: Sequence[int],
    trunk: _Groups,
    heads: Sequence[Unit],
) -> tuple[Model, dict[int, Sequence[Found]]]:
    builder = _Builder()
    for (unit, after), stride in zip(convolutions, strides, strict=True):
        builder.kernel(unit, stride)
        _between(builder, after, _encoder_activation(after), False, True)
        for pool in after:
            if pool.kind == "pool":
                builder.add("MaxPooling2D", {"pool_size": [2, 2]})
    builder.add("Flatten", {})
    for unit, after in trunk:
        builder.kernel(unit)
        _between(builder, after, _encoder_activation(after), False, True)
    chain = list(builder.layers)
    for unit in heads:
        builder.kernel(unit)
    given = Layer("input", "InputLayer", {"batch_input_shape": [None, image[1], image[2], image[0]]})
    layers, last = [given], given.name
    inputs = [Ref(given.name, 0, 0)]
    first = (trunk[0][0] if trunk else heads[0]).width_in
    classes = 0 if convolutions else first - math.prod(image)
    for place, layer in enumerate(builder.layers):
        refs = [Ref(last, 0, 0)]
        if classes and layer.class_name == "Dense" and len(inputs) == 1:
            layers.append(Layer("label", "InputLayer", {"batch_input_shape": [None, classes]}))
            inputs.append(Ref("label", 0, 0))
            layers.append(Layer("both", "Concatenate", {}, (Call(([*refs, inputs[1]],), {}),)))
            refs = [Ref("both", 0, 0)]
        layer.calls = (Call(tuple(refs), {}),)
        layer.name = f"{place}/{layer.name}"
        last = layer.name if place < len(chain) else last
        layers.append(layer)
    outputs = tuple(Ref(layer.name, 0, 0) for layer in builder.layers[len(chain) :])
    model = Model("encoder", "Functional", tuple(layers), tuple(inputs), outputs)
    return model, builder.weights


def _encoder_activation(after: Sequence[Unit]) -> str:
    return "lrelu:0.2" if any(unit.kind == "lrelu" for unit in after) else "relu"


def _guesses(
    path: _Path, chosen: Choice, choices: Sequence[Choice], hints: Hints, reason: str
) -> Iterator[Guess]:
    size = _size(path, chosen)
    sizes = ["x".join(map(str, _size(path, choice))) for choice in choices]
    others = tuple(dict.fromkeys(text for text in sizes if text != "x".join(map(str, size))))
    if hints.image is None:
        yield Guess(
            "image", "x".join(map(str, size)), 0.7 if others else 0.8, "a usual size for its strides", others
        )
    if hints.activation is None:
        told = reason or "the usual one"
        yield Guess(
            "activation",
            chosen.hidden,
            0.8 if reason else 0.6,
            told,
            ("relu", "lrelu:0.2", "lrelu:0.3", "elu"),
        )
    if hints.output is None:
        other = ("sigmoid", "tanh", "none")
        told = "usual for a generator" if chosen.output == "tanh" else "usual for an autoencoder"
        yield Guess(
            "output", chosen.output, 0.7, told, tuple(name for name in other if name != chosen.output)
        )


def with_image(hints: Hints, image: Any) -> Hints:
    """Return hints that say a picture's shape where they said none."""
    return hints if hints.image is not None else replace(hints, image=image)
