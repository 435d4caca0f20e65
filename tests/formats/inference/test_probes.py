"""Pictures for encoders, and what autoencoders tell by them."""

from __future__ import annotations

import torch
from torch import nn

from explorer.formats.inference.inferring import infer
from explorer.formats.inference.probes import pictures


def test_pictures_are_the_same_at_each_call_and_unlike_each_other() -> None:
    for channels in (1, 3):
        made = pictures(12, channels, 20, 28)
        assert made.shape == (12, channels, 20, 28)
        assert torch.equal(made, pictures(12, channels, 20, 28))
        assert made.min() >= 0
        assert made.max() <= 1
        flat = made.flatten(1)
        assert torch.corrcoef(flat).fill_diagonal_(0).abs().max() < 0.95
        assert flat.std(1).min() > 0.1


def test_strokes_are_white_on_black() -> None:
    made = pictures(16, 1, 28, 28)
    assert made.median() < 0.05
    assert made.amax((1, 2, 3)).min() > 0.9


class Rectified(nn.Module):
    """An autoencoder whose code is rectified as well; no submodule tells of an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.enc1, self.enc2 = nn.Linear(196, 64), nn.Linear(64, 12)
        self.dec1, self.dec2 = nn.Linear(12, 64), nn.Linear(64, 196)

    def decode(self, codes: torch.Tensor) -> torch.Tensor:
        return self.dec2(self.dec1(codes).relu()).sigmoid()

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.decode(self.enc2(self.enc1(pictures.flatten(1)).relu()).relu())


def test_the_rectified_code_of_an_autoencoder_is_told_by_what_it_makes_of_pictures() -> None:
    torch.manual_seed(0)
    module = Rectified()
    strokes = pictures(768, 1, 14, 14)[256:]
    optimizer = torch.optim.Adam(module.parameters(), 4e-3)
    for _ in range(400):
        batch = strokes[torch.randint(len(strokes), (64,))]
        loss = nn.functional.binary_cross_entropy(module(batch), batch.flatten(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    tensors = {key: tensor.detach() for key, tensor in module.state_dict().items()}
    config = infer(tensors).config
    assert [layer.kind for layer in config.decoder if not layer.key] == ["relu", "sigmoid"]
    assert [layer.kind for layer in config.encoder if not layer.key] == ["flatten", "relu", "relu"]
