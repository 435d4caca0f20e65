"""disentangling-vae folders: the network that `specs.json` describes, with its interleaved head."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.formats import open_latent

pytestmark = pytest.mark.usefixtures("in_process")


class Half(nn.Module):
    """A bag of layers under the names that the files use."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


class Burgess(nn.Module):
    """Written from Burgess et al. 2018, with the names of the files."""

    def __init__(self, channels, side, latent):
        super().__init__()
        self.large = side == 64
        conv = lambda wide, out: nn.Conv2d(wide, out, 4, 2, 1)  # noqa: E731
        back = lambda wide, out: nn.ConvTranspose2d(wide, out, 4, 2, 1)  # noqa: E731
        more = {"conv_64": conv(32, 32)} if self.large else {}
        self.encoder = Half(
            conv1=conv(channels, 32), conv2=conv(32, 32), conv3=conv(32, 32), **more,
            lin1=nn.Linear(512, 256), lin2=nn.Linear(256, 256), mu_logvar_gen=nn.Linear(256, 2 * latent),
        )  # fmt: skip
        more = {"convT_64": back(32, 32)} if self.large else {}
        self.decoder = Half(
            lin1=nn.Linear(latent, 256), lin2=nn.Linear(256, 256), lin3=nn.Linear(256, 512), **more,
            convT1=back(32, 32), convT2=back(32, 32), convT3=back(32, channels),
        )  # fmt: skip

    def encode(self, images):
        half, values = self.encoder, images
        for layer in [half.conv1, half.conv2, half.conv3, *([half.conv_64] if self.large else [])]:
            values = functional.relu(layer(values))
        values = functional.relu(half.lin2(functional.relu(half.lin1(values.flatten(1)))))
        return half.mu_logvar_gen(values).view(len(images), -1, 2).unbind(-1)

    def decode(self, codes):
        half, values = self.decoder, codes
        for layer in (half.lin1, half.lin2, half.lin3):
            values = functional.relu(layer(values))
        values = values.view(-1, 32, 4, 4)
        for layer in [*([half.convT_64] if self.large else []), half.convT1, half.convT2]:
            values = functional.relu(layer(values))
        return torch.sigmoid(half.convT3(values))


def folder(path, channels=1, side=32, latent=5, **specs):
    torch.manual_seed(0)
    network = Burgess(channels, side, latent).eval()
    path.mkdir()
    torch.save(network.state_dict(), path / "model.pt", _use_new_zipfile_serialization=False)
    said = {"img_size": [channels, side, side], "latent_dim": latent, "model_type": "Burgess", **specs}
    (path / "specs.json").write_text(json.dumps(said))
    return network


@pytest.mark.parametrize(("channels", "side"), [(1, 32), (3, 32), (1, 64), (3, 64)])
@pytest.mark.parametrize("given", ["", "model.pt"])
def test_folders_and_the_weights_in_them_open_exactly(tmp_path, channels, side, given):
    network = folder(tmp_path / "run", channels, side)
    model = open_latent(tmp_path / "run" / given).model
    codes, images = torch.randn(3, 5), torch.rand(2, channels, side, side)
    assert torch.allclose(model.decode_raw(codes), network.decode(codes), atol=1e-6)
    mean, logvar = network.encode(images)
    found = model.encode(images)
    assert torch.allclose(found.mean, mean, atol=1e-6)
    assert torch.allclose(found.logvar, logvar, atol=1e-6)
    assert model.origin.format == "disvae"
    assert len(model.origin.sha256) == 64


def test_weights_that_are_another_network_are_refused(tmp_path):
    folder(tmp_path / "run", latent_dim=6)
    with pytest.raises(CheckpointError, match=r"does not hold the network it seems to .*\.$"):
        open_latent(tmp_path / "run")
    (tmp_path / "run" / "specs.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"specs.json is not valid JSON"):
        open_latent(tmp_path / "run")


@pytest.mark.parametrize("name", ["disvae_VAE_mnist", "disvae_factor_dsprites"])
@pytest.mark.parametrize("given", ["", "model.pt"])
def test_trained_ones_draw_their_references(reference_data, name, given):
    place = reference_data / "trained-checkpoints" / name
    reference = np.load(place / "reference.npz")
    model = open_latent(place / given).model
    assert np.abs(model.decode_raw(torch.tensor(reference["z"])).numpy() - reference["images"]).max() < 1e-5
    found = model.encode(torch.tensor(reference["enc_x"]))
    assert np.abs(found.mean.numpy() - reference["enc_mu"]).max() < 1e-5
    assert np.abs(found.logvar.numpy() - reference["enc_logvar"]).max() < 1e-4
