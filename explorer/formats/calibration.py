"""Settling what no shape tells: which activation, which eps, by what batch norm remembers of its training.

A generator's batch norms keep the mean and variance of their inputs over training. With the right activations
and eps, random codes pushed through the network show the same statistics; with wrong ones they do not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from explorer.models import Architecture

MOST_CODES, FEWEST_CODES = 2048, 128
"""Random codes pushed through for each hypothesis; fewer, the larger the network."""

_WEIGHTS_TIMES_CODES = 4_000_000_000  # a second or two on one core

CLEARLY = 0.8
"""The first hypothesis is taken whose misfit, times this, is not above the smallest misfit."""

USABLE = 0.5
"""With no hypothesis below this misfit, the statistics are not those of training (an untrained or changed
file)."""


def settle(family: Architecture, config: Any, tensors: Mapping[str, Tensor]) -> tuple[Any, tuple[str, ...]]:
    """Return the hypothesis that agrees best with the statistics in the weights, and notes about it.

    Without batch norm, or where the weights hold no usable statistics, the first hypothesis is taken.
    """
    hypotheses = list(family.hypotheses(config)) if family.hypotheses else [config]
    if len(hypotheses) == 1:
        return hypotheses[0], ()
    if not any(key.endswith(".running_var") for key in tensors):
        return hypotheses[0], (_usual(hypotheses),)
    misfits = [_misfit(family, hypothesis, tensors) for hypothesis in hypotheses]
    best = min(misfits)
    if best > USABLE:
        return hypotheses[0], (_usual(hypotheses),)
    chosen = next(h for h, misfit in zip(hypotheses, misfits, strict=True) if misfit * CLEARLY <= best)
    return chosen, (f"Settled by the statistics that batch norm keeps: {_differences(chosen, hypotheses)}.",)


def _usual(hypotheses: Sequence[Any]) -> str:
    told = _differences(hypotheses[0], hypotheses)
    return f"Taken as usual, because nothing in the file tells: {told}."


def _size(tensors: Mapping[str, Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _differences(chosen: Any, hypotheses: Sequence[Any]) -> str:
    """Return the values of the fields in which the hypotheses differ: "slope 0.2, eps 0.8"."""
    fields = vars(chosen)
    varying = [name for name in fields if len({getattr(each, name) for each in hypotheses}) > 1]
    return ", ".join(f"{name.replace('_', ' ')} {fields[name]:g}" for name in varying)


def _misfit(family: Architecture, config: Any, tensors: Mapping[str, Tensor]) -> float:
    """Return how far the batch norms' inputs are from what they remember.

    The mean is compared in units of the remembered standard deviation, the variance by its logarithm. Infinite
    where there is nothing to compare.
    """
    with torch.device("meta"):
        network = family.network(config)
    counters = {key: torch.zeros((), dtype=torch.long) for key in network.state_dict() if key not in tensors}
    network.load_state_dict({**tensors, **counters}, assign=True)
    network.to(torch.float32).eval()
    seen: list[float] = []

    def compare(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(module, _BatchNorm)
        mean, variance = module.running_mean, module.running_var
        if mean is None or variance is None:
            return
        rows = inputs[0].transpose(0, 1).flatten(1)  # (channels, samples)
        scale = variance.clamp_min(1e-8)
        seen.append(float(((rows.mean(1) - mean).square() / scale).mean().sqrt()))
        seen.append(float((rows.var(1).clamp_min(1e-8) / scale).log().abs().mean()))

    hooks = [
        module.register_forward_pre_hook(compare)
        for module in network.modules()
        if isinstance(module, _BatchNorm)
    ]
    try:
        with torch.inference_mode():
            count = int(min(MOST_CODES, max(FEWEST_CODES, _WEIGHTS_TIMES_CODES // _size(tensors))))
            codes = torch.randn(count, config.latent_dim, generator=torch.Generator().manual_seed(0))
            network.decode(codes)  # type: ignore[operator]
    finally:
        for hook in hooks:
            hook.remove()
    misfit = sum(seen) / len(seen) if seen else math.inf
    return math.inf if math.isnan(misfit) else misfit
