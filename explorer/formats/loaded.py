"""Models that were read and are kept in memory, so that who opens one again need not wait for the disk.

A model is kept by its path and the hints that it was read by, for as long as its file, what is read along with it and
its code book are as they were; those that were wanted longest ago give way once a budget of bytes is spent. No torch
here: tensors are asked how large they are, and that is all.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import CheckpointError, ExplorerError
from explorer.formats import notes, run_epochs, sidecars
from explorer.formats.locating import located
from explorer.models.base import LatentModel

if TYPE_CHECKING:
    from torch import nn

    from explorer.formats import Examination, Opened
    from explorer.models.base import StageModel

LARGEST_BUDGET = 4 << 30  # bytes
_SHARE = 4  # of the machine's memory: one part in so many
_UNKNOWN = 1 << 30  # bytes, where nobody tells how much memory there is
_LARGE = 64 << 20  # bytes of a network that are worth giving back
_SOON = 1.0  # seconds
_MOST_FILES = 500
"""Files of a folder that are looked at; a checkpoint in a fuller one is read anew each time."""

_OURS = (".notes.json", ".session.json")
"""What people say of a checkpoint changes while it is open, and is read each time."""

_weights: weakref.WeakKeyDictionary[nn.Module, int] = weakref.WeakKeyDictionary()

Key = tuple[Path, tuple[tuple[str, str], ...]]
Mark = tuple[tuple[str, int, int, int, int], ...]
"""What tells a file from the one that was there before: name, number, bytes, and the times of its last changes."""


def usual_budget() -> int:
    """Return the bytes that models may take: a quarter of the machine's memory, 4 GB at most."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows, say
        return _UNKNOWN
    return min(memory // _SHARE, LARGEST_BUDGET)


def weights_of(*models: LatentModel | StageModel) -> dict[nn.Module, int]:
    """Return the bytes that each network of some models takes; models may share a network."""
    found = {}
    for network in {network for model in models for network in model.modules}:
        if network not in _weights:
            _weights[network] = _bytes_of(network)
            weakref.finalize(network, _on_gone, _weights[network]).atexit = False
        found[network] = _weights[network]
    return found


def _bytes_of(network: nn.Module) -> int:
    """Return the bytes of all weights, and of the copy of them that is made to compute with.

    Those that several layers share lie in memory once.
    """
    tensors = (*network.parameters(), *network.buffers())
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors}
    return 2 * sum(storage.nbytes() for storage in storages.values())


def _on_gone(size: int) -> None:
    """Give the memory of a large network back, a little after its last reference went."""
    if size >= _LARGE:
        timer = threading.Timer(_SOON, give_back)
        timer.daemon = True
        timer.start()


def give_back() -> None:
    """Let the system have memory that the C library keeps for later, where it can be told to; else do nothing."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def mark_of_files(path: Path, folder: Path | None) -> Mark | None:
    """Return the mark of a checkpoint: of the file, or of all that lies in the `folder` that it is read with.

    None where that cannot be told: there is too much in the folder, or something cannot be looked at.
    """
    try:
        files = [path] if folder is None else _files_in(folder)
        return None if files is None else tuple(_mark(file) for file in files)
    except OSError:
        return None


def mark_of_book(path: Path) -> Mark | None:
    """Return the mark of the code book beside a checkpoint; None where that cannot be told."""
    try:
        return tuple(_mark(place) for place in sidecars.layers(path, "codes.npz"))
    except OSError:
        return None


def _files_in(folder: Path) -> list[Path] | None:
    """Return what lies in a folder, at any depth and in order; None where that is a lot."""
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(where, name) for name in sorted(names) if not name.endswith(_OURS)]
        if len(found) + len(folders) > _MOST_FILES:
            return None
    return found


def _mark(file: Path) -> tuple[str, int, int, int, int]:
    status = os.stat(file)
    return str(file), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@dataclass(frozen=True, eq=False)
class _Kept:
    opened: Opened
    folder: Path | None
    mark: tuple[Mark, Mark]


class LoadedModels:
    """The models and stages that were wanted last, as many as fit into a budget; every method is for any thread.

    Args:
        budget: bytes that models may take; those that are alive anyway are counted first.
    """

    def __init__(self, budget: int | None = None) -> None:
        self.budget = usual_budget() if budget is None else budget
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._alive: list[weakref.ref[Opened]] = []
        self._lock = threading.Lock()

    def get(
        self, path_or_name: Path | str, hints: Mapping[str, str] | None = None, *, only_given: bool = False
    ) -> Opened | None:
        """Return a checkpoint that is kept, with the names and notes that are beside it now.

        None where it is not kept, or is another one by now, or something is to be said of hints or notes. The arguments
        are those of `open_checkpoint`. The model is the same object each time.
        """
        if not self._kept:
            return None
        try:
            path = located(path_or_name)
            told = sidecars.read_hints(path, hints, only_given=only_given)
        except (ExplorerError, OSError):  # whoever reads it then says why
            return None
        key = _key(path, told.told)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or told.notes:
            return None
        if (mark_of_files(key[0], kept.folder), mark_of_book(key[0])) != kept.mark:
            with self._lock:
                self._kept.pop(key, None)
            return None
        said = _notes_of(key[0], kept.opened)
        if said is None:
            return None
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
        return replace(kept.opened, notes=said)

    def put(self, examination: Examination, opened: Opened) -> None:
        """Keep what an examination made of its checkpoint just now."""
        (files, book), origin = examination.mark, opened.model.origin
        if files is None or book is None or origin is None or _notes_of(examination.path, opened) is None:
            return
        key = _key(examination.path, origin.hints)
        with self._lock:
            self._kept[key] = _Kept(opened, examination.folder, (files, book))
            self._kept.move_to_end(key)
            self._trim()

    def count_in(self, opened: Iterable[Opened]) -> None:
        """Count first what is alive anyway: what is shown, and what Undo goes back to. It is not kept by this."""
        with self._lock:
            self._alive = [weakref.ref(each) for each in opened]
            self._trim()

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _trim(self) -> None:
        """Let go of those that were wanted longest ago and do not fit; memory that is alive anyway costs nothing.

        The newest one stays: it is what is shown, or is about to be.
        """
        alive = [opened for opened in (ref() for ref in self._alive) if opened is not None]
        counted = weights_of(*(opened.model for opened in alive))
        is_spent = False
        for place, key in enumerate(reversed(list(self._kept))):
            own = weights_of(self._kept[key].opened.model)
            is_more = bool(place and own.keys() - counted.keys())
            is_spent = is_spent or (is_more and sum((counted | own).values()) > self.budget)
            if is_more and is_spent:
                del self._kept[key]
            else:
                counted |= own


def _key(path: Path, hints: Mapping[str, str]) -> Key:
    """Return what a model is kept by; links stay, for a model is called by the name that was chosen."""
    return Path(os.path.abspath(path)), tuple(sorted(hints.items()))


def _notes_of(path: Path, opened: Opened) -> notes.Notes | None:
    """Return the names and notes beside a checkpoint; None where something is wrong with them, which must be told."""
    if not isinstance(opened.model, LatentModel):
        return opened.notes
    try:
        said, complaints = notes.read(run_epochs.kept_as(path), opened.model)
    except (OSError, CheckpointError):
        return None
    return None if complaints else said
