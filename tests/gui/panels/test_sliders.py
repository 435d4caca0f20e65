"""The latent panel, driven by its widgets."""

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.formats.notes import Notes
from explorer.gui import theme
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.session import Session
from explorer.gui.widgets.dimension_row import PITCH, DimensionRow
from explorer.gui.widgets.fold_button import FoldButton
from explorer.gui.widgets.row_list import RowList
from explorer.latent import activity, traversal

LEFT = Qt.MouseButton.LeftButton


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model, names=None):
        self.model, self.code_book, self.notes = model, None, Notes(names or {})
        self.root = self


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pictures(session):
    return fakes.instant_pictures(session)


@pytest.fixture
def panel(qtbot, session, pictures):
    panel = SlidersPanel(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(314, 460)
    panel.show()
    panel.activateWindow()
    return panel


@pytest.fixture
def tiny(panel, session, tiny_model):
    """A panel with the 4-D model, whose third dimension has a name and a wide spread."""
    space = tiny_model.spaces["z"]
    tiny_model.spaces["z"] = type(space)("z", (4,), center=[0, 0.5, -1, 0], spread=[1, 1, 2, 0.5])
    session.open(OpenedFake(tiny_model, {"z3": "hair colour", "z1": "tilt"}))
    return panel


def judged(influence, active=None):
    """Return an activity with these influences."""
    influence = np.array(influence, np.float32)
    active = influence > 0.1 if active is None else np.array(active)
    return activity.Activity(None, influence, active, influence)


def drag(qtbot, slider, *offsets):
    """Drag the handle over offsets (spreads)."""
    y = slider.height() // 2
    qtbot.mousePress(slider, LEFT, pos=QPoint(round(slider.handle_x()), y))
    for offset in offsets:
        qtbot.mouseMove(slider, QPoint(round(slider.x_of(offset)), y))
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(round(slider.x_of(offsets[-1])), y))


def rows(panel):
    """Return the visible rows and the fold, from top to bottom."""
    children = panel.findChild(RowList).findChildren(QWidget)
    widgets = [w for w in children if isinstance(w, DimensionRow | FoldButton)]
    return sorted((w for w in widgets if not w.isHidden()), key=QWidget.y)


def names(panel):
    return [row.text() if isinstance(row, FoldButton) else row.facts.name for row in rows(panel)]


# ---- what a hand does ----


def test_drag_is_one_undo_step_and_tells_the_pictures(tiny, session, pictures, qtbot):
    slider = tiny.slider_for(2)
    dragging = []
    pictures.worker.set_dragging = dragging.append
    drag(qtbot, slider, 0.5, 1.0, 2.0)
    assert session.code[2] == pytest.approx(3.0, abs=0.1)  # centre -1, spread 2
    assert session.code[[0, 1, 3]].tolist() == [0, 0.5, 0]
    assert dragging == [True, False]
    assert session.focused == 2
    session.undo()
    assert session.code[2] == -1
    assert slider.value() == 0
    assert not session.can_undo


@pytest.mark.x11
def test_drag_in_a_real_window_is_painted(tiny, session, qtbot):
    with qtbot.waitExposed(tiny):
        tiny.show()
    slider = tiny.slider_for(0)
    drag(qtbot, slider, 1.0, 2.0)
    assert session.code[0] == pytest.approx(2.0, abs=0.05)
    place = slider.mapTo(tiny, QPoint(round(slider.x_of(1)), slider.height() // 2))

    def is_filled():
        image = tiny.screen().grabWindow(tiny.winId()).toImage()
        return image.pixelColor(place * image.devicePixelRatio()) == theme.current().accent

    qtbot.waitUntil(is_filled)


def test_two_drags_are_two_steps(tiny, session, qtbot):
    drag(qtbot, tiny.slider_for(0), 1.0)
    drag(qtbot, tiny.slider_for(0), -1.0)
    session.undo()
    assert session.code[0] == pytest.approx(1.0, abs=0.05)


def test_click_and_double_click_that_follows_are_one_step(tiny, session, qtbot):
    slider = tiny.slider_for(0)
    drag(qtbot, slider, 1.0)
    before = session.code
    place = QPoint(round(slider.x_of(-2)), slider.height() // 2)
    qtbot.mouseClick(slider, LEFT, pos=place)
    assert session.code[0] == pytest.approx(-2, abs=0.05)
    qtbot.mouseDClick(slider, LEFT, pos=place)
    assert session.code[0] == 0
    session.undo()
    assert session.code is before


def test_click_on_the_track_is_committed_when_no_double_click_can_follow(tiny, session, qtbot):
    slider = tiny.slider_for(0)
    with qtbot.waitSignal(session.code_committed, timeout=2000):
        qtbot.mouseClick(slider, LEFT, pos=QPoint(round(slider.x_of(-2)), slider.height() // 2))


def test_typing_keeps_full_precision(tiny, session, qtbot):
    field = tiny.row_for(2).field
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClicks(field, "1.23456")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert session.code[2] == np.float32(1.23456)
    session.set_dimension(0, 0.5)
    session.set_rows(thumbnails_all=True)
    tiny.row_for(0).slider.setFocus()
    assert session.code[2] == np.float32(1.23456)
    assert tiny.row_for(2).field.text() == "+1.23"
    session.undo()
    session.undo()
    assert session.code[2] == -1


def test_typing_beyond_the_slider_ends_at_its_end(tiny, session, qtbot):
    field = tiny.row_for(2).field
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClicks(field, "99")
    with qtbot.waitSignal(session.message) as told:
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert told.args[:2] == ["info", "z3 hair colour was set to 5, where its slider ends."]
    assert session.code[2] == 5
    assert field.text() == "5.0"


def test_lock_by_click_and_by_key_is_left_by_random(tiny, session, qtbot):
    qtbot.mouseClick(tiny.row_for(1).lock, LEFT)
    qtbot.keyClick(tiny.slider_for(3), Qt.Key.Key_L)
    assert session.locked.tolist() == [False, True, False, True]
    session.randomize(7)
    assert session.code[[1, 3]].tolist() == [0.5, 0]
    assert session.code[0] != 0
    session.undo()
    session.undo()
    assert not tiny.row_for(3).lock.isChecked()
    assert tiny.row_for(1).lock.isChecked()
    assert session.locked.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("key", "modifier", "value"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, -0.8),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, -3.0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, 5.0),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, -7.0),
    ],
)
def test_keys_step_in_spreads(tiny, session, qtbot, key, modifier, value):
    qtbot.keyClick(tiny.slider_for(2), key, modifier)
    assert session.code[2] == pytest.approx(value)


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_0])
def test_keys_that_centre(tiny, session, qtbot, key):
    session.set_code(np.ones(4))
    qtbot.keyClick(tiny.slider_for(1), key)
    assert session.code.tolist() == [1, 0.5, 1, 1]
    session.undo()
    assert session.code.tolist() == [1, 1, 1, 1]


def test_step_starts_from_the_exact_value(tiny, session, qtbot):
    session.set_code(np.array([0, 0.5, 0.123456, 0]))
    qtbot.keyClick(tiny.slider_for(2), Qt.Key.Key_Right)
    assert session.code[2] == pytest.approx(np.float32(0.123456) + 0.2, abs=1e-6)


def test_presses_in_a_row_are_one_step_and_one_after_a_rest_another(tiny, session, qtbot):
    slider = tiny.slider_for(0)
    press, release = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
    none, right = Qt.KeyboardModifier.NoModifier, Qt.Key.Key_Right
    for kind, repeats in [(press, False), (release, True), (press, True), (release, True), (press, True)]:
        QApplication.sendEvent(slider, QKeyEvent(kind, right, none, "", repeats))
    QApplication.sendEvent(slider, QKeyEvent(release, right, none))
    for key in (right, right, Qt.Key.Key_Left):
        qtbot.keyClick(slider, key)
    assert session.code[0] == pytest.approx(0.4)
    with qtbot.waitSignal(session.code_committed):
        pass
    qtbot.keyClick(slider, right)
    session.undo()
    assert session.code[0] == pytest.approx(0.4)
    session.undo()
    assert session.code[0] == 0


@pytest.mark.parametrize("other", ["row", "drag", "number", "centre", "random"])
def test_whatever_comes_between_presses_ends_their_step(tiny, session, qtbot, other):
    slider = tiny.slider_for(0)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    before = session.code
    if other == "row":
        qtbot.keyClick(tiny.slider_for(1), Qt.Key.Key_Right)
    elif other == "drag":
        qtbot.mousePress(slider, LEFT, pos=QPoint(round(slider.handle_x()), slider.height() // 2))
        qtbot.mouseMove(slider, QPoint(round(slider.handle_x()) + 40, slider.height() // 2))
        qtbot.mouseRelease(slider, LEFT)
    elif other == "number":
        tiny.row_for(0).field.entered.emit(1.0)
    elif other == "centre":
        qtbot.keyClick(slider, Qt.Key.Key_Delete)
    else:
        session.randomize(1)
    assert not np.array_equal(session.code, before)
    session.undo()
    assert np.array_equal(session.code, before)


def test_the_end_of_a_run_of_presses_does_not_split_the_drag_after_it(tiny, session, qtbot):
    qtbot.keyClick(tiny.slider_for(0), Qt.Key.Key_Right)
    session.set_code(session.code + 1, merge="map")
    qtbot.waitUntil(lambda: not tiny._editor._run._timer.isActive())
    assert session.is_moving
    session.set_code(session.code + 1, merge="map")
    session.undo()
    assert session.code[0] == pytest.approx(0.1)


def test_up_and_down_go_from_row_to_row(tiny, session, qtbot):
    tiny.slider_for(0).setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert session.focused == 1
    assert QApplication.focusWidget() is tiny.row_for(1).slider
    tiny.row_for(1).field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert QApplication.focusWidget() is tiny.row_for(2).field
    for _ in range(5):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Up)
    assert QApplication.focusWidget() is tiny.row_for(0).field


def test_tab_goes_through_a_row_and_on_to_the_next(tiny, qtbot):
    tiny.slider_for(0).setFocus(Qt.FocusReason.TabFocusReason)
    first, second = tiny.row_for(0), tiny.row_for(1)
    seen = []
    for _ in range(3):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.append(QApplication.focusWidget())
    assert seen == [first.field, first.lock, second.slider]


def test_wheel_over_a_slider_scrolls_and_changes_nothing(panel, session, qtbot):
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=64)))
    slider = panel.slider_for(2)
    before, top = session.code, panel.row_for(2).y()
    place = QPointF(slider.mapTo(panel, QPoint(50, 10)))
    QTest.wheelEvent(panel.windowHandle(), place, QPoint(0, -120))
    assert session.code is before
    assert panel.row_for(2).y() < top


# ---- the way back ----


def test_code_from_elsewhere_is_shown_and_not_sent_back(tiny, session, qtbot):
    with qtbot.waitSignals([session.code_changed], timeout=100, check_params_cbs=None):
        session.set_code(np.array([0.33333334, 0.5, 9.0, -2.0], np.float32))
    assert session.code.tolist() == np.array([0.33333334, 0.5, 9.0, -2.0], np.float32).tolist()
    assert session.undo_text == "Move"
    assert [tiny.row_for(i).field.text() for i in range(4)] == ["+0.33", "+0.50", "+9.00", "−2.00"]
    offsets = [tiny.row_for(i).slider.offset for i in range(4)]
    assert offsets == pytest.approx([1 / 3, 0, 5, -4])


def test_a_moved_slider_repaints_its_own_row_alone(panel, session, qtbot, tiny_model):
    session.open(OpenedFake(tiny_model))
    slider = panel.slider_for(0)
    QApplication.processEvents()
    painted = set()

    class Watch(QWidget):
        def eventFilter(self, watched, event):
            if event.type() in (QEvent.Type.Paint, QEvent.Type.LayoutRequest, QEvent.Type.Resize):
                painted.add(watched)
            return False

    watch = Watch()
    qtbot.addWidget(watch)
    for widget in panel.findChildren(QWidget):
        widget.installEventFilter(watch)
    slider.setValue(1234)
    QApplication.processEvents()
    row = panel.row_for(0)
    assert {slider, row.field} <= painted
    assert painted <= {slider, row.field, row, row.parentWidget()}


# ---- thumbnails ----


def asked(pictures):
    return [r.slot for r in pictures.worker.requests if r.slot.startswith("traversal")]


def test_focused_row_shows_seven_pictures_along_its_dimension(tiny, session, pictures, qtbot):
    tiny.slider_for(2).setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: "traversal:2" in asked(pictures))
    request = [r for r in pictures.worker.requests if r.slot == "traversal:2"][-1]
    expected = traversal.traverse(session.code, 2, traversal.span(session.space, 2, 7))
    np.testing.assert_array_equal(request.codes, expected)
    assert [row.thumbnails.isVisible() for row in rows(tiny)] == [False, False, True, False]
    strip, middle = tiny.row_for(2).thumbnails, pictures.worker.renderer.render(request).pictures[3]
    shown = strip.grab().toImage().pixelColor(strip.cell(3).center()).red()
    assert abs(int(middle[3:5, 3:5].mean()) - shown) < 30


def test_click_on_a_picture_goes_to_its_value(tiny, session, qtbot):
    tiny.slider_for(2).setFocus(Qt.FocusReason.TabFocusReason)
    strip = tiny.row_for(2).thumbnails
    qtbot.mouseClick(strip, LEFT, pos=strip.cell(5).center())
    assert session.code[2] == traversal.span(session.space, 2, 7)[5]
    session.undo()
    assert session.code[2] == -1


def test_drag_asks_for_nothing_and_pictures_along_it_stay(tiny, session, pictures, qtbot):
    tiny.slider_for(2).setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: "traversal:2" in asked(pictures))
    count = len(asked(pictures))
    slider = tiny.slider_for(2)
    drag(qtbot, slider, 0.5, 1.0)
    qtbot.wait(150)
    assert len(asked(pictures)) == count


def test_pictures_of_other_rows_come_anew_when_the_hand_is_off(tiny, session, pictures, qtbot):
    session.set_rows(thumbnails_all=True)
    qtbot.waitUntil(lambda: len(set(asked(pictures))) == 4)
    pictures.worker.requests.clear()
    slider = tiny.slider_for(1)
    y = slider.height() // 2
    qtbot.mousePress(slider, LEFT, pos=QPoint(round(slider.handle_x()), y))
    qtbot.mouseMove(slider, QPoint(round(slider.x_of(1)), y))
    qtbot.wait(150)
    assert asked(pictures) == []
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(round(slider.x_of(1)), y))
    qtbot.waitUntil(lambda: len(asked(pictures)) == 3)
    assert sorted(asked(pictures)) == ["traversal:0", "traversal:2", "traversal:3"]


def test_row_does_not_run_from_under_the_pointer(tiny, session, qtbot):
    tiny.slider_for(3).setFocus(Qt.FocusReason.TabFocusReason)
    slider = tiny.row_for(1).slider
    before = slider.mapTo(tiny, QPoint())
    drag(qtbot, slider, 1.0)
    assert slider.mapTo(tiny, QPoint()) == before
    qtbot.waitUntil(tiny.row_for(1).thumbnails.isVisible, timeout=2000)
    assert not tiny.row_for(3).thumbnails.isVisible()
    assert slider.mapTo(tiny, QPoint()) != before


# ---- which rows ----


def test_rows_are_ordered_by_influence_or_number(tiny, session, qtbot):
    assert names(tiny) == ["z1", "z2", "z3", "z4"]
    session.set_activity(judged([0.3, 0.5, 1.0, 0.2]))
    assert names(tiny) == ["z3", "z2", "z1", "z4"]
    choice = tiny.title_widgets()[0]
    choice.setCurrentText("z · by number")
    choice.activated.emit(choice.currentIndex())
    assert session.rows.order == "number"
    assert names(tiny) == ["z1", "z2", "z3", "z4"]


def test_first_row_is_focused_once_influence_is_known_unless_one_was_chosen(tiny, session, qtbot):
    session.set_activity(judged([0.3, 0.5, 1.0, 0.2]))
    assert session.focused == 2
    tiny.slider_for(3).setFocus(Qt.FocusReason.TabFocusReason)
    session.set_activity(judged([1.0, 0.5, 0.3, 0.2]))
    assert session.focused == 3
    assert QApplication.focusWidget() is tiny.row_for(3).slider


def test_inactive_dimensions_fold_and_open_by_click_and_key(tiny, session, qtbot):
    session.set_activity(judged([0.05, 0.5, 1.0, 0.0]))
    assert names(tiny) == ["z3", "z2", "2 inactive dimensions"]
    qtbot.mouseClick(rows(tiny)[-1], LEFT)
    assert names(tiny) == ["z3", "z2", "2 inactive dimensions", "z1", "z4"]
    fold = rows(tiny)[2]
    fold.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(fold, Qt.Key.Key_Return)
    assert names(tiny) == ["z3", "z2", "2 inactive dimensions"]
    assert isinstance(QApplication.focusWidget(), FoldButton)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Right)
    assert session.rows.inactive_open
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    assert QApplication.focusWidget() is tiny.row_for(0).slider


def test_one_inactive_dimension_is_one(tiny, session):
    session.set_activity(judged([1, 1, 1, 0]))
    assert names(tiny)[-1] == "1 inactive dimension"


def test_slider_for_unfolds_and_unfinds(tiny, session):
    session.set_activity(judged([0.05, 0.5, 1.0, 0.0]))
    tiny.title_widgets()[1].setText("hair")
    assert names(tiny) == ["z3"]
    slider = tiny.slider_for(3)
    assert slider is tiny.row_for(3).slider
    assert slider.isVisible()


@pytest.mark.parametrize(
    ("text", "found"),
    [("hair", ["z3"]), ("HAIR c", ["z3"]), ("z2", ["z2"]), ("4", ["z4"]), ("t", ["z1"]), ("nothing", [])],
)
def test_find_goes_by_name_and_number(tiny, session, qtbot, text, found):
    session.set_activity(judged([0.0, 0.5, 1.0, 0.0]))
    find = tiny.title_widgets()[1]
    qtbot.keyClicks(find, text)
    assert names(tiny) == found
    qtbot.keyClick(find, Qt.Key.Key_Escape)
    assert names(tiny) == ["z3", "z2", "2 inactive dimensions"]


def test_enter_in_find_goes_to_the_first_row(tiny, session, qtbot):
    find = tiny.title_widgets()[1]
    qtbot.keyClicks(find, "hair")
    qtbot.keyClick(find, Qt.Key.Key_Return)
    assert QApplication.focusWidget() is tiny.row_for(2).slider


def test_rows_do_not_change_places_while_a_slider_is_held(tiny, session, qtbot):
    slider = tiny.slider_for(0)
    qtbot.mousePress(slider, LEFT, pos=QPoint(round(slider.handle_x()), 12))
    session.set_activity(judged([0.2, 0.5, 1.0, 0.3]))
    assert names(tiny) == ["z1", "z2", "z3", "z4"]
    qtbot.mouseRelease(slider, LEFT, pos=QPoint(round(slider.handle_x()), 12))
    assert names(tiny) == ["z3", "z2", "z4", "z1"]


def test_rows_line_up(tiny, session, qtbot):
    session.set_activity(judged([0.2, 0.5, 1.0, 0.3]))
    tops = [row.y() for row in rows(tiny)]
    assert np.diff(tops[1:]).tolist() == [PITCH, PITCH]
    for part in ("slider", "field", "lock"):
        assert len({(getattr(row, part).x(), getattr(row, part).width()) for row in rows(tiny)}) == 1
    session.set_rows(thumbnails_all=True)
    assert len(set(np.diff([row.y() for row in rows(tiny)]).tolist())) == 1


def test_many_dimensions_have_few_widgets(panel, session, qtbot):
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=512)))
    assert len(rows(panel)) < 20
    assert len(panel.findChildren(QWidget)) < 150
    slider = panel.slider_for(511)
    drag(qtbot, slider, 1.0)
    assert session.code[511] == pytest.approx(1.0, abs=0.05)
    assert rows(panel)[-1].facts.name == "z512"
    assert len(panel.findChildren(QWidget)) < 150


def test_only_rows_in_view_ask_for_pictures(panel, session, pictures, qtbot):
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=512)))
    session.set_rows(thumbnails_all=True)
    qtbot.waitUntil(lambda: "traversal:0" in asked(pictures))
    qtbot.wait(150)
    assert 3 < len(set(asked(pictures))) < 12
    panel.slider_for(400)
    qtbot.waitUntil(lambda: "traversal:400" in asked(pictures))
    assert "traversal:200" not in asked(pictures)


# ---- states ----


def test_no_model_is_said(panel, qtbot):
    texts = [
        label.text() for label in panel.findChildren(QWidget) if hasattr(label, "text") and label.isVisible()
    ]
    assert "No model is open" in texts
    assert not any(widget.isEnabled() for widget in panel.title_widgets())


def test_every_control_says_what_it_is(tiny, session):
    session.set_activity(judged([0.05, 0.5, 1.0, 0.0]))
    controls = [
        w for w in tiny.findChildren(QWidget) if w.focusPolicy() != Qt.FocusPolicy.NoFocus and w.isVisible()
    ]
    assert len(controls) > 6
    for control in controls:
        assert control.accessibleName(), control
        assert control.toolTip(), control


def test_another_model_arrives_while_a_slider_is_held(tiny, session, pictures, qtbot):
    slider = tiny.slider_for(3)
    qtbot.mousePress(slider, LEFT, pos=QPoint(round(slider.handle_x()), 12))
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=2)))
    assert names(tiny) == ["z1", "z2"]
    assert not pictures.worker.is_dragging
    assert not slider.isSliderDown()
    drag(qtbot, tiny.slider_for(1), 1.0)
    assert session.code[1] == pytest.approx(1.0, abs=0.05)


def test_another_model_and_back_by_undo(tiny, session, qtbot):
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=2), {"z2": "other"}))
    assert names(tiny) == ["z1", "z2"]
    assert rows(tiny)[1].facts.title == "other"
    session.undo()
    assert names(tiny) == ["z1", "z2", "z3", "z4"]
    assert rows(tiny)[2].facts.title == "hair colour"


def test_the_widest_of_many_names_has_room(panel, session):
    session.open(OpenedFake(fakes.tiny_vae(latent_dim=512)))
    row = panel.row_for(panel.dimensions()[0])
    metrics = QFontMetricsF(theme.numbers_font())
    names = [session.name_of(index) for index in range(512)]
    assert max(metrics.horizontalAdvance(name) for name in names) <= row.facts.name_width
