"""The row of epochs and its slider: two handles, words that fit, nothing that is told back."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication

from explorer.gui import theme
from explorer.gui.widgets.epoch_row import EpochRow, EpochsShown


@pytest.fixture
def row(qtbot):
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    row = EpochRow()
    qtbot.addWidget(row)
    row.resize(500, 28)
    row.show()
    row.told = []
    for name in ("moved", "held", "rival_moved"):
        getattr(row.slider, name).connect(lambda value, name=name: row.told.append((name, value)))
    row.show_epochs(EpochsShown((1, 2, 3, 5), 3, total=8, state="training", rival=0, can_follow=True))
    return row


def at(row, place):
    return QPoint(round(row.slider.x_of(place)), row.slider.height() // 2)


def test_it_shows_what_it_is_told_and_says_nothing(row):
    assert (row.label.text(), row.state.text(), row.slider.value()) == ("epoch 5 of 8", "training", 3)
    row.show_epochs(EpochsShown((1, 2, 3, 5, 6), 1, total=8, is_part=True, is_playing=True))
    assert row.label.text() == "epoch 2 of 8 (part)"
    assert row.play.accessibleName() == "Pause"
    assert row.follow.isHidden()
    assert row.told == []


def test_a_press_goes_there_and_a_drag_walks(row, qtbot):
    qtbot.mousePress(row.slider, Qt.MouseButton.LeftButton, pos=at(row, 1))
    qtbot.mouseMove(row.slider, at(row, 2))
    qtbot.mouseRelease(row.slider, Qt.MouseButton.LeftButton, pos=at(row, 2))
    assert row.told == [("held", True), ("moved", 1), ("moved", 2), ("held", False)]


def test_the_second_handle_is_dragged_by_itself(row, qtbot):
    qtbot.mousePress(row.slider, Qt.MouseButton.LeftButton, pos=at(row, 0))
    qtbot.mouseMove(row.slider, at(row, 2))
    qtbot.mouseRelease(row.slider, Qt.MouseButton.LeftButton, pos=at(row, 2))
    assert row.told == [("held", True), ("rival_moved", 2), ("held", False)]
    assert (row.slider.value(), row.slider.rival) == (3, 2)


def test_keys_walk(row, qtbot):
    qtbot.keyClick(row.slider, Qt.Key.Key_Left)
    qtbot.keyClick(row.slider, Qt.Key.Key_Home)
    assert row.told == [("moved", 2), ("moved", 0)]


def test_a_right_click_asks_for_the_epoch_under_it(row, qtbot):
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at(row, 2), QPoint(7, 8))
    with qtbot.waitSignal(row.slider.menu_wanted) as wanted:
        QApplication.sendEvent(row.slider, event)
    assert wanted.args == [2, QPoint(7, 8)]


def test_few_words_where_there_is_little_room(row):
    assert row.state.isVisible()
    row.resize(350, 28)
    assert (row.state.isVisible(), row.label.text()) == (False, "epoch 5 of 8")
    row.resize(230, 28)
    assert row.label.text() == "5/8"
    assert "training" in row.label.toolTip()


def test_a_single_epoch_stands_at_the_end_and_is_no_film(row):
    row.show_epochs(EpochsShown((4,), 0))
    assert row.label.text() == "epoch 4"
    assert row.slider.x_of(0) > row.slider.width() / 2
    assert not row.play.isEnabled()
