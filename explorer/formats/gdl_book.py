"""Folders of the book Generative Deep Learning (Foster 2019): `params.pkl`, a plain list of settings, and weights.

The settings name sizes alone; how the layers follow one another is the book's: transposed convolutions between batch
norm and LeakyReLU. The order of these two, which differs between its chapters, stands in the list of layers that the
weights' file has. Opened as the folder, or as either of its files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.formats import isolated, keras_file
from explorer.formats.reader import Reader, Reading

if TYPE_CHECKING:
    from explorer.formats.keras_making import Described
    from explorer.models.base import LatentModel, StageModel
    from explorer.models.keras_config import Model

SETTINGS = "params.pkl"
_MOST_LAYERS = 50


@dataclass(frozen=True)
class Coder:
    """What the settings of an autoencoder say: filters, kernels and strides of both halves."""

    image: tuple[int, ...]
    encoder: tuple[tuple[int, int, int], ...]
    decoder: tuple[tuple[int, int, int], ...]
    latent: int
    has_norm: bool
    has_dropout: bool


@dataclass(frozen=True)
class Gan:
    """What the settings of a GAN say of its generator: `(up, filters, kernel, stride)` of each layer."""

    image: tuple[int, ...]
    start: tuple[int, ...]
    layers: tuple[tuple[int, int, int, int], ...]
    has_norm: bool
    activation: str


def places(path: Path) -> tuple[Path, Path] | None:
    """Return settings and weights of the folder that a path is, or lies in; None where it is no such folder."""
    folders = [path] if path.is_dir() else [path.parent, path.parent.parent]
    for folder in folders:
        settings, inside = folder / SETTINGS, folder / "weights"
        try:
            if not settings.is_file() or (path.is_file() and path != settings and path.parent != inside):
                continue
            found = sorted(entry for entry in inside.iterdir() if entry.suffix == ".h5")
        except OSError:
            continue
        if path in found:
            return settings, path
        if found:
            return settings, next((entry for entry in found if entry.stem == "weights"), found[-1])
    return None


def matches(head: bytes, path: Path) -> bool:
    """A folder of settings and weights, or one of its files."""
    is_file_of_it = head.startswith(keras_file.HDF5) or (head[:1] == b"\x80" and path.name == SETTINGS)
    if head and not is_file_of_it:
        return False
    try:
        return places(path) is not None
    except OSError:
        return False


def load(reading: Reading) -> keras_file.Loaded:
    """Read settings and weights, each in a child process."""
    found = places(reading.path)
    assert found is not None
    settings, weights = found
    content = keras_file.read(weights, reading).content
    if content.get("config"):  # a whole model lies there
        return keras_file.Loaded(content, format="gdl-book", weights=weights)
    with isolated.start(settings) as child:
        said = child.result(reading.on_progress, reading.should_stop).content
    return keras_file.Loaded(content, settings=(read_settings(said),), format="gdl-book", weights=weights)


def build(loaded: keras_file.Loaded, reading: Reading) -> LatentModel | StageModel:
    """Return the model; its hash is that of the weights."""
    from explorer.formats import keras_making

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    return keras_making.made(loaded, reading)


def read_settings(said: Any) -> Coder | Gan | None:
    """Return what a list of settings says; None where it isn't of the book."""
    if not isinstance(said, list | tuple) or not 10 <= len(said) <= 30 or not _sizes(said[0], 3):
        return None
    try:
        return _coder(said) if len(said) == 10 else _gan(said)
    except (TypeError, ValueError, IndexError):
        return None


def _sizes(value: Any, count: int | None = None) -> bool:
    return (
        isinstance(value, list | tuple)
        and 0 < len(value) <= _MOST_LAYERS
        and (count is None or len(value) == count)
        and all(isinstance(size, int) and 0 < size < 1 << 16 for size in value)
    )


def _coder(said: Sequence[Any]) -> Coder | None:
    if not all(_sizes(entry) for entry in said[1:7]) or not isinstance(said[7], int):
        return None
    halves = [tuple(zip(*said[first : first + 3], strict=True)) for first in (1, 4)]
    return Coder(tuple(said[0]), halves[0], halves[1], said[7], bool(said[8]), bool(said[9]))


def _gan(said: Sequence[Any]) -> Gan | None:
    at = next((index for index in range(1, len(said) - 6) if _is_start(said[index : index + 5])), None)
    if at is None:
        return None
    ups, filters, kernels, strides = said[at + 1 : at + 5]
    layers = tuple(zip(ups, filters, kernels, strides, strict=True))
    if not all(_sizes(layer) for layer in layers):
        return None
    return Gan(tuple(said[0]), tuple(said[at]), layers, said[at + 5] is not None, str(said[at + 6]))


def _is_start(entries: Sequence[Any]) -> bool:
    """Tell whether a start grid and four lists of the same length stand there: the generator's."""
    return _sizes(entries[0], 3) and all(_sizes(e) and len(e) == len(entries[1]) for e in entries[1:])


def described(settings: Coder | Gan | None, content: Mapping[str, Any]) -> Described:
    """Return the network that settings and weights make.

    Raises:
        KerasError: they do not fit.
    """
    from explorer.formats.keras_layout import Found, Weights, share_out
    from explorer.formats.keras_making import Described
    from explorer.formats.keras_network import build as build_network
    from explorer.models.keras_config import KerasError

    if settings is None or content.get("layers") is None:
        raise KerasError(
            f"lies beside a {SETTINGS} that is not of the book Generative Deep Learning; open the model itself"
        )
    listed: dict[str, list[Found]] = {
        entry["name"]: [
            Found(f"{entry['name']}/{name}", tensor)
            for name, tensor in zip(entry["names"], entry["weights"], strict=True)
        ]
        for entry in content["layers"]
    }
    groups = [entries for entries in listed.values() if len(entries) > 4] or list(listed.values())
    weights: Weights = {}
    if isinstance(settings, Coder):
        is_norm_first = _is_norm_first(list(listed))
        decoder = _decoder(settings, is_norm_first)
        encoder = _encoder(settings, listed, is_norm_first)
        for layer in encoder.layers:
            weights[id(layer)] = listed.get(layer.name, [])
        models = [((), decoder), ((), encoder)]
        share_out(list(decoder.each()), groups[-1], weights)
    else:
        width = math.prod(settings.start)
        group = next(
            (g for g in groups if any(e.tensor.ndim == 2 and e.tensor.shape[1] == width for e in g)),
            groups[0],
        )
        latent = next(
            (e.tensor.shape[0] for e in group if e.tensor.ndim == 2 and e.tensor.shape[1] == width), 0
        )
        decoder = _generator(settings, latent)
        models = [((), decoder)]
        share_out(list(decoder.each()), group, weights)
    note = f"Its sizes are those of {SETTINGS}; how its layers follow one another is the book's."
    return Described(build_network(models, weights, 2), (), (note,))


def _is_norm_first(names: Sequence[str]) -> bool:
    """Tell whether batch norm comes before LeakyReLU, as the list of layers says."""
    norm = next((index for index, name in enumerate(names) if "norm" in name), 0)
    rectified = next((index for index, name in enumerate(names) if "relu" in name.replace("_", "")), 1 << 30)
    return norm < rectified


def _between(settings: Coder, is_norm_first: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the layers between two convolutions."""
    norm = [("BatchNormalization", {"axis": -1, "epsilon": 1e-3})] if settings.has_norm else []
    rectified: list[tuple[str, dict[str, Any]]] = [("LeakyReLU", {"alpha": 0.3})]
    dropout = [("Dropout", {"rate": 0.25})] if settings.has_dropout else []
    return [*norm, *rectified, *dropout] if is_norm_first else [*rectified, *norm, *dropout]  # type: ignore[list-item]


def _convolution(kind: str, filters: int, kernel: int, stride: int) -> tuple[str, dict[str, Any]]:
    return kind, {"filters": filters, "kernel_size": [kernel] * 2, "strides": [stride] * 2, "padding": "same"}


def _chain(name: str, shape: Sequence[int], layers: Sequence[tuple[str, dict[str, Any]]]) -> Model:
    from explorer.models.keras_config import Layer, Model

    made = [
        Layer(f"{name}_{index}", kind, config, path=(name,)) for index, (kind, config) in enumerate(layers)
    ]
    return Model(name, "Sequential", tuple(made), None, (), tuple(shape))


def _start(settings: Coder) -> tuple[int, ...]:
    """Return the shape that leaves the encoder's convolutions."""
    rows, columns = settings.image[:2]
    for _, _, stride in settings.encoder:
        rows, columns = -(-rows // stride), -(-columns // stride)
    return rows, columns, settings.encoder[-1][0]


def _decoder(settings: Coder, is_norm_first: bool) -> Model:
    start = _start(settings)
    layers: list[tuple[str, dict[str, Any]]] = [
        ("Dense", {"units": math.prod(start)}),
        ("Reshape", {"target_shape": list(start)}),
    ]
    for index, (filters, kernel, stride) in enumerate(settings.decoder):
        layers.append(_convolution("Conv2DTranspose", filters, kernel, stride))
        is_last = index == len(settings.decoder) - 1
        layers += (
            [("Activation", {"activation": "sigmoid"})] if is_last else _between(settings, is_norm_first)
        )
    return _chain("decoder", (settings.latent,), layers)


def _encoder(settings: Coder, listed: Mapping[str, Any], is_norm_first: bool) -> Model:
    """Return the encoder, each layer under the name that the weights have, with its one or two heads."""
    from explorer.models.keras_config import Call, Layer, Model, Ref

    kinds: list[tuple[str, dict[str, Any]]] = []
    for filters, kernel, stride in settings.encoder:
        kinds += [_convolution("Conv2D", filters, kernel, stride), *_between(settings, is_norm_first)]
    kinds.append(("Flatten", {}))
    own = [(name, entries) for name, entries in listed.items() if 0 < len(entries) <= 4]
    convolutions = iter(name for name, entries in own if entries[0].tensor.ndim == 4)
    norms = iter(name for name, entries in own if len(entries) == 4 and entries[0].tensor.ndim == 1)
    heads = [name for name, entries in own if entries[0].tensor.ndim == 2][-2:]
    layers = [Layer("input", "InputLayer", {"batch_input_shape": [None, *settings.image]})]
    for index, (kind, config) in enumerate(kinds):
        source = {"Conv2D": convolutions, "BatchNormalization": norms}.get(kind)
        name = next(source, f"missing_{index}") if source is not None else f"layer_{index}"
        layers.append(Layer(name, kind, config, (Call((Ref(layers[-1].name, 0, 0),), {}),)))
    last = Ref(layers[-1].name, 0, 0)
    layers += [Layer(name, "Dense", {"units": settings.latent}, (Call((last,), {}),)) for name in heads]
    outputs = tuple(Ref(name, 0, 0) for name in heads)
    return Model("encoder", "Functional", tuple(layers), (Ref("input", 0, 0),), outputs)


def _generator(settings: Gan, latent: int) -> Model:
    norm: list[tuple[str, dict[str, Any]]] = [("BatchNormalization", {"axis": -1, "epsilon": 1e-3})]
    between = norm if settings.has_norm else []
    if settings.activation == "leaky_relu":
        between = [*between, ("LeakyReLU", {"alpha": 0.2})]
    else:
        between = [*between, ("Activation", {"activation": settings.activation})]
    layers = [
        ("Dense", {"units": math.prod(settings.start)}),
        *between,
        ("Reshape", {"target_shape": list(settings.start)}),
    ]
    for index, (up, filters, kernel, stride) in enumerate(settings.layers):
        if up == 2:
            layers += [("UpSampling2D", {"size": [2, 2]}), _convolution("Conv2D", filters, kernel, 1)]
        else:
            layers.append(_convolution("Conv2DTranspose", filters, kernel, stride))
        is_last = index == len(settings.layers) - 1
        layers += [("Activation", {"activation": "tanh"})] if is_last else between
    return _chain("generator", (latent,), layers)


def _folder(path: Path) -> Path:
    """Return the folder that a path is, or lies in."""
    found = places(path)
    return found[0].parent if found is not None else path.parent


READER = Reader("Generative Deep Learning folder (params.pkl, weights/)", matches, load, build, _folder)
