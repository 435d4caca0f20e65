"""Networks that would take for ever are answered after little work, however small their files are."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from formats.hostile_networks import NETWORKS
from torch import nn

from explorer.formats.diagnosis import Unfamiliar
from explorer.formats.inference.inferring import infer
from explorer.formats.inference.work import Work, drawn
from explorer.models.base import ImageSpec
from explorer.models.layered import Layered, LayeredConfig
from explorer.models.layers import Layer, parse

MOST = 1.2e11
"""Multiply-adds; a processor does ten to forty thousand millions of them in a second."""


@pytest.mark.parametrize("name", NETWORKS)
def test_an_absurd_network_takes_little_work(name: str) -> None:
    tensors = NETWORKS[name]()
    with Work() as work, suppress(Unfamiliar):
        infer(tensors)
    assert work.spent < MOST


@pytest.mark.parametrize(("channels", "share"), [(2, 64), (16, 1), (64, 1)])
def test_few_channels_count_as_many_as_a_processor_takes_at_once(channels: int, share: int) -> None:
    for layer in (nn.Conv2d(channels, channels, 3), nn.ConvTranspose2d(channels, channels, 3)):
        with torch.inference_mode(), Work() as work:
            made = layer(torch.ones(1, channels, 16, 16))
        places = made[0, 0].numel() if isinstance(layer, nn.Conv2d) else 16 * 16
        products = channels * channels * 9 * places
        assert products * share / 8 < work.done < products * share * 2


def test_pictures_that_are_dear_are_few() -> None:
    words = "reshape:2,1,1 convT:k4s4 convT:k8s8 convT:k8s8"
    layers = [parse(word) for word in words.split()]
    tensors = {}
    for at, side in enumerate((4, 8, 8), 1):
        layers[at] = Layer(layers[at].kind, str(at), layers[at].options)
        tensors[f"{at}.weight"] = torch.ones(2, 2, side, side)
    network = Layered(LayeredConfig(2, ImageSpec(2, 256, 256), tuple(layers)), tensors)
    codes = torch.randn(4000, 2)
    with torch.inference_mode(), Work() as work:
        pictures = drawn(network, codes)
        again = network.decode(codes[: len(pictures)])
    assert 2 < len(pictures) < 1000
    assert torch.allclose(pictures, again)
    assert work.done < 1e11
