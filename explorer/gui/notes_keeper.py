"""Keeps what people say of a checkpoint beside it: writes names, notes and stars a moment after they change.

Only what differs from what was read or last written is written, so opening a model writes nothing. Undo of a
name is a change like another. What the file looks like is `formats.notes`'s.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from PySide6.QtCore import QObject, QTimer

from explorer.errors import ExplorerError
from explorer.formats.notes import KIND, Notes, StarredPlace
from explorer.formats.sidecars import writable_place

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.gui.jobs import Job, JobRunner, Progress, ShouldStop
    from explorer.gui.session import Session

DELAY = 1000  # ms, so that a few changes in a row are written once
PATIENCE = 5.0  # s, that a flush waits for a write that is under way

_Task = tuple["Opened", Notes, Notes]  # of which model, what to write, what was there before


class NotesKeeper(QObject):
    """Watches the words and the places of the session; one job writes at a time."""

    def __init__(self, session: Session, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._jobs = jobs
        self._kept: WeakKeyDictionary[Opened, Notes] = WeakKeyDictionary()  # as on the disk
        self._due: dict[
            Opened, Notes
        ] = {}  # as in the session, where it may differ; keeps closed models alive
        self._refused: WeakSet[Opened] = WeakSet()  # could not be written; tried again at the next change
        self._told: WeakSet[Opened] = WeakSet()  # that it could not
        self._moved: WeakSet[Opened] = WeakSet()  # the checkpoint is gone from its place, and that was told
        self._job: Job | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._write)
        session.model_changed.connect(self._on_changed)
        session.words_changed.connect(self._on_changed)
        session.places.changed.connect(self._on_changed)

    def settle(self) -> None:
        """Take what the session says now as what is on the disk; a restored session changes no notes.

        Words and places that the disk has nothing about count as changed, and are written.
        """
        opened = self._opened
        if opened is not None and opened.model.origin is not None:
            said = _said(self._session)
            self._kept[opened] = _already(said, opened.notes)
            self._note(opened, said)

    def flush(self) -> None:
        """Write at once what is not written yet; before a checkpoint is read again, say."""
        self._timer.stop()
        if self._job is not None and not self._job.wait(PATIENCE):
            return  # two at a time would undo each other
        self._timer.stop()
        if tasks := self._tasks(with_refused=True):
            self._on_written(_write(tasks))

    def close(self) -> None:
        """Write at once what is not written yet, and listen no more."""
        self._session.model_changed.disconnect(self._on_changed)
        self._session.words_changed.disconnect(self._on_changed)
        self._session.places.changed.disconnect(self._on_changed)
        if self._job is not None:
            self._job.wait()  # for as long as it takes: nothing is written after this
        self.flush()

    # ---- what is to be written ----

    @property
    def _opened(self) -> Opened | None:
        """What words are kept by: all epochs of a run have the same."""
        opened = self._session.state.opened
        return opened.root if opened is not None else None

    def _on_changed(self) -> None:
        opened = self._opened
        if opened is None or opened.model.origin is None:
            return
        if opened not in self._kept:
            self.settle()
        else:
            self._note(opened, _said(self._session))

    def _note(self, opened: Opened, said: Notes) -> None:
        self._due[opened] = said
        self._refused.discard(opened)
        self._wait()

    def _wait(self) -> None:
        """Write a little later, where there is something to write."""
        if self._job is not None:
            return
        self._due = {o: said for o, said in self._due.items() if not said.says_the_same(self._kept[o])}
        if not self._timer.isActive() and self._tasks():
            self._timer.start()

    def _tasks(self, *, with_refused: bool = False) -> list[_Task]:
        return [
            (opened, said, self._kept[opened])
            for opened, said in self._due.items()
            if not said.says_the_same(self._kept[opened]) and (with_refused or opened not in self._refused)
        ]

    # ---- writing ----

    def _write(self) -> None:
        tasks = self._tasks()
        if not tasks:
            return
        self._job = self._jobs.start("notes", partial(_work, tasks))
        self._job.succeeded.connect(self._on_written)
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_finished)

    def _on_written(self, results: list[tuple[Opened, Notes, list[str] | ExplorerError]]) -> None:
        for opened, notes, outcome in results:
            if isinstance(outcome, ExplorerError):
                self._tell_refused(opened, outcome)
                self._refused.add(opened)
                continue
            self._kept[opened] = notes
            for complaint in outcome:
                self._session.tell("warning", complaint)
            self._tell_moved(opened)

    def _tell_refused(self, opened: Opened, error: ExplorerError) -> None:
        if opened not in self._told:
            self._told.add(opened)
            name = opened.model.name
            self._session.tell(
                "warning", f"Names, notes and stars of {name} are in this window only: {error}"
            )

    def _tell_moved(self, opened: Opened) -> None:
        """Say once that a checkpoint is gone: who moved it has to move its notes too."""
        origin = opened.model.origin
        if origin is not None and not origin.path.exists() and opened not in self._moved:
            self._moved.add(opened)
            self._session.tell(
                "warning",
                f"{origin.path} is gone. Names, notes and stars are still kept for that place, in "
                f"{writable_place(origin.path, KIND)}; move or rename that file along with the checkpoint.",
            )

    def _on_failed(self, sentence: str) -> None:
        self._refused.update(self._due)
        self._session.tell("error", sentence)

    def _on_finished(self) -> None:
        self._job = None
        self._wait()


def _said(session: Session) -> Notes:
    """Return what the session says of the open model."""
    places = (StarredPlace(p.space, p.code, p.name, p.label) for p in session.places.all if p.starred)
    return Notes(session.state.titles, session.state.remarks, tuple(places))


def _already(said: Notes, on_disk: Notes) -> Notes:
    """Return the part of what is said that the disk says something about."""
    known = on_disk.place_names
    return Notes(
        {key: text for key, text in said.titles.items() if key in on_disk.titles},
        {key: text for key, text in said.remarks.items() if key in on_disk.remarks},
        tuple(place for place in said.places if place.key in known),
    )


def _work(
    tasks: list[_Task], _progress: Progress, _should_stop: ShouldStop
) -> list[tuple[Opened, Notes, list[str] | ExplorerError]]:
    return _write(tasks)


def _write(tasks: list[_Task]) -> list[tuple[Opened, Notes, list[str] | ExplorerError]]:
    """Write each model's notes; return what was to be told about the file, or why it could not be written."""
    from explorer.formats import notes_writing, run_epochs

    results: list[tuple[Opened, Notes, list[str] | ExplorerError]] = []
    for opened, notes, before in tasks:
        assert opened.model.origin is not None
        outcome: list[str] | ExplorerError
        try:
            outcome = notes_writing.write(run_epochs.kept_as(opened.model.origin.path), notes, before)
        except ExplorerError as error:
            outcome = error
        results.append((opened, notes, outcome))
    return results
