"""Runs the current code from anchor A to anchor B, by the clock; the canvas follows as with a slider."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.latent import interpolation

FRAME = 40  # milliseconds between two codes
PACE = 350  # milliseconds from one picture of the strip to the next
SHORTEST = 1400  # milliseconds from A to B


class StripPlayer(QObject):
    """Plays once or back and forth, pauses, and gives way to whatever else moves the code.

    A whole run is one undo step. The timer runs only while it plays.
    """

    moved = Signal(object)  # where on the strip, 0 (A) .. 1 (B)
    running_changed = Signal()

    def __init__(self, session: Session, pictures: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._place = 0.0
        self._direction = 1
        self._shown: np.ndarray | None = None  # the code that play has set last
        self._to_and_fro = False
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME)
        self._timer.timeout.connect(self._on_timeout)
        self._clock = QElapsedTimer()
        session.code_changed.connect(self._on_code_changed)
        session.anchors_changed.connect(self._on_ends_changed)
        session.model_changed.connect(self._on_ends_changed)
        session.space_changed.connect(self._on_ends_changed)

    @property
    def is_running(self) -> bool:
        """Whether it plays now."""
        return self._timer.isActive()

    @property
    def duration(self) -> int:
        """Milliseconds from A to B."""
        return max(SHORTEST, PACE * (self._session.strip.steps + 1))

    def set_to_and_fro(self, on: bool) -> None:
        """Turn round at the ends instead of stopping at B."""
        self._to_and_fro = on

    def toggle(self) -> None:
        """Pause, or play: on from where it was paused, else from A."""
        if self.is_running:
            self.pause()
        elif all(self._session.anchors.values()):
            if self._shown is None or not 0 < self._place < 1 or self._session.code is not self._shown:
                self._place, self._direction = 0.0, 1
            self._session.commit()
            self._pictures.dragging(True, by="play")
            self._clock.start()
            self._timer.start()
            self._show()
            self.running_changed.emit()

    def pause(self) -> None:
        """Stop where it is; what follows is another undo step."""
        if self._halt():
            self._session.commit()

    def _halt(self) -> bool:
        if not self.is_running:
            return False
        self._timer.stop()
        self._pictures.dragging(False, by="play")
        self.running_changed.emit()
        return True

    def _on_timeout(self) -> None:
        self._place += self._direction * self._clock.restart() / self.duration
        if not 0.0 <= self._place <= 1.0 or (self._place == 1.0 and self._direction == 1):
            if not self._to_and_fro:
                self._place = 1.0
                self._show()
                self.pause()
                return
            self._direction = -1 if self._place >= 1.0 else 1
            self._place = min(max(self._place, 0.0), 1.0)
        self._show()

    def _show(self) -> None:
        first, last = self._session.anchors.values()
        assert first is not None
        assert last is not None
        between = {"lerp": interpolation.lerp, "slerp": interpolation.slerp}[self._session.strip.path]
        ends = {0.0: first.code, 1.0: last.code}
        code = ends.get(self._place)
        self._shown = None  # so that `_on_code_changed` knows this change as ours
        self._session.set_code(
            between(first.code, last.code, self._place) if code is None else code, what="Play", merge="play"
        )
        self._shown = self._session.code
        self.moved.emit(self._place)

    def _on_code_changed(self) -> None:
        if self._shown is not None and self._session.code is not self._shown:
            self._halt()  # no commit: a drag that has just begun stays one step

    def _on_ends_changed(self) -> None:
        self.pause()
