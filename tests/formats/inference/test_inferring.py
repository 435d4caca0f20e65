"""The door of the inference: what it makes of a state dict, what hints change, and what it refuses."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from explorer.formats.diagnosis import Unfamiliar
from explorer.formats.inference import Module
from explorer.formats.inference.inferring import infer
from explorer.formats.sidecars import Hints, parsed_hints
from explorer.models.layered import Layered


def told(module: nn.Module) -> tuple[dict[str, Tensor], list[Module]]:
    """Return what a state dict tells of a module."""
    state = module.state_dict()
    return dict(state), [Module(path) for path in state._metadata if path]  # type: ignore[attr-defined]


def hinted(**hints: str) -> Hints:
    return Hints(**parsed_hints(hints))


@pytest.fixture(scope="module")
def odd() -> nn.Sequential:
    """A decoder of a size and with activations that are not usual."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6 * 9), nn.Unflatten(1, (6, 3, 3)), nn.ConvTranspose2d(6, 4, 3, 2, 1), nn.ELU(),
        nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Tanh(),
    ).eval()  # fmt: skip


def test_the_hint_layers_says_all(odd: nn.Sequential) -> None:
    words = "linear reshape:6,3,3 convT:k3s2p1 elu convT:k4s2p1 tanh"
    made = infer(*told(odd), hinted(layers=words))
    codes = torch.randn(3, 4)
    assert (made.config.image.channels, made.config.image.height) == (1, 10)
    assert torch.allclose(Layered(made.config, dict(odd.state_dict())).decode(codes), odd(codes), atol=1e-6)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("linear tanh", "has 1 layer with weights where the file.s decoder has 3"),
        ("linear linear linear", "says linear where the file has 2, a convT"),
        ("linear reshape:6,3,3 convT:k3 convT:k4 bn", "more layers with weights than the 3"),
        ("linear reshape:5,3,3 convT:k3 convT:k4", "do not fit together"),
    ],
)
def test_layers_that_are_not_the_files_are_refused(odd: nn.Sequential, words: str, why: str) -> None:
    with pytest.raises(Unfamiliar, match=why):
        infer(*told(odd), hinted(layers=words))


def test_hints_go_before_what_is_usual(odd: nn.Sequential) -> None:
    made = infer(*told(odd), hinted(image="1x10x10", activation="elu", output="tanh"))
    codes = torch.randn(3, 4)
    assert torch.allclose(Layered(made.config, dict(odd.state_dict())).decode(codes), odd(codes), atol=1e-6)
    assert not {"image", "activation", "output"} & {guess.hint for guess in made.diagnosis.guesses}


def test_the_diagnosis_names_every_tensor_layer_and_guess(odd: nn.Sequential) -> None:
    diagnosis = infer(*told(odd)).diagnosis
    assert {fact.part for fact in diagnosis.tensors} == {"decoder"}
    assert [layer.key for layer in diagnosis.layers if layer.key] == ["0", "2", "4"]
    assert diagnosis.layers[0].shape == (54,)
    assert {"activation", "output", "image"} <= {guess.hint for guess in diagnosis.guesses}


def _classifier() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(3456, 84), nn.ReLU(), nn.Linear(84, 10)
    )


def _residual_classifier() -> nn.Module:
    blocks = [nn.ModuleDict({"conv1": nn.Conv2d(16, 16, 3), "conv2": nn.Conv2d(16, 16, 3)}) for _ in range(8)]
    return nn.ModuleDict(
        {"conv1": nn.Conv2d(3, 16, 7), "layer1": nn.Sequential(*blocks), "fc": nn.Linear(16, 1000)}
    )


def _language_model() -> nn.Module:
    blocks = [
        nn.ModuleDict({
            "ln": nn.LayerNorm(32), "attn": nn.Linear(32, 96), "proj": nn.Linear(32, 32),
            "fc": nn.Linear(32, 128), "back": nn.Linear(128, 32),
        })
        for _ in range(6)
    ]  # fmt: skip
    return nn.ModuleDict(
        {"wte": nn.Embedding(500, 32), "h": nn.ModuleList(blocks), "lm_head": nn.Linear(32, 500)}
    )


def _discriminator() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 4, 2, 1), nn.LeakyReLU(), nn.Conv2d(8, 1, 4, 1, 0))


@pytest.mark.parametrize("make", [_classifier, _residual_classifier, _language_model, _discriminator])
def test_what_makes_no_pictures_is_refused_at_once(make: type[nn.Module]) -> None:
    tensors, modules = told(make())
    begun = time.thread_time()
    with pytest.raises(Unfamiliar) as caught:
        infer(tensors, modules)
    assert time.thread_time() - begun < 2
    assert str(caught.value).endswith("give hints such as image, start or layers.")
    assert len(caught.value.diagnosis.tensors) == len(tensors)


@pytest.mark.parametrize(
    "shapes",
    [
        {},
        {"a": ()},
        {"a.weight": (0, 5), "b.weight": (784, 0)},
        {f"{at}.weight": (8, 8, 3, 3) for at in range(300)},
        {f"{at}.weight": (8, 16) if at % 2 else (16, 8) for at in range(300)},
        {"....weight": (784, 8), "..": (3, 3)},
    ],
)
def test_strange_shapes_cost_no_time(shapes: dict[str, tuple[int, ...]]) -> None:
    begun = time.thread_time()
    with suppress(Unfamiliar):
        infer({key: torch.zeros(()).expand(shape) for key, shape in shapes.items()})
    assert time.thread_time() - begun < 10
