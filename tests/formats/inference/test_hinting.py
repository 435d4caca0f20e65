"""Hints over what is open in an unknown file."""

import pytest
import torch

from explorer.formats.inference.inferring import infer
from explorer.formats.sidecars import Hints, parsed_hints


@pytest.fixture
def tensors():
    """A decoder of two linear layers, without a word on what stands between them."""
    torch.manual_seed(0)
    shapes = {"fc1.weight": (32, 4), "fc1.bias": (32,), "fc2.weight": (784, 32), "fc2.bias": (784,)}
    return {key: torch.randn(shape) / 4 for key, shape in shapes.items()}


@pytest.mark.parametrize("word", ["relu", "leaky_relu:0.2", "tanh", "selu", "sin", "softsign"])
def test_an_activation_that_is_told_stands_between_the_layers(tensors, word):
    found = infer(tensors, hints=Hints(**parsed_hints({"activation": word, "image": "1x28x28"})))
    kinds = [
        layer.text for layer in found.config.decoder if layer.key or layer.kind == word.partition(":")[0]
    ]
    assert kinds[:3] == ["linear", word, "linear"]
