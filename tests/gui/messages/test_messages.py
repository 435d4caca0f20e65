"""Messages: the newest are kept, the same in a row is counted, early ones wait for the window."""

import pytest

from explorer.gui.messages.messages import KEPT, Messages
from explorer.gui.session import Session


@pytest.fixture
def messages(qapp):
    return Messages()


def test_what_the_session_says_is_kept_with_its_details(messages):
    session = Session()
    session.message.connect(messages.add)
    session.tell("error", "x.pth is empty.", "Traceback: line 7")
    (message,) = messages.all
    assert (message.level, message.text, message.details) == ("error", "x.pth is empty.", "Traceback: line 7")
    assert message.as_text() == f"{message.time:%H:%M:%S} error: x.pth is empty.\nTraceback: line 7"


def test_the_same_in_a_row_is_counted_and_the_newest_time_kept(messages):
    heard = []
    messages.added.connect(heard.append)
    for text in ("a.", "a.", "b.", "a."):
        messages.add("warning", text)
    assert [(m.text, m.count) for m in messages.all] == [("a.", 2), ("b.", 1), ("a.", 1)]
    assert [(m.text, m.count) for m in heard] == [("a.", 1), ("a.", 2), ("b.", 1), ("a.", 1)]
    assert heard[1].time >= heard[0].time
    assert "(2 times)" in messages.all[0].as_text()


def test_only_the_newest_are_kept(messages):
    for i in range(KEPT + 5):
        messages.add("info", f"{i}.")
    assert len(messages.all) == KEPT
    assert messages.all[-1].text == f"{KEPT + 4}."


def test_problems_are_unread_until_somebody_looks(messages):
    heard = []
    messages.unread_changed.connect(heard.append)
    messages.add("info", "Saved x.png.")
    messages.add("error", "x.pth is empty.")
    messages.add("error", "x.pth is empty.")
    messages.add("warning", "Some values are not numbers.")
    messages.mark_read()
    messages.mark_read()
    assert heard == [1, 2, 0]


def test_clearing_forgets_all(messages):
    messages.add("error", "x.pth is empty.")
    messages.clear()
    assert messages.all == ()
    assert messages.unread == 0
