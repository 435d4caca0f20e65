"""Generators whose batch norm has an eps of 0.8 that is in no file: told by names and shapes."""

import pytest
import torch
from torch import nn

from explorer.formats import isolated, open_latent
from explorer.models.base import DecodeOptions

CODES = torch.randn(4, 7, generator=torch.Generator().manual_seed(3))
LABELS = torch.tensor([2, 0, 1, 2])


@pytest.fixture(autouse=True)
def in_process(monkeypatch):
    from checkpoints_read import InProcess

    monkeypatch.setattr(isolated, "start", InProcess)


def rows(width, made):
    return [nn.Linear(width, made), nn.BatchNorm1d(made, 0.8), nn.LeakyReLU(0.2)]


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


@pytest.mark.parametrize("pixels", [144, 3 * 64])
def test_a_class_goes_before_the_code(tmp_path, pixels):
    embedding = nn.Embedding(3, 3)
    chain = nn.Sequential(
        nn.Linear(10, 8), nn.LeakyReLU(0.2), *rows(8, 9), *rows(9, 11), nn.Linear(11, pixels), nn.Tanh()
    )
    path = saved(tmp_path / "generator.pth", {"label_emb": embedding, "model": chain}, True)
    model = open_latent(path).model
    assert (model.architecture, model.classes) == ("pytorch-gan-rows", 3)
    drawn = model.decode_raw(CODES, "z", DecodeOptions(labels=LABELS.numpy()))
    torch.testing.assert_close(drawn.flatten(1), chain(torch.cat([embedding(LABELS), CODES], 1)))
