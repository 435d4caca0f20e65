"""What the window's jobs do with a path: tell pictures from checkpoints, read either; runs outside the GUI thread."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import RecipeError
from explorer.gui.state import Anchor

if TYPE_CHECKING:
    from explorer.export.recipe import Network, Recipe
    from explorer.formats import Examination, Opened
    from explorer.formats.diagnosis import Unfamiliar
    from explorer.formats.loaded import LoadedModels
    from explorer.formats.reader import Progress, ShouldStop
    from explorer.gui.state import Side, State
    from explorer.models.base import ImageSpec, LatentModel, StageModel

log = logging.getLogger(__name__)

REMEMBERED = 64 << 20
"""Bytes of a file whose content is kept for the doctor while its model is; a larger one is read again."""

_examined: weakref.WeakKeyDictionary[object, Examination] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class FittedPicture:
    """A picture as a model takes it (`fitted`) and as a person knows it (`shown`), uint8 `(H, W, C)` both."""

    path: Path
    fitted: np.ndarray
    shown: np.ndarray
    changes: tuple[str, ...] = ()  # what was done to it for that, to follow "was"


@dataclass(frozen=True, eq=False)
class CarriedRecipe:
    """A picture that tells how it was made."""

    path: Path
    recipe: Recipe


@dataclass(frozen=True, eq=False)
class Ingredients:
    """A recipe with its networks, read."""

    recipe: Recipe
    opened: Opened
    stages: tuple[StageModel, ...]


@dataclass(frozen=True, eq=False)
class Puzzle:
    """A checkpoint that was read and became no model; hints may make it one."""

    examination: Examination
    error: Unfamiliar


@dataclass(frozen=True)
class Awaited:
    """The folder of a run that has no checkpoint yet."""

    folder: Path


@dataclass(frozen=True, eq=False)
class Built:
    """A checkpoint that somebody read already, and the model that it became by the hints that are kept for it."""

    examination: Examination
    opened: Opened

    def refreshed(self) -> Opened:
        """Return the model with the names and notes that are kept for it now, and let the doctor know its file."""
        from explorer.formats import notes, run_epochs

        model: LatentModel = self.opened.model  # type: ignore[assignment]
        _remember(model, self.examination)
        return replace(self.opened, notes=notes.read(run_epochs.kept_as(self.examination.path), model)[0])


class MissingNetwork(RecipeError):
    """The checkpoint of a recipe is not to be found; a person may know where it is."""

    def __init__(self, network: Network) -> None:
        from explorer.formats import finding

        advice = "find it, or open it once and drop the picture again"
        super().__init__(finding.wanted(network.name, network.sha256, advice=advice))
        self.network = network


def is_session(path: str) -> bool:
    """Return whether a file is a saved session, by its name."""
    return path.lower().endswith(".session.json")


def is_picture(path: str) -> bool:
    """Return whether Pillow recognises the file's first bytes."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path):
            return True
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError):
        return False


def fit_picture(path: str, spec: ImageSpec) -> FittedPicture:
    """Read a picture and fit it to a model; `shown` keeps the colours.

    Raises:
        ImageError: it cannot be read.
    """
    from explorer.data.picture import GREYED, fit, is_coloured, is_cropped, read_told
    from explorer.models.base import ImageSpec

    image, done = read_told(path)
    fitted, shown = fit(image, spec), fit(image, ImageSpec(3, spec.height, spec.width))
    changes = list(done)
    size = f"{fitted.shape[1]}×{fitted.shape[0]}"
    if is_cropped(image, spec):
        changes.append(f"cropped to the middle and scaled to {size}")
    elif image.size != fitted.shape[1::-1]:
        changes.append(f"scaled to {size}")
    if spec.channels == 1 and is_coloured(np.asarray(image)):
        changes.append(GREYED)
    return FittedPicture(Path(path), fitted, shown, tuple(changes))


def carried_recipe(path: str) -> Recipe | None:
    """Return the recipe in a picture; None where it carries none, or a damaged one: it is a picture all the same."""
    from explorer.errors import RecipeError
    from explorer.export.reading import recipe_in

    try:
        return recipe_in(Path(path))
    except RecipeError as error:
        log.info("%s", error)
        return None


def open_path(
    path: str,
    spec: ImageSpec | None,
    hints: Mapping[str, str],
    models: LoadedModels,
    progress: Progress,
    should_stop: ShouldStop,
) -> Opened | FittedPicture | CarriedRecipe | Puzzle | Awaited:
    """Read whatever a person opened: a picture with a recipe, one for the open model to encode, a checkpoint.

    A checkpoint that hints may help comes back as a puzzle; `hints` go before those that are kept for it.

    Raises:
        ExplorerError: it cannot be used.
    """
    if Path(path).is_file() and is_picture(path):
        recipe = carried_recipe(path)
        if recipe is not None:
            return CarriedRecipe(Path(path), recipe)
        if spec is not None:
            return fit_picture(path, spec)
    from explorer.formats import Examination
    from explorer.formats.diagnosis import Unfamiliar
    from explorer.formats.run_folder import RunFolder, is_run

    if is_run(path) and not RunFolder.read(path).epochs:
        return Awaited(Path(path))
    examination = Examination(path, on_progress=progress, should_stop=should_stop)
    try:
        opened = examination.open(hints, on_progress=progress)
    except Unfamiliar as error:
        return Puzzle(examination, error)
    _remember(opened.model, examination)
    models.put(examination, opened)
    return opened


def examination_of(model: object) -> Examination | None:
    """Return what the file of a model with doubtful guesses held, where it is still known."""
    return _examined.get(model)


def _remember(model: object, examination: Examination) -> None:
    diagnosis = getattr(model, "diagnosis", None)
    if diagnosis is None or not diagnosis.doubtful or not examination.path.is_file():
        return
    if examination.path.stat().st_size <= REMEMBERED:
        _examined[model] = examination


def read_picture(path: str, spec: ImageSpec, progress: Progress, should_stop: ShouldStop) -> FittedPicture:
    """Read a picture for the open model, whatever recipe it carries; see `fit_picture`."""
    return fit_picture(path, spec)


def read_end(
    side: Side, path: str, shown: State, progress: Progress, should_stop: ShouldStop
) -> tuple[Side, Anchor | FittedPicture | None]:
    """Read a picture that becomes an end of the strip: by the code that it carries for what is shown, else to encode.

    None stands for a picture that the model of `shown` cannot encode.

    Raises:
        ImageError: it cannot be read.
    """
    assert shown.opened is not None
    model: LatentModel = shown.opened.model  # type: ignore[assignment]
    recipe = carried_recipe(path) if Path(path).is_file() and is_picture(path) else None
    is_ours = (
        recipe is not None and recipe.model.sha256 is not None and recipe.model.sha256 == _hash_of(model)
    )
    if recipe is not None and is_ours and (recipe.kind, recipe.space) == ("picture", shown.space):
        return side, Anchor(recipe.codes[0], None, Path(path).name)
    return side, fit_picture(path, model.image) if model.has_encoder else None


def gather_or_miss(
    recipe: Recipe,
    near: Sequence[Path],
    shown: State,
    progress: Progress,
    should_stop: ShouldStop,
    models: LoadedModels | None = None,
) -> Ingredients | MissingNetwork:
    """Return the networks of a recipe, or which of them is not to be found; see `gather`."""
    try:
        return gather(recipe, near, shown, progress, should_stop, models)
    except MissingNetwork as missing:
        return missing


def gather(
    recipe: Recipe,
    near: Sequence[Path],
    shown: State,
    progress: Progress,
    should_stop: ShouldStop,
    models: LoadedModels | None = None,
) -> Ingredients:
    """Find and read the networks of a recipe; what is open in `shown` is taken as it is.

    Raises:
        MissingNetwork: one is not to be found, also not among `near`, files and folders.
        ExplorerError: one cannot be read.
    """
    from explorer.formats import open_latent, open_stage

    opened = shown.opened
    if opened is None or not _is_that(opened.model, recipe.model):
        opened = open_latent(
            _found(recipe.model, near, should_stop),
            hints=recipe.model.hints,
            only_given=recipe.model.hints is not None,
            on_progress=progress,
            should_stop=should_stop,
            models=models,
        )
    stages = []
    for network in recipe.stages:
        stage = next((entry.stage for entry in shown.stages if _is_that(entry.stage, network)), None)
        if stage is None:
            stage = open_stage(
                _found(network, near, should_stop),
                hints=network.hints,
                only_given=network.hints is not None,
                on_progress=progress,
                should_stop=should_stop,
                models=models,
            )
        stages.append(stage)
    return Ingredients(recipe, opened, tuple(stages))


def _found(network: Network, near: Sequence[Path], should_stop: ShouldStop) -> Path:
    from explorer.formats import finding

    path = finding.find(network.name, network.sha256, near, should_stop)
    if path is None:
        raise MissingNetwork(network)
    return path


def _is_that(model: object, network: Network) -> bool:
    """Return whether an open network is the one that a recipe names, and was read by the same hints."""
    origin = getattr(model, "origin", None)
    if origin is None or network.sha256 is None or origin.sha256 != network.sha256:
        return False
    return network.hints is None or network.hints == origin.hints


def _hash_of(model: object) -> str | None:
    origin = getattr(model, "origin", None)
    return origin.sha256 if origin is not None else None
