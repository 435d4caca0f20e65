"""Generators that were trained a little with a class in one-hot, or without: whether their weights tell."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from explorer.formats.inference.inferring import infer
from explorer.formats.inference.one_hot import one_hot
from explorer.formats.inference.parts import parts_of
from explorer.formats.inference.units import leaves_of


def trained(code: int, classes: int, before: bool = False) -> dict[str, Tensor]:
    """Return a generator that learned to draw one bar per class; its code moves the bar a little."""
    torch.manual_seed(code + classes)
    module = nn.Sequential(nn.Linear(code + classes, 48), nn.LeakyReLU(0.2), nn.Linear(48, 64),
                           nn.LeakyReLU(0.2), nn.Linear(64, 144), nn.Tanh())  # fmt: skip
    bars = torch.linspace(-1, 1, 144).repeat(max(classes, 1), 1).roll(7, 1)
    bars = torch.stack([bar.roll(13 * at) for at, bar in enumerate(bars)])
    optimizer = torch.optim.Adam(module.parameters(), 2e-3)
    for _ in range(150):
        codes, drawn = torch.randn(64, code), torch.randint(max(classes, 1), (64,))
        told = nn.functional.one_hot(drawn, classes).float() if classes else codes[:, :0]
        made = module(torch.cat((told, codes) if before else (codes, told), 1))
        wanted = bars[drawn] + 0.2 * codes[:, :1]
        loss = (made - wanted.clamp(-1, 1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {key: tensor.detach() for key, tensor in module.state_dict().items()}


def found(tensors: dict[str, Tensor]) -> object:
    """Return what the first link's weights tell."""
    return one_hot(parts_of(leaves_of(tensors, None))[0].decoder[0], tensors)


@pytest.mark.parametrize("before", [False, True])
def test_weights_that_take_a_class_are_unlike_those_of_a_code(before: bool) -> None:
    tensors = trained(100, 10, before)
    told = found(tensors)
    assert told is not None
    assert (told.classes, told.before) == (10, before)  # type: ignore[attr-defined]


def test_a_code_alone_tells_of_no_class() -> None:
    assert found(trained(110, 0)) is None
    assert found(trained(100, 0)) is None


def test_weights_that_differ_by_chance_tell_of_no_class() -> None:
    for seed in range(12):
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(110, 48), nn.ReLU(), nn.Linear(48, 144), nn.Tanh())
        assert found(module.state_dict()) is None


def test_a_class_behind_the_code_makes_a_conditional_network() -> None:
    config = infer(trained(64, 10)).config
    assert config.latent_dim == 64
    assert config.labels is not None
    assert (config.labels.classes, config.labels.join) == (10, "after")
