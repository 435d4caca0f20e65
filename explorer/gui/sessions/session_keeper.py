"""The session as a document: saved to a file, opened from one, brought back after a crash.

Files are read and written in jobs, from frozen values that were taken in the GUI thread. Dialogs and menus are
the window's; what is kept unasked is `recovery`'s.
"""

from __future__ import annotations

import threading
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer import paths
from explorer.errors import Cancelled
from explorer.formats import sidecars
from explorer.gui.jobs import Job, JobRunner, Progress, ShouldStop
from explorer.gui.session import Session
from explorer.gui.sessions.recovery import Recovery
from explorer.gui.sessions.session_file import SUFFIX, Moment, Scribe, moment_of
from explorer.gui.sessions.session_opening import open_session
from explorer.gui.sessions.session_reading import Restored, SavedSession
from explorer.gui.state import Place, State

if TYPE_CHECKING:
    from explorer.formats import Opened
    from explorer.formats.loaded import LoadedModels

_writing = threading.Lock()


class SessionKeeper(QObject):
    """Saves and opens one window's session, and knows its file.

    Args:
        session: whose.
        jobs: where files are read and written; opening is of the kind `open`, so that one opening ends another.
        folder: of recovery, see `Recovery`.
        parent: owner.
        models: those that are kept in memory; None: each checkpoint is read.
    """

    changed = Signal()  # the file, or whether it has what the session has
    saved = Signal(str)  # path
    opened = Signal(str)  # path of a file that a person saved once
    restored = Signal()  # the session is one that was kept, wherever

    def __init__(
        self,
        session: Session,
        jobs: JobRunner,
        folder: Path | None = None,
        parent: QObject | None = None,
        models: LoadedModels | None = None,
    ) -> None:
        super().__init__(parent)
        self._models = models
        self._session = session
        self._jobs = jobs
        self.recovery = Recovery(session, folder, self)
        self._path: Path | None = None
        # What the file has, and whose session it is; neither keeps a model in memory that Undo has forgotten.
        self._saved: tuple[weakref.ref[State], tuple[Place, ...]] | None = None
        self._model: weakref.ref[Opened] | None = None
        self._told: tuple[Path | None, bool] = (None, False)
        self._saving: list[Job] = []
        for signal in (
            session.model_changed,
            session.code_changed,
            session.strip_changed,
            session.undo_changed,
            session.weights_changed,
            session.places.changed,
        ):
            signal.connect(self._refresh)

    # ---- reading ----

    @property
    def path(self) -> Path | None:
        """The file of the session that is shown; None for one without a file, or of a model opened since."""
        shown = _root(self._session.state)
        return (
            self._path if shown is not None and self._model is not None and shown is self._model() else None
        )

    @property
    def is_changed(self) -> bool:
        """Whether the session is different from its file."""
        if self.path is None:
            return False
        saved, session = self._saved, self._session
        return saved is None or saved[0]() is not session.state or saved[1] is not session.places.all

    @property
    def suggested(self) -> Path | None:
        """Where to save a session that has no file yet: beside the checkpoint, if it may be written there."""
        model = self._session.model
        if model is None or model.origin is None:
            return None
        try:
            return sidecars.writable_place(model.origin.path, SUFFIX[1:])
        except OSError:
            return paths.sidecar(model.origin.path, SUFFIX[1:])

    # ---- saving ----

    def save(self) -> Job | None:
        """Save to the session's file; None where it has none, which `save_as` gives it."""
        return self.save_as(self.path) if self.path is not None else None

    def save_as(self, path: Path | str) -> Job | None:
        """Save to another file, which becomes the session's; None where no model is open."""
        if self._session.model is None:
            self._session.tell("error", "There is no session to save yet; open a model first.")
            return None
        place = Path(path).absolute()
        if not place.name.lower().endswith(SUFFIX):
            place = place.with_name(place.name.removesuffix(".json") + SUFFIX)
        moment = moment_of(self._session)

        def write(_progress: Progress, should_stop: ShouldStop) -> tuple[Path, Moment, str]:
            scribe = Scribe()
            text = scribe.describe(moment, place.parent)
            with _writing:
                if should_stop():  # a newer one of the same file came first
                    raise Cancelled
                paths.write_text(place, text)
            return place, moment, scribe.left_out

        job = self._jobs.start(f"save session {place}", write)
        job.succeeded.connect(self._on_saved)
        job.failed.connect(self._on_failed)
        job.finished.connect(self._on_save_finished)
        self._saving.append(job)
        return job

    @Slot(object)
    def _on_saved(self, result: tuple[Path, Moment, str]) -> None:
        path, moment, left_out = result
        self._become(path, moment)
        self.saved.emit(str(path))
        if left_out:
            self._session.tell(
                "warning",
                f"The session is saved as {path.name}, without {left_out} that are too large for it.",
            )
        else:
            self._session.tell("info", f"The session is saved as {path.name}.")

    @Slot()
    def _on_save_finished(self) -> None:
        self._saving = [job for job in self._saving if job.is_running()]

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        self._session.tell("error", sentence)

    # ---- opening ----

    def open(self, path: Path | str) -> Job:
        """Read a session file and its checkpoints, then become that session; failing is told, nothing changes."""
        job = self._jobs.start("open", partial(open_session, Path(path).absolute(), models=self._models))
        job.succeeded.connect(self._on_opened)
        job.failed.connect(self._on_failed)
        return job

    @Slot(object)
    def _on_opened(self, result: tuple[SavedSession, Restored]) -> None:
        saved, restored = result
        moment, session = restored.moment, self._session
        self.recovery.keep_as_last()
        session.restore(moment.state, moment.past, moment.future, moment.rows)
        session.places.restore(moment.places)
        session.focus(moment.focused)
        self.restored.emit()
        if self.recovery.owns(saved.file):
            file = saved.session_path
            self._become(Path(file) if file is not None and Path(file).is_file() else None, None)
            self.recovery.adopt(saved.file)
        else:
            self._become(saved.file, moment_of(session) if not restored.warnings else None)
            self.opened.emit(str(saved.file))
        for warning in restored.warnings:
            session.tell("warning", warning)

    # ---- end ----

    def close(self) -> None:
        """Wait for what is being saved, and end cleanly; before the jobs are stopped."""
        for job in list(self._saving):
            job.wait()
        self.recovery.close()

    def _become(self, path: Path | None, moment: Moment | None) -> None:
        """Know a file as the session's; it holds `moment`, None where it holds something else."""
        if moment is not None and _root(moment.state) is not _root(self._session.state):
            return  # saved just before another model was opened
        root = _root(self._session.state)
        self._path, self._model = path, weakref.ref(root) if root is not None else None
        self._saved = (weakref.ref(moment.state), moment.places) if moment is not None else None
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        now = self.path, self.is_changed
        if now != self._told:
            self._told = now
            self.recovery.session_path = now[0]
            self.changed.emit()


def _root(state: State) -> Opened | None:
    """Return what the session's file is kept by: all epochs of a run have the same."""
    return state.opened.root if state.opened is not None else None
