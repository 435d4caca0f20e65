"""Presses of a key in a row, on one thing, become one step of undo, as a drag is one."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, QTimer

from explorer.gui.session import Session

REST = 1000  # milliseconds without a press, after which the next one is another step


class StepRun(QObject):
    """Commits what keys did once they rest; whatever else changes the code ends the run by itself."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._what: object = None
        self._code: np.ndarray | None = None  # that the last press led to
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST)
        self._timer.timeout.connect(self._commit)

    def go_on(self, what: object = None) -> None:
        """Take a press: it is about to move `what`, and ends the run of anything else."""
        if what != self._what:
            self.end()
        self._timer.stop()
        self._what = what

    def rest(self) -> None:
        """Wait for the next press: the key was let go."""
        self._code = self._session.code
        self._timer.start()

    def end(self) -> None:
        """Wait no longer: what comes now is another step."""
        if self._timer.isActive():
            self._timer.stop()
            self._commit()

    def _commit(self) -> None:
        if self._session.code is self._code:  # else it is somebody else's step, which may still last
            self._session.commit()
