"""A screen for the window's figures: the one there is, else an X server of our own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

SIZE = "1280x800x24"


@contextlib.contextmanager
def screen() -> Iterator[dict[str, str] | None]:
    """Yield the environment in which a window can be shown, None where neither display nor Xvfb is there."""
    from explorer.cli.window import has_display

    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("QT_", "EXPLORER_"))
    }
    if not sys.platform.startswith("linux"):
        yield environment
    elif environment.get("DISPLAY") and has_display({"DISPLAY": environment["DISPLAY"]}):
        yield environment | {"QT_QPA_PLATFORM": "xcb"}
    elif shutil.which("Xvfb") is None:
        yield None
    else:
        with _x_server() as number:
            yield environment | {"QT_QPA_PLATFORM": "xcb", "DISPLAY": f":{number}"}


@contextlib.contextmanager
def _x_server() -> Iterator[int]:
    """Run Xvfb on a free number for as long as the block lasts."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp", "-noreset"],
        pass_fds=(writing,),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as said:
            yield int(said.readline())
    finally:
        server.terminate()
        server.wait()
