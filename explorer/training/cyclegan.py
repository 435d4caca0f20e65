"""`train cyclegan`: pictures of one kind to pictures of another and back, learnt from two collections without pairs.

Zhu et al. 2017 (arXiv:1703.10593), sections 3 to 5 and appendix 7: two generators and two critics of patches;
adversarial losses by least squares (Mao et al. 2017, arXiv:1611.04076), the critics' halved; ten times the mean
absolute error of what was translated there and back, and half of that for what is of the target kind already and
shall stay as it is; critics learn from a history of 50 made pictures; Adam (0.5, 0.999), the learning rate constant
over the first half of the run and then falling to zero in a straight line. Three settings are not the paper's, for want
of time: a run may begin with pictures of half the side, which the same networks take; generators may be made that
change what comes in instead of drawing it anew; and a running average of them may be saved (Yazıcı et al. 2019,
arXiv:1806.04498), which does not swing as they do.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.errors import UsageError
from explorer.models import architecture
from explorer.models.base import ImageSpec
from explorer.models.patch_critic import PatchCritic, least_side
from explorer.models.resnet_stage import ResnetStage, ResnetStageConfig
from explorer.training.averaging import follow
from explorer.training.image_pool import ImagePool
from explorer.training.lesson import Batch, Exported, Lesson, Materials, as_pixels
from explorer.training.recipe import Recipe
from explorer.training.settings import LoopSettings, setting

THERE, BACK = "there", "back"  # A to B, B to A
PARTS = ("adversarial", "cycle", "identity")
"""Of the generators' loss; each has a weight of this name."""
SHOWN = 8
"""Pictures of each kind that a grid shows."""
EXAMINED = 64
"""Pictures of each kind that errors are measured on after an epoch."""


@dataclass(frozen=True)
class CycleGanSettings(LoopSettings):
    """Defaults; the paper's, its networks one size smaller, as 64x64 pictures ask for."""

    channels: int = setting(3, "1: grey, 3: colour", least=1, most=3)
    side: int = setting(64, "of the pictures, in pixels", least=8, most=1024)
    widths: tuple[int, ...] = setting(
        (64, 128, 256), "channels of the generators, from full size downwards", least=1, most=4096
    )
    blocks: int = setting(6, "residual blocks at the lowest level of the generators", least=1, most=256)
    carry: bool = setting(
        False,
        "whether pictures are carried past the generators, which then only tell what changes; with cycle=1, identity=1",
    )
    critic_widths: tuple[int, ...] = setting(
        (64, 128, 256), "channels of the critics, from the picture inwards", least=1, most=4096
    )
    adversarial: float = setting(1.0, "weight of the adversarial loss", least=0)
    cycle: float = setting(10.0, "weight of the error there and back", least=0)
    identity: float = setting(5.0, "weight of the change of pictures of the target kind", least=0)
    pool: int = setting(50, "made pictures that critics are shown again; 0 for none", least=0)
    flips: bool = setting(True, "whether half of the pictures are mirrored, left to right")
    small: float = setting(
        0.0,
        "share of the run, its first, in which pictures have half the side: four times as fast",
        least=0,
        most=1,
    )
    decay: float = setting(
        0.5, "share of the run over which the learning rate falls to zero", least=0, most=1
    )
    average: float = setting(
        0.0,
        "what is saved is a running average of the generators with this decay; 0: none",
        least=0,
        most=0.99999,
    )
    epochs: int = 200
    batch_size: int = 1
    lr: float = setting(2e-4, "learning rate before it falls", least=1e-8, most=1)


class CycleGanLesson(Lesson[CycleGanSettings]):
    """Two generators, two critics, two histories."""

    def __init__(self, materials: Materials[CycleGanSettings]) -> None:
        super().__init__(materials)
        settings = self.settings
        self.config = ResnetStageConfig(
            settings.channels,
            settings.channels,
            settings.widths,
            settings.blocks,
            bias=False,
            up_bias=False,
            carries=settings.carry,
        )
        betas = (0.5, 0.999)
        makers = nn.ModuleDict({way: _maker(self.config) for way in (THERE, BACK)})
        critics = nn.ModuleDict(
            {way: PatchCritic(settings.critic_widths, settings.channels) for way in (THERE, BACK)}
        )
        critics.apply(_begin)
        self.makers = self.learns("generators", makers, lr=settings.lr, betas=betas)
        self.critics = self.learns("critics", critics, lr=settings.lr, betas=betas)
        self.average = self.keeps("average", copy.deepcopy(makers)) if settings.average else None
        self.pools = {way: ImagePool(settings.pool) for way in (THERE, BACK)}

    @property
    def best(self) -> nn.ModuleDict:
        """The generators that people get: the averaged ones where there are such."""
        return self.makers if self.average is None else self.average

    def rate(self, done: int, total: int) -> float:
        """Return 1, and in the last part of the run what falls to 0 in a straight line."""
        falling = self.settings.decay * total
        return min(1.0, (total - done) / falling) if falling else 1.0

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Let the generators take a step, then the critics.

        Returns `loss` (the generators' sum) and, summed over both ways and not weighed, `adversarial`, `cycle`,
        `identity` and `critic`; errors are of values in -1..1.
        """
        assert batch.others is not None  # `RECIPE.needs_second`
        is_small = batch.done < self.settings.small * self.settings.epochs
        kinds = {
            way: self._prepared(images, is_small)
            for way, images in ((THERE, batch.images), (BACK, batch.others))
        }
        losses, made = self._lower_generators(kinds)
        if self.average is not None:
            kept = min(self.settings.average, (1 + batch.number) / (10 + batch.number))  # less at first
            follow(self.average, self.makers, kept)
        return losses | {"critic": self._lower_critics(kinds, made)}

    def _prepared(self, images: Tensor, is_small: bool) -> Tensor:
        """Return pictures in -1..1, perhaps of half the side; half of them are mirrored."""
        images = 2 * (functional.avg_pool2d(images, 2) if is_small else images) - 1
        if not self.settings.flips:
            return images
        mirrored = torch.rand(len(images)).to(images.device) < 0.5
        return torch.where(mirrored[:, None, None, None], images.flip(3), images)

    def _lower_generators(self, kinds: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return losses and the made pictures, by the way that made them.

        `kinds` are real pictures `(B, C, H, W)` by the way that starts from them.
        """
        self.critics.requires_grad_(False)
        made, parts = {}, {name: torch.zeros((), device=self.device) for name in PARTS}
        for way, other in _both():
            made[way], kept = self._made_and_kept(way, kinds[way], kinds[other])
            parts["adversarial"] = parts["adversarial"] + (self.critics[way](made[way]) - 1).square().mean()
            if kept is not None:
                parts["identity"] = parts["identity"] + functional.l1_loss(kept, kinds[other])
        for way, other in _both():
            again = self.makers[other](made[way]).float()
            parts["cycle"] = parts["cycle"] + functional.l1_loss(again, kinds[way])
        loss = torch.stack([getattr(self.settings, name) * part for name, part in parts.items()]).sum()
        self.descend("generators", loss)
        self.critics.requires_grad_(True)
        return {"loss": loss.detach()} | {name: part.detach() for name, part in parts.items()}, made

    def _made_and_kept(self, way: str, source: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what a generator makes of its source and, where that counts, of pictures that are targets already."""
        if not self.settings.identity:
            return self.makers[way](source).float(), None
        # one pass: norms are those of single pictures, so neighbours in a batch change nothing
        made, kept = self.makers[way](torch.cat((source, target))).float().chunk(2)
        return made, kept

    def _lower_critics(self, kinds: dict[str, Tensor], made: dict[str, Tensor]) -> Tensor:
        loss = torch.zeros((), device=self.device)
        for way, other in _both():
            critic, old = self.critics[way], self.pools[way].exchange(made[way])
            loss = loss + (critic(kinds[other]) - 1).square().mean() / 2 + critic(old).square().mean() / 2
        self.descend("critics", loss)
        return loss.detach()

    def exported(self) -> dict[str, Exported]:
        """Return the stage from A to B, and as "back" the one from B to A."""
        return {name: self._stage(way) for name, way in (("", THERE), ("back", BACK))}

    def _stage(self, way: str) -> Exported:
        model = architecture("resnet-stage").wrap(self.best[way], self.config, name=f"cyclegan {way}")
        return Exported(model, self.config)

    def _looked_at(self, count: int) -> dict[str, Tensor]:
        """Return the first kept-out pictures of each kind, or of those learnt from, by the way that starts there.

        As many of each; in -1..1.
        """
        found = {}
        for way, pictures in ((THERE, self.pictures), (BACK, self.others)):
            assert pictures is not None  # `RECIPE.needs_second`
            shades = torch.from_numpy(np.array(pictures.examples[:count])).permute(0, 3, 1, 2).to(self.device)
            found[way] = shades.float() / 127.5 - 1
        return found

    def shown(self) -> np.ndarray:
        """Return pictures of A, translated, and back again; below them the same of B."""
        kinds = self._looked_at(SHOWN)
        across = min(map(len, kinds.values()))
        rows = []
        for way, other in _both():
            real = kinds[way][:across]
            made = self.best[way](real)
            rows += [as_pixels((images + 1) / 2) for images in (real, made, self.best[other](made))]
        return np.stack(rows)

    def examined(self) -> dict[str, float]:
        """Return mean absolute errors (0..255) on kept-out pictures: there and back, and of targets' change."""
        kinds = self._looked_at(EXAMINED)
        cycle = identity = 0.0
        for way, other in _both():
            again = self.best[other](self.best[way](kinds[way])).float()
            cycle += 127.5 * float(functional.l1_loss(again, kinds[way])) / 2
            kept = self.best[way](kinds[other]).float()
            identity += 127.5 * float(functional.l1_loss(kept, kinds[other])) / 2
        return {"examined_cycle": cycle, "examined_identity": identity}

    def figures(self) -> dict[str, Any]:
        """Return what `examined` does, and how much a translation changes pictures (mean absolute, 0..255)."""
        kinds = self._looked_at(EXAMINED)
        changes = {
            f"change_{way}": 127.5 * float(functional.l1_loss(self.best[way](real).float(), real))
            for way, real in kinds.items()
        }
        return {name: round(value, 3) for name, value in (self.examined() | changes).items()}

    def state(self) -> dict[str, Any]:
        """Return both histories."""
        return {way: pool.images for way, pool in self.pools.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take back both histories."""
        for way, pool in self.pools.items():
            pool.images = None if state[way] is None else state[way].to(self.device)


def _both() -> Iterator[tuple[str, str]]:
    """Yield each way with the other one."""
    yield THERE, BACK
    yield BACK, THERE


def _maker(config: ResnetStageConfig) -> ResnetStage:
    """Return a generator with its first weights; one that carries pictures gives back what comes in."""
    network = ResnetStage(config)
    network.apply(_begin)
    if config.carries:
        nn.init.zeros_(network.head.weight)
    return network


@torch.no_grad()
def _begin(module: nn.Module) -> None:
    """Draw first weights from N(0, 0.02), the paper's appendix 7.1; biases begin at 0."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _check(settings: CycleGanSettings) -> None:
    """Raise `UsageError` for settings that make no networks."""
    try:
        dataclasses.replace(ResnetStageConfig(), widths=settings.widths, blocks=settings.blocks)
    except ValueError as error:
        raise UsageError(
            "The setting widths of cyclegan takes 2 to 6 numbers, such as 64,128,256."
        ) from error
    least = least_side(settings.critic_widths)
    side = settings.side // 2 if settings.small else settings.side
    if side < least:
        raise UsageError(
            f"Critics of {len(settings.critic_widths)} widths need pictures of {least} pixels a side, and these have "
            f"{side}; give cyclegan fewer critic_widths or a larger side."
        )


RECIPE = Recipe(
    name="cyclegan",
    architecture="resnet-stage",
    summary="pictures of one kind (--data) to another (--data-b) and back, without pairs",
    source="CycleGAN, Zhu et al. 2017 (1703.10593); PatchGAN, Isola et al. 2017 (1611.07004)",
    settings=CycleGanSettings,
    lesson=CycleGanLesson,
    spec=lambda settings, model: ImageSpec(settings.channels, settings.side, settings.side),
    check=_check,
    needs_second=True,
)
