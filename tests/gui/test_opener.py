"""Opening what a person gives: pictures that carry their recipe, sessions, what is dropped meanwhile."""

import shutil

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from real_window import WAIT, drop, open_and_wait, picture_file, save, save_colorizer, shown
from sessions import save_family

from explorer import paths
from explorer.export.reading import recipe_in
from explorer.gui import file_dialogs
from explorer.gui.exporting.export_choice import ExportChoice

pytestmark = pytest.mark.also_x11


def export(app, qtbot, choice, path):
    with qtbot.waitSignal(app.exporter.exported, timeout=WAIT):
        app.exporter.save(choice, str(path))
    return path


def button(app, text):
    """The button of the offer under the picture."""
    found = [
        b for b in app.window.canvas.notice.findChildren(QPushButton) if b.text().replace("&", "") == text
    ]
    assert found, f"no button {text}"
    return found[0]


def press(app, qtbot, text):
    qtbot.waitUntil(lambda: app.window.canvas.notice.isVisible(), timeout=WAIT)
    qtbot.mouseClick(button(app, text), Qt.MouseButton.LeftButton)


def test_a_picture_with_a_recipe_offers_to_bring_back_what_made_it(faces, qtbot, tmp_path):
    session = faces.session
    session.randomize(3)
    qtbot.waitUntil(lambda: not faces.pictures.is_waiting("canvas"), timeout=WAIT)
    code, picture = session.code, shown(faces).copy()
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    session.reset()
    drop(faces.window, path)
    press(faces, qtbot, "Restore")
    qtbot.waitUntil(lambda: np.array_equal(session.code, code), timeout=WAIT)
    qtbot.waitUntil(lambda: np.array_equal(shown(faces), picture), timeout=WAIT)
    session.undo()
    assert np.array_equal(session.code, session.space.center)


def test_it_can_be_encoded_instead(faces, qtbot, tmp_path):
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    drop(faces.window, path)
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        press(faces, qtbot, "Encode it")
    assert faces.session.original.label == "face.png"


def test_it_is_encoded_by_the_model_that_is_open_by_then(faces, qtbot, tmp_path):
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    drop(faces.window, path)
    qtbot.waitUntil(lambda: faces.window.canvas.notice.isVisible(), timeout=WAIT)
    open_and_wait(qtbot, faces, save(tmp_path / "larger.safetensors", side=16))
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        press(faces, qtbot, "Encode it")
    assert faces.session.original.picture.shape == (16, 16, 3)


def test_the_checkpoint_of_a_recipe_is_found_by_its_hash(faces, qtbot, tmp_path):
    faces.session.set_strip(steps=4, path="slerp")
    ends = [anchor.code for anchor in faces.session.anchors.values()]
    path = export(faces, qtbot, ExportChoice("strip", "webp"), tmp_path / "strip.webp")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(tmp_path / "faces.safetensors", elsewhere / "renamed.safetensors")
    shutil.move(path, elsewhere)
    open_and_wait(qtbot, faces, save(tmp_path / "other.safetensors", seed=9, latent_dim=6))
    drop(faces.window, elsewhere / "strip.webp")
    press(faces, qtbot, "Restore")
    qtbot.waitUntil(lambda: faces.session.model.name == "renamed", timeout=WAIT)
    assert faces.session.strip.steps == 4
    assert faces.session.strip.path == "slerp"
    for anchor, code in zip(faces.session.anchors.values(), ends, strict=True):
        assert np.array_equal(anchor.code, code)


def test_a_recipe_whose_checkpoint_is_nowhere_says_which_it_needs_and_can_be_shown(
    faces, qtbot, tmp_path, monkeypatch
):
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    open_and_wait(qtbot, faces, save(other / "other.safetensors", seed=9))
    shutil.move(tmp_path / "faces.safetensors", hidden / "moved.safetensors")
    drop(faces.window, path)
    press(faces, qtbot, "Restore")
    notice = faces.window.canvas.notice
    qtbot.waitUntil(lambda: notice.level == "error" and "faces" in notice.text, timeout=WAIT)
    assert recipe_in(path).model.sha256[:4] in notice.text
    assert faces.session.model.name == "other"
    monkeypatch.setattr(file_dialogs, "ask_open", lambda *_: str(hidden / "moved.safetensors"))
    press(faces, qtbot, "Find it…")
    qtbot.waitUntil(lambda: faces.session.model.name == "moved", timeout=WAIT)


def test_stages_come_back_with_a_recipe(faces, qtbot, tmp_path):
    with qtbot.waitSignal(faces.session.stages_changed, timeout=WAIT):
        faces.opener.open_stages(str(save_colorizer(tmp_path / "colour.safetensors")))
    qtbot.waitUntil(lambda: shown(faces).shape == (8, 8, 3), timeout=WAIT)
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    faces.session.remove_stage(faces.session.stages[0].id)
    drop(faces.window, path)
    press(faces, qtbot, "Restore")
    qtbot.waitUntil(lambda: [e.stage.name for e in faces.session.stages] == ["colour"], timeout=WAIT)
    qtbot.waitUntil(lambda: shown(faces).shape == (8, 8, 3), timeout=WAIT)


def test_a_picture_of_ours_becomes_an_anchor_by_its_very_code(faces, qtbot, tmp_path):
    faces.session.randomize(4)
    qtbot.waitUntil(lambda: not faces.pictures.is_waiting("canvas"), timeout=WAIT)
    code = faces.session.code
    path = export(faces, qtbot, ExportChoice("picture"), tmp_path / "face.png")
    faces.session.reset()
    with qtbot.waitSignal(faces.session.anchors_changed, timeout=WAIT):
        faces.window.strip.picture_wanted.emit("A", str(path))
    assert np.array_equal(faces.session.anchors["A"].code, code)


def test_a_damaged_recipe_leaves_a_picture(faces, qtbot, tmp_path):
    from PIL import Image, PngImagePlugin

    path = picture_file(tmp_path / "person.png")
    text = PngImagePlugin.PngInfo()
    text.add_text("latent-explorer", '{"latent-explorer": "recipe", "kind": 5}')
    with Image.open(path) as image:
        image.load()
        image.save(path, pnginfo=text)
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        drop(faces.window, path)
    assert faces.session.original.label == "person.png"


def test_opened_files_are_remembered_and_bundled_ones_are_not(faces, qtbot, tmp_path):
    from explorer.formats import recent

    qtbot.waitUntil(lambda: [entry.name for entry in recent.entries()] == ["faces"], timeout=WAIT)
    with qtbot.waitSignal(faces.session.model_changed, timeout=WAIT):
        faces.opener.open("anime-faces")
    qtbot.waitUntil(lambda: not faces.jobs.is_running("open"), timeout=WAIT)
    assert [entry.name for entry in recent.entries()] == ["faces"]


def test_the_start_page_opens_a_bundled_model(faces, qtbot):
    window = faces.window
    window.actions_by_name["start_page"].trigger()
    card = window.start.cards["anime-faces"]
    qtbot.waitUntil(lambda: bool(card.frames), timeout=WAIT)
    assert window.start.isVisible()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: faces.session.model.name == "anime-faces", timeout=WAIT)
    assert window.canvas.isVisible()
    window.actions_by_name["start_page"].trigger()
    qtbot.keyClick(window.start, Qt.Key.Key_Escape)
    assert window.canvas.isVisible()


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of bundled models: one of colour pictures, one of grey ones, and a stage for grey ones."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    save_family(folder / "anime-faces.safetensors", "dcgan", latent_dim=6, widths=(8, 4), channels=3)
    save(folder / "grey.safetensors")
    save_colorizer(folder / "tint.safetensors")
    monkeypatch.setattr(paths, "checkpoints", lambda: folder)
    return folder


def test_a_bundled_stage_brings_a_model_that_it_fits(running, qtbot, shipped):
    open_and_wait(qtbot, running, "anime-faces")
    with qtbot.waitSignal(running.session.stages_changed, timeout=WAIT):
        running.opener.open("tint")
    assert running.session.model.name == "grey"
    assert [entry.stage.name for entry in running.session.stages] == ["tint"]
    session = running.session
    session.undo()
    session.undo()
    assert (session.model.name, session.stages) == ("anime-faces", ())


def test_a_stage_of_somebody_else_leaves_the_model_alone(running, qtbot, shipped, tmp_path):
    open_and_wait(qtbot, running, "anime-faces")
    with qtbot.waitSignal(running.session.message, timeout=WAIT) as told:
        running.opener.open(str(save_colorizer(tmp_path / "mine.safetensors")))
    assert told.args[0] == "error"
    assert running.session.model.name == "anime-faces"


def test_a_stage_that_is_opened_first_brings_a_model(running, qtbot, shipped, tmp_path):
    with qtbot.waitSignal(running.session.stages_changed, timeout=WAIT):
        running.opener.open(str(save_colorizer(tmp_path / "mine.safetensors")))
    assert running.session.model.name == "grey"


def test_the_card_of_a_stage_shows_it_behind_a_model_that_it_fits(running, qtbot, shipped):
    running.window.actions_by_name["start_page"].trigger()
    cards = running.window.start.cards
    assert list(cards) == ["anime-faces", "grey", "tint"]
    qtbot.waitUntil(lambda: all(card.frames for card in cards.values()), timeout=WAIT)
    assert cards["tint"].frames[0].size() == cards["grey"].frames[0].size()
