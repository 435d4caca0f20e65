"""Folders of the disentangled VAE experiments: `specs.json` and `model.pt`, the network of Burgess et al. 2018.

Three convolutions of 32 channels (a fourth for 64 pixels), kernel 4 and stride 2, two linear layers of 256, and
the same way back (arXiv:1804.03599, appendix); ReLU between, sigmoid at the end. The head of the encoder
interleaves mean and log variance.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.formats import beside
from explorer.formats.isolated import Handed
from explorer.formats.reader import Reader, Reading
from explorer.models.base import ImageSpec, LatentModel, NativeRange
from explorer.models.layers import Layer

if TYPE_CHECKING:
    from explorer.models.layered import LayeredConfig

_SPECS, _WEIGHTS = "specs.json", "model.pt"
_SMALLEST = 4  # side of the smallest map
_RELU = Layer("relu")
_HALVING = {"kernel": 4, "stride": 2, "padding": 1}


def network(image: ImageSpec, latent_dim: int) -> LayeredConfig:
    """Return the network for pictures of 32 or 64 pixels, with the names its files use."""
    from explorer.models.layered import Heads, LayeredConfig

    halvings = int(math.log2((image.height or 0) / _SMALLEST))
    more = halvings - 3
    encoder = [
        Layer("conv", f"encoder.{name}", _HALVING)
        for name in ("conv1", "conv2", "conv3", "conv_64")[:halvings]
    ]
    decoder = [
        Layer("convT", f"decoder.{name}", _HALVING)
        for name in ("convT_64", "convT1", "convT2", "convT3")[1 - more :]
    ]
    inner = [Layer("linear", f"encoder.{name}") for name in ("lin1", "lin2")]
    outer = [Layer("linear", f"decoder.{name}") for name in ("lin1", "lin2", "lin3")]
    start = Layer("reshape", "", {"shape": (32, _SMALLEST, _SMALLEST)})
    return LayeredConfig(
        latent_dim,
        image,
        decoder=(*_activated(outer), start, *_activated(decoder)[:-1], Layer("sigmoid")),
        encoder=(*_activated(encoder), Layer("flatten"), *_activated(inner)),
        heads=Heads("interleaved", (Layer("linear", "encoder.mu_logvar_gen"),)),
        native_range=NativeRange(0.0, 1.0),
    )


def _activated(layers: list[Layer]) -> list[Layer]:
    return [each for layer in layers for each in (layer, _RELU)]


def _matches(head: bytes, path: Path) -> bool:
    return beside.has(path, _SPECS, _WEIGHTS)


def _load(reading: Reading) -> Handed:
    return beside.read(reading, beside.folder_of(reading.path) / _WEIGHTS)


def _build(handed: Handed, reading: Reading) -> LatentModel:
    from explorer.formats import described, state_dict

    reading.on_progress(0.8, f"Building the network of {reading.name}")
    folder = beside.folder_of(reading.path)
    said = beside.described(folder, _SPECS)
    found = state_dict.weights_of(handed.content, reading)
    image: Any = said.get("img_size")
    is_known = said.get("model_type", "Burgess") == "Burgess" and isinstance(image, list) and len(image) == 3
    if described.asks_for_layers(reading.hints) or not is_known or image[1:] not in ([32, 32], [64, 64]):
        return described.inferred(found, reading, format_name="disvae", weights=folder / _WEIGHTS)
    channels, height, width, latent_dim = beside.sizes(said, folder / _SPECS, "img_size", "latent_dim")
    config = network(ImageSpec(channels, height, width), latent_dim)
    told = (f"The network is the one that {_SPECS} describes.",)
    return described.stated(
        config, found, reading, format_name="disvae", notes=told, weights=folder / _WEIGHTS
    )


READER = Reader("disentangling-vae folder (specs.json, model.pt)", _matches, _load, _build, beside.folder_of)
