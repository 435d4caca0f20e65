"""What a recipe adds to the loop: networks, what one step does to them, and what there is to see and to save.

A `Lesson` knows nothing of epochs, files and devices but what it is handed. The loop is in `loop`.
"""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from explorer.models.base import LatentModel, StageModel

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from torch.optim import Optimizer

    from explorer.training.pictures import TrainingPictures

S = TypeVar("S")


@dataclass(frozen=True, eq=False)
class Materials(Generic[S]):
    """What a lesson is made of.

    Attributes:
        settings: the recipe's settings dataclass.
        pictures: the collection to learn from.
        others: the second one, for recipes that take two.
        model: what `--model` names, opened, on the device, for recipes that build on one.
        device: where the networks belong.
    """

    settings: S
    pictures: TrainingPictures
    others: TrainingPictures | None
    model: LatentModel | StageModel | None
    device: torch.device

    def facts(self) -> dict[str, object]:
        """Return what records say of the pictures, as plain values; those of a second collection as `second`."""
        return self.pictures.facts() | ({} if self.others is None else {"second": self.others.facts()})

    def notes(self) -> tuple[str, ...]:
        """Return sentences about what reading the pictures changed or left out."""
        return (*self.pictures.notes, *(self.others.notes if self.others is not None else ()))


@dataclass(frozen=True, eq=False)
class Batch:
    """Pictures of one step, on the device.

    Attributes:
        indices: which of `pictures.images` these are, `(B,)`.
        pixels: uint8 `(B, C, H, W)`.
        others_pixels: as many of the second collection, drawn on their own; None without one.
        number: steps done before this one.
        done: epochs done, with the share of this one.
    """

    indices: Tensor
    pixels: Tensor
    others_pixels: Tensor | None
    number: int
    done: float

    @property
    def images(self) -> Tensor:
        """The pictures, float32 `(B, C, H, W)` in 0..1."""
        return self.pixels.float() / 255

    @property
    def others(self) -> Tensor | None:
        """Those of the second collection, float32 in 0..1."""
        return None if self.others_pixels is None else self.others_pixels.float() / 255


@dataclass(frozen=True, eq=False)
class Exported:
    """A network as people open it, and the plain values that build it."""

    model: LatentModel | StageModel
    config: Any


class Lesson(abc.ABC, Generic[S]):
    """One recipe at work on its materials; made after the seed was set.

    Attributes:
        networks: all modules that are saved for resuming, by name.
        optimizers: of those that learn.
        fabric: set by the loop before the first step.
    """

    fabric: Fabric

    def __init__(self, materials: Materials[S]) -> None:
        self.settings = materials.settings
        self.pictures = materials.pictures
        self.others = materials.others
        self.model = materials.model
        self.device = materials.device
        self.networks: dict[str, nn.Module] = {}
        self.optimizers: dict[str, Optimizer] = {}
        self._steppers: dict[str, Any] = {}

    # ---- for subclasses to call ----

    def keeps(self, name: str, network: Any) -> Any:
        """Return a module, moved to the device, whose weights go into what a run resumes from."""
        self.networks[name] = network.to(self.device)
        return self.networks[name]

    def learns(
        self,
        name: str,
        network: Any,
        *,
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
    ) -> Any:
        """Return a module as `keeps` does, with an optimizer of its own.

        AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101); without weight decay that is Adam (Kingma & Ba 2015,
        arXiv:1412.6980).
        """
        network = self.keeps(name, network)
        self.optimizers[name] = torch.optim.AdamW(
            network.parameters(), lr, betas=betas, weight_decay=weight_decay
        )
        return network

    def descend(self, name: str, loss: Tensor, max_norm: float | None = None) -> None:
        """Let the network `name` take one step down a loss, its gradients clipped to a norm where one is given."""
        optimizer = self._steppers[name]
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(loss)
        if self.fabric.world_size > 1:
            # each weight in every process, also where it had no part
            for weight in self.networks[name].parameters():
                own = torch.zeros_like(weight) if weight.grad is None else weight.grad
                weight.grad = self.fabric.all_reduce(own, reduce_op="mean")  # type: ignore[assignment]
        if max_norm is not None:
            self.fabric.clip_gradients(
                self.networks[name], optimizer, max_norm=max_norm, error_if_nonfinite=False
            )
        optimizer.step()

    def in_unit(self, images: np.ndarray) -> Tensor:
        """Return pictures uint8 `(N, H, W, C)` as float32 `(N, C, H, W)` in 0..1, on the device."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        return pixels.permute(0, 3, 1, 2).float() / 255

    # ---- what a recipe is ----

    @abc.abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Learn from a batch by `descend`; return losses by name, `loss` among them, for the records.

        A name may be missing in some steps; an epoch's figure is the mean of those that have it.
        """

    @abc.abstractmethod
    def exported(self) -> dict[str, Exported]:
        """Return the networks that people open: the main one as "", others by a word."""

    @abc.abstractmethod
    def shown(self) -> np.ndarray:
        """Return a grid of pictures of what is learnt so far, `(rows, columns, H, W, C)` in 0..255.

        Called in evaluation mode and without gradients; random numbers drawn here change no training. The same codes
        or pictures each time show how they come to be.
        """

    def examined(self) -> dict[str, float]:
        """Return losses on kept-out pictures, once an epoch; called as `shown` is."""
        return {}

    def figures(self) -> dict[str, Any]:
        """Return what was reached, measured once at the end, as plain values; called as `shown` is."""
        return {}

    def said(self) -> dict[str, Any]:
        """Return what the checkpoint shall say of its training, besides settings and data."""
        return {}

    def indices(self) -> Tensor:
        """Return which pictures an epoch consists of, `(N,)`; one may occur more than once."""
        return torch.arange(len(self.pictures.images))

    def rate(self, done: int, total: int) -> float:
        """Return the factor of all learning rates after so many steps of `total`."""
        return warm_cosine(done, total)

    def state(self) -> dict[str, Any]:
        """Return what must survive a stop besides networks and optimizers: tensors and plain values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""

    # ---- for the loop ----

    def attach(self, fabric: Fabric) -> None:
        """Take the device's precision and gradients from `fabric`."""
        self.fabric = fabric
        self._steppers = {name: fabric.setup_optimizers(it) for name, it in self.optimizers.items()}

    def set_rate(self, factor: float) -> None:
        """Set all learning rates to their own times a factor."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
                group["lr"] = group["initial_lr"] * factor

    def train(self, mode: bool = True) -> None:
        """Set all networks to learning, or to evaluation."""
        for network in self.networks.values():
            network.train(mode)


def warm_cosine(done: int, total: int) -> float:
    """Return a factor that rises over the first 5 % of the steps and then follows a cosine to zero.

    Loshchilov & Hutter 2017, arXiv:1608.03983.
    """
    warm = max(1, total // 20)
    if done < warm:
        return (done + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (done - warm) / max(1, total - warm)))


def as_pixels(images: Tensor) -> np.ndarray:
    """Return pictures `(N, C, H, W)` in 0..1 as float32 `(N, H, W, C)` in 0..255, for a grid."""
    return 255 * images.detach().float().clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
