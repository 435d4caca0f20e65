"""Recipes: from a collection of pictures to a checkpoint. No screen here; torch comes with the first recipe.

To add one: write `explorer/training/NAME.py` with a settings dataclass, a `Lesson` and a `RECIPE`; name it in
`RECIPES`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import OutputError, UsageError
from explorer.formats.reader import Progress, ShouldStop, never, nothing
from explorer.formats.run_folder import is_run
from explorer.training.recipe import Recipe, TrainingResult
from explorer.training.settings import LoopSettings, parse

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from explorer.models.base import ImageSpec
    from explorer.training.lesson import Materials
    from explorer.training.pictures import TrainingPictures

__all__ = ["RECIPES", "Recipe", "TrainingResult", "recipe_called", "recipes", "train"]


RECIPES: dict[str, Callable[[], Recipe]] = {
    "fc-vae": lambda: import_module("explorer.training.fc_vae").RECIPE,
    "conv-vae": lambda: import_module("explorer.training.conv_vae").RECIPE,
    "latent2d-vae": lambda: import_module("explorer.training.latent2d_vae").RECIPE,
    "gdl-vae": lambda: import_module("explorer.training.gdl_vae").RECIPE,
    "wgan-gp": lambda: import_module("explorer.training.wgan_gp").RECIPE,
    "conv-colorizer": lambda: import_module("explorer.training.conv_colorizer").RECIPE,
    "cyclegan": lambda: import_module("explorer.training.cyclegan").RECIPE,
    "stack-colorizer": lambda: import_module("explorer.training.stack_colorizer").RECIPE,
    "twin-autoencoder": lambda: import_module("explorer.training.twin_autoencoder").RECIPE,
}
"""What imports a recipe by its name; the files are named in full, so that nothing else can be imported here."""


def recipes() -> dict[str, Recipe]:
    """Return all recipes by name, importing them and torch."""
    return {name: recipe() for name, recipe in RECIPES.items()}


def recipe_called(name: str) -> Recipe:
    """Return one recipe, importing its file.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in RECIPES:
        raise UsageError(f"There is no recipe {name}; choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]()


def _nothing(text: str) -> None:
    pass


def train(
    recipe: str,
    data: Path | str,
    *,
    out: Path | str,
    data_b: Path | str | None = None,
    model: str | None = None,
    settings: Mapping[str, str] | None = None,
    device: str = "auto",
    devices: int = 1,
    num_nodes: int = 1,
    precision: str = "32-true",
    resume: bool = False,
    on_progress: Progress = nothing,
    on_epoch: Callable[[str], None] = _nothing,
    should_stop: ShouldStop = never,
) -> TrainingResult:
    """Train by a recipe, leaving a run folder (see `formats.run_folder`).

    When `should_stop()` turns true, or on Ctrl-C, the weights so far are written, measured and reported as at the end;
    `TrainingResult.finished` tells. The same seed, data and thread count give the same weights on one CPU.

    Args:
        recipe: a key of `RECIPES`.
        data: a folder, zip, npz or idx file of pictures.
        out: the run folder; made where it is missing.
        data_b: a second collection, for recipes that take two.
        model: a checkpoint that the recipe builds on, a path or a bundled name.
        settings: texts by name, as `--set key=value` gives them.
        device: `auto`, `cpu`, `cuda` or `mps`.
        devices, num_nodes: how many of them, on how many machines; the gradients are averaged over all.
        precision: a key or a value of `fabric.PRECISIONS`.
        resume: go on with the run in `out`; `epochs` may be another number than before.
        on_progress: told a fraction in 0..1 and a text for people.
        on_epoch: told a text once an epoch.

    Raises:
        UsageError: an unknown recipe or setting, a value out of range, a missing or surplus argument, a folder that
            holds a run already, or none to go on with.
        ImageError, CheckpointError, DeviceError, OutputError: what was given cannot be used.
        TrainingError: the loss left the numbers; what was saved before is untouched.
        Cancelled: stopped before the first batch.
    """
    chosen = recipe_called(recipe)
    values: LoopSettings = parse(chosen.settings, settings or {}, recipe)
    chosen.check(values)
    _check_arguments(chosen, data, data_b, model)
    if values.batch_size < devices * num_nodes:
        raise UsageError(
            f"A batch_size of {values.batch_size} leaves some of {devices * num_nodes} devices without a picture; give "
            f"--set batch_size={devices * num_nodes} or more."
        )
    folder = Path(out)
    _check_folder(folder, resume)

    from explorer.training.fabric import make_fabric
    from explorer.training.records import nothing_left_behind

    fabric = make_fabric(device, devices, num_nodes, precision)
    if fabric.global_rank:  # one process tells for all
        on_progress, on_epoch = nothing, _nothing
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(
            f"The run folder {folder} could not be made ({reason}); choose another place."
        ) from error
    run = _Run(chosen, values, fabric, folder, on_progress, on_epoch, should_stop)
    with nothing_left_behind(folder, is_new):
        return run.train(run.materials(data, data_b, model), resume)


def _check_arguments(recipe: Recipe, data: Path | str, data_b: Path | str | None, model: str | None) -> None:
    if recipe.needs_model and model is None:
        raise UsageError(f"The recipe {recipe.name} builds on a model; name its checkpoint with --model.")
    if model is not None and not recipe.needs_model:
        raise UsageError(f"The recipe {recipe.name} starts from nothing; leave --model out.")
    if data_b is not None and not recipe.needs_second:
        raise UsageError(f"The recipe {recipe.name} takes one collection of pictures; leave --data-b out.")
    if recipe.needs_second and data_b is None:
        raise UsageError(
            f"The recipe {recipe.name} learns from two collections; name the second with --data-b."
        )
    if data_b is not None and os.path.realpath(data) == os.path.realpath(data_b):
        raise UsageError(f"--data and --data-b are both {data}; give two different collections.")


def _check_folder(folder: Path, resume: bool) -> None:
    if resume and not is_run(folder):
        raise UsageError(f"{folder} holds no run to go on with; leave --resume out, or correct --out.")
    if not resume and is_run(folder):
        raise UsageError(
            f"{folder} holds a run already; give another folder, or go on with that run by --resume."
        )


@dataclass(frozen=True, eq=False)
class _Run:
    """One call of `train`; see there."""

    recipe: Recipe
    settings: Any
    fabric: Fabric
    folder: Path
    on_progress: Progress
    on_epoch: Callable[[str], None]
    should_stop: ShouldStop

    def materials(self, data: Path | str, data_b: Path | str | None, model: str | None) -> Materials[Any]:
        """Return what a lesson is made of."""
        from explorer.formats import open_checkpoint
        from explorer.training.lesson import Materials

        device = self.fabric.device
        opened = None if model is None else open_checkpoint(model).model
        if opened is not None:
            opened.network.to(device).eval()
        spec = self.recipe.spec(self.settings, opened)
        first = self._pictures(data, spec, self.settings.extra)
        second = None if data_b is None else self._pictures(data_b, spec)
        return Materials(self.settings, first, second, opened, device)

    def _pictures(self, data: Path | str, spec: ImageSpec, extra: str = "") -> TrainingPictures:
        from explorer.training.pictures import load

        return load(
            Path(data),
            spec,
            extra=extra,
            hold_out=self.settings.hold_out,
            near_copy=self.settings.near_copy,
            folder=self.folder,
            on_progress=self.on_progress,
            should_stop=self.should_stop,
        )

    def train(self, materials: Materials[Any], resume: bool) -> TrainingResult:
        """Run the lesson to its end, or until it is stopped."""
        import torch

        from explorer.formats.run_folder import model_of
        from explorer.training.loop import Loop
        from explorer.training.records import Records, resume_state

        folder, settings, fabric = self.folder, self.settings, self.fabric
        facts = materials.facts()
        state = resume_state(folder, self.recipe, settings, facts) if resume else None
        fabric.barrier()
        torch.manual_seed(settings.seed)
        lesson = self.recipe.lesson(materials)
        records = Records(folder, self.recipe, settings, facts, resume) if fabric.is_global_zero else None
        loop = Loop(
            lesson,
            settings,
            fabric,
            records,
            on_progress=self.on_progress,
            on_epoch=self.on_epoch,
            should_stop=self.should_stop,
        )
        if state is not None:
            loop.restore(state)
        if fabric.global_rank:
            torch.manual_seed(settings.seed + fabric.global_rank)  # other noise for other pictures
        if records is not None:
            records.told("running", loop.done, loop.place.seconds)
        finished = loop.run()
        self.on_progress(1.0, "measuring")
        figures = loop.figures() if fabric.is_global_zero else {}
        if records is not None:
            records.told(
                "finished" if finished else "stopped", loop.done, loop.place.seconds, figures=figures
            )
        return TrainingResult(
            model_of(folder),
            finished,
            loop.place.epochs,
            loop.place.seconds,
            figures,
            materials.notes(),
            fabric.is_global_zero,
        )
