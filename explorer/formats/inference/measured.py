"""How far values are from what one batch norm remembers, measured on some of its channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.models.layer_modules import module_of
from explorer.models.layers import ACTIVATIONS, Layer

Tensors = Mapping[str, Tensor]

_MOST_CHANNELS = 24
_WIDE = 14  # pixels
_KEPT = 0.9  # share of the channels that counts: the best agreeing
_FLOOR = 0.01  # an error below is none: statistics lag behind the weights
_CHANNELWISE = (*ACTIVATIONS, "identity", "upsample", "resize", "crop", "maxpool", "avgpool", "scale")


@dataclass(frozen=True)
class Measured:
    """What a comparison gave.

    Attributes:
        error: difference of the means in remembered standard deviations, plus half that of the log variances;
            the truth has about 0.02.
        noise: how far two halves of the values are apart by the same measure, halved.
    """

    error: float
    noise: float

    @property
    def known(self) -> float:
        """The error, not below what can be told."""
        return self.error + self.noise + _FLOOR


@dataclass(frozen=True, eq=False)
class Thin:
    """The channels that are measured, and the last layer before the norm, which makes no more than these.

    Attributes:
        at: index of that layer; -1 where all of it must be run.
        channels: which of the norm's.
        factor: how much less there is to do.
        tensors: of that layer.
        skips: whether every other pixel is left out; as many of those that remain lie at the border.
    """

    at: int
    channels: Tensor
    factor: float
    tensors: Tensors
    skips: bool = False

    def module(self, layer: Layer) -> torch.nn.Module:
        """Return that layer, making only these channels, and of a wide map every other pixel."""
        if self.skips:
            layer = Layer(layer.kind, layer.key, {**layer.options, "stride": 2})
        return module_of(layer, self.tensors)


def thinned(decoder: Sequence[Layer], norm: int, tensors: Tensors, side: int = 0) -> Thin:
    """Return how to measure the statistics of a batch norm with less work.

    Args:
        decoder: the layers.
        norm: index of the batch norm.
        tensors: of the file.
        side: of the map that comes in there.
    """
    key = decoder[norm].key
    variances = tensors[f"{key}.running_var"]
    alive = torch.nonzero(variances > 1e-6 * variances.median()).flatten()
    if len(alive) == 0:
        alive = torch.arange(len(variances))
    step = max(1, len(alive) // _MOST_CHANNELS)
    channels = alive[::step][:_MOST_CHANNELS]
    at = norm - 1
    while at >= 0 and decoder[at].kind in _CHANNELWISE:
        at -= 1
    if at < 0 or decoder[at].kind not in ("linear", "conv", "convT") or decoder[at].get("groups", 1) != 1:
        return Thin(-1, channels, 1.0, tensors)
    maker = decoder[at].key
    weight, bias = tensors[f"{maker}.weight"], tensors.get(f"{maker}.bias")
    along = 1 if decoder[at].kind == "convT" else 0
    if weight.shape[along] != len(variances):
        return Thin(-1, channels, 1.0, tensors)
    fewer = {f"{maker}.weight": weight.index_select(along, channels)}
    if bias is not None:
        fewer[f"{maker}.bias"] = bias[channels]
    between = {layer.kind for layer in decoder[at + 1 : norm]}
    skips = (
        decoder[at].kind == "conv" and side >= _WIDE and side % 2 == 0 and decoder[at].get("stride", 1) == 1
    )
    skips = (
        skips
        and between <= {*ACTIVATIONS, "identity"}
        and not isinstance(decoder[at].get("stride", 1), tuple)
    )
    return Thin(at, channels, len(variances) / len(channels) * (4 if skips else 1), fewer, skips)


def compared(values: Tensor, key: str, channels: Tensor, tensors: Tensors) -> Measured:
    """Return how far values are from what a batch norm remembers.

    Args:
        values: what comes in, `(N, C)` or `(N, C, H, W)`, of these channels.
        key: of the batch norm.
        channels: which.
        tensors: of the file.
    """
    mean = tensors[f"{key}.running_mean"][channels]
    variance = tensors[f"{key}.running_var"][channels].clamp_min(1e-12)
    halves = [_moments(half) for half in values.chunk(2)]
    whole = tuple(torch.stack(moments).mean(0) for moments in zip(*halves, strict=True))
    if len(halves) == 2:
        whole = (whole[0], whole[1] + (halves[0][0] - halves[1][0]).square() / 4)
    error = _apart(whole, (mean, variance))
    noise = _apart(halves[0], halves[-1], variance) / 2
    return Measured(error, noise) if error == error and noise == noise else Measured(1e9, 0.0)


def near_memory(values: Tensor, mean: Tensor, variance: Tensor) -> float:
    """Return how far values `(N, C)` or `(N, C, H, W)` are from a remembered mean and variance `(C,)`."""
    error = _apart(_moments(values), (mean, variance.clamp_min(1e-12)))
    return error if error == error else 1e9


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel."""
    axes = [0, *range(2, values.ndim)]
    return values.mean(axes), values.var(axes, correction=0).clamp_min(1e-12)


def _apart(one: Sequence[Tensor], other: Sequence[Tensor], scale: Tensor | None = None) -> float:
    deviation = (other[1] if scale is None else scale).sqrt()
    means = ((one[0] - other[0]).abs() / deviation).sort().values
    spreads = (one[1].log() - other[1].log()).abs().sort().values
    kept = max(1, round(_KEPT * len(means)))
    return float(means[:kept].mean() + spreads[:kept].mean() / 2)
