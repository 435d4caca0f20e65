"""Fully connected generators: what their keys tell."""

import pytest
import torch

from explorer.models import architecture

FAMILY = architecture("fc-gan")


def keys(config):
    state = FAMILY.network(config).state_dict()
    return {key: tuple(tensor.shape) for key, tensor in state.items() if not key.endswith("tracked")}


@pytest.mark.parametrize(
    ("layers", "picture"),
    [
        ((256, "act", 256, "act", 784), (1, 28, 28)),
        ((32, 48, "norm", "act", 192), (3, 8, 8)),
        ((32, "act", "skip", 64, "act", "skip", 144), (1, 12, 12)),
        ((90,), (1, 1, 90)),
    ],
)
def test_layers_are_read_off_the_keys_even_with_a_bias_gone(layers, picture):
    config = FAMILY.config(7, layers, *picture)
    shapes = keys(config)
    assert FAMILY.recognise(shapes) == config
    for key in shapes:
        if key.endswith("bias"):
            assert FAMILY.recognise({k: shape for k, shape in shapes.items() if k != key}) == config


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"0.weight": (784, 64), "x.weight": (3,)},
        {"0.weight": (128, 784), "0.bias": (128,), "2.weight": (64, 128)},  # an encoder
        {"0.weight": (128, 784), "2.weight": (1, 128)},  # a critic
        {"1.weight": (784, 64)},
        {"0.weight": (784,)},
        {"0.weight": (16, 1, 3, 3), "2.weight": (16, 16, 3, 3)},
    ],
)
def test_other_networks_are_not_taken_for_it(shapes):
    assert FAMILY.recognise(shapes) is None


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
