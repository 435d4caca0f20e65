"""What a reader is, and what it is told: the one interface between `open_checkpoint` and the formats.

To add a format: write one module with a `READER` (`matches` by first bytes, `load`, `build`) and name it in
`explorer/formats/__init__.py`. No torch here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Cancelled
from explorer.formats.sidecars import Hints
from explorer.models.base import Origin

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

HEAD_BYTES = 4096
"""How much of a file `matches` is shown."""

AT_ONCE = 64 << 20
"""Bytes of a file that is hashed while it is opened; of a larger one the hash is taken when it is wanted."""

Progress = Callable[[float, str], None]
"""`on_progress(fraction 0..1, text)`; the text is shown to people."""

ShouldStop = Callable[[], bool]


def nothing(fraction: float, text: str) -> None:
    """Listen to no progress."""


def never() -> bool:
    """Never ask to stop."""
    return False


@dataclass(frozen=True, eq=False)
class Reading:
    """One opening of one checkpoint: what the reader is told, and whom it tells."""

    path: Path
    head: bytes
    hints: Hints = field(default_factory=Hints)
    on_progress: Progress = nothing
    should_stop: ShouldStop = never

    @property
    def name(self) -> str:
        """What the model is called: the file's name without its suffix."""
        return self.path.stem if self.path.is_file() else self.path.name

    def origin(self, format_name: str, weights: Path | None = None) -> Origin:
        """Return where the model came from; the hash of a large file is left for whoever asks.

        Args:
            weights: the file in a folder that holds them, whose hash then stands for the folder's.

        Raises:
            Cancelled: `should_stop` turned true.
        """
        path, stop = weights or self.path, self.should_stop
        size = path.stat().st_size if path.is_file() else 0
        sha256 = partial(hash_of, path) if size > AT_ONCE else hash_of(path, stop)
        return Origin(self.path, format_name, sha256, self.hints.told)


def hash_of(path: Path, should_stop: ShouldStop = never) -> str:
    """Return the SHA-256 of a file, as lower-case hex.

    Raises:
        Cancelled: `should_stop` turned true.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            if should_stop():
                raise Cancelled
            digest.update(block)
    return digest.hexdigest()


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read.

    Attributes:
        title: for people: "torch state dict (.pt, .pth)".
        matches: `matches(head, path)`, from the first `HEAD_BYTES` bytes (empty for a folder); must not
            raise.
        load: `load(reading)`: what the file holds, whatever the hints are; the slow part, done once.
        build: `build(loaded, reading)`: the model, by the hints; done again whenever they change.
            Both raise `CheckpointError` for everything that is wrong with the file.
        folder: of one that reads more than the file it is given: the folder in which that lies.
    """

    title: str
    matches: Callable[[bytes, Path], bool]
    load: Callable[[Reading], Any]
    build: Callable[[Any, Reading], LatentModel | StageModel]
    folder: Callable[[Path], Path] | None = None
