"""Which part of a checkpoint is opened: by names of entries, by shapes, by the hint."""

from collections import OrderedDict
from types import SimpleNamespace

import fakes
import pytest
import torch
from torch import nn

from explorer.errors import CheckpointError
from explorer.formats import facts, open_latent
from explorer.formats.entries import draws

pytestmark = pytest.mark.usefixtures("in_process")


def vae(seed=0):
    return OrderedDict(fakes.tiny_vae(seed).network.state_dict())


def critic():
    return nn.Sequential(
        nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 1)
    ).state_dict()


def opened(path, content, **hints):
    torch.save(content, path)
    return open_latent(path, hints=hints or None).model


def is_the(model, seed=0):
    codes = torch.randn(3, 4)
    return torch.equal(model.decode_raw(codes), fakes.tiny_vae(seed).decode_raw(codes))


@pytest.mark.parametrize(
    "content",
    [
        {"netD_state_dict": critic(), "netG_state_dict": vae(), "epoch": 4},
        {"discriminator": critic(), "generator_state_dict": vae(), "nz": 4},
        {"disc": critic(), "vae_state": vae(), "lr": 0.1},
        {"D": critic(), "G": vae()},
        {"epoch": 1, "checkpoint": {"discriminator": critic(), "weights": vae()}},
        {"critic_params": critic(), "my_own_name": vae()},
        {"a": critic(), "b": vae()},
        {"g": vae(3), "g_ema": vae(), "d": critic(), "d_optim": {"state": {0: {"m": torch.zeros(3, 3)}}}},
        {"model": vae(3), "ema": {"module": vae(), "updates": 3}},
        {"state_dict": {f"net.{key}": value for key, value in vae().items()}, "hyper_parameters": {"a": 1}},
        {
            "state_dict": {
                **{f"discriminator.{key}": value for key, value in critic().items()},
                **{f"generator.{key}": value for key, value in vae().items()},
            }
        },
        {
            **{f"model.{key}": value for key, value in vae(3).items()},
            **{f"ema_model.{key}": value for key, value in vae().items()},
        },
        {
            **{f"vae.{key}": value for key, value in vae().items()},
            "perceptual_loss.vgg.0.weight": torch.zeros(3, 3, 3, 3),
        },
    ],
)
def test_what_makes_pictures_is_found(tmp_path, content):
    assert is_the(opened(tmp_path / "a.pt", content))


def test_a_trainer_of_a_class_of_ones_own(tmp_path):
    args = SimpleNamespace(latent_dim=4, lr=0.1)
    assert is_the(opened(tmp_path / "a.pt", {"args": args, "model": vae()}))


def test_the_hint_chooses_another_entry_and_the_note_names_them(tmp_path):
    content = {"g": vae(3), "g_ema": vae(), "d": critic()}
    model = opened(tmp_path / "a.pt", content)
    assert is_the(model)
    assert "there are also g, d (hint entry)" in model.notes[0]
    assert is_the(opened(tmp_path / "a.pt", content, entry="g"), 3)
    with pytest.raises(
        CheckpointError, match=r"no entry h with weights; the hint entry can be one of g, g_ema, d\.$"
    ):
        opened(tmp_path / "a.pt", content, entry="h")


def test_an_entry_within_one_state_dict_can_be_named(tmp_path):
    content = {
        **{f"second.{key}": value for key, value in vae(3).items()},
        **{f"first.{key}": value for key, value in vae().items()},
    }
    assert is_the(opened(tmp_path / "a.pt", content, entry="second"), 3)
    assert is_the(opened(tmp_path / "a.pt", content, entry="first"))


def test_networks_that_judge_do_not_draw():
    assert not draws([(40, 64), (40,), (20, 40), (1, 20)])
    assert not draws([(64, 3, 4, 4), (128, 64, 4, 4), (1, 128, 4, 4)])
    assert draws([(100, 128, 4, 4), (128, 64, 4, 4), (64, 1, 4, 4)])
    assert draws([(400, 784), (20, 400), (400, 20), (784, 400)])
    assert draws([(32, 1, 3, 3), (64, 32, 3, 3), (10, 1024), (1024, 10), (64, 32, 3, 3), (32, 1, 3, 3)])


def test_facts_count_where_shapes_agree():
    shapes = [(128, 20), (128,), (784, 128)]
    assert facts.hints_in({"latent_dim": 20, "img_size": 28}, shapes) == {"latent": "20", "image": "1x28x28"}
    assert facts.hints_in({"latent_dim": 21, "img_size": 32}, shapes) == {}
    assert facts.hints_in({"nz": 10, "n_classes": 7}, shapes) == {}
    assert facts.hints_in({"nz": 13, "n_classes": 7}, shapes) == {"latent": "13", "classes": "7"}
    assert facts.hints_in({"image_shape": [28, 28, 1], "latent_dim": True}, shapes) == {"image": "1x28x28"}
