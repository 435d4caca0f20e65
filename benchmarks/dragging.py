"""What is seen while a hand drags a slider: how old the picture is, how often it changes, when it is whole, stalls.

The real window in a child process, driven by `hand.py` at 60 Hz for three seconds, several times.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from functools import partial
from statistics import median

from explorer import paths

from .display import screen
from .measure import RATE, Figure, figure
from .windows import ChildError, run_child

RENDER = 100.0  # milliseconds, of the renderer without previews

MODELS = {
    "stylegan2-1024": ("age_ms", "previews_per_s", "full_after_ms", "stall_ms"),
    "slow-100ms": ("age_ms",),
}
_NO_SCREEN = "not measured: neither a display nor Xvfb was found"


def figures() -> dict[str, Callable[[], Figure]]:
    """Return what measures each figure, by name."""
    return {
        f"drag/{model}/{what}": partial(_figure, model, what)
        for model, each in MODELS.items()
        for what in each
    }


def _figure(model: str, what: str) -> Figure:
    name, unit = f"drag/{model}/{what}", RATE if what.endswith("_per_s") else "ms"
    try:
        found = _drags(model)
    except ChildError as error:
        return Figure(name, unit, note=str(error))
    if found is None:
        return Figure(name, unit, note=_NO_SCREEN)
    return figure(name, unit, found[what], _baseline(model, what, found), _note(what, found))


@functools.cache
def _drags(model: str) -> dict | None:
    """Drag in a window of its own, once for all figures; None where there is no screen."""
    with screen() as environment, tempfile.TemporaryDirectory(prefix="latent-explorer-bench-") as home:
        if environment is None:
            return None
        folders = {f"XDG_{kind}_HOME": home for kind in ("CONFIG", "DATA", "STATE")}
        environment |= folders | {"PYTHONPATH": str(paths.source_root())}
        return run_child("hand.py", model, environment=environment)


def _baseline(model: str, what: str, found: dict) -> list[float]:
    """Return what the figure is compared with; nothing for most."""
    if what == "full_after_ms":
        return found["decode_ms"]
    return [1.5 * RENDER] if what == "age_ms" and model == "slow-100ms" else []


def _note(what: str, found: dict) -> str:
    side = f"pictures of {median(found['sides']):.0f} px, {found['description']}"
    return {
        "age_ms": f"mean age of the shown picture while a slider moves at 60 Hz; {side}; plain: 1.5 renders",
        "previews_per_s": f"pictures painted while a slider moves at 60 Hz; {side}",
        "full_after_ms": "last move to the paint of the whole picture, hand off; plain: its decode; "
        f"where the hand stays {median(found['held_after_ms']):.0f} ms",
        "stall_ms": "longest lateness of a 1 ms heartbeat of the window's thread in each drag and the decode after it",
    }[what]
