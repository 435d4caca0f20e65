"""Running averages of a network's weights, and the batch norms that fit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, kept: float) -> None:
    """Let the weights of `average` follow those of a network like it: `kept` of them stays, the rest is its."""
    for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, 1 - kept)


@torch.no_grad()
def settle(network: nn.Module, forward: Callable[[Tensor], object], batches: Iterable[Tensor]) -> None:
    """Measure the batch norms' running statistics anew, as the mean over batches; leaves the network evaluating.

    Those of the network that an average follows do not fit it: its features have another spread (Izmailov et al. 2018,
    arXiv:1803.05407, section 3.2).

    Args:
        network: what has batch norms; without any, nothing is done.
        forward: runs a batch through all of them.
        batches: as `forward` takes them.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    momentum = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of all batches
    network.train()
    for batch in batches:
        forward(batch)
    network.eval()
    for norm, before in zip(norms, momentum, strict=True):
        norm.momentum = before
