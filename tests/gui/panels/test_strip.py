"""The strip, driven by its widgets."""

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from explorer.formats.notes import NO_NOTES
from explorer.gui import theme
from explorer.gui.history import place_mime
from explorer.gui.panels.strip import Strip
from explorer.gui.previews import BUDGET
from explorer.gui.session import Session
from explorer.gui.state import Anchor
from explorer.latent import interpolation

A = np.array([1, 0, 0.5, -1], np.float32)
B = np.array([-1, 2, 0, 1], np.float32)
RED = np.full((8, 8, 3), (200, 10, 20), np.uint8)


class Opened:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pictures(session):
    return fakes.instant_pictures(session)


@pytest.fixture
def panel(qtbot, session, pictures, tiny_model):
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    panel = Strip(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(900, 112)
    panel.show()
    session.open(Opened(tiny_model))
    session.set_anchor("A", None)
    session.set_anchor("B", None)
    return panel


@pytest.fixture
def filled(panel, session):
    session.set_anchor("A", Anchor(A, RED, "red.png"))
    session.set_anchor("B", Anchor(B, None, "b"))
    return panel


def grey(image):
    """Return a picture of the strip as numbers."""
    return np.array(
        [[image.pixelColor(x, y).red() for x in range(image.width())] for y in range(image.height())]
    )


def decoded(pictures, model, codes):
    images = pictures.worker.renderer.decode(model, codes)
    return np.rint(images[:, 0] * 255)


def control(panel, name):
    return next(widget for widget in panel.title_widgets() if widget.accessibleName() == name)


def test_the_cells_are_the_renderers_pictures_of_the_path(filled, pictures, tiny_model):
    codes = interpolation.path(A, B, 9)
    expected = decoded(pictures, tiny_model, codes)
    assert len(filled.row.pictures) == 7
    for cell, picture in zip(filled.row.pictures, expected[1:-1], strict=True):
        assert np.array_equal(grey(cell), picture)
    assert np.array_equal(grey(filled.slots["B"].picture), expected[-1])


def test_the_whole_path_is_one_request(filled, pictures):
    request = pictures.worker.requests[-1]
    assert request.slot == "strip"
    assert np.array_equal(request.codes, interpolation.path(A, B, 9))


def test_the_ends_show_sources_or_reconstructions(filled, session, pictures, tiny_model):
    asked = len(pictures.worker.requests)
    assert filled.slots["A"].picture.pixelColor(3, 3).getRgb()[:3] == (200, 10, 20)
    image = filled.grab().toImage()
    centre = filled.slots["A"].geometry().center()
    assert image.pixelColor(centre).getRgb()[:3] == (200, 10, 20)
    ends = control(filled, "What the ends show")
    ends.setCurrentIndex(1)
    ends.activated.emit(1)
    assert session.strip.ends == "decoded"
    assert np.array_equal(grey(filled.slots["A"].picture), decoded(pictures, tiny_model, A[None])[0])
    assert len(pictures.worker.requests) == asked, "nothing new had to be decoded"


def test_too_many_steps_are_as_many_as_there_can_be(filled, session, qtbot):
    steps = control(filled, "Pictures between A and B")
    steps.selectAll()
    qtbot.keyClicks(steps, "99")
    qtbot.keyClick(steps, Qt.Key.Key_Return)
    assert session.strip.steps == 31
    assert steps.text() == "31 steps"


def test_another_number_of_steps(filled, session):
    steps = control(filled, "Pictures between A and B")
    steps.setValue(3)
    assert session.strip.steps == 3
    assert len(filled.row.pictures) == 3
    session.set_strip(steps=31)
    assert len(filled.row.pictures) == 31
    assert steps.value() == 31
    session.undo()
    assert steps.value() == 7, "turning the steps is one step"


def test_another_path(filled, session, pictures):
    path = control(filled, "Path from A to B")
    path.setCurrentIndex(path.findText("slerp"))
    path.activated.emit(path.currentIndex())
    assert session.strip.path == "slerp"
    assert np.array_equal(pictures.worker.requests[-1].codes, interpolation.path(A, B, 9, "slerp"))


def test_all_pictures_are_equally_wide_and_fit_at_every_width(filled, session):
    for steps, width in ((1, 300), (7, 900), (31, 1240), (31, 500)):
        session.set_strip(steps=steps)
        filled.resize(width, 112)
        left, right = filled.slots["A"].geometry(), filled.slots["B"].geometry()
        assert left.size() == right.size()
        assert left.left() >= 0
        assert right.right() < width
        assert all(filled.row.box(i).size() == filled.row.box(0).size() for i in range(steps))
        assert filled.row.box(0).width() >= 20
        assert left.left() == pytest.approx(width - 1 - right.right(), abs=1), "not in the middle"


def test_the_pictures_keep_the_models_aspect(qtbot, session, pictures):
    from explorer.models import architecture

    family = architecture("fc-vae")
    config = family.config(height=8, width=16, hidden=(16,), latent_dim=4)
    model = family.wrap(family.network(config).eval(), config, name="wide")
    panel = Strip(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(900, 112)
    panel.show()
    session.open(Opened(model))
    session.set_anchor("A", Anchor(A))
    session.set_anchor("B", Anchor(B))
    slot = panel.slots["A"]
    assert slot.width() == pytest.approx(2 * slot.height(), abs=2)


def test_a_click_on_a_picture_shows_its_code(qtbot, filled, session):
    place = filled.row.box(4).center().toPoint()
    qtbot.mouseClick(filled.row, Qt.MouseButton.LeftButton, pos=place)
    assert np.array_equal(session.code, interpolation.path(A, B, 9)[5])
    qtbot.keyClick(filled.row, Qt.Key.Key_Left)
    assert np.array_equal(session.code, interpolation.path(A, B, 9)[4])
    qtbot.mouseClick(filled.slots["B"], Qt.MouseButton.LeftButton)
    assert np.array_equal(session.code, B)
    session.undo()
    assert np.array_equal(session.code, interpolation.path(A, B, 9)[4])


def test_a_dot_under_the_picture_that_the_canvas_shows(filled, session):
    here = theme.current().here

    def dots():
        image = filled.grab().toImage()
        y = filled.height() - 4
        return [x for x in range(filled.width()) if image.pixelColor(x, y) == here]

    assert dots() == []
    session.set_code(interpolation.path(A, B, 9)[3])
    under = filled.row.mapTo(filled, filled.row.box(2).center().toPoint()).x()
    assert dots()
    assert np.mean(dots()) == pytest.approx(under, abs=1.5)


def test_a_picture_of_the_row_becomes_an_anchor(filled, session):
    code = interpolation.path(A, B, 9)[3]
    actions = {action.text(): action for action in filled.make_row_menu(2).actions()}
    actions["Set as B"].trigger()
    assert np.array_equal(session.anchors["B"].code, code)


def test_the_current_code_becomes_an_anchor(panel, session):
    session.set_dimension(0, 0.75)
    panel.use_current_as_a()
    session.set_dimension(0, -0.25)
    panel.use_current_as_b()
    assert session.anchors["A"].code[0] == np.float32(0.75)
    assert session.anchors["B"].code[0] == np.float32(-0.25)
    assert len(panel.row.pictures) == 7


def test_swap_is_one_step(filled, session):
    control(filled, "Swap A and B").click()
    assert np.array_equal(session.anchors["A"].code, B)
    assert session.anchors["B"].label == "red.png"
    session.undo()
    assert session.anchors["A"].label == "red.png"


def drop(slot, path="", data=None):
    """Drop a file, or something else, on a slot."""
    if data is None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path)])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    slot.dropEvent(event)


def test_a_dropped_file_is_asked_for(qtbot, panel):
    with qtbot.waitSignal(panel.picture_wanted) as wanted:
        drop(panel.slots["B"], "/somewhere/face.png")
    assert wanted.args == ["B", "/somewhere/face.png"]


def test_a_place_of_the_history_becomes_an_end(filled, session):
    session.arrive(np.array([0, 0, 1, 1], np.float32), "Random")
    place = session.places.keep("Random")
    session.reset()
    slot, data = filled.slots["B"], place_mime.data_of(place.id)
    corner = slot.rect().bottomRight() - QPoint(6, 6)
    before = slot.grab().toImage().pixelColor(corner)
    enter = QDragEnterEvent(
        QPoint(5, 5),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(slot, enter)
    assert enter.isAccepted()
    assert slot.grab().toImage().pixelColor(corner) != before, "a target shows itself"
    QApplication.sendEvent(slot, QDragLeaveEvent())
    assert slot.grab().toImage().pixelColor(corner) == before
    drop(slot, data=data)
    assert np.array_equal(session.anchors["B"].code, place.code)
    assert session.anchors["B"].label == "Random, from the history"
    assert "Random, from the history" in slot.toolTip()
    session.undo()
    assert np.array_equal(session.anchors["B"].code, B)


def test_the_row_takes_no_place(filled):
    assert not filled.row.acceptDrops()
    assert not filled.acceptDrops()


def test_a_model_without_an_encoder_says_so(qtbot, panel, session, tiny_model, monkeypatch):
    monkeypatch.setattr(type(tiny_model), "has_encoder", property(lambda self: False))
    panel.picture_wanted.connect(lambda *_: pytest.fail("asked for a picture that cannot be encoded"))
    with qtbot.waitSignal(session.message) as said:
        drop(panel.slots["A"], "/somewhere/face.png")
    assert said.args[0] == "warning"
    assert "no encoder" in said.args[1]
    action = next(a for a in panel.make_slot_menu("A").actions() if a.text().startswith("Open a picture"))
    assert not action.isEnabled()
    assert "no encoder" in action.toolTip()


def test_the_empty_strip_says_what_to_do(panel, session):
    for name in ("Play", "Export strip", "Swap A and B"):
        button = control(panel, name)
        assert not button.isEnabled()
    assert "set A and B first" in control(panel, "Play").toolTip()
    assert not panel.slots["A"].filled
    session.set_anchor("A", Anchor(A))
    assert panel.slots["A"].filled
    assert panel.slots["A"].picture is not None, "one end alone shows its picture"
    assert len(panel.row.pictures) == 0
    image = panel.grab().toImage()
    middle = panel.rect().center()
    quiet = theme.current().quiet
    seen = [
        image.pixelColor(middle + QPoint(dx, dy)) == quiet for dx in range(-90, 90) for dy in range(-12, 8)
    ]
    assert any(seen), "no hint in the middle"


def test_a_model_that_cannot_be_decoded_is_an_error_in_the_strip(filled, session, pictures):
    from explorer.render.requests import RenderResult

    request = pictures.worker.requests[-1]
    filled._on_pictures(RenderResult("strip", request.generation, request.id, error="It broke."))
    assert len(filled.row.pictures) == 0
    image = filled.grab().toImage()
    middle, error = filled.rect().center(), theme.current().error
    assert any(
        image.pixelColor(middle + QPoint(x, y)) == error for x in range(-40, 40) for y in range(-12, 8)
    )


def test_other_stages_decode_the_strip_again(filled, session, pictures):
    import torch

    from explorer.models.base import ImageSpec, StageModel

    grey_spec = ImageSpec(1)
    stage = StageModel(
        torch.nn.Identity(), name="same", architecture="test", input=grey_spec, output=grey_spec
    )
    asked = len(pictures.worker.requests)
    session.add_stage(stage)
    assert len(pictures.worker.requests) == asked + 1
    assert pictures.worker.requests[-1].stages == (stage,)


def test_nothing_is_asked_for_while_it_is_hidden(qtbot, session, pictures, tiny_model):
    panel = Strip(session, pictures)
    qtbot.addWidget(panel)
    session.open(Opened(tiny_model))
    session.set_anchor("A", Anchor(A))
    session.set_anchor("B", Anchor(B))
    assert pictures.worker.requests == []
    panel.resize(900, 112)
    panel.show()
    assert len(panel.row.pictures) == 7


def test_play_runs_from_a_to_b_and_is_one_step(qtbot, filled, session, pictures):
    session.set_strip(steps=1)
    session.set_code(np.zeros(4, np.float32))
    session.commit()
    button = control(filled, "Play")
    seen = []
    session.code_changed.connect(lambda: seen.append(np.array(session.code)))
    with qtbot.waitSignal(session.code_committed, timeout=5000):
        button.click()
        assert filled.is_playing
        assert button.text() == "Pause"
        assert pictures.worker.is_dragging
    assert not filled.is_playing
    assert not pictures.worker.is_dragging
    assert np.array_equal(seen[0], A)
    assert np.array_equal(seen[-1], B)
    assert len(seen) > 8
    places = [(code - A) @ (B - A) / ((B - A) @ (B - A)) for code in seen]
    assert (np.diff(places) > 0).all()
    assert np.allclose(seen, [A + place * (B - A) for place in places], atol=1e-5), "off the path"
    session.undo()
    assert np.array_equal(session.code, np.zeros(4))


def test_play_gives_way_to_the_user(qtbot, filled, session):
    filled.toggle_play()
    assert filled.is_playing
    session.set_dimension(0, 0.3)
    assert not filled.is_playing
    session.set_dimension(0, 0.4)
    session.commit()
    session.undo()
    assert np.array_equal(session.code, A), "the user's drag is one step of its own"


def test_play_pauses_and_goes_on(qtbot, filled, session):
    filled.toggle_play()
    with qtbot.waitSignals([session.code_changed] * 3, timeout=3000):
        pass
    filled.toggle_play()
    paused = np.array(session.code)
    assert not filled.is_playing
    filled.toggle_play()
    assert np.array_equal(session.code, paused), "went on from somewhere else"
    filled.stop()
    assert not filled.is_playing


def test_play_back_and_forth_turns_round(qtbot, filled, session, monkeypatch):
    from explorer.gui import strip_player

    monkeypatch.setattr(strip_player, "SHORTEST", 120)
    monkeypatch.setattr(strip_player, "PACE", 10)
    control(filled, "Play back and forth").setChecked(True)
    places = []

    def turned():
        places.append(float((session.code - A) @ (B - A) / ((B - A) @ (B - A))))
        return len(places) > 4 and max(places) == pytest.approx(1) and places[-1] < 0.9

    filled.toggle_play()
    with qtbot.waitSignal(session.code_changed, timeout=5000, check_params_cb=turned):
        pass
    assert filled.is_playing
    filled.stop()


def test_play_ends_where_nobody_sees_the_strip(filled):
    filled.toggle_play()
    filled.hide()
    assert not filled.is_playing


def test_a_hand_that_stops_play_still_keeps_other_work_waiting(filled, session, pictures):
    filled.toggle_play()
    pictures.dragging(True)
    session.set_dimension(1, 0.25)
    assert not filled.is_playing
    assert pictures.worker.is_dragging
    pictures.dragging(False)
    assert not pictures.worker.is_dragging


def test_under_a_hand_every_second_picture_follows_and_all_when_it_lets_go(filled, pictures, session):
    """What the strip shows is changed by a drag; bulk work waits for its end."""
    filled._each = BUDGET / 12  # milliseconds; a test has no clock
    before = [grey(image) for image in filled._decoded]
    worker = pictures.worker
    pictures.dragging(True)
    worker.held = True
    session.add_stage(negative())
    some, everything = worker.waiting["strip-hand"], worker.waiting["strip"]
    assert (len(some.codes), len(everything.codes)) == (5, 9)
    worker.result.emit(worker.renderer.render(some))
    for number, (image, old) in enumerate(zip(filled._decoded, before, strict=True)):
        assert np.array_equal(grey(image), old if number % 2 else 255 - old)
    pictures.dragging(False)
    worker.result.emit(worker.renderer.render(everything))
    for image, old in zip(filled._decoded, before, strict=True):
        assert np.array_equal(grey(image), 255 - old)


def test_pictures_under_a_hand_that_come_late_change_nothing(filled, pictures, session):
    """They were asked for before the hand let go, and all pictures are asked for anew since."""
    filled._each = BUDGET / 12
    worker = pictures.worker
    pictures.dragging(True)
    worker.held = True
    session.add_stage(negative())
    some = worker.waiting["strip-hand"]
    pictures.dragging(False)
    session.set_stage_enabled(session.stages[0].id, False)
    before = [grey(image) for image in filled._decoded]
    worker.result.emit(worker.renderer.render(some))
    for image, old in zip(filled._decoded, before, strict=True):
        assert np.array_equal(grey(image), old)


def negative():
    stage = fakes.misbehaving_stage(name="negative")
    stage.apply_raw = lambda images: 1 - images
    return stage
