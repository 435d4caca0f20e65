"""The watchdog: notices a decode thread that hangs or is dead, and says so. What to do about it others decide.

It looks only while pictures are outstanding, by a single-shot timer; with nothing asked for, nothing runs.
"""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from explorer.gui.pictures import PictureSource
from explorer.render.pulse import Pulse

FACTOR = 20.0
"""A piece of work that takes so many times as long as usual is a silence."""

FLOOR = 2.0
"""No silence is shorter, in seconds: a machine may be busy with something else."""

FIRST_FLOOR = 30.0
"""Nor one of the first pieces: torch is imported, a model moved to its device, and nothing is usual yet."""

FIRST_PIECES = 3
AGAIN = 10.0  # seconds before a dead thread is told again, when it is asked for something
_LATE = 1.0  # seconds by which the timer may be late: later, this whole process stood still, not the thread


DEATH = "The decoder has stopped, so no picture comes any more; start it again, nothing else is lost."


def silence_text(name: str, seconds: float, usual: float) -> str:
    """Return what to say of a model that has been silent for so many seconds."""
    than = f", where {_rounded(1000 * usual)} ms are usual" if 0 < usual < 1 else ""
    return (
        f"The decoder of {name} has not answered for {seconds:.0f} s{than}; wait for it, or start it again: "
        "nothing else is lost."
    )


def _rounded(milliseconds: float) -> str:
    """Return a time with two significant digits; more would pretend to know."""
    return f"{float(f'{milliseconds:.1e}'):.12g}"


class Watched(Protocol):
    """What the watchdog needs of the decode thread."""

    result: SignalInstance
    died: SignalInstance

    def pulse(self) -> Pulse:
        """Return how long the piece of work has run."""

    def restart(self) -> None:
        """Begin another thread."""


class Watchdog(QObject):
    """Watches the decode thread while something is asked of it.

    Args:
        floor, first_floor: see `FLOOR` and `FIRST_FLOOR`; tests have less patience.
    """

    silent = Signal(
        float, float
    )  # for how many seconds a piece of work has run, and how long it usually takes
    answered = Signal()  # what had been silent came back by itself, or the thread was replaced
    died = Signal()  # the thread ended without having been closed

    def __init__(
        self,
        worker: Watched,
        pictures: PictureSource,
        parent: QObject | None = None,
        floor: float = FLOOR,
        first_floor: float = FIRST_FLOOR,
    ) -> None:
        super().__init__(parent)
        self._worker = worker
        self._pictures = pictures
        self._floor = floor
        self._first_floor = first_floor
        self._armed = 0.0  # when something was first asked for
        self._due = 0.0  # when the timer should fire
        self._silence: float | None = None  # when the piece began that is silent
        self._told_death = -AGAIN
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_timeout)
        pictures.asked.connect(self._on_asked)
        worker.died.connect(self._on_died)

    @property
    def is_silent(self) -> bool:
        """Whether a piece of work hangs, as far as is known."""
        return self._silence is not None

    def restart(self) -> None:
        """Leave the thread behind, begin another with the same models, and ask it for all that is outstanding."""
        self._worker.restart()
        self.stop()
        self._told_death = -AGAIN
        self.answered.emit()
        self._pictures.resubmit()

    def stop(self) -> None:
        """Watch no longer, until something is asked for again: the window is closing."""
        self._timer.stop()
        self._leave_silence()

    # ---- reactions ----

    def _on_asked(self) -> None:
        self._armed = monotonic()
        if not self._timer.isActive():
            self._start(self._floor)

    def _on_died(self) -> None:
        self.stop()
        now = monotonic()
        if now - self._told_death >= AGAIN:
            self._told_death = now
            self.died.emit()

    def _on_timeout(self) -> None:
        if self._silence is not None:
            self._look_for_an_answer()
        elif self._pictures.is_waiting():
            self._look_for_a_silence()

    def _look_for_a_silence(self) -> None:
        pulse, now = self._worker.pulse(), monotonic()
        if pulse.since is None or now - self._due > _LATE:
            self._start(self._floor)
            return
        lasted, limit = now - max(pulse.since, self._armed), self._limit(pulse)
        if lasted < limit:
            self._start(limit - lasted)
            return
        self._silence = pulse.since
        self._worker.result.connect(self._look_for_an_answer)
        self._start(self._floor)
        self.silent.emit(now - pulse.since, pulse.usual)

    def _look_for_an_answer(self, _result: object = None) -> None:
        """Say so if the piece of work has ended; an end without a result is found by the timer."""
        if self._worker.pulse().since == self._silence:
            self._start(self._floor)
            return
        self._leave_silence()
        self.answered.emit()
        if self._pictures.is_waiting():
            self._on_asked()

    def _limit(self, pulse: Pulse) -> float:
        floor = self._first_floor if pulse.pieces < FIRST_PIECES else self._floor
        return max(floor, FACTOR * pulse.usual)

    def _leave_silence(self) -> None:
        if self._silence is not None:
            self._silence = None
            self._worker.result.disconnect(self._look_for_an_answer)

    def _start(self, seconds: float) -> None:
        self._due = monotonic() + seconds
        self._timer.start(max(round(1000 * seconds), 10))
