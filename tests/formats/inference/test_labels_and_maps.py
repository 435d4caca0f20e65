"""Networks built with torch.nn whose class or whose code is told in rarer ways: what is proposed for their tensors."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from explorer.formats.inference import Module
from explorer.formats.inference.encoders import parted
from explorer.formats.inference.inferring import infer
from explorer.formats.inference.parts import parts_of
from explorer.formats.inference.proposals import proposals
from explorer.formats.inference.slots import tidied
from explorer.formats.inference.units import leaves_of
from explorer.formats.sidecars import Hints
from explorer.models.layered import Layered, LayeredConfig


def proposed(tensors: Mapping[str, Tensor]) -> list[LayeredConfig]:
    """Return the likeliest candidate of each decoder."""
    leaves = leaves_of(tensors, None)
    first, _ = parted(proposals(leaves, parts_of(leaves), Hints(), {}))
    return [slots.candidate.config for slots in first]


def test_a_table_may_go_before_the_code_or_behind() -> None:
    rows = nn.Sequential(nn.Linear(110, 32), nn.ReLU(), nn.Linear(32, 784), nn.Tanh())
    module = nn.ModuleDict({"label_emb": nn.Embedding(10, 10), "model": rows})
    labels = [config.labels for config in proposed(module.state_dict()) if config.latent_dim == 100]
    assert [one.join for one in labels[:2] if one] == ["after", "before"]


def test_a_label_may_become_one_more_channel_of_the_first_map() -> None:
    maps = nn.Sequential(
        nn.ConvTranspose2d(17, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh()
    )
    module = nn.ModuleDict({
        "table_of_labels": nn.Embedding(6, 5), "plane": nn.Linear(5, 49), "first": nn.Linear(20, 16 * 49), "maps": maps,
    })  # fmt: skip
    tensors = module.state_dict()
    config = proposed(tensors)[0]
    assert (config.latent_dim, config.image.height) == (20, 28)
    assert config.labels is not None
    assert config.labels.classes == 6
    codes, classes = torch.randn(2, 20), torch.tensor([1, 4])
    first = module["first"](codes)
    if any(layer.kind == "relu" for layer in config.decoder[: config.labels.at]):
        first = first.relu()
    plane = module["plane"](module["table_of_labels"](classes)).reshape(-1, 1, 7, 7)
    with torch.no_grad():
        true = module["maps"](torch.cat((first.reshape(-1, 16, 7, 7), plane), 1))
        assert torch.allclose(Layered(tidied(config), tensors).decode(codes, classes), true, atol=1e-5)


def test_the_code_of_convolutions_alone_is_a_map() -> None:
    module = nn.ModuleDict({
        "encoder": nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 4, 4, 2, 1)),
        "decoder": nn.Sequential(nn.ConvTranspose2d(4, 8, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 1, 4, 2, 1)),
    })  # fmt: skip
    tensors = module.state_dict()
    config = proposed(tensors)[0]
    assert (config.latent_dim, config.image.height, config.prior) == (196, 28, "none")
    pictures = torch.rand(2, 1, 28, 28)
    with torch.no_grad():
        mean, _ = Layered(tidied(config), tensors).encode(pictures)
        assert torch.allclose(mean, module["encoder"](pictures).flatten(1), atol=1e-5)


def test_a_valid_convolution_may_end_in_a_code_of_one_pixel() -> None:
    module = nn.ModuleDict({
        "encoder": nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 7)
        ),
        "decoder": nn.Sequential(
            nn.ConvTranspose2d(32, 16, 7), nn.ReLU(), nn.ConvTranspose2d(16, 8, 3, 2, 1, 1), nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 3, 2, 1, 1),
        ),
    })  # fmt: skip
    config = proposed(module.state_dict())[0]
    assert (config.latent_dim, config.image.height) == (32, 28)


def test_maps_that_are_nowhere_padded_are_so_in_both_halves() -> None:
    sizes = (3, 8, 16, 32, 64)
    down = [nn.Conv2d(a, b, 4, 2) for a, b in pairwise(sizes)]
    up = [nn.ConvTranspose2d(a, b, k, 2) for a, b, k in ((256, 32, 5), (32, 16, 5), (16, 8, 6), (8, 3, 6))]
    module = nn.ModuleDict({
        "encoder": nn.ModuleList(down), "mean": nn.Linear(256, 6), "logvar": nn.Linear(256, 6),
        "wide": nn.Linear(6, 256), "decoder": nn.ModuleList(up),
    })  # fmt: skip
    config = proposed(module.state_dict())[0]
    assert config.image.height == 64
    strides = [
        layer.get("padding", 0) for layer in (*config.encoder, *config.decoder) if "conv" in layer.kind
    ]
    assert not any(strides)


def test_batch_norm_tells_of_a_network_whose_label_joins_before_its_first_convolution() -> None:
    torch.manual_seed(3)
    maps = nn.Sequential(
        nn.ConvTranspose2d(17, 24, 4, 2, 1), nn.BatchNorm2d(24), nn.LeakyReLU(0.2),
        nn.ConvTranspose2d(24, 12, 4, 2, 1), nn.BatchNorm2d(12), nn.LeakyReLU(0.2), nn.Conv2d(12, 1, 7, 1, 3),
    )  # fmt: skip
    module = nn.ModuleDict({
        "table_of_labels": nn.Embedding(6, 5), "plane": nn.Linear(5, 49), "first": nn.Linear(20, 16 * 49), "maps": maps,
    })  # fmt: skip
    with torch.no_grad():
        for _ in range(80):
            rows = nn.functional.leaky_relu(module["first"](torch.randn(64, 20)), 0.2).reshape(-1, 16, 7, 7)
            planes = module["plane"](module["table_of_labels"](torch.randint(6, (64,)))).reshape(-1, 1, 7, 7)
            maps(torch.cat((rows, planes), 1))
    config = infer(dict(module.state_dict())).config
    assert config.latent_dim == 20
    assert {layer.text for layer in config.decoder if "relu" in layer.kind} == {"leaky_relu:0.2"}


def test_a_leaf_named_output_beside_a_chain_is_a_function_behind_it() -> None:
    chain = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784))
    tensors = nn.ModuleDict({"main": chain}).state_dict()
    paths = ["", "main", "main.0", "main.1", "main.2"]
    bare = infer(tensors, [Module(path) for path in paths]).config
    ended = infer(tensors, [Module(path) for path in [*paths, "output"]]).config
    assert bare.decoder[-1].kind == "linear"
    assert ended.decoder[-1].kind == "tanh"
