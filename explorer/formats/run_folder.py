"""What lies where in the folder that a training run leaves, for those who write it and those who look.

`checkpoint-0001.safetensors`, ... one an epoch, `model.safetensors` the last; a run that trains more networks has
`checkpoint-0001-NAME.safetensors` and `model-NAME.safetensors` beside them. `run.json` says what was run and how far it
is. No network is read here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.data.wording import shown
from explorer.errors import CheckpointError

ABOUT = "run.json"
METRICS = "metrics.csv"
SAMPLES = "samples"
EVENTS = "events"
RESUME = "resume.pt"

_CHECKPOINT = re.compile(r"checkpoint-([0-9]{4,9})\.safetensors")
_MOST_ABOUT = 4 << 20  # bytes


def checkpoint_of(folder: Path, epoch: int, part: str = "") -> Path:
    """Return where the network `part` lies as it was after so many epochs; the main one's name is empty."""
    return folder / f"checkpoint-{epoch:04d}{part and '-'}{part}.safetensors"


def model_of(folder: Path, part: str = "") -> Path:
    """Return where the last state of the network `part` lies."""
    return folder / f"model{part and '-'}{part}.safetensors"


def epoch_of(checkpoint: Path) -> int | None:
    """Return after how many epochs a file is the main network's checkpoint, None where its name says nothing of it."""
    match = _CHECKPOINT.fullmatch(checkpoint.name)
    return int(match[1]) if match else None


@dataclass(frozen=True)
class RunEpoch:
    """A checkpoint on the way.

    Attributes:
        number: of the epoch, from 1.
        path: the checkpoint of the main network.
        is_whole: false where the run was stopped in the middle of that epoch.
    """

    number: int
    path: Path
    is_whole: bool = True


@dataclass(frozen=True)
class RunFolder:
    """A run, as far as it is.

    Attributes:
        path: the folder.
        recipe: what was trained; empty where nothing says so.
        state: `running`, `stopped`, `finished` or `failed`.
        total_epochs: how many there shall be; 0 where nothing says so.
        epochs: the checkpoints that are there, in order.
    """

    path: Path
    recipe: str
    state: str
    total_epochs: int
    epochs: tuple[RunEpoch, ...]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @classmethod
    def read(cls, folder: Path | str) -> RunFolder:
        """Look what is there now.

        Raises:
            CheckpointError: this is no run folder, or its `run.json` is damaged.
        """
        path = Path(folder)
        about = read_about(path)
        done = about.get("epochs")
        part_done = isinstance(done, float) and not done.is_integer()
        found = sorted(_numbered(path))
        epochs = [RunEpoch(n, file, not (part_done and n > done)) for n, file in found]  # type: ignore[operator]
        wanted = about.get("settings", {})
        total = wanted.get("epochs") if isinstance(wanted, dict) else 0
        return cls(
            path=path,
            recipe=str(about.get("recipe", "")),
            state=str(about.get("state", "")),
            total_epochs=total if isinstance(total, int) and not isinstance(total, bool) else 0,
            epochs=tuple(epochs),
        )


def is_run(folder: Path | str) -> bool:
    """Return whether a training run was begun in that folder."""
    return (Path(folder) / ABOUT).is_file()


def read_about(folder: Path) -> dict[str, Any]:
    """Return what `run.json` says.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    path = folder / ABOUT
    try:
        if path.stat().st_size > _MOST_ABOUT:
            raise ValueError("it is too large")
        about = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(about, dict):
            raise ValueError("it is no object")
    except OSError as error:
        raise CheckpointError(
            f"{folder} is no run folder ({ABOUT} cannot be read there); give a folder that `train` wrote."
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is damaged ({shown(error, 80)}); open one of the checkpoints beside it instead."
        ) from error
    return about


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    try:
        files = list(folder.iterdir())
    except OSError:
        return []
    return [(number, file) for file in files if (number := epoch_of(file)) is not None]
