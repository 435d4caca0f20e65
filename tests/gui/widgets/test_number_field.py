"""The field for one number: what it shows, what can be typed."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget

from explorer.gui.widgets.number_field import NumberField, decimals_for, editable, parse, signed


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.456, 2, "+0.46"),
        (-1.18, 2, "−1.18"),
        (-0.001, 2, "+0.00"),
        (0.0, 2, "+0.00"),
        (123.4, 2, "+123.40"),
        (-123456.0, 2, "−1.2e+05"),
        (0.00123, 5, "+0.00123"),
    ],
)
def test_numbers_are_signed_and_rounded_to_look_at(value, decimals, text):
    assert signed(value, decimals) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (" +0,25 ", 0.25),
        ("−2", -2.0),
        ("1e-3", 1e-3),
        ("", None),
        ("hair", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_numbers_are_read_as_people_type_them(text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("spread", "decimals"), [(1.0, 2), (20.0, 2), (0.05, 3), (0.001, 4), (0.0, 2), (1e-30, 6)]
)
def test_small_spreads_get_more_decimals(spread, decimals):
    assert decimals_for(spread) == decimals


@pytest.fixture
def window(qtbot):
    """A window whose first field has the keyboard."""
    window = QWidget()
    qtbot.addWidget(window)
    QLineEdit(window).setFocus()
    return window


@pytest.fixture
def field(window):
    field = NumberField(window)
    field.resize(64, 20)
    window.show()
    window.activateWindow()
    field.show_value(float(np.float32(1.23456)))
    return field


@pytest.fixture
def entered(field):
    entered = []
    field.entered.connect(entered.append)
    return entered


def focus(field, qtbot):
    field.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(field.hasFocus)


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.9163929, "2.9164"), (-0.5, "-0.5"), (5.0, "5.0"), (-1e-9, "0.0"), (123456.7, "1.2346e+05")],
)
def test_numbers_have_four_decimals_to_edit(value, text):
    assert editable(value, 4) == text


def test_a_long_number_shows_its_start_after_enter(field, qtbot):
    field.entered.connect(lambda _value: field.show_value(2.916392937163929))
    focus(field, qtbot)
    qtbot.keyClicks(field, "9,5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "2.9164"
    assert field.cursorPosition() == 0


def test_looking_changes_nothing(field, entered, qtbot):
    assert field.text() == "+1.23"
    focus(field, qtbot)
    assert field.text() == "1.2346"
    field.clearFocus()
    assert field.text() == "+1.23"
    assert entered == []


def test_typing_and_enter(field, entered, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "-0.125")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert entered == [-0.125]


def test_leaving_takes_what_was_typed(field, entered, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "2")
    field.clearFocus()
    assert entered == [2.0]


def test_escape_takes_it_back(field, entered, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "2")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    field.clearFocus()
    assert entered == []
    assert field.text() == "+1.23"


def test_no_number_is_said_and_forgotten(field, entered, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "hair")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.property("invalid")
    assert field.text() == "hair"
    field.clearFocus()
    assert not field.property("invalid")
    assert field.text() == "+1.23"
    assert entered == []


def test_what_is_being_typed_is_left_alone(field, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "0.5")
    field.show_value(-3.0)
    assert field.text() == "0.5"
    field.undo()


def test_a_value_that_comes_while_it_only_has_the_focus_is_shown(field, qtbot):
    focus(field, qtbot)
    field.show_value(0.25)
    assert field.text() == "0.25"
    field.clearFocus()
    assert field.text() == "+0.25"


def test_up_and_down_enter_and_leave(field, entered, qtbot):
    focus(field, qtbot)
    qtbot.keyClicks(field, "1")
    with qtbot.waitSignal(field.left) as left:
        qtbot.keyClick(field, Qt.Key.Key_Down)
    assert left.args == [1]
    assert entered == [1.0]
