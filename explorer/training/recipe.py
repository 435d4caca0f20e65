"""What a recipe is, what it is given, and what a run leaves in its folder.

A run folder holds `model.safetensors` (the newest whole checkpoint), `losses.csv` (a row an epoch),
`report.json` (settings, data, figures, seconds) and pictures to look at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from explorer.formats.reader import Progress, ShouldStop
from explorer.paths import write_text
from explorer.training.settings import SettingInfo, describe

if TYPE_CHECKING:
    from explorer.training.loop import History


@dataclass(frozen=True)
class Run:
    """What a recipe is given.

    Attributes:
        data: a collection of pictures, as `data.images.read_pictures` takes it.
        model: a checkpoint that the recipe builds on, a path or a bundled name.
        out: the run folder; it exists.
        settings: the recipe's settings dataclass.
        device: `auto`, `cpu`, `cuda` or `mps`.
        on_progress: told a fraction in 0..1 and a text for people.
        should_stop: asked between batches; true ends the run with a whole checkpoint.
    """

    data: Path
    model: str | None
    out: Path
    settings: Any
    device: str
    on_progress: Progress
    should_stop: ShouldStop

    @property
    def checkpoint(self) -> Path:
        """Where the newest whole checkpoint lies."""
        return self.out / "model.safetensors"


@dataclass(frozen=True)
class TrainingResult:
    """What a run left.

    Attributes:
        checkpoint: `RUN_FOLDER/model.safetensors`.
        finished: false where it was stopped early; the checkpoint is whole all the same.
        epochs: epochs that were run to their end.
        seconds: spent training, without reading and measuring.
        figures: what was measured, plain values; also in `report.json`.
    """

    checkpoint: Path
    finished: bool
    epochs: int
    seconds: float
    figures: Mapping[str, Any] = field(default_factory=dict)


class RunRecipe(Protocol):
    """Trains; raises an `ExplorerError` where data, model or settings do not serve."""

    def __call__(self, run: Run) -> TrainingResult: ...


@dataclass(frozen=True)
class Recipe:
    """One way to train one family.

    Attributes:
        name: what `train NAME` is called with.
        architecture: the family it trains.
        summary: one line for `train --list`.
        source: the papers it follows.
        settings: a frozen dataclass of defaults made of `setting(...)` fields.
        run: trains.
        needs_model: whether `--model` must be given.
    """

    name: str
    architecture: str
    summary: str
    source: str
    settings: type
    run: RunRecipe
    needs_model: bool = False

    @property
    def described(self) -> list[SettingInfo]:
        """The settings with their defaults and one line of help each."""
        return describe(self.settings)


def plain(settings: Any) -> dict[str, Any]:
    """Return settings as JSON takes them; a path keeps its last part, since folders say nothing elsewhere."""
    return {name: Path(value).name if name == "extra" else value for name, value in asdict(settings).items()}


def write_report(
    run: Run, recipe: Recipe, data: Mapping[str, Any], history: History, figures: Mapping[str, Any]
) -> None:
    """Write `report.json` into the run folder, whole or not at all.

    Raises:
        OutputError: it could not be written.
    """
    report = {
        "recipe": recipe.name,
        "source": recipe.source,
        "settings": plain(run.settings),
        "data": data,
        "finished": history.finished,
        "epochs": len(history.rows),
        "seconds": round(history.seconds, 1),
        "figures": figures,
    }
    write_text(run.out / "report.json", json.dumps(report, indent=2) + "\n")
