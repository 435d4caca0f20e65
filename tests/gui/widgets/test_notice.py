"""The notice: one problem at most, offers that wait for an answer, what is covered comes back."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QMenuBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.gui.widgets.notice import TEXT_WIDTH, Notice

MADE_WITH = "This picture was made with anime-faces."


@pytest.fixture
def window(qtbot):
    made = QWidget()
    made.resize(600, 80)
    qtbot.addWidget(made)
    bar = QMenuBar(made)
    for title in ("&File", "&Edit", "&Device"):
        bar.addMenu(title)
    made.above = QPushButton("above", made)
    made.notice = Notice(made)
    layout = QVBoxLayout(made)
    layout.addWidget(made.above)
    layout.addWidget(made.notice)
    made.show()
    return made


@pytest.fixture
def notice(window):
    return window.notice


@pytest.fixture
def chosen():
    return []


@pytest.fixture
def offer(notice, chosen):
    actions = [("Restore", lambda: chosen.append("restore")), ("Encode it", lambda: chosen.append("encode"))]
    return notice.say("info", MADE_WITH, actions=actions)


def buttons(notice):
    return [b for b in notice.findChildren(QPushButton) if b.isVisible()]


def named(notice, name):
    return next(b for b in buttons(notice) if b.accessibleName() == name)


def close_button(notice):
    return next(b for b in notice.findChildren(QToolButton) if b.accessibleName() == "Close this message")


def test_an_offer_is_answered_by_a_click_and_is_gone(notice, offer, chosen, qtbot):
    assert [b.accessibleName() for b in buttons(notice)] == ["Restore", "Encode it"]
    qtbot.mouseClick(named(notice, "Encode it"), Qt.MouseButton.LeftButton)
    assert chosen == ["encode"]
    assert notice.isHidden()
    assert buttons(notice) == []


def test_what_is_chosen_may_say_something_else(notice, qtbot):
    notice.say("info", "Restore?", actions=[("Restore", lambda: notice.say("error", "It is gone."))])
    qtbot.mouseClick(named(notice, "Restore"), Qt.MouseButton.LeftButton)
    assert (notice.level, notice.text) == ("error", "It is gone.")
    assert buttons(notice) == []


def test_an_offer_is_answered_by_keyboard_alone(window, notice, offer, chosen, qtbot):
    gone = []
    notice.left.connect(lambda: gone.append(True))
    window.above.setFocus()
    for _ in range(4):
        if QApplication.focusWidget() is named(notice, "Restore"):
            break
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is named(notice, "Encode it")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Space)
    assert chosen == ["encode"]
    assert gone == [True]


def test_escape_closes_what_is_shown_unanswered(notice, offer, chosen, qtbot):
    named(notice, "Restore").setFocus()
    QTest.keyClick(named(notice, "Restore"), Qt.Key.Key_Escape)
    assert notice.isHidden()
    assert chosen == []


def test_buttons_have_letters_that_no_menu_has(notice, offer):
    assert named(notice, "Restore").shortcut() == QKeySequence("Alt+R")
    assert named(notice, "Encode it").shortcut() == QKeySequence("Alt+N")  # E is the menu's
    notice.say(
        "info", "A session of 14:32 was not closed.", actions=[("&Restore", print), ("Discard", print)]
    )
    assert named(notice, "Discard").shortcut() == QKeySequence("Alt+I")


def test_an_error_covers_an_offer_which_comes_back_when_it_is_closed(notice, offer, qtbot):
    notice.say("error", "This code made no picture; try another one.")
    assert (notice.level, notice.text) == ("error", "This code made no picture; try another one.")
    assert buttons(notice) == []
    assert notice._more.isVisible()
    qtbot.mouseClick(close_button(notice), Qt.MouseButton.LeftButton)
    assert notice.text == MADE_WITH
    assert len(buttons(notice)) == 2
    assert not notice._more.isVisible()


def test_an_offer_covers_an_error_which_comes_back_when_it_is_answered(notice, qtbot):
    notice.say("error", "x.pth is empty.")
    notice.say("info", MADE_WITH, actions=[("Restore", lambda: None)])
    assert notice.text == MADE_WITH
    qtbot.mouseClick(named(notice, "Restore"), Qt.MouseButton.LeftButton)
    assert (notice.level, notice.text) == ("error", "x.pth is empty.")


def test_a_problem_that_is_over_leaves_an_offer(notice, offer):
    for forget in (notice.settle, notice.release):
        notice.say("error", "This code made no picture; try another one.")
        forget()
        assert notice.text == MADE_WITH
        assert notice.problem is None


def test_the_newest_problem_takes_the_place_of_the_one_before(notice):
    notice.say("error", "x.pth is empty.")
    notice.say("warning", "Some values are not numbers.")
    assert (notice.level, notice.text) == ("warning", "Some values are not numbers.")
    notice.close_shown()
    assert notice.isHidden()


def test_the_same_offer_again_is_one_offer(notice, chosen, qtbot):
    for name in ("first", "second"):
        notice.say("info", MADE_WITH, actions=[("Restore", lambda name=name: chosen.append(name))])
    qtbot.mouseClick(named(notice, "Restore"), Qt.MouseButton.LeftButton)
    assert chosen == ["second"]
    assert notice.isHidden()


def test_an_offer_can_be_withdrawn_also_from_under_an_error(notice, offer):
    notice.say("error", "x.pth is empty.")
    notice.withdraw(offer)
    assert notice.text == "x.pth is empty."
    notice.close_shown()
    assert notice.isHidden()
    notice.withdraw(offer)  # it is gone already


def test_a_warning_with_a_button_waits_like_an_offer(notice):
    hung = notice.say("warning", "The decoder has not answered for 12 s.", actions=[("Restart it", print)])
    notice.release()
    notice.say("error", "x.pth is empty.")
    notice.release()
    assert (notice.level, notice.text) == ("warning", "The decoder has not answered for 12 s.")
    notice.withdraw(hung)
    assert notice.isHidden()


def test_a_settled_problem_keeps_its_place_until_it_is_released(window, notice):
    def room():
        """What is above the notice, in pixels."""
        window.layout().activate()
        return window.above.height()

    window.resize(600, 200)
    window.above.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
    window.layout().setStretch(0, 1)
    notice.say("error", "x.pth is empty.")
    beside = room()
    notice.settle()
    assert (notice.isHidden(), room()) == (True, beside)
    notice.release()
    assert room() > beside


def test_in_a_narrow_place_buttons_stand_below_and_widen_nothing(window, notice, offer):
    restore = named(notice, "Restore")
    QApplication.processEvents()
    assert restore.geometry().top() < notice._label.geometry().bottom()
    assert notice.minimumSizeHint().width() < TEXT_WIDTH
    window.resize(260, 140)
    QApplication.processEvents()
    assert window.width() == 260
    assert restore.geometry().top() >= notice._label.geometry().bottom()
    assert notice.rect().contains(restore.geometry())
