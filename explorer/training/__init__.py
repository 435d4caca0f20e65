"""Recipes: from a folder of pictures to a checkpoint. No screen here; torch comes with the first recipe.

To add one: write `explorer/training/NAME.py` with a settings dataclass, a function that takes a `Run`, and
a `RECIPE`; name it in `RECIPES` with a function that imports it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

from explorer.errors import OutputError, UsageError
from explorer.formats.reader import Progress, ShouldStop, never, nothing
from explorer.training.recipe import Recipe, Run, TrainingResult
from explorer.training.settings import parse

__all__ = ["RECIPES", "Recipe", "TrainingResult", "recipes", "train"]


def _fc_vae() -> Recipe:
    from explorer.training import fc_vae

    return fc_vae.RECIPE


def _conv_colorizer() -> Recipe:
    from explorer.training import conv_colorizer

    return conv_colorizer.RECIPE


RECIPES: dict[str, Callable[[], Recipe]] = {"fc-vae": _fc_vae, "conv-colorizer": _conv_colorizer}


def recipes() -> dict[str, Recipe]:
    """Return all recipes by name, importing them and torch."""
    return {name: recipe() for name, recipe in RECIPES.items()}


def train(
    recipe: str,
    data: Path | str,
    *,
    out: Path | str,
    data_b: Path | str | None = None,
    model: str | None = None,
    settings: Mapping[str, str] | None = None,
    device: str = "auto",
    on_progress: Progress = nothing,
    should_stop: ShouldStop = never,
) -> TrainingResult:
    """Train by a recipe, leaving a run folder (see `recipe`).

    When `should_stop()` turns true, or on Ctrl-C, the weights so far are written, measured and reported as
    at the end; `TrainingResult.finished` tells. The same seed, data and thread count give the same weights
    on one CPU.

    Args:
        recipe: a key of `RECIPES`.
        data: a folder, zip, npz or idx file of pictures.
        out: the run folder; made where it is missing.
        data_b: a second collection, for recipes that translate between two; none of these does.
        model: a checkpoint that the recipe builds on, a path or a bundled name.
        settings: texts by name, as `--set key=value` gives them.
        on_progress: told a fraction in 0..1 and a text for people.

    Raises:
        UsageError: an unknown recipe or setting, a value out of range, a missing or surplus argument.
        ImageError, CheckpointError, DeviceError, OutputError: what was given cannot be used.
        Cancelled: stopped before the first batch.
    """
    if recipe not in RECIPES:
        raise UsageError(f"There is no recipe {recipe}; choose one of {', '.join(RECIPES)}.")
    chosen = RECIPES[recipe]()
    values: dict[str, object] = parse(chosen.settings, settings or {}, recipe)
    if chosen.needs_model and model is None:
        raise UsageError(f"The recipe {recipe} builds on a model; name its checkpoint with --model.")
    if model is not None and not chosen.needs_model:
        raise UsageError(f"The recipe {recipe} starts from nothing; leave --model out.")
    if data_b is not None:
        raise UsageError(f"The recipe {recipe} takes one collection of pictures; leave --data-b out.")
    folder = Path(out)
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"The run folder {folder} could not be made ({reason}); choose another place."
        ) from error
    try:
        return chosen.run(Run(Path(data), model, folder, values, device, on_progress, should_stop))
    except BaseException:  # of any kind: a run that left nothing leaves no folder
        if is_new:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        raise
