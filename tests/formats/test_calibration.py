"""Activation and eps found again from what batch norm remembers."""

import pytest
import torch

from explorer.formats import open_latent
from explorer.models import architecture

pytestmark = pytest.mark.usefixtures("in_process")

LAYERS = (32, "act", 48, "norm", "act", 64, "norm", "act", 144)


def trained(slope, eps):
    """Return the state dict of a generator whose batch norms have seen many codes."""
    family = architecture("fc-gan")
    config = family.config(10, LAYERS, 1, 12, 12, activation_slope=slope, norm_eps=eps)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = family.network(config).train()
        for layer in network:
            if isinstance(layer, torch.nn.BatchNorm1d):
                layer.momentum = None  # the plain mean over all batches
        with torch.no_grad():
            for _ in range(200):
                network.decode(torch.randn(64, 10))
    return network.eval()


@pytest.mark.parametrize(("slope", "eps"), [(0.0, 1e-5), (0.2, 1e-5), (0.0, 0.8), (0.2, 0.8)])
def test_slope_and_eps_are_settled_by_statistics(tmp_path, slope, eps):
    network = trained(slope, eps)
    torch.save(network.state_dict(), tmp_path / "g.pth")
    model = open_latent(tmp_path / "g.pth").model
    codes = torch.randn(6, 10)
    torch.testing.assert_close(model.decode_raw(codes), network.decode(codes))
    assert any("Settled" in note and f"slope {slope:g}" in note for note in model.notes)


def test_statistics_nobody_trained_settle_nothing_and_that_is_said(tmp_path):
    family = architecture("fc-gan")
    network = family.network(family.config(10, LAYERS, 1, 12, 12))
    torch.save(network.state_dict(), tmp_path / "g.pth")
    assert any("Taken as usual" in note for note in open_latent(tmp_path / "g.pth").model.notes)


def test_statistics_that_are_no_numbers_do_no_harm(tmp_path):
    weights = trained(0.0, 1e-5).state_dict()
    weights["3.running_var"][:] = float("nan")
    torch.save(weights, tmp_path / "g.pth")
    notes = open_latent(tmp_path / "g.pth").model.notes
    assert any("Taken as usual" in note for note in notes)
    assert any("3.running_var" in note for note in notes)
