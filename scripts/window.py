"""The real window, driven from a script: opened at a size, in a theme, waited for until it is at rest."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

QUIET_SECONDS = 0.4
PATIENCE_SECONDS = 60.0
SETTLE_MILLISECONDS = 150
JOBS = ("open", "stage", "export preview", "doctor", "doctor build")


@contextmanager
def opened(
    theme_name: str,
    width: int,
    height: int,
    model: str | None = None,
    stages: tuple[str, ...] = (),
    before: Callable | None = None,
) -> Iterator:
    """Yield the running `explorer.gui.app.App`, at rest with its first picture, with settings of its own.

    `before` is called with it while the window is still without a model.
    """
    with tempfile.TemporaryDirectory() as folder:
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
            os.environ[variable] = folder
        from PySide6.QtCore import QPoint
        from PySide6.QtGui import QCursor

        from explorer.gui import theme
        from explorer.gui.app import App, make_application

        application = make_application()
        theme.prefer(theme_name)
        QCursor.setPos(QPoint(0, 0))
        app = App()
        app.window.resize(width, height)
        try:
            if before is not None:
                _show_empty(app)
                before(app)
            app.start(model, stages)
            if before is not None:
                app.window.exposed.emit()
            wait_for(lambda: app.window.canvas.shown is not None)
            at_rest(app)
            yield app
        finally:
            app.window.close()
            app.close()
            application.processEvents()


def _show_empty(app) -> None:
    """Show the window without a model, and wait until it has told that it is seen, which it does once."""
    told: list[bool] = []
    app.window.exposed.connect(lambda: told.append(True))
    app.window.show()
    wait_for(lambda: bool(told))


def at_rest(app) -> None:
    """Let the window work until no picture and no job is waited for, for a little while."""
    quiet_since = None

    def is_quiet() -> bool:
        nonlocal quiet_since
        if app.pictures.is_waiting() or any(map(app.jobs.is_running, JOBS)):
            quiet_since = None
        elif quiet_since is None:
            quiet_since = time.monotonic()
        return quiet_since is not None and time.monotonic() - quiet_since > QUIET_SECONDS

    wait_for(is_quiet)


def settle() -> None:
    """Let Qt lay out docks and windows that were moved or shown, which takes turns of a real event loop."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(SETTLE_MILLISECONDS, loop.quit)
    loop.exec()


def wait_for(condition: Callable[[], bool]) -> None:
    """Let the window work until `condition()` is true."""
    from PySide6.QtCore import QCoreApplication

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the window did not get there in time")
        QCoreApplication.processEvents()
        time.sleep(0.002)
