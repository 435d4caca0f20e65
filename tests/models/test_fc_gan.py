"""Fully connected generators: what their keys tell."""

import pytest
import torch

from explorer.models import architecture

FAMILY = architecture("fc-gan")


def keys(config):
    state = FAMILY.network(config).state_dict()
    return {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith("tracked")}


def test_pictures_are_tanh_and_turned_to_0_to_1():
    config = FAMILY.config(4, (16, "norm", "act", 48), 3, 4, 4, activation_slope=0.2, norm_eps=0.8)
    model = FAMILY.wrap(FAMILY.network(config).eval(), config, name="gan")
    codes = torch.randn(5, 4)
    with torch.inference_mode():
        raw, unit = model.decode_raw(codes), model.decode(codes)
    assert raw.shape == (5, 3, 4, 4)
    torch.testing.assert_close(unit, (raw + 1) / 2)


def test_the_last_layer_has_to_give_the_picture():
    with pytest.raises(ValueError, match="784 pixels"):
        FAMILY.config(4, (16, "act", 100))
