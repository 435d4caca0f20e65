"""Back and forth between two models that are open: the real window in a child process, driven by `switch.py`."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from functools import partial

from explorer import paths

from .display import screen
from .measure import Figure, figure
from .windows import ChildError, run_child

UNITS = {"window/switch_ms": "ms", "window/switch_seen_ms": "ms", "memory/evicted_mb": "MB"}
_NO_SCREEN = "not measured: neither a display nor Xvfb was found"


def _figure(name: str) -> Figure:
    try:
        found = _switches()
    except ChildError as error:
        return Figure(name, UNITS[name], note=str(error))
    if found is None:
        return Figure(name, UNITS[name], note=_NO_SCREEN)
    facts = found[name]
    return figure(name, UNITS[name], facts["samples"], facts["baseline"], facts["note"])


FIGURES: dict[str, Callable[[], Figure]] = {name: partial(_figure, name) for name in UNITS}
"""What measures each figure, by name."""


@functools.cache
def _switches() -> dict | None:
    """Switch in a window of its own, once for all figures; None where there is no screen."""
    with screen() as environment, tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as home:
        if environment is None:
            return None
        folders = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE")}
        environment |= folders | {"PYTHONPATH": str(paths.source_root())}
        return run_child("switch.py", home, environment=environment)
