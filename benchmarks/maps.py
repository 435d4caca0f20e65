"""The map: one frame of it with many points, in a child process without a screen (`frames.py`)."""

from __future__ import annotations

import os

from explorer import paths

from .measure import Figure, figure
from .windows import ChildError, run_child

POINTS = (10_000, 1_000_000)
NAMES = tuple(f"map/frame/{count}" for count in POINTS)


def frame(name: str) -> Figure:
    """Return the figure of one frame."""
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(paths.source_root())}
    try:
        said = run_child("frames.py", name.rpartition("/")[2], environment=environment)
    except ChildError as error:
        return Figure(name, "ms", note=str(error))
    return figure(name, "ms", said["samples"], said["baseline"], said["note"])
