"""The list of messages: newest first, details on demand, copied and cleared, by mouse and by keys."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel

from explorer.gui.messages import messages as messages_module
from explorer.gui.messages.message_list import MessageList
from explorer.gui.messages.messages import Messages
from explorer.gui.widgets.message_row import LevelMark


@pytest.fixture
def messages(qapp):
    made = Messages()
    made.add("info", "Saved x.png.")
    made.add("error", "x.pth is empty.", "Traceback:\n  line 7")
    return made


@pytest.fixture
def shown(qtbot, messages):
    made = MessageList(messages)
    qtbot.addWidget(made)
    made.show()
    return made


def texts(shown):
    return [row.message.text for row in shown.rows]


def named(widget, name):
    return next(b for b in widget.findChildren(QAbstractButton) if b.accessibleName() == name)


def seen(shown):
    return [label.text() for label in shown.findChildren(QLabel) if label.isVisible()]


def test_the_newest_is_first_with_time_and_level(shown, messages):
    assert texts(shown) == ["x.pth is empty.", "Saved x.png."]
    assert [row.findChild(LevelMark).accessibleName() for row in shown.rows] == ["Error", "News"]
    assert f"{messages.all[-1].time:%H:%M:%S}" in seen(shown)


def test_it_follows_what_is_said_while_it_is_open(shown, messages, qtbot):
    messages.add("warning", "Some values are not numbers.")
    messages.add("warning", "Some values are not numbers.")
    assert texts(shown)[0] == "Some values are not numbers."
    assert len(shown.rows) == 3
    qtbot.waitUntil(lambda: "Some values are not numbers.  (2 times)" in seen(shown))
    assert messages.unread == 0  # somebody looks


def test_what_is_forgotten_goes_from_the_end(qtbot, monkeypatch):
    messages = Messages()
    shown = MessageList(messages)
    qtbot.addWidget(shown)
    for i in range(messages_module.KEPT + 3):
        messages.add("info", f"{i}.")
    assert len(shown.rows) == messages_module.KEPT
    assert texts(shown)[-1] == "3."


def test_looking_reads_them(qtbot, messages):
    shown = MessageList(messages)
    qtbot.addWidget(shown)
    assert messages.unread == 1
    shown.show()
    assert messages.unread == 0


def test_details_are_unfolded_on_demand(shown, qtbot):
    row = shown.rows[0]
    assert row.details == ""
    qtbot.mouseClick(named(row, "Details"), Qt.MouseButton.LeftButton)
    assert row.details == "Traceback:\n  line 7"
    qtbot.mouseClick(named(row, "Details"), Qt.MouseButton.LeftButton)
    assert row.details == ""
    assert not named(shown.rows[1], "Details").isVisible()


def test_one_is_copied_and_all(shown, qtbot, messages):
    qtbot.mouseClick(named(shown.rows[0], "Copy this message"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == messages.all[1].as_text()
    qtbot.mouseClick(named(shown, "Copy all"), Qt.MouseButton.LeftButton)
    both = f"{messages.all[1].as_text()}\n{messages.all[0].as_text()}"
    assert QGuiApplication.clipboard().text() == both


def test_text_can_be_selected_and_copied(shown, qtbot):
    label = next(label for label in shown.rows[0].findChildren(QLabel) if label.text() == "x.pth is empty.")
    label.setSelection(0, 5)
    label.setFocus()
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "x.pth"


def test_by_keys_alone(shown, messages):
    first, second = shown.rows
    assert shown.focusWidget() is first
    QTest.keyClick(first, Qt.Key.Key_Return)
    assert first.details
    QTest.keyClick(first, Qt.Key.Key_Left)
    assert not first.details
    QTest.keyClick(first, Qt.Key.Key_Down)
    assert shown.focusWidget() is second
    QTest.keyClick(second, Qt.Key.Key_Down)  # there is no other
    QTest.keyClick(second, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == messages.all[0].as_text()
    QTest.keyClick(second, Qt.Key.Key_Tab)
    assert shown.focusWidget() is named(shown, "Copy all")  # the rows are one stop
    QTest.keyClick(shown, Qt.Key.Key_Backtab)
    assert shown.focusWidget() is second
    QTest.keyClick(second, Qt.Key.Key_Escape)
    assert not shown.isVisible()


def test_cleared_it_says_that_there_is_nothing(shown, qtbot, messages):
    qtbot.mouseClick(named(shown, "Clear"), Qt.MouseButton.LeftButton)
    assert messages.all == ()
    assert shown.rows == ()
    assert "Nothing was said yet" in seen(shown)
    assert not named(shown, "Copy all").isEnabled()
    messages.add("info", "Saved y.png.")
    qtbot.waitUntil(lambda: "Saved y.png." in seen(shown))


def test_everything_has_a_name_and_a_tip(shown):
    for button in shown.findChildren(QAbstractButton):
        assert button.accessibleName(), button
        assert button.toolTip(), button
    assert all(row.accessibleName() for row in shown.rows)
