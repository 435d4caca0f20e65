"""Networks built with torch.nn, handed over as a state dict: the true one is among the first candidates."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.formats.inference import Module
from explorer.formats.inference.hinting import narrowed
from explorer.formats.inference.parts import parts_of
from explorer.formats.inference.proposals import proposals
from explorer.formats.inference.slots import Slots, alike, tidied, with_choice
from explorer.formats.inference.units import leaves_of
from explorer.formats.sidecars import Hints, parsed_hints
from explorer.models.layered import Layered, LayeredConfig


def told(module: nn.Module) -> tuple[dict[str, Tensor], list[Module]]:
    """Return what a state dict tells of a module."""
    state = module.state_dict()
    return dict(state), [Module(path) for path in state._metadata if path]  # type: ignore[attr-defined]


def candidates(tensors: dict[str, Tensor], modules: list[Module] | None, **hints: str) -> list[Slots]:
    leaves = leaves_of(tensors, modules)
    given = Hints(**parsed_hints(hints))
    return [narrowed(slots, given) for slots in proposals(leaves, parts_of(leaves), given, {})]


def networks(slots: Slots, words: dict[str, str]) -> list[LayeredConfig]:
    """Return a candidate filled with words, and with nothing behind each of the first rows."""
    chosen = alike(slots, words)
    open_ones = [
        (index, [option.word for option in slot.options].index("identity"))
        for index, slot in enumerate(slots.slots)
        if slot.part == "decoder"
        and slot.group == "activation"
        and "identity" in [o.word for o in slot.options]
    ][:3]
    found = []
    for empty in product((False, True), repeat=len(open_ones)):
        choices = chosen | {index: at for (index, at), no in zip(open_ones, empty, strict=True) if no}
        found.append(tidied(with_choice(slots, choices)))
    return found


def rank(found: list[Slots], tensors: dict[str, Tensor], module: nn.Module, dim: int, **words: str) -> int:
    """Return the place of the first candidate that gives the module's pictures; fails where none does."""
    codes = torch.randn(3, dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = module(codes).flatten(1)
        for place, slots in enumerate(found):
            if slots.candidate.config.latent_dim != dim:
                continue
            for config in networks(slots, {"output": "sigmoid", "activation": "relu", **words}):
                pictures = Layered(config, tensors).decode(codes).flatten(1)
                if pictures.shape == expected.shape and torch.allclose(pictures, expected, atol=1e-5):
                    return place
    raise AssertionError([slots.candidate.choices for slots in found[:4]])


def lively(module: nn.Module) -> nn.Module:
    """Give batch norms statistics as if they had been trained."""
    generator = torch.Generator().manual_seed(1)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
            norm.running_mean = torch.randn(norm.num_features, generator=generator) * 0.1
            norm.running_var = torch.rand(norm.num_features, generator=generator) + 0.5
    return module.eval()


class Functional(nn.Module):
    """A VAE whose activations stand in `forward` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(784, 40), nn.Linear(40, 5), nn.Linear(40, 5)
        self.fc3, self.fc4 = nn.Linear(5, 40), nn.Linear(40, 784)

    def forward(self, codes: Tensor) -> Tensor:
        return torch.sigmoid(self.fc4(torch.relu(self.fc3(codes))))


class Convolutional(nn.Module):
    """A VAE with attributes for layers, and all norms registered after all convolutions."""

    def __init__(self, first: bool) -> None:
        super().__init__()
        self.first = first
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 4, 2, 1), nn.Conv2d(8, 16, 4, 2, 1)
        self.bn1, self.bn2 = nn.BatchNorm2d(8), nn.BatchNorm2d(16)
        self.mu, self.logvar = nn.Linear(16 * 64, 6), nn.Linear(16 * 64, 6)
        self.fc = nn.Linear(6, 16 * 64)
        self.deconv1, self.deconv2 = nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ConvTranspose2d(8, 3, 4, 2, 1)
        self.bn3 = nn.BatchNorm2d(8)

    def forward(self, codes: Tensor) -> Tensor:
        rows = self.fc(codes)
        values = (torch.relu(rows) if self.first else rows).view(-1, 16, 8, 8)
        return torch.sigmoid(self.deconv2(torch.relu(self.bn3(self.deconv1(values)))))


class Resized(nn.Module):
    """A decoder that is scaled in `forward`."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(10, 16 * 7 * 7)
        self.conv1, self.conv2 = nn.Conv2d(16, 8, 3, 1, 1), nn.Conv2d(8, 1, 3, 1, 1)

    def forward(self, codes: Tensor) -> Tensor:
        values = functional.relu(self.fc(codes)).view(-1, 16, 7, 7)
        values = functional.relu(self.conv1(functional.interpolate(values, scale_factor=2)))
        return torch.sigmoid(self.conv2(functional.interpolate(values, scale_factor=2)))


class Block(nn.Module):
    """A residual block as a module of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 3, 1, 1)

    def forward(self, values: Tensor) -> Tensor:
        return values + self.conv2(torch.relu(self.conv1(values)))


def _sequence(*layers: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*layers)


DECODERS = {
    "rows": (_sequence(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid()), 4),
    "rows without an activation": (
        _sequence(nn.Linear(4, 32), nn.Linear(32, 48), nn.ReLU(), nn.Linear(48, 784), nn.Sigmoid()),
        4,
    ),
    "raw rows": (_sequence(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 900)), 4),
    "functional": (Functional, 5),
    "colour rows": (_sequence(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 3072), nn.Sigmoid()), 4),
    "unflattened": (
        _sequence(
            nn.Linear(4, 16 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 4, 2, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "odd kernels": (
        _sequence(
            nn.Linear(4, 16 * 49),
            nn.Unflatten(1, (16, 7, 7)),
            nn.ConvTranspose2d(16, 8, 3, 2, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, 2, 1, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "4 to 7 to 14 to 28": (
        _sequence(
            nn.Linear(4, 16 * 16),
            nn.ReLU(),
            nn.Unflatten(1, (16, 4, 4)),
            nn.ConvTranspose2d(16, 8, 3, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 3, 2, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 1, 3, 2, 1, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "from one pixel": (
        _sequence(
            nn.Unflatten(1, (6, 1, 1)),
            nn.ConvTranspose2d(6, 16, 4, 1, 0, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 3, 4, 2, 1, bias=False),
            nn.Sigmoid(),
        ),
        6,
    ),
    "unpadded": (
        _sequence(
            nn.Unflatten(1, (6, 1, 1)),
            nn.ConvTranspose2d(6, 16, 3, 2),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 4, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 3, 2),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 1, 4, 2),
            nn.Sigmoid(),
        ),
        6,
    ),
    "scaled": (
        _sequence(
            nn.Linear(4, 8 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (8, 7, 7)),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(8, 4, 3, 1, 1),
            nn.ReLU(),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(4, 1, 3, 1, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "scaled in forward": (Resized, 10),
    "kernels of 5": (
        _sequence(
            nn.Linear(4, 8 * 49),
            nn.ReLU(),
            nn.Unflatten(1, (8, 7, 7)),
            nn.ConvTranspose2d(8, 4, 5, 2, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 1, 5, 2, 2, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "spread pixels": (
        _sequence(
            nn.Linear(4, 8 * 64),
            nn.ReLU(),
            nn.Unflatten(1, (8, 8, 8)),
            nn.Conv2d(8, 16, 3, 1, 1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(4, 12, 3, 1, 1),
            nn.PixelShuffle(2),
            nn.Sigmoid(),
        ),
        4,
    ),
    "norms of rows": (
        _sequence(
            nn.Linear(4, 32),
            nn.BatchNorm1d(32),
            nn.ReLU(),
            nn.Linear(32, 64),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, 784),
            nn.Sigmoid(),
        ),
        4,
    ),
    "norms behind activations": (
        _sequence(nn.Linear(4, 32), nn.ReLU(), nn.BatchNorm1d(32), nn.Linear(32, 784), nn.Sigmoid()),
        4,
    ),
    "residual": (
        _sequence(
            nn.Linear(4, 8 * 16),
            nn.ReLU(),
            nn.Unflatten(1, (8, 4, 4)),
            Block(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 8, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 4, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 3, 4, 2, 1),
            nn.Sigmoid(),
        ),
        4,
    ),
    "attributes": (lambda: Convolutional(True), 6),
    "attributes without a first activation": (lambda: Convolutional(False), 6),
}


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_is_among_the_first(name: str) -> None:
    made, dim = DECODERS[name]
    torch.manual_seed(0)
    module = lively(made())
    tensors, modules = told(module)
    words = {"output": "identity"} if name == "raw rows" else {}
    assert rank(candidates(tensors, modules), tensors, module, dim, **words) <= 3


@pytest.mark.parametrize(
    "name", ["functional", "odd kernels", "from one pixel", "attributes", "norms of rows"]
)
def test_without_a_list_of_submodules_it_is_still_found(name: str) -> None:
    made, dim = DECODERS[name]
    module = lively(made())
    tensors, _ = told(module)
    assert rank(candidates(tensors, None), tensors, module, dim) <= 5


def test_names_sorted_by_letters_are_put_in_order() -> None:
    module = lively(
        nn.Sequential(*(layer for _ in range(6) for layer in (nn.Linear(8, 8), nn.ReLU())), nn.Linear(8, 784))
    )
    tensors = dict(sorted(module.state_dict().items()))
    assert list(tensors)[2] == "10.bias"
    assert rank(candidates(tensors, None), tensors, module, 8, output="identity") == 0


def test_an_image_hint_leaves_only_that_size() -> None:
    module = nn.Sequential(
        nn.Linear(4, 8 * 16), nn.Unflatten(1, (8, 4, 4)), nn.ConvTranspose2d(8, 1, 3, 2, 1)
    )
    tensors, modules = told(module)
    found = candidates(tensors, modules, image="1x7x7")
    assert {slots.candidate.choices["image"] for slots in found} == {"1x7x7"}
    assert rank(found, tensors, module, 4, output="identity") == 0


def test_heads_packed_in_one_are_told_by_their_width() -> None:
    module = nn.ModuleDict({
        "encoder": nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)),
        "decoder": nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid()),
    })  # fmt: skip
    best = candidates(*told(module))[0]
    assert best.candidate.config.latent_dim == 5
    assert [option.heads.layout for option in best.heads] == ["halves", "interleaved"]


def test_a_table_beside_the_code_makes_classes() -> None:
    module = nn.ModuleDict({
        "label_emb": nn.Embedding(7, 3),
        "model": nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 784), nn.Tanh()),
    })  # fmt: skip
    config = candidates(*told(module))[0].candidate.config
    assert config.latent_dim == 10
    assert config.labels is not None
    assert (config.labels.classes, config.labels.kind, config.labels.join) == (7, "embedding", "after")


def test_an_encoder_that_takes_ten_numbers_more_makes_ten_classes() -> None:
    module = nn.ModuleDict({
        "fc1": nn.Linear(794, 32), "fc21": nn.Linear(32, 4), "fc22": nn.Linear(32, 4),
        "fc3": nn.Linear(14, 32), "fc4": nn.Linear(32, 784),
    })  # fmt: skip
    config = candidates(*told(module))[0].candidate.config
    assert (config.latent_dim, config.image.height) == (4, 28)
    assert config.labels is not None
    assert (config.labels.classes, config.labels.kind, config.labels.encoder) == (10, "onehot", True)


def test_a_wide_code_alone_makes_no_class() -> None:
    module = nn.Sequential(nn.Linear(110, 32), nn.ReLU(), nn.Linear(32, 784))
    config = candidates(*told(module))[0].candidate.config
    assert config.labels is None
    hinted = candidates(*told(module), classes="10")[0].candidate.config
    assert hinted.latent_dim == 100
    assert hinted.labels is not None


def test_a_plain_autoencoder_has_no_prior() -> None:
    module = nn.ModuleDict({
        "encoder": nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 3)),
        "decoder": nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 784), nn.Sigmoid()),
    })  # fmt: skip
    config = candidates(*told(module))[0].candidate.config
    assert (config.prior, config.latent_dim) == ("none", 3)
    assert config.heads is not None
    assert config.heads.layout == "single"


def test_a_discriminator_in_the_same_file_is_left_out() -> None:
    module = nn.ModuleDict({
        "discriminator": nn.Sequential(nn.Linear(784, 32), nn.LeakyReLU(), nn.Linear(32, 1)),
        "generator": nn.Sequential(nn.Linear(9, 32), nn.ReLU(), nn.Linear(32, 784), nn.Tanh()),
    })  # fmt: skip
    config = candidates(*told(module))[0].candidate.config
    assert [layer.key for layer in config.decoder if layer.key] == ["generator.0", "generator.2"]
    assert config.heads is None
