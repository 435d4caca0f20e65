"""The whole window with its real decode thread and real files: what a person does, and what comes out."""

import fakes
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QScrollBar,
    QToolButton,
    QWidget,
)
from real_window import WAIT, drop, expected, finish, open_and_wait, picture_file, save, save_colorizer, shown
from sessions import save_family

from explorer.formats import Opened
from explorer.gui import app as app_module
from explorer.gui.actions import keys_as_html
from explorer.gui.exporting.export_choice import ExportChoice
from explorer.gui.widgets import status_bar
from explorer.gui.widgets.chip import Chip
from explorer.models import architecture

pytestmark = pytest.mark.also_x11


def test_a_slider_moves_the_picture_and_undo_brings_it_back(faces, qtbot):
    session = faces.session
    before = shown(faces).copy()
    slider = faces.window.sliders.slider_for(2)
    with qtbot.waitSignal(faces.pictures.rendered, timeout=WAIT):
        slider.setFocus()
        qtbot.keyClick(slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert session.code[2] == pytest.approx(float(session.space.spread[2]))
    assert not np.array_equal(shown(faces), before)
    assert np.array_equal(shown(faces), expected(faces, session.code)[0])
    with qtbot.waitSignal(faces.pictures.rendered, timeout=WAIT):
        faces.window.actions_by_name["undo"].trigger()
    assert np.array_equal(shown(faces), before)


@pytest.mark.parametrize("with_stage", [False, True])
@pytest.mark.parametrize("count", [1, 9, 90])
def test_shown_and_exported_pictures_are_equal_bit_for_bit(faces, qtbot, tmp_path, count, with_stage):
    from explorer.latent.sampling import sample

    if with_stage:
        with qtbot.waitSignal(faces.session.stages_changed, timeout=WAIT):
            faces.opener.open_stages(str(save_colorizer(tmp_path / "colour.safetensors")))
    codes = sample(faces.session.space, count, seed=3)
    exported = expected(faces, codes)
    for index in {0, count // 2, count - 1}:
        faces.session.set_code(codes[index])
        qtbot.waitUntil(lambda: not faces.pictures.is_waiting("canvas"), timeout=WAIT)
        assert np.array_equal(shown(faces), exported[index])
    assert exported.shape[-1] == (3 if with_stage else 1)


def test_ten_thousand_moves_end_on_the_last_code(faces, qtbot):
    slider = faces.window.sliders.slider_for(1)
    values = np.random.default_rng(0).integers(slider.minimum(), slider.maximum(), 500)
    for value in values:
        slider.setValue(int(value))
    qtbot.waitUntil(
        lambda: np.array_equal(shown(faces), expected(faces, faces.session.code)[0]),
        timeout=WAIT,
    )


def test_opening_twice_shows_the_second(running, qtbot, tmp_path):
    first = save(tmp_path / "first.safetensors", seed=1)
    second = save(tmp_path / "second.safetensors", latent_dim=6, seed=2)
    running.opener.open(str(first))
    open_and_wait(qtbot, running, second)
    assert running.session.model.name == "second"
    assert running.session.code.shape == (6,)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all\n" * 50, b"PK\x03\x04" + b"\0" * 100])
def test_a_file_that_is_no_checkpoint_is_a_sentence_and_nothing_is_lost(faces, qtbot, tmp_path, content):
    bad = tmp_path / "bad.pt"
    bad.write_bytes(content)
    before = faces.session.model, faces.window.canvas.shown
    with qtbot.waitSignal(faces.session.message, timeout=WAIT) as told:
        faces.opener.open(str(bad))
    level, sentence, _ = told.args
    assert level == "error"
    assert "bad.pt" in sentence
    assert sentence.endswith(".")
    assert faces.window.canvas.notice.text == sentence
    assert (faces.session.model, faces.window.canvas.shown) == before


def test_a_dropped_picture_is_encoded_to_the_canvas(faces, qtbot, tmp_path):
    from explorer.data.images import fit, read_image
    from explorer.render.renderer import Renderer

    path = picture_file(tmp_path / "person.png")
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        drop(faces.window, path)
    changes = "cropped to the middle and scaled to 8×8, then turned from colour to grey"
    assert faces.window.status == f"person.png was {changes}."
    model = faces.session.model
    mean, _ = Renderer("cpu").encode(model, fit(read_image(path), model.image)[None])
    assert np.array_equal(faces.session.code, mean[0])
    assert faces.session.original.label == "person.png"
    assert faces.session.original.picture.shape == (8, 8, 3)


def test_a_picture_becomes_an_end_of_the_strip(faces, qtbot, tmp_path):
    path = picture_file(tmp_path / "person.png")
    with qtbot.waitSignal(faces.session.anchors_changed, timeout=WAIT):
        faces.window.strip.picture_wanted.emit("A", str(path))
    assert faces.session.anchors["A"].label == "person.png"
    assert faces.session.anchors["A"].picture.shape == (8, 8, 3)


def test_a_picture_for_a_model_without_encoder_is_a_sentence(running, qtbot, tmp_path):
    import torch

    from explorer.formats import save_native

    family = architecture("fc-gan")
    config = family.config()
    torch.manual_seed(0)
    network = family.network(config).eval()
    path = tmp_path / "gan.safetensors"
    save_native(path, family.wrap(network, config, name="gan"), config=config)
    open_and_wait(qtbot, running, path)
    with qtbot.waitSignal(running.session.message, timeout=WAIT) as told:
        drop(running.window, picture_file(tmp_path / "person.png"))
    assert told.args[0] == "error"
    assert "gan has no encoder" in told.args[1]


def test_a_gan_opens_at_a_sample_and_its_code_is_no_map(running, qtbot, tmp_path):
    """At 0, where none of its codes ever lay, a GAN draws mud."""
    path = save_family(tmp_path / "gan.safetensors", "dcgan", latent_dim=24, widths=(8, 4), channels=3)
    open_and_wait(qtbot, running, path)
    session = running.session
    assert session.space.shape == (24, 1, 1)
    assert 2 < np.linalg.norm(session.code) < 8  # of N(0, 1) in 24 dimensions: about 4.9
    assert running.window.sliders.range_notice.text == ""
    assert not running.window.canvas.bar.brush.isVisible()
    session.reset()
    assert np.array_equal(session.code, session.space.center)
    small = save_family(tmp_path / "small.safetensors", "dcgan", latent_dim=6, widths=(8, 4), channels=3)
    open_and_wait(qtbot, running, small)
    assert np.array_equal(session.code, session.space.center)


def test_a_stage_that_does_not_fit_is_refused_with_both_shapes(running, qtbot, tmp_path):
    import torch

    from explorer.formats import save_native

    family = architecture("dcgan")
    config = family.config()
    torch.manual_seed(0)
    path = tmp_path / "gan.safetensors"
    save_native(path, family.wrap(family.network(config).eval(), config, name="gan"), config=config)
    open_and_wait(qtbot, running, path)
    with qtbot.waitSignal(running.session.message, timeout=WAIT) as told:
        running.opener.open_stages(str(save_colorizer(tmp_path / "colour.safetensors")))
    assert "1x(any size)" in told.args[1]
    assert "3x64x64" in told.args[1]
    assert running.session.stages == ()


def test_the_saved_strip_holds_exactly_the_pictures_of_its_codes(faces, qtbot, tmp_path):
    from explorer.latent.interpolation import path as path_between

    faces.session.set_strip(steps=5, path="slerp")
    target = tmp_path / "strip.png"
    with qtbot.waitSignal(faces.exporter.exported, timeout=WAIT):
        faces.exporter.save(ExportChoice("strip"), str(target))
    a, b = (faces.session.anchors[side].code for side in "AB")
    pictures = expected(faces, path_between(a, b, 7, "slerp"))
    saved = np.asarray(Image.open(target).convert("L"))
    scale = saved.shape[0] // 8
    assert saved.shape == (8 * scale, 7 * 8 * scale)
    assert np.array_equal(saved[::scale, ::scale], np.concatenate(pictures[..., 0], axis=1))


@pytest.mark.parametrize("kind", ["sheet", "manifold", "samples", "picture"])
def test_every_export_writes_a_picture(faces, qtbot, tmp_path, kind):
    target = tmp_path / f"{kind}.png"
    with qtbot.waitSignal(faces.exporter.exported, timeout=WAIT):
        faces.exporter.save(ExportChoice(kind), str(target))
    with Image.open(target) as image:
        assert min(image.size) >= 8
        assert np.asarray(image).std() > 0


def test_a_place_that_cannot_be_written_is_a_sentence(faces, qtbot, tmp_path):
    with qtbot.waitSignal(faces.session.message, timeout=WAIT) as told:
        faces.exporter.save(ExportChoice("picture", scale=1), str(tmp_path / "missing" / "x.png"))
    assert told.args[0] == "error"
    assert "missing" in told.args[1]


def test_closing_while_a_model_loads_leaves_no_thread(running, qtbot, tmp_path):
    running.opener.open(str(save(tmp_path / "faces.safetensors")))
    running.window.close()
    assert not running.worker.is_alive()
    assert not running.jobs.is_running("open")


def test_single_letter_keys_do_nothing_inside_a_text_field(faces, qtbot):
    from explorer.gui.panels.header import SeedField

    field = faces.window.findChild(SeedField)
    faces.window.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    code = faces.session.code
    qtbot.keyClicks(field, "r")
    assert faces.session.code is code
    assert field.property("invalid")
    assert faces.window.status == "A seed is a whole number from 0 to 4294967295."
    qtbot.keyClicks(field, "7")
    assert not field.property("invalid")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert faces.session.seed == 7


def test_a_stage_named_at_the_start_runs_behind_the_model(qtbot, tmp_path):
    app_module.make_application()
    app = app_module.App("cpu")
    stage = save_colorizer(tmp_path / "colour.safetensors")
    app.start(str(save(tmp_path / "faces.safetensors")), [str(stage)])
    qtbot.waitUntil(lambda: len(app.session.stages) == 1, timeout=WAIT)
    qtbot.waitUntil(lambda: app.window.canvas.shown is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: shown(app).shape == (8, 8, 3), timeout=WAIT)
    finish(app)


def test_the_current_picture_keeps_what_it_was_encoded_from(faces, qtbot, tmp_path):
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        drop(faces.window, picture_file(tmp_path / "person.png"))
    faces.window.actions_by_name["set_a"].trigger()
    assert faces.session.anchors["A"].label == "person.png"
    assert faces.session.anchors["A"].picture is faces.session.original.picture
    faces.session.set_dimension(0, 0.5)
    faces.window.actions_by_name["set_b"].trigger()
    assert faces.session.anchors["B"].picture is None


def test_without_a_code_book_the_map_shows_the_dimensions_that_matter(faces, qtbot):
    qtbot.waitUntil(lambda: faces.session.activity is not None, timeout=WAIT)
    influence = faces.session.activity.influence
    main = tuple(sorted(np.argsort(-influence)[:2].tolist()))
    assert faces.session.main_dimensions == main
    assert faces.window.map.plane.name == f"z{main[0] + 1} × z{main[1] + 1}"


@pytest.mark.parametrize("with_stage", [False, True])
def test_what_is_saved_is_what_is_shown(faces, qtbot, tmp_path, with_stage):
    if with_stage:
        with qtbot.waitSignal(faces.session.stages_changed, timeout=WAIT):
            faces.opener.open_stages(str(save_colorizer(tmp_path / "colour.safetensors")))
        qtbot.waitUntil(lambda: shown(faces).shape == (8, 8, 3), timeout=WAIT)
    before = shown(faces)
    faces.session.set_dimension(0, 1.0)  # its picture is not there yet
    with qtbot.waitSignal(faces.exporter.exported, timeout=WAIT):
        faces.exporter.save(ExportChoice("picture", scale=1), str(tmp_path / "face.png"))
    with Image.open(tmp_path / "face.png") as saved:
        assert saved.mode == ("RGB" if with_stage else "L")
        assert np.array_equal(np.asarray(saved).reshape(before.shape), before)


def test_without_a_picture_there_is_nothing_to_save(running, qtbot, tmp_path):
    with qtbot.waitSignal(running.session.message) as told:
        running.exporter.save(ExportChoice("picture", scale=1), str(tmp_path / "face.png"))
    assert told.args[:2] == ["error", "There is no picture to save yet; open a model first."]
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_another_model_stops_is_said(faces, qtbot, tmp_path):
    other = Opened(fakes.tiny_vae(seed=5))
    faces.exporter.save(ExportChoice("samples"), str(tmp_path / "samples.png"))
    with qtbot.waitSignal(faces.session.message) as told:
        faces.session.open(other)
    assert told.args[0] == "warning"
    assert "samples.png was not written" in told.args[1]


def test_a_stage_that_is_being_read_is_named(faces, qtbot, tmp_path):
    path = save_colorizer(tmp_path / "colour.safetensors")
    with qtbot.waitSignal(faces.session.stages_changed, timeout=WAIT):
        faces.opener.open_stages(str(path))
        assert "opening colour…" in {chip.text() for chip in faces.window.findChildren(Chip)}
    qtbot.waitUntil(
        lambda: "opening colour…" not in {chip.text() for chip in faces.window.findChildren(Chip)},
        timeout=WAIT,
    )


def test_b_shows_before_also_while_a_combo_box_has_the_focus(faces, qtbot, tmp_path):
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        drop(faces.window, picture_file(tmp_path / "person.png"))
    combo = next(box for box in faces.window.sliders.title_widgets() if isinstance(box, QComboBox))
    view = faces.window.canvas.view
    qtbot.keyPress(combo, Qt.Key.Key_B)
    assert view.before_alone
    qtbot.keyRelease(combo, Qt.Key.Key_B)
    assert not view.before_alone


def test_no_text_field_takes_a_dropped_file(faces):
    fields = [field for field in faces.window.findChildren(QLineEdit) if field.acceptDrops()]
    assert fields == []


def test_the_layout_is_remembered_and_can_be_put_back(qtbot, running, own_name):
    running.window.resize(1111, 700)
    running.window.docks["map"].close()
    running.window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, running.window.docks["latent"])
    running.window.close()
    again = app_module.App("cpu")
    window = again.window
    window.show()
    assert window.height() == 700
    assert not window.docks["map"].isVisible()
    assert window.docks["strip"].isVisible()
    assert window.dockWidgetArea(window.docks["latent"]) == Qt.DockWidgetArea.RightDockWidgetArea
    window.actions_by_name["restore_layout"].trigger()
    assert window.docks["map"].isVisible()
    assert window.dockWidgetArea(window.docks["latent"]) == Qt.DockWidgetArea.LeftDockWidgetArea
    window.close()
    window.deleteLater()
    again.deleteLater()
    QApplication.processEvents()


def test_a_minimised_window_stops_play(faces, qtbot):
    window = faces.window
    window.actions_by_name["play"].trigger()
    assert window.strip.is_playing
    window.showMinimized()
    qtbot.waitUntil(lambda: not window.strip.is_playing)


def test_a_key_that_is_let_go_in_another_window_was_let_go(faces, qtbot, monkeypatch, tmp_path):
    with qtbot.waitSignal(faces.session.original_changed, timeout=WAIT):
        drop(faces.window, picture_file(tmp_path / "person.png"))
    faces.window.canvas.show_before(True)
    monkeypatch.setattr(faces.window, "isActiveWindow", lambda: False)
    QApplication.sendEvent(faces.window, QEvent(QEvent.Type.ActivationChange))
    assert not faces.window.canvas.view.before_alone


def test_every_control_has_a_name_and_a_tooltip(faces):
    kinds = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit, QAbstractSlider)
    found = [
        widget
        for widget in faces.window.findChildren(QWidget)
        if isinstance(widget, kinds) or widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        if widget.isVisible() and not isinstance(widget, QScrollBar | QMenu)
        if not isinstance(widget.parent(), QAbstractSpinBox)  # the part of one that one types into
    ]
    assert len(found) > 20
    assert [w for w in found if not w.accessibleName() or not w.toolTip()] == []


def test_the_first_model_is_read_when_the_window_is_seen(qtbot, running, tmp_path):
    path = save(tmp_path / "first.safetensors")
    with qtbot.waitSignal(running.session.model_changed, timeout=WAIT):
        running.start(str(path))
    qtbot.waitUntil(lambda: running.window.canvas.shown is not None, timeout=WAIT)
    assert running.session.model.name == "first"


def test_what_is_opened_while_torch_loads_goes_before_the_first_model(qtbot, running, tmp_path):
    first, second = save(tmp_path / "first.safetensors"), save(tmp_path / "second.safetensors")
    with qtbot.waitSignal(running.worker.ready, timeout=WAIT):
        running.start(str(first))
        open_and_wait(qtbot, running, second)
    qtbot.waitUntil(lambda: not running.jobs.is_running("open"), timeout=WAIT)
    assert running.session.model.name == "second"


def test_the_list_of_keys_names_every_key_of_the_menus(faces):
    table = keys_as_html()
    for action in faces.window.actions_by_name.values():
        for key in action.shortcuts():
            assert key.toString() in table
    assert "Hold B" in table


def test_the_docks_get_their_widths_back_when_the_window_grows_again(running, qtbot):
    window = running.window

    def widths():
        return {name: dock.width() for name, dock in window.docks.items()}

    window.resize(1280, 800)
    qtbot.waitUntil(lambda: widths()["map"] == 360)
    before = widths()
    window.resize(window.minimumSizeHint())
    qtbot.waitUntil(lambda: widths()["map"] < before["map"])
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: widths() == before)


def test_the_buttons_stay_where_they_are_when_a_stage_comes(faces, qtbot, tmp_path):
    random = next(
        button
        for button in faces.window.findChildren(QToolButton)
        if button.defaultAction() is faces.window.actions_by_name["random"]
    )
    before = random.mapTo(faces.window, random.rect().topLeft())
    with qtbot.waitSignal(faces.session.stages_changed, timeout=WAIT):
        faces.opener.open_stages(str(save_colorizer(tmp_path / "colour.safetensors")))
    QApplication.processEvents()
    assert random.mapTo(faces.window, random.rect().topLeft()) == before


def test_what_went_wrong_is_said_under_the_picture_and_moves_no_dock(faces, qtbot):
    window = faces.window
    before = {name: dock.geometry() for name, dock in window.docks.items()}
    faces.session.tell("error", "x.pth is empty.")
    faces.session.set_dimension(0, 0.5)
    qtbot.waitUntil(lambda: not faces.pictures.is_waiting("canvas"), timeout=WAIT)
    assert window.canvas.notice.text == "x.pth is empty."  # a good picture has nothing to do with it
    assert {name: dock.geometry() for name, dock in window.docks.items()} == before
    close = next(b for b in window.canvas.notice.findChildren(QToolButton) if "Close" in b.accessibleName())
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert window.canvas.notice.text == ""


def test_what_went_wrong_is_said_without_a_model_too(running):
    running.session.tell("error", "x.pth is empty.")
    assert running.window.canvas.notice.isVisible()


def test_news_stand_in_the_status_bar_for_a_while(faces, monkeypatch, qtbot):
    monkeypatch.setattr(status_bar, "INFO_MILLISECONDS", 50)
    faces.window.set_status("CPU float32")
    faces.session.tell("info", "Saved x.png.")
    assert faces.window.status == "Saved x.png."
    faces.window.set_status("CPU float32, decode 1.0 ms")
    assert faces.window.status == "Saved x.png."
    qtbot.waitUntil(lambda: faces.window.status.startswith("CPU float32"))
    assert faces.window.canvas.notice.text == ""
