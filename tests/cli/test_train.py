"""`train` at the command line: what it says, what it leaves, and how wrong calls end."""

import re

import numpy as np
import pytest

SMALL = ["--set", "preset=digits", "--set", "widths=4,4", "--set", "strides=2,2", "--set", "epochs=2"]


@pytest.fixture
def pictures(tmp_path):
    np.savez(
        tmp_path / "noise.npz",
        images=np.random.default_rng(0).integers(0, 255, (24, 28, 28), dtype=np.uint8),
    )
    return tmp_path / "noise.npz"


def test_the_list_names_every_recipe_and_what_it_takes(done):
    listed = done("train", "--list").out
    for name, takes in (
        ("latent2d-vae", "--data"),
        ("cyclegan", "--data --data-b"),
        ("conv-colorizer", "--data --model"),
    ):
        assert re.search(rf"^{name} .*{takes} *$", listed, re.MULTILINE), listed


def test_the_list_of_one_recipe_names_its_settings_and_sources(done):
    listed = done("train", "gdl-vae", "--list").out
    assert re.search(r"^r_loss_factor +\S+ +weight", listed, re.MULTILINE)
    assert "1312.6114" in listed


def test_a_run_tells_its_epochs_and_goes_on_by_resume(done, call, pictures, tmp_path):
    command = ["train", "gdl-vae", "--device", "cpu", "--data", pictures, "--out", tmp_path / "run"]
    told = done(*command, *SMALL, "--precision", "bf16-mixed").err
    assert re.search(r"^epoch 1 of 2: loss [\d.]+", told, re.MULTILINE)
    assert "finished after 2 epochs" in told
    assert (tmp_path / "run" / "model.safetensors").is_file()
    refused = call(*command, *SMALL)
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert "--resume" in refused.err
    longer = done(*command, *SMALL, "--precision", "bf16-mixed", "--resume", "--set", "epochs=3").err
    assert "epoch 3 of 3" in longer
    assert "epoch 2 of 3" not in longer


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        (["train", "vae", "--list"], 2, "no recipe vae"),
        (["train", "gdl-vae"], 2, "--data PATH"),
        (["train", "cyclegan", "--data", "PICTURES", "--out", "OUT"], 2, "--data-b"),
        (["train", "cyclegan", "--data", "PICTURES", "--data-b", "PICTURES", "--out", "OUT"], 2, "different"),
        (["train", "gdl-vae", "--data", "PICTURES", "--out", "OUT", "--set", "strides=2"], 2, "strides"),
        (["train", "gdl-vae", "--data", "PICTURES", "--out", "OUT", "--devices", "0"], 2, "--devices"),
        (["train", "gdl-vae", "--data", "PICTURES", "--out", "OUT", "--resume"], 2, "no run"),
        (["train", "gdl-vae", "--data", "EMPTY", "--out", "OUT"], 3, "no picture"),
        (["train", "conv-colorizer", "--data", "PICTURES", "--model", "no.pth", "--out", "OUT"], 3, "no.pth"),
    ],
)
def test_wrong_calls_are_one_sentence_and_leave_no_folder(call, pictures, tmp_path, given, status, says):
    (tmp_path / "empty").mkdir()
    places = {"PICTURES": pictures, "OUT": tmp_path / "run", "EMPTY": tmp_path / "empty"}
    refused = call(*(places.get(part, part) for part in given))
    assert (refused.status, refused.err.count("\n")) == (status, 1), refused.err
    assert says in refused.err
    assert not (tmp_path / "run").exists()
