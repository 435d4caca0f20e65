"""One checkpoint after the other, read in jobs; of those that are wanted meanwhile the newest wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.gui.epochs.epoch_reading import Networks, Stamp, read
from explorer.gui.jobs import Job, JobRunner

if TYPE_CHECKING:
    from explorer.gui.weights import Network


@dataclass(frozen=True)
class Wanted:
    """A checkpoint to be read: its epoch, where it is, when it was written, and by which hints it is read."""

    number: int
    path: Path
    stamp: Stamp
    hints: Mapping[str, str] = field(hash=False)


class EpochReader(QObject):
    """Reads one at a time, so that a fast hand starts no crowd of threads.

    What was overtaken while it was read is told all the same, for a hand that moves on shall see something; why it
    could not be read is not.
    """

    arrived = Signal(int, object)  # epoch and its network; not always the newest that is wanted
    failed = Signal(int, str)  # epoch and a sentence

    def __init__(self, jobs: JobRunner, kind: str, networks: Networks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._kind = kind
        self._networks = networks
        self._wanted: Wanted | None = None
        self._reading: Wanted | None = None
        self._job: Job | None = None

    @property
    def wanted(self) -> int | None:
        """The epoch that is on its way, None where none is."""
        return self._wanted.number if self._wanted is not None else None

    def want(self, wanted: Wanted) -> None:
        """Ask for a network; one that is kept comes at once."""
        self._wanted = wanted
        self._go_on()

    def forget(self) -> None:
        """Want nothing any more; what is being read is dropped."""
        self._wanted = self._reading = self._job = None
        self._jobs.cancel(self._kind)

    def _go_on(self) -> None:
        wanted = self._wanted
        if wanted is None:
            return
        network = self._networks.get(wanted.path, wanted.stamp)
        if network is not None:
            self._wanted = None
            self.arrived.emit(wanted.number, network)
            return
        if self._job is not None:
            return
        self._reading = wanted
        self._job = self._jobs.start(self._kind, partial(read, wanted.path, wanted.hints))
        self._job.succeeded.connect(self._on_read)
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_finished)

    def _on_read(self, network: Network) -> None:
        reading = self._reading
        if self.sender() is not self._job or reading is None:
            return
        self._networks.put(reading.path, reading.stamp, network)
        if self._wanted is None:  # meanwhile another one was taken from those that are kept
            return
        if self._wanted == reading:
            self._wanted = None
        self.arrived.emit(reading.number, network)

    def _on_failed(self, sentence: str) -> None:
        if self.sender() is self._job and self._wanted is not None and self._wanted == self._reading:
            self._wanted = None
            self.failed.emit(self._reading.number, sentence)

    def _on_finished(self) -> None:
        if self.sender() is self._job:
            self._job = self._reading = None
            self._go_on()
