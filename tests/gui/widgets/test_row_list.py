"""The list that has widgets for visible rows alone."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from explorer.gui.widgets.row_list import RowList

PITCH = 40


class Made:
    """A list of `count` rows, buttons with a label in between at place 3, and what was made for it."""

    def __init__(self, qtbot, count, height=200):
        self.widgets, self.bound = [], []
        self.list = RowList(self.make, self.bind)
        qtbot.addWidget(self.list)
        self.list.resize(200, height)
        self.list.show()
        self.list.set_rows(["label" if place == 3 else "button" for place in range(count)], [PITCH] * count)

    def make(self, kind):
        widget = QLabel() if kind == "label" else QPushButton()
        self.widgets.append(widget)
        return widget

    def bind(self, widget, place):
        self.bound.append(place)
        widget.setText(str(place))

    def visible(self):
        """Return texts and upper edges of what can be seen, from the top."""
        height = self.list.viewport().height()
        rows = [w for w in self.list.shown().values() if -PITCH < w.y() < height]
        return [(w.text(), w.y()) for w in sorted(rows, key=lambda w: w.y())]


@pytest.fixture
def made(qtbot):
    return Made(qtbot, 1000)


def test_few_widgets_serve_many_rows(made):
    bar = made.list.verticalScrollBar()
    assert bar.maximum() == 1000 * PITCH - 200
    for value in range(0, bar.maximum(), 377):
        bar.setValue(value)
        first = value // PITCH
        rows = made.visible()
        assert rows[0] == (str(first), first * PITCH - value)
        assert [int(text) for text, _ in rows] == list(range(first, first + len(rows)))
        assert {b - a for (_, a), (_, b) in pairwise(rows)} == {PITCH}
        assert rows[-1][1] + PITCH >= 200
    assert len(made.widgets) <= 10


def test_kinds_are_not_mixed(made):
    assert isinstance(made.list.shown()[3], QLabel)
    assert isinstance(made.list.shown()[2], QPushButton)


def test_a_row_is_shown_whole_with_as_little_scrolling_as_needed(made):
    bar = made.list.verticalScrollBar()
    made.list.show_place(2)
    assert bar.value() == 0
    assert made.list.show_place(500).text() == "500"
    assert bar.value() == 501 * PITCH - 200
    made.list.show_place(499)
    assert bar.value() == 501 * PITCH - 200
    made.list.show_place(100)
    assert bar.value() == 100 * PITCH


def test_row_with_the_keyboard_is_kept_while_it_is_out_of_sight(made, qtbot):
    made.list.activateWindow()
    held = made.list.shown()[1]
    held.setFocus()
    qtbot.waitUntil(held.hasFocus)
    made.list.verticalScrollBar().setValue(20000)
    assert made.list.shown()[1] is held
    assert held.text() == "1"
    assert held.geometry().bottom() < 0
    held.clearFocus()
    made.list.verticalScrollBar().setValue(20100)
    assert 1 not in made.list.shown()


def test_tab_goes_from_top_to_bottom_after_rows_were_used_again(made, qtbot):
    made.list.activateWindow()
    made.list.verticalScrollBar().setValue(10 * PITCH)
    made.list.verticalScrollBar().setValue(7 * PITCH)
    made.list.shown()[8].setFocus()
    qtbot.waitUntil(made.list.shown()[8].hasFocus)
    for place in (9, 10, 11, 12, 13, 14):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget().text() == str(place)
        made.list.show_place(place)


def test_other_heights_keep_a_row_where_it_is(made):
    bar = made.list.verticalScrollBar()
    bar.setValue(50 * PITCH)
    bottom = made.list.shown()[52].geometry().bottom()
    made.list.set_heights([PITCH * (3 if place == 10 else 1) for place in range(1000)], keep=52)
    assert made.list.shown()[52].geometry().bottom() == bottom
    assert bar.value() == 52 * PITCH


def test_wheel_scrolls(made):
    place = QPointF(20, 20)
    wheel = QWheelEvent(
        place,
        made.list.viewport().mapToGlobal(place),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(made.list.viewport(), wheel)
    assert made.list.verticalScrollBar().value() > 0


def test_scroll_bar_is_there_only_when_needed_and_covers_no_row(qtbot):
    few, many = Made(qtbot, 4), Made(qtbot, 40)
    assert few.list.shown()[0].width() == 200
    assert many.list.shown()[0].width() == 192


def test_set_rows_again_shows_other_rows(made):
    made.list.verticalScrollBar().setValue(20000)
    made.list.set_rows(["button"] * 2, [PITCH] * 2)
    assert made.visible() == [("0", 0), ("1", PITCH)]
    made.list.set_rows([], [])
    assert made.visible() == []
