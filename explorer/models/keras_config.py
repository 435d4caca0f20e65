"""What Keras 1, 2 and 3 say of a model, in one form: layers, models within models, and who is called with what.

Plain values only; no torch and no weights. The JSON text of a file comes in, `Model`s go out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.models.keras_names import modern

MOST_LAYERS = 1500
_DEEPEST = 60  # models within models, and values within values
CONSTANT = "_CONSTANT_VALUE"  # what Keras 2 calls an input that is no tensor


class KerasError(ValueError):
    """What is wrong with a model, as the end of a sentence that begins with its file."""


@dataclass(frozen=True)
class Ref:
    """An output of a layer: which call of the layer, which of its outputs."""

    layer: str
    call: int
    output: int


@dataclass(frozen=True, eq=False)
class Call:
    """What a layer is called with: trees of lists, dicts, plain values and `Ref`s."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]


@dataclass(eq=False)
class Layer:
    """One layer as Keras describes it, in today's words.

    Attributes:
        name, class_name, config: as stated; `class_name` without the package that registered it.
        calls: how it is called in the model that holds it; empty within a Sequential.
        inner: the model that it is, where it is one.
        path: names of the models that hold it, and its own.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    calls: tuple[Call, ...] = ()
    inner: Model | None = None
    path: tuple[str, ...] = ()
    recorded: dict[tuple[int, int], tuple[int | None, ...]] = field(default_factory=dict)


@dataclass(eq=False)
class Model:
    """A graph of layers, or a chain where `inputs` is None."""

    name: str
    class_name: str
    layers: tuple[Layer, ...]
    inputs: tuple[Ref, ...] | None
    outputs: tuple[Ref, ...]
    input_shape: tuple[int | None, ...] | None = None

    def each(self) -> Iterator[Layer]:
        """Yield all layers that are no models, those of models within too."""
        for layer in self.layers:
            if layer.inner is None:
                yield layer
            else:
                yield from layer.inner.each()


def read_models(text: str) -> list[tuple[tuple[str, ...], Model]]:
    """Return the models that a JSON text describes, each with its place in it: `()` for the whole.

    A model of a class of its own has no graph; the models that its constructor was given are returned then, under
    the names of the arguments.

    Raises:
        KerasError: it describes none.
    """
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise KerasError("describes its model in no valid JSON; save it again") from error
    if not isinstance(said, dict):
        raise KerasError("describes no model; save it again with model.save(path)")
    if is_model(said):
        return [((), model_of(said, ()))]
    found = list(_within(said.get("config", said), ()))
    if not found:
        shown = str(said.get("class_name", "unknown"))[:60]
        raise KerasError(
            f"holds a model of the class {shown}, whose layers only its own code knows; save its decoder by itself "
            "with decoder.save(path)"
        )
    return found


def is_model(said: Any) -> bool:
    """Return whether a serialized object is a graph or chain of layers."""
    if not isinstance(said, dict) or not isinstance(said.get("class_name"), str):
        return False
    config = said.get("config")
    if isinstance(config, list):
        return said["class_name"] == "Sequential"
    return isinstance(config, dict) and isinstance(config.get("layers"), list)


def model_of(said: Mapping[str, Any], path: tuple[str, ...]) -> Model:
    """Return the model of a serialized object."""
    if len(path) > _DEEPEST:
        raise KerasError("nests models deeper than any network does; it is damaged")
    config = said["config"]
    if isinstance(config, list):
        config = {"layers": config}
    listed = config["layers"]
    if len(listed) > MOST_LAYERS:
        raise KerasError(f"lists {len(listed)} layers, more than any network here has; it is damaged")
    name = str(config.get("name") or said.get("name") or said["class_name"])
    is_chain = "input_layers" not in config or said["class_name"] == "Sequential"
    layers = tuple(_layer(entry, index, (*path,)) for index, entry in enumerate(listed))
    _note_shapes(layers)
    shape = _shape(config.get("build_input_shape") or _built(said) or _built(config))
    if is_chain:
        return Model(name, said["class_name"], layers, None, (), shape)
    refs = [tuple(_refs(config.get(key))) for key in ("input_layers", "output_layers")]
    return Model(name, said["class_name"], layers, refs[0], refs[1], shape)


def first_shape(layer: Layer) -> tuple[int | None, ...] | None:
    """Return the shape that a layer says it is given, without the number of pictures."""
    config = layer.config
    for key in ("batch_shape", "batch_input_shape"):
        if isinstance(config.get(key), list | tuple):
            return _shape(config[key])
    if isinstance(config.get("shape"), list | tuple):
        return _sizes(config["shape"])
    if isinstance(config.get("input_shape"), list | tuple):
        return _sizes(config["input_shape"])
    if isinstance(config.get("input_dim"), int) and layer.class_name == "Dense":
        return (config["input_dim"],)
    return None


def _built(said: Mapping[str, Any]) -> Any:
    built = said.get("build_config")
    return built.get("input_shape") if isinstance(built, dict) else None


def _shape(value: Any) -> tuple[int | None, ...] | None:
    """Return a shape without the number of pictures; None where it says none."""
    if not isinstance(value, list | tuple) or not value or isinstance(value[0], list | tuple | dict | str):
        return None
    return _sizes(value[1:])


def _sizes(values: Sequence[Any]) -> tuple[int | None, ...] | None:
    if any(not (size is None or isinstance(size, int)) or isinstance(size, bool) for size in values):
        return None
    return tuple(values)


def _layer(entry: Any, index: int, path: tuple[str, ...]) -> Layer:
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise KerasError(f"lists something as layer {index} that is none; it is damaged")
    config = entry.get("config")
    name = entry.get("name") or (config.get("name") if isinstance(config, dict) else None)
    name = str(name or f"{entry['class_name'].lower()}_{index + 1}")
    path = (*path, name)
    calls = tuple(_calls(entry.get("inbound_nodes")))
    if is_model(entry):
        inner = model_of(entry, path)
        inner.name = name
        return Layer(name, entry["class_name"], {}, calls, inner, path)
    if not isinstance(config, dict):
        raise KerasError(f"says nothing of its layer {name}; it is damaged")
    class_name, config = modern(entry["class_name"], config)
    return Layer(name, class_name, config, calls, None, path)


def _calls(nodes: Any) -> Iterator[Call]:
    if not isinstance(nodes, list):
        return
    for node in nodes:
        if isinstance(node, dict):  # Keras 3
            args = _tree(node.get("args", []))
            kwargs = _tree(node.get("kwargs", {}))
            yield Call(
                tuple(args) if isinstance(args, list) else (args,), kwargs if isinstance(kwargs, dict) else {}
            )
        elif isinstance(node, list) and node:
            yield _old_call([node] if isinstance(node[0], str) else node)


def _old_call(inputs: list[Any]) -> Call:
    """Return the call of a node of Keras 1 and 2: `[layer, node, tensor, kwargs]` for each input."""
    kwargs: dict[str, Any] = {}
    args = []
    for entry in inputs:
        args.append(_old_input(entry))
        if isinstance(entry, list) and len(entry) > 3 and isinstance(entry[3], dict):
            kwargs |= {key: _old_kwarg(value) for key, value in entry[3].items()}
    return Call((args,) if len(args) > 1 else tuple(args), kwargs)


def _old_input(entry: Any) -> Any:
    if not isinstance(entry, list) or not entry:
        return entry
    if entry[0] == CONSTANT and len(entry) > 2:
        return entry[2]
    if isinstance(entry[0], str) and len(entry) > 2 and isinstance(entry[1], int):
        return Ref(entry[0], entry[1], int(entry[2]))
    return [_old_input(inner) for inner in entry]


def _old_kwarg(value: Any) -> Any:
    """Return what a layer is called with besides; a tensor among it is `[layer, node, tensor]`."""
    is_ref = (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
        and isinstance(value[2], int)
    )
    if is_ref:
        return _old_input(value)
    if isinstance(value, list):
        return [_old_kwarg(inner) for inner in value]
    return value


@dataclass(frozen=True)
class _Shaped(Ref):
    shape: tuple[int | None, ...] | None = None


def _tree(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise KerasError("nests values deeper than any network does; it is damaged")
    if isinstance(value, list):
        return [_tree(inner, depth + 1) for inner in value]
    if not isinstance(value, dict):
        return value
    config = value.get("config")
    if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
        history = config.get("keras_history")
        if not (isinstance(history, list) and len(history) == 3 and isinstance(history[0], str)):
            raise KerasError("names an input of a layer that is none; it is damaged")
        return _Shaped(history[0], int(history[1]), int(history[2]), _shape(config.get("shape")))
    if value.get("class_name") == "__tuple__":
        return _tree(value.get("items", []), depth + 1)
    return {key: _tree(inner, depth + 1) for key, inner in value.items()}


def _refs(value: Any) -> Iterator[Ref]:
    """Yield the inputs or outputs of a model: one, a list, or a dict of them."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _refs(inner)
    elif (
        isinstance(value, list)
        and len(value) >= 3
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    ):
        yield Ref(value[0], value[1], int(value[2]))
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


def each_ref(tree: Any) -> Iterator[Ref]:
    """Yield the outputs of layers that stand anywhere in a tree."""
    if isinstance(tree, Ref):
        yield tree
    elif isinstance(tree, list | tuple):
        for inner in tree:
            yield from each_ref(inner)
    elif isinstance(tree, dict):
        for inner in tree.values():
            yield from each_ref(inner)


def _note_shapes(layers: Sequence[Layer]) -> None:
    """Write to each layer the shapes of its outputs that Keras 3 notes where they are used."""
    by_name = {layer.name: layer for layer in layers}
    for layer in layers:
        for call in layer.calls:
            for ref in each_ref((list(call.args), dict(call.kwargs))):
                if isinstance(ref, _Shaped) and ref.shape is not None and ref.layer in by_name:
                    by_name[ref.layer].recorded[ref.call, ref.output] = ref.shape


def _within(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Model]]:
    """Yield the models that stand anywhere in a config."""
    if is_model(value):
        yield place, model_of(value, place)
    elif len(place) < 6 and isinstance(value, dict):
        for key, inner in value.items():
            yield from _within(inner, place if key == "config" else (*place, str(key)))
    elif len(place) < 6 and isinstance(value, list):
        for index, inner in enumerate(value[:100]):
            yield from _within(inner, (*place, str(index)))


def snake_case(name: str) -> str:
    """Return a class name as Keras writes it in paths: `Conv2DTranspose` is `conv2d_transpose`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
