"""Open the real window and check its layout: no cut text, no overlap, rows at equal pitch, text readable.

    QT_SCALE_FACTOR=2 python scripts/check_layout.py --theme dark --size 1280x800

Prints one complaint a line; the exit status is 1 if there are any. `--picture FILE.png` keeps what was seen.
"""

from __future__ import annotations

import argparse
import sys

import layout_rules as rules
import window

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


def complaints(app, picture: str | None = None) -> list[str]:
    """Check the window as it is now."""
    from PySide6.QtGui import QImage

    from explorer.gui.widgets.dimension_row import DimensionRow

    top = app.window
    with rules.PaintRecorder() as recorder:
        for widget in rules.shown(top):
            widget.update()
        grabbed: QImage = top.grab().toImage()
    if picture:
        grabbed.save(picture)
    widgets = rules.shown(top)
    rows = [widget for widget in widgets if isinstance(widget, DimensionRow)]
    found = [] if len(rows) > 1 else ["the window shows no rows"]
    found += rules.cut_texts(widgets) + rules.overlaps(widgets) + rules.uneven_rows(rows)
    found += rules.faint_texts(widgets, grabbed) + recorder.shortened + tokens()
    return found + recorder.faint(grabbed)


def main() -> int:
    """Check every state; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--picture")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with window.opened(given.theme, width, height) as app:
        found = [f"at the start: {line}" for line in complaints(app, given.picture)]
        if (app.window.width(), app.window.height()) != (width, height):
            found.append(f"the window is {app.window.width()}x{app.window.height()} instead of {given.size}")
        app.session.set_rows(thumbnails_all=True, inactive_open=True)
        window.at_rest(app)
        found += [f"with all thumbnails: {line}" for line in complaints(app)]
    print("\n".join(dict.fromkeys(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
