"""Hints that are written are those that are read."""

import json

import pytest

from explorer.errors import UsageError
from explorer.formats import sidecars
from explorer.formats.hints_writing import write_hints

ALL = {
    "architecture": "fc-vae",
    "range": "-1..1",
    "image": "3x64x48",
    "activation": "leaky_relu:0.2",
    "output": "tanh",
    "layers": "linear relu reshape:32,7,7 convT:k4s2p1 tanh",
    "latent": "20",
    "classes": "0",
    "eps": "1e-05",
    "upsample": "bilinear,align",
    "heads": "halves",
    "second": "logsigma",
    "order": "HWC",
    "color": "BGR",
    "prior": "uniform",
    "start": "128x7x7",
    "entry": "g_ema",
}


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "faces.pth"
    path.write_bytes(b"x")
    return path


def test_every_hint_comes_back_as_it_was_given(checkpoint):
    assert set(ALL) == set(sidecars.HINTS)
    place = write_hints(checkpoint, ALL)
    assert place == checkpoint.with_name("faces.hints.json")
    assert sidecars.read_hints(checkpoint).told == ALL
    said = json.loads(place.read_text())
    assert said["image"] == [3, 64, 48]
    assert said["layers"][2] == "reshape:32,7,7"
    assert said["latent"] == 20
    assert len(place.read_text().splitlines()) == len(ALL) + 2, "a line for each"


def test_what_else_is_there_stays_and_an_empty_text_takes_out(checkpoint):
    write_hints(checkpoint, {"output": "tanh", "latent": "20"})
    write_hints(checkpoint, {"range": "logits", "latent": ""})
    assert sidecars.read_hints(checkpoint).told == {"range": "logits", "output": "tanh"}


def test_no_hints_take_the_file_away(checkpoint):
    place = write_hints(checkpoint, {"output": "tanh"})
    write_hints(checkpoint, {})
    assert not place.exists()
    write_hints(checkpoint, {})  # twice is no harm
    write_hints(checkpoint, {"output": "tanh"})
    write_hints(checkpoint, {"output": ""})
    assert not place.exists(), "a file that says nothing is none"


def test_nothing_is_written_of_what_makes_no_sense(checkpoint):
    write_hints(checkpoint, {"output": "tanh"})
    with pytest.raises(UsageError, match="image"):
        write_hints(checkpoint, {"image": "huge", "latent": "4"})
    assert sidecars.read_hints(checkpoint).told == {"output": "tanh"}


def test_a_file_that_cannot_be_understood_is_written_over(checkpoint):
    checkpoint.with_name("faces.hints.json").write_text("{nonsense")
    write_hints(checkpoint, {"output": "tanh"})
    assert sidecars.read_hints(checkpoint).told == {"output": "tanh"}


def test_hints_that_cannot_be_removed_are_covered(checkpoint, monkeypatch):
    beside = write_hints(checkpoint, {"output": "tanh"})
    monkeypatch.setattr(sidecars.os, "access", lambda path, mode: False)
    place = write_hints(checkpoint, {})
    assert place != beside
    assert beside.is_file()
    assert sidecars.read_hints(checkpoint).told == {}
    write_hints(checkpoint, {"latent": "4"})
    assert sidecars.read_hints(checkpoint).told == {"latent": "4"}
