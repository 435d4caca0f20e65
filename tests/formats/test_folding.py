"""Weights stored in two parts come back as the network used them: against torch's own weight and spectral norm."""

import pytest
import torch
from torch import nn

from explorer.formats.folding import fold, without_inner

KINDS = [
    lambda: nn.Linear(5, 7),
    lambda: nn.Linear(6, 6),
    lambda: nn.Conv2d(3, 4, 3),
    lambda: nn.ConvTranspose2d(5, 3, 4),
    lambda: nn.ConvTranspose2d(4, 4, 4),
]
NORMS = [
    nn.utils.weight_norm,
    nn.utils.parametrizations.weight_norm,
    nn.utils.spectral_norm,
    nn.utils.parametrizations.spectral_norm,
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_folded_weight_is_what_the_network_computes_with(make, norm):
    torch.manual_seed(1)
    layer = norm(make())
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(1.7)
        shape = (2, layer.weight.shape[0 if isinstance(layer, nn.ConvTranspose2d) else 1])
        images = torch.randn(*shape, *(5, 5)[: 2 * (layer.weight.ndim == 4)])
        for _ in range(30):  # so that the stored vectors have come near the singular ones
            layer.train()(images)
        layer.eval()(images)
    network = nn.Sequential(nn.Identity(), layer)
    folded, notes = fold(network.state_dict())
    assert torch.allclose(folded["1.weight"], layer.weight, atol=1e-6)
    assert set(folded) == {"1.weight", "1.bias"}
    assert len(notes) == 1
    paths = [path for path, _ in network.named_modules() if path]
    assert without_inner(paths) == ["0", "1"]


def test_what_only_looks_like_a_part_stays():
    tensors = {"fc_v.weight": torch.ones(2, 2), "head_g": torch.ones(3), "x.weight_u": torch.ones(3)}
    folded, notes = fold(tensors)
    assert list(folded) == list(tensors)
    assert notes == []
