"""What a reader is, and what it is told: the one interface between `open_checkpoint` and the formats.

To add a format: write one module with a `READER` (`matches` by first bytes, `read`) and name it in
`explorer/formats/__init__.py`. No torch here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import Cancelled
from explorer.formats.sidecars import Hints
from explorer.models.base import Origin

if TYPE_CHECKING:
    from explorer.models.base import LatentModel, StageModel

HEAD_BYTES = 4096
"""How much of a file `matches` is shown."""

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

    @cached_property
    def sha256(self) -> str:
        """Hash of the file, as lower-case hex.

        Raises:
            Cancelled: `should_stop` turned true.
        """
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(1 << 22):
                if self.should_stop():
                    raise Cancelled
                digest.update(block)
        return digest.hexdigest()

    def origin(self, format_name: str) -> Origin:
        """Return where the model came from."""
        return Origin(self.path, format_name, self.sha256, self.hints.told)


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read.

    Attributes:
        title: for people: "torch state dict (.pt, .pth)".
        matches: `matches(head, path)`, from the first `HEAD_BYTES` bytes (empty for a folder); must not
            raise.
        read: `read(reading)`; raises `CheckpointError` for everything that is wrong with the file.
    """

    title: str
    matches: Callable[[bytes, Path], bool]
    read: Callable[[Reading], LatentModel | StageModel]
