"""Child process: opens two models in the real window by turns, kept in memory and read anew, and times it.

`switch.py FOLDER`; prints one line of JSON: for each figure its samples, the baseline's, and a note.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from drive import resident_mb, wait, wait_until

from explorer.formats import save_native
from explorer.formats.loaded import weights_of
from explorer.gui import app as composition
from explorer.gui.widgets.picture_view import PictureView
from explorer.models import architecture

PAIR = ("anime-faces", "faces-64")
TURNS = 12
REST = 0.6  # seconds between two switches, so that what the panels still ask for has come
LARGE = {"latent_dim": 128, "widths": (1024, 512, 256, 128), "channels": 3}  # some 50 MB


class Switcher:
    """The window, and when the wish, the session and the canvas have a model."""

    def __init__(self) -> None:
        self._painted = 0.0
        self._watch_painting()
        self.app = composition.App("cpu")
        self.app.window.resize(1280, 800)
        self.app.start(PAIR[0])
        self.canvas = self.app.window.canvas
        wait_until(lambda: self.canvas.shown is not None, "the first picture")
        wait(REST)

    def to(self, name: str) -> tuple[float, float]:
        """Open a model; return the milliseconds until the session has it, and until its picture is painted."""
        session, generation, done = self.app.session, self.app.session.generation, [0.0]

        def note() -> None:
            done[0] = time.perf_counter()

        session.undo_changed.connect(note)  # the last word of a session that shows another model
        self._painted, begun = 0.0, time.perf_counter()
        self.app.opener.open(name)
        wait_until(lambda: session.generation > generation and self._painted > 0, f"a picture of {name}")
        session.undo_changed.disconnect(note)
        found = 1000 * (done[0] - begun), 1000 * (self._painted - begun)
        wait(REST)
        return found

    def _watch_painting(self) -> None:
        paint, switcher = PictureView.paintEvent, self

        def watched(view: PictureView, event: Any) -> None:
            paint(view, event)
            canvas = getattr(switcher, "canvas", None)
            if canvas is None or view is not canvas.view or canvas.shown is None or switcher._painted:
                return
            if canvas.shown.generation == switcher.app.session.generation:
                switcher._painted = time.perf_counter()

        PictureView.paintEvent = watched  # type: ignore[method-assign]


def switches(window: Switcher) -> dict[str, dict[str, object]]:
    """Switch by turns with both models in memory, and with neither."""
    times: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for _ in range(TURNS // 2):
        for is_kept in (True, False):
            for name in reversed(PAIR):  # the first of them is shown
                if not is_kept:
                    window.app.models.clear()
                elif window.app.models.get(name) is None:
                    window.to(name)
                    window.to(PAIR[0] if name != PAIR[0] else PAIR[1])
                times[is_kept].append(window.to(name))
    note = f"{' and '.join(PAIR)} by turns, from the wish to {{}}; baseline: the file is read anew"
    said = (
        "the session and all panels having the model",
        "the end of the paint event that shows its picture",
    )
    return {
        figure: {
            "samples": [each[part] for each in times[True]],
            "baseline": [each[part] for each in times[False]],
            "note": note.format(said[part]),
        }
        for part, figure in enumerate(("window/switch_ms", "window/switch_seen_ms"))
    }


def evicted(window: Switcher, folder: Path) -> dict[str, object]:
    """Return how much memory opening a large model takes, and how much is left of that once it is evicted."""
    family = architecture("dcgan")
    config = family.config(**LARGE)
    torch.manual_seed(0)
    path = folder / "large.safetensors"
    save_native(path, family.wrap(family.network(config).eval(), config, name="large"), config=config)
    samples, grown = [], []
    budget = window.app.models.budget
    for _ in range(3):
        before = resident_mb()
        window.to(str(path))
        size = sum(weights_of(window.app.session.model).values()) / 1e6  # type: ignore[arg-type]
        grown.append(resident_mb() - before)
        window.app.models.budget = window.app.session.room = 1
        for name in (*PAIR, PAIR[0]):
            window.to(name)
        wait(2.0)
        samples.append(resident_mb() - before)
        window.app.models.budget = window.app.session.room = budget
    note = f"what stays of a model of {size:.0f} MB (with its copy) after it was evicted; baseline: while it is shown"
    return {"samples": samples, "baseline": grown, "note": note}


def main(folder: str) -> None:
    """Measure and print."""
    application = composition.make_application()
    window = Switcher()
    found: dict[str, object] = {**switches(window), "memory/evicted_mb": evicted(window, Path(folder))}
    window.app.window.close()
    application.processEvents()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
