"""What speaks against a network that was found; what a file seems to hold where nothing came of it."""

import pytest
import torch
from torch import nn

from explorer.formats import open_checkpoint
from explorer.formats.diagnosis import Unfamiliar
from explorer.formats.diagnosis_words import headline


def saved(path, **parts):
    torch.save(nn.ModuleDict(parts).state_dict(), path)
    return path


def decoder():
    return nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 784))


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (nn.LSTM(28, 96, 2), "recurrent layers"),
        (nn.TransformerEncoderLayer(64, 4, 64), "layers with attention"),
        (nn.Conv1d(64, 256, 9), "may be part of another one"),
    ],
)
def test_a_network_that_leaves_most_of_its_file_out_is_doubted(tmp_path, other, kind):
    model = open_checkpoint(saved(tmp_path / "v.pt", net=other, decoder=decoder())).model
    found = model.diagnosis
    assert found.guesses[0].hint == "layers"
    assert found.guesses[0].value == found.layers_text
    assert any(note.startswith("Only ") and kind in note and note.endswith(".") for note in model.notes)
    assert headline(found).startswith("The row of the decoder's layers is a guess")


def test_one_that_uses_its_file_is_not(tmp_path):
    model = open_checkpoint(saved(tmp_path / "v.pt", decoder=decoder(), other=nn.Linear(3, 5))).model
    assert not any(guess.hint == "layers" for guess in model.diagnosis.guesses)
    assert any("1 of" in text or "2 of 6 tensors are not used" in text for text in model.diagnosis.misfits)


def test_a_row_that_is_no_square_asks_for_its_shape(tmp_path):
    path = saved(tmp_path / "v.pt", decoder=nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Linear(50, 785)))
    with pytest.raises(
        Unfamiliar, match=r"gives 785 numbers, which are no square .* --hint image="
    ) as caught:
        open_checkpoint(path)
    assert headline(caught.value.diagnosis, failed=True).startswith("The picture's size is needed")
    with pytest.raises(Unfamiliar, match=r"gives 785 numbers, which are not 1x28x28 as the hint image says"):
        open_checkpoint(path, hints={"image": "1x28x28"})
    assert open_checkpoint(path, hints={"image": "1x5x157"}).model.image.width == 157


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (nn.Sequential(nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3), nn.Flatten(), nn.Linear(800, 10)), "judge pictures"),
        (nn.Sequential(nn.Conv2d(3, 8, 7), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 3, 7)), "go from picture to picture"),
        (
            nn.ModuleDict({"c": nn.Conv2d(3, 8, 3), "mu": nn.Linear(200, 9), "var": nn.Linear(200, 9)}),
            "turn pictures into codes, and not back",
        ),
    ],
)  # fmt: skip
def test_a_file_without_a_generator_is_told_what_it_seems_to_be(tmp_path, network, what):
    torch.save(network.state_dict(), tmp_path / "n.pt")
    with pytest.raises(Unfamiliar, match=what) as caught:
        open_checkpoint(tmp_path / "n.pt")
    assert str(caught.value).count(what) == 1
    assert "give hints" not in str(caught.value), "none would help"
    assert what in headline(caught.value.diagnosis, failed=True)
