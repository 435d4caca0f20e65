"""Make the pictures of docs/images from the real window, with a fixed seed, so that they can't go stale.

    scripts/xvfb.sh .venv/bin/python scripts/screenshots.py [NAME...]

Each picture is made in a process of its own, because Qt takes its scale factor at the start. What the canvas,
the map and the strip show was decoded by the bundled models; no picture of a data set appears.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import scenes
import window
from PIL import Image

from explorer.gui.exporting.export_choice import ExportChoice

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
SEED = 14
MODEL, STAGE = "anime-faces", "anime-colorizer"
RECENT = ("/home/you/models/digits.safetensors", "/home/you/models/red hair.session.json")
PLACES, FIRST_SEED = 19, 40
SHEET = ExportChoice("sheet", scale=2, margin=16, gap=2)
FRAME_MILLISECONDS = 70
GIF_SIZE = (800, 500)
GIF_COLORS = 200


@dataclass(frozen=True)
class Shot:
    """One picture: how the window is opened, what is done in it."""

    theme: str
    size: tuple[int, int]
    scale: float
    make: Callable[..., None]


# ---- what is done in the window ----


def still(app, path: Path) -> None:
    """Show a code that is off the centre, with the colour stage on and a history, and grab the window."""
    scenes.fill_history(app, PLACES, FIRST_SEED)
    app.session.randomize(SEED)
    app.session.commit()
    strongest = int(np.argmax(app.session.activity.influence))
    app.session.focus(strongest)
    window.at_rest(app)
    # A hair's breadth, so that the status bar tells what a move costs, not what a new code does.
    app.session.set_dimension(strongest, float(app.session.code[strongest]) + 1e-4)
    app.session.commit()
    window.at_rest(app)
    app.session.undo()  # and the history shows where we are
    window.at_rest(app)
    save_png(_grab(app.window), path)


def export(app, path: Path) -> None:
    """Show the Export dialog with a sheet whose dimensions have names, and grab it."""
    app.session.randomize(SEED)
    dialog = scenes.export_at(app, "sheet")
    dialog.form.show_choice(SHEET)
    dialog.form.changed.emit()
    window.settle()
    window.at_rest(app)
    save_small_png(_grab(dialog), path)
    dialog.close()


def sheet(app, path: Path) -> None:
    """Export a sheet with names and notes, as a person would; it carries its recipe."""
    app.session.randomize(SEED)
    scenes.note_dimensions(app)
    written: list[str] = []
    app.exporter.exported.connect(written.append)
    app.exporter.save(SHEET, str(path))
    window.wait_for(lambda: bool(written))


def start(app, path: Path) -> None:
    """Show the start page, and grab the middle of the window."""
    scenes.show_start(app, RECENT)
    save_png(_grab(app.window.centralWidget()), path)


def offer(app, path: Path) -> None:
    """Ask whether the recipe in a picture shall be restored, and grab the middle of the window."""
    app.session.randomize(SEED)
    scenes.offer_recipe(app)
    save_small_png(_grab(app.window.centralWidget()), path)


def doctor(app, path: Path) -> None:
    """Show what was guessed of a file that says little, and grab the doctor's window."""
    with scenes.examining(app) as dialog:
        dialog.resize(960, 620)
        window.settle()
        window.at_rest(app)
        save_small_png(_grab(dialog), path)


def tour(app, path: Path) -> None:
    """Drag two sliders, walk the map, switch the stage on, play the strip; a frame after each step."""
    app.session.randomize(SEED)
    app.session.commit()
    window.at_rest(app)
    frames = [frame for part in (_drag_sliders, _walk_map, _colour, _play) for frame in part(app)]
    save_gif(frames, path)


def _drag_sliders(app) -> Iterator[Image.Image]:
    order = np.argsort(-app.session.activity.influence, kind="stable")
    for number, index in enumerate(order[:2]):
        app.session.focus(int(index))
        window.at_rest(app)
        slider = app.window.sliders.slider_for(int(index))
        reach = (2.0, -1.6, 0.9) if number == 0 else (-1.9, 1.4)
        places = [_point(slider, slider.x_of(at)) for at in _path((0.0, *reach))]
        yield from _drag(app, slider, places)


def _walk_map(app) -> Iterator[Image.Image]:
    view = app.window.map.view
    start = view.marker
    turns = np.linspace(0, 1.6 * np.pi, 26)
    radius = 0.26 * min(view.width(), view.height()) * np.sin(turns / 1.6)
    places = [
        _point(view, start.x() + r * np.cos(t), start.y() + r * np.sin(t))
        for r, t in zip(radius, turns, strict=True)
    ]
    yield from _drag(app, view, [_point(view, start.x(), start.y()), *places])


def _colour(app) -> Iterator[Image.Image]:
    for entry in app.session.stages:
        app.session.set_stage_enabled(entry.id, True)
    window.at_rest(app)
    for _ in range(8):
        yield _frame(app, None)


def _play(app) -> Iterator[Image.Image]:
    from explorer.latent import interpolation

    ends = [app.session.anchors[side].code for side in "AB"]
    there = interpolation.path(*ends, 20, app.session.strip.path)
    for code in (*there, *there[::-1]):
        app.session.set_code(code, what="Play", merge="play")
        window.at_rest(app)
        yield _frame(app, None)


# ---- hands and eyes ----


def _path(offsets: tuple[float, ...], step: float = 0.16) -> Iterator[float]:
    """Yield places from each offset to the next, slower near the ends, as a hand moves."""
    for start, end in pairwise(offsets):
        count = max(round(abs(end - start) / step), 2)
        for number in range(count):
            yield start + (end - start) * (1 - np.cos(np.pi * number / count)) / 2
    yield offsets[-1]


def _drag(app, widget, places: list) -> Iterator[Image.Image]:
    """Press at the first place, move to the others, release; yield a frame after each."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    left = Qt.MouseButton.LeftButton
    QTest.mousePress(widget, left, pos=places[0])
    for place in places:
        _move(widget, place)
        window.wait_for(lambda: not app.pictures.is_waiting("canvas"))  # other panels wait for the hand
        yield _frame(app, widget.mapTo(app.window, place))
    QTest.mouseRelease(widget, left, pos=places[-1])
    window.at_rest(app)
    yield _frame(app, widget.mapTo(app.window, places[-1]))


def _move(widget, place) -> None:
    """Send the move of a pressed mouse; QTest's own moves carry no button."""
    from PySide6.QtCore import QEvent, QPointF, Qt
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    left = Qt.MouseButton.LeftButton
    here, there = QPointF(place), QPointF(widget.mapToGlobal(place))
    event = QMouseEvent(QEvent.Type.MouseMove, here, there, left, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def _point(widget, x: float, y: float | None = None):
    from PySide6.QtCore import QPoint

    return QPoint(round(x), round(widget.height() / 2 if y is None else y))


def _grab(widget) -> Image.Image:
    """Return a window, or a part of one, as it is painted now."""
    from layout_rules import pixels

    return Image.fromarray(pixels(widget.grab().toImage()))


def _frame(app, pointer) -> Image.Image:
    """Return the window with a mouse pointer at a place of it, for the animation."""
    image = _grab(app.window)
    if pointer is not None:
        from PIL import ImageDraw

        scale = image.width / app.window.width()
        outline = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
        corners = [((pointer.x() + x) * scale, (pointer.y() + y) * scale) for x, y in outline]
        ImageDraw.Draw(image).polygon(corners, fill="black", outline="white", width=round(scale))
    return image.resize(GIF_SIZE, Image.Resampling.LANCZOS)


# ---- files ----


def save_png(image: Image.Image, path: Path) -> None:
    """Write a picture, as small as PNG gets without loss."""
    image.save(path, optimize=True)


def save_small_png(image: Image.Image, path: Path) -> None:
    """Write a picture in 256 colours, a third of the bytes; for small ones, where nobody sees it."""
    few = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.FLOYDSTEINBERG)
    few.save(path, optimize=True)


def save_gif(frames: list[Image.Image], path: Path) -> None:
    """Write an endless animation; a pixel that stays as it was is transparent, which packs well."""
    sample = Image.new("RGB", (GIF_SIZE[0], GIF_SIZE[1] * 6))
    for number in range(6):
        sample.paste(frames[number * (len(frames) - 1) // 5], (0, number * GIF_SIZE[1]))
    free = GIF_COLORS - len(_theme_colors())
    found = sample.quantize(free, Image.Quantize.MEDIANCUT).getpalette()[: 3 * free]
    colors = [*_theme_colors().ravel().tolist(), *found]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors)
    shown = [np.asarray(frame.quantize(palette=palette, dither=Image.Dither.NONE)) for frame in frames]
    unchanged = np.uint8(GIF_COLORS)
    indices = [shown[0], *(np.where(b == a, unchanged, b) for a, b in pairwise(shown))]
    images = [Image.fromarray(index) for index in indices]
    for image in images:
        image.putpalette([*colors, 0, 0, 0])
    durations = [FRAME_MILLISECONDS] * (len(frames) - 1) + [20 * FRAME_MILLISECONDS]
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=durations,
        loop=0,
        optimize=False,
        transparency=GIF_COLORS,
        disposal=1,
    )


def _theme_colors() -> np.ndarray:
    """Return the colours of the controls, uint8 `(N, 3)`: few pixels have them, but everybody looks there."""
    from explorer.gui.theme import LIGHT

    names = ("window", "panel", "line", "text", "quiet", "accent", "track", "here", "tint", "bar")
    return np.array([getattr(LIGHT, name).getRgb()[:3] for name in names], np.uint8)


SHOTS = {
    "window-light.png": Shot("light", (1280, 800), 1.5, still),
    "window-dark.png": Shot("dark", (1280, 800), 1.5, still),
    "window-small.png": Shot("light", (1024, 640), 1, still),
    "export.png": Shot("light", (1280, 800), 1.5, export),
    "sheet.png": Shot("light", (1280, 800), 1, sheet),
    "start.png": Shot("light", (1280, 900), 1.5, start),
    "offer.png": Shot("dark", (1280, 800), 1.5, offer),
    "doctor.png": Shot("light", (1280, 800), 1.5, doctor),
    "tour.gif": Shot("light", (1280, 800), 1.5, tour),
}


def make(name: str) -> None:
    """Make one picture in this process."""
    shot = SHOTS[name]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with window.opened(shot.theme, *shot.size, MODEL, (STAGE,)) as app:
        if shot.make is tour:
            for entry in app.session.stages:
                app.session.set_stage_enabled(entry.id, False)
        shot.make(app, FOLDER / name)


def main() -> int:
    """Make the named pictures, all by default, each in a process with its own scale factor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SHOTS))
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    for name in given.names or SHOTS:
        if given.here:
            make(name)
            continue
        environment = {**os.environ, "QT_SCALE_FACTOR": str(SHOTS[name].scale)}
        subprocess.run([sys.executable, __file__, "--here", name], env=environment, check=True)
        print(f"{FOLDER / name}: {(FOLDER / name).stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
