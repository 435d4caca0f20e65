"""pythae folders: default networks, own ones beside the weights, priors by name, the last state of a training."""

import json
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from explorer.formats import open_latent

pytestmark = pytest.mark.usefixtures("in_process")


class Default(nn.Module):
    """The default networks, with the names of the files."""

    def __init__(self, pixels, latent, second="log_var"):
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList([nn.Sequential(nn.Linear(pixels, 512), nn.ReLU())])
        self.encoder.embedding = nn.Linear(512, latent)
        if second:
            self.encoder.add_module(second, nn.Linear(512, latent))
        self.decoder = nn.Module()
        self.decoder.layers = nn.ModuleList(
            [
                nn.Sequential(nn.Linear(latent, 512), nn.ReLU()),
                nn.Sequential(nn.Linear(512, pixels), nn.Sigmoid()),
            ]
        )

    def decode(self, codes):
        for layer in self.decoder.layers:
            codes = layer(codes)
        return codes

    def encode(self, images):
        values = self.encoder.layers[0](images.flatten(1))
        return self.encoder.embedding(values), self.encoder.log_var(values)


class Decoder(nn.Module):
    """A decoder of somebody's own."""

    def __init__(self):
        super().__init__()
        self.start = nn.Sequential(nn.Linear(4, 8 * 4 * 4), nn.LeakyReLU(0.3))
        self.deconv_layers = nn.Sequential(
            nn.ConvTranspose2d(8, 6, 3, 2, 1), nn.BatchNorm2d(6, 0.1), nn.ELU(),
            nn.ConvTranspose2d(6, 5, 3, 2, 1, output_padding=1), nn.SiLU(),
            nn.ConvTranspose2d(5, 1, 3, 2, 1, output_padding=1), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, codes):
        return self.deconv_layers(self.start(codes).view(-1, 8, 4, 4))


def write(path, network, name="VAE", image=(1, 6, 6), latent=4, **more):
    path.mkdir(parents=True)
    torch.save({"model_state_dict": network.state_dict()}, path / "model.pt")
    said = {"name": f"{name}Config", "input_dim": list(image), "latent_dim": latent, **more}
    (path / "model_config.json").write_text(json.dumps(said))


@pytest.mark.parametrize("given", ["", "model.pt"])
def test_the_default_network(tmp_path, given):
    network = Default(108, 4)
    write(tmp_path / "run", network, image=(3, 6, 6))
    model = open_latent(tmp_path / "run" / given).model
    codes, images = torch.randn(3, 4), torch.rand(2, 3, 6, 6)
    assert torch.allclose(model.decode_raw(codes), network.decode(codes).view(-1, 3, 6, 6), atol=1e-6)
    mean, logvar = network.encode(images)
    assert torch.allclose(model.encode(images).mean, mean, atol=1e-6)
    assert torch.allclose(model.encode(images).logvar, logvar, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "second", "prior"),
    [
        ("BetaVAE", "log_var", "normal"),
        ("SVAE", "log_concentration", "sphere"),
        ("AE", "", "none"),
        ("RAE_L2", "", "none"),
        ("WAE_MMD", "", "normal"),
        ("PoincareVAE", "log_var", "normal"),
    ],
)
def test_what_is_drawn_from_goes_by_the_name(tmp_path, name, second, prior):
    write(tmp_path / "run", Default(36, 4, second), name)
    model = open_latent(tmp_path / "run").model
    assert model.spaces["z"].prior == prior
    assert model.has_encoder
    assert any("hyperbolic" in note for note in model.notes) == (name == "PoincareVAE")


def test_the_last_state_of_a_training(tmp_path):
    for number in (2, 10):
        network = Default(36, 4)
        write(tmp_path / "training" / f"checkpoint_epoch_{number}", network)
    codes = torch.randn(3, 4)
    model = open_latent(tmp_path / "training").model
    assert torch.allclose(model.decode_raw(codes).flatten(1), network.decode(codes), atol=1e-6)
    assert any("checkpoint_epoch_10" in note for note in model.notes)
    final = Default(36, 4)
    write(tmp_path / "training" / "final_model", final)
    model = open_latent(tmp_path / "training").model
    assert torch.allclose(model.decode_raw(codes).flatten(1), final.decode(codes), atol=1e-6)


def test_an_own_decoder_beside_the_weights(tmp_path):
    torch.manual_seed(0)
    network = Default(784, 4)
    network.decoder = Decoder()
    network.train()
    for _ in range(50):
        network.decoder(torch.randn(64, 4))
    network.eval()
    write(tmp_path / "run", network, image=(1, 28, 28), uses_default_decoder=False)
    with (tmp_path / "run" / "decoder.pkl").open("wb") as file:
        pickle.dump(Decoder(), file)
    model = open_latent(tmp_path / "run").model
    codes, images = torch.randn(3, 4), torch.rand(2, 1, 28, 28)
    assert torch.allclose(model.decode_raw(codes), network.decoder(codes), atol=1e-5)
    assert torch.allclose(model.encode(images).mean, network.encode(images)[0], atol=1e-5)
    assert any("none of their code was run" in note for note in model.notes)


def test_the_reference(reference_data):
    folder = reference_data / "trained-checkpoints" / "pythae_vae_mlp"
    reference = np.load(folder / "reference.npz")
    raw = open_latent(folder).model.decode_raw(torch.tensor(reference["z"])).numpy()
    assert np.abs(raw.reshape(reference["images"].shape) - reference["images"]).max() < 1e-6
