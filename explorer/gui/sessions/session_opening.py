"""A saved session with its checkpoints, found and read; what the window's job does, outside the GUI thread."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import paths
from explorer.errors import ExplorerError, RecipeError
from explorer.gui.sessions.session_reading import Restored, SavedSession, Wanted, read

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.formats.reader import Progress, ShouldStop
    from explorer.models.base import StageModel


def open_session(path: Path, progress: Progress, should_stop: ShouldStop) -> tuple[SavedSession, Restored]:
    """Read a session file and the checkpoints that it names.

    A stage that cannot be had is left out and told; a model that cannot be had is an error.

    Raises:
        RecipeError: the file cannot be used, or its model is not to be found; the sentence says which.
        CheckpointError: the model cannot be read.
        Cancelled: `should_stop` turned true.
    """
    saved = read(path)
    warnings: list[str] = []
    share = 1 / (1 + len(saved.stages))
    opened = _model(saved, partial(_part_of, progress, 0.0, share), should_stop, warnings)
    stages = _stages(saved, progress, should_stop, warnings)
    restored = saved.state(opened, stages)
    return saved, Restored(restored.moment, (*warnings, *restored.warnings))


def _part_of(progress: Progress, start: float, share: float, fraction: float, text: str) -> None:
    progress(start + share * fraction, text)


def _model(saved: SavedSession, progress: Progress, should_stop: ShouldStop, warnings: list[str]) -> Opened:
    from explorer.formats import open_latent

    where = _found(saved.model, saved.file, should_stop)
    opened = open_latent(where, on_progress=progress, should_stop=should_stop)
    _check_same(saved.model, opened.model, warnings)
    return opened


def _stages(
    saved: SavedSession, progress: Progress, should_stop: ShouldStop, warnings: list[str]
) -> dict[int, StageModel]:
    """Return the stages that can be had by their ids; what is named twice is read once."""
    from explorer.formats import open_stage

    read_ones: dict[Wanted, StageModel | None] = {}
    share = 1 / (1 + len(saved.stages))
    for count, wanted in enumerate(saved.stages.values(), 1):
        if wanted in read_ones:
            continue
        read_ones[wanted] = None
        told = partial(_part_of, progress, count * share, share)
        try:
            where = _found(wanted, saved.file, should_stop)
            network = open_stage(where, on_progress=told, should_stop=should_stop)
        except ExplorerError as error:
            warnings.append(f"The stage {wanted.name} was left out. {error}")
        else:
            read_ones[wanted] = network
            _check_same(wanted, network, warnings)
    return {
        stage_id: stage
        for stage_id, wanted in saved.stages.items()
        if (stage := read_ones[wanted]) is not None
    }


def _check_same(wanted: Wanted, network: object, warnings: list[str]) -> None:
    origin = getattr(network, "origin", None)
    if wanted.sha256 and origin is not None and origin.sha256 != wanted.sha256.lower():
        warnings.append(
            f"{origin.path} has changed since the session was saved, so pictures may look different; "
            "the one it was saved with was not found."
        )


def _found(wanted: Wanted, file: Path, should_stop: ShouldStop) -> Path:
    """Return where a checkpoint is: the same file at its place, the same elsewhere, or whatever is at its place.

    Raises:
        RecipeError: it is nowhere.
    """
    from explorer.formats import finding

    places = [place for place in _places(wanted, file) if os.path.exists(place)]  # any name will do here
    files = [place for place in places if place.is_file()]
    same = finding.find(wanted.name, wanted.sha256, (*files, file.parent), should_stop)
    if same is not None:
        return same
    if places:
        return places[0]
    raise RecipeError(
        finding.wanted(
            wanted.name,
            wanted.sha256,
            file.name,
            "put it beside the session file, or open it once from its place",
        )
    )


def _places(wanted: Wanted, file: Path) -> list[Path]:
    """Return where a checkpoint was when the session was saved."""
    bundled = paths.bundled().get(wanted.bundled or "")
    places = [bundled] if bundled is not None else []
    if wanted.path:
        folder = Path(os.path.abspath(file)).parent
        # As it is written first: a folder that is a link makes of `..` another place than the system does.
        places += [Path(os.path.normpath(folder / wanted.path)), folder / wanted.path]
    return places
