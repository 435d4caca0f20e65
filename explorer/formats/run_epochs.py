"""The checkpoints of a training run as people meet them: which epoch a file is, and which stands for the folder.

What lies where in such a folder is `run_folder`'s. No network is read here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import CheckpointError
from explorer.formats.run_folder import RunFolder, checkpoint_of, epoch_of, is_run, model_of

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel


def place_of(checkpoint: Path) -> tuple[Path, int] | None:
    """Return the run folder and the epoch of the checkpoint of a run's main network; None for any other file."""
    number = epoch_of(checkpoint)
    return (checkpoint.parent, number) if number is not None and is_run(checkpoint.parent) else None


def name_of(network: LatentModel | StageModel) -> str:
    """Return what people call a network: a checkpoint of a run by the name of its folder."""
    place = place_of(network.origin.path) if network.origin is not None else None
    return place[0].resolve().name if place is not None else network.name


def last_of(folder: Path) -> Path:
    """Return the newest checkpoint of a run.

    Raises:
        CheckpointError: there is none yet, or this is no run folder.
    """
    run = RunFolder.read(folder)
    if not run.epochs:
        raise CheckpointError(
            f"The run {run.name} has no checkpoint yet ({checkpoint_of(Path(folder), 1).name} comes after its first "
            "epoch); open it again once it is there."
        )
    return run.epochs[-1].path


def kept_as(checkpoint: Path) -> Path:
    """Return the checkpoint that people's words are kept beside: for each epoch of a run the same.

    What somebody called a dimension holds while the network learns, and must be there when a later epoch is opened.
    """
    place = place_of(checkpoint)
    return model_of(place[0]) if place is not None else checkpoint
