"""Open the real window and check its layout: no cut text, no overlap, rows at equal pitch, text readable.

    QT_SCALE_FACTOR=2 python scripts/check_layout.py --theme dark --size 1280x800

Prints one complaint a line; the exit status is 1 if there are any. `--pictures FOLDER` keeps what was seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import layout_rules as rules
import window

from explorer import paths

# Pairs of tokens that text and ground are made of.
GROUNDS = ("window", "panel", "tint", "hover", "pressed")
INKS = ("text", "quiet", "error", "warning")


def tokens() -> list[str]:
    """Complain of pairs of a theme's colours that are too close for text."""
    from explorer.gui import theme

    shown = theme.current()
    pairs = [(ink, ground) for ink in INKS for ground in GROUNDS] + [("on_accent", "accent")]
    found = []
    for ink, ground in pairs:
        ratio = rules.contrast(getattr(shown, ink), getattr(shown, ground))
        if ratio < rules.CONTRAST:
            found.append(f"{shown.name}: {ink} on {ground} has a contrast of {ratio:.2f}")
    return found


def complaints(app, picture: Path | None = None) -> list[str]:
    """Check the window as it is now; keep what was seen as `picture`."""
    from PySide6.QtGui import QImage

    from explorer.gui.widgets.dimension_row import DimensionRow

    top = app.window
    with rules.PaintRecorder() as recorder:
        for widget in rules.shown(top):
            widget.update()
        grabbed: QImage = top.grab().toImage()
    if picture:
        grabbed.save(str(picture))
    widgets = rules.shown(top)
    rows = [widget for widget in widgets if isinstance(widget, DimensionRow)]
    found = [] if len(rows) > 1 or app.session.model is None else ["the window shows no rows"]
    if rows and min(row.y() for row in rows) < 0:
        found.append("the list of rows does not begin at its top")
    found += rules.cut_texts(widgets) + rules.overlaps(widgets) + rules.uneven_rows(rows)
    found += rules.faint_texts(widgets, grabbed) + recorder.shortened + tokens()
    return found + recorder.faint(grabbed)


def states(app) -> Iterator[str]:
    """Bring the window from one state to the next; yield the name of each."""
    session = app.session
    yield "at the start"
    session.set_rows(thumbnails_all=True, inactive_open=True)
    window.at_rest(app)
    yield "with all thumbnails"
    session.set_rows(thumbnails_all=False)
    shown = app.window.canvas.shown.pictures[0]
    session.show_encoded(session.code + 1, shown, "a picture with a rather long name, from a phone.jpeg")
    session.tell("error", "There is no file my-first-vae-trained-on-faces.pth; check the spelling.")
    window.at_rest(app)
    yield "with an encoded picture and an error"
    session.randomize(1)
    for index in range(session.dim):
        session.set_locked(index, True)
    window.at_rest(app)
    yield "with everything locked"


def main() -> int:
    """Check every state; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--pictures", type=Path, help="a folder for what was seen")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    found: list[str] = []

    def check(app, state: str) -> None:
        picture = given.pictures / f"{given.theme} {given.size} {state}.png" if given.pictures else None
        found.extend(f"{state}: {line}" for line in complaints(app, picture))

    def check_empty(app) -> None:
        check(app, "without a model")

    stages = ("anime-colorizer",) if "anime-colorizer" in paths.bundled() else ()
    with window.opened(given.theme, width, height, stages=stages, before=check_empty) as app:
        if (app.window.width(), app.window.height()) != (width, height):
            found.append(f"the window is {app.window.width()}x{app.window.height()} instead of {given.size}")
        for state in states(app):
            check(app, state)
    print("\n".join(dict.fromkeys(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
