"""The tutorial's VAE with two dimensions."""

import pytest
import torch

from explorer.formats import open_latent, save_native
from explorer.models import architecture

FAMILY = architecture("latent2d-vae")


def model(**sizes):
    config = FAMILY.config(**sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FAMILY.wrap(FAMILY.network(config).eval(), config, name="plane")


def test_layers_have_the_tutorials_sizes():
    shapes = [tuple(weight.shape) for key, weight in model().network.state_dict().items() if "weight" in key]
    assert shapes == [
        (32, 1, 3, 3),
        (64, 32, 3, 3),
        (64, 64, 3, 3),
        (64, 64, 3, 3),
        (32, 12544),
        (2, 32),
        (2, 32),
        (12544, 2),
        (64, 32, 3, 3),
        (1, 32, 3, 3),
    ]


def test_it_opens_again_as_it_was(tmp_path):
    saved = model(side=12, channels=3, hidden=8, latent_dim=3)
    config = FAMILY.config(3, 12, 8, 3)
    save_native(tmp_path / "plane.safetensors", saved, config=config)
    opened = open_latent(tmp_path / "plane.safetensors").model
    images = torch.rand(2, 3, 12, 12)
    with torch.inference_mode():
        codes = saved.encode(images)
        assert codes.mean.shape == codes.logvar.shape == (2, 3)
        assert torch.equal(opened.encode(images).mean, codes.mean)
        assert torch.equal(opened.decode(codes.mean), saved.decode(codes.mean))
        assert saved.decode(codes.mean).shape == (2, 3, 12, 12)


def test_an_odd_side_is_no_size_of_it():
    with pytest.raises(ValueError, match="even"):
        FAMILY.config(side=27)
