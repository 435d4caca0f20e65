"""What the recipes of convolutional VAEs have in common: a step down likelihood and KL, with what there is to see.

A recipe adds the network, its own measure of a reconstruction, and its figures. How pictures are varied and how losses
are computed is elsewhere (`varied`, `losses`).
"""

from __future__ import annotations

import abc
import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from explorer.latent import traversal
from explorer.models import architecture
from explorer.models.base import LatentModel, NativeRange, Space
from explorer.training import losses, measures
from explorer.training.averaging import settle
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.settings import LoopSettings, setting
from explorer.training.varied import mirrored, moved

STEEPEST = 1000.0
"""Gradients are clipped to this norm, so that one odd batch does not throw the weights; rarely reached."""

EXAMINED = 500
"""At most so many of the last kept-out pictures are looked at once an epoch and for the figures."""

FORGETS = 4
"""An average of few steps reaches back over so many times less steps than were done."""

SETTLED = 1024
"""Pictures learnt from on which the batch norms of averaged weights are measured."""

COLUMNS = 8  # of the grid of samples
CHUNK = 250  # pictures decoded at once where nothing is learnt


@dataclass(frozen=True)
class VaeSettings(LoopSettings):
    """What these recipes share."""

    beta: float = setting(1.0, "weight of the KL divergence", least=0)
    warm_up: float = setting(0.0, "epochs over which the KL's weight rises from 0", least=0)
    moments: float = setting(
        0.0, "weight of a penalty that keeps the codes' mean and covariance the prior's", least=0
    )
    turn: float = setting(0.0, "spread of random turns, in degrees", least=0, most=90)
    shift: float = setting(0.0, "spread of random shifts, in sides", least=0, most=1)
    zoom: float = setting(0.0, "spread of random zooms, each way on its own, as a share", least=0, most=0.5)
    flip: float = setting(0.0, "how often pictures are mirrored", least=0, most=1)
    average: float = setting(
        0.0,
        "what is saved is a running average of the weights with this decay; 0: none",
        least=0,
        most=0.99999,
    )
    weight_decay: float = setting(0.0, "of AdamW", least=0, most=10)


V = TypeVar("V", bound=VaeSettings)


class VaeLesson(Lesson[V]):
    """A VAE at work; its network has `encode` and `decode`, as every family's.

    Args:
        materials: pictures and settings.
        family: a key of the registry of architectures.
        config: its constructor's arguments.
    """

    def __init__(self, materials: Materials[V], family: str, config: Any) -> None:
        super().__init__(materials)
        self.family, self.config = architecture(family), config
        network: Any = self.family.network(config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        wrapped = self._wrapped(network)
        self.native: NativeRange = wrapped.native_range
        self.space: Space = wrapped.spaces["z"]
        settings = self.settings
        self.network = self.learns("network", network, lr=settings.lr, weight_decay=settings.weight_decay)
        self.average: AveragedModel | None = None
        self._is_settled = False
        if settings.average:
            following = partial(followed, settings.average)
            self.average = self.keeps("average", AveragedModel(self.network, avg_fn=following))

    @abc.abstractmethod
    def reconstruction(self, network: Any, codes: Tensor, target: Tensor) -> Tensor:
        """Return how badly codes `(B, D)` give the target, native values `(B, C, H, W)`: float32, mean per picture."""

    @property
    def best(self) -> Any:
        """The network that people get: the average where there is one, its batch norms measured anew."""
        if self.average is None:
            return self.network
        if not self._is_settled:
            self._is_settled = True
            images = self.pictures.images
            some = self.in_unit(
                images[np.linspace(0, len(images) - 1, min(SETTLED, len(images))).astype(int)]
            )
            settle(self.average, self._passed, some.tensor_split(-(-len(some) // CHUNK)))
        return self.average.module

    def _passed(self, images: Tensor) -> None:
        """Run pictures through the average as a step does, with noise that is always the same."""
        network: Any = self.average.module  # type: ignore[union-attr]
        mean, logvar = network.encode(self.native.to_native(images))
        noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0)).to(mean)
        network.decode(mean + noise * (0.5 * logvar).exp())

    @property
    def copies(self) -> list[Any]:
        """The network, and its average where there is one: what is to begin alike."""
        return [self.network] if self.average is None else [self.network, self.average.module]

    def step(self, batch: Batch) -> dict[str, Tensor]:
        settings = self.settings
        images = moved(batch.images, settings.turn, settings.shift, settings.zoom)
        images = mirrored(images, settings.flip)
        parts = self.losses(self.network, images, batch.done)
        self.descend("network", parts["loss"], max_norm=STEEPEST)
        if self.average is not None:
            self.average.update_parameters(self.network)
            self._is_settled = False
        return parts

    def losses(self, network: Any, images: Tensor, done: float | None = None) -> dict[str, Tensor]:
        """Return `loss`, `reconstruction` and `kl` of pictures in 0..1; where `done` is None, the KL weighs fully,
        and nothing else does.
        """
        target = self.native.to_native(images)
        mean, logvar = (head.float() for head in network.encode(target))
        codes = losses.sample_posterior(mean, logvar)
        reconstruction = self.reconstruction(network, codes, target)
        kl = losses.kl_divergence(mean, logvar).sum(1).mean()
        loss = reconstruction + self.kl_weight(done) * kl
        if self.settings.moments and done is not None:
            loss = loss + self.settings.moments * losses.moment_penalty(codes)
        return {"loss": loss, "reconstruction": reconstruction, "kl": kl}

    def kl_weight(self, done: float | None) -> float:
        """Return the KL's weight after so many epochs."""
        settings = self.settings
        warm = done is None or done >= settings.warm_up
        return settings.beta * (1.0 if warm else done / settings.warm_up)  # type: ignore[operator]

    # ---- what there is to see ----

    def examined(self) -> dict[str, float]:
        if not len(self.pictures.kept_out):
            return {}
        chunks = list(self.examined_pictures().split(CHUNK))
        parts = [self.losses(self.best, chunk) for chunk in chunks]
        sums = {
            name: sum(float(part[name]) * len(chunk) for part, chunk in zip(parts, chunks, strict=True))
            for name in parts[0]
        }
        return {f"kept_out_{name}": value / sum(map(len, chunks)) for name, value in sums.items()}

    def shown(self) -> np.ndarray:
        """Of a plane, all of it; else pictures above their reconstructions, then samples of the prior."""
        if self.space.dim == 2:
            codes = traversal.manifold(self.space, 15)
            return _in_rows(as_pixels(self.decoded(torch.from_numpy(codes))), 15)
        some = self.some_pictures(COLUMNS)
        noise = torch.randn(
            4 * COLUMNS, self.space.dim, generator=torch.Generator().manual_seed(self.settings.seed)
        )
        again, sampled = self.decoded(self.encoded(some)[0]), self.decoded(noise)
        short = COLUMNS - len(some)
        rows = [torch.nn.functional.pad(them.cpu(), (0, 0) * 3 + (0, short)) for them in (some, again)]
        return _in_rows(as_pixels(torch.cat([*rows, sampled.cpu()])), COLUMNS)

    def exported(self) -> dict[str, Exported]:
        network = copy.deepcopy(self.best).cpu().to(memory_format=torch.contiguous_format).eval()
        return {"": Exported(self._wrapped(network), self.config)}

    def _wrapped(self, network: Any) -> LatentModel:
        wrapped = self.family.wrap(network, self.config, name=self.family.name)
        assert isinstance(wrapped, LatentModel)
        return wrapped

    # ---- for figures ----

    def examined_pictures(self) -> Tensor:
        """Return the last kept-out pictures, `EXAMINED` at most, `(N, C, H, W)` in 0..1."""
        return self.in_unit(self.pictures.kept_out[-EXAMINED:])

    def some_pictures(self, count: int, learnt: bool = False) -> Tensor:
        """Return the last kept-out pictures; the last learnt from where none are, or where those are asked for."""
        return self.in_unit((self.pictures.images if learnt else self.pictures.examples)[-count:])

    def encoded(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance `(N, D)` of pictures in 0..1."""
        heads = [self.best.encode(self.native.to_native(part)) for part in images.split(CHUNK)]
        mean, logvar = (torch.cat(parts) for parts in zip(*heads, strict=True))
        return mean, logvar

    def decoded(self, codes: Tensor) -> Tensor:
        """Return pictures `(N, C, H, W)` in 0..1 of codes."""
        parts = [self.best.decode(part) for part in codes.to(self.device).split(CHUNK)]
        return self.native.to_unit(torch.cat(parts)).clamp(0, 1)

    def activity(self, most: int = 5000) -> dict[str, Any]:
        """Return what `measures.activity_figures` says of evenly chosen pictures learnt from."""
        images = self.pictures.images
        chosen = np.unique(np.linspace(0, len(images) - 1, min(most, len(images))).astype(int))
        heads = [
            self.encoded(self.in_unit(images[part]))
            for part in np.array_split(chosen, -(-len(chosen) // CHUNK))
        ]
        mean, logvar = (torch.cat(parts).cpu().numpy() for parts in zip(*heads, strict=True))
        return measures.activity_figures(mean, logvar)


def followed(decay: float, average: Tensor, weight: Tensor, count: Tensor | int) -> Tensor:
    """Return a running average after one more step; the first steps, of which little is left to say, weigh less.

    Args:
        decay: the average's share once there were many steps.
        average, weight: of the same shape.
        count: steps averaged so far.
    """
    return torch.lerp(average, weight, max(1 - decay, FORGETS / (FORGETS + int(count))))


def _in_rows(pictures: np.ndarray, columns: int) -> np.ndarray:
    return pictures.reshape(-1, columns, *pictures.shape[1:])
