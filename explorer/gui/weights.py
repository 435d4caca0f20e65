"""Other weights of the same network put into states: another epoch of a run, at the same code.

Pure functions on states; `session` shows what they return. Centre and spread of the spaces, code book, notes and
places stay those of the checkpoint that was opened, so that no slider and no point of the map moves. A code that an
encoder gave is that of the epoch whose encoder it was; another epoch decodes it as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.gui.state import StageEntry, State
from explorer.models.base import LatentModel, Space, StageModel

if TYPE_CHECKING:
    from explorer.formats import Opened

Network = LatentModel | StageModel
Change = Callable[[State], State]


def is_alike(one: Network, other: Network) -> bool:
    """Return whether two networks differ in their weights alone: architecture, spaces and pictures are the same."""
    if one.architecture != other.architecture or isinstance(one, LatentModel) != isinstance(
        other, LatentModel
    ):
        return False
    if isinstance(one, StageModel) or isinstance(other, StageModel):
        return (one.input, one.output) == (other.input, other.output)  # type: ignore[union-attr]
    shapes = [{name: space.shape for name, space in _own(each).items()} for each in (one, other)]
    return shapes[0] == shapes[1] and one.image == other.image and one.heads == other.heads


def with_model(model: LatentModel, of_run: Callable[[Opened], bool]) -> Change:
    """Return what puts a model into states whose checkpoint is of its run.

    States that shared a checkpoint share one afterwards: what is compared by identity stays the same.
    """
    made: dict[int, tuple[Opened, Opened]] = {}

    def change(state: State) -> State:
        opened = state.opened
        if opened is None:
            return state
        if id(opened) not in made:
            made[id(opened)] = opened, _with_weights(opened, model) if of_run(opened) else opened
        following = made[id(opened)][1]
        return state if following is opened else replace(state, opened=following)

    return change


def with_stage(stage_id: int, stage: StageModel) -> Change:
    """Return what puts a stage into states in the place of another; see `with_model`."""
    made: dict[int, tuple[Any, Any]] = {}

    def change(state: State) -> State:
        entries = state.stages
        if all(entry.id != stage_id for entry in entries):
            return state
        if id(entries) not in made:
            made[id(entries)] = entries, tuple(_with_stage(entry, stage_id, stage) for entry in entries)
        return replace(state, stages=made[id(entries)][1])

    return change


def as_shown(model: LatentModel, other: LatentModel) -> LatentModel:
    """Return a model with centre, spread and directions of another one; the network is shared."""
    shown = copy.copy(model)
    shown.spaces = {name: _placed(space, model.spaces.get(name)) for name, space in other.spaces.items()}
    return shown


def _with_weights(opened: Opened, model: LatentModel) -> Opened:
    assert isinstance(opened.model, LatentModel)
    return replace(opened, model=as_shown(model, opened.model), first=opened.root)


def _with_stage(entry: StageEntry, stage_id: int, stage: StageModel) -> StageEntry:
    return replace(entry, stage=stage) if entry.id == stage_id else entry


def _placed(shown: Space, own: Space | None) -> Space:
    """Return a space as it is shown, with the ways of the network's own; one of directions is the data's, not its."""
    if own is None:
        return shown
    return replace(shown, mappings={**shown.mappings, **own.mappings}, source=own.source)


def _own(model: LatentModel) -> dict[str, Space]:
    """Return the spaces of the network itself, without those that a code book gave."""
    return {name: space for name, space in model.spaces.items() if space.leading is None}
