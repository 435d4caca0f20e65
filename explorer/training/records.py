"""What a run leaves in its folder, written whole or not at all; where it lies is in `formats.run_folder`."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.errors import CheckpointError, DeviceError, OutputError, UsageError, ran_out_of_memory
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
        self._events: Path | None = None
        self._told: tuple[str, float, float] = ("", 0, 0.0)

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
        self._told = state, epochs, seconds

    def ended_by(self, error: BaseException) -> None:
        """Say that the run is over; one that saved nothing is forgotten, so that its folder can be used again."""
        state, epochs, seconds = self._told
        with contextlib.suppress(OSError, OutputError):
            if not (self.folder / run_folder.RESUME).exists():
                (self.folder / run_folder.ABOUT).unlink()
            elif state == "running":
                self.told("stopped" if isinstance(error, KeyboardInterrupt) else "failed", epochs, seconds)

    def checkpoint(self, exported: Mapping[str, Exported], epoch: int, trained: Mapping[str, Any]) -> None:
        """Write the networks as they are after so many epochs, and once more as the last ones."""
        for part, one in exported.items():
            path = run_folder.checkpoint_of(self.folder, epoch, part)
            save_native(path, one.model, config=one.config, trained=trained, half=self.settings.half)
            with replacing(run_folder.model_of(self.folder, part)) as place:
                shutil.copyfile(path, place)

    def resume_point(self, state: Mapping[str, Any]) -> None:
        """Write what a run goes on from."""
        with replacing(self.folder / run_folder.RESUME) as place, place.open("wb") as file:
            try:
                torch.save({"version": RESUMES, **state}, file)
            except RuntimeError as error:  # torch's own, over what writing the file raised
                if isinstance(error.__context__, OSError):
                    raise error.__context__ from error
                raise

    def pictures(self, epoch: int, grid: np.ndarray) -> None:
        """Write a grid `(rows, columns, H, W, C)` in 0..255 as `samples/epoch-0001.png`."""
        folder = _made(self.folder / run_folder.SAMPLES)
        save_grid(folder / f"epoch-{epoch:04d}.png", grid, zoom=max(1, 96 // grid.shape[2]))

    def metrics(self, rows: list[dict[str, float]], per_epoch: int) -> None:
        """Write one row an epoch to `metrics.csv`, and the last one to the TensorBoard events."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        with replacing(self.folder / run_folder.METRICS) as place, place.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "step", *names])
            for epoch, row in enumerate(rows, 1):
                writer.writerow([epoch, epoch * per_epoch, *(row.get(name, "") for name in names)])
        if rows:
            self._tell_tensorboard(len(rows), rows[-1])

    def _tell_tensorboard(self, epoch: int, row: Mapping[str, float]) -> None:
        """Add a row to the events: here and now, where TensorBoard's own writer has a thread that a full disk kills."""
        try:
            from tensorboard.compat.proto.event_pb2 import Event, SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:  # the csv has the same figures
            return
        told = [
            Event(step=epoch, summary=Summary(value=[Summary.Value(tag=name, simple_value=value)]))
            for name, value in row.items()
        ]
        if self._events is None:
            self._events = _made(self.folder / run_folder.EVENTS) / f"events.out.tfevents.{time.time_ns()}"
            if self._is_resumed:
                told.insert(0, Event(step=epoch, session_log=SessionLog(status=SessionLog.START)))
            told.insert(0, Event(file_version="brain.Event:2"))
        try:
            with self._events.open("ab") as file:
                for event in told:
                    event.wall_time = time.time()
                    RecordWriter(file).write(event.SerializeToString())
        except OSError as error:
            raise _unwritten(self._events, error) from error


def _made(folder: Path) -> Path:
    """Return the folder, made where it was missing."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritten(folder, error) from error
    return folder


def _unwritten(path: Path, error: OSError) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(f"{path} could not be written ({reason}); make room, then --resume goes on.")


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
    """Remove a folder that was made for a run which left nothing in it; memory that ran out becomes a sentence."""
    try:
        yield
    except BaseException as error:
        if is_new:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        if ran_out_of_memory(error):
            raise DeviceError(
                "There is not enough memory to train this; give a smaller batch_size, or settings of a smaller network."
            ) from error
        raise
