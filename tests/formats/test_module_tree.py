"""Whole modules, pickled in every way, and TorchScript: their layers are exact, and none of their code is run."""

import pickle

import pytest
import torch
from torch import nn

from explorer.errors import CheckpointError
from explorer.formats import open_latent
from explorer.formats.content import Record
from explorer.formats.module_tree import layer_of, stated

pytestmark = [
    pytest.mark.usefixtures("in_process"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*"),
]


class View(nn.Module):
    """A class of a stranger's own that only reshapes."""

    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, values):
        return values.view(len(values), *self.shape)


class Generator(nn.Module):
    """A class around one Sequential, with what no shape could tell."""

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Linear(8, 32 * 4 * 4),
            nn.BatchNorm1d(512, 0.8),
            nn.LeakyReLU(0.3),
            View(32, 4, 4),
            nn.Sequential(
                nn.Upsample(scale_factor=2), nn.ReflectionPad2d(1), nn.Conv2d(32, 16, 3), nn.Dropout2d()
            ),
            nn.ELU(0.7),
            nn.ConvTranspose2d(16, 8, 3, 2, 1, 1),
            nn.GroupNorm(2, 8),
            nn.Conv2d(8, 3, 3, padding="same"),
            nn.Sigmoid(),
        )

    def forward(self, codes):
        return self.main(codes)


def generator():
    torch.manual_seed(2)
    network = Generator()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.num_batches_tracked += 7
    return network.eval()


def pickled(content, path):
    with path.open("wb") as file:
        pickle.dump(content, file)


SAVES = {
    "zip": torch.save,
    "stream": lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
    "pickle": pickled,
    "within a dict": lambda content, path: torch.save({"epoch": 3, "netG": content}, path),
    "within a trainer": lambda content, path: torch.save([content, {"lr": 0.1}], path),
    "parallel": lambda content, path: torch.save(nn.DataParallel(content), path),
    "half": lambda content, path: torch.save(content.double(), path),
}


@pytest.mark.parametrize("way", SAVES)
def test_a_pickled_module_draws_what_it_drew(tmp_path, way):
    network, path, codes = generator(), tmp_path / "a.pt", torch.randn(3, 8)
    wanted = network(codes)
    SAVES[way](network, path)
    model = open_latent(path).model
    assert torch.allclose(model.decode_raw(codes), wanted, atol=1e-6)
    assert str(model.image) == "3x16x16"
    assert (model.native_range.low, model.native_range.high) == (0, 1)
    assert {layer.certainty for layer in model.diagnosis.layers} == {1.0}


def test_reshaping_between_linear_and_convolution_needs_no_layer(tmp_path):
    network = nn.Sequential(
        nn.Linear(5, 48), nn.ReLU(), nn.Identity(), nn.ConvTranspose2d(3, 1, 4, 2, 1), nn.Tanh()
    )
    torch.save(network, tmp_path / "a.pt")
    codes = torch.randn(2, 5)
    hidden = network[:2](codes).view(-1, 3, 4, 4)
    model = open_latent(tmp_path / "a.pt").model
    assert torch.allclose(model.decode_raw(codes), network[2:](hidden), atol=1e-6)


def test_a_module_that_draws_nothing_is_refused(tmp_path):
    torch.save(nn.Linear(2, 3), tmp_path / "a.pt")
    with pytest.raises(CheckpointError, match=r"no network known"):
        open_latent(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "module",
    [
        nn.Conv2d(3, 4, (3, 5), (2, 1), (1, 2), 1, 1),
        nn.Conv2d(3, 4, 4, padding="same", dilation=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect", groups=2),
        nn.ConvTranspose2d(3, 4, 5, 3, 2, 1, dilation=2),
        nn.BatchNorm2d(3, 0.3),
        nn.InstanceNorm2d(3, affine=True),
        nn.GroupNorm(1, 3, 1e-3),
        nn.PReLU(3),
        nn.Hardtanh(),
        nn.Softplus(2.0),
        nn.GELU(),
        nn.Upsample(scale_factor=3, mode="bilinear", align_corners=True),
        nn.Upsample(size=(7, 9)),
        nn.PixelShuffle(1),
        nn.MaxPool2d(3, 2, 1),
        nn.AvgPool2d(2),
        nn.AdaptiveAvgPool2d(2),
        nn.ReplicationPad2d((1, 2, 3, 4)),
        nn.ZeroPad2d((0, 1, 2, 0)),
    ],
)
def test_layers_state_themselves(module):
    from explorer.models.layer_modules import module_of

    module.eval()
    record = Record(f"{type(module).__module__}.{type(module).__name__}", (), dict(module.__dict__))
    layer = layer_of(record, "x")
    made = module_of(layer, {f"x.{key}": value for key, value in module.state_dict().items()})
    images = torch.randn(2, next((p.shape[0] for p in module.parameters() if p.ndim == 1), 3), 9, 9)
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        images = torch.randn(2, module.in_channels, 9, 9)
    assert torch.equal(made.eval()(images), module(images))


def test_what_cannot_be_stated_is_not_guessed():
    assert stated("Upsample", {"scale_factor": 2.0, "mode": "area"}) is None
    assert stated("Hardtanh", {"min_val": 0, "max_val": 6}) is None
    assert stated("MaxPool2d", {"kernel_size": 2, "ceil_mode": True}) is None
    assert stated("Conv2d", {}) is None
    assert stated("SomethingElse", {}) is None


class Functional(nn.Module):
    """What only the text of a TorchScript file tells: activations and shapes that are no modules."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 64)
        self.norm = nn.BatchNorm2d(4, 0.1)
        self.up = nn.ConvTranspose2d(4, 4, 4, 2, 1)
        self.last = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, codes):
        values = nn.functional.leaky_relu(self.first(codes), 0.3).view(-1, 4, 4, 4)
        values = nn.functional.elu(self.up(self.norm(values)))
        return torch.tanh(self.last(values + nn.functional.relu(values))) * 0.5 + 0.5


@pytest.mark.parametrize(
    "make", [torch.jit.script, lambda network: torch.jit.trace(network, torch.randn(2, 6))]
)
def test_the_text_of_torchscript_is_followed_and_not_run(tmp_path, make):
    torch.manual_seed(0)
    network = Functional().eval()
    make(network).save(str(tmp_path / "a.pt"))
    model = open_latent(tmp_path / "a.pt").model
    codes = torch.randn(3, 6)
    assert torch.allclose(model.decode_raw(codes), network(codes), atol=1e-6)
    assert any("not run" in note for note in model.notes)


def test_the_graph_of_an_export_is_followed(tmp_path):
    torch.manual_seed(0)
    network = Functional().eval()
    torch.export.save(torch.export.export(network, (torch.randn(2, 6),)), tmp_path / "a.pt2")
    model = open_latent(tmp_path / "a.pt2").model
    codes = torch.randn(3, 6)
    assert torch.allclose(model.decode_raw(codes), network(codes), atol=1e-6)


def test_torchscript_of_the_reference(reference_data):
    import numpy as np

    folder = reference_data / "trained-checkpoints" / "torchscript"
    reference = np.load(folder / "reference.npz")
    model = open_latent(folder / "decoder.pt").model
    raw = model.decode_raw(torch.tensor(reference["z"])).numpy()
    assert np.abs(raw - reference["images"]).max() < 1e-5
