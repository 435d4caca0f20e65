"""What comes back of pictures and codes that one network is sent: measured here, and judged in `round_trip`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.formats.inference.measured import near_memory
from explorer.formats.inference.output import last_of
from explorer.formats.inference.probes import pictures
from explorer.models.layer_modules import BatchNorm
from explorer.models.layered import Heads, Layered

WORST = 4.0
"""The largest error of a number of a code."""

_DEAD = 1e-3  # variance of a code's dimension
_MOST_UNUSED = 0.6  # share of a plain code
_KEPT = 0.9  # share of the codes that counts: those that come back best
_SIGNED = ("tanh", "hardtanh", "softsign")
_NORMS_FLOOR = 0.1


@dataclass(frozen=True, eq=False)
class Sent:
    """What came of one way under one reading of the heads.

    Attributes:
        heads: index of the reading.
        back: `(1 to 3, dim)`, the square distance of codes that came back, in variances, NaN where they stay the
            same: of the codes of pictures, of codes from the prior where there is one, and of codes drawn where
            the encoder puts those.
        norms: nats that the encoder's batch norms say against decoded pictures.
        seen: how unlike pictures are to what becomes of them, 0 to 2.
        spread: `(dim,)` of the codes, for a code without a prior.
        logits: the encoder takes what a sigmoid makes of the decoder's values.
    """

    heads: int
    back: Tensor
    norms: float
    seen: float
    spread: Tensor
    logits: bool

    def errors(self, alive: Tensor) -> list[float]:
        """Return the mean of each row of `back` over the dimensions alive, without those of which nothing is known."""
        means = [float(back[mask].nanmean()) for back, mask in zip(self.back, alive, strict=True)]
        return [WORST if math.isnan(mean) else mean for mean in means]

    def error(self, alive: Tensor) -> float:
        """Return the geometric mean of the errors."""
        errors = self.errors(alive)
        return math.prod(errors) ** (1 / len(errors))


def sent_through(
    network: Layered, codes: Tensor, readings: Mapping[int, Heads], logits: bool, brief: bool
) -> Iterator[Sent]:
    """Yield what comes back under each reading of the heads; a network may be unable to run.

    Args:
        network: both halves.
        codes: `(N, dim)`, from the prior; of a code without one their number alone counts.
        readings: of the heads, by their index.
        logits: the encoder takes what a sigmoid makes of the decoder's values.
        brief: drawn pictures alone are sent, no codes.

    Raises:
        RuntimeError: its geometry does not go through.
    """
    config = network.config
    plain = config.prior == "none"
    labels = torch.arange(len(codes)) % config.labels.classes if config.labels else None
    sender = _Sender(network, labels, logits)
    probes = _probes(network, len(codes), logits)
    seen = network.heads(probes, labels)
    means, norms = (seen, None) if plain or brief else sender.heard(sender.pictures(codes))
    for at, heads in readings.items():
        mean, shown = _mean(heads, config.heads, *means), _mean(heads, config.heads, *seen)
        if mean is None or shown is None or mean.shape != codes.shape:
            continue
        drawn = sender.pictures(shown)
        again, told = sender.heard(drawn)
        backs = [_back(shown, _mean(heads, config.heads, *again), scaled=True)]
        if not brief:
            backs += [] if plain else [_back(codes, mean)]
            anew = _redrawn(mean)
            returned = sender.heard(sender.pictures(anew))[0]
            backs.append(_back(anew, _mean(heads, config.heads, *returned), scaled=True))
        back = torch.stack(backs)
        if plain:
            back[:, _unused(mean)] = torch.nan
        yield Sent(at, back, told if norms is None else norms, _unlike(probes, drawn), mean.std(0), logits)


class _Sender:
    """Codes to pictures and on to what the heads say."""

    def __init__(self, network: Layered, labels: Tensor | None, logits: bool) -> None:
        self._network, self._labels, self._logits = network, labels, logits

    def pictures(self, codes: Tensor) -> Tensor:
        """Return what codes become."""
        decoded = self._network.decode(codes, self._labels)
        return decoded.sigmoid() if self._logits else decoded

    def heard(self, pictures: Tensor) -> tuple[tuple[Tensor, Tensor | None], float]:
        """Return what the heads say of pictures, and what the encoder's batch norms say against them."""
        listener = _Listener(self._network)
        said = self._network.heads(pictures, self._labels)
        return said, listener.told()


class _Listener:
    """Hears what the encoder's batch norms say of the pictures that pass."""

    def __init__(self, network: Layered) -> None:
        self._said: list[float] = []
        self._handles = []
        for module in network.encoder.modules() if network.encoder is not None else ():
            if isinstance(module, BatchNorm):
                self._handles.append(module.register_forward_pre_hook(self._heard))

    def _heard(self, norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        if not isinstance(norm, BatchNorm) or norm.running_mean is None or norm.running_var is None:
            return
        self._said.append(near_memory(given[0], norm.running_mean, norm.running_var))

    def told(self) -> float:
        """Return how far the pictures are from those in training, in nats, and hear no more."""
        for handle in self._handles:
            handle.remove()
        return sum(math.log(min(error, 1e3) + _NORMS_FLOOR) for error in self._said)


def _mean(heads: Heads, sent: Heads | None, first: Tensor, second: Tensor | None) -> Tensor | None:
    """Return the mean under one reading, from what the heads said under another."""
    if sent is None or second is None or heads.layout == "single":
        return first
    if heads.layout == "separate":
        return first if heads.mean == sent.mean else second
    both = torch.cat((first, second), 1)
    if sent.layout == "interleaved":
        both = torch.stack((first, second), 2).flatten(1)
    return both[:, ::2] if heads.layout == "interleaved" else both.chunk(2, 1)[0]


def _probes(network: Layered, count: int, logits: bool) -> Tensor:
    """Return pictures for an encoder, in the values that its decoder gives."""
    image = network.config.image
    probes = pictures(count, image.channels, image.height or 1, image.width or 1)
    last = last_of(network.config)
    return 2 * probes - 1 if last is not None and last.kind in _SIGNED and not logits else probes


def _unlike(probes: Tensor, decoded: Tensor) -> float:
    """Return 1 less the correlation of pictures with what became of them, in the median."""
    both = torch.stack((probes.flatten(1), torch.nan_to_num(decoded.reshape(len(probes), -1))))
    both = both - both.mean(2, keepdim=True)
    scale = both.norm(dim=2).prod(0).clamp_min(1e-6)
    return 1 - float(((both[0] * both[1]).sum(1) / scale).median())


def _unused(mean: Tensor) -> Tensor:
    """Return `(dim,)`: the numbers of a plain code that are always the same, as a ReLU leaves some; not nearly all."""
    still = mean.var(0) < _DEAD
    return still if float(still.float().mean()) < _MOST_UNUSED else torch.zeros_like(still)


def _redrawn(codes: Tensor) -> Tensor:
    """Return new codes with the mean and the covariance of these: none is where a wrong reading leads all to."""
    mean = codes.mean(0)
    generator = torch.Generator().manual_seed(3)
    mixed = torch.randn((len(codes), len(codes)), generator=generator) / len(codes) ** 0.5
    return mean + mixed @ (codes - mean)


def _back(codes: Tensor, mean: Tensor | None, scaled: bool = False) -> Tensor:
    """Return the mean square distance of the codes that came back, by dimension; in their variances, if scaled."""
    if mean is None or not bool(torch.isfinite(mean).all() and torch.isfinite(codes).all()):
        return torch.full((codes.shape[1],), WORST)
    squares = (mean - codes).square().sort(0).values
    kept = max(1, round(_KEPT * len(squares)))
    back = squares[:kept].mean(0)
    if scaled:  # of codes that are nearly all the same nothing comes back
        variance = codes.var(0)
        back = torch.where(variance < _DEAD, torch.ones_like(back), back / variance.clamp_min(_DEAD))
    return back.clamp_max(WORST)
