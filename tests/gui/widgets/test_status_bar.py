"""The status bar: facts, news for a while, the picture's age, and the button of the messages."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from explorer.gui.widgets import status_bar
from explorer.gui.widgets.status_bar import StatusBar


@pytest.fixture
def bar(qtbot):
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.resize(900, 25)
    bar.show()
    return bar


def test_news_give_way_to_the_facts(bar, qtbot, monkeypatch):
    monkeypatch.setattr(status_bar, "INFO_MILLISECONDS", 30)
    bar.set_engine("CPU float32")
    bar.show_news("Saved x.png.")
    bar.set_engine("CPU float32    decode 0.1 ms")
    assert bar.text == "Saved x.png."
    qtbot.waitUntil(lambda: bar.text == "CPU float32    decode 0.1 ms")


def test_the_age_of_the_picture_is_told_where_there_is_one(bar):
    assert bar.age == ""
    bar.set_age(2.6)
    assert bar.age == "picture age 3 ms"
    bar.set_age(None)
    assert bar.age == ""


def test_the_button_counts_what_nobody_looked_at_and_asks_for_the_list(bar, qtbot):
    button = next(b for b in bar.findChildren(QToolButton) if b.accessibleName() == "Messages")
    assert bar.unread == ""
    bar.set_unread(3)
    assert bar.unread == "3"
    assert button.accessibleName() == "Messages, 3 unread"
    assert button.toolTip() == "3 messages that were not looked at yet"
    with qtbot.waitSignal(bar.messages_wanted):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    bar.set_unread(0)
    assert (bar.unread, button.accessibleName()) == ("", "Messages")


def test_the_age_does_not_move_the_messages(bar):
    button = next(b for b in bar.findChildren(QToolButton) if b.accessibleName() == "Messages")
    bar.set_age(3)
    before = button.mapTo(bar, button.rect().topRight())
    bar.set_age(12345)
    bar.layout().activate()
    assert button.mapTo(bar, button.rect().topRight()) == before
