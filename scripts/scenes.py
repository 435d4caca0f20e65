"""Scenes of the window: functions that bring the running app to something worth looking at.

Used to check the layout and to make the pictures of the documents. Nothing is looked at here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import window

SMILE = "smile"
NOTES = {2: "the hair turns golden, too", 7: "of the whole picture"}
LONG_NAME = "how far the hair falls over the left eye and, a little, the width of the mouth"
CHINESE_NAME = "头发颜色从深到浅，同时脸部稍微转向左边"
CHINESE_NOTE = "在中间位置时，头发几乎是白色的；往右拖动时阴影会变得更深。"


def by_influence(app) -> list[int]:
    """Return the dimensions, the strongest first."""
    return [int(index) for index in np.argsort(-app.session.activity.influence, kind="stable")]


def fill_history(app, count: int = 14, first_seed: int = 1) -> None:
    """Visit places, star some and name two."""
    for seed in range(first_seed, first_seed + count):
        app.session.randomize(seed)
    places = app.session.places
    for number in (2, 6, 7):
        places.star(places.all[number].id)
    places.rename(places.all[2].id, SMILE)
    window.at_rest(app)


def note_dimensions(app) -> None:
    """Note something on two dimensions of the bundled faces, whose names come with them."""
    for index, note in NOTES.items():
        app.session.note_dimension(index, note)
    window.at_rest(app)


def give_long_names(app) -> None:
    """Name dimensions and places as long as names may be, in two languages."""
    order = by_influence(app)
    for index, name, note in (
        (order[0], LONG_NAME, LONG_NAME),
        (order[1], CHINESE_NAME, CHINESE_NOTE),
        (order[2], "微笑", ""),
    ):
        app.session.name_dimension(index, name)
        app.session.note_dimension(index, note)
    places = app.session.places
    for place, name in zip(places.all[-3:], (LONG_NAME, CHINESE_NAME, "微笑"), strict=False):
        places.rename(place.id, name)
    window.at_rest(app)


def offer_recipe(app, name: str = "anime-faces strip.png"):
    """Ask under the picture whether a recipe shall be restored; return the offer."""
    text = f"{name} is a strip, made with anime-faces; restore what made it?"
    offer = app.window.canvas.offer(text, [("&Restore", _nothing), ("&Encode it", _nothing)])
    window.at_rest(app)
    return offer


def show_start(app, recent: tuple[str, ...] = ()) -> None:
    """Show the start page, with files that were opened before, all cards alive."""
    from explorer.gui.panels.start import RecentFile

    app.window.actions_by_name["start_page"].trigger()
    window.wait_for(lambda: all(card.frames for card in app.window.start.cards.values()))
    app.window.start.set_recent([RecentFile(path, Path(path).name.partition(".")[0]) for path in recent])
    window.at_rest(app)


def export_at(app, kind: str):
    """Show the Export dialog at a kind, with its preview; return it."""
    dialog = app.export_dialog
    dialog.open_at(kind)
    window.settle()
    window.at_rest(app)
    return dialog


def show_messages(app):
    """Show the list of messages; return it."""
    app.window.actions_by_name["messages"].trigger()
    window.settle()
    return app.message_list


@contextmanager
def examining(app, name: str = "faces.pt") -> Iterator:
    """Show the doctor at the bundled faces, in a file that names its tensors otherwise and says nothing else."""
    import torch

    from explorer.formats import open_latent

    others = {"decoder": "generate", "encoder": "look", "fcmu": "mean", "fcvar": "spread"}
    weights = open_latent("anime-faces").model.network.state_dict()
    renamed = {".".join([others[key.split(".")[0]], *key.split(".")[1:]]): weights[key] for key in weights}
    dialog = app.doctor.dialog
    with tempfile.TemporaryDirectory() as folder:
        torch.save(dict(renamed), Path(folder) / name)
        dialog.examine(str(Path(folder) / name), name)
        window.wait_for(lambda: dialog.is_at_rest)
        window.settle()
        try:
            yield dialog
        finally:
            dialog.close()


@contextmanager
def reporting(app) -> Iterator:
    """Show the report on a problem."""
    from explorer.gui.messages.bug_dialog import BugDialog

    app.window.actions_by_name["report"].trigger()
    window.settle()
    dialog = app.window.findChild(BugDialog)
    try:
        yield dialog
    finally:
        if dialog is not None:
            dialog.close()


@contextmanager
def editing_dimension(app, index: int) -> Iterator:
    """Show the editor of a name and a note beside a row."""
    from explorer.gui.dimension_notes import DimensionNotes

    app.window.sliders.edit_words(index)
    window.settle()
    editor = app.window.findChild(DimensionNotes)
    try:
        yield editor
    finally:
        editor.dismiss()


@contextmanager
def moved_docks(app) -> Iterator:
    """Put history and map behind other panels as tabs, float the strip; all is back afterwards."""
    top, docks = app.window, app.window.docks
    top.tabifyDockWidget(docks["latent"], docks["map"])
    docks["latent"].raise_()
    docks["strip"].setFloating(True)
    docks["strip"].resize(900, 180)
    window.settle()
    window.at_rest(app)
    try:
        yield docks["strip"]
    finally:
        top.actions_by_name["restore_layout"].trigger()
        window.settle()
        window.at_rest(app)


def _nothing() -> None:
    """Do nothing: nobody answers here."""
