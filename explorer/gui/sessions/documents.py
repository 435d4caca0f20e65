"""The session as a document in the window: menus that save and open it, the title, recent files, what a crash left."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from explorer import paths
from explorer.formats import run_epochs
from explorer.gui import file_dialogs
from explorer.gui.jobs import Job, JobRunner
from explorer.gui.opener import Opener
from explorer.gui.session import Session
from explorer.gui.sessions.session_file import SUFFIX
from explorer.gui.sessions.session_keeper import SessionKeeper

if TYPE_CHECKING:
    from explorer.formats.loaded import LoadedModels
    from explorer.formats.recent import Kind
    from explorer.gui.main_window import MainWindow
    from explorer.gui.sessions.left_sessions import Found
    from explorer.models.base import LatentModel, Origin, StageModel

FILTER = f"Sessions (*{SUFFIX})"


class Documents(QObject):
    """Joins the keeper of sessions with menus, dialogs and the canvas."""

    def __init__(
        self, session: Session, jobs: JobRunner, opener: Opener, window: MainWindow, models: LoadedModels
    ) -> None:
        super().__init__(window)
        self._session = session
        self._jobs = jobs
        self._opener = opener
        self._window = window
        self.keeper = SessionKeeper(session, jobs, parent=self, models=models)
        actions = window.actions_by_name
        actions["save_session"].triggered.connect(self._on_save)
        actions["save_session_as"].triggered.connect(self._on_save_as)
        actions["reopen_session"].triggered.connect(self._on_reopen)
        opener.session_wanted.connect(self.open)
        opener.network_read.connect(self._on_network_read)
        self.keeper.opened.connect(self._remember_session)
        self.keeper.saved.connect(self._remember_session)
        self.keeper.changed.connect(self._refresh_title)
        session.model_changed.connect(self._refresh_title)
        session.weights_changed.connect(self._refresh_title)

    def open(self, path: str) -> None:
        """Open a saved session."""
        self._open(path, f"Opening {Path(path).name}")

    def offer_recovery(self) -> None:
        """Offer what a crash has left, if it has left something; once that is decided, the next."""
        found = self.keeper.recovery.pending()
        if found is not None:
            actions = [
                ("&Restore", partial(self._on_restore, found)),
                ("&Discard", partial(self._on_discard, found)),
            ]
            self._window.canvas.offer(found.sentence, actions)

    # ---- a person did something ----

    def _on_save(self) -> None:
        if self.keeper.path is None:
            self._on_save_as()
        else:
            self.keeper.save()

    def _on_save_as(self) -> None:
        suggested = self.keeper.path or self.keeper.suggested
        name = str(suggested) if suggested is not None else "my.session.json"
        path = file_dialogs.ask_save(self._window, "Save the session", name, FILTER, SUFFIX)
        if path:
            self.keeper.save_as(path)

    def _on_reopen(self) -> None:
        last = self.keeper.recovery.last
        if last is None:
            self._session.tell("info", "There is no session of before yet.")
        else:
            self._open(last, "Opening the session")

    def _on_restore(self, found: Found) -> None:
        self._open(found.path, "Opening the session").finished.connect(self.offer_recovery)

    def _on_discard(self, found: Found) -> None:
        self.keeper.recovery.discard(found)
        self.offer_recovery()

    def _open(self, path: Path | str, text: str) -> Job:
        self._opener.began.emit()  # before anything is read: what is not written yet has its turn now
        job = self.keeper.open(path)
        self._opener.watch(job, text)
        return job

    # ---- what is shown and remembered ----

    def _refresh_title(self) -> None:
        model, path = self._session.model, self.keeper.path
        if model is None:
            return
        file = f" ({path.name}[*])" if path is not None else ""
        place = run_epochs.place_of(model.origin.path) if model.origin is not None else None
        epoch = f", epoch {place[1]}" if place is not None else ""
        self._window.setWindowTitle(f"{run_epochs.name_of(model)}{epoch}{file} - Latent Explorer")
        self._window.setWindowModified(path is not None and self.keeper.is_changed)

    def _on_network_read(self, model: LatentModel | StageModel, kind: Kind) -> None:
        if model.origin is None or model.origin.path.is_relative_to(paths.checkpoints()):
            return
        place = run_epochs.place_of(model.origin.path)
        path = place[0] if place is not None else model.origin.path  # a run is one thing to come back to
        self._remember(path, run_epochs.name_of(model), model.origin, kind)

    def _remember_session(self, path: str) -> None:
        self._remember(Path(path), Path(path).name.removesuffix(SUFFIX), None, "session")

    def _remember(self, path: Path, name: str, origin: Origin | None, kind: Kind) -> None:
        def add(progress: Any, should_stop: Any) -> None:
            from explorer.formats import recent

            recent.add(path, name, origin.sha256 if origin else None, kind)  # the hash may take its time

        self._jobs.start(f"remember {path}", add)
