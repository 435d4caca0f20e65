"""What is left of a session after a crash or a kill: kept on the disk while the program runs, offered afterwards.

Soon after a change a thread writes the session to `recovery/ID.session.json` in the user's state folder. A clean
end makes of it `last.session.json`; whatever else ends the program leaves it where it is, and the next start
offers it (see `left_sessions`). Saving and opening are `session_keeper`'s.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from explorer import paths
from explorer.errors import OutputError
from explorer.gui.jobs import Job, Progress, ShouldStop
from explorer.gui.session import Session
from explorer.gui.sessions.left_sessions import Found, LeftSessions
from explorer.gui.sessions.session_file import SUFFIX, Moment, Scribe, moment_of

log = logging.getLogger(__name__)

INTERVAL = 1500  # milliseconds from a change to its writing
LAST = f"last{SUFFIX}"


class Recovery(QObject):
    """Keeps the session of one window on the disk, and finds what others have left.

    Args:
        session: whose.
        folder: of the files; the user's state folder by default.
        parent: owner.

    `session_path` is where a person saved the session, so that a recovered one knows its file.
    """

    def __init__(self, session: Session, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        state = paths.user_folder("state")
        self._state_folder = folder if folder is not None else state
        self._left = LeftSessions(self._state_folder / "recovery")
        self.session_path: Path | None = None
        self._own: Path | None = None  # once there is something to keep
        self._scribe = Scribe()
        self._job: Job | None = None
        self._is_over = False
        self._has_told = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._on_due)
        for signal in (
            session.code_changed,
            session.strip_changed,
            session.undo_changed,
            session.rows_changed,
            session.focus_changed,
            session.weights_changed,
            session.places.changed,
        ):
            signal.connect(self._on_changed)

    # ---- keeping ----

    @property
    def last(self) -> Path | None:
        """The session that ended last, or that was replaced by another; None where there is none."""
        path = self._state_folder / LAST
        return path if path.is_file() else None

    def owns(self, path: Path) -> bool:
        """Return whether a file is one of these doubles, not one that a person saved."""
        return path.parent in (self._left.folder, self._state_folder)

    def keep_as_last(self) -> bool:
        """Write the session as the last one, as it ends or another takes its place; return whether that could be."""
        self._wait()
        if self._is_worth_keeping():
            try:
                self._write(moment_of(self._session), self._state_folder / LAST, self.session_path)
            except (OSError, OutputError) as error:
                log.info("the session could not be kept as the last one: %s", error)
                return False
        return True

    def close(self) -> None:
        """End cleanly: the session becomes the last one, and nothing is left to recover."""
        self._timer.stop()
        if self._is_over:
            return
        self._is_over = True
        if self.keep_as_last() and self._own is not None:
            with contextlib.suppress(OSError):  # then it is offered at the next start
                self._left.remove(self._own)
        self._left.close()

    @Slot()
    def _on_changed(self) -> None:
        if not self._timer.isActive() and not self._is_over and self._is_worth_keeping():
            self._timer.start()

    def _is_worth_keeping(self) -> bool:
        """Return whether anything was done; a model that was only opened is none."""
        session = self._session
        if session.state.opened is None:
            return False
        if session.can_undo or session.can_redo or self._own is not None:
            return True
        words = sum(1 for place in session.places.all if place.starred or place.name)
        return words > len(session.state.opened.notes.places)

    @Slot()
    def _on_due(self) -> None:
        if self._job is not None:  # the disk is slow; what changed meanwhile has its turn after this
            self._timer.start()
            return
        if not self._is_worth_keeping() or not self._has_own_file():
            return
        moment, path, session_path = moment_of(self._session), self._own, self.session_path

        def write(_progress: Progress, _should_stop: ShouldStop) -> None:
            assert path is not None
            self._write(moment, path, session_path)

        self._job = Job("autosave", write, self)
        self._job.failed.connect(self._on_failed)
        self._job.finished.connect(self._on_written)
        self._job.start()

    def _write(self, moment: Moment, path: Path, session_path: Path | None) -> None:
        """Write a moment, in whatever thread; never two at once."""
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.write_text(path, self._scribe.describe(moment, None, session_path))

    @Slot()
    def _on_written(self) -> None:
        if self._job is not None:
            self._job.setParent(None)
        self._job = None

    @Slot(str)
    def _on_failed(self, sentence: str) -> None:
        if not self._has_told:
            self._has_told = True
            self._session.tell("warning", f"After a crash this session could not be brought back. {sentence}")

    def _wait(self) -> None:
        if self._job is not None:
            self._job.wait()

    def _has_own_file(self) -> bool:
        """Take a file of its own, unless there is one; return whether there is one now."""
        if self._own is None:
            try:
                self._own = self._left.new()
            except OSError as error:
                reason = (error.strerror or "failed").lower()
                self._on_failed(f"{self._left.folder} cannot be written ({reason}); make room or free it.")
        return self._own is not None

    # ---- bringing back ----

    def pending(self) -> Found | None:
        """Return the newest session that a dead process has left; see `LeftSessions.pending`."""
        return self._left.pending()

    def discard(self, found: Found) -> None:
        """Throw a left session away."""
        self._left.remove(found.path)

    def adopt(self, path: Path) -> None:
        """Go on in the file of a session that was brought back, so that it is on the disk all the time."""
        if path == self._own or not self._left.has(path):
            return
        self._wait()
        if self._own is not None:
            self._left.remove(self._own)
        self._own = path
