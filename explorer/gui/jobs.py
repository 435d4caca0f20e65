"""One-off long work beside the window: opening, exporting, training. What to do comes from outside.

Work runs in a thread of its own and gets `progress(fraction, text)` and `should_stop()`. Cancelled means
asked: the job ends when its work returns, and `finished` says when.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot

from explorer.errors import Cancelled, ExplorerError

log = logging.getLogger(__name__)

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]
Work = Callable[[Progress, ShouldStop], object]

BUG = "Something went wrong inside the program; nothing was lost, and the log has the details."


class Job(QObject):
    """One run of long work. All its signals come in the GUI thread, `finished` last and always."""

    progressed = Signal(float, str)  # 0..1, what is being done
    succeeded = Signal(object)  # what the work returned
    failed = Signal(str)  # a finished sentence
    bugged = Signal(str)  # before `failed`, where that was a bug: its traceback
    cancelled = Signal()
    finished = Signal()

    _progress_made = Signal()  # the two hops from the thread
    _work_ended = Signal()

    def __init__(self, kind: str, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self._work: Work | None = work
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._progress: tuple[float, str] | None = None  # newest not yet shown
        self._value: object = None
        self._error: Exception | None = None
        self._is_finished = False
        self._progress_made.connect(self._on_progress_made, Qt.ConnectionType.QueuedConnection)
        self._work_ended.connect(self._on_work_ended, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name=f"job {kind}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the work to stop; whatever it still returns is dropped."""
        self._stop.set()

    def is_running(self) -> bool:
        """Return whether the job has not finished."""
        return not self._is_finished

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the thread and say how it ended; return False where it did not end in time."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            return False
        self._on_work_ended()
        return True

    # ---- in the thread ----

    def _run(self) -> None:
        assert self._work is not None
        try:
            self._value = self._work(self._report, self._stop.is_set)
        except Exception as error:  # told in the GUI thread
            self._error = error
        self._work_ended.emit()

    def _report(self, fraction: float, text: str = "") -> None:
        """Keep the newest progress only, so that a chatty worker cannot flood the window."""
        with self._lock:
            is_told = self._progress is not None
            self._progress = (float(fraction), str(text))
        if not is_told:
            self._progress_made.emit()

    # ---- in the GUI thread ----

    @Slot()
    def _on_progress_made(self) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
        if progress is not None and not self._stop.is_set() and not self._is_finished:
            self.progressed.emit(*progress)

    @Slot()
    def _on_work_ended(self) -> None:
        if self._is_finished:
            return
        self._is_finished = True
        self._thread.join()  # it has nothing left to do
        self._work = None
        error, value, self._value = self._error, self._value, None
        if self._stop.is_set() or isinstance(error, Cancelled):
            self.cancelled.emit()
        elif isinstance(error, ExplorerError):
            self.failed.emit(str(error))
        elif error is not None:
            log.error("a bug in the job %s; please report it", self.kind, exc_info=error)
            self.bugged.emit("".join(traceback.format_exception(error)))
            self.failed.emit(BUG)
        else:
            self.succeeded.emit(value)
        self.finished.emit()


class JobRunner(QObject):
    """Starts jobs; a second one of a kind cancels the first."""

    bugged = Signal(str)  # the traceback of a bug in any job

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: list[Job] = []

    def start(self, kind: str, work: Work) -> Job:
        """Run `work(progress, should_stop)` in a thread and return its job; connect to its signals at once.

        Work of the same kind that still runs is cancelled. Signals come no sooner than the event loop runs.
        """
        self.cancel(kind)
        job = Job(kind, work, self)
        job.finished.connect(self._on_finished)
        job.bugged.connect(self.bugged)
        self._jobs.append(job)
        job.start()
        return job

    def cancel(self, kind: str) -> None:
        """Ask the work of a kind to stop."""
        for job in self._jobs:
            if job.kind == kind:
                job.cancel()

    def is_running(self, kind: str) -> bool:
        """Return whether work of a kind has not finished."""
        return any(job.kind == kind for job in self._jobs)

    def close(self, timeout: float | None = None) -> bool:
        """Ask all work to stop and wait for it, `timeout` seconds in all; return whether all of it ended."""
        jobs = list(self._jobs)
        for job in jobs:
            job.cancel()
        deadline = None if timeout is None else time.monotonic() + timeout
        ended = [job.wait(None if deadline is None else max(deadline - time.monotonic(), 0)) for job in jobs]
        return all(ended)

    @Slot()
    def _on_finished(self) -> None:
        still = []
        for job in self._jobs:
            if job.is_running():
                still.append(job)
            else:
                job.setParent(None)  # whoever started it may keep it; nobody else does
        self._jobs = still
