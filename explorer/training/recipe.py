"""What a recipe is, what a run is told, and what it returns; what it leaves in its folder is in `records`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.training.settings import SettingInfo, describe

if TYPE_CHECKING:
    from explorer.models.base import ImageSpec
    from explorer.training.lesson import Lesson


@dataclass(frozen=True)
class TrainingResult:
    """What a run left.

    Attributes:
        checkpoint: `RUN_FOLDER/model.safetensors`.
        finished: false where it was stopped early; the checkpoint is whole all the same.
        epochs: epochs that were run to their end, those before a resume included.
        seconds: spent training, without reading and measuring.
        figures: what was measured, plain values; also in `run.json`.
        notes: sentences about what reading the pictures changed or left out.
        is_first: false in the processes beside the first, which need not tell the same.
    """

    checkpoint: Path
    finished: bool
    epochs: int
    seconds: float
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    is_first: bool = True


@dataclass(frozen=True)
class Recipe:
    """One way to train one family.

    Attributes:
        name: what `train NAME` is called with.
        architecture: the family it trains.
        summary: one line for `train --list`.
        source: the papers and pages it follows.
        settings: a frozen dataclass, a `LoopSettings` with the recipe's own fields and defaults.
        lesson: what is done with them.
        spec: `spec(settings, model)`: the shape that pictures are cropped and scaled to.
        check: raises `UsageError` for settings that do not go together, before anything is read.
        needs_model: whether `--model` must be given.
        needs_second: whether `--data-b` must be given.
    """

    name: str
    architecture: str
    summary: str
    source: str
    settings: type
    lesson: type[Lesson[Any]]
    spec: Callable[[Any, Any], ImageSpec]
    check: Callable[[Any], None] = lambda settings: None
    needs_model: bool = False
    needs_second: bool = False

    @property
    def described(self) -> list[SettingInfo]:
        """The settings with their defaults and one line of help each."""
        return describe(self.settings)


def plain(settings: Any) -> dict[str, Any]:
    """Return settings as JSON takes them; a path keeps its last part, since folders say nothing elsewhere."""
    return {name: Path(value).name if name == "extra" else value for name, value in asdict(settings).items()}
