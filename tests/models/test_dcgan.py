"""DCGAN generators of any depth."""

import pytest
import torch

from explorer.models import architecture

FAMILY = architecture("dcgan")


def shapes_of(config):
    return {key: tuple(tensor.shape) for key, tensor in FAMILY.network(config).state_dict().items()}


@pytest.mark.parametrize(
    ("widths", "channels", "side"), [((8,), 1, 8), ((16, 8), 3, 16), ((8, 8, 4, 4), 3, 64)]
)
def test_every_block_doubles_the_picture(widths, channels, side):
    config = FAMILY.config(latent_dim=12, widths=widths, channels=channels)
    model = FAMILY.wrap(FAMILY.network(config).eval(), config, name="gan")
    with torch.inference_mode():
        raw = model.decode_raw(torch.randn(2, 12))
        same = model.decode_raw(torch.zeros(1, 12, 1, 1))
    assert raw.shape == (2, channels, side, side)
    assert raw.abs().max() <= 1
    assert same.shape == (1, channels, side, side)
    assert model.spaces["z"].shape == (12, 1, 1)
    assert model.spaces["z"].dim == 12
    assert not model.has_encoder


def test_one_code_gives_one_picture_whatever_else_is_in_the_batch():
    config = FAMILY.config(latent_dim=5, widths=(8, 4), channels=1)
    model = FAMILY.wrap(FAMILY.network(config).eval(), config, name="gan")
    codes = torch.randn(4, 5)
    with torch.inference_mode():
        torch.testing.assert_close(model.decode(codes)[1:2], model.decode(codes[1:2]))


@pytest.mark.parametrize("widths", [(), (4,) * 11])
def test_depths_that_make_no_picture(widths):
    with pytest.raises(ValueError, match="widths"):
        FAMILY.config(widths=widths)
