"""`checkpoints/hair_tags.py` on small drawn faces whose hair is dark, gold or blue."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.formats import save_native
from explorer.models import architecture

HAIR = {"black": (40, 30, 30), "blonde": (225, 200, 90), "blue": (60, 90, 200)}


@pytest.fixture(scope="module")
def script(hair_tags):
    hair_tags.EPOCHS = 12
    return hair_tags


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """150 faces, every third without a tag, and two stages: one gilds all, one leaves all as it is."""
    folder, draw, rows = tmp_path_factory.mktemp("faces"), np.random.default_rng(0), ["file,eyes,hair"]
    (folder / "faces").mkdir()
    for number in range(150):
        tag = str(draw.choice(list(HAIR)))
        pixels = draw.uniform(60, 255, 3) + draw.normal(0, 6, (64, 64, 3))  # skin says nothing of hair
        pixels[: draw.integers(20, 30)] = HAIR[tag] + draw.normal(0, 12, 3)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "faces" / f"{number}.png")
        rows += [f"{number}.png,red,{tag}"] if number % 3 else []
    (folder / "tags.csv").write_text("\n".join(rows))
    for name, added in (("gilds", (1.84, 1.65, 0.7)), ("keeps", (0.0, 0.0, 0.0))):
        family = architecture("resnet-stage")
        config = family.config(widths=(2, 2), blocks=1, carries=True)
        network = family.network(config)
        torch.nn.init.zeros_(network.head.weight)
        network.head.bias.data = torch.tensor(added)
        save_native(folder / f"{name}.safetensors", family.wrap(network, config, name=name), config=config)
    return folder


def _figures(script, folder, capsys, *words):
    tell = ["--from", "black", "--to", "blonde", "--seeds", "1", "--last", "120", "--json"]
    script.main([str(folder / "faces"), str(folder / "tags.csv"), *tell, *words])
    return json.loads(capsys.readouterr().out)


def test_a_stage_that_gilds_is_told_from_one_that_does_nothing(script, folder, capsys, monkeypatch):
    gilds = _figures(script, folder, capsys, "--stage", str(folder / "gilds.safetensors"))
    for kind in ("regression", "forest", "network"):
        assert gilds["means"][kind]["accuracy"] > 0.7
        before = gilds["means"][kind]["before"]
        assert before < 0.2
        assert gilds["means"][kind]["after"] > before + 0.5
    monkeypatch.setattr(script, "KINDS", {"regression": script.regression})
    keeps = _figures(script, folder, capsys, "--stage", str(folder / "keeps.safetensors"))
    assert keeps["means"]["regression"]["after"] < 0.2


def test_only_the_last_faces_are_used_and_none_is_judged_by_what_saw_it(script, folder, monkeypatch):
    faces = script.read_tagged(folder / "faces", folder / "tags.csv", 60)
    assert faces.numbers.min() >= 30
    assert all(number % 3 for number in faces.numbers)
    learnt, seen = [], []

    def spy(part, seed):
        learnt.append(set(part.numbers))
        return lambda images: seen.append(len(images)) or np.zeros(len(images), dtype=int)

    monkeypatch.setattr(script, "KINDS", {"spy": spy})
    list(script.judged(faces, ["black"], ["blonde"], None, 2))
    even, odd = (set(faces.numbers[faces.numbers % 2 == parity]) for parity in (0, 1))
    assert learnt == [even, even, odd, odd]
    assert seen[0] == len(odd)
    assert seen[-2] == len(even)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "green"], "No face has the tag green; choose from black, blonde, blue."),
        (["--to", "blonde", "--last", "6"], "have a tag; give more."),
    ],
)
def test_what_cannot_be_done_is_said(script, folder, capsys, words, said):
    with pytest.raises(SystemExit) as raised:
        script.main([str(folder / "faces"), str(folder / "tags.csv"), "--from", "black", *words])
    assert raised.value.code == 3
    assert said in capsys.readouterr().err
