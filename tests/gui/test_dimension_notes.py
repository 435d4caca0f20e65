"""Naming dimensions and noting something on them, by the mouse and the keys of a person."""

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QVBoxLayout, QWidget

from explorer.formats.notes import Notes
from explorer.gui.dimension_notes import DimensionNotes
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.session import Session
from explorer.gui.widgets.dimension_row import NAMELESS
from explorer.latent import activity

Key = Qt.Key
LEFT = Qt.MouseButton.LeftButton


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book = model, None
        self.notes = Notes({"z3": "hair colour"}, {"z3": "turns <b>too</b>"})
        self.root = self


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def panel(qtbot, session, tiny_model):
    window = QWidget()
    layout = QVBoxLayout(window)
    panel = SlidersPanel(session, fakes.instant_pictures(session))
    layout.addWidget(panel)
    window.resize(360, 560)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    session.open(OpenedFake(tiny_model))
    found = activity.Activity(None, np.ones(4, np.float32), np.ones(4, bool), np.array([0.4, 0.3, 0.2, 0.1]))
    session.set_activity(found)
    panel.window_kept = window
    return panel


def editor(panel):
    return panel.window().findChild(DimensionNotes)


def fields(panel):
    """Return the two fields of the editor, which is open."""
    assert not editor(panel).isHidden()
    return editor(panel)._title, editor(panel)._note


def press(key, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.keyClick(QApplication.focusWidget(), key, modifier)


def write(text):
    QTest.keyClicks(QApplication.focusWidget(), text)


def double_click_name(row):
    place = QPoint(row.facts.name_width + 20, 12)
    QTest.mouseClick(row, LEFT, pos=place)
    QTest.mouseDClick(row, LEFT, pos=place)


def click_in_window(panel, place):
    """Press as the system does: in the window, which finds the widget."""
    QTest.mouseClick(panel.window().windowHandle(), LEFT, pos=place)


def shown_tops(panel):
    return {index: panel.row_for(index).y() for index in panel.dimensions()}


def test_double_click_on_the_name_and_enter_names_it_as_one_step(panel, session):
    row = panel.row_for(1)
    double_click_name(row)
    title, _note = fields(panel)
    assert title.hasFocus()
    assert title.text() == ""
    write("head  tilt")
    press(Key.Key_Return)
    assert session.title_of(1) == "head tilt"
    assert editor(panel).isHidden()
    assert panel.row_for(1).slider.hasFocus()
    assert panel.row_for(1).facts.title == "head tilt"
    assert session.undo_text == "Name z2"
    session.undo()
    assert not session.can_undo
    assert panel.row_for(1).facts.title == ""


def test_one_click_on_name_it_asks_for_the_name(panel, session):
    row = panel.row_for(1)
    assert not row.facts.title
    assert session.focused != 1
    QTest.mouseClick(row, LEFT, pos=QPoint(row.facts.name_width + 20, 12))
    assert editor(panel).index == 1
    press(Key.Key_N)
    press(Key.Key_Return)
    assert session.title_of(1) == "n"


def test_a_click_on_a_name_chooses_the_row_and_the_next_one_asks(panel, session):
    session.focus(0)
    row = panel.row_for(2)
    place = QPoint(row.facts.name_width + 20, 12)
    assert row.facts.title == "hair colour"
    QTest.mouseClick(row, LEFT, pos=place)
    assert editor(panel).isHidden()
    assert session.focused == 2
    QTest.mouseClick(row, LEFT, pos=place)
    assert editor(panel).index == 2


def test_a_click_beside_the_name_asks_nothing(panel, session):
    session.focus(0)
    row = panel.row_for(1)
    QTest.mouseClick(row, LEFT, pos=QPoint(row.facts.name_width + 90, 12))
    QTest.mouseClick(row, Qt.MouseButton.RightButton, pos=QPoint(row.facts.name_width + 20, 12))
    QTest.mouseClick(row, LEFT, pos=QPoint(8, 12))
    assert editor(panel).isHidden()


def test_double_click_on_the_slider_is_no_naming(panel, session):
    QTest.mouseDClick(panel.slider_for(1), LEFT)
    assert editor(panel).isHidden()


@pytest.mark.parametrize("stop", ["slider", "field", "lock"])
def test_f2_from_wherever_the_keyboard_is_in_the_row(panel, session, stop):
    getattr(panel.row_for(2), stop).setFocus()
    press(Key.Key_F2)
    title, note = fields(panel)
    assert title.selectedText() == "hair colour"
    write("hair")
    press(Key.Key_Tab)
    assert note.hasFocus()
    press(Key.Key_Tab)
    assert title.hasFocus()
    press(Key.Key_Backtab)
    assert note.hasFocus()
    press(Key.Key_Return)
    write("a second line")
    press(Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert session.title_of(2) == "hair"
    assert session.remark_of(2) == "turns <b>too</b>\na second line"
    assert panel.row_for(2).slider.hasFocus()
    session.undo()
    assert (session.title_of(2), session.remark_of(2)) == ("hair", "turns <b>too</b>")
    session.undo()
    assert session.title_of(2) == "hair colour"
    assert not session.can_undo


@pytest.mark.parametrize("in_note", [False, True])
def test_escape_leaves_all_as_it_was(panel, session, in_note):
    panel.slider_for(2).setFocus()
    press(Key.Key_F2)
    write("nonsense")
    if in_note:
        press(Key.Key_Tab)
        write("more")
    press(Key.Key_Escape)
    assert editor(panel).isHidden()
    assert session.title_of(2) == "hair colour"
    assert not session.can_undo
    assert panel.row_for(2).slider.hasFocus()
    press(Key.Key_F2)
    assert fields(panel)[0].text() == "hair colour"


def test_saving_what_was_not_changed_is_no_step(panel, session):
    panel.slider_for(2).setFocus()
    press(Key.Key_F2)
    press(Key.Key_Return)
    assert not session.can_undo


def test_a_click_elsewhere_saves_and_a_click_inside_does_not_end(panel, session):
    panel.slider_for(2).setFocus()
    press(Key.Key_F2)
    write("tilt")
    _title, note = fields(panel)
    click_in_window(panel, note.mapTo(panel.window(), QPoint(20, 20)))
    assert note.hasFocus()
    click_in_window(panel, QPoint(10, panel.window().height() - 10))
    assert editor(panel).isHidden()
    assert session.title_of(2) == "tilt"


def test_a_number_that_was_typed_is_taken_before(panel, session):
    field = panel.row_for(0).field
    field.setFocus()
    field.selectAll()
    write("1.5")
    press(Key.Key_F2)
    assert session.code[0] == 1.5


def test_another_model_takes_the_editor_away(panel, session):
    panel.edit_words(2)
    write("not this")
    session.open(OpenedFake(fakes.tiny_vae(seed=3)))
    assert editor(panel).isHidden()
    assert session.title_of(2) == "hair colour"


def test_rows_do_not_jump_while_one_is_named(panel, session, qtbot):
    session.set_rows(thumbnails_all=True)
    panel.slider_for(1).setFocus()
    before = shown_tops(panel)
    press(Key.Key_F2)
    assert shown_tops(panel) == before
    write("zzz")
    press(Key.Key_Return)
    assert shown_tops(panel) == before
    assert panel.dimensions() == [0, 1, 2, 3]


def test_a_row_that_is_double_clicked_opens_at_once_and_moves_no_more(panel, session, qtbot):
    double_click_name(panel.row_for(2))
    before = shown_tops(panel)
    assert not panel.row_for(2).thumbnails.isHidden()
    assert not panel._expand_timer.isActive()
    press(Key.Key_Return)
    qtbot.waitUntil(lambda: not panel._expand_timer.isActive())
    assert shown_tops(panel) == before


def test_a_row_that_was_found_stays_after_it_is_called_otherwise(panel, session):
    panel._find.setText("colour")
    assert panel.dimensions() == [2]
    panel.slider_for(2).setFocus()
    press(Key.Key_F2)
    write("tilt")
    press(Key.Key_Return)
    assert panel.dimensions() == [2]
    assert panel.row_for(2).facts.title == "tilt"


def test_the_find_field_finds_notes(panel):
    panel._find.setText("TURNS")
    assert panel.dimensions() == [2]


def test_the_editor_stays_inside_the_window(panel, session):
    window = panel.window()
    for index in panel.dimensions():
        panel.edit_words(index)
        assert window.rect().contains(editor(panel).geometry())
        row = panel.row_for(index)
        header = row.mapTo(window, QPoint(0, 0))
        assert not editor(panel).geometry().contains(header + QPoint(5, 11))
    window.resize(300, 300)
    assert window.rect().contains(editor(panel).geometry())


def test_the_tooltip_shows_the_note_as_it_was_typed(panel, session):
    tip = panel.row_for(2).toolTip()
    assert "turns &lt;b&gt;too&lt;/b&gt;" in tip
    assert "note: turns <b>too</b>" in panel.row_for(2).slider.accessibleDescription()
    session.note_dimension(1, "x" * 4000)
    assert len(panel.row_for(1).toolTip()) < 1000


def darkest(row, left, right):
    """Return how many pixels of a row's header differ from its ground, between two x."""
    image = row.grab().toImage()
    ground = image.pixelColor(left, 2)
    return sum(image.pixelColor(x, y) != ground for x in range(left, right) for y in range(3, 20))


def test_an_unnamed_row_asks_for_a_name_only_under_the_pointer_or_when_chosen(panel, session, qtbot):
    session.focus(3)
    row = panel.row_for(1)
    left = row.facts.name_width + 12
    assert darkest(row, left, left + 50) == 0
    row.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert darkest(row, left, left + 50) > 20, NAMELESS
    row.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    session.focus(1)
    assert darkest(row, left, left + 50) > 20


def test_a_note_without_a_name_has_its_mark(panel, session):
    row = panel.row_for(1)
    session.focus(3)
    left = row.facts.name_width + 12
    session.note_dimension(1, "something")
    assert darkest(row, left, left + 14) > 8


def test_a_name_does_not_disturb_the_number_that_is_being_typed(panel, session):
    field = panel.row_for(0).field
    field.setFocus()
    field.selectAll()
    write("1.2")
    session.name_dimension(0, "tilt")
    assert field.text() == "1.2"
    assert panel.row_for(0).facts.title == "tilt"


# ---- the context menu ----


def menu_of(panel, index, on):
    widget = getattr(panel.row_for(index), on) if on else panel.row_for(index)
    place = QPoint(20, 6)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def choose(menu, text):
    """Choose an entry of the menu by its place, as a hand does."""
    (action,) = (action for action in menu.actions() if action.text().split("\t")[0] == text)
    QTest.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())


@pytest.mark.qt_log_ignore("This plugin does not support grabbing the keyboard", extend=True)
@pytest.mark.parametrize("on", ["", "slider", "lock", "thumbnails"])
def test_the_menu_offers_what_can_be_done_with_a_dimension(panel, session, on, qtbot):
    session.set_rows(thumbnails_all=True)
    session.set_dimension(1, 1.25)
    session.commit()
    choose(menu_of(panel, 1, on), "Copy value")
    assert QGuiApplication.clipboard().text() == "1.25"
    choose(menu_of(panel, 1, on), "Centre")
    assert session.code[1] == 0
    choose(menu_of(panel, 1, on), "Lock")
    assert session.locked.tolist() == [False, True, False, False]
    choose(menu_of(panel, 1, on), "Lock")
    assert not session.locked.any()
    choose(menu_of(panel, 1, on), "Name and note…")
    assert fields(panel)[0].hasFocus()
    press(Key.Key_Escape)


def test_there_is_no_menu_while_the_slider_is_held(panel, session):
    slider = panel.slider_for(1)
    QTest.mousePress(slider, LEFT)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), slider.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(slider, event)
    assert QApplication.activePopupWidget() is None
    QTest.mouseRelease(slider, LEFT)
    session.commit()
