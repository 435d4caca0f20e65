"""Two decoders behind one encoder: heads by name, codes of pictures, what grey leaves out."""

import pytest
import torch

from explorer.errors import CheckpointError, UsageError
from explorer.formats import open_latent, save_native
from explorer.models import architecture
from explorer.models.base import DecodeOptions
from explorer.models.twin_autoencoder import TwinAutoencoderConfig, luminance

FAMILY = architecture("twin-autoencoder")
SMALL = {"side": 16, "widths": (4, 8), "ups": (8, 6, 4), "latent_dim": 5, "heads": ("left", "right")}


def model(**changed):
    config = FAMILY.config(**{**SMALL, **changed})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FAMILY.wrap(FAMILY.network(config).eval().requires_grad_(False), config, name="twin"), config


def test_each_head_draws_the_same_code_in_its_own_way():
    twin, _ = model()
    codes = torch.randn(3, 5)
    left, right = (twin.decode(codes, options=DecodeOptions(head=name)) for name in twin.heads)
    assert left.shape == (3, 3, 16, 16)
    assert torch.equal(twin.decode(codes), left)
    assert (left - right).abs().max() > 1e-3
    with pytest.raises(UsageError, match=r"no decoder middle; choose one of left, right\.$"):
        twin.decode(codes, options=DecodeOptions(head="middle"))


def test_pictures_have_codes_without_variance_and_the_space_no_prior():
    twin, _ = model()
    said = twin.encode(torch.rand(3, 3, 16, 16))
    assert said.mean.shape == (3, 5)
    assert said.logvar is None
    assert twin.spaces["z"].prior == "none"
    assert twin.accepts == {"head"}


def test_a_grey_encoder_sees_no_colour():
    pictures = torch.rand(2, 3, 16, 16)
    others = pictures.roll(1, 1)
    others = others + (luminance(pictures) - luminance(others))
    for grey, same in ((True, True), (False, False)):
        twin, _ = model(grey=grey)
        codes = [twin.encode(each).mean for each in (pictures, others)]
        assert torch.allclose(*codes, atol=1e-5) is same


def test_a_native_checkpoint_keeps_the_names(tmp_path):
    twin, config = model(shared=2)
    save_native(tmp_path / "twin.safetensors", twin, config=config)
    again = open_latent(tmp_path / "twin.safetensors").model
    assert again.heads == ("left", "right")
    codes = torch.randn(2, 5)
    option = DecodeOptions(head="right")
    assert torch.equal(again.decode(codes, options=option), twin.decode(codes, options=option))


def test_sizes_that_make_no_network_are_refused(tmp_path):
    sizes = ({"side": 30}, {"ups": (8, 6)}, {"shared": 3}, {"channels": 2})
    for wrong in (*sizes, {"heads": ("a", "a")}, {"heads": ("a",)}):
        with pytest.raises(ValueError, match="twin-autoencoder"):
            TwinAutoencoderConfig(**{**SMALL, **wrong})
    twin, config = model()
    save_native(tmp_path / "twin.safetensors", twin, config={**vars(config), "heads": ("left", "left")})
    with pytest.raises(CheckpointError, match="sizes are not those"):
        open_latent(tmp_path / "twin.safetensors")


def test_the_standard_network_is_small():
    with torch.device("meta"):
        network = FAMILY.network(FAMILY.config())
    assert sum(weight.numel() for weight in network.parameters()) < 4e6
