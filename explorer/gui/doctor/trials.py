"""One checkpoint that is read once and built again for each set of hints: the doctor's work, in jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError, OutputError, UsageError
from explorer.gui.jobs import JobRunner

if TYPE_CHECKING:
    from explorer.formats import Examination, Opened
    from explorer.formats.diagnosis import Diagnosis

READ, BUILD = "doctor", "doctor build"


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of one set of hints: a model, or a sentence that says why there is none."""

    hints: Mapping[str, str]
    opened: Opened | None = None
    error: str = ""
    diagnosis: Diagnosis | None = None


class Trials(QObject):
    """Reads a checkpoint, then tries hints on it: one build at a time, the newest waits, the others are dropped."""

    progressed = Signal(float, str)  # of reading, and of building
    examined = Signal(object)  # the hints that are kept for it
    failed = Signal(str)  # it could not be read at all
    tried = Signal(object)  # a Trial

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._examination: Examination | None = None
        self._next: dict[str, str] | None = None
        self._known: Opened | None = None  # what the first hints will make of it
        self._is_building = False
        self._turn = 0  # which file; what comes of an earlier one is dropped

    @property
    def path(self) -> Path | None:
        """The checkpoint that was read."""
        return self._examination.path if self._examination is not None else None

    @property
    def examination(self) -> Examination | None:
        """What was read."""
        return self._examination

    @property
    def is_reading(self) -> bool:
        """Whether a checkpoint is being read."""
        return self._jobs.is_running(READ)

    @property
    def is_busy(self) -> bool:
        """Whether a model is being built, or waits for that."""
        return self._is_building or self._next is not None

    def read(self, path: str) -> None:
        """Read a checkpoint."""
        self.close()
        turn = self._turn
        job = self._jobs.start(READ, partial(_read, path))
        job.progressed.connect(self.progressed)
        job.succeeded.connect(partial(self._on_read, turn))
        job.failed.connect(partial(self._on_failed, turn))

    def take(self, examination: Examination, opened: Opened | None = None) -> None:
        """Go on with a checkpoint that somebody read already, and with the model that it became."""
        self.close()
        self._known = opened
        self._on_read(self._turn, (examination, _kept(examination.path)))

    def attempt(self, hints: Mapping[str, str]) -> None:
        """Build the model by these hints alone; `tried` tells what came of it, unless newer ones come first."""
        self._next = dict(hints)
        known, self._known = self._known, None
        if known is not None and known.model.origin is not None and known.model.origin.hints == hints:
            self._next = None
            self.tried.emit(Trial(hints, known, diagnosis=known.model.diagnosis))
        if self._next is not None and self._is_building:
            self._jobs.cancel(BUILD)  # what is built now is wanted no more
        self._go_on()

    def keep(self, hints: Mapping[str, str]) -> str:
        """Write hints, in place of all that are kept, and return where.

        Raises:
            OutputError: they cannot be written.
        """
        from explorer.formats.hints_writing import write_hints

        assert self.path is not None
        before = dict.fromkeys(_kept(self.path), "")
        try:
            return str(write_hints(self.path, before | dict(hints) if hints else {}))
        except UsageError as error:
            raise OutputError(str(error)) from error

    def close(self) -> None:
        """Forget the checkpoint, and what is still being done with it."""
        self._turn += 1
        self._examination = self._next = self._known = None
        self._is_building = False
        self._jobs.cancel(READ)
        self._jobs.cancel(BUILD)

    def _go_on(self) -> None:
        if self._next is None or self._is_building or self._examination is None:
            return
        hints, self._next = self._next, None
        self._is_building = True
        job = self._jobs.start(BUILD, partial(_tried, self._examination, hints))
        job.progressed.connect(self.progressed)
        job.succeeded.connect(partial(self._on_tried, self._turn))
        job.failed.connect(partial(self._on_bug, self._turn, hints))
        job.cancelled.connect(partial(self._on_stopped, self._turn))

    def _on_read(self, turn: int, read: tuple[Examination, dict[str, str]]) -> None:
        if turn == self._turn:
            self._examination, kept = read
            self.examined.emit(kept)
            self._go_on()

    def _on_failed(self, turn: int, sentence: str) -> None:
        if turn == self._turn:
            self.failed.emit(sentence)

    def _on_bug(self, turn: int, hints: dict[str, str], sentence: str) -> None:
        self._on_tried(turn, Trial(hints, error=sentence))

    def _on_stopped(self, turn: int) -> None:
        if turn == self._turn:
            self._is_building = False
            self._go_on()

    def _on_tried(self, turn: int, trial: Trial) -> None:
        if turn != self._turn:
            return
        self._is_building = False
        if self._next is None:
            self.tried.emit(trial)
        self._go_on()


def _read(path: str, progress: Any, should_stop: Any) -> tuple[Examination, dict[str, str]]:
    """Return a checkpoint that was read, and the hints that are kept for it; runs in a job."""
    from explorer.formats import Examination

    examination = Examination(path, on_progress=progress, should_stop=should_stop)
    return examination, _kept(examination.path)


def _kept(path: Path) -> dict[str, str]:
    """Return the hints that are kept for a checkpoint; of a file that makes no sense none."""
    from explorer.errors import CheckpointError
    from explorer.formats import sidecars

    try:
        return sidecars.read_hints(path).told
    except CheckpointError:
        return {}


def _tried(examination: Examination, hints: dict[str, str], progress: Any, should_stop: Any) -> Trial:
    """Return what comes of hints; runs in a job."""
    from explorer.formats.diagnosis import Unfamiliar

    try:
        opened = examination.open(hints, only_given=True, on_progress=progress, should_stop=should_stop)
    except Unfamiliar as error:
        return Trial(hints, error=str(error), diagnosis=error.diagnosis)
    except ExplorerError as error:
        return Trial(hints, error=str(error))
    return Trial(hints, opened, diagnosis=opened.model.diagnosis)
