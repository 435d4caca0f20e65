"""Reading an unfamiliar file in a child process with limits; tensors and facts come back, never objects.

The parent calls `start` (the child is on its way at once) and then `Child.result`. What the child does is in
`child`: it writes down what the file holds as `handing` describes, and says how it gets on as lines of JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from explorer.errors import Cancelled, CheckpointError
from explorer.formats import taking
from explorer.formats.reader import Progress, ShouldStop
from explorer.formats.taking import Handed
from explorer.paths import source_root

__all__ = ["READ_SECONDS", "START_SECONDS", "Child", "Handed", "start"]

READ_SECONDS = 30.0
"""How long reading may take, counted from when the child is ready."""

START_SECONDS = 120.0
"""How long the child may take to start, on a slow and busy machine."""


class Child:
    """A child process on its way; a context manager that ends it and its folder whatever happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="latent-explorer-", ignore_cleanup_errors=True)
        except OSError as error:
            raise CheckpointError(
                f"{path} cannot be read, because there is no place for temporary files; make room or set "
                "TMPDIR."
            ) from error
        child = [sys.executable, "-P", "-m", "explorer.formats.child"]
        try:
            self._process = subprocess.Popen(
                [*child, str(path.absolute()), self._folder.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd=self._folder.name,
            )
        except OSError:
            self._folder.cleanup()
            raise
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="child reader", daemon=True)
        self._listener.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._folder.cleanup()

    def result(self, on_progress: Progress, should_stop: ShouldStop) -> Handed:
        """Wait for the child and return what it read.

        Raises:
            CheckpointError: what the child says is wrong with the file, or that it went over a limit.
            Cancelled: `should_stop` turned true.
        """
        self._follow(on_progress, should_stop)
        return taking.take_over(self._path, Path(self._folder.name), on_progress, should_stop)

    def _follow(self, on_progress: Progress, should_stop: ShouldStop) -> None:
        """Follow the child's lines until it is done."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            if should_stop():
                raise Cancelled
            if time.monotonic() > deadline:
                raise CheckpointError(
                    f"{self._path} could not be read within {READ_SECONDS:.0f} seconds; it is damaged or not "
                    "what it seems, or the machine is very busy: try again."
                )
            try:
                line = self._lines.get(timeout=0.05)
            except queue.Empty:
                continue
            if line is None:
                raise CheckpointError(
                    f"{self._path} made the reading process stop (it may be damaged, or ask for more memory "
                    "or time than a file of its size needs); save only its weights and try again."
                )
            said = json.loads(line)
            if "error" in said:
                raise CheckpointError(said["error"])
            if "done" in said:
                return
            on_progress(0.3, f"Reading {self._path.name} in a separate process")
            deadline = time.monotonic() + READ_SECONDS

    def _listen(self) -> None:
        stdout: IO[bytes] = self._process.stdout  # type: ignore[assignment]
        for line in stdout:
            if line.startswith(b"{"):
                self._lines.put(line.decode())
        self._lines.put(None)


def start(path: Path) -> Child:
    """Start reading a checkpoint file; use the child in a `with`."""
    return Child(path)


def _environment() -> dict[str, str]:
    """Return an environment in which the child finds this very package, and uses one thread."""
    places = [str(source_root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    if source_root().name in ("site-packages", "dist-packages"):
        del places[0]  # it is found anyway, and in front it could hide the standard library
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(places)}
