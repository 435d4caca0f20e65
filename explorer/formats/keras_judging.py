"""How well a guessed Keras decoder agrees with the statistics that batch norm kept of the true one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from explorer.formats.keras_layout import Found
from explorer.formats.keras_network import build
from explorer.models.keras_config import KerasError, Model
from explorer.models.keras_graph import Value
from explorer.models.keras_weighted import BatchNormalization

_MOST_VALUES = 1 << 23  # in all maps that are compared
_SAMPLES = 192


@torch.inference_mode()
def norm_error(
    model: Model,
    weights: Mapping[int, Sequence[Found]],
    latent: int,
    samples: int = _SAMPLES,
    classes: int = 0,
) -> float:
    """Return how far the inputs of batch norms lie from what they remember, for codes N(0, I); infinity if it fails.

    Zero is perfect; the mean's error counts in deviations, that of the variance by its logarithm.
    """
    try:
        network = build([((), model)], weights, 2).network
    except KerasError:
        return math.inf
    steps = network.graph.steps
    norms = [index for index in range(len(steps)) if isinstance(network.module_of(index), BatchNormalization)]
    if not norms:
        return math.inf
    before = [steps[index].sources[0] for index in norms]
    size = sum(math.prod(network.shapes[value]) for value in before)
    count = max(8, min(samples, _MOST_VALUES // max(size, 1)))
    random = torch.Generator().manual_seed(1)
    given = [torch.randn(count, latent, generator=random)]
    if classes:
        given.append(torch.randint(classes, (count, 1), generator=random).float())
    inputs = [Value(index) for index in range(len(given))]
    values = network.run(network.plan(inputs, before), given)
    errors = []
    for index, value in zip(norms, values, strict=True):
        norm = network.module_of(index)
        variance, mean = torch.var_mean(value.flatten(0, -2), 0)
        spread = (norm.moving_variance + 1e-6).sqrt()  # type: ignore[union-attr,operator]
        off = ((mean - norm.moving_mean) / spread).abs().clamp(max=10).mean()  # type: ignore[union-attr,operator]
        ratio = ((variance + 1e-6) / (norm.moving_variance + 1e-6)).log().abs().clamp(max=10).mean()  # type: ignore
        errors.append(float(off + ratio))
    return sum(errors) / len(errors)
