"""Generators from picture to picture, as CycleGAN, pix2pix and their relatives save them, open as stages."""

import random

import numpy as np
import pytest
import torch
from picture_networks import Shells, Styler, Translator, trained
from safetensors.torch import save_file
from torch import nn

from explorer.errors import CheckpointError
from explorer.formats import open_checkpoint, open_stage, save_native
from explorer.models.base import StageModel

EXACT = 1e-4

TRANSLATORS = {
    "one block": {"blocks": 1},
    "six blocks": {"blocks": 6},
    "nine blocks": {"blocks": 9},
    "batch norm": {"norm": "batch"},
    "dropout": {"dropout": True},
    "dropout and batch norm": {"dropout": True, "norm": "batch"},
    "affine instance norm": {"norm": "affine"},
    "no norm": {"norm": "none"},
    "zeros beyond the edge of blocks": {"edge": "zeros"},
    "zeros and dropout": {"edge": "zeros", "dropout": True},
    "one level": {"levels": 1},
    "three levels": {"levels": 3},
    "grey to colour": {"inputs": 1},
    "labels to RGBA": {"inputs": 7, "outputs": 4},
    "enlarged, then convolved": {"ups": "nearest", "name": "block"},
    "blurred": {"ups": "blur", "blurs": True},
}

UNETS = {
    "batch norm": {},
    "instance norm": {"norm": "instance"},
    "seven levels": {"widths": (2, 4, 8, 8, 8, 8, 8)},
    "grey to colour": {"inputs": 1, "norm": "instance"},
}


@pytest.fixture(autouse=True)
def _here(in_process):
    """Files of this project's own making need no child process."""


def pictures(channels, height=24, width=28, low=-1.0, high=1.0):
    """Return a picture in a network's own range."""
    shape = (2, channels, height, width)
    return torch.rand(shape, generator=torch.Generator().manual_seed(3)) * (high - low) + low


def off(network, path, given, low=-1.0, high=1.0):
    """Return how far the opened file is from a network, of pictures in its own range."""
    stage = open_stage(path)
    assert isinstance(stage, StageModel)
    with torch.inference_mode():
        expected = network(given.clone())
        drawn = stage.apply_raw((given - low) / (high - low))
    assert drawn.std() > 0.05
    return float((drawn - expected).abs().max())


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_residual_generator_is_exact(tmp_path, name):
    options = TRANSLATORS[name]
    network = trained(Translator(**options))
    torch.save(network.state_dict(), tmp_path / "any.pth")
    given = pictures(options.get("inputs", 3), 24, 32)
    assert off(network, tmp_path / "any.pth", given) < EXACT


@pytest.mark.parametrize("name", UNETS)
def test_a_u_net_is_exact(tmp_path, name):
    options = UNETS[name]
    network = trained(Shells(**options))
    torch.save(network.state_dict(), tmp_path / "any.pth")
    side = 2 ** len(options.get("widths", range(4)))
    assert off(network, tmp_path / "any.pth", pictures(options.get("inputs", 3), side, 2 * side)) < EXACT


def test_the_reference_is_exact(reference_data):
    folder = reference_data / "trained-checkpoints" / "cyclegan_resnet9"
    reference = np.load(folder / "reference.npz")
    stage = open_stage(folder / "latest_net_G_A.pth")
    with torch.inference_mode():
        drawn = stage.apply_raw((torch.tensor(reference["z"]) + 1) / 2)
    assert np.abs(drawn.numpy() - reference["images"]).max() < EXACT
    assert (stage.architecture, str(stage.native_range)) == ("resnet-stage", "-1..1")


def test_statistics_of_instance_norms_in_early_files_do_not_count(tmp_path):
    kept = trained(Translator(norm="kept"))
    plain = Translator()
    plain.load_state_dict(kept.state_dict(), strict=False)
    torch.save(kept.state_dict(), tmp_path / "with.pth")
    without = {key: value for key, value in kept.state_dict().items() if "tracked" not in key}
    torch.save(without, tmp_path / "early.pth")
    assert off(plain.eval(), tmp_path / "with.pth", pictures(3)) < EXACT
    assert off(plain.eval(), tmp_path / "early.pth", pictures(3)) < EXACT


def test_a_network_for_styles_has_names_and_another_range(tmp_path):
    network = trained(Styler())
    state = dict(network.state_dict())
    torch.save(state, tmp_path / "new.pth")
    for key in [key for key in state if key.split(".")[-2].startswith("in") and key.endswith("weight")]:
        for name in ("running_mean", "running_var"):
            state[key.replace("weight", name)] = torch.rand_like(state[key])
    torch.save(state, tmp_path / "early.pth")
    given = pictures(3, low=0.0, high=255.0)
    for name in ("new.pth", "early.pth"):
        assert off(network, tmp_path / name, given, 0.0, 255.0) < EXACT * 255
    assert any("0..255" in note for note in open_stage(tmp_path / "new.pth").notes)


def test_wrappings_and_other_files_of_the_same(tmp_path):
    network = trained(Translator(blocks=3))
    state = network.state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "parallel.pth")
    torch.save({f"netG.{key}": value for key, value in state.items()}, tmp_path / "prefix.pth")
    judge = nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4, 1, 1))
    both = {"netD_A": judge.state_dict(), "netG_A": state, "epoch": 7}
    torch.save(both, tmp_path / "training.pth")
    torch.save(network, tmp_path / "whole.pth")
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "a.safetensors")
    for name in ("parallel.pth", "prefix.pth", "training.pth", "whole.pth", "a.safetensors"):
        assert off(network, tmp_path / name, pictures(3)) < EXACT, name
    replicated = trained(Translator(edge="replicate"))
    torch.save(replicated, tmp_path / "replicated.pth")
    assert off(replicated, tmp_path / "replicated.pth", pictures(3)) < EXACT


@pytest.mark.parametrize("size", [(22, 27), (5, 9), (1, 1), (4, 64)])
def test_a_picture_of_any_size_keeps_it(tmp_path, size):
    torch.save(trained(Translator()).state_dict(), tmp_path / "a.pth")
    torch.save(trained(Shells()).state_dict(), tmp_path / "b.pth")
    for name in "ab":
        stage = open_stage(tmp_path / f"{name}.pth")
        with torch.inference_mode():
            drawn = stage.apply(torch.rand(2, 3, *size))
        assert drawn.shape == (2, 3, *size)
        assert torch.isfinite(drawn).all()


def test_a_size_that_is_no_multiple_of_four_is_the_networks_own_cut_off(tmp_path):
    network = trained(Translator())
    torch.save(network.state_dict(), tmp_path / "a.pth")
    given = pictures(3, 22, 27)
    with torch.inference_mode():
        drawn = open_stage(tmp_path / "a.pth").apply_raw((given + 1) / 2)
        expected = network(given)
    assert expected.shape[2:] == (24, 28)
    assert (drawn - expected[..., :22, :27]).abs().max() < EXACT


def test_batch_norm_is_told_and_others_are_not(tmp_path):
    for kind in ("batch", "instance"):
        torch.save(trained(Translator(norm=kind)).state_dict(), tmp_path / f"{kind}.pth")
        told = any("batch norm" in note for note in open_stage(tmp_path / f"{kind}.pth").notes)
        assert told == (kind == "batch")


def test_a_stage_is_saved_and_comes_back_bit_for_bit(tmp_path):
    for name, network in {"t": Translator(), "u": Shells()}.items():
        torch.save(trained(network).state_dict(), tmp_path / f"{name}.pth")
        stage = open_stage(tmp_path / f"{name}.pth")
        save_native(tmp_path / f"{name}.safetensors", stage, config=vars(stage.network.config))
        again = open_stage(tmp_path / f"{name}.safetensors")
        given = torch.rand(1, 3, 20, 20)
        with torch.inference_mode():
            assert torch.equal(stage.apply(given), again.apply(given))


def without(state, *endings):
    return {key: value for key, value in state.items() if not key.endswith(endings)}


DAMAGED = {
    "one bias gone": lambda state: without(state, "11.conv_block.1.bias"),
    "one weight gone": lambda state: without(state, "10.conv_block.5.weight"),
    "no last layer": lambda state: without(state, "19.weight", "19.bias"),
    "another shape": lambda state: state | {"model.4.weight": torch.zeros(8, 5, 3, 3)},
    "a weight that fits no bias": lambda state: state | {"model.4.weight": torch.zeros(5, 1, 3, 2)},
    "a huge kernel": lambda state: state | {"model.1.weight": torch.zeros(4, 3, 61, 61)},
    "an even kernel": lambda state: state | {"model.1.weight": torch.zeros(4, 3, 8, 8)},
    "a number as weight": lambda state: state | {"model.4.weight": torch.tensor(1.0)},
    "something more": lambda state: state | {"model.30.alpha": torch.zeros(3)},
    "nothing in it": lambda state: {key: value[:0] for key, value in state.items()},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_in_a_sentence(tmp_path, name):
    state = DAMAGED[name](dict(trained(Translator()).state_dict()))
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(tmp_path / "a.pth")
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


@pytest.mark.parametrize("seed", [0, 1, 118])
def test_layers_in_any_order_with_damage_are_refused_in_a_sentence(tmp_path, seed):
    state = dict(trained(Styler()).state_dict())
    keys = list(state)
    random.Random(seed).shuffle(keys)
    state = {key: state[key] for key in keys}
    state["conv3.conv2d.bias"] = state["conv3.conv2d.bias"][None]
    state["model.in5.weight"] = state.pop("in5.weight")
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(tmp_path / "a.pth")
    assert str(caught.value).endswith(".")


def test_what_only_looks_alike_is_no_stage(tmp_path):
    judge = nn.Sequential(
        nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(16, 1, 4, 1, 1),
    )  # fmt: skip
    plain = nn.Sequential(
        nn.Conv2d(3, 4, 7, 1, 3), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(8, 8, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(8, 4, 3, 2, 1, 1), nn.ReLU(), nn.Conv2d(4, 3, 7, 1, 3),
    )  # fmt: skip
    for name, network in {"judge": judge, "plain": plain}.items():
        torch.save({f"model.{key}": value for key, value in network.state_dict().items()}, tmp_path / name)
        with pytest.raises(CheckpointError):
            open_checkpoint(tmp_path / name)


@pytest.mark.parametrize(
    "hint", ["output=sigmoid", "activation=relu", "eps=0.1", "color=BGR", "image=3x64x64"]
)
def test_hints_on_layers_are_answered_and_take_nothing_away(tmp_path, hint):
    network = trained(Translator())
    torch.save(network.state_dict(), tmp_path / "any.pth")
    key, _, value = hint.partition("=")
    stage = open_stage(tmp_path / "any.pth", hints={key: value})
    assert isinstance(stage, StageModel)
    assert any(note.startswith(f"The hint {key} changes nothing here") for note in stage.notes)
