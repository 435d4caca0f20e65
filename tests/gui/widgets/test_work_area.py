"""Work that lasts: shown after a while, the newest of several, cancelled."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget

from explorer.gui.widgets import work_area
from explorer.gui.widgets.work_area import WorkArea


@pytest.fixture
def area(qtbot, monkeypatch):
    monkeypatch.setattr(work_area, "PATIENCE", 30)
    place = QWidget()
    qtbot.addWidget(place)
    area = WorkArea(place)
    place.resize(500, 40)
    place.show()
    yield area
    place.close()


def show_for_long(qtbot, area, key, text, share=None):
    area.show_work(key, text, share)
    qtbot.waitUntil(lambda: text in area.text)


def test_the_usual_patience_is_less_than_a_second():
    assert work_area.PATIENCE == 700


def test_short_work_is_never_seen(area, qtbot):
    area.show_work("a", "Saving x.png")
    assert not area.isVisible()
    area.show_work("a", "Saving x.png", 0.9)
    assert not area.isVisible()
    area.end_work("a")
    show_for_long(qtbot, area, "b", "Later")  # would have come after the first one
    assert area.text == "Later"


def test_work_that_lasts_is_shown_with_its_share_until_it_ends(area, qtbot):
    show_for_long(qtbot, area, "a", "Saving x.gif", 0.25)
    assert area.isVisible()
    assert area.share == 0.25
    area.show_work("a", "Writing x.gif", 0.5)
    assert (area.text, area.share) == ("Writing x.gif", 0.5)
    area.show_work("a", "Writing x.gif")  # how much is not known
    assert area.share is None
    area.end_work("a")
    assert not area.isVisible()
    area.end_work("a")  # twice is nothing


def test_of_several_the_newest_is_shown_and_the_others_counted(area, qtbot):
    show_for_long(qtbot, area, "a", "Saving x.gif", 0.25)
    area.show_work("b", "Reading faces", 0.5)
    assert area.text == "Saving x.gif"
    qtbot.waitUntil(lambda: area.text == "Reading faces (and 1 more)")
    area.end_work("b")
    assert (area.text, area.share) == ("Saving x.gif", 0.25)


def test_cancel_asks_once_for_what_is_shown(area, qtbot):
    show_for_long(qtbot, area, "a", "Saving x.gif")
    button = area.findChild(QToolButton)
    assert button.accessibleName() == "Cancel: Saving x.gif"
    with qtbot.waitSignal(area.cancelled) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == ["a"]
    assert not button.isEnabled()
    area.show_work("a", "Saving x.gif", 0.9)  # it takes its time
    assert not button.isEnabled()
    show_for_long(qtbot, area, "b", "Reading faces")
    assert button.isEnabled()
    with qtbot.waitSignal(area.cancelled) as asked:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked.args == ["b"]


def test_the_same_key_can_be_cancelled_again_later(area, qtbot):
    for _ in range(2):
        show_for_long(qtbot, area, "a", "Saving x.gif")
        with qtbot.waitSignal(area.cancelled):
            area.cancel()
        area.end_work("a")
    area.cancel()  # nothing is shown


def test_idle_leaves_no_timer(area, qtbot):
    show_for_long(qtbot, area, "a", "Saving x.gif")
    area.end_work("a")
    qtbot.waitUntil(lambda: not area.findChildren(work_area.QTimer))
