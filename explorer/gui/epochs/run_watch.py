"""Looking into the folder of a run, and again whenever something in it changes; idle it costs nothing."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from explorer.gui.epochs.epoch_reading import Listing, look
from explorer.gui.jobs import Job, JobRunner

REST = 150  # milliseconds: a checkpoint, its samples and its losses are written in one go


class RunWatch(QObject):
    """Watches one folder at a time; the system tells of changes, nothing polls."""

    listed = Signal(object)  # a Listing, or None where the folder is gone

    def __init__(self, jobs: JobRunner, kind: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._kind = kind
        self._folder: Path | None = None
        self._job: Job | None = None
        self._is_due = False  # something changed while somebody looked
        self._watcher = QFileSystemWatcher(self)
        self._watcher.directoryChanged.connect(self._on_changed)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST)
        self._timer.timeout.connect(self.look)

    @property
    def folder(self) -> Path | None:
        """What is watched."""
        return self._folder

    def watch(self, folder: Path | None) -> None:
        """Watch a folder from now on, and look into it; None watches nothing."""
        if folder == self._folder:
            return
        if watched := self._watcher.directories():
            self._watcher.removePaths(watched)
        self._timer.stop()
        self._folder, self._job = folder, None
        if folder is None:
            self._jobs.cancel(self._kind)
        else:
            self._watcher.addPath(str(folder))  # before the first look, so that nothing slips between
            self.look()

    def look(self) -> None:
        """Look again; once more afterwards, where somebody is looking."""
        if self._folder is None:
            return
        self._is_due = self._job is not None
        if self._job is None:
            self._job = self._jobs.start(self._kind, partial(look, self._folder))
            self._job.succeeded.connect(self._on_looked)
            self._job.finished.connect(self._on_finished)

    def _on_changed(self, _path: str) -> None:
        if not self._timer.isActive():  # a run whose epochs take less than that never rests
            self._timer.start()

    def _on_looked(self, listing: Listing | None) -> None:
        if self.sender() is self._job:
            self.listed.emit(listing)

    def _on_finished(self) -> None:
        if self.sender() is self._job:
            self._job = None
            if self._is_due:
                self.look()
