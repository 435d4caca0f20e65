"""The history, driven by mouse, keys and drops; frames and marks are looked at as pixels."""

from dataclasses import replace

import fakes
import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QDrag,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QToolTip, QWidget

from explorer.formats.notes import NO_NOTES
from explorer.gui import theme
from explorer.gui.history import place_mime
from explorer.gui.history.history_keeper import HistoryKeeper
from explorer.gui.panels.history import HistoryPanel
from explorer.gui.session import Session
from explorer.models.base import ImageSpec, Space, StageModel


class Opened:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


@pytest.fixture
def session(qapp):
    session = Session()
    keeper = HistoryKeeper(session, session)
    yield session
    keeper.close()


@pytest.fixture
def pictures(session):
    return fakes.instant_pictures(session)


@pytest.fixture
def window(qtbot):
    """A window high enough for a card above the row."""
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    window = QMainWindow()
    qtbot.addWidget(window)
    window.resize(700, 300)
    return window


@pytest.fixture
def panel(window, session, pictures, tiny_model):
    tiny_model.spaces["w"] = Space("w", (4,))
    panel = HistoryPanel(session, pictures, window)
    panel.setGeometry(0, 220, 700, 60)
    window.show()
    session.open(Opened(tiny_model))
    return panel


@pytest.fixture
def filled(panel, session):
    """A panel with the start and four random places."""
    for seed in range(4):
        session.randomize(seed)
    return panel


def places(panel):
    return panel._session.places.all


def middle(panel, place):
    return panel.row.box(place.id).center().toPoint()


def click(qtbot, panel, place):
    qtbot.mouseClick(panel.row, Qt.MouseButton.LeftButton, pos=middle(panel, place))


def point_at(panel, place):
    """Move the mouse to a thumbnail, nothing pressed."""
    at = QPointF(middle(panel, place))
    none = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, panel.row.mapToGlobal(at), none, none, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(panel.row, event)


def frame_color(panel, place, inner=0):
    """Return the colour just outside the left edge of a thumbnail, half way down; or further in."""
    box = panel.row.box(place.id)
    image = panel.row.grab().toImage()
    return image.pixelColor(round(box.left()) - 1 + inner, round(box.center().y()))


def drop_event(kind, place, data):
    return kind(
        QPointF(place) if kind is QDropEvent else place,
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def drag_over(widget, place, data):
    """Enter a widget with a drag and move to a place; return whether it would be taken there."""
    return enters(widget, place, data) and moves(widget, place, data)


def enters(widget, place, data):
    """Enter a widget with a drag; only where that is accepted Qt sends the rest, to whatever accepted last."""
    entered = drop_event(QDragEnterEvent, place, data)
    QApplication.sendEvent(widget, entered)
    return entered.isAccepted()


def moves(widget, place, data):
    moved = drop_event(QDragMoveEvent, place, data)
    QApplication.sendEvent(widget, moved)
    return moved.isAccepted()


def drop(widget, place, data):
    if enters(widget, place, data):
        moves(widget, place, data)
        QApplication.sendEvent(widget, drop_event(QDropEvent, place, data))


def test_the_empty_panel_says_what_will_be_here(qtbot, window, session, pictures, tiny_model):
    panel = HistoryPanel(session, pictures, window)
    window.setCentralWidget(panel)
    window.show()
    assert panel.hint.isVisible()
    assert "Open a model" in panel.hint.text()
    session.open(Opened(tiny_model))
    assert panel.hint.text().startswith("Places you visit appear here; drag one onto A, B, the map")
    height = panel.sizeHint().height()
    session.randomize(1)
    assert not panel.hint.isVisible()
    assert panel.row.isVisible()
    assert panel.sizeHint().height() == height, "nothing jumps"


def test_places_stand_from_left_to_right_with_their_pictures(filled, pictures, tiny_model):
    row = filled.row
    assert [thumb.id for thumb in row.thumbs] == [place.id for place in places(filled)]
    lefts = [row.box(place.id).left() for place in places(filled)]
    assert np.diff(lefts).tolist() == [50.0] * 4, "44 pixels and a gap of 6"
    for place in places(filled):
        expected = np.rint(pictures.worker.renderer.decode(tiny_model, place.code[None])[0, 0] * 255)
        picture = filled._images.image(place.id)
        assert picture.pixelColor(3, 5).red() == expected[5, 3]
    assert {r.slot.split(":")[0] for r in pictures.worker.requests} == {"history"}


def test_the_frame_says_where_one_is_and_what_is_starred(filled, session):
    tokens = theme.current()
    last, other = places(filled)[-1], places(filled)[1]
    assert frame_color(filled, last) == tokens.accent
    assert frame_color(filled, other) not in (tokens.accent, tokens.star)
    session.places.star(other.id)
    assert frame_color(filled, other) == tokens.star
    session.places.visit(other.id)
    assert frame_color(filled, other) == tokens.accent
    assert frame_color(filled, other, inner=2) == tokens.star, "both are seen"
    assert frame_color(filled, last) != tokens.accent
    session.set_dimension(0, 0.1)
    assert frame_color(filled, other) == tokens.star, "a drag leaves the place"
    session.undo()
    assert frame_color(filled, other) == tokens.accent


def test_a_drag_looks_for_no_place_at_every_move(filled, session, monkeypatch):
    session.set_dimension(0, 0.1)
    monkeypatch.setattr(type(session.places), "at", lambda *_: pytest.fail("looked through all places"))
    for i in range(5):
        session.set_dimension(0, i / 5)
    monkeypatch.undo()


def test_a_mark_where_a_place_did_not_come_from_its_neighbour(filled, session):
    session.places.visit(places(filled)[1].id)
    session.randomize(9)
    forked = [thumb.forked for thumb in filled.row.thumbs]
    assert forked == [False] * 5 + [True]
    box = filled.row.box(places(filled)[-1].id)
    image = filled.row.grab().toImage()
    corner = [
        image.pixelColor(round(box.left()) + x, round(box.top()) + y) for x in range(9) for y in range(9)
    ]
    assert theme.current().panel in corner
    session.places.remove(places(filled)[1].id)
    assert not any(thumb.forked for thumb in filled.row.thumbs), "where it came from is gone"


def test_a_click_returns(qtbot, filled, session):
    click(qtbot, filled, places(filled)[2])
    assert np.array_equal(session.code, places(filled)[2].code)
    assert session.undo_text == "History"
    assert len(places(filled)) == 5
    session.undo()
    assert session.places.here is places(filled)[4]


def test_a_double_click_is_a_click(qtbot, filled, session):
    steps = len(session.past)
    qtbot.mouseDClick(filled.row, Qt.MouseButton.LeftButton, pos=middle(filled, places(filled)[2]))
    click(qtbot, filled, places(filled)[2])
    assert session.places.here is places(filled)[2]
    assert len(session.past) == steps + 1


def test_keys_choose_without_going_there(qtbot, filled, session):
    row, all_places = filled.row, places(filled)
    row.setFocus(Qt.FocusReason.TabFocusReason)
    assert row.focused == all_places[4].id, "keys begin where one is"
    code = session.code
    qtbot.keyClick(row, Qt.Key.Key_Left)
    qtbot.keyClick(row, Qt.Key.Key_Left)
    assert row.focused == all_places[2].id
    qtbot.keyClick(row, Qt.Key.Key_Home)
    assert row.focused == all_places[0].id
    qtbot.keyClick(row, Qt.Key.Key_Left)
    assert row.focused == all_places[0].id
    qtbot.keyClick(row, Qt.Key.Key_End)
    assert row.focused == all_places[4].id
    assert session.code is code
    qtbot.keyClick(row, Qt.Key.Key_Home)
    qtbot.keyClick(row, Qt.Key.Key_Right)
    qtbot.keyClick(row, Qt.Key.Key_Return)
    assert session.places.here is all_places[1]


def test_keys_star_and_remove(qtbot, filled, session):
    row, place = filled.row, places(filled)[4]
    row.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(row, Qt.Key.Key_S)
    assert session.places.get(place.id).starred
    with qtbot.waitSignal(session.message) as said:
        qtbot.keyClick(row, Qt.Key.Key_Delete)
    assert "take its star away" in said.args[1]
    assert session.places.get(place.id) is not None
    qtbot.keyClick(row, Qt.Key.Key_S)
    qtbot.keyClick(row, Qt.Key.Key_Delete)
    assert session.places.get(place.id) is None
    assert row.focused == places(filled)[-1].id, "the next one is at hand"


def test_f2_asks_for_a_name(qtbot, filled, session):
    place, field = places(filled)[4], filled.name_field
    filled.row.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(filled.row, Qt.Key.Key_F2)
    assert field.isVisible()
    qtbot.keyClicks(field, "calm")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert session.places.get(place.id).name == "calm"
    assert not field.isVisible()
    qtbot.keyClick(filled.row, Qt.Key.Key_F2)
    assert field.selectedText() == "calm"
    qtbot.keyClicks(field, "glad")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert session.places.get(place.id).name == "calm"
    filled.ask_name(place.id)
    qtbot.keyClicks(field, "glad")
    field.clearFocus()
    assert session.places.get(place.id).name == "glad", "leaving the field takes the name"


def test_a_screen_reader_hears_the_place_that_keys_work_on(qtbot, filled, session):
    session.places.star(places(filled)[3].id)
    session.places.rename(places(filled)[3].id, "calm")
    filled.row.setFocus(Qt.FocusReason.TabFocusReason)
    assert filled.row.accessibleName() == "Place 5, Random, here"
    qtbot.keyClick(filled.row, Qt.Key.Key_Left)
    assert filled.row.accessibleName() == "Place 4, calm, Random, starred"
    assert filled.row.toolTip()
    assert filled.row.accessibleDescription()


def test_a_card_tells_what_a_place_is(filled, session):
    session.places.rename(places(filled)[3].id, "calm")
    point_at(filled, places(filled)[3])
    card = filled.card
    assert card.isVisible()
    assert card.lines == ("calm", "Random, from Random")
    assert card.picture is filled._images.image(places(filled)[3].id)
    assert card.geometry().bottom() < filled.row.mapTo(filled.window(), QPoint(0, 0)).y() + 4, "over the row"
    point_at(filled, places(filled)[1])
    assert card.lines == ("Place 2", "Random, from Start")
    QApplication.sendEvent(filled.row, QEvent(QEvent.Type.Leave))
    assert not card.isVisible()


def test_starred_only(qtbot, filled, session):
    filled.starred_only.setChecked(True)
    assert filled.row.thumbs == ()
    assert "No place is starred" in filled.hint.text()
    assert filled.hint.isVisible()
    session.places.star(places(filled)[1].id)
    session.places.star(places(filled)[3].id)
    assert [t.id for t in filled.row.thumbs] == [places(filled)[1].id, places(filled)[3].id]
    assert not any(t.forked for t in filled.row.thumbs)
    filled.starred_only.setChecked(False)
    assert len(filled.row.thumbs) == 5


def test_places_of_another_space_are_dim_and_lead_there(qtbot, filled, session):
    session.set_space("w")
    session.randomize(5)
    assert [thumb.dim for thumb in filled.row.thumbs] == [True] * 5 + [False]
    assert "in the space z" in filled.row.thumbs[1].text
    menu = filled.make_menu(places(filled)[1].id)
    actions = {action.text(): action for action in menu.actions()}
    for name in ("Set as A", "Set as B", "Blend with the current picture", "Show on the map"):
        assert not actions[name].isEnabled()
        assert "space z" in actions[name].toolTip()
    click(qtbot, filled, places(filled)[1])
    assert session.state.space == "z"
    assert session.places.here is places(filled)[1]
    assert [thumb.dim for thumb in filled.row.thumbs] == [False] * 5 + [True]


def test_the_current_place_is_brought_into_view(panel, session):
    for seed in range(60):
        session.arrive(np.full(4, (seed + 1) / 100, np.float32), "Map")
    row, first = panel.row, places(panel)[1]
    assert first.id not in row.seen
    for _ in range(59):
        session.undo()
    assert session.places.here.id == first.id
    assert first.id in row.seen
    assert row.box(first.id).left() >= 0


def test_nothing_stands_over_the_row(filled):
    """The row gets the mouse wherever it is seen, also after its controls went into a title row."""
    filled.title_widgets()[0].setParent(filled.window())
    for place in places(filled):
        at = filled.row.mapTo(filled, middle(filled, place))
        assert filled.childAt(at) is filled.row


def test_in_a_low_window_the_lines_stand_in_a_tooltip(qtbot, filled, window):
    window.resize(700, 70)
    filled.setGeometry(0, 5, 700, 60)
    point_at(filled, places(filled)[1])
    assert not filled.card.isVisible()
    assert QToolTip.text() == "Place 2\nRandom, from Start"
    QToolTip.hideText()


def test_the_menu_does_what_keys_and_drags_do(qtbot, filled, session):
    place = places(filled)[1]
    code = session.code

    def choose(text):
        menu = filled.make_menu(place.id)
        next(action for action in menu.actions() if action.text() == text).trigger()

    choose("Set as A")
    assert session.anchors["A"].code is not None
    assert np.array_equal(session.anchors["A"].code, place.code)
    choose("Star")
    assert session.places.get(place.id).starred
    remove = filled.make_menu(place.id).actions()[-1]
    assert not remove.isEnabled()
    assert "star" in remove.toolTip()
    choose("Take the star away")
    with qtbot.waitSignal(filled.map_wanted) as wanted:
        choose("Show on the map")
    assert wanted.args[0] is place.code
    choose("Blend with the current picture")
    assert np.allclose(session.code, (place.code + code) / 2)
    choose("Go there")
    assert session.places.here.id == place.id
    choose("Name…")
    assert filled.name_field.isVisible()
    choose("Remove")
    assert session.places.get(place.id) is None
    assert filled.make_menu(place.id) is None


def test_a_drag_carries_the_place_and_its_picture(qtbot, filled, monkeypatch):
    carried = []
    monkeypatch.setattr(QDrag, "exec", lambda drag, *_: carried.append(drag.mimeData()))
    place = places(filled)[2]
    start = middle(filled, place)
    qtbot.mousePress(filled.row, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(filled.row, start + QPoint(2, 0))
    assert carried == []
    qtbot.mouseMove(filled.row, start + QPoint(30, -10))
    (data,) = carried
    assert place_mime.place_in(data) == place.id
    assert data.hasImage()
    assert data.imageData().size() == filled._images.image(place.id).size()


def test_a_drag_is_no_click(qtbot, filled, session, monkeypatch):
    monkeypatch.setattr(QDrag, "exec", lambda *_: None)
    code, start = session.code, middle(filled, places(filled)[2])
    qtbot.mousePress(filled.row, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(filled.row, start + QPoint(15, 0))
    qtbot.mouseRelease(filled.row, Qt.MouseButton.LeftButton, pos=start)
    assert session.code is code


def test_a_place_that_is_dropped_on_another_is_blended_with_it(filled, session):
    a, b = places(filled)[1], places(filled)[3]
    data = place_mime.data_of(a.id)
    before = filled.row.grab().toImage()
    assert drag_over(filled.row, middle(filled, b), data)
    tinted = filled.row.grab().toImage()
    assert tinted.pixelColor(middle(filled, b)) != before.pixelColor(middle(filled, b))
    assert frame_color(filled, b) == theme.current().accent
    QApplication.sendEvent(filled.row, QDragLeaveEvent())
    assert filled.row.grab().toImage() == before
    drop(filled.row, middle(filled, b), data)
    assert np.allclose(session.code, (a.code + b.code) / 2)
    assert session.places.here.what == "Blend"


def test_a_place_cannot_be_dropped_on_itself_or_beside(filled, session):
    a, code = places(filled)[1], session.code
    data = place_mime.data_of(a.id)
    assert not drag_over(filled.row, middle(filled, a), data)
    assert not drag_over(filled.row, QPoint(690, 20), data)
    drop(filled.row, middle(filled, a), data)
    drop(filled.row, QPoint(690, 20), data)
    assert session.code is code


def test_a_drag_at_the_edge_scrolls(panel, session):
    for seed in range(60):
        session.arrive(np.full(4, (seed + 1) / 100, np.float32), "Map")
    row, data = panel.row, place_mime.data_of(places(panel)[-1].id)
    end = row._bar.value()
    drag_over(row, QPoint(10, 20), data)
    assert row._bar.value() < end
    for _ in range(3):
        drag_over(row, QPoint(row.width() - 10, 20), data)
    assert row._bar.value() == end
    drag_over(row, QPoint(row.width() // 2, 20), data)
    assert row._bar.value() == end
    QApplication.sendEvent(row, QDragLeaveEvent())


def test_what_is_no_place_of_this_window_is_not_taken(filled, session):
    code, target = session.code, middle(filled, places(filled)[1])
    foreign = QMimeData()
    foreign.setData(place_mime.MIME, b'{"process": 1, "place": 4}')
    text = QMimeData()
    text.setText("hello")
    damaged = QMimeData()
    damaged.setData(place_mime.MIME, b"[")
    for data in (foreign, text, damaged):
        drop(filled.row, target, data)
    assert session.code is code


def test_only_those_that_are_seen_are_decoded(panel, session, pictures):
    for seed in range(60):
        session.arrive(np.full(4, seed / 100, np.float32), "Map")
    row = panel.row
    assert len(row.thumbs) == 60, "the first of them is the start"
    assert row.box(places(panel)[-1].id).right() <= row.width(), "the newest is seen"
    pictures.worker.requests.clear()
    stage = StageModel(
        torch.nn.Identity(), name="same", architecture="test", input=ImageSpec(1), output=ImageSpec(1)
    )
    session.add_stage(stage)
    asked = {r.slot for r in pictures.worker.requests}
    assert asked == {f"history:{number}" for number in row.seen}
    assert 13 <= len(asked) <= 15
    pictures.worker.requests.clear()
    row._bar.setValue(0)
    assert {r.slot for r in pictures.worker.requests} == {f"history:{number}" for number in row.seen}
    assert row.seen[0] == places(panel)[0].id
    pictures.worker.requests.clear()
    row._bar.setValue(row._bar.maximum())
    assert pictures.worker.requests == [], "they are kept"


def test_what_was_scrolled_away_is_no_longer_asked_for(panel, session, pictures):
    for seed in range(60):
        session.arrive(np.full(4, seed / 100, np.float32), "Map")
    panel.hide()
    panel._images.keep_only(())
    pictures.worker.held = True
    panel.show()
    assert len(pictures.worker.waiting) > 10
    panel.row._bar.setValue(0)
    assert set(pictures.worker.waiting) == {f"history:{number}" for number in panel.row.seen}
    pictures.worker.release()
    assert all(panel._images.image(number) is not None for number in panel.row.seen)


def test_old_pictures_stay_until_new_ones_come(filled, session, pictures):
    before = filled._images.image(places(filled)[1].id)
    pictures.worker.held = True
    stage = StageModel(
        torch.nn.Identity(), name="same", architecture="test", input=ImageSpec(1), output=ImageSpec(1)
    )
    session.add_stage(stage)
    assert filled._images.image(places(filled)[1].id) is before
    pictures.worker.release()
    assert filled._images.image(places(filled)[1].id) is not before


def test_nothing_is_decoded_while_it_is_hidden(filled, session, pictures):
    filled.hide()
    pictures.worker.requests.clear()
    session.randomize(50)
    session.randomize(51)
    assert pictures.worker.requests == []
    filled.show()
    assert len(filled.row.thumbs) == 7
    assert len(pictures.worker.requests) == 2


def test_the_wheel_scrolls_and_two_hundred_are_one_widget(panel, session):
    for seed in range(230):
        session.arrive(np.full(4, (seed + 1) / 100, np.float32), "Map")
    row = panel.row
    assert len(row.thumbs) == 200
    assert [type(child).__name__ for child in row.findChildren(QWidget)] == ["QScrollBar"]
    end = row._bar.value()
    assert end == row._bar.maximum() > 0
    wheel = QWheelEvent(
        QPointF(50, 20), row.mapToGlobal(QPointF(50, 20)), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(row, wheel)
    assert row._bar.value() == end - 100
    session.randomize(1)
    assert row._bar.value() == row._bar.maximum(), "the newest is brought into view"


def test_star_and_name_of_the_current_place(qtbot, filled, session):
    filled.star_here()
    assert session.places.here.starred
    filled.star_here()
    assert not session.places.here.starred
    session.set_dimension(1, 0.5)
    session.commit()
    session.use_current("A")
    filled.star_here()
    here = session.places.here
    assert (here.what, here.starred, here.parent) == ("z2", True, places(filled)[4].id)
    filled.starred_only.setChecked(True)
    session.randomize(8)
    filled.name_here()
    assert filled.name_field.isVisible()
    qtbot.keyClicks(filled.name_field, "eight")
    qtbot.keyClick(filled.name_field, Qt.Key.Key_Return)
    assert session.places.here.name == "eight"


def test_going_left_and_right(filled, session):
    all_places = places(filled)
    filled.go(-1)
    filled.go(-1)
    assert session.places.here is all_places[2]
    filled.go(1)
    assert session.places.here is all_places[3]
    filled.go(5)
    assert session.places.here is all_places[3]
    session.set_dimension(0, 0.77)
    session.commit()
    filled.go(-1)
    assert session.places.here is all_places[3], "back to where one was"


def test_another_models_history_and_back(filled, session, pictures, tiny_model):
    ids = [thumb.id for thumb in filled.row.thumbs]
    session.open(Opened(fakes.tiny_vae(1, name="other")))
    assert filled.row.thumbs == ()
    assert filled.hint.isVisible()
    session.undo()
    assert [thumb.id for thumb in filled.row.thumbs] == ids
    assert filled._images.image(ids[0]) is not None


def test_wide_pictures_have_wide_thumbnails(panel, session):
    from explorer.models import architecture

    family = architecture("fc-vae")
    config = family.config(height=8, width=12, hidden=(16,), latent_dim=4)
    session.open(Opened(family.wrap(family.network(config).eval(), config, name="wide")))
    session.randomize(1)
    assert panel.row.box(places(panel)[0].id).size().toSize().toTuple() == (66, 44)


def test_in_the_dark(filled, session):
    try:
        theme.apply_theme(QApplication.instance(), theme.DARK)
        assert frame_color(filled, places(filled)[-1]) == theme.DARK.accent
    finally:
        theme.apply_theme(QApplication.instance(), theme.LIGHT)


def red(image):
    return image.pixelColor(3, 5).red()


def test_places_of_a_session_show_their_own_pictures_though_others_had_their_numbers(
    filled, session, pictures, tiny_model
):
    """A saved session brings its places after the model has opened with those of its notes."""
    before = {place.id: red(filled._images.image(place.id)) for place in places(filled)}
    turned = tuple(
        replace(place, code=other.code)
        for place, other in zip(places(filled), reversed(places(filled)), strict=True)
    )
    session.places.restore(turned)
    for place in places(filled):
        expected = np.rint(pictures.worker.renderer.decode(tiny_model, place.code[None])[0, 0] * 255)
        assert red(filled._images.image(place.id)) == expected[5, 3]
    assert before != {place.id: red(filled._images.image(place.id)) for place in places(filled)}


def test_a_picture_that_comes_late_is_of_the_place_that_has_the_number_now(
    panel, session, pictures, tiny_model
):
    pictures.worker.held = True
    session.randomize(1)
    one, other = places(panel)
    session.places.restore((replace(one, code=other.code), replace(other, code=one.code)))
    pictures.worker.release()
    for place in places(panel):
        expected = np.rint(pictures.worker.renderer.decode(tiny_model, place.code[None])[0, 0] * 255)
        assert red(panel._images.image(place.id)) == expected[5, 3]


def test_a_star_and_a_name_ask_for_no_new_picture(filled, session, pictures):
    asked = len(pictures.worker.requests)
    session.places.star(places(filled)[1].id)
    session.places.rename(places(filled)[1].id, "calm")
    assert len(pictures.worker.requests) == asked


@pytest.fixture
def carded(qtbot, filled):
    """A panel whose row has the keys, with the card of the newest place."""
    filled.window().activateWindow()
    filled.row.setFocus(Qt.FocusReason.ShortcutFocusReason)
    qtbot.waitUntil(filled.row.hasFocus)
    qtbot.keyClick(filled.row, Qt.Key.Key_Left)
    assert filled.card.isVisible()
    return filled


@pytest.mark.parametrize("what", ["focus", "hide", "scroll", "deactivate", "shortcut", "key", "gone"])
def test_the_card_of_the_keys_goes_when_something_else_is_done(qtbot, carded, session, what):
    row = carded.row
    if what == "focus":
        row.clearFocus()
    elif what == "hide":
        row.hide()
    elif what == "scroll":
        row.resize(120, row.height())
        row._bar.setValue(0 if row._bar.value() else 50)
    elif what == "deactivate":
        QApplication.sendEvent(row, QEvent(QEvent.Type.WindowDeactivate))
    elif what == "shortcut":
        none = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(row, QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_R, none))
    elif what == "key":
        qtbot.keyClick(row, Qt.Key.Key_Return)
    else:
        session.places.remove(row.focused)
    assert not carded.card.isVisible()


def test_a_name_is_seen_at_its_thumbnail(filled, session):
    place = places(filled)[2]

    def lower_end():
        box = filled.row.box(place.id)
        return filled.row.grab(box.toRect().adjusted(4, 32, -4, -1)).toImage()

    before = lower_end()
    session.places.rename(place.id, "calm")
    assert lower_end() != before
    session.places.rename(place.id, "")
    assert lower_end() == before


def test_the_menu_says_why_a_starred_place_stays(filled, session):
    place = places(filled)[1]
    session.places.star(place.id)
    menu = filled.make_menu(place.id)
    remove = next(action for action in menu.actions() if action.text().startswith("Remove"))
    assert not remove.isEnabled()
    assert remove.text() == "Remove (take the star away first)"
    menu.deleteLater()
