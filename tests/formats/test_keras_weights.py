"""Keras weights without a description: what is made of them, and what hints say instead."""

import h5py
import numpy as np
import pytest
import torch
from keras_files import CODES, Decoder, close, expected, named, opened, write_h5
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint
from explorer.formats.diagnosis import Unfamiliar
from explorer.models.base import DecodeOptions

pytestmark = pytest.mark.usefixtures("in_process")


def counted_file(path, arrays):
    """Write weights as Keras 3 counts them."""
    with h5py.File(path, "w") as file:
        for place, array in arrays.items():
            first, rest = place.split("/", 1)
            file.require_group(f"layers/{first}").create_dataset(rest, data=array)
    return path


@pytest.mark.parametrize("counted", [False, True])
def test_a_decoder_by_its_shapes(tmp_path, counted):
    decoder = Decoder(prefix="")
    path = tmp_path / "m.h5"
    if counted:
        counted_file(path, decoder.counted())
    else:
        write_h5(path, None, decoder.h5())
    close(opened(path, image="1x16x16"), decoder)


def test_a_usual_size_is_chosen_and_said(tmp_path):
    decoder = Decoder()
    found = opened(write_h5(tmp_path / "m.h5", None, decoder.h5()))
    told = {guess.hint: guess for guess in found.diagnosis.guesses}
    assert told.keys() >= {"image", "activation", "output"}
    assert told["image"].value == str(found.image)
    assert all(fact.certainty < 1 for fact in found.diagnosis.layers)


def test_activations_by_hints(tmp_path):
    decoder = Decoder()
    path = write_h5(tmp_path / "m.h5", None, decoder.h5())
    tanh = opened(path, image="1x16x16", output="tanh")
    assert tanh.native_range.low == -1
    logits = torch.logit(expected(decoder).double()).float()
    torch.testing.assert_close(tanh.decode_raw(CODES), torch.tanh(logits), atol=1e-4, rtol=1e-4)
    other = opened(path, image="1x16x16", activation="tanh")
    assert not torch.allclose(other.decode_raw(CODES), expected(decoder))


def test_layers_by_a_hint(tmp_path):
    decoder = Decoder()
    path = write_h5(tmp_path / "m.h5", None, decoder.h5())
    said = "linear relu reshape:8,4,4 convT:s2 relu convT:s2 sigmoid"
    close(opened(path, layers=said), decoder)
    with pytest.raises(CheckpointError, match="others than the hint"):
        opened(path, layers="linear relu linear")


def test_its_layers_as_a_hint_give_the_same_network(tmp_path):
    decoder = Decoder()
    path = write_h5(tmp_path / "m.h5", None, decoder.h5())
    found = opened(path, image="1x16x16").diagnosis
    assert found.layers_text == "linear relu reshape:8,4,4,hwc convT:k3s2,same relu convT:k4s2,same sigmoid"
    again = opened(path, layers=found.layers_text)
    close(again, decoder)
    assert again.diagnosis.layers_text == found.layers_text


@pytest.mark.parametrize(
    ("hints", "why"),
    [
        ({"eps": "0.1"}, "weights of Keras are read without it"),
        ({"heads": "halves"}, "weights of Keras are read without it"),
        ({"start": "3x3x3"}, "its first map is told by its weights"),
        ({"classes": "3"}, "nothing in the file takes a class"),
        ({"color": "BGR"}, "its pictures are grey"),
    ],
)
def test_a_hint_that_changes_nothing_is_answered(tmp_path, hints, why):
    path = write_h5(tmp_path / "m.h5", None, Decoder().h5())
    notes = opened(path, image="1x16x16", **hints).notes
    assert f"The hint {next(iter(hints))} changes nothing here, because {why}." in notes


def test_what_a_hint_says_wrong_is_told_with_what_is_right(tmp_path):
    path = write_h5(tmp_path / "m.h5", None, Decoder().h5())
    with pytest.raises(CheckpointError, match="draws from codes of 3 numbers, not of 17"):
        opened(path, latent="17")
    with pytest.raises(
        CheckpointError, match=r"draws pictures of 1x16x16 .*, not of 1x99x99 as the hint image"
    ):
        opened(path, image="1x99x99")
    with pytest.raises(
        CheckpointError, match="has no part foo that draws pictures; leave out the hint entry"
    ):
        opened(path, entry="foo")


@pytest.mark.parametrize("join", ["multiply", "concatenate", "map"])
def test_classes_by_a_table(tmp_path, join):
    random = np.random.default_rng(2)
    decoder = Decoder(latent=7 if join == "concatenate" else 3)
    table = random.standard_normal((5, 4 if join == "concatenate" else 3)).astype("f4")
    weights = {"embedding": [("embedding/embeddings:0", table)], join: []}
    branch = random.standard_normal((3, 16)).astype("f4")
    if join == "map":
        decoder.arrays["conv2d_transpose"][0] = random.standard_normal((3, 3, 6, 9)).astype("f4")
        weights["dense_9"] = [("dense_9/kernel:0", branch)]
    path = write_h5(tmp_path / "g.h5", None, {**weights, **decoder.h5()})
    found = opened(path, image="1x16x16", output="sigmoid", activation="relu")
    assert found.classes == 5
    labels = np.array([2, 0, 4, 1])
    rows = torch.from_numpy(table)[labels]
    ours = found.decode_raw(CODES, "z", DecodeOptions(labels=labels))
    if join == "map":
        kernel = decoder.arrays["conv2d_transpose"][0]
        decoder.arrays["conv2d_transpose"][0] = kernel[..., :8]
        plane = torch.from_numpy(kernel[..., 8:]).permute(3, 2, 0, 1)
        extra = functional.conv_transpose2d(
            (rows @ torch.from_numpy(branch)).reshape(4, 1, 4, 4), plane, stride=2
        )
        wanted = expected(decoder, extra=extra)
    else:
        wanted = expected(decoder, CODES * rows if join == "multiply" else torch.cat((CODES, rows), 1))
    torch.testing.assert_close(ours, wanted)


def test_the_encoder_in_the_same_file(tmp_path):
    decoder, random = Decoder(), np.random.default_rng(1)
    first = [random.standard_normal((3, 3, 1, 5)).astype("f4"), random.standard_normal(5).astype("f4")]
    second = [random.standard_normal((3, 3, 5, 4)).astype("f4"), random.standard_normal(4).astype("f4")]
    heads = [[random.standard_normal((64, 3)).astype("f4"), np.full(3, size, "f4")] for size in (0, 1)]
    names = {
        "conv2d": first,
        "conv2d_1": second,
        "flatten": [],
        "mu": heads[0],
        "sigma": heads[1],
        "lambda": [],
    }
    weights = {name: named(name, arrays) for name, arrays in names.items()} | decoder.nested("model_1")
    found = opened(write_h5(tmp_path / "vae.h5", None, weights))
    close(found, decoder)
    pictures = torch.rand(2, 1, 16, 16)
    x = pictures
    for kernel, bias in (first, second):
        x = functional.pad(x, (0, 1, 0, 1))  # 'same' pads at the end
        kernel = torch.from_numpy(kernel).permute(3, 2, 0, 1)
        x = functional.relu(functional.conv2d(x, kernel, torch.from_numpy(bias), stride=2))
    x = x.permute(0, 2, 3, 1).flatten(1)
    told = found.encode(pictures)
    torch.testing.assert_close(told.mean, x @ torch.from_numpy(heads[0][0]))
    torch.testing.assert_close(told.logvar, x @ torch.from_numpy(heads[1][0]) + 1)


class Generator:
    """A generator with batch norm whose statistics are its own, as training leaves them."""

    def __init__(self, slope, strides):
        random = np.random.default_rng(4)

        def some(*shape):
            return (random.standard_normal(shape) / np.sqrt(np.prod(shape[:2]) * shape[-1])).astype("f4")

        self.slope, self.strides = slope, strides
        self.kernels = [some(5, 5, 8, 8), some(5, 5, 6, 8), some(5, 5, 1, 6)]
        self.dense = random.standard_normal((20, 7 * 7 * 8)).astype("f4")
        self.norms = []
        self(torch.randn(2000, 20, generator=torch.Generator().manual_seed(0)), learn=True)

    def _norm(self, x, index, learn):
        if learn:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
            self.norms.append(
                [np.ones(len(mean), "f4"), np.full(len(mean), 0.3, "f4"), mean.numpy(), variance.numpy()]
            )
        gamma, beta, mean, variance = (torch.from_numpy(a)[:, None, None] for a in self.norms[index])
        return functional.leaky_relu((x - mean) / (variance + 1e-3).sqrt() * gamma + beta, self.slope)

    def __call__(self, codes, learn=False):
        x = (codes @ torch.from_numpy(self.dense)).reshape(-1, 7, 7, 8).permute(0, 3, 1, 2)
        for index, (kernel, stride) in enumerate(zip(self.kernels, self.strides, strict=True)):
            x = functional.conv_transpose2d(x, torch.from_numpy(kernel).permute(3, 2, 0, 1), stride=stride)
            size = (x.shape[-1] - 5) // stride + 1
            front = (5 - stride) // 2
            x = x[..., front : front + size * stride, front : front + size * stride]
            x = self._norm(x, index, learn) if index < 2 else torch.tanh(x)
        return x

    def weights(self):
        listed = {"dense": [("dense/kernel:0", self.dense)], "reshape": []}
        for index, kernel in enumerate(self.kernels):
            name = f"conv2d_transpose_{index}"
            listed[name] = [(f"{name}/kernel:0", kernel)]
            if index < 2:
                names = ("gamma", "beta", "moving_mean", "moving_variance")
                norm = f"batch_normalization_{index}"
                listed[norm] = [(f"{norm}/{n}:0", a) for n, a in zip(names, self.norms[index], strict=True)]
                listed[f"leaky_re_lu_{index}"] = []
        return listed


@pytest.mark.parametrize(("slope", "strides"), [(0.3, (1, 2, 2)), (0.01, (2, 2, 1))])
def test_statistics_tell_slopes_and_strides(tmp_path, slope, strides):
    generator = Generator(slope, strides)
    found = opened(write_h5(tmp_path / "g.h5", None, generator.weights()))
    codes = torch.randn(3, 20)
    torch.testing.assert_close(found.decode_raw(codes), generator(codes), atol=1e-4, rtol=1e-4)
    told = {guess.hint: guess for guess in found.diagnosis.guesses}
    assert told["activation"].value == f"leaky_relu:{slope}"
    assert "statistics agree" in told["activation"].reason


def test_weights_of_no_decoder_are_told(tmp_path):
    weights = {"dense": named("dense", [np.ones((5, 7), "f4"), np.ones(7, "f4")])}
    with pytest.raises(Unfamiliar, match="dense 5x7") as caught:
        open_checkpoint(write_h5(tmp_path / "m.h5", None, weights))
    assert [fact.shape for fact in caught.value.diagnosis.tensors] == [(5, 7), (7,)]


def test_a_size_that_does_not_come_out(tmp_path):
    decoder = Decoder()
    with pytest.raises(CheckpointError, match="image"):
        opened(write_h5(tmp_path / "m.h5", None, decoder.h5()), image="1x50x50")
