"""Which moments are worth a place of the history: arrivals at once, a drag when it rests; no widget.

What a place is, and what is kept of it, is `places`'. Undo, redo and playing the strip make no place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer

from explorer.gui.session import Session

if TYPE_CHECKING:
    from explorer.formats import Opened

REST = 1500  # milliseconds without a move
PASSING = ("Play",)  # steps that go by themselves, so that where they rest is nobody's choice


class HistoryKeeper(QObject):
    """Listens to the session and keeps places.

    Args:
        rest: milliseconds after which a drag counts as at rest.
    """

    def __init__(self, session: Session, parent: QObject | None = None, *, rest: int = REST) -> None:
        super().__init__(parent)
        self._session = session
        self._rest = rest
        self._start: tuple[Opened, str, np.ndarray, int | None] | None = None  # of a model, until it is left
        self._what = ""  # the drag's name
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timeout)
        session.model_changed.connect(self._on_model_changed)
        session.options_changed.connect(self._on_label_changed)
        session.code_changed.connect(self._on_code_changed)
        session.arrived.connect(self._on_arrived)

    def close(self) -> None:
        """Wait for no drag any more."""
        self._forget_drag()

    def _on_model_changed(self) -> None:
        """Remember where a model that has not been seen begins."""
        self._forget_drag()
        session = self._session
        opened = session.state.opened.root if session.state.opened is not None else None
        is_new = opened is not None and session.places.last is None
        here = session.state.space, session.code, session.known_label
        self._start = (opened, *here) if opened is not None and is_new else None

    def _on_label_changed(self) -> None:
        if self._start is not None and self._session.known_label != self._start[3]:
            self._keep_start()

    def _on_code_changed(self) -> None:
        """Note a move; this stands between a slider and its picture, so it does next to nothing."""
        if self._start is not None and self._session.code is not self._start[2]:
            self._keep_start()
        if not self._session.is_moving or (what := self._session.undo_text) in PASSING:
            self._forget_drag()
            return
        self._what = what
        self._clock.start()
        if not self._timer.isActive():  # it looks at the clock itself, so a move need not start it anew
            self._timer.start(self._rest)

    def _on_timeout(self) -> None:
        """Keep where a drag rests, or wait for what is left; whatever else changes the code stops the timer."""
        left = self._rest - self._clock.elapsed()
        if left > 0:
            self._timer.start(left)
        else:
            self._session.places.keep(self._what)

    def _on_arrived(self, what: str) -> None:
        self._forget_drag()
        self._session.places.keep(what)

    def _keep_start(self) -> None:
        assert self._start is not None
        (opened, space, code, label), self._start = self._start, None
        now = self._session.state.opened
        if now is not None and now.root is opened:
            self._session.places.keep_code(space, code, "Start", label=label)

    def _forget_drag(self) -> None:
        self._timer.stop()
