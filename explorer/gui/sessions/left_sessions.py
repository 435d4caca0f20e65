"""The folder of sessions that windows keep while they run: which of them a dead process has left.

A lock beside each file tells those of windows that run from the others, and lets only one window offer one.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QLockFile

from explorer.errors import RecipeError
from explorer.gui.sessions.session_file import SUFFIX
from explorer.gui.sessions.session_reading import read

log = logging.getLogger(__name__)

MOST_KEPT = 5
DAYS = 30
_WRITTEN = 60.0  # seconds after which an empty lock is not being written

_held: set[Path] = set()  # locks of this process


@dataclass(frozen=True)
class Found:
    """A session that a crash has left: what it is of, when it was written, how many steps can be undone there."""

    path: Path
    name: str
    when: datetime
    steps: int

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        steps = f", with {self.steps} step{'' if self.steps == 1 else 's'} to undo" if self.steps else ""
        return (
            f"The program ended unexpectedly. The session with {self.name} is there as it was "
            f"{_ago(self.when)}{steps}."
        )


class LeftSessions:
    """The files of one folder, and the locks that this window has of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._locks: dict[Path, QLockFile] = {}

    def new(self) -> Path:
        """Return a new file's name, with its lock taken.

        Raises:
            OSError: the folder cannot be made or written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}{SUFFIX}"
        if not self._claim(path):
            raise PermissionError(None, "no lock can be made")
        return path

    def has(self, path: Path) -> bool:
        """Return whether this window has the lock of a file."""
        return path in self._locks

    def pending(self) -> Found | None:
        """Return the newest session of a process that is dead, and keep other windows from offering it too.

        Of the others the newest few stay for another time; damaged ones are set aside.
        """
        found: Found | None = None
        kept = 0
        for path in self._files():
            if not self._claim(path):
                continue
            is_kept = kept < MOST_KEPT and _age(path) < DAYS * 86_400
            if is_kept and found is None:
                found = self._looked_at(path)
            kept += is_kept and path.exists()
            if not is_kept:
                self.remove(path)
            elif found is None or found.path != path:
                self._release(path)
        self._tidy()
        return found

    def remove(self, path: Path) -> None:
        """Throw a file away, and its lock."""
        path.unlink(missing_ok=True)
        self._release(path)

    def close(self) -> None:
        """Give all locks back."""
        for path in list(self._locks):
            self._release(path)

    def _files(self) -> list[Path]:
        """Return the sessions that this window has not, the newest first."""
        files = [path for path in self.folder.glob(f"[!.]*{SUFFIX}") if path not in self._locks]
        return sorted(files, key=_age)

    def _looked_at(self, path: Path) -> Found | None:
        """Return what a left session is; one that is damaged is set aside."""
        try:
            saved = read(path)
        except RecipeError as error:
            log.info("%s", error)
            if path.exists():
                os.replace(path, f"{path}.broken")
            return None
        when = saved.saved or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Found(path, saved.model.name, when, saved.steps)

    def _tidy(self) -> None:
        """Remove what is left of files that are gone or half: locks, parts, damaged ones beyond the newest few."""
        for rest in [*self.folder.glob("*.lock*"), *self.folder.glob(".*.part")]:
            path = self.folder / (rest.name.lstrip(".").partition(".")[0] + SUFFIX)
            is_part = rest.suffix == ".part"
            if path not in self._locks and (is_part or not path.exists()) and self._claim(path):
                if rest != _lock_of(path):
                    rest.unlink(missing_ok=True)
                self._release(path)  # which removes the lock
        for path in sorted(self.folder.glob("*.broken"), key=_age)[MOST_KEPT:]:
            path.unlink(missing_ok=True)

    # ---- locks ----

    def _claim(self, path: Path) -> bool:
        """Take the lock of a session file; return False where a process that runs has it."""
        place = _lock_of(path)
        lock = QLockFile(str(place))
        lock.setStaleLockTime(0)  # only a dead process makes it stale
        is_ours = lock.tryLock(0)
        if not is_ours and _is_dead(place, lock):
            is_ours = lock.removeStaleLockFile() and lock.tryLock(0)
        if is_ours:
            self._locks[path] = lock
            _held.add(place)
        return is_ours

    def _release(self, path: Path) -> None:
        lock = self._locks.pop(path, None)
        if lock is not None:
            lock.unlock()
            _held.discard(_lock_of(path))


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(SUFFIX) + ".lock")


def _is_dead(place: Path, lock: QLockFile) -> bool:
    """Return whether a lock that looks alive is not: its process had the number of this one, or died writing it."""
    if place in _held:
        return False
    owner = int(lock.getLockInfo()[0])  # 0 where the lock is empty
    return owner == os.getpid() if owner else _age(place) > _WRITTEN


def _age(path: Path) -> float:
    """Return seconds since a file was written; one that is gone is very old."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _ago(when: datetime) -> str:
    """Return how long ago something was, in words."""
    seconds = max((datetime.now(UTC) - when).total_seconds(), 0)
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "a moment ago"
