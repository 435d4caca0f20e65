"""Small networks in numpy: torch's values, the same bits for the same code, and torch itself where it cannot be."""

import numpy as np
import pytest
import torch
from torch import nn

from explorer.render.chains import MOST_WEIGHTS, chain_of

CODES = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)


def network(*between):
    """Return two linear layers with others between and after them, in evaluation mode, weights fixed."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Linear(6, 20), *between, nn.Linear(20, 9, bias=False), nn.Tanh()).eval()
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.5, 2.0)
            nn.init.normal_(layer.weight)
    return layers


@pytest.mark.parametrize(
    "between",
    [
        (nn.ReLU(),),
        (nn.LeakyReLU(0.2),),
        (nn.Sigmoid(),),
        (nn.Tanh(), nn.Dropout(), nn.Identity()),
        (nn.BatchNorm1d(20, eps=0.8), nn.ReLU()),
        (nn.BatchNorm1d(20, affine=True), nn.LeakyReLU(0.01)),
    ],
    ids=lambda layers: "-".join(type(layer).__name__ for layer in layers),
)
def test_a_chain_gives_what_torch_gives(between):
    layers = network(*between)
    chain = chain_of(layers, 6)
    with torch.no_grad():
        expected = layers(torch.tensor(CODES)).numpy()
    before = CODES.copy()
    for count in (1, 2, 20):
        assert np.allclose(chain(CODES[:count]), expected[:count], atol=1e-6)
    assert np.allclose(chain(CODES[:1], steady=False), expected[:1], atol=1e-6)
    assert np.array_equal(CODES, before)


def test_the_same_code_gives_the_same_bits_alone_and_among_others_and_memory_of_its_own():
    chain = chain_of(network(nn.ReLU()), 6)
    first = chain(CODES[:1])
    kept = first.copy()
    unaligned = np.frombuffer(b"x" + CODES[0].tobytes(), np.float32, offset=1)
    chain(-CODES[:1])
    assert np.array_equal(first, kept)
    assert np.array_equal(chain(unaligned[None]), kept)
    assert np.array_equal(chain_of(network(nn.ReLU()), 6)(CODES)[:1], kept)


def test_what_a_chain_cannot_do_is_left_to_torch():
    assert chain_of(None, 6) is None
    assert chain_of(nn.Linear(6, 9), 6) is None
    assert chain_of(network(nn.GELU()), 6) is None
    assert chain_of(network(nn.LeakyReLU(2.0)), 6) is None
    side = int(MOST_WEIGHTS**0.5) + 1
    assert chain_of(nn.Sequential(nn.Linear(side, side, device="meta")), side) is None


def test_weights_that_are_no_numbers_are_left_to_torch():
    layers = network(nn.ReLU())
    with torch.no_grad():
        layers[0].weight[0, 0] = torch.nan
    assert chain_of(layers, 6) is None
