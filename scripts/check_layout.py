"""Open the real window and check its layout: no cut text, no overlap, rows at equal pitch, text readable.

    QT_SCALE_FACTOR=2 python scripts/check_layout.py --theme dark --size 1280x800

Prints one complaint a line; the exit status is 1 if there are any. `--pictures FOLDER` keeps what was seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import layout_rules as rules
import scenes
import window

from explorer import paths

# Pairs of tokens that text and ground are made of.
GROUNDS = ("window", "panel", "tint", "hover", "pressed")
RECENT = (
    "/home/someone/checkpoints of the second try/a face model with a rather long name.safetensors",
    "/home/someone/模型/动漫头像生成器-第二版.safetensors",
    "/home/someone/session.session.json",
)
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


def complaints(app, top, picture: Path | None = None) -> list[str]:
    """Check one window, as it is now; keep what was seen as `picture`."""
    from PySide6.QtGui import QImage

    from explorer.gui.widgets.dimension_row import DimensionRow

    with rules.PaintRecorder() as recorder:
        for widget in rules.shown(top):
            widget.update()
        grabbed: QImage = top.grab().toImage()
    if picture:
        grabbed.save(str(picture))
    widgets = rules.shown(top)
    rows = [widget for widget in widgets if isinstance(widget, DimensionRow)]
    found = []
    if rows and min(row.y() for row in rows) < 0:
        found.append("the list of rows does not begin at its top")
    if top is app.window and app.session.model is not None and len(rows) < 2:
        found.append("the window shows no rows")
    found += [line for line in rules.cut_texts(widgets) + recorder.shortened if not _is_of_a_person(line)]
    found += rules.overlaps(widgets) + rules.uneven_rows(rows) + tokens()
    return found + rules.faint_texts(widgets, grabbed) + recorder.faint(grabbed)


def _is_of_a_person(line: str) -> bool:
    """Return whether a text was shortened that may be as long as a person likes."""
    return any(words[:8] in line for words in (scenes.SMILE, scenes.LONG_NAME, scenes.CHINESE_NAME, *RECENT))


def states(app) -> Iterator[tuple[str, Any]]:
    """Bring the program from one state to the next; yield the name of each and the window to look at."""
    for part in (_at_work, _with_words, _asked, _exporting, _moved):
        yield from part(app)


def _at_work(app) -> Iterator[tuple[str, Any]]:
    session, top = app.session, app.window
    yield "at the start", top
    session.set_rows(thumbnails_all=True, inactive_open=True)
    window.at_rest(app)
    yield "with all thumbnails", top
    session.set_rows(thumbnails_all=False)
    shown = app.window.canvas.shown.pictures[0]
    session.show_encoded(session.code + 1, shown, "a picture with a rather long name, from a phone.jpeg")
    session.tell("error", "There is no file my-first-vae-trained-on-faces.pth; check the spelling.")
    window.at_rest(app)
    yield "with an encoded picture and an error", top
    session.randomize(1)
    for index in range(session.dim):
        session.set_locked(index, True)
    window.at_rest(app)
    yield "with everything locked", top
    for index in range(session.dim):
        session.set_locked(index, False)


def _with_words(app) -> Iterator[tuple[str, Any]]:
    top = app.window
    scenes.fill_history(app)
    yield "with a filled history", top
    scenes.fill_history(app, 40, first_seed=100)
    scenes.give_long_names(app)
    app.session.set_map(plane=tuple(scenes.by_influence(app)[:2]))
    window.at_rest(app)
    yield "with long names", top
    for name, index in zip(("first", "second"), scenes.by_influence(app), strict=False):
        with scenes.editing_dimension(app, index):
            yield f"editing the words of the {name} dimension", top
    top.actions_by_name["name_place"].trigger()
    window.settle()
    yield "naming a place", top
    top.history.name_field.cancel()
    top.history.starred_only.setChecked(True)
    yield "with starred places only", top
    top.history.starred_only.setChecked(False)


def _asked(app) -> Iterator[tuple[str, Any]]:
    offer = scenes.offer_recipe(app, "a picture with a rather long name, from a phone.webp")
    yield "with an offer", app.window
    app.window.canvas.withdraw(offer)
    yield "with the list of messages", scenes.show_messages(app)
    app.message_list.close()
    with scenes.reporting(app) as dialog:
        yield "with a report", dialog
    with scenes.examining(app) as dialog:
        yield "with the doctor", dialog
        dialog.form.fold.click()
        window.settle()
        yield "with all that the doctor asks", dialog
    scenes.show_start(app, RECENT)
    yield "with the start page", app.window
    app.window.show_canvas()


def _exporting(app) -> Iterator[tuple[str, Any]]:
    from explorer.gui.exporting.export_choice import TITLES

    for kind in TITLES:
        yield f"exporting {kind}", scenes.export_at(app, kind)
    app.export_dialog.close()


def _moved(app) -> Iterator[tuple[str, Any]]:
    with scenes.moved_docks(app) as floating:
        yield "with panels moved", app.window
        yield "with a panel that floats", floating


def main() -> int:
    """Check every state; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--theme", choices=("light", "dark"), default="light")
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--pictures", type=Path, help="a folder for what was seen")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    found: list[str] = []

    def check(app, state: str, top) -> None:
        picture = given.pictures / f"{given.theme} {given.size} {state}.png" if given.pictures else None
        found.extend(f"{state}: {line}" for line in complaints(app, top, picture))

    def check_empty(app) -> None:
        check(app, "without a model", app.window)

    stages = ("anime-colorizer",) if "anime-colorizer" in paths.bundled() else ()
    with window.opened(given.theme, width, height, stages=stages, before=check_empty) as app:
        if (app.window.width(), app.window.height()) != (width, height):
            found.append(f"the window is {app.window.width()}x{app.window.height()} instead of {given.size}")
        for state, top in states(app):
            check(app, state, top)
    print("\n".join(dict.fromkeys(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
