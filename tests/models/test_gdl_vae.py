"""The book's VAE, with the strides one likes."""

import pytest
import torch
from torch import nn

from explorer.formats import open_latent, save_native
from explorer.models import architecture

FAMILY = architecture("gdl-vae")


def model(config):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return FAMILY.wrap(FAMILY.network(config).eval(), config, name="book")


def test_layers_for_digits_are_the_books():
    shapes = [
        tuple(weight.shape)
        for key, weight in model(FAMILY.config()).network.state_dict().items()
        if "weight" in key
    ]
    assert shapes == [
        (32, 1, 3, 3),
        (64, 32, 3, 3),
        (64, 64, 3, 3),
        (64, 64, 3, 3),
        (2, 3136),
        (2, 3136),
        (3136, 2),
        (64, 64, 3, 3),
        (64, 64, 3, 3),
        (64, 32, 3, 3),
        (32, 1, 3, 3),
    ]


@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (4, 1), (1, 3)])
@pytest.mark.parametrize("is_rich", [False, True])
def test_any_strides_lead_back_to_the_same_size_and_open_again(tmp_path, strides, is_rich):
    config = FAMILY.config(3, 12, (4, 6), strides, 5, norm=is_rich, dropout=0.2 * is_rich, residual=is_rich)
    saved = model(config)
    save_native(tmp_path / "book.safetensors", saved, config=config)
    opened = open_latent(tmp_path / "book.safetensors").model
    images = torch.rand(2, 3, 12, 12)
    with torch.inference_mode():
        codes = saved.encode(images).mean
        pictures = saved.decode(codes)
        assert codes.shape == (2, 5)
        assert pictures.shape == images.shape
        assert torch.equal(opened.encode(images).mean, codes)
        assert torch.equal(opened.decode(codes), pictures)


def test_norm_dropout_and_residual_blocks_are_there_when_asked_for():
    kinds = {type(module).__name__ for module in model(FAMILY.config()).network.modules()}
    assert not kinds & {"BatchNorm2d", "Dropout", "_Residual"}
    rich = FAMILY.config(norm=True, dropout=0.1, residual=True)
    network = model(rich).network
    assert sum(isinstance(module, nn.Dropout) for module in network.encoder.modules()) == 4
    assert {"BatchNorm2d", "Dropout", "_Residual"} <= {type(module).__name__ for module in network.modules()}


@pytest.mark.parametrize(
    "sizes",
    [{"strides": (2, 2)}, {"widths": (), "strides": ()}, {"side": 30}, {"dropout": 1.0}],
)
def test_sizes_that_do_not_go_together_are_refused(sizes):
    with pytest.raises(ValueError, match="gdl-vae"):
        FAMILY.config(**sizes)
