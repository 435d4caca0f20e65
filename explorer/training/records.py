"""What a run leaves in its folder, written whole or not at all; where it lies is in `formats.run_folder`."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.errors import CheckpointError, UsageError
from explorer.formats import run_folder, save_native
from explorer.paths import replacing, write_text
from explorer.training.lesson import Exported
from explorer.training.recipe import Recipe
from explorer.training.samples import save_grid

RESUMES = 1
"""The version of what is written to resume from."""

_FREE = ("epochs", "save_every", "half", "extra")
"""Settings that may be others when a run goes on."""


class Records:
    """The folder of one run.

    Args:
        folder: it exists.
        recipe, settings: what is run.
        facts: of the data, plain values.
        is_resumed: whether records of the run's beginning are there.
    """

    def __init__(
        self, folder: Path, recipe: Recipe, settings: Any, facts: Mapping[str, Any], is_resumed: bool
    ) -> None:
        self.folder = folder
        self.recipe = recipe
        self.settings = settings
        self.facts = dict(facts)
        self._is_resumed = is_resumed
        self._events: Any = None

    def told(self, state: str, epochs: float, seconds: float, **more: Any) -> None:
        """Write `run.json`: `state` is running, stopped, finished or failed; `epochs` those done."""
        said = {
            "recipe": self.recipe.name,
            "source": self.recipe.source,
            "settings": asdict(self.settings),
            "data": self.facts,
            "state": state,
            "epochs": int(epochs) if float(epochs).is_integer() else round(epochs, 6),
            "seconds": round(seconds, 1),
            **more,
        }
        write_text(self.folder / run_folder.ABOUT, json.dumps(said, indent=2) + "\n")

    def checkpoint(self, exported: Mapping[str, Exported], epoch: int, trained: Mapping[str, Any]) -> None:
        """Write the networks as they are after so many epochs, and once more as the last ones."""
        for part, one in exported.items():
            path = run_folder.checkpoint_of(self.folder, epoch, part)
            save_native(path, one.model, config=one.config, trained=trained, half=self.settings.half)
            with replacing(run_folder.model_of(self.folder, part)) as place:
                shutil.copyfile(path, place)

    def resume_point(self, state: Mapping[str, Any]) -> None:
        """Write what a run goes on from."""
        with replacing(self.folder / run_folder.RESUME) as place:
            torch.save({"version": RESUMES, **state}, place)

    def pictures(self, epoch: int, grid: np.ndarray) -> None:
        """Write a grid `(rows, columns, H, W, C)` in 0..255 as `samples/epoch-0001.png`."""
        folder = self.folder / run_folder.SAMPLES
        folder.mkdir(exist_ok=True)
        save_grid(folder / f"epoch-{epoch:04d}.png", grid, zoom=max(1, 96 // grid.shape[2]))

    def metrics(self, rows: list[dict[str, float]], per_epoch: int) -> None:
        """Write one row an epoch to `metrics.csv`, and the last one to the TensorBoard events."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        with replacing(self.folder / run_folder.METRICS) as place, place.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "step", *names])
            for epoch, row in enumerate(rows, 1):
                writer.writerow([epoch, epoch * per_epoch, *(row.get(name, "") for name in names)])
        writer = self._event_writer(len(rows))
        if writer is not None and rows:
            for name, value in rows[-1].items():
                writer.add_scalar(name, value, len(rows))
            writer.flush()

    def close(self) -> None:
        """End the events."""
        if self._events is not None:
            self._events.close()

    def _event_writer(self, epoch: int) -> Any:
        if self._events is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    from torch.utils.tensorboard import SummaryWriter
                except ImportError:  # the csv has the same figures
                    return None
            purge = epoch if self._is_resumed else None
            self._events = SummaryWriter(str(self.folder / run_folder.EVENTS), purge_step=purge)
        return self._events


def resume_state(folder: Path, recipe: Recipe, settings: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run goes on from, after it was found to be of the same recipe, settings and pictures.

    Raises:
        UsageError: something else was run there, or with other settings or pictures.
        CheckpointError: what was written is damaged.
    """
    about = run_folder.read_about(folder)
    if about.get("recipe") != recipe.name:
        raise UsageError(
            f"{folder} is a run of {about.get('recipe')}, not of {recipe.name}; give the recipe that was run there."
        )
    before = about.get("settings", {})
    for name, value in json.loads(json.dumps(asdict(settings))).items():
        if name not in _FREE and name in before and before[name] != value:
            raise UsageError(
                f"{folder} was begun with {name}={before.get(name)}, which cannot become {value} on the way; give it "
                "as it was, or begin another run."
            )
    if _told_apart(about.get("data") or {}) != _told_apart(json.loads(json.dumps(facts))):
        raise UsageError(
            f"{folder} was begun with other pictures than those given now; give the same, or begin another run."
        )
    try:
        state = torch.load(folder / run_folder.RESUME, weights_only=True, map_location="cpu")
    except OSError as error:
        raise CheckpointError(
            f"{folder} holds nothing to go on from ({run_folder.RESUME} cannot be read); begin another run."
        ) from error
    except Exception as error:  # torch raises all kinds for damaged files
        raise CheckpointError(
            f"{folder / run_folder.RESUME} is damaged; begin another run, the checkpoints beside it can be opened."
        ) from error
    if not isinstance(state, dict) or state.get("version") != RESUMES:
        raise CheckpointError(
            f"{folder / run_folder.RESUME} was written by another version of the program; begin another run."
        )
    return state


def _told_apart(facts: Mapping[str, Any]) -> list[Any]:
    """Return what tells collections apart."""
    names = ("learnt_from", "of_main", "kept_out", "kept_out_names")
    return [[part.get(name) for name in names] for part in (facts, facts.get("second") or {})]


@contextlib.contextmanager
def nothing_left_behind(folder: Path, is_new: bool) -> Any:
    """Remove a folder that was made for a run which left nothing in it."""
    try:
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        raise
