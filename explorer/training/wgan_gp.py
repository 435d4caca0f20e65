"""`train wgan-gp`: a DCGAN generator against a critic, by the Wasserstein distance with a gradient penalty.

Gulrajani et al. 2017 (arXiv:1704.00028), algorithm 1. Two slips of a popular article are not repeated: there the
critic's loss has its sign turned round, so that it lowers what it should raise, and the penalty takes one norm over
the whole batch; here, as in the paper, the critic learns to score real pictures *higher*, and the norm is each
picture's own, driven to 1 from above and from below.

What is saved is the running average of the generator's weights (Yazıcı et al. 2019, arXiv:1806.04498; Karras et al.
2018, arXiv:1710.10196), whose batch norms are measured anew, since the statistics of other weights do not fit it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explorer.errors import UsageError
from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.critic import Critic
from explorer.models.dcgan import Dcgan, DcganConfig
from explorer.training.averaging import follow, settle
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.quality import has_levels, nearest_distances, sliced_wasserstein, variety
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

BETAS = (0.5, 0.9)
"""Of Adam, for generator and critic."""

GRID = 8  # pictures a side of the samples shown

_CODES_AT_ONCE = 128
_MEASURED = 2048  # codes for the batch norms, and samples for the figures at most


@dataclass(frozen=True)
class WganGpSettings(LoopSettings):
    """Defaults; the widths say how large the pictures are: 4 pixels, doubled by each."""

    latent_dim: int = setting(64, "dimensions of a code", least=1, most=4096)
    widths: tuple[int, ...] = setting(
        (256, 128, 64, 32), "channels of the generator, from 4x4 upwards; four of them make 64x64", least=1
    )
    critic_widths: tuple[int, ...] = setting(
        (32, 64, 128, 256),
        "channels of the critic, from the picture inwards, as many as of the generator",
        least=1,
    )
    channels: int = setting(3, "3 for colour, 1 for grey", least=1, most=3)
    critic_steps: int = setting(5, "steps of the critic for one of the generator", least=1)
    penalty: float = setting(10.0, "weight of the gradient penalty", least=0)
    critic_lr: float = setting(2e-4, "learning rate of the critic", least=1e-8, most=1)
    lr: float = setting(2e-4, "learning rate of the generator", least=1e-8, most=1)
    ema: float = setting(
        0.999,
        "how much of the averaged generator stays at each of its steps, less at first; 0: no average",
        least=0,
        most=0.99999,
    )
    cooldown: int = setting(
        0, "epochs at the end over which the learning rates fall to zero; 0: they never fall", least=0
    )
    flips: bool = setting(True, "show half of the pictures mirrored")
    epochs: int = 100
    batch_size: int = setting(64, "pictures per step of the critic", least=2)


class WganGpLesson(Lesson[WganGpSettings]):
    """A generator, its average and a critic at work; one step is one of the critic."""

    def __init__(self, materials: Materials[WganGpSettings]) -> None:
        super().__init__(materials)
        settings = materials.settings
        self.config = DcganConfig(settings.latent_dim, settings.widths, settings.channels)
        generator = _begun(Dcgan(self.config)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        critic = Critic(settings.critic_widths, settings.channels).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = self.keeps("average", copy.deepcopy(generator))
        self.generator = self.learns("generator", generator, lr=settings.lr, betas=BETAS)
        self.critic = self.learns("critic", critic, lr=settings.critic_lr, betas=BETAS)
        self.fixed = _codes(GRID**2, self.config, seed=settings.seed)
        self._settled = False

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Teach the critic by a batch, and the generator where its turn has come."""
        real = 2 * batch.images - 1
        if self.settings.flips:
            real = _half_mirrored(real)
        with torch.no_grad():
            made = self.generator.decode(self._drawn(len(real))).float()
        scores = self.critic(torch.cat((made, real)))
        distance = scores[len(real) :].mean() - scores[: len(real)].mean()
        penalty = gradient_penalty(self.critic, real, made)
        loss = self.settings.penalty * penalty - distance
        self.descend("critic", loss)
        losses = {"loss": loss, "distance": distance, "penalty": penalty}
        if (batch.number + 1) % self.settings.critic_steps == 0:
            losses["generator"] = self._generator_step(len(real), batch.number)
        return losses

    def rate(self, done: int, total: int) -> float:
        """Return 1, falling evenly over the last epochs that `cooldown` names.

        The way there does not depend on when it begins: a run that goes on with fewer `epochs` ends like one that
        was begun with as many.
        """
        falling = self.settings.cooldown * total / self.settings.epochs
        return min(1.0, (total - done) / falling) if falling else 1.0

    def _generator_step(self, count: int, number: int) -> Tensor:
        """Let the generator raise the critic's scores, and its average follow, faster at first."""
        self.critic.requires_grad_(False)  # spares the gradients of its weights
        loss = -self.critic(self.generator.decode(self._drawn(count))).mean()
        self.descend("generator", loss)
        self.critic.requires_grad_(True)
        done = number // self.settings.critic_steps
        follow(self.average, self.generator, min(self.settings.ema, (1 + done) / (10 + done)))
        self._settled = False
        return loss

    def _drawn(self, count: int) -> Tensor:
        return torch.randn(count, self.config.latent_dim, 1, 1, device=self.device)

    def averaged(self) -> nn.Module:
        """Return the averaged generator, its batch norms measured on codes that are always the same."""
        if not self._settled:
            codes = _codes(_MEASURED, self.config, self.settings.seed + 1).to(self.device)
            settle(self.average, self.average.decode, codes.split(_CODES_AT_ONCE))
            self._settled = True
        return self.average

    def exported(self) -> dict[str, Exported]:
        """Return the averaged generator."""
        model = architecture("dcgan").wrap(self.averaged(), self.config, name="dcgan")
        return {"": Exported(model, self.config)}

    def shown(self) -> np.ndarray:
        """Return samples of the same codes each time."""
        pixels = as_pixels(self._made(self.fixed) / 2 + 0.5)
        return pixels.reshape(GRID, GRID, *pixels.shape[1:])

    def examined(self) -> dict[str, float]:
        """Return what the critic says of kept-out pictures: where it lies far below `distance`, it learnt by heart."""
        kept_out = self.pictures.kept_out[:512]
        if not len(kept_out):
            return {}
        real = torch.from_numpy(kept_out).permute(0, 3, 1, 2).to(self.device).float() / 127.5 - 1
        scores = [self.critic(part).mean() for part in (real, self._made(self.fixed).to(self.device))]
        return {"kept_out_distance": float(scores[0] - scores[1])}

    def figures(self) -> dict[str, Any]:
        """Return how far samples are from kept-out pictures, beside pictures learnt from (see `quality`).

        `sliced_wasserstein` by side of the level; `nearest` the median distance to the nearest picture learnt from;
        `variety` the mean distance of two; each with the same of real pictures.
        """
        kept_out = self.pictures.kept_out[-_MEASURED:]
        learnt = self.pictures.images
        if len(kept_out) < 2 or len(learnt) < len(kept_out):
            return {}
        chosen = np.random.default_rng(self.settings.seed).choice(len(learnt), len(kept_out), replace=False)
        made = self._made(_codes(len(kept_out), self.config, self.settings.seed + 2)) / 2 + 0.5
        samples = as_pixels(made).round().astype(np.uint8)
        figures: dict[str, Any] = {
            name: {
                "nearest": round(float(np.median(nearest_distances(these, learnt))), 2),
                "variety": round(variety(these), 2),
            }
            for name, these in (("samples", samples), ("kept_out", kept_out))
        }
        if has_levels(*samples.shape[1:3]):
            for name, these in (("samples", samples), ("learnt_from", learnt[np.sort(chosen)])):
                found = sliced_wasserstein(these, kept_out)
                rounded = {str(side): round(value, 2) for side, value in found.items()}
                figures.setdefault(name, {})["sliced_wasserstein"] = rounded
        return figures

    @torch.no_grad()
    def _made(self, codes: Tensor) -> Tensor:
        """Return pictures of codes by the averaged generator, float32 in -1..1, on the CPU."""
        network = self.averaged()
        parts = [network.decode(part.to(self.device)).float().cpu() for part in codes.split(_CODES_AT_ONCE)]  # type: ignore[operator]
        return torch.cat(parts)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor) -> Tensor:
    """Return the mean over pictures of (|gradient of the score| - 1)^2 at random points between real and made ones.

    Gulrajani et al. 2017, algorithm 1, lines 5 to 7: each pair `(N, C, H, W)` has a place of its own between the
    two, each point a norm of its own over all its values, and norms below 1 cost as those above do.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (share * real + (1 - share) * made).requires_grad_()
    (gradients,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norms = gradients.float().flatten(1).norm(dim=1)  # (N,)
    return (norms - 1).square().mean()


def _begun(generator: Dcgan) -> Dcgan:
    """Set first weights as DCGAN does: normal, 0.02 wide; batch norms around 1."""
    for module in generator.modules():
        if isinstance(module, nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
    return generator


def _codes(count: int, config: DcganConfig, seed: int) -> Tensor:
    """Draw codes `(count, latent_dim, 1, 1)` that no training disturbs, on the CPU."""
    return torch.randn(count, config.latent_dim, 1, 1, generator=torch.Generator().manual_seed(seed))


def _half_mirrored(images: Tensor) -> Tensor:
    """Return pictures `(N, C, H, W)`, each mirrored left to right with a chance of a half."""
    mirrored = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(mirrored[:, None, None, None], images.flip(3), images)


def _check(settings: WganGpSettings) -> None:
    """Raise `UsageError` where generator and critic would make and take different pictures."""
    if len(settings.widths) != len(settings.critic_widths) or len(settings.widths) > 8:
        raise UsageError(
            "The settings widths and critic_widths of wgan-gp take as many numbers each, 8 at most, such as "
            f"256,128,64,32 and 32,64,128,256 for 64x64, not {len(settings.widths)} and "
            f"{len(settings.critic_widths)}; correct them."
        )


def _spec(settings: WganGpSettings, model: object) -> ImageSpec:
    side = 4 << len(settings.widths)
    return ImageSpec(settings.channels, side, side)


RECIPE = Recipe(
    name="wgan-gp",
    architecture="dcgan",
    summary="new pictures like yours: a generator and a critic, Wasserstein distance with gradient penalty",
    source="Gulrajani et al. 2017, arXiv:1704.00028; generator of Radford et al. 2015, arXiv:1511.06434",
    settings=WganGpSettings,
    lesson=WganGpLesson,
    spec=_spec,
    check=_check,
)
