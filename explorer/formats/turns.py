"""Taking turns at a file that is read, changed and written, so that two windows lose nothing of each other's."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # a system without it: only the threads of one process take turns there
    fcntl = None  # type: ignore[assignment]

PATIENCE = 2.0  # seconds; then it is better to write than to lose what was to be written
_PAUSE = 0.01

_own_threads = threading.Lock()


@contextlib.contextmanager
def turn_in(folder: Path) -> Iterator[None]:
    """Wait until nobody else changes files in a folder, but not for long; nobody else does until the block ends.

    The system holds the lock, on the folder itself: nothing is left behind, not even by a kill.
    """
    end = time.monotonic() + PATIENCE
    has_own = _own_threads.acquire(timeout=PATIENCE)
    handle = _handle_of(folder)
    try:
        if handle is not None:
            while not _is_locked(handle) and time.monotonic() < end:
                time.sleep(_PAUSE)
        yield
    finally:
        if handle is not None:
            os.close(handle)  # which gives the lock back
        if has_own:
            _own_threads.release()


def _handle_of(folder: Path) -> int | None:
    if fcntl is None:
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # writing will say what is wrong
        return None


def _is_locked(handle: int) -> bool:
    """Take the lock, unless another has it; return False where one has."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # this file system has no locks
        return True
    return True
