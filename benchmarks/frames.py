"""Child process: zooms the program's map and a pyqtgraph scatter plot in turn, and times one repaint of each.

`frames.py POINTS`; prints one line of JSON: samples, the plain plot's, and a note.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from itertools import cycle

import numpy as np
import pyqtgraph
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QApplication, QWidget

from explorer.gui.widgets import point_colours
from explorer.gui.widgets.dots import Dot
from explorer.gui.widgets.scatter_view import ScatterView

SIZE = (640, 480)
ZOOM = 1.1
LEAST, MOST, SECONDS = 5, 40, 10.0


def program_map(
    xy: np.ndarray, kinds: np.ndarray, entries: tuple[point_colours.Entry, ...]
) -> Callable[[], None]:
    """Return what zooms the program's map a little and paints it."""
    view = ScatterView()
    view.resize(*SIZE)
    view.set_home(QRectF(-4, -4, 8, 8))
    view.set_points(xy, kinds, tuple(Dot(entry.tinted(False), entry.shape) for entry in entries))
    factors = cycle((1 / ZOOM, ZOOM))

    def paint() -> None:
        view.zoom(next(factors))
        _painted(view)

    return paint


def plain_plot(
    xy: np.ndarray, kinds: np.ndarray, entries: tuple[point_colours.Entry, ...]
) -> Callable[[], None]:
    """Return what does the same to a plot of pyqtgraph with a scatter item."""
    plot = pyqtgraph.PlotWidget()
    plot.resize(*SIZE)
    plot.hideAxis("left")
    plot.hideAxis("bottom")
    brushes = [pyqtgraph.mkBrush(entry.tinted(False)) for entry in entries]
    item = pyqtgraph.ScatterPlotItem(size=4, pen=None)
    item.setData(xy[:, 0], xy[:, 1], brush=[brushes[kind] for kind in kinds.tolist()])
    plot.addItem(item)
    sides = cycle((4 / ZOOM, 4.0))

    def paint() -> None:
        side = next(sides)
        plot.setRange(QRectF(-side, -side, 2 * side, 2 * side), padding=0)
        _painted(plot)

    return paint


def _painted(widget: QWidget) -> None:
    """Paint a widget at once, as a screen would want it."""
    if widget.grab().isNull():
        raise RuntimeError("nothing was painted")


def main(count: int) -> None:
    """Measure and print."""
    QApplication([])
    draw = np.random.default_rng(0)
    kinds = draw.integers(0, 5, count)
    entries = point_colours.by_column(np.arange(5.0).repeat(4)).entries[:5]
    xy = (draw.standard_normal((count, 2)) * 0.8 + kinds[:, None] / 2 - 1).astype(np.float32)
    ways = (program_map(xy, kinds, entries), plain_plot(xy, kinds, entries))
    samples: tuple[list[float], list[float]] = ([], [])
    ended = 0.0
    for turn in range(MOST + 2):
        if turn == 2:  # the first to and fro warms up
            ended = time.perf_counter() + SECONDS
        for way, kept in zip(ways, samples, strict=True):
            begun = time.perf_counter()
            way()
            if turn > 1:
                kept.append(1000 * (time.perf_counter() - begun))
        if turn > 1 + LEAST and time.perf_counter() > ended:
            break
    note = f"one zoomed frame of {count} points, {SIZE[0]}x{SIZE[1]}; plain: pyqtgraph's ScatterPlotItem"
    print(json.dumps({"samples": samples[0], "baseline": samples[1], "note": note}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
