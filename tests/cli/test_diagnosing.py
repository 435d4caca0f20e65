"""`info` of what does not say everything itself; hints that are given, and kept."""

import json

import numpy as np
import torch
from torch import nn


def test_info_prints_layers_guesses_and_the_hints_that_override_them(done, doctored, tmp_path):
    out = done("info", doctored(tmp_path / "faces.pth")).out
    assert "decoder.0" in out
    for words in ("doubtful", "the usual one", "--hint activation=leaky_relu:0.2", "--hint output=tanh"):
        assert words in out
    assert out.index("--hint activation=") < out.index("--hint output="), "the least certain comes first"
    assert "Not used: 1 tensor: classifier.weight." in out
    assert "--hint prior=... (normal, uniform, sphere or none)" in out
    assert "\nThe activation between the layers is a guess, and so is one more: where it is wrong" in out
    assert out.strip().splitlines()[-1] == '--hint "layers=linear relu linear sigmoid"'


def test_info_ends_with_the_whole_decoder_as_one_hint(done, tmp_path):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 64), nn.Tanh())
    torch.save(network.state_dict(), tmp_path / "g.pt")
    out = done("info", tmp_path / "g.pt", "--hint", "activation=elu", "--hint", "output=tanh").out
    assert out.rstrip().splitlines()[-1] == '--hint "layers=linear elu linear tanh"'
    again = done("info", tmp_path / "g.pt", "--hint", "layers=linear elu linear tanh", "--json").json
    assert again["diagnosis"]["layers_text"] == "linear elu linear tanh"


def test_one_number_is_the_label_of_all(done, call, tmp_path):
    torch.manual_seed(0)
    network = nn.ModuleDict(
        {"table": nn.Embedding(4, 4), "net": nn.Sequential(nn.Linear(9, 32), nn.Linear(32, 64))}
    )
    torch.save(network.state_dict(), tmp_path / "g.pt")
    np.save(tmp_path / "z.npy", np.zeros((3, 5), "f4"))
    np.save(tmp_path / "labels.npy", np.full(3, 2))
    wanted = ("decode", tmp_path / "g.pt", "--latents", tmp_path / "z.npy", "--hint", "latent=5")
    for name, labels in (("a", 2), ("b", tmp_path / "labels.npy"), ("c", 1)):
        done(*wanted, "--labels", labels, "--out", tmp_path / f"{name}.npy")
    a, b, c = (np.load(tmp_path / f"{name}.npy") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert call(*wanted, "--labels", 4, "--out", tmp_path / "d.npy").status != 0


def test_its_json_has_all_of_it(done, doctored, tmp_path):
    found = done("info", doctored(tmp_path / "faces.pth"), "--json").json["diagnosis"]
    assert [guess["hint"] for guess in found["guesses"]] == ["activation", "output", "prior"]
    assert found["guesses"][0]["overrides"] == ["--hint activation=leaky_relu:0.2", "--hint activation=tanh"]
    assert [guess["word"] for guess in found["guesses"]] == ["doubtful", "doubtful", "likely"]
    assert found["guesses"][2]["overrides"] == []
    assert found["unused"] == ["classifier.weight"]
    assert [layer["word"] for layer in found["layers"]] == ["stated", "doubtful", "stated", "doubtful"]
    assert found["layers"][0]["shape"] == [32]


def test_a_model_of_which_nothing_was_guessed_has_none(done, doctored, tmp_path):
    path = doctored(tmp_path / "faces.pth", "plain")
    assert done("info", path, "--json").json["diagnosis"] is None
    assert "Layers" not in done("info", path).out


def test_what_became_no_model_is_shown_all_the_same_and_the_reason_comes_last(call, doctored, tmp_path):
    path = doctored(tmp_path / "faces.pth", "unfamiliar")
    outcome = call("info", path)
    assert outcome.status == 3
    assert "classifier.weight" in outcome.out
    assert "The last layer gives 64 numbers" in outcome.out
    assert "The picture's size is needed: say --hint image=" in outcome.out
    assert outcome.out.index("or --hint image=1x8x8") < outcome.out.index("or --hint image=1x4x16")
    assert outcome.err.strip() == f"{path} leaves the picture's size open; give --hint image=1x8x8."
    found = call("info", path, "--json")
    assert found.status == 3
    assert found.json["diagnosis"]["guesses"][0]["hint"] == "image"


def test_of_what_leads_nowhere_the_last_resorts_are_named(call, doctored, tmp_path):
    out = call("info", doctored(tmp_path / "faces.pth", "hopeless")).out
    assert "say --hint image=..., --hint start=..., --hint layers=..." in out


def test_a_hint_overrides_a_guess_and_keep_writes_it(done, call, doctored, tmp_path):
    path = doctored(tmp_path / "faces.pth", "unfamiliar")
    outcome = done("info", path, "--hint", "image=1x8x8", "--hint", "output=tanh", "--keep")
    hints = tmp_path / "faces.hints.json"
    assert str(hints) in outcome.err
    assert json.loads(hints.read_text()) == {"image": [1, 8, 8], "output": "tanh"}
    assert done("info", path, "--json").json["image"] == {"channels": 1, "height": 8, "width": 8}


def test_hints_are_kept_only_when_the_file_opens_by_them(call, doctored, tmp_path):
    path = doctored(tmp_path / "faces.pth", "unfamiliar")
    assert call("info", path, "--hint", "image=1x64x64", "--keep").refused("too few numbers")
    assert call("info", path, "--hint", "output=tanh", "--keep").status == 3
    assert call("info", path, "--keep").refused("--hint KEY=VALUE", status=2)
    assert not (tmp_path / "faces.hints.json").exists()
