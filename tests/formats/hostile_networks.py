"""Files that are small and well-formed, of networks that would take for ever; they join `hostile.VARIANTS`."""

import io
from itertools import pairwise

import torch
from formats.hostile import several
from torch import Tensor, nn


def saved(tensors: dict[str, Tensor]) -> bytes:
    """Return a file of some tensors."""
    file = io.BytesIO()
    torch.save(tensors, file)
    return file.getvalue()


def state_of(*layers: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of some layers; their batch norms remember something."""
    network = nn.Sequential(*layers)
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 1.5)
    return dict(network.state_dict())


def chain(count: int, normed: bool = False) -> dict[str, Tensor]:
    """Return convolutions of two channels, each of which may enlarge what comes in."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for at, (wide, out) in enumerate(pairwise([4, *[2] * (count - 1), 1])):
        norm = [nn.BatchNorm2d(out)] if normed and at < count - 1 else []
        layers += [nn.ConvTranspose2d(wide, out, 4), *norm, nn.ReLU()]
    return state_of(*layers)


def both_ways(count: int) -> dict[str, Tensor]:
    """Return such a chain, and an encoder of as many convolutions before it."""
    encoder = state_of(*(nn.Conv2d(4 if at else 1, 4, 4) for at in range(count)))
    ends = state_of(nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4))
    parts = {"encoder": encoder, "heads": ends, "decoder": chain(count)}
    return {f"{name}.{key}": value for name, part in parts.items() for key, value in part.items()}


def rows(*widths: int) -> dict[str, Tensor]:
    """Return linear layers."""
    return state_of(*(nn.Linear(wide, out) for wide, out in pairwise(widths)))


def kernels(side: int, count: int) -> dict[str, Tensor]:
    """Return convolutions with huge kernels."""
    return state_of(*(nn.ConvTranspose2d(2, 2 if at < count - 1 else 1, side) for at in range(count)))


NETWORKS = {
    **{f"chain_of_{count}": lambda count=count: chain(count) for count in (10, 20, 30, 60)},
    **{f"normed_chain_of_{count}": lambda count=count: chain(count, True) for count in (10, 30)},
    "chain_both_ways": lambda: both_ways(20),
    "rows": lambda: rows(*[4] * 200, 784),
    "wide_row": lambda: rows(2, 4, 1414 * 1414),
    "kernels": lambda: kernels(101, 2),
    "three_kernels": lambda: kernels(255, 3),
    "tiny_tensors": lambda: {f"{at}.weight": torch.ones(2, 2) for at in range(2000)},
}

several("absurd", {name: lambda make=make: saved(make()) for name, make in NETWORKS.items()})
