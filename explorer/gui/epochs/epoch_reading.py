"""The networks of epochs, read in jobs, and those that were read last; no widget."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import CheckpointError
from explorer.formats.run_folder import RunFolder

if TYPE_CHECKING:
    from explorer.formats.reader import Progress, ShouldStop
    from explorer.gui.weights import Network

log = logging.getLogger(__name__)

KEPT_BYTES = 256 << 20
"""Of all networks that are kept; the one that is shown is the session's, and not among them for that."""

_NUMBER_BYTES = 4  # float32
Stamp = tuple[int, int]  # time of the last change in nanoseconds, and bytes


@dataclass(frozen=True)
class Listing:
    """What was in a run's folder when somebody looked; `stamps` tell by number when each checkpoint was written."""

    run: RunFolder
    stamps: Mapping[int, Stamp]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The epochs that are there, in order."""
        return tuple(self.stamps)

    def path(self, number: int) -> Path:
        """Return the checkpoint of an epoch that is there."""
        return next(epoch.path for epoch in self.run.epochs if epoch.number == number)


def look(folder: Path, _progress: Progress, _should_stop: ShouldStop) -> Listing | None:
    """Return what is in a run's folder now; None where it is gone, or is no run any more."""
    try:
        run = RunFolder.read(folder)
    except CheckpointError as error:
        log.info("%s", error)
        return None
    stamps = {}
    for epoch in run.epochs:
        try:
            status = os.stat(epoch.path)
        except OSError:  # it went while somebody looked
            continue
        stamps[epoch.number] = status.st_mtime_ns, status.st_size
    return Listing(run, stamps)


def read(path: Path, hints: Mapping[str, str], progress: Progress, should_stop: ShouldStop) -> Network:
    """Return the network of a checkpoint, as the one that is open was read.

    Raises:
        CheckpointError: it cannot be used.
        Cancelled: `should_stop` turned true.
    """
    from explorer.formats import open_checkpoint

    return open_checkpoint(
        path, hints=hints, only_given=True, on_progress=progress, should_stop=should_stop
    ).model


class Networks:
    """The networks that were asked for last, as many as fit into `limit` bytes; one that was written anew is none."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self._limit = limit
        self._kept: OrderedDict[Path, tuple[Stamp, int, Network]] = OrderedDict()

    def get(self, path: Path, stamp: Stamp) -> Network | None:
        """Return the network of a checkpoint that was written then, None where it is not kept."""
        if path not in self._kept or self._kept[path][0] != stamp:
            return None
        self._kept.move_to_end(path)
        return self._kept[path][2]

    def put(self, path: Path, stamp: Stamp, network: Network) -> None:
        """Keep a network; those that were asked for longest ago give way to it."""
        self._kept[path] = stamp, _NUMBER_BYTES * network.parameter_count, network
        self._kept.move_to_end(path)
        while len(self._kept) > 1 and sum(size for _, size, _ in self._kept.values()) > self._limit:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Keep none."""
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)
