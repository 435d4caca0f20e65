"""What no test may leave behind: running threads, timers, windows, warnings in the log.

`watch` is the body of an automatic fixture in conftest.py; the rest finds what is there. Qt is looked at only
where a test has imported it.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

GRACE_SECONDS = 2.0
_EXPECTED_WINDOWS = ("QTipLabel",)  # Qt's own tooltip, kept for the next one

_started: dict[str, weakref.WeakSet[Any]] = {"QThread": weakref.WeakSet(), "QTimer": weakref.WeakSet()}


class LogCatcher(logging.Handler):
    """Keeps what is logged at warning level or above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}")


def remember_starts() -> None:
    """Make QThread and QTimer remember which of them were started, once Qt is there. May be called often."""
    core = sys.modules.get("PySide6.QtCore")
    if core is None:
        return
    for name, objects in _started.items():
        start = getattr(core, name).start
        if getattr(start, "remembers", False):
            continue

        def remembering(self: Any, *args: Any, _start: Any = start, _objects: Any = objects) -> Any:
            _objects.add(self)
            return _start(self, *args)

        remembering.remembers = True  # type: ignore[attr-defined]
        setattr(getattr(core, name), "start", remembering)  # noqa: B010 - a name known only here


def running_threads() -> set[str]:
    """Return the Python threads that run, and the QThreads."""
    threads = {f"thread {t.name}" for t in threading.enumerate() if t is not threading.main_thread()}
    return threads | {f"QThread {t.objectName()}" for t in _alive("QThread") if t.isRunning()}


def active_timers() -> set[str]:
    """Return the QTimers that still tick."""
    return {
        f"timer of {timer.parent()!r}, every {timer.interval()} ms"
        for timer in _alive("QTimer")
        if timer.isActive()
    }


def open_windows() -> set[str]:
    """Return the widgets without a parent that are alive."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return set()
    return {
        f"window {widget!r}"
        for widget in widgets.QApplication.topLevelWidgets()
        if widget.parent() is None
        and type(widget).__name__ not in _EXPECTED_WINDOWS
        and widget.metaObject().className() not in _EXPECTED_WINDOWS
    }


def left_behind(before: set[str]) -> set[str]:
    """Return what is there now and was not in `before`, after waiting a little for what is just ending."""
    deadline = time.monotonic() + GRACE_SECONDS
    while True:
        left = everything() - before
        if not left or time.monotonic() > deadline:
            return left
        _delete_later()
        gc.collect()
        time.sleep(0.005)


def everything() -> set[str]:
    """Return all that a test could leave behind."""
    return running_threads() | active_timers() | open_windows()


def watch(may_log: bool) -> Iterator[None]:
    """Fail the test that runs during the `yield` if it leaves something, or logs what it does not look at."""
    remember_starts()
    before = everything()
    catcher = LogCatcher()
    logging.getLogger().addHandler(catcher)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(catcher)
    remember_starts()
    left = left_behind(before)
    assert not left, "the test left behind: " + ", ".join(sorted(left))
    assert may_log or not catcher.lines, (
        "the test logged (use the fixture caplog where that is meant): " + "; ".join(catcher.lines)
    )


def _alive(name: str) -> list[Any]:
    if not _started[name]:
        return []
    from shiboken6 import isValid

    return [thing for thing in _started[name] if isValid(thing)]


def _delete_later() -> None:
    core = sys.modules.get("PySide6.QtCore")
    if core is not None and core.QCoreApplication.instance() is not None:
        core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete)
