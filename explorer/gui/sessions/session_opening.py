"""A saved session with its checkpoints, found and read; what the window's job does, outside the GUI thread."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer import paths
from explorer.data.wording import shown
from explorer.errors import CheckpointError, ExplorerError, RecipeError
from explorer.gui.sessions.session_reading import Restored, SavedSession, Wanted, read

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.formats.loaded import LoadedModels
    from explorer.formats.reader import Progress, ShouldStop
    from explorer.models.base import StageModel


def open_session(
    path: Path, progress: Progress, should_stop: ShouldStop, models: LoadedModels | None = None
) -> tuple[SavedSession, Restored]:
    """Read a session file and the checkpoints that it names; those that are kept in `models` are taken from there.

    A stage that cannot be had is left out and told; a model that cannot be had is an error.

    Raises:
        RecipeError: the file cannot be used, or its model is not to be found; the sentence says which.
        CheckpointError: the model cannot be read.
        Cancelled: `should_stop` turned true.
    """
    saved = read(path)
    warnings: list[str] = []
    share = 1 / (1 + len(saved.stages))
    opened = _model(saved, partial(_part_of, progress, 0.0, share), should_stop, warnings, models)
    stages = _stages(saved, progress, should_stop, warnings, models)
    restored = saved.state(opened, stages)
    return saved, Restored(restored.moment, (*warnings, *restored.warnings))


def _part_of(progress: Progress, start: float, share: float, fraction: float, text: str) -> None:
    progress(start + share * fraction, text)


def _model(
    saved: SavedSession,
    progress: Progress,
    should_stop: ShouldStop,
    warnings: list[str],
    models: LoadedModels | None,
) -> Opened:
    from explorer.formats import open_latent

    where, is_same = _found(saved.model, saved.file, should_stop)
    hints = saved.model.hints if is_same else None
    opened = open_latent(
        where,
        hints=hints,
        only_given=hints is not None,
        on_progress=progress,
        should_stop=should_stop,
        models=models,
    )
    _check_same(saved.model, opened.model, warnings)
    if hints is not None:
        _check_hints(where, hints, warnings)
    return opened


def _stages(
    saved: SavedSession,
    progress: Progress,
    should_stop: ShouldStop,
    warnings: list[str],
    models: LoadedModels | None,
) -> dict[int, StageModel]:
    """Return the stages that can be had by their ids; a file that is named twice is read once."""
    from explorer.formats import open_stage

    found: dict[int, StageModel] = {}
    read_ones: dict[Path, StageModel | None] = {}
    share = 1 / (1 + len(saved.stages))
    for count, (stage_id, wanted) in enumerate(saved.stages.items(), 1):
        try:
            where, is_same = _found(wanted, saved.file, should_stop)
            if where not in read_ones:
                read_ones[where] = None
                told = partial(_part_of, progress, count * share, share)
                hints = wanted.hints if is_same else None
                read_ones[where] = stage = open_stage(
                    where,
                    hints=hints,
                    only_given=hints is not None,
                    on_progress=told,
                    should_stop=should_stop,
                    models=models,
                )
                _check_same(wanted, stage, warnings)
        except ExplorerError as error:
            warnings.append(f"The stage {shown(wanted.name)} was left out. {error}")
            continue
        if (known := read_ones[where]) is not None:
            found[stage_id] = known
    return found


def _check_hints(path: Path, hints: Mapping[str, str], warnings: list[str]) -> None:
    """Say so where a checkpoint is read by other hints than those that are kept for it."""
    from explorer.formats import sidecars

    try:
        kept = sidecars.read_hints(path).told
    except CheckpointError:
        return
    if kept != dict(hints):
        warnings.append(
            f"{path.name} is read as it was when the session was saved, by other hints than those that are kept for "
            "it now; open the checkpoint itself to go by these."
        )


def _check_same(wanted: Wanted, network: object, warnings: list[str]) -> None:
    origin = getattr(network, "origin", None)
    if wanted.sha256 and origin is not None and origin.sha256 != wanted.sha256.lower():
        warnings.append(
            f"{origin.path} has changed since the session was saved, so pictures may look different; "
            "the one it was saved with was not found."
        )


def _found(wanted: Wanted, file: Path, should_stop: ShouldStop) -> tuple[Path, bool]:
    """Return where a checkpoint is, and whether it is the same file, at its place or elsewhere; else another there.

    Raises:
        RecipeError: it is nowhere.
    """
    from explorer.formats import finding

    places = [place for place in _places(wanted, file) if os.path.exists(place)]  # any name will do here
    near = [place for place in places if place.is_file() or place.is_dir()]
    same = finding.find(wanted.name, wanted.sha256, (*near, file.parent), should_stop)
    if same is not None:
        return same, True
    for place in places:
        if _is_checkpoint(place):
            return place, False
    if places:  # nobody asked for this file, so nothing is said of what is in it
        raise RecipeError(
            f"{file.name} names {places[0]} as {shown(wanted.name)}, and that is no checkpoint; put the checkpoint "
            "beside the session file."
        )
    raise RecipeError(
        finding.wanted(
            wanted.name,
            wanted.sha256,
            file.name,
            "put it beside the session file, or open it once from its place",
        )
    )


def _is_checkpoint(path: Path) -> bool:
    from explorer.formats import finding

    try:
        return finding.is_checkpoint(path)
    except (OSError, ValueError):
        return False


def _places(wanted: Wanted, file: Path) -> list[Path]:
    """Return where a checkpoint was when the session was saved."""
    bundled = paths.bundled().get(wanted.bundled or "")
    places = [bundled] if bundled is not None else []
    if wanted.path:
        folder = Path(os.path.abspath(file)).parent
        # As it is written first: a folder that is a link makes of `..` another place than the system does.
        places += [Path(os.path.normpath(folder / wanted.path)), folder / wanted.path]
    return places
