"""Folders of pythae (Chadebec et al. 2022, arXiv:2206.08309): `model_config.json` and `model.pt`.

Its default networks are linear layers with one hidden layer of 512; own ones lie beside as whole modules
(`decoder.pkl`, `encoder.pkl`), read as inert trees. What is sampled from goes by the name of the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.formats import beside
from explorer.formats.content import Record
from explorer.formats.inference import Module
from explorer.formats.isolated import Handed
from explorer.formats.reader import Reader, Reading
from explorer.models.base import ImageSpec, LatentModel, NativeRange, PriorName
from explorer.models.layers import Layer

if TYPE_CHECKING:
    from explorer.formats.state_dict import Weights
    from explorer.models.layered import Heads, LayeredConfig

_CONFIG, _WEIGHTS = "model_config.json", "model.pt"
_SPHERE = ("SVAE",)
_NO_PRIOR = ("AE", "RAE_GP", "RAE_L2", "VQVAE", "HRQVAE")
_OTHER_PRIOR = {
    "PoincareVAE": "in a hyperbolic ball; a normal one is taken instead, so random codes look unlike its own",
    "PoincareDiskVAE": "in a hyperbolic ball; a normal one is taken instead, so random codes look unlike its own",
    "VAMP": "around pictures it learned; a normal one is taken instead, so random codes look unlike its own",
}


@dataclass(frozen=True, eq=False)
class _Loaded:
    weights: Handed
    decoder: Handed | None = None
    encoder: Handed | None = None


def _matches(head: bytes, path: Path) -> bool:
    return beside.has(path, _CONFIG, _WEIGHTS) or _newest(path) is not None


def _newest(path: Path) -> Path | None:
    """Return the folder in a training's folder that holds its last state."""
    try:
        if not path.is_dir():
            return None
        inner = [
            each for each in sorted(path.iterdir()) if each.is_dir() and beside.has(each, _CONFIG, _WEIGHTS)
        ]
    except OSError:
        return None
    final = [each for each in inner if each.name == "final_model"]
    found = final or sorted(inner, key=_epoch)
    return found[-1] if found else None


def _epoch(folder: Path) -> int:
    digits = "".join(letter for letter in folder.name if letter.isdigit())
    return int(digits[:9] or 0)


def _folder(path: Path) -> Path:
    folder = beside.folder_of(path)
    return folder if beside.has(folder, _CONFIG, _WEIGHTS) else _newest(folder) or folder


def _load(reading: Reading) -> _Loaded:
    folder = _folder(reading.path)
    own = {name: folder / f"{name}.pkl" for name in ("decoder", "encoder")}
    read = {name: beside.read(reading, path) for name, path in own.items() if path.is_file()}
    return _Loaded(beside.read(reading, folder / _WEIGHTS), read.get("decoder"), read.get("encoder"))


def _build(loaded: _Loaded, reading: Reading) -> LatentModel:
    from explorer.formats import described, state_dict

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    folder = _folder(reading.path)
    said = beside.described(folder, _CONFIG)
    name = str(said.get("name", "")).removesuffix("Config").removesuffix("_Config")
    found = state_dict.weights_of(loaded.weights.content, reading)
    found = replace(found, facts={**found.facts, **said})
    prior: PriorName = "sphere" if name in _SPHERE else "none" if name in _NO_PRIOR else "normal"
    notes = [f"The network is the one that {_CONFIG} describes ({name})."]
    if name in _OTHER_PRIOR:
        notes.append(f"Codes of a {name} lie {_OTHER_PRIOR[name]}.")
    if folder != beside.folder_of(reading.path):
        notes.append(f"Of the folder {folder.name} was taken.")
    weights = folder / _WEIGHTS
    if loaded.decoder is None and loaded.encoder is None and not described.asks_for_layers(reading.hints):
        *image, latent_dim = beside.sizes(said, folder / _CONFIG, "input_dim", "latent_dim")
        config = default(ImageSpec(*_sides(image)), latent_dim, list(found.tensors), prior)
        return described.stated(config, found, reading, format_name="pythae", notes=notes, weights=weights)
    return _custom(loaded, found, prior, notes, reading, weights)


def default(image: ImageSpec, latent_dim: int, keys: list[str], prior: PriorName = "normal") -> LayeredConfig:
    """Return the network of linear layers that pythae takes unless it is given another, as deep as the keys say."""
    from explorer.models.layered import LayeredConfig

    return LayeredConfig(
        latent_dim,
        image,
        decoder=_default_decoder(keys),
        encoder=_default_encoder(keys),
        heads=_default_heads(keys),
        prior=prior,
        native_range=NativeRange(0.0, 1.0),
    )


def _default_decoder(keys: list[str]) -> tuple[Layer, ...]:
    layers = [Layer("linear", key) for key in _numbered("decoder", keys)]
    return (*[each for layer in layers for each in (layer, Layer("relu"))][:-1], Layer("sigmoid"))


def _default_encoder(keys: list[str]) -> tuple[Layer, ...]:
    layers = [Layer("linear", key) for key in _numbered("encoder", keys)]
    return (Layer("flatten"), *(each for layer in layers for each in (layer, Layer("relu"))))


def _default_heads(keys: list[str]) -> Heads | None:
    from explorer.models.layered import Heads

    if "encoder.embedding.weight" not in keys:
        return None
    mean = (Layer("linear", "encoder.embedding"),)
    if "encoder.log_var.weight" in keys:
        return Heads("separate", mean, (Layer("linear", "encoder.log_var"),))
    return Heads("single", mean)


def _numbered(part: str, keys: list[str]) -> list[str]:
    """Return the keys of a half's numbered linear layers."""
    named = (f"{part}.layers.{number}.0" for number in range(100))
    return [key for key in named if f"{key}.weight" in keys]


def _sides(image: list[int]) -> tuple[int, int, int]:
    """Return channels, height and width of a picture; of a flat row a square."""
    if len(image) == 3:
        return image[0], image[1], image[2]
    pixels = prod(image)
    side = round(pixels**0.5)
    return (1, side, side) if side * side == pixels else (1, 1, pixels)


def _custom(
    loaded: _Loaded, found: Weights, prior: PriorName, notes: list[str], reading: Reading, weights: Path
) -> LatentModel:
    """Return the model of networks that lie beside as whole modules; their layers state themselves."""
    from explorer.formats import described

    modules: list[Module] = []
    for part, handed in (("encoder", loaded.encoder), ("decoder", loaded.decoder)):
        modules += _own(part, handed) if handed else _stated(part, list(found.tensors))
    found = replace(found, modules=tuple(modules))
    notes = [*notes, "The layers are those of the modules beside the weights; none of their code was run."]
    model = described.inferred(found, reading, format_name="pythae", notes=notes, weights=weights)
    if reading.hints.prior is None:
        space = model.spaces["z"]
        model.spaces["z"] = replace(space, prior=prior, center=None, spread=None)  # type: ignore[arg-type]
    return model


def _own(part: str, handed: Handed) -> list[Module]:
    """Return the submodules of a pickled half, under the name it has among the weights."""
    from explorer.formats import module_tree

    if not isinstance(handed.content, Record):
        return []
    inner = module_tree.unfold(handed.content)[1]
    return [Module(part), *(module_tree.under(module, part) for module in inner)]


def _stated(part: str, keys: list[str]) -> list[Module]:
    """Return the submodules of a default half."""
    layers = _default_decoder(keys) if part == "decoder" else _default_encoder(keys)[1:]
    found = []
    for linear, activation in zip(layers[::2], layers[1::2], strict=False):
        found += [Module(linear.key, linear), Module(f"{linear.key[:-1]}1", activation)]
    heads = _default_heads(keys) if part == "encoder" else None
    return found + [Module(layer.key, layer) for layer in ((*heads.mean, *heads.second) if heads else ())]


READER = Reader("pythae folder (model_config.json, model.pt)", _matches, _load, _build, beside.folder_of)
