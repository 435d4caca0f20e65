"""Writes small Keras files with h5py alone, as Keras 1, 2 and 3 lay them out; no Keras is needed."""

import io
import json
import zipfile

import h5py
import numpy as np
import torch
from torch.nn import functional

from explorer.formats import open_checkpoint
from explorer.models.base import NO_OPTIONS, LatentModel


def layer(class_name, name, *sources, **config):
    """One layer of a graph, called with the first output of its sources."""
    nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": nodes,
    }


def model(name, layers, inputs, outputs):
    """A graph, as Keras 2 describes it."""
    ends = {"input_layers": [[i, 0, 0] for i in inputs], "output_layers": [[o, 0, 0] for o in outputs]}
    return {"class_name": "Functional", "name": name, "config": {"name": name, "layers": layers, **ends}}


def chain(name, layers, shape=None):
    """A Sequential; the layers' nodes do not count."""
    given = [layer("InputLayer", f"{name}_input", batch_input_shape=[None, *shape])] if shape else []
    return {"class_name": "Sequential", "config": {"name": name, "layers": [*given, *layers]}}


def called(described, *sources, call=0):
    """A model within another, called there; Keras counts its making as its first call."""
    nodes = [[[source, call, 0, {}] for source in sources]]
    return {**described, "name": described["config"]["name"], "inbound_nodes": nodes}


def write_h5(path, described, weights, version="2.15.0", text=bytes):
    """Write a whole model, or weights alone where it is described by None; `weights`: layer to names and arrays."""
    with h5py.File(path, "w") as file:
        if described is not None:
            file.attrs["model_config"] = text_of(json.dumps(described), text)
            file.attrs["keras_version"] = text_of(version, text)
        root = file.create_group("model_weights") if described is not None else file
        root.attrs["layer_names"] = [text_of(name, text) for name in weights]
        root.attrs["keras_version"] = text_of(version, text)
        for name, arrays in weights.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = [text_of(place, text) for place, _ in arrays]
            for place, array in arrays:
                group.create_dataset(place, data=array)
    return path


def text_of(value, kind):
    return value.encode() if kind is bytes else value


def write_keras(path, described, arrays, *, container="layers", slash="/"):
    """Write a `.keras` zip; `arrays`: path without its container (`dense/vars/0`) to array."""
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        for place, array in arrays.items():
            first, rest = place.split("/", 1)
            group = (
                file.require_group(f"{container}{slash}{first}")
                if slash != "/"
                else file.require_group(f"{container}/{first}")
            )
            group.create_dataset(rest, data=array)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
        archive.writestr("config.json", json.dumps(described))
        archive.writestr("model.weights.h5", data.getvalue())
    return path


class Decoder:
    """A small decoder with its weights: 3 numbers to a picture of 16x16."""

    def __init__(self, seed=0, prefix="", latent=3, channels=1):
        random = np.random.default_rng(seed)
        self.latent = latent

        def some(*shape):
            return (random.standard_normal(shape) * 0.4).astype(np.float32)

        names = [f"{prefix}{name}" for name in ("dense", "reshape", "conv2d_transpose", "conv2d_transpose_1")]
        self.arrays = {
            names[0]: [some(latent, 128), some(128)],
            names[2]: [some(3, 3, 6, 8), some(6)],
            names[3]: [some(4, 4, channels, 6), some(channels)],
        }
        same = {"strides": [2, 2], "padding": "same"}
        self.layers = [
            layer("Dense", names[0], units=128, activation="relu"),
            layer("Reshape", names[1], target_shape=[4, 4, 8]),
            layer("Conv2DTranspose", names[2], filters=6, kernel_size=[3, 3], activation="relu", **same),
            layer(
                "Conv2DTranspose",
                names[3],
                filters=channels,
                kernel_size=[4, 4],
                activation="sigmoid",
                **same,
            ),
        ]

    def described(self, name="decoder"):
        """The decoder as a chain."""
        return chain(name, self.layers, (self.latent,))

    def h5(self):
        """Its weights by layer, parameterless layers listed."""
        return {
            entry["name"]: named(entry["name"], self.arrays.get(entry["name"], ())) for entry in self.layers
        }

    def nested(self, name="decoder"):
        """Its weights as Keras 2 lists those of a model within another."""
        return {name: [pair for entry in self.h5().values() for pair in entry]}

    def counted(self):
        """Its weights as Keras 3 counts them."""
        return {f"{name}/vars/{i}": a for name, arrays in self.arrays.items() for i, a in enumerate(arrays)}


def named(name, arrays):
    """Weights under the names of Keras 2."""
    return [(f"{name}/{part}:0", array) for part, array in zip(("kernel", "bias"), arrays, strict=False)]


CODES = torch.linspace(-1, 1, 12).reshape(4, 3)


def expected(decoder, codes=CODES, extra=0):
    """Compute a `Decoder` step by step, its transposed convolutions cropped as Keras crops them."""
    (dense, bias), (first, first_bias), (second, second_bias) = decoder.arrays.values()
    x = functional.relu(codes @ torch.from_numpy(dense) + torch.from_numpy(bias))
    x = x.reshape(-1, 4, 4, 8).permute(0, 3, 1, 2)
    x = functional.conv_transpose2d(x, torch.from_numpy(first).permute(3, 2, 0, 1), stride=2) + extra
    x = x[..., :8, :8]
    x = functional.relu(x + torch.from_numpy(first_bias)[:, None, None])
    x = functional.conv_transpose2d(x, torch.from_numpy(second).permute(3, 2, 0, 1), stride=2)[
        ..., 1:17, 1:17
    ]
    return torch.sigmoid(x + torch.from_numpy(second_bias)[:, None, None])


def opened(path, **hints):
    """Open a generator."""
    model = open_checkpoint(path, hints=hints).model
    assert isinstance(model, LatentModel)
    return model


def close(model, decoder, codes=CODES, options=NO_OPTIONS):
    """Compare a model with a `Decoder`."""
    torch.testing.assert_close(model.decode_raw(codes, "z", options), expected(decoder, codes))
