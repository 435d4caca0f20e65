"""Where bugs come together, from whatever thread: what nobody caught, what a job or a decode stumbled over.

`Bugs` counts and tells; `Hooks` catches what Python would only print. How a bug is shown is `bug_dialog.py`.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from explorer.errors import ExplorerError
from explorer.render import failures

if TYPE_CHECKING:
    from explorer.render.requests import Result

log = logging.getLogger(__name__)

KINDS = 20  # bugs that are kept; after so many different ones the first say more than the next


class Bugs(QObject):
    """Every bug of this run with its count; the same one again only counts.

    `add` may be called from any thread. Its signals are to be connected queued, as a bug may happen in the
    middle of painting: nothing must be shown there.
    """

    happened = Signal(str)  # the traceback of a bug that is new
    repeated = Signal(str)  # one that is known came again; not told twice before `counted`
    misused = Signal(str)  # the sentence of an error that nobody caught, and that is no bug

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.RLock()  # collecting garbage may raise the next one in here
        self._traces: dict[str, str] = {}  # the first of each kind
        self._counts: dict[str, int] = {}
        self._is_told = False

    @property
    def all(self) -> list[tuple[str, int]]:
        """Every different traceback and how often it came, in the order they came first."""
        with self._lock:
            return [(trace, self._counts[key]) for key, trace in self._traces.items()]

    def add(self, trace: str) -> bool:
        """Take a traceback's text from any thread; return whether the bug is new."""
        key = _kind_of(trace)
        with self._lock:
            is_new = key not in self._counts and len(self._counts) < KINDS
            if is_new:
                self._traces[key] = trace
            if is_new or key in self._counts:
                self._counts[key] = self._counts.get(key, 0) + 1
            was_told, self._is_told = self._is_told, self._is_told or not is_new
        if is_new:
            self.happened.emit(trace)
        elif not was_told:
            self.repeated.emit(self._traces.get(key, trace))
        return is_new

    def counted(self) -> None:
        """Take note that `repeated` was heard."""
        with self._lock:
            self._is_told = False

    def on_result(self, result: Result) -> None:
        """Take what an answer of the decode thread says of a bug; it logs its own.

        A network that fails is the network's bug: the sentence names it, and has the details.
        """
        if result.bug and result.error == failures.BUG:
            self.add(result.bug)


def _kind_of(trace: str) -> str:
    """Return what is equal for the same bug: its traceback, without the values that its last lines may name.

    PySide writes before the message of an error through which of Qt's functions it came, or does not.
    """
    trace = re.sub(r"(Error calling Python override of [\w:]+\(\): )+", "", trace)
    return "\n".join(
        line if line.startswith("  ") else re.sub(r"0x[0-9a-f]+|\d[\d.,e+-]*", "#", line)
        for line in trace.splitlines()
    )


class Hooks:
    """What Python calls for an error that nobody caught; `remove` puts back what was there before."""

    def __init__(self, bugs: Bugs) -> None:
        self._bugs = bugs
        self._before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        sys.excepthook = self._on_uncaught
        threading.excepthook = self._on_thread_ended
        sys.unraisablehook = self._on_unraisable

    def remove(self) -> None:
        """Let Python do what it did before."""
        sys.excepthook, threading.excepthook, sys.unraisablehook = self._before

    def _on_uncaught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, Exception):
            self._take(error, trace, "")
        else:
            self._before[0](kind, error, trace)  # somebody wants the program to end

    def _on_thread_ended(self, caught: Any) -> None:
        if caught.exc_value is not None and not issubclass(caught.exc_type, SystemExit):
            name = caught.thread.name if caught.thread is not None else "unknown"
            self._take(caught.exc_value, caught.exc_traceback, f"In the thread {name}:\n")

    def _on_unraisable(self, caught: Any) -> None:
        if caught.exc_value is not None:
            self._take(caught.exc_value, caught.exc_traceback, f"{caught.err_msg or 'Ignored'}:\n")

    def _take(self, error: BaseException, trace: TracebackType | None, where: str) -> None:
        try:
            if isinstance(error, ExplorerError):
                log.warning("an error was not caught", exc_info=(type(error), error, trace))
                self._bugs.misused.emit(str(error))
                return
            text = where + "".join(traceback.format_exception(type(error), error, trace))
            if self._bugs.add(text):  # only then: painting may fail a hundred times a second
                log.error("a bug; please report it: %s", text)
        except Exception:  # the last resort, such as a hub that Qt has deleted: at least it is printed
            sys.__excepthook__(type(error), error, trace)
