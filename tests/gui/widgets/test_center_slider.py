"""The slider: what a hand and a key do to it, what is written back, what is painted."""

import math

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QWheelEvent
from PySide6.QtWidgets import QApplication

from explorer.gui import theme
from explorer.gui.widgets.center_slider import STEPS, CenterSlider
from explorer.gui.widgets.held_slider import HEIGHT

MIDDLE = HEIGHT // 2
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def slider(qtbot):
    slider = CenterSlider()
    qtbot.addWidget(slider)
    slider.resize(316, HEIGHT)  # a track of 300 px, 50 a spread
    slider.show()
    return slider


@pytest.fixture
def moves(slider):
    moves = []
    slider.valueChanged.connect(moves.append)
    return moves


@pytest.fixture
def hands(slider):
    hands = []
    slider.held.connect(hands.append)
    return hands


def at(slider, offset):
    return QPoint(round(slider.x_of(offset)), MIDDLE)


def test_drag_moves_with_the_hand_and_ends_at_the_ends(slider, moves, hands, qtbot):
    qtbot.mousePress(slider, LEFT, pos=at(slider, 0) + QPoint(3, 0))  # beside the middle of the handle
    assert (moves, hands) == ([], [True])
    qtbot.mouseMove(slider, at(slider, 1) + QPoint(3, 0))
    assert moves == [STEPS]
    qtbot.mouseMove(slider, QPoint(5000, 0))
    qtbot.mouseMove(slider, QPoint(-5000, 0))
    qtbot.mouseRelease(slider, LEFT, pos=at(slider, -3))
    assert moves == [STEPS, 3 * STEPS, -3 * STEPS]
    assert hands == [True, False]
    assert slider.was_dragged


def test_click_on_the_track_goes_there_and_is_no_drag(slider, moves, hands, qtbot):
    slider.was_dragged = True  # the time before
    qtbot.mouseClick(slider, LEFT, pos=at(slider, -2))
    assert moves == [pytest.approx(-2 * STEPS, abs=STEPS / 100)]
    assert hands == [True, False]
    assert not slider.was_dragged


def test_other_buttons_do_nothing(slider, moves, qtbot):
    qtbot.mouseClick(slider, Qt.MouseButton.RightButton, pos=at(slider, -2))
    assert moves == []


def test_double_click_asks_for_the_centre(slider, qtbot):
    with qtbot.waitSignal(slider.centered):
        qtbot.mouseDClick(slider, LEFT, pos=at(slider, 2))


@pytest.mark.parametrize(
    ("key", "modifier", "spreads"),
    [
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 0.1),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.NoModifier, -0.1),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier, 1.0),
        (Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier, -1.0),
        (Qt.Key.Key_End, Qt.KeyboardModifier.NoModifier, math.inf),
        (Qt.Key.Key_Home, Qt.KeyboardModifier.NoModifier, -math.inf),
    ],
)
def test_keys_step_and_settle_when_let_go(slider, qtbot, key, modifier, spreads):
    with qtbot.waitSignal(slider.settled), qtbot.waitSignal(slider.stepped) as step:
        qtbot.keyClick(slider, key, modifier)
    assert step.args == [spreads]


@pytest.mark.parametrize(("key", "direction"), [(Qt.Key.Key_Up, -1), (Qt.Key.Key_Down, 1)])
def test_up_and_down_leave(slider, qtbot, key, direction):
    with qtbot.waitSignal(slider.left) as left:
        qtbot.keyClick(slider, key)
    assert left.args == [direction]


def test_letters_are_left_to_the_window(slider, qtbot, moves):
    with qtbot.assertNotEmitted(slider.settled):
        qtbot.keyClick(slider, Qt.Key.Key_R)
        qtbot.keyClick(slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert moves == []


def test_wheel_is_left_to_the_list(slider, moves):
    place = QPointF(at(slider, 0))
    wheel = QWheelEvent(
        place,
        slider.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(slider, wheel)
    assert not wheel.isAccepted()
    assert moves == []


def test_write_back_is_exact_and_silent(slider, moves):
    for offset in (1.23456789, 0.0004, -7.5, 3.0):
        slider.show_offset(offset)
        assert slider.offset == offset
    assert moves == []
    slider.setValue(500)
    assert slider.offset == 0.5
    assert moves == [500]


def test_holding_a_handle_that_lies_outside_changes_nothing(slider, moves, qtbot):
    slider.show_offset(4.2)
    qtbot.mousePress(slider, LEFT, pos=at(slider, 3))
    qtbot.mouseRelease(slider, LEFT, pos=at(slider, 3))
    assert slider.offset == 4.2
    assert moves == []


def color(slider, x, y=MIDDLE):
    return slider.grab().toImage().pixelColor(round(x), y)


@pytest.mark.parametrize("offset", [2.0, -2.0])
def test_track_is_filled_from_the_centre_to_the_handle(slider, offset):
    slider.show_offset(offset)
    tokens = theme.current()
    assert color(slider, slider.x_of(offset / 2)) == tokens.accent
    assert color(slider, slider.x_of(-offset / 2)) == tokens.track
    assert color(slider, slider.x_of(offset * 1.25)) == tokens.track
    assert color(slider, slider.x_of(offset)) == tokens.panel  # inside the ring


def test_nothing_is_filled_at_the_centre(slider):
    slider.show_offset(0.0)
    for offset in (-1.5, -0.5, 0.5, 1.5):
        assert color(slider, slider.x_of(offset)) == theme.current().track


def test_ticks_mark_one_and_two_spreads(slider):
    for tick in (-2, -1, 1, 2):
        assert color(slider, slider.x_of(tick), MIDDLE + 6) == theme.current().tick
    assert color(slider, slider.x_of(1.5), MIDDLE + 6) != theme.current().tick


@pytest.mark.parametrize("side", [-1, 1])
def test_arrow_shows_that_the_value_lies_outside(slider, side):
    tokens = theme.current()
    slider.show_offset(side * 3.0)
    assert color(slider, slider.x_of(side * 3)) == tokens.panel  # a ring
    slider.show_offset(side * 3.5)
    assert color(slider, slider.x_of(side * 3)) == tokens.accent  # a full arrow
    assert color(slider, slider.x_of(side * 3) + side * 4) == tokens.accent
    assert color(slider, slider.x_of(side * 3) + side * 4, MIDDLE - 5) != tokens.accent


def test_screen_readers_see_a_slider(slider):
    slider.setAccessibleName("z9 hair colour")
    slider.show_offset(0.5)
    seen = QAccessible.queryAccessibleInterface(slider)
    assert seen.role() == QAccessible.Role.Slider
    assert seen.text(QAccessible.Text.Name) == "z9 hair colour"
    assert seen.valueInterface().currentValue() == 500
