"""No hint is passed over in silence: it acts, or one sentence says why it does not, or that it cannot be."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.errors import CheckpointError, UsageError
from explorer.formats import Examination, open_checkpoint


class Vae(nn.Module):
    """A small variational autoencoder of 12 x 12 grey pictures, codes of 4 numbers."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(144, 32), nn.ReLU())
        self.mu, self.logvar = nn.Linear(32, 4), nn.Linear(32, 4)
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 144), nn.Sigmoid())


def saved(path, network):
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    """What was read of a file of that network."""
    torch.manual_seed(0)
    return Examination(saved(tmp_path_factory.mktemp("vae") / "vae.pt", Vae()))


QUICKLY = {"layers": "linear relu linear sigmoid"}  # so nothing needs to be tried


def said(examination, **hints):
    """The notes on hints that change nothing."""
    notes = examination.open(hints, only_given=True).model.notes
    return [note for note in notes if note.startswith("The hint")]


@pytest.mark.parametrize(
    ("hints", "why"),
    [
        ({"classes": "3"}, "nothing in the file takes a class"),
        ({"start": "8x3x3"}, "the hint layers says all layers"),
        ({"color": "BGR"}, "its pictures are grey"),
        ({"heads": "halves"}, "its encoder's heads can only be separate"),
        ({"eps": "0.1"}, "it has no batch norm"),
        ({"upsample": "bilinear"}, "nothing in it is scaled up without weights"),
        ({"order": "HWC"}, "its pictures are grey"),
        ({"layers": "linear relu linear sigmoid", "output": "tanh"}, "the hint layers says all layers"),
    ],
)
def test_a_hint_that_changes_nothing_is_answered_by_one_sentence(vae, hints, why):
    (note,) = said(vae, **QUICKLY, **{key: value for key, value in hints.items() if key != "layers"})
    assert note.startswith(f"The hint {list(hints)[-1]} changes nothing here, because {why}")
    assert note.endswith(".")


@pytest.mark.parametrize(
    "hints",
    [
        {"activation": "elu"}, {"output": "tanh"}, {"latent": "4"}, {"image": "1x12x12"}, {"prior": "uniform"},
        {"range": "0..255"}, {"classes": "0"}, {"second": "sigma"}, {"heads": "separate"}, {"order": "CHW"},
        {"layers": "linear elu linear tanh"},
    ],
)  # fmt: skip
def test_of_a_hint_that_acts_nothing_is_said(vae, hints):
    by_layers = {"activation", "output"} & set(hints)
    assert said(vae, **({} if by_layers else QUICKLY) | hints) == []


@pytest.mark.parametrize(
    ("hints", "text"),
    [
        ({"latent": "17"}, "draws from codes of 4 numbers, not of 17 as the hint latent says"),
        (
            {"image": "3x8x8"},
            "no layers that lead to a picture by the hint image 3x8x8; without it they draw 1x12x12",
        ),
        (
            {"layers": "linear conv"},
            r"the hint layers says conv where the file has decoder\.2, a linear; change",
        ),
        (
            {"layers": "linear relu"},
            r"has 1 layer with weights where the file's decoder has 2; change the hint",
        ),
        (
            {"layers": "linear relu linear linear"},
            r"has more layers with weights than the 2 of the file's decoder",
        ),
        ({"layers": "linear@nowhere relu linear"}, "says nowhere, which is no layer of the file"),
        ({"layers": "linear linear reshape:1,12,12 " + "upsample:32 " * 4}, "become larger than any picture"),
        ({"layers": "linear linear reshape:1,12,12 pad:-6,-6,0,0"}, "or nothing at all"),
        ({"layers": "linear linear reshape:9,4,4"}, "end in 9 channels"),
        ({"layers": "linear relu linear reshape:1,12,12", "image": "1x9x16"}, "draw 1x12x12, not 1x9x16"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(vae, hints, text):
    with pytest.raises(CheckpointError, match=text) as caught:
        vae.open(hints, only_given=True)
    assert str(caught.value).startswith(str(vae.path))
    assert str(caught.value).endswith(".")
    assert "is is" not in str(caught.value)


@pytest.mark.parametrize(
    "hints",
    [
        {"layers": "linear crop:0,0"}, {"layers": "linear resize:30000,30000"}, {"layers": "upsample:1000"},
        {"layers": "conv:k9999"}, {"image": "3x99999x9"}, {"image": "3x8192x8192"}, {"latent": "99999999"},
        {"classes": "99999999"}, {"start": "65536x65536x65536"}, {"layers": "linear residual:(relu"},
    ],
)  # fmt: skip
def test_sizes_without_sense_are_refused_before_anything_is_made(vae, hints):
    with pytest.raises(UsageError, match=r"^The hint \w+ cannot be .*; give .*\.$"):
        vae.open(hints)


def test_an_entry_that_is_not_there_is_told_with_those_that_are(vae, tmp_path):
    with pytest.raises(
        CheckpointError, match=r"no entry foo with weights; the hint entry can be one of encoder, dec"
    ):
        vae.open({"entry": "foo"})
    plain = saved(tmp_path / "g.pt", nn.Sequential(nn.Linear(4, 9), nn.Linear(9, 64)))
    with pytest.raises(CheckpointError, match=r"it holds one network, so leave out the hint entry\.$"):
        open_checkpoint(plain, hints={"entry": "foo"})


def test_an_entry_of_plain_safetensors_is_opened(tmp_path):
    torch.manual_seed(0)
    one, other = (nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, size)) for size in (64, 100))
    tensors = {f"{name}.{key}": value for name, network in (("g", one), ("h", other))
               for key, value in network.state_dict().items()}  # fmt: skip
    save_file(tensors, tmp_path / "g.safetensors")
    for name, side in (("g", 8), ("h", 10)):
        model = open_checkpoint(tmp_path / "g.safetensors", hints={"entry": name}).model
        assert model.image.height == side
        assert not any(note.startswith("The hint") for note in model.notes)


@pytest.mark.parametrize("key", ["image", "layers", "entry", "range"])
def test_a_hint_without_a_value_is_told_so(vae, key):
    with pytest.raises(UsageError, match=f"^The hint {key} has no value; give .*, or leave it out"):
        vae.open({key: ""})


@pytest.mark.parametrize(
    ("name", "hints", "why"),
    [
        ("anime-faces", {"eps": "0.1"}, "the layers of fc-vae are known"),
        ("anime-faces", {"architecture": "dcgan"}, "the file itself says which network it is"),
        ("anime-faces", {"prior": "uniform"}, "the file itself says what its codes are drawn from"),
        ("anime-faces", {"entry": "x"}, "the file holds one network"),
        ("anime-colorizer", {"latent": "3"}, "it goes from picture to picture, without a code"),
        ("anime-colorizer", {"image": "1x9x9"}, "the file itself says which pictures it takes"),
    ],
)
def test_the_programs_own_files_answer_too(name, hints, why):
    notes = open_checkpoint(name, hints=hints).model.notes
    assert f"The hint {next(iter(hints))} changes nothing here, because {why}." in notes


class Blocks(nn.Module):
    """A generator with a residual block and a norm of batches, of 3 x 8 x 8 pictures."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 16 * 16)
        self.up = nn.ConvTranspose2d(16, 16, 4, 2, 1)
        self.norm = nn.BatchNorm2d(16)
        self.a, self.b = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 1)
        self.last = nn.Conv2d(16, 3, 3, padding=1)

    def forward(self, codes):
        maps = self.norm(self.up(self.first(codes).relu().reshape(-1, 16, 4, 4))).relu()
        maps = self.a(maps).relu() + self.b(maps)
        return self.last(maps).tanh()


WORDS = (
    "linear relu reshape:16,4,4 convT:k4s2p1 bn relu residual:( conv:k3p1 relu )+(conv:k1) conv:k3p1 tanh",
    "linear@first relu reshape:16,4,4 convT:s2p1@up bn@norm relu residual:(conv:p1@a relu)+(conv@b) conv:p1@last tanh",
)


@pytest.mark.parametrize("words", WORDS)
def test_words_say_any_network_with_a_shortcut_too(tmp_path, words):
    torch.manual_seed(0)
    network = Blocks().eval()
    model = open_checkpoint(saved(tmp_path / "g.pt", network), hints={"layers": words}).model
    codes = torch.randn(3, 5)
    with torch.inference_mode():
        torch.testing.assert_close(model.decode_raw(codes), network(codes), atol=1e-5, rtol=1e-4)
    again = open_checkpoint(tmp_path / "g.pt", hints={"layers": model.diagnosis.layers_text}).model
    assert again.diagnosis.layers_text == model.diagnosis.layers_text
    with torch.inference_mode():
        torch.testing.assert_close(again.decode_raw(codes), network(codes), atol=1e-5, rtol=1e-4)


class Unordered(nn.Module):
    """A generator whose tensors lie in another order than they are used, with a shortcut that a file does not tell."""

    def __init__(self):
        super().__init__()
        self.last = nn.Conv2d(8, 3, 3, padding=1)
        self.conv, self.bypass, self.norm = (
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 1),
            nn.BatchNorm2d(8),
        )
        self.dense = nn.Linear(6, 8 * 16)

    def forward(self, codes):
        maps = self.dense(codes).reshape(-1, 8, 4, 4)
        larger = nn.functional.interpolate(self.norm(maps).relu(), scale_factor=2)
        maps = self.conv(larger) + self.bypass(nn.functional.interpolate(maps, scale_factor=2))
        return self.last(maps.relu()).tanh()


def test_words_with_the_names_of_tensors_say_what_no_order_tells(tmp_path):
    torch.manual_seed(0)
    network = Unordered().eval()
    path = saved(tmp_path / "g.pt", network)
    words = (
        "linear@dense reshape:8,4,4 residual:(bn@norm relu upsample:2 conv:k3p1@conv)+(upsample:2 conv:k1@bypass) "
        "relu conv:k3p1@last tanh"
    )
    for said in (words, open_checkpoint(path, hints={"layers": words}).model.diagnosis.layers_text):
        model = open_checkpoint(path, hints={"layers": said}).model
        codes = torch.randn(3, 6)
        with torch.inference_mode():
            torch.testing.assert_close(model.decode_raw(codes), network(codes), atol=1e-5, rtol=1e-4)
        assert (model.native_range.low, model.native_range.high) == (-1, 1)


def test_the_whole_decoder_as_a_hint_gives_the_same_network_with_its_encoder(vae):
    model = vae.open().model
    again = vae.open({"layers": model.diagnosis.layers_text}).model
    codes, pictures = torch.randn(3, 4), torch.rand(3, 1, 12, 12)
    with torch.inference_mode():
        assert torch.equal(again.decode_raw(codes), model.decode_raw(codes))
        assert torch.equal(again.encode(pictures).mean, model.encode(pictures).mean)
    parts = [layer.part for layer in model.diagnosis.layers]
    assert parts[-2:] == ["mean", "logvar"], "the heads are among the layers"
