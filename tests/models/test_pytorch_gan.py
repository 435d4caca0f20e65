"""Generators whose batch norm has an eps of 0.8 that is in no file: told by names and shapes."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.formats import isolated, open_latent
from explorer.models.base import DecodeOptions
from explorer.models.pytorch_gan import ARCHITECTURE

CODES = torch.randn(4, 7, generator=torch.Generator().manual_seed(3))
LABELS = torch.tensor([2, 0, 1, 2])


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    from checkpoints_read import InProcess

    monkeypatch.setattr(isolated, "start", InProcess)


def enlarging(channels, is_first_normed):
    first = [nn.BatchNorm2d(6)] if is_first_normed else []
    one = [nn.Upsample(scale_factor=2), nn.Conv2d(6, 5, 3, 1, 1), nn.BatchNorm2d(5, 0.8), nn.LeakyReLU(0.2)]
    two = [nn.Upsample(scale_factor=2), nn.Conv2d(5, 4, 3, 1, 1), nn.BatchNorm2d(4, 0.8), nn.LeakyReLU(0.2)]
    return nn.Sequential(*first, *one, *two, nn.Conv2d(4, channels, 3, 1, 1), nn.Tanh())


def saved(path, parts, is_listed):
    """Save modules under their names with statistics of their own, and set them to draw."""
    torch.manual_seed(4)
    network = nn.Module()
    for name, part in parts.items():
        network.add_module(name, part)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.1, 2)
    state = network.state_dict()
    torch.save(state if is_listed else dict(state), path)
    network.eval().requires_grad_(False)
    return path


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize(("channels", "first", "classes"), [(1, True, 0), (3, False, 0), (1, True, 3)])
def test_maps_are_enlarged_and_a_class_scales_the_code(tmp_path, channels, first, classes, is_listed):
    parts = {"label_emb": nn.Embedding(3, 7)} if classes else {}
    parts |= {"l1": nn.Sequential(nn.Linear(7, 6 * 16)), "conv_blocks": enlarging(channels, first)}
    model = open_latent(saved(tmp_path / "generator.pth", parts, is_listed)).model
    assert (model.architecture, model.classes) == ("pytorch-gan", classes)
    assert (model.image.channels, model.image.height, str(model.native_range)) == (channels, 16, "-1..1")
    codes = CODES * parts["label_emb"](LABELS) if classes else CODES
    options = DecodeOptions(labels=LABELS.numpy()) if classes else DecodeOptions()
    expected = parts["conv_blocks"](parts["l1"](codes).reshape(4, 6, 4, 4))
    torch.testing.assert_close(model.decode_raw(CODES, "z", options), expected)


def test_a_class_that_joins_the_code_is_another_network():
    parts = {"label_emb": nn.Embedding(3, 4), "l1": nn.Sequential(nn.Linear(7, 6 * 16))}
    parts |= {"conv_blocks": enlarging(1, True)}
    shapes = {key: tuple(tensor.shape) for key, tensor in nn.ModuleDict(parts).state_dict().items()}
    assert ARCHITECTURE.recognise(shapes) is None


def test_what_a_stranger_trained_with_this_generator_is_drawn(reference_data):
    folder = reference_data / "wild-checkpoints" / "Zaimr49__MNIST-GAN-LatentSpaceExplorer"
    reference = np.load(folder / "reference.npz")
    model = open_latent(folder / "generator.pth").model
    assert model.architecture == "pytorch-gan"
    with torch.inference_mode():
        drawn = model.decode_raw(torch.tensor(reference["z"])).numpy()
    assert np.abs(drawn.reshape(reference["images"].shape) - reference["images"]).max() < 1e-5
