"""From a Keras file's content to a model: its network, its parts, range, prior and diagnosis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from explorer.data.wording import shown
from explorer.errors import CheckpointError
from explorer.formats import keras_heads, keras_parts, keras_twins, keras_weights
from explorer.formats.diagnosis import Diagnosis, Guess, LayerFact, TensorFact, Unfamiliar, by_certainty
from explorer.formats.keras_file import Loaded, decoder_beside, described_models, first_number
from explorer.formats.keras_heads import Encoder
from explorer.formats.keras_layout import Weights, weights_of
from explorer.formats.keras_network import Built
from explorer.formats.keras_network import build as build_network
from explorer.formats.keras_parts import Generator
from explorer.formats.keras_range import expected_range, measured_range, stated_range
from explorer.formats.keras_words import layer_words
from explorer.formats.reader import Reading
from explorer.formats.sidecars import Hints
from explorer.models.base import LatentModel, NativeRange, PriorName, StageModel
from explorer.models.keras_config import KerasError, Model, read_models
from explorer.models.keras_graph import Network, Plan, Value
from explorer.models.keras_maths import activation_name
from explorer.models.keras_model import Decoding, Encoding, KerasModel, KerasNetwork, stage
from explorer.models.keras_twins import TwinModel, TwinNetwork
from explorer.models.layers import parse_all

_POSITIVE = ("relu", "relu6", "softplus", "sigmoid", "hard_sigmoid", "exponential", "softmax")
_KEEPING = ("Flatten", "Reshape", "Dropout", "ActivityRegularization", "MaxPooling2D")
Models = Sequence[tuple[tuple[str, ...], Model]]


@dataclass(frozen=True, eq=False)
class Described:
    """A network with what was guessed of it."""

    built: Built
    guesses: tuple[Guess, ...] = ()
    notes: tuple[str, ...] = ()
    certainty: float = 1.0


def made(loaded: Loaded, reading: Reading) -> LatentModel | StageModel:
    """Return the model of what was read; see `keras_file`.

    Raises:
        CheckpointError: nobody can make a generator of it; `Unfamiliar` where hints may help.
    """
    try:
        return _made(loaded, reading)
    except KerasError as error:
        raise _unfamiliar(loaded, reading, error) from error
    except RecursionError as error:
        raise CheckpointError(
            f"{reading.path} nests its model deeper than any network; it is damaged."
        ) from error


def _unfamiliar(loaded: Loaded, reading: Reading, error: KerasError) -> Unfamiliar:
    """Return the error for a file of which nothing came, with what may help."""
    hints, path = reading.hints, reading.path
    found = Diagnosis(_tensor_facts(loaded.content, {}, {}))
    if hints.image is not None:
        try:
            other = _made(loaded, replace(reading, hints=replace(hints, image=None)))
        except (KerasError, CheckpointError):
            other = None
        if isinstance(other, LatentModel):
            return Unfamiliar(
                f"{path} draws pictures of {other.image} (channels x height x width), not of {hints.image} as the "
                "hint image says; change or leave out that hint.",
                other.diagnosis or found,
            )
    decoder = decoder_beside(path)
    if decoder is not None:
        why = str(error).partition("; ")[0]
        seems = f"be an encoder, and {shown(decoder.name)} beside it is its decoder"
        return Unfamiliar(
            f"{path} {why}; open {shown(decoder.name)}, which lies beside it and looks like its decoder.",
            replace(found, seems=seems),
        )
    is_encoder = "so it is an encoder" in str(error)
    return Unfamiliar(
        f"{path} {error}.", replace(found, seems="be an encoder; open its decoder" if is_encoder else "")
    )


def _made(loaded: Loaded, reading: Reading) -> LatentModel | StageModel:
    described = _described(loaded, reading)
    network = described.built.network
    twins = keras_twins.twins(network, reading.hints)
    if twins:
        return _generator(described, next(iter(twins.values())), twins, loaded, reading)
    try:
        generator = keras_parts.generator(network, reading.hints)
    except KerasError:
        ways = keras_parts.pictures_to_pictures(network, reading.hints)
        if ways is None:
            raise
        return _stage(network, *ways, loaded, reading)
    return _generator(described, generator, {}, loaded, reading)


def _described(loaded: Loaded, reading: Reading) -> Described:
    """Return the network by the file's own description, one beside it, or what its weights tell."""
    content = loaded.content
    if loaded.settings is not None:
        from explorer.formats import gdl_book

        return gdl_book.described(loaded.settings[0], content)
    problem: KerasError | None = None
    for name, text in described_models(content, loaded.texts):
        try:
            built = _built(text, content)
        except KerasError as error:
            if not name:
                raise
            problem = error
            continue
        note = (
            (f"The file holds weights alone; {shown(name)} beside it says which network they are of.",)
            if name
            else ()
        )
        return Described(built, (), note)
    try:
        guessed = keras_weights.guessed(content, reading.hints, loaded.beside and loaded.beside[1])
    except KerasError as error:
        raise problem or error from error
    built = build_network(guessed.models, guessed.weights, first_number(content.get("version")))
    return Described(built, guessed.guesses, guessed.notes, 0.8)


def _built(text: str, content: Mapping[str, Any]) -> Built:
    """Return the network of a description with the weights of a file.

    Raises:
        KerasError: they do not fit, or it describes nothing that could be built.
    """
    try:
        models = read_models(text)
        return build_network(models, weights_of(models, content), _version(content, text))
    except KerasError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise KerasError("describes its model in a way that makes no sense; save it again") from error


def _version(content: Mapping[str, Any], text: str) -> int:
    version = content.get("version")
    if version is None and content.get("metadata") is None and '"batch_shape"' in text:
        return 3
    return first_number(version, content.get("metadata"))


def _generator(
    described: Described,
    made: Generator,
    twins: Mapping[str, Generator],
    loaded: Loaded,
    reading: Reading,
) -> KerasModel:
    network = described.built.network
    hints = reading.hints
    notes = [*loaded.notes, *described.notes, *_cut_notes(made)]
    shape = network.shapes[made.code]
    labels = tuple(entry for _, entry in made.labels)
    decoding = Decoding(network, made.plan, labels, shape, made.layout)
    found, other = _encoder(described.built, made, loaded, notes, reading)
    decoding, classes = _with_label_width(decoding, made, found, other)
    keras = _joined(decoding, twins, _encoding(found, other or described.built))
    plans = [made.plan, *(twin.plan for twin in twins.values())]
    used = [(network, plans)]
    used += [((other or described.built).network, [found.plan])] if found else []
    _keep(used)
    guesses = list(described.guesses)
    code = _code_activation((other or described.built).network, found) if found else "linear"
    native, guess = _range(keras, network, made, hints.range, code)
    guesses += [guess] if guess else []
    prior, guess = _prior(found, hints.prior)
    guesses += [guess] if guess else []
    if prior == "none" and hints.prior is None:
        notes.append(
            "It is a plain autoencoder without a prior: which codes make sense is seen by encoding pictures."
        )
    elif guess is not None:
        notes.append("Which prior it was trained with is not in the file; N(0, I), the usual one, is taken.")
    is_turned = hints.color == "BGR" if hints.color or not twins else keras_twins.is_reversed(network, plans)
    notes += keras_twins.notes(list(twins), is_turned and not hints.color) if twins else []
    wanted = expected_range((other or described.built).network, found.picture, native) if found else None
    made_by = TwinModel if twins else KerasModel
    model = made_by(
        keras,  # type: ignore[arg-type]
        name=reading.name,
        native_range=replace(native, reverse=is_turned),
        input_range=replace(wanted, reverse=is_turned) if wanted else None,
        prior=prior,
        classes=hints.classes or classes if classes else 0,
        origin=reading.origin(loaded.format, loaded.weights),
        notes=notes,
    )
    if prior == "none" and code in _POSITIVE:
        space = model.spaces["z"]
        model.spaces["z"] = replace(space, floor=0.0)
    model.diagnosis = _diagnosis(described, plans, found, other, loaded, guesses)
    return model


def _joined(decoding: Decoding, twins: Mapping[str, Generator], encoding: Encoding | None) -> KerasNetwork:
    """Return the ways through a graph, through all decoders that share an encoder."""
    if not twins:
        return KerasNetwork(decoding, encoding)
    ways = {name: replace(decoding, plan=twin.plan, layout=twin.layout) for name, twin in twins.items()}
    return TwinNetwork(ways, encoding)


def _cut_notes(made: Generator) -> list[str]:
    notes = []
    if made.left_out:
        notes.append(
            f"Its last layer {shown(made.left_out)} has code of its own, which is never run; it was left out."
        )
    if made.cut:
        notes.append("The file holds a network in one piece; it was cut open where it is narrowest.")
    return notes


def _encoder(
    built: Built, made: Generator, loaded: Loaded, notes: list[str], reading: Reading
) -> tuple[Encoder | None, Built | None]:
    """Return the encoder of the file, or of the file beside it with its network."""
    shape = built.network.shapes[made.code]
    dim = 1
    for size in shape:
        dim *= size
    found = keras_heads.encoder(built.network, made.code, dim, made.layout, reading.hints)
    if found is not None or loaded.beside is None:
        return found, None
    path, content = loaded.beside
    try:
        other = _described(Loaded(content), replace(reading, path=path, hints=_for_encoder(reading, made)))
        sides = [dim, *range(dim - 1, 0, -1)] if len(shape) == 1 and not made.labels else [dim]
        for side in sides:
            found = keras_heads.encoder(other.built.network, None, side, made.layout, reading.hints)
            if found is not None:
                notes.append(f"Pictures are encoded by {shown(path.name)}, which lies beside it.")
                return found, other.built
        notes.append(f"{shown(path.name)} beside it is no encoder of its pictures, so it is not used.")
    except (KerasError, CheckpointError) as error:
        notes.append(f"The encoder {shown(path.name)} beside it was left out: it {error}.")
    return None, None


def _for_encoder(reading: Reading, made: Generator) -> Hints:
    """Return the hints without those that speak of the decoder's layers, with the picture's shape."""
    hints = replace(reading.hints, layers=None, activation=None, output=None, start=None)
    return keras_weights.with_image(hints, made.layout.image)


def _with_label_width(
    decoding: Decoding, made: Generator, found: Encoder | None, other: Built | None
) -> tuple[Decoding, int]:
    """Return the decoding for a code input that is wider than what the encoder gives: behind it is a one-hot label."""
    if found is None or other is None or made.labels:
        return decoding, made.classes
    mean = other.network.shapes[found.plan.wanted[0]]
    width = 1
    for size in mean:
        width *= size
    width = width // 2 if found.halves else width
    more = decoding.code_shape[0] - width
    if len(decoding.code_shape) != 1 or more <= 0:
        return decoding, made.classes
    return replace(decoding, label_width=more), more


def _encoding(found: Encoder | None, built: Built) -> Encoding | None:
    if found is None:
        return None
    return Encoding(built.network, found.plan, found.labels, found.layout, found.halves, found.is_sigma)


def _keep(used: Sequence[tuple[Network, Sequence[Plan]]]) -> None:
    """Let networks forget the layers that no plan needs."""
    together: dict[int, tuple[Network, list[Plan]]] = {}
    for network, plans in used:
        together.setdefault(id(network), (network, []))[1].extend(plans)
    for network, plans in together.values():
        network.keep(plans)


def _range(
    keras: KerasNetwork, network: Network, made: Generator, hinted: NativeRange | None, code: str
) -> tuple[NativeRange, Guess | None]:
    if hinted is not None:
        return hinted, None
    stated = stated_range(network, made.plan.wanted[0])
    if stated is not None:
        return stated, None
    way = keras.decoding
    return measured_range(keras, (way.code_shape[0] - way.label_width, *way.code_shape[1:]), code)


def _prior(found: Encoder | None, hinted: PriorName | None) -> tuple[PriorName, Guess | None]:
    if hinted is not None:
        return hinted, None
    if found is None:
        return "normal", Guess(
            "prior", "normal", 0.8, "no encoder tells; it is the usual one", ("uniform", "none")
        )
    return ("normal", None) if found.is_variational else ("none", None)


def _code_activation(network: Network, found: Encoder) -> str:
    """Return the activation that the code leaves."""
    value = found.plan.wanted[0]
    for _ in range(8):
        step = network.graph.steps[value.step]
        name = step.layer.class_name
        if "activation" in step.layer.config:
            return activation_name(step.layer.config["activation"])
        if name not in _KEEPING or len(step.sources) != 1:
            return activation_name(name)
        value = step.sources[0]
    return "linear"


def _stage(
    network: Network, plan: Plan, before: Any, after: Any, loaded: Loaded, reading: Reading
) -> StageModel:
    native = reading.hints.range or stated_range(network, plan.wanted[0]) or NativeRange()
    network.keep([plan])
    return stage(
        network, plan, before, after,
        name=reading.name,
        native_range=native,
        origin=reading.origin(loaded.format, loaded.weights),
        notes=[*loaded.notes, "It goes from picture to picture past any code, so it is a stage."],
    )  # fmt: skip


def _diagnosis(
    described: Described,
    plans: Sequence[Plan],
    found: Encoder | None,
    other: Built | None,
    loaded: Loaded,
    guesses: Sequence[Guess],
) -> Diagnosis:
    network = described.built.network
    layers = list(_layer_facts(described.built, plans[0], "decoder", described.certainty))
    parts = {step: "decoder" for plan in plans for step in plan.steps}
    if found is not None:
        inside = other is None
        layers += _layer_facts(other or described.built, found.plan, "encoder", described.certainty)
        if inside:
            parts = dict.fromkeys(found.plan.steps, "encoder") | parts
    owners = {id(network.graph.steps[step].layer): part for step, part in parts.items()}
    facts = _tensor_facts(loaded.content, described.built.weights, owners)
    return Diagnosis(facts, tuple(layers), by_certainty(guesses), layers_text=_layers_text(described, layers))


def _layers_text(described: Described, layers: Sequence[LayerFact]) -> str:
    """Return the decoder as the hint `layers` takes it, where that is heeded: of weights alone."""
    text = " ".join(layer.text for layer in layers if layer.part == "decoder")
    try:
        return "" if described.certainty >= 1 else " ".join(layer.text for layer in parse_all(text))
    except ValueError:
        return ""


def _layer_facts(built: Built, plan: Plan, part: str, certainty: float) -> list[LayerFact]:
    facts = []
    for index in plan.steps:
        layer = built.network.graph.steps[index].layer
        found = built.weights.get(id(layer), ())
        shape = built.network.shapes.get(Value(index), ())
        reason = "the file states it" if certainty == 1 else "told by its weights"
        key = found[0].key.rpartition("/")[0] if found else ""
        facts.append(LayerFact(part, layer_words(layer), key, shape, certainty, reason))
    return facts


def _tensor_facts(
    content: Mapping[str, Any], weights: Weights | Mapping[int, Any], owners: Mapping[int, str]
) -> tuple[TensorFact, ...]:
    part_of = {entry.key: owners.get(layer, "") for layer, entries in weights.items() for entry in entries}
    return tuple(
        TensorFact(key, tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."), part_of.get(key, ""))
        for key, tensor in _tensors(content)
        if isinstance(tensor, torch.Tensor)
    )


def _tensors(content: Mapping[str, Any]) -> list[tuple[str, Any]]:
    listed = content.get("layers")
    if listed is not None:
        return [
            (f"{entry['name']}/{name}", tensor)
            for entry in listed
            for name, tensor in zip(entry["names"], entry["weights"], strict=True)
        ]
    return list((content.get("tree") or {}).items())
