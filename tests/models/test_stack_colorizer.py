"""The article's colour stage: sizes, range at the door, plain state dicts, two linear layers in one."""

import copy

import pytest
import torch
from checkpoints_read import InProcess
from torch import nn

from explorer.formats import isolated, open_checkpoint, open_stage, save_native
from explorer.models import architecture
from explorer.models.stack_colorizer import StackColorizer, StackColorizerConfig, folded, stage

FAMILY = architecture("stack-colorizer")


def network(hidden=8, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return StackColorizer(StackColorizerConfig(hidden)).eval().requires_grad_(False)


def plain(hidden=8, last=()):
    """As somebody else writes it."""
    layers = [nn.ConvTranspose2d(1, 10, kernel_size=5, stride=2), nn.ReLU(), nn.Conv2d(10, 5, 5), nn.ReLU()]
    layers += [nn.Flatten(), nn.Linear(5 * 59 * 59, hidden), nn.Linear(hidden, 2700), *last]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(*layers)


def grey(count=4):
    return torch.randint(0, 256, (count, 1, 30, 30), generator=torch.Generator().manual_seed(0)) / 255


def test_sizes_are_the_articles():
    with torch.device("meta"):
        shapes = [tuple(weight.shape) for weight in StackColorizer(StackColorizerConfig()).parameters()]
    assert shapes[::2] == [(1, 10, 5, 5), (5, 10, 5, 5), (4500, 17405), (2700, 4500)]
    assert FAMILY.config().gains
    assert not StackColorizerConfig(8).gains
    assert not StackColorizerConfig(folded=True).gains


def test_it_takes_grey_in_255_and_gives_colour_in_1():
    model = stage(network(), name="stack")
    pictures = grey()
    with torch.inference_mode():
        expected = model.network(pictures * 255)
        assert torch.equal(model.apply_raw(pictures), expected)
        assert torch.equal(model.apply(pictures), expected.clamp(0, 1))
    assert expected.shape == (4, 3, 30, 30)


def test_one_linear_layer_gives_what_two_gave():
    two = network(64)
    before = copy.deepcopy(two.state_dict())
    one = folded(two)
    pictures = grey() * 255
    with torch.inference_mode():
        assert (one(pictures) - two(pictures)).abs().max() < 1e-5
        assert two(pictures).std() > 0.1
    one.features[0].weight.zero_()
    assert all(torch.equal(weight, before[key]) for key, weight in two.state_dict().items())
    assert [tuple(layer.weight.shape) for layer in one.linears] == [(2700, 17405)]


@pytest.mark.parametrize("is_folded", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_native_checkpoint_says_which_it_holds(tmp_path, is_folded):
    held = folded(network()) if is_folded else network()
    config = StackColorizerConfig(8, is_folded)
    save_native(tmp_path / "stack.safetensors", stage(held, name="x"), config=config)
    again = open_stage(tmp_path / "stack.safetensors")
    assert again.architecture == "stack-colorizer"
    with torch.inference_mode():
        assert torch.equal(again.apply_raw(grey()), held(grey() * 255))


@pytest.mark.parametrize("names", ["own", "others"])
def test_a_plain_state_dict_opens_whatever_its_names(tmp_path, monkeypatch, names):
    monkeypatch.setattr(isolated, "start", InProcess)
    net = plain()
    weights = net.state_dict()
    if names == "others":
        words = {"0": "up", "2": "conv", "5": "dense_a", "6": "dense_b"}
        weights = {f"{words[key[0]]}{key[1:]}": weight for key, weight in weights.items()}
        weights = dict(reversed(weights.items()))
    torch.save(weights, tmp_path / "colour.pth")
    model = open_checkpoint(tmp_path / "colour.pth").model
    assert model.architecture == "stack-colorizer"
    with torch.inference_mode():
        pictures = grey()
        expected = net(pictures * 255).reshape(-1, 3, 30, 30)
        assert torch.equal(model.apply_raw(pictures), expected)


@pytest.mark.parametrize("shapes", ["wider", "more", "less"])
def test_other_shapes_are_another_network(shapes):
    held = {key: tuple(weight.shape) for key, weight in plain().state_dict().items()}
    assert FAMILY.translate(held, {})[0] == StackColorizerConfig(8)
    if shapes == "wider":
        held["6.weight"] = (2700, 9)
    elif shapes == "more":
        held["7.weight"] = (2700, 2700)
    else:
        del held["6.bias"]
    assert FAMILY.translate(held, {}) is None


def test_a_layer_without_weights_behind_it_is_another_network():
    held = {key: tuple(weight.shape) for key, weight in plain().state_dict().items()}
    assert FAMILY.translate(held, {"7": "Sigmoid"}) is None


@pytest.mark.slow
def test_the_articles_own_opens_with_one_linear_layer(tmp_path):
    net = plain(4500)
    torch.save(net.state_dict(), tmp_path / "colour.pth")
    model = open_checkpoint(tmp_path / "colour.pth").model
    assert sum(weight.numel() for weight in model.network.linears.parameters()) == 2700 * 17406
    with torch.inference_mode():
        pictures = grey()
        expected = net(pictures * 255).reshape(-1, 3, 30, 30)
        assert (model.apply_raw(pictures) - expected).abs().max() < 1e-5
