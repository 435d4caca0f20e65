"""Folders of settings and weights: opened as the folder or as either file, weights where the settings say."""

import pickle

import numpy as np
import pytest
import torch
from keras_files import named, write_h5
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint

pytestmark = pytest.mark.usefixtures("in_process")

SETTINGS = [(16, 16, 1), [4, 6], [3, 3], [2, 2], [5, 1], [3, 3], [2, 2], 3, True, True]
PARTS = ("gamma", "beta", "moving_mean", "moving_variance")


class Book:
    """An autoencoder of the book with random weights, computed step by step."""

    def __init__(self):
        random = np.random.default_rng(0)

        def some(*shape):
            return torch.from_numpy((random.standard_normal(shape) * 0.5).astype("f4"))

        self.kernels = {
            "encoder_conv_0": [some(3, 3, 1, 4), some(4)],
            "encoder_conv_1": [some(3, 3, 4, 6), some(6)],
        }
        self.heads = {"mu": [some(96, 3), some(3)], "log_var": [some(96, 3), some(3)]}
        self.dense = [some(3, 96), some(96)]
        self.back = {
            "decoder_conv_t_0": [some(3, 3, 5, 6), some(5)],
            "decoder_conv_t_1": [some(3, 3, 1, 5), some(1)],
        }
        self.norms = {
            name: [some(width).abs() + 0.5 for _ in PARTS]
            for name, width in (("n0", 4), ("n1", 6), ("n2", 5))
        }

    def weights(self, norm_first):
        def norm(name):
            return [
                (f"{name}/{part}:0", array.numpy())
                for part, array in zip(PARTS, self.norms[name], strict=True)
            ]

        def plain(name, arrays):
            return named(name, [array.numpy() for array in arrays])

        listed = {"encoder_input": []}
        for index, (name, arrays) in enumerate(self.kernels.items()):
            listed[name] = plain(name, arrays)
            both = [(f"batch_normalization_{index}", norm(f"n{index}")), (f"leaky_re_lu_{index}", [])]
            listed |= dict(both if norm_first else both[::-1])
        listed |= {
            "flatten": [],
            **{name: plain(name, arrays) for name, arrays in self.heads.items()},
            "lambda": [],
        }
        inner = [
            *plain("dense", self.dense),
            *plain("decoder_conv_t_0", self.back["decoder_conv_t_0"]),
            *norm("n2"),
        ]
        inner += plain("decoder_conv_t_1", self.back["decoder_conv_t_1"])
        late = ("moving_mean", "moving_variance")
        return {**listed, "model_1": sorted(inner, key=lambda pair: any(word in pair[0] for word in late))}

    def between(self, x, name, norm_first):
        gamma, beta, mean, variance = (array[:, None, None] for array in self.norms[name])

        def norm(x):
            return (x - mean) / (variance + 1e-3).sqrt() * gamma + beta

        return functional.leaky_relu(norm(x), 0.3) if norm_first else norm(functional.leaky_relu(x, 0.3))

    def decode(self, codes, norm_first):
        x = (codes @ self.dense[0] + self.dense[1]).reshape(-1, 4, 4, 6).permute(0, 3, 1, 2)
        for index, (kernel, bias) in enumerate(self.back.values()):
            size = 2 * x.shape[-1]
            x = functional.conv_transpose2d(x, kernel.permute(3, 2, 0, 1), bias, stride=2)[..., :size, :size]
            x = torch.sigmoid(x) if index else self.between(x, "n2", norm_first)
        return x

    def encode(self, pictures, norm_first):
        x = pictures
        for index, (kernel, bias) in enumerate(self.kernels.values()):
            x = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), kernel.permute(3, 2, 0, 1), bias, stride=2)
            x = self.between(x, f"n{index}", norm_first)
        x = x.permute(0, 2, 3, 1).flatten(1)
        return [x @ kernel + bias for kernel, bias in self.heads.values()]


def folder(tmp_path, weights, settings=SETTINGS):
    (tmp_path / "weights").mkdir()
    (tmp_path / "params.pkl").write_bytes(pickle.dumps(settings))
    write_h5(tmp_path / "weights" / "weights.h5", None, weights)
    return tmp_path


@pytest.mark.parametrize("norm_first", [True, False])
@pytest.mark.parametrize("inside", [".", "params.pkl", "weights/weights.h5"])
def test_a_vae_of_the_book(tmp_path, inside, norm_first):
    book = Book()
    found = open_checkpoint(folder(tmp_path, book.weights(norm_first)) / inside).model
    codes, pictures = torch.randn(3, 3), torch.rand(3, 1, 16, 16)
    torch.testing.assert_close(found.decode_raw(codes), book.decode(codes, norm_first))
    told = found.encode(pictures)
    mean, logvar = book.encode(pictures, norm_first)
    torch.testing.assert_close(told.mean, mean)
    torch.testing.assert_close(told.logvar, logvar)
    assert found.spaces["z"].prior == "normal"


def test_settings_of_something_else(tmp_path):
    path = folder(tmp_path, Book().weights(True), {"lr": 0.1})
    with pytest.raises(CheckpointError, match=r"params\.pkl"):
        open_checkpoint(path)


def test_a_gan_of_the_book(tmp_path):
    random = np.random.default_rng(1)
    settings = [(8, 8, 1), [4], [3], [2], None, "relu", 0.4, 0.1, (4, 4, 2), [2, 1], [3, 1], [3, 3], [1, 1]]
    settings += [0.9, "leaky_relu", None, 0.1, "adam", 6]
    dense = [(random.standard_normal(shape) * 0.5).astype("f4") for shape in ((6, 32), (32,))]
    first = [(random.standard_normal(shape) * 0.5).astype("f4") for shape in ((3, 3, 2, 3), (3,))]
    last = [(random.standard_normal(shape) * 0.5).astype("f4") for shape in ((3, 3, 1, 3), (1,))]
    norms = [[np.abs(random.standard_normal(width)).astype("f4") for _ in PARTS] for width in (32, 3)]
    names = [
        [(f"bn_{i}/{part}:0", array) for part, array in zip(PARTS, norm, strict=True)]
        for i, norm in enumerate(norms)
    ]
    inner = [*named("d", dense), *names[0][:2], *named("c0", first), *names[1][:2], *named("c1", last)]
    inner += [*names[0][2:], *names[1][2:]]
    judge = named("j", [np.ones((64, 1), "f4"), np.ones(1, "f4")])
    path = folder(tmp_path, {"input": [], "model_1": inner, "model": judge}, settings)
    found = open_checkpoint(path).model

    def act(x, norm):
        gamma, beta, mean, variance = (torch.from_numpy(array) for array in norm)
        return functional.leaky_relu((x - mean) / (variance + 1e-3).sqrt() * gamma + beta, 0.2)

    codes = torch.randn(2, 6)
    x = act(codes @ torch.from_numpy(dense[0]) + torch.from_numpy(dense[1]), norms[0]).reshape(-1, 4, 4, 2)
    x = functional.interpolate(x.permute(0, 3, 1, 2), scale_factor=2)
    x = functional.conv2d(
        x, torch.from_numpy(first[0]).permute(3, 2, 0, 1), torch.from_numpy(first[1]), padding=1
    )
    x = act(x.permute(0, 2, 3, 1), norms[1]).permute(0, 3, 1, 2)
    kernel = torch.from_numpy(last[0]).permute(3, 2, 0, 1)
    x = functional.conv_transpose2d(x, kernel, torch.from_numpy(last[1]), padding=1)
    torch.testing.assert_close(found.decode_raw(codes), torch.tanh(x))
    assert found.native_range.low == -1


def test_a_folder_of_the_book_itself(reference_data):
    path = reference_data / "trained-checkpoints" / "gdl_vae_weights_h5"
    if not path.is_dir():
        pytest.skip(f"no {path}")
    reference = np.load(path / "reference.npz")
    ours = open_checkpoint(path).model.decode_raw(torch.from_numpy(reference["z"])).permute(0, 2, 3, 1)
    assert np.abs(ours.numpy() - reference["images"]).max() < 1e-4 * np.ptp(reference["images"])
