"""The window's figures: real windows in child processes, at 1280x800, driven by `drive.py` and `start.py`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from explorer import paths

from .display import screen
from .measure import Figure, figure

DRIVEN = {
    "window/slider_to_pixel_ms": "ms",
    "window/gui_stall_ms": "ms",
    "window/idle_cpu_percent": "%",
    "window/rss_growth_mb": "MB",
}
STARTED = {"window/startup_visible_s": "s", "window/first_picture_s": "s"}
UNITS = STARTED | DRIVEN
NAMES = tuple(UNITS)

STARTS = 3
_LONGEST = 1200  # seconds a child may take
_HERE = Path(__file__).resolve().parent
_NO_SCREEN = "not measured: neither a display nor Xvfb was found"


class ChildError(Exception):
    """A child process did not measure; the text is for the figure's note."""


class Lab:
    """Measures the window's figures; children run once for all the figures that need them.

    Args:
        names: the figures that will be asked for.
    """

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._open = contextlib.ExitStack()
        self._environment: dict[str, str] = {}  # none: there is no screen
        self._measured: dict[str, Figure] = {}

    def __enter__(self) -> Lab:
        if self._names:
            environment = self._open.enter_context(screen())
            home = self._open.enter_context(tempfile.TemporaryDirectory(prefix="latent-explorer-bench-"))
            if environment is not None:
                folders = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE")}
                self._environment = environment | folders | {"PYTHONPATH": str(paths.source_root())}
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def figure(self, name: str) -> Figure:
        """Return a figure; the first call of its kind takes as long as all of them."""
        if not self._environment:
            return Figure(name, UNITS[name], note=_NO_SCREEN)
        if name not in self._measured:
            try:
                self._start() if name in STARTED else self._drive()
            except ChildError as error:
                return Figure(name, UNITS[name], note=str(error))
        return self._measured[name]

    def _drive(self) -> None:
        wanted = [name for name in self._names if name in DRIVEN]
        said = run_child("drive.py", *wanted, environment=self._environment)
        for name in wanted:
            facts = said[name]
            self._measured[name] = figure(
                name, DRIVEN[name], facts["samples"], facts.get("baseline", ()), facts["note"]
            )

    def _start(self) -> None:
        """Start the program and a plain one in turn; the first pair warms the disk's cache and is dropped."""
        ours: dict[str, list[float]] = {name: [] for name in STARTED}
        plain: dict[str, list[float]] = {name: [] for name in STARTED}
        for turn in range(STARTS + 1):
            for kind, kept in (("program", ours), ("plain", plain)):
                said = run_child("start.py", kind, repr(time.time()), environment=self._environment)
                for name in STARTED:
                    if turn:
                        kept[name].append(said[name])
        notes = {
            "window/startup_visible_s": f"exec to first expose, warm, median of {STARTS}; plain: an empty Qt window",
            "window/first_picture_s": f"exec to the face's first paint, warm, median of {STARTS}; "
            "plain: a script without threads",
        }
        for name in STARTED:
            self._measured[name] = figure(name, "s", ours[name], plain[name], notes[name])


def run_child(script: str, *arguments: str, environment: Mapping[str, str]) -> dict:
    """Run a script of this folder, which finds the folder as `benchmarks`, and return the JSON of its last line.

    Raises:
        ChildError: it failed.
    """
    places = os.pathsep.join(filter(None, [environment.get("PYTHONPATH"), str(_HERE.parent)]))
    done = subprocess.run(
        [sys.executable, str(_HERE / script), *arguments],
        env={**environment, "PYTHONPATH": places},
        stdout=subprocess.PIPE,
        timeout=_LONGEST,
        check=False,
        text=True,
    )
    if done.returncode:
        raise ChildError(f"failed: {script} ended with status {done.returncode}; standard error says why")
    return json.loads(done.stdout.splitlines()[-1])
