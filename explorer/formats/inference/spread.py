"""What the second half of an encoder's heads means: log variance, log sigma or sigma, by how wide codes lie.

In a trained VAE the means' variance and the mean variance of the posteriors add up to about that of the prior, 1, in
each dimension; under a wrong meaning they do not, least of all in a dimension that carries nothing. In one that
carries much, the posterior is about as wide as codes miss their place when they come back.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.formats.inference.round_trip import Trip
from explorer.formats.inference.slots import Slots, with_choice
from explorer.models.layered import Heads, Layered

Tensors = Mapping[str, Tensor]

_COUNT = 128
_WEIGHT = 2.0  # nats for a sum that is off by a factor of e
_MISSED = 1.0  # nats for a posterior that is off by a factor of e from how far codes miss
_ALIVE = 0.6  # a dimension carries something where codes come back that well
_NAMED = 0.8  # nats for a cost of 1: names say something
_MOST_OFF = 4.0
_PACKED = {"logvar": 0.0, "logsigma": 0.5, "sigma": 0.9}
"""Costs where the halves have no names of their own."""


def against(slots: Slots, trip: Trip, tensors: Tensors) -> dict[str, float]:
    """Return nats against each meaning of the second half; empty where there is none.

    Args:
        slots: the candidate.
        trip: how it was read.
        tensors: of the file.
    """
    heads = trip.heads
    if heads is None or heads.layout == "single":
        return {}
    costs = _costs(slots, heads)
    if len(costs) < 2:
        return costs
    with torch.inference_mode():
        codes, mean, second = _said(slots, trip, heads, tensors)
        if second is None:
            return {meaning: _NAMED * cost for meaning, cost in costs.items()}
        return {
            meaning: _NAMED * cost + _off(codes, mean, second, meaning) for meaning, cost in costs.items()
        }


def _costs(slots: Slots, heads: Heads) -> dict[str, float]:
    """Return how unusual each meaning is by the names of the file."""
    told: dict[str, float] = {o.heads.meaning: o.cost for o in slots.heads if o.heads.layout == heads.layout}
    if heads.layout == "separate" or len(told) > 1:
        return told
    return _PACKED


def _said(slots: Slots, trip: Trip, heads: Heads, tensors: Tensors) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return codes, and what the heads say of their pictures."""
    network = Layered(with_choice(slots, trip.choices), tensors)
    generator = torch.Generator().manual_seed(4)
    codes = torch.randn((_COUNT, network.config.latent_dim), generator=generator)
    labels = torch.arange(_COUNT) % network.config.labels.classes if network.config.labels else None
    pictures = network.decode(codes, labels)
    mean, second = network.heads(pictures.sigmoid() if trip.logits else pictures, labels)
    sent = network.config.heads
    if second is None or sent is None or sent.layout == heads.layout:
        swapped = sent is not None and second is not None and sent.mean != heads.mean
        return (codes, second, mean) if swapped and second is not None else (codes, mean, second)
    both = torch.cat((mean, second), 1)
    if sent.layout == "interleaved":
        both = torch.stack((mean, second), 2).flatten(1)
    if heads.layout == "interleaved":
        return codes, both[:, ::2], both[:, 1::2]
    first, other = both.chunk(2, 1)
    return codes, first, other


def _off(codes: Tensor, mean: Tensor, second: Tensor, meaning: str) -> float:
    """Return nats against a meaning, by how far variances are off, on average over the dimensions."""
    if meaning == "sigma":
        variance = second.square()
    else:
        variance = ((2 if meaning == "logsigma" else 1) * second).clamp(-30, 30).exp()
    total = _apart(mean.var(0) + variance.mean(0), torch.ones(codes.shape[1])).mean()
    missed = (mean - codes).square().mean(0)
    alive = missed < _ALIVE
    off = _WEIGHT * total
    if alive.any():
        off = off + _MISSED * _apart(variance.mean(0), missed)[alive].mean()
    return float(off) if bool(torch.isfinite(off)) else _WEIGHT * _MOST_OFF


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """Return by how many factors of e two variances differ."""
    return (one.clamp_min(1e-6).log() - other.clamp_min(1e-6).log()).abs().clamp_max(_MOST_OFF)
