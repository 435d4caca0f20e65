"""The canvas: the newest picture, what it is compared with, errors under the last good one, copy and save."""

from dataclasses import replace

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QMouseEvent
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton

from explorer.formats.notes import NO_NOTES
from explorer.gui.panels import canvas as canvas_module
from explorer.gui.panels.canvas import Canvas
from explorer.gui.session import Session
from explorer.models.base import ImageSpec, StageModel


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


def red_stage(name="red"):
    """A stage that gives grey pictures to the red channel, inverted, and leaves the others dark."""
    import torch

    class Red(torch.nn.Module):
        def forward(self, images):
            return torch.cat([1 - images, images * 0, images * 0], dim=1)

    return StageModel(Red(), name=name, architecture="test", input=ImageSpec(1), output=ImageSpec(3))


@pytest.fixture
def session(qapp, tiny_model):
    made = Session()
    made.messages = []
    made.message.connect(lambda level, text: made.messages.append((level, text)))
    return made


@pytest.fixture
def pictures(session):
    return fakes.instant_pictures(session)


@pytest.fixture
def canvas(qtbot, session, pictures, tiny_model):
    made = Canvas(session, pictures)
    qtbot.addWidget(made)
    made.resize(500, 460)
    made.show()
    session.open(OpenedFake(tiny_model))
    return made


def expected(pictures, session, *, stages=True):
    """The picture of the current code, uint8 `(H, W, C)`, straight from the renderer."""
    from explorer.render.requests import RenderRequest

    request = RenderRequest(
        "test", 0, 0, session.model, session.code, "z", stages=session.enabled_stages if stages else ()
    )
    codes = np.array(session.code)[None]
    return pictures.worker.renderer.render(replace(request, codes=codes)).pictures[0]


def on_screen(canvas, side=8):
    """What is painted in the middle of each of the picture's pixels, uint8 `(side, side, 3)`."""
    view = canvas.view
    image, target = view.grab().toImage(), view.viewport.target()
    step = target.width() / side
    return np.array(
        [
            [
                image.pixelColor(
                    int(target.x() + (x + 0.5) * step), int(target.y() + (y + 0.5) * step)
                ).getRgb()[:3]
                for x in range(side)
            ]
            for y in range(side)
        ],
        np.uint8,
    )


def pixels(image: QImage) -> np.ndarray:
    return np.array(
        [[image.pixelColor(x, y).getRgb()[:3] for x in range(image.width())] for y in range(image.height())],
        np.uint8,
    )


def rgb(picture):
    return np.broadcast_to(picture, (*picture.shape[:2], 3))


def hover(canvas, x, y):
    view = canvas.view
    at = view.viewport.target().topLeft() + QPointF(x + 0.5, y + 0.5) * view.viewport.scale
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, view.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, event)


def fail(canvas, pictures, session, sentence="This code made no picture; try another one.", bug=None):
    """Let the next request for the canvas come back as an error."""
    pictures.worker.held = True
    session.set_code(session.code + np.float32(0.5))
    request = pictures.worker.waiting.pop("canvas")
    pictures.worker.held = False
    from explorer.render.requests import RenderResult

    result = RenderResult(request.slot, request.generation, request.id, error=sentence, bug=bug)
    pictures.worker.result.emit(result)


# ---- the picture ----


def test_shows_exactly_the_rendered_picture(canvas, pictures, session):
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session)))


def test_follows_the_code(canvas, pictures, session):
    before = on_screen(canvas)
    session.set_dimension(1, 2.0)
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session)))
    assert (on_screen(canvas) != before).any()


def test_follows_stages_on_and_off(canvas, pictures, session):
    session.add_stage(red_stage())
    np.testing.assert_array_equal(on_screen(canvas), expected(pictures, session))
    session.set_stage_enabled(session.stages[0].id, False)
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session)))


def test_one_change_asks_once_or_twice_at_most(canvas, pictures, session):
    asked = [request for request in pictures.worker.requests if request.slot == "canvas"]
    assert len(asked) <= 2  # opening: model, space and code changed at once
    session.add_stage(red_stage())
    now = [request for request in pictures.worker.requests if request.slot == "canvas"]
    assert len(now) == len(asked) + 1


def test_the_same_code_can_be_asked_for_again(canvas, pictures, session):
    count = len(pictures.worker.requests)
    session.code_changed.emit()  # as when the device changed
    assert len(pictures.worker.requests) == count + 1


# ---- comparing ----


@pytest.fixture
def encoded(session, canvas):
    original = np.random.default_rng(5).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    session.show_encoded(np.array([0.5, -0.5, 0.1, 0.0], np.float32), original, "face.png")
    return original


def test_an_encoded_picture_is_wiped_with_its_reconstruction(canvas, pictures, session, encoded):
    assert canvas.compared == "original"
    shown = on_screen(canvas)[:7]  # the grip stands on the last row
    np.testing.assert_array_equal(shown[:, :4], encoded[:7, :4])
    np.testing.assert_array_equal(shown[:, 4:], rgb(expected(pictures, session))[:7, 4:])
    assert canvas.bar.line.middle == "original  |  reconstruction"


def test_the_wiper_can_be_put_away_and_comes_back_with_the_next_picture(canvas, pictures, session, encoded):
    canvas.toggle_wiper()
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session)))
    assert canvas.bar.line.middle == ""
    session.set_dimension(0, 1.0)
    assert not canvas.view.wiping
    session.show_encoded(np.zeros(4, np.float32), encoded, "other.png")
    assert canvas.view.wiping


def test_wiper_goes_away_with_the_original(canvas, session, encoded):
    session.clear_original()
    assert not canvas.view.wiping
    assert canvas.compared is None
    session.undo()
    assert canvas.view.wiping


def test_holding_b_shows_the_picture_before_the_stages(canvas, pictures, session, qtbot):
    session.add_stage(red_stage())
    assert not canvas.view.wiping  # nothing over the picture until asked for
    qtbot.keyPress(canvas.view, Qt.Key.Key_B)
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session, stages=False)))
    assert canvas.bar.line.middle == "before"
    qtbot.keyRelease(canvas.view, Qt.Key.Key_B)
    np.testing.assert_array_equal(on_screen(canvas), expected(pictures, session))


def test_the_wiper_shows_before_and_after_the_stages(canvas, pictures, session):
    session.add_stage(red_stage())
    canvas.toggle_wiper()
    shown = on_screen(canvas)[:7]
    np.testing.assert_array_equal(shown[:, :4], rgb(expected(pictures, session, stages=False))[:7, :4])
    np.testing.assert_array_equal(shown[:, 4:], expected(pictures, session)[:7, 4:])
    assert canvas.bar.line.middle == "before  |  after"


def test_the_wiper_goes_through_both_comparisons(canvas, session, encoded):
    session.add_stage(red_stage())
    seen = []
    for _ in range(4):
        seen.append(canvas.compared if canvas.view.wiping else None)
        canvas.toggle_wiper()
    assert seen == ["original", "stages", None, "original"]


def test_compare_says_why_it_is_off(canvas):
    assert not canvas.bar.compare.isEnabled()
    assert "drop a picture" in canvas.bar.compare.toolTip()


# ---- pixel values ----


def test_the_line_tells_the_pixel_under_the_cursor_and_follows_the_code(canvas, pictures, session):
    hover(canvas, 3, 6)
    for value in (0.0, 2.5):
        session.set_dimension(0, value)
        grey = expected(pictures, session)[6, 3, 0]
        assert canvas.bar.line.left.replace("\u2007", "") == f"x 3  y 6  grey {grey}"
    session.add_stage(red_stage())
    red, green, blue = expected(pictures, session)[6, 3]
    assert canvas.bar.line.left.replace("\u2007", "") == f"x 3  y 6  R {red}  G {green}  B {blue}"


# ---- going wrong ----


def test_an_error_stands_under_the_last_good_picture(canvas, pictures, session):
    good = on_screen(canvas)
    fail(canvas, pictures, session)
    np.testing.assert_array_equal(on_screen(canvas), good)
    assert (canvas.notice.level, canvas.notice.text) == (
        "error",
        "This code made no picture; try another one.",
    )
    assert canvas.notice.geometry().top() >= canvas.view.geometry().bottom()
    session.set_dimension(0, 1.0)
    assert canvas.notice.text == ""
    np.testing.assert_array_equal(on_screen(canvas), rgb(expected(pictures, session)))


def test_a_bug_offers_its_details(canvas, pictures, session, qtbot):
    fail(canvas, pictures, session, bug="Traceback: line 7")
    button = canvas.notice.findChild(QToolButton)
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().endswith("Traceback: line 7")
    fail(canvas, pictures, session)
    assert not button.isVisible()


def test_values_that_are_no_numbers_are_a_warning_and_the_picture_does_not_jump(
    canvas, pictures, session, qtbot
):
    import torch

    network = session.model.network.decoder[-1]
    with torch.no_grad():
        network.bias[5] = float("nan")
    session.set_dimension(0, 1.0)
    qtbot.wait(1)
    assert canvas.notice.level == "warning"
    assert "not numbers" in canvas.notice.text
    place = canvas.view.geometry()
    with torch.no_grad():
        network.bias[5] = 0.0
    session.set_dimension(0, 1.2)
    qtbot.wait(1)
    assert canvas.notice.text == ""
    assert canvas.view.geometry() == place  # while the drag lasts
    session.commit()
    qtbot.wait(1)
    assert canvas.view.height() > place.height()


def test_an_error_before_the_first_picture_says_so(qtbot, session, pictures, tiny_model):
    canvas = Canvas(session, pictures)
    qtbot.addWidget(canvas)
    pictures.worker.held = True
    session.open(OpenedFake(tiny_model))
    fail(canvas, pictures, session)
    assert canvas.notice.text.startswith("This code made no picture")
    assert canvas.view.picture.isNull()


def answer(canvas, pictures, session, value, **facts):
    """Move, and let the canvas get a picture of one grey value, with other facts of the result."""
    from explorer.render.requests import RenderResult

    pictures.worker.held = True
    session.set_code(session.code + np.float32(0.25))
    request = pictures.worker.waiting.pop("canvas")
    pictures.worker.held = False
    made = np.full((1, 8, 8, 1), value, np.uint8)
    result = RenderResult(request.slot, request.generation, request.id, pictures=made, **facts)
    pictures.worker.result.emit(result)


def test_a_picture_of_no_numbers_at_all_leaves_the_last_good_one(canvas, pictures, session):
    answer(canvas, pictures, session, 90)
    answer(canvas, pictures, session, 0, blank=True, warning="They are drawn as a check pattern.")
    assert (on_screen(canvas) == 90).all()
    assert canvas.shown.pictures[0, 0, 0, 0] == 90
    assert canvas.notice.level == "warning"
    assert canvas.notice.text.startswith(
        "All values that tiny gave are not numbers, so the last good picture stays"
    )
    answer(canvas, pictures, session, 120)
    assert (on_screen(canvas) == 120).all()
    assert canvas.notice.text == ""


def test_a_model_that_begins_with_no_numbers_shows_what_came(canvas, pictures, session):
    good = fakes.tiny_vae(seed=1, name="other")
    session.open(OpenedFake(good))  # its first picture is good
    pictures.worker.held = True
    session.open(OpenedFake(fakes.tiny_vae(seed=2, name="broken")))
    for value in (10, 20):
        answer(canvas, pictures, session, value, blank=True, warning="These are not numbers.")
        assert (on_screen(canvas) == value).all()


def test_what_is_wrong_with_a_picture_is_said_once_however_long_the_drag(canvas, pictures, session, qtbot):
    heard = []
    canvas.said.connect(lambda *what: heard.append(what))
    for _ in range(3):
        fail(canvas, pictures, session, bug="Traceback: line 7")
    assert heard == [("error", "This code made no picture; try another one.", "Traceback: line 7")]
    session.set_dimension(0, 1.0)
    fail(canvas, pictures, session)
    assert len(heard) == 2


def test_an_offer_stays_through_pictures_errors_and_models(canvas, pictures, session, qtbot):
    chosen = []
    canvas.offer("This picture was made with anime-faces.", [("Restore", lambda: chosen.append(True))])
    session.set_dimension(0, 1.0)
    session.commit()
    fail(canvas, pictures, session)
    assert canvas.notice.level == "error"
    session.set_dimension(0, 0.5)
    assert canvas.notice.text == "This picture was made with anime-faces."
    session.open(OpenedFake(fakes.tiny_vae(seed=1, name="other")))
    restore = next(b for b in canvas.notice.findChildren(QPushButton) if b.accessibleName() == "Restore")
    restore.setFocus()
    qtbot.keyClick(restore, Qt.Key.Key_Space)
    assert chosen == [True]
    assert canvas.notice.text == ""
    assert canvas.view.hasFocus()  # not whatever comes next


def test_an_offer_can_be_taken_back(canvas):
    offer = canvas.offer("The decoder has not answered for 12 s.", [("Restart it", print)], "warning")
    assert canvas.notice.level == "warning"
    canvas.withdraw(offer)
    assert canvas.notice.isHidden()


# ---- copy ----


def test_copy_puts_exactly_the_picture_on_the_clipboard(canvas, pictures, session):
    canvas.view.zoom_step(1)
    canvas.copy_picture()
    copied = QGuiApplication.clipboard().image()
    np.testing.assert_array_equal(pixels(copied), rgb(expected(pictures, session)))
    assert session.messages[-1] == ("info", "The picture was copied, 8×8 pixels.")


def test_without_a_picture_there_is_nothing_to_copy(qtbot, session, pictures):
    canvas = Canvas(session, pictures)
    qtbot.addWidget(canvas)
    canvas.copy_picture()
    assert session.messages == []


# ---- states ----


def test_loading_tells_what_and_how_far_and_can_be_cancelled(canvas, qtbot):
    place = canvas.view.geometry()
    canvas.show_loading("Opening other.pt", 0.25)
    assert canvas.view.isVisible()
    assert canvas.view.geometry() == place  # the picture stays, and where it is
    loading = canvas._loading_below
    assert (loading.isVisible(), loading.text, loading.fraction) == (True, "Opening other.pt", 0.25)
    with qtbot.waitSignal(canvas.cancel_requested):
        qtbot.mouseClick(loading.findChild(QPushButton), Qt.MouseButton.LeftButton)
    assert not loading.findChild(QPushButton).isEnabled()
    canvas.hide_loading()
    assert not loading.isVisible()


def test_without_a_model_it_invites_and_shows_loading_in_the_middle(qtbot, session, pictures):
    canvas = Canvas(session, pictures)
    qtbot.addWidget(canvas)
    canvas.show()
    assert not canvas.view.isVisible()
    assert any("Drop a checkpoint" in text for text in texts(canvas))
    canvas.show_loading("Opening first.pt")
    assert canvas._loading_alone.isVisible()
    assert canvas._loading_alone.fraction is None
    assert not any("Drop a checkpoint" in text for text in texts(canvas))
    canvas.hide_loading()


def texts(widget):
    from PySide6.QtWidgets import QLabel

    return [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]


def test_every_control_has_tooltip_and_name(canvas):
    from PySide6.QtWidgets import QAbstractButton

    for button in canvas.findChildren(QAbstractButton):
        assert button.toolTip(), button
        assert button.accessibleName(), button
    assert canvas.view.accessibleName()


@pytest.fixture
def clock(monkeypatch):
    """The seconds that the canvas sees; a list of one."""
    seconds = [100.0]
    monkeypatch.setattr(canvas_module, "monotonic", lambda: seconds[0])
    return seconds


def test_escape_closes_what_went_wrong_from_anywhere_and_leaves_offers(qtbot, canvas):
    canvas.offer("Restore it?", [("Restore", lambda: None)])
    canvas.show_notice("error", "The disk is full.")
    qtbot.keyClick(canvas.bar, Qt.Key.Key_Escape)
    assert canvas.notice.text == "Restore it?"
    qtbot.keyClick(canvas.bar, Qt.Key.Key_Escape)
    assert canvas.notice.text == "Restore it?"


def test_escape_is_for_the_loading_first(qtbot, canvas):
    canvas.show_notice("error", "The disk is full.")
    canvas.show_loading("Opening faces", 0.0)
    with qtbot.waitSignal(canvas.cancel_requested):
        qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert canvas.notice.text == "The disk is full."


def test_what_went_wrong_elsewhere_steps_aside_after_a_while_of_good_work(canvas, session, clock):
    canvas.offer("Restore it?", [("Restore", lambda: None)])
    canvas.show_notice("error", "The disk is full.")
    clock[0] += canvas_module.STEP_ASIDE - 0.1
    session.randomize(1)
    assert canvas.notice.text == "The disk is full.", "nobody has read it yet"
    clock[0] += 0.2
    session.set_dimension(0, 0.3)
    assert canvas.notice.text == "The disk is full.", "nothing jumps during a drag"
    session.commit()
    assert canvas.notice.text == "Restore it?", "offers stay"


def test_the_canvas_tells_what_is_being_opened_and_when_that_is_over(canvas):
    told = []
    canvas.opening_changed.connect(told.append)
    canvas.show_loading("Opening faces", 0.0)
    canvas.show_loading("Taking over the weights", 0.6)
    canvas.hide_loading()
    assert told == ["Opening faces", ""]
