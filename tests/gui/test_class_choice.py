"""The class of a conditional model in the window: every picture is of it, and undo, sessions and recipes know it."""

from dataclasses import replace

import fakes
import numpy as np
import pytest
import sessions
from PIL import Image
from PySide6.QtCore import Qt
from real_window import WAIT, open_and_wait, save

from explorer.export import making
from explorer.export.reading import recipe_in
from explorer.formats import Opened
from explorer.gui.class_choice import ClassChoice
from explorer.gui.exporting.export_choice import ExportChoice
from explorer.gui.history.history_keeper import HistoryKeeper
from explorer.gui.history.place_pictures import PlacePictures
from explorer.gui.panels.canvas import Canvas
from explorer.gui.panels.latent_map import LatentMap
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.panels.strip import Strip
from explorer.gui.recipe_state import state_of
from explorer.gui.session import Session
from explorer.gui.sessions.session_parts import Parts
from explorer.gui.sessions.session_state import whole
from explorer.gui.sessions.session_values import Wrong
from explorer.models.base import NO_OPTIONS, Origin
from explorer.render.renderer import Renderer


@pytest.fixture
def session(qapp):
    session = Session()
    session.open(Opened(fakes.conditional()))
    return session


def picture(session, label):
    """What the engine makes of the current code and a class."""
    import torch

    from explorer.models.base import DecodeOptions
    from explorer.render.renderer import to_uint8

    options = DecodeOptions(labels=np.array([label]))
    images = Renderer("cpu").decode(session.model, session.code[None], "z", options)
    return to_uint8(torch.from_numpy(images))[0][0]


def test_the_choice_shows_and_sets_the_class(session, qtbot):
    choice = ClassChoice(session)
    qtbot.addWidget(choice)
    assert [choice.itemText(place) for place in range(choice.count())] == [f"class {n}" for n in range(5)]
    assert not choice.isHidden()
    qtbot.keyClick(choice, Qt.Key.Key_Down)
    assert (session.label, choice.currentIndex()) == (1, 1)
    session.undo()
    assert (session.label, choice.currentIndex()) == (0, 0)


def test_it_is_hidden_for_models_without_classes(session, qtbot):
    choice = ClassChoice(session)
    qtbot.addWidget(choice)
    session.set_label(4)
    session.open(Opened(fakes.tiny_vae()))
    assert choice.isHidden()
    assert session.options is NO_OPTIONS
    session.set_label(2)
    assert session.label == 0
    session.undo()
    assert (session.label, choice.currentIndex(), choice.isHidden()) == (4, 4, False)


def test_a_class_that_the_model_does_not_know_changes_nothing(session):
    for label in (-1, 5, 0):
        session.set_label(label)
        assert session.label == 0
    assert not session.can_undo


def test_every_panel_asks_for_the_chosen_class(session, qtbot):
    pictures = fakes.instant_pictures(session)
    panels = [kind(session, pictures) for kind in (Canvas, SlidersPanel, Strip, LatentMap)]
    for panel in panels:
        qtbot.addWidget(panel)
        panel.resize(400, 300)
        panel.show()
        qtbot.waitExposed(panel)
    qtbot.wait(200)
    pictures.worker.requests.clear()
    session.set_label(3)
    slots = {"canvas", "strip", "map-background", "traversal:0"}
    qtbot.waitUntil(lambda: slots <= {r.slot for r in pictures.worker.requests}, timeout=WAIT)
    assert {r.options.labels.tolist()[0] for r in pictures.worker.requests} == {3}
    assert np.array_equal(panels[0].shown.pictures[0], picture(session, 3))
    assert not np.array_equal(picture(session, 3), picture(session, 0))


def test_a_saved_session_brings_the_class_back(session):
    session.model.origin = Origin("digits.pt", "torch", "0" * 64)
    session.set_label(4)
    said = whole(session.state)[0]
    parts = Parts(session.model, said, lambda what, wrong: pytest.fail(str(wrong)))
    empty = parts.empty(session.state.opened, {}, {})
    assert parts.changed({"label": said["label"]}, empty, "").label == 4
    for nonsense in (5, -1, "2", 1.0, None):
        with pytest.raises(Wrong):
            parts.changed({"label": nonsense}, empty, "")


def test_random_sessions_with_classes_are_saved_whole(session, tmp_path):
    from explorer.gui.sessions import session_file, session_reading

    session.model.origin = Origin(tmp_path / "digits.pt", "torch", "0" * 64)
    actor = sessions.Actor(session, 5)
    for label in (1, 4, 2, 2):
        actor.act(3)
        session.set_label(label)
    path = tmp_path / "a.session.json"
    path.write_text(session_file.describe(session_file.moment_of(session), tmp_path), encoding="utf-8")
    read = session_reading.read(path).state(session.state.opened, {})
    assert read.warnings == ()
    again = Session()
    again.restore(read.moment.state, read.moment.past, read.moment.future)
    while session.can_undo or again.can_undo:
        assert sessions.state_snapshot(again.state) == sessions.state_snapshot(session.state)
        session.undo()
        again.undo()


def test_a_recipe_tells_the_class_and_the_window_takes_it_back(running, qtbot, tmp_path):
    model = fakes.conditional()
    model.origin = Origin(tmp_path / "digits.pt", "torch", "0" * 64)
    opened, session = Opened(model), running.session
    session.open(opened)
    running.worker.begin()
    session.set_label(2)
    session.randomize(1)
    qtbot.waitUntil(
        lambda: (
            (shown := running.window.canvas.shown) is not None
            and shown.request.options.labels.tolist() == [2]
            and np.array_equal(shown.request.codes[0], session.code)
        ),
        timeout=WAIT,
    )
    for kind in ("picture", "sheet", "samples", "manifold"):
        with qtbot.waitSignal(running.exporter.exported, timeout=WAIT):
            running.exporter.save(ExportChoice(kind, count=4), str(tmp_path / f"{kind}.png"))
        recipe = recipe_in(tmp_path / f"{kind}.png")
        assert recipe.options == {"labels": [2]}
        codes, options = making.codes_of(recipe), making.options_of(recipe)
        pictures = Renderer("cpu").decode(model, codes, recipe.space, options)
        again = making.page(recipe, np.round(255 * pictures.transpose(0, 2, 3, 1)).astype(np.uint8))
        written = np.asarray(Image.open(tmp_path / f"{kind}.png").convert("L"), float)
        assert np.abs(written - np.asarray(again[0].convert("L"), float)).max() <= 1
        assert state_of(recipe, opened, (), replace(session.state, label=0)).label == 2


def test_a_recipe_of_many_classes_leaves_the_class(session):
    recipe = making.samples(making.network(session.model), session.space, 3, 0, options=session.options)
    session.set_label(1)
    for labels, expected in (([4], 4), ([3, 3, 3], 3), ([0, 1, 2], 1), ([[1.0, 0, 0, 0, 0]], 1), ([9], 1)):
        other = replace(recipe, options={"labels": labels})
        assert state_of(other, session.state.opened, (), session.state).label == expected


def test_the_header_has_it_between_name_and_buttons(running, qtbot, tmp_path):
    open_and_wait(qtbot, running, save(tmp_path / "faces.safetensors"))
    (choice,) = running.window.header.findChildren(ClassChoice)
    assert not choice.isVisible()
    running.session.open(Opened(fakes.conditional()))
    assert choice.isVisible()


def test_a_place_brings_its_class_back_as_one_step(qapp):
    session = Session()
    keeper = HistoryKeeper(session, session)
    session.open(Opened(fakes.conditional()))
    session.set_label(3)
    session.randomize(1)
    there = session.places.here
    session.set_label(1)
    session.randomize(2)
    assert [(place.what, place.label) for place in session.places.all] == [
        ("Start", 0), ("Class", 3), ("Random", 3), ("Class", 1), ("Random", 1),
    ]  # fmt: skip
    session.places.visit(there.id)
    assert (session.label, session.places.here.id) == (3, there.id)
    session.undo()
    assert session.label == 1
    session.redo()
    assert session.label == 3
    assert np.array_equal(session.code, there.code)
    session.set_label(2)
    assert session.places.here.id != there.id, "the same code of another class is another place"
    keeper.close()


def test_thumbnails_are_of_the_class_of_their_place(session):
    pictures = fakes.instant_pictures(session)
    images = PlacePictures(session, pictures)
    session.set_label(3)
    place = session.places.keep("here")
    session.set_label(1)
    images.ask([place])
    (request,) = [r for r in pictures.worker.requests if r.slot.startswith("history:")]
    assert request.options.labels.tolist() == [3]
    images.ask([place])
    assert len(pictures.worker.requests) == 1, "another class that is shown makes it no older"


def test_a_place_of_an_unknown_class_leaves_the_class(session):
    place = session.places.keep_code("z", np.ones(3, np.float32), "starred")
    session.set_label(2)
    session.places.visit(place.id)
    assert session.label == 2
    place = session.places.keep_code("z", np.zeros(3, np.float32) + 2, "starred", label=99)
    session.places.visit(place.id)
    assert session.label == 2


def test_a_star_and_a_saved_session_keep_the_class_of_a_place(session, tmp_path):
    from explorer.formats import notes, notes_writing
    from explorer.formats.notes import Notes, StarredPlace
    from explorer.gui.sessions import session_file, session_reading

    checkpoint = tmp_path / "digits.pt"
    session.model.origin = Origin(checkpoint, "torch", "0" * 64)
    session.set_label(4)
    session.places.star(session.places.keep("here").id)
    code = session.code
    starred = tuple(StarredPlace("z", code, "", label) for label in (4, 2, None))
    notes_writing.write(checkpoint, Notes(places=starred))
    read = notes.read(checkpoint, session.model)[0]
    assert [place.label for place in read.places] == [4, 2, None]
    other = Session()
    other.open(Opened(session.model, notes=read))
    assert [place.label for place in other.places.all] == [4, 2, None]

    path = tmp_path / "a.session.json"
    path.write_text(session_file.describe(session_file.moment_of(session), tmp_path), encoding="utf-8")
    restored = session_reading.read(path).state(Opened(session.model, notes=read), {})
    assert [(place.label, place.starred) for place in restored.moment.places] == [
        (4, True),
        (2, True),
        (None, True),
    ]
    assert restored.warnings == ()
