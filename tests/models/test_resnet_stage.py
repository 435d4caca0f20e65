"""The residual stage as training needs it: gradients everywhere, and pictures that are carried past the network."""

import pytest
import torch

from explorer.formats import open_stage, save_native
from explorer.models import architecture

FAMILY = architecture("resnet-stage")


def _network(**options):
    torch.manual_seed(0)
    config = FAMILY.config(**{"widths": (4, 8), "blocks": 1, **options})
    return FAMILY.network(config), config


@pytest.mark.parametrize(
    "options", [{}, {"carries": True}, {"norm": "none"}, {"up": "bilinear", "down": "blur:3"}]
)
def test_every_weight_learns(options):
    network, _ = _network(**options)
    images = (torch.rand(2, 3, 16, 16) * 2 - 1).requires_grad_()
    network(images).square().sum().backward()
    assert images.grad.abs().sum() > 0
    for name, weight in network.named_parameters():
        is_normed = name.endswith("bias") and options.get("norm") != "none" and "head" not in name
        assert is_normed or weight.grad.abs().sum() > 0, name


def test_what_is_carried_past_stays_where_the_network_adds_nothing(tmp_path):
    network, config = _network(carries=True)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    images = torch.rand(2, 3, 17, 22)  # sizes that the layers round up
    save_native(tmp_path / "same.safetensors", FAMILY.wrap(network, config, name="same"), config=config)
    with torch.inference_mode():
        same = open_stage(tmp_path / "same.safetensors").apply(images)
    assert torch.allclose(same, images, atol=0.0151)
    inside = (images - 0.5).abs() < 0.48
    assert torch.allclose(same[inside], images[inside], atol=1e-5)


@pytest.mark.parametrize("options", [{"carries": True, "outputs": 1}, {"carries": True, "output": "none"}])
def test_only_pictures_of_the_same_kind_are_carried(options):
    with pytest.raises(ValueError, match="carries pictures"):
        FAMILY.config(**options)
