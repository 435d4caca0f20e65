"""The map, driven by mouse and keys; where it says something is, the pixels are looked at."""

import fakes
import numpy as np
import pytest
import torch
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QMouseEvent,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication

from explorer.data.code_book import CodeBook
from explorer.formats.notes import Notes
from explorer.gui import theme
from explorer.gui.history import place_mime
from explorer.gui.map_ground import TILES
from explorer.gui.panels.latent_map import LatentMap
from explorer.gui.session import Session
from explorer.latent import plane
from explorer.models.base import ImageSpec, Space, StageModel


class Opened:
    """What a reader returns, without a file."""

    def __init__(self, model, code_book=None):
        self.model, self.code_book, self.notes = model, code_book, Notes({"z3": "hair"})
        self.root = self


def a_book(count=40):
    mean = np.random.default_rng(1).normal(size=(count, 4)).astype(np.float32) * [3, 2, 1, 0.5]
    brightness = np.linspace(0.1, 0.9, count).astype(np.float32)
    mood = np.array(["calm", "glad", ""])[np.arange(count) % 3]
    names = tuple(f"face{i:02d}" for i in range(count))
    return CodeBook(mean, None, names, {"brightness": brightness, "mood": mood})


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pictures(session):
    return fakes.instant_pictures(session)


@pytest.fixture
def book():
    return a_book()


@pytest.fixture
def panel(qtbot, session, pictures, tiny_model, book):
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    panel = LatentMap(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(360, 440)
    panel.show()
    session.open(Opened(tiny_model, book))
    session.set_anchor("A", None)
    session.set_anchor("B", None)
    return panel


def mouse(view, kind, place, button=Qt.MouseButton.LeftButton):
    """Send one mouse event to the view."""
    held = button if kind != QEvent.Type.MouseButtonRelease else Qt.MouseButton.NoButton
    point = QPointF(place)
    event = QMouseEvent(kind, point, view.mapToGlobal(point), button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def press(view, place):
    mouse(view, QEvent.Type.MouseButtonPress, place)


def move(view, place):
    mouse(view, QEvent.Type.MouseMove, place)


def release(view, place):
    mouse(view, QEvent.Type.MouseButtonRelease, place)


def click(view, place):
    press(view, place)
    release(view, place)


def empty_place(view):
    """Return a pixel with neither a point nor the marker within reach."""
    for y in range(20, view.height() - 20, 3):
        for x in range(20, view.width() - 20, 3):
            place = QPointF(x, y)
            if view.point_at(place) < 0 and (place - view.marker).manhattanLength() > 40:
                return place
    raise AssertionError("no empty place")


def lonely_point(view):
    """Return a point that is nowhere near the marker, nor the edge."""
    for i in range(40):
        place = view.pixel_of(i)
        inside = 20 < place.x() < view.width() - 20 and 20 < place.y() < view.height() - 20
        if inside and (place - view.marker).manhattanLength() > 40 and view.point_at(place) == i:
            return i
    raise AssertionError("no lonely point")


def test_the_marker_is_painted_where_the_code_falls_on_the_plane(panel, session, book):
    session.set_code(book.mean[7])
    expected = panel.view.to_pixel(*panel.plane.project(book.mean[7]).tolist())
    assert panel.view.marker == expected
    image = panel.view.grab().toImage()
    assert image.pixelColor(expected.toPoint()) == theme.current().here


def test_the_marker_follows_a_slider(panel, session):
    before = panel.view.marker
    session.set_dimension(0, session.code[0] + 1.5)
    after = panel.view.marker
    assert (after - before).manhattanLength() > 5
    image = panel.view.grab().toImage()
    assert image.pixelColor(after.toPoint()) == theme.current().here
    assert image.pixelColor(before.toPoint()) != theme.current().here


class PaintCatcher(QObject):
    """Keeps which part of a widget was painted."""

    def __init__(self, widget):
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.region += event.region()
        return False


def test_a_move_of_the_marker_paints_only_where_it_was_and_is(qtbot, panel, session, monkeypatch):
    qtbot.waitExposed(panel)
    QApplication.processEvents()
    before = panel.view.marker.toPoint()
    monkeypatch.setattr(panel.view, "_paint_layer", lambda: pytest.fail("the points were painted again"))
    painted = PaintCatcher(panel.view)
    session.set_dimension(0, session.code[0] + 1)
    qtbot.waitUntil(lambda: not painted.region.isEmpty())
    after = panel.view.marker.toPoint()
    around = QPoint(8, 8)
    for place in (before - around, before + around, after - around, after + around):
        assert painted.region.contains(place)
    area = sum(rect.width() * rect.height() for rect in painted.region)
    assert area < 0.05 * panel.view.width() * panel.view.height()


def test_dragging_the_marker_moves_the_code_within_the_plane_under_the_cursor(panel, session, pictures):
    start = np.array(session.code)
    steps = session.undo_text
    view = panel.view
    press(view, view.marker)
    assert pictures.worker.is_dragging
    committed = []
    session.code_committed.connect(lambda: committed.append(1))
    for aim in (QPointF(100, 90), QPointF(140, 200), QPointF(220, 60)):
        move(view, aim)
        shown = panel.view.to_pixel(*panel.plane.project(session.code).tolist())
        assert (shown - aim).manhattanLength() < 0.1
        assert not committed
    release(view, aim)
    assert committed == [1]
    assert not pictures.worker.is_dragging
    off = (session.code - start) - panel.plane.axes.T @ (panel.plane.axes @ (session.code - start))
    assert np.abs(off).max() < 1e-5, "the part off the plane changed"
    assert session.undo_text == "Map"
    session.undo()
    assert np.array_equal(session.code, start), "a drag is one step"
    assert session.undo_text == steps


def test_a_click_on_a_point_shows_exactly_its_code(panel, session, book):
    point = lonely_point(panel.view)
    click(panel.view, panel.view.pixel_of(point))
    assert np.array_equal(session.code, book.mean[point])


def test_a_click_on_an_empty_place_goes_there_and_keeps_the_rest(panel, session):
    session.set_code(np.array([0.5, -0.5, 0.25, 2.0], np.float32))
    place = empty_place(panel.view)
    expected = panel.plane.move(session.code, np.array(panel.view.to_plane(place), np.float32))
    click(panel.view, place)
    assert np.allclose(session.code, expected, atol=1e-6)
    session.undo()
    assert session.code[3] == 2.0


def test_dragging_the_background_pans_and_leaves_the_code(panel, session):
    code, region = np.array(session.code), panel.view.region
    place = empty_place(panel.view)
    under = panel.view.to_plane(place)
    press(panel.view, place)
    move(panel.view, place + QPointF(30, 10))
    release(panel.view, place + QPointF(30, 10))
    assert np.array_equal(session.code, code)
    assert panel.view.region != region
    assert np.allclose(panel.view.to_plane(place + QPointF(30, 10)), under, atol=1e-5)


def test_the_wheel_zooms_around_the_cursor_and_the_background_follows(qtbot, panel, pictures):
    view, place = panel.view, QPointF(200, 120)
    under = view.to_plane(place)
    asked = len(pictures.worker.requests)
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    with qtbot.waitSignal(view.view_settled):
        QApplication.sendEvent(view, event)
    assert view.region.width() < view.home.width() * 0.75
    assert np.allclose(view.to_plane(place), under, atol=1e-5)
    request = pictures.worker.requests[-1]
    assert len(pictures.worker.requests) == asked + 1
    assert request.slot == "map-background"
    seen = panel.plane.project(request.codes)
    assert view.region.contains(QPointF(*seen.mean(axis=0).tolist()))
    assert np.ptp(seen[:, 0]) < view.region.width()


def test_a_double_click_shows_everything_and_does_not_move_the_code(qtbot, panel, session):
    view, code = panel.view, np.array(session.code)
    with qtbot.waitSignal(view.view_settled):
        view.zoom(0.5)
    place = empty_place(view)
    click(view, place)
    with qtbot.waitSignal(view.view_settled):
        mouse(view, QEvent.Type.MouseButtonDblClick, place)
    release(view, place)
    assert view.region == view.home
    assert np.array_equal(session.code, code)


def test_arrow_keys_move_the_marker_as_one_step(qtbot, panel, session):
    before, start = panel.view.marker, np.array(session.code)
    for _ in range(3):
        qtbot.keyPress(panel.view, Qt.Key.Key_Right)
    qtbot.keyRelease(panel.view, Qt.Key.Key_Right)
    qtbot.keyClick(panel.view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    moved = panel.view.marker - before
    assert moved.x() == pytest.approx(3 * panel.view.width() / 60, abs=0.1)
    assert moved.y() == pytest.approx(-10 * panel.view.height() / 60, abs=0.1)
    session.undo()
    assert np.array_equal(session.code, start)


def test_hovering_a_point_shows_its_picture_name_and_label(panel, session, pictures, book):
    point = lonely_point(panel.view)
    session.set_map(colour="mood")
    move_without_button(panel.view, panel.view.pixel_of(point))
    assert panel.card.isVisible()
    mood = book.labels["mood"][point] or "no label"
    assert panel.card.lines == (book.names[point], f"mood: {mood}")
    expected = pictures.worker.renderer.render(pictures.worker.requests[-1]).pictures[0, :, :, 0]
    shown = panel.card.picture
    assert [shown.pixelColor(x, 3).red() for x in range(8)] == expected[3].tolist()
    assert np.array_equal(pictures.worker.requests[-1].codes[0], book.mean[point])
    assert panel.view.rect().contains(panel.card.geometry())
    move_without_button(panel.view, empty_place(panel.view))
    assert not panel.card.isVisible()


def move_without_button(view, place):
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        place,
        view.mapToGlobal(place),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(view, event)


def test_the_menu_sets_anchors_to_a_point_or_a_place(panel, session, book):
    actions = {action.text(): action for action in panel.make_menu(0.0, 0.0, 5).actions()}
    actions["Set as A"].trigger()
    assert np.array_equal(session.anchors["A"].code, book.mean[5])
    assert session.anchors["A"].label == "face05"
    expected = panel.plane.move(session.code, np.array([0.5, -0.25], np.float32))
    actions = {action.text(): action for action in panel.make_menu(0.5, -0.25, -1).actions()}
    actions["Set as B"].trigger()
    assert np.allclose(session.anchors["B"].code, expected)
    actions["Go there"].trigger()
    assert np.allclose(session.code, expected)


def test_the_menu_takes_the_card_away(panel, monkeypatch):
    monkeypatch.setattr(panel, "make_menu", lambda *place: None)  # a menu that pops up waits for a person
    panel.view.point_hovered.emit(5)
    assert panel.card.isVisible()
    panel.view.menu_wanted.emit(0.0, 0.0, 5, panel.mapToGlobal(QPoint(5, 5)))
    assert not panel.card.isVisible()


def test_the_legend_names_the_colours_of_the_points(panel, session, book):
    assert session.map.colour == "brightness"
    assert [entry.text for entry in panel.legend.entries] == ["dark", "", "", "", "light"]
    session.set_map(colour="mood", background=False)
    assert sorted(entry.text for entry in panel.legend.entries) == ["calm", "glad", "no label"]
    image = panel.view.grab().toImage()
    entry = next(entry for entry in panel.legend.entries if entry.text == "calm")
    points = [i for i in range(len(book)) if book.labels["mood"][i] == "calm"]
    hits = [
        image.pixelColor(panel.view.pixel_of(i).toPoint()) == entry.tinted(dark=False)
        for i in points
        if panel.view.rect().contains(panel.view.pixel_of(i).toPoint())
    ]
    assert sum(hits) > 0.7 * len(points), "points are not painted in the colour that the legend says"
    session.set_map(colour=None)
    assert panel.legend.entries == ()


def test_the_background_is_the_decoded_grid_of_the_plane(panel, session, pictures):
    request = [r for r in pictures.worker.requests if r.slot == "map-background"][-1]
    assert request.codes.shape == (TILES * TILES, 4)
    xy = panel.plane.project(request.codes)
    assert np.allclose(panel.plane.point(xy), request.codes, atol=1e-5), "not on the plane"
    first, last = panel.view.to_pixel(*xy[0].tolist()), panel.view.to_pixel(*xy[-1].tolist())
    side = panel.view.width()
    tile = side / TILES
    assert (first - QPointF(tile / 2, tile / 2)).manhattanLength() < 0.5
    assert (
        last - QPointF(panel.view.width() - tile / 2, panel.view.height() - tile / 2)
    ).manhattanLength() < 1
    with_background = panel.view.grab().toImage()
    session.set_map(background=False)
    assert panel.view.grab().toImage() != with_background
    assert panel.view.grab().toImage().pixelColor(4, 4) == theme.current().window


def test_the_background_goes_through_the_stages(panel, session, pictures):
    stage = StageModel(
        torch.nn.Identity(), name="same", architecture="test", input=ImageSpec(1), output=ImageSpec(1)
    )
    del pictures.worker.requests[:]
    session.add_stage(stage)
    requests = [r for r in pictures.worker.requests if r.slot == "map-background"]
    assert [request.stages for request in requests] == [session.enabled_stages]


def test_any_two_dimensions_can_be_the_plane(qtbot, panel, session, book):
    first, second, *_ = panel.title_widgets()
    assert second.isHidden()
    first.setCurrentIndex(first.findText("z3"))
    first.activated.emit(first.currentIndex())
    assert session.map.plane == (2, 3)
    assert not second.isHidden()
    second.setCurrentIndex(second.findText("z1"))
    second.activated.emit(second.currentIndex())
    assert session.map.plane == (2, 0)
    expected = panel.view.to_pixel(float(book.mean[3, 2]), float(book.mean[3, 0]))
    assert (panel.view.pixel_of(3) - expected).manhattanLength() < 0.05
    session.undo()
    assert (first.currentText(), second.currentText()) == ("z3", "z4")


def test_a_model_without_a_code_book_has_a_map_of_its_prior(panel, session, tiny_model):
    session.open(Opened(tiny_model))
    assert panel.plane.name == plane.dimensions(tiny_model.spaces["z"], 0, 1).name
    assert panel.view.isVisible()
    point = next(i for i in range(400) if panel.view.rect().contains(panel.view.pixel_of(i).toPoint()))
    panel.view.point_clicked.emit(point)
    assert (panel.view.marker - panel.view.pixel_of(point)).manhattanLength() < 0.05
    assert panel.legend.entries == ()


def test_a_code_outside_the_view_is_an_arrow_at_the_edge(panel, session):
    session.set_code(panel.plane.point(np.array([500.0, 0.0], np.float32)))
    image = panel.view.grab().toImage()
    y = round(panel.view.marker.y())
    assert image.pixelColor(panel.view.width() - 10, y) == theme.current().here


def test_without_a_model_it_says_what_to_do(qtbot, session, pictures):
    panel = LatentMap(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    panel.show()
    assert not panel.view.isVisible()
    blank = theme.current().quiet
    image = panel.grab().toImage()
    assert any(image.pixelColor(x, y) == blank for x in range(40, 260) for y in range(130, 170))


def test_what_is_said_without_a_model_goes_with_one(qtbot, session, pictures, tiny_model, book):
    panel = LatentMap(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(200, 500)  # higher than the map, which does not cover the words then
    panel.show()
    panel.show_opening("Opening faces")
    painted = []
    panel.paintEvent = lambda event: painted.append(event.rect())  # what Qt has to paint again
    session.open(Opened(tiny_model, book))
    qtbot.waitUntil(lambda: any(rect.height() == 500 for rect in painted))


def test_nothing_is_asked_for_while_it_is_hidden(qtbot, session, pictures, tiny_model, book):
    panel = LatentMap(session, pictures)
    qtbot.addWidget(panel)
    panel.resize(300, 300)
    session.open(Opened(tiny_model, book))
    session.set_dimension(0, 1.0)
    assert pictures.worker.requests == []
    panel.show()
    assert [request.slot for request in pictures.worker.requests] == ["map-background"]
    assert panel.view.marker == panel.view.to_pixel(*panel.plane.project(session.code).tolist())


def test_what_changed_while_it_was_hidden_is_there_when_it_is_shown(panel, session):
    panel.hide()
    session.set_map(background=False)
    session.set_code(panel.plane.point(np.array([1.0, 1.0], np.float32)))
    session.set_map(background=True)
    panel.show()
    assert (panel.view.marker - panel.view.to_pixel(1.0, 1.0)).manhattanLength() < 0.05


def test_a_space_of_one_dimension_has_a_map(panel, session):
    session.open(Opened(fakes.tiny_vae(latent_dim=1)))
    session.set_code(np.array([1.5], np.float32))
    click(panel.view, empty_place(panel.view))
    assert session.code[0] != 1.5
    assert panel.view.rect().contains(panel.view.marker.toPoint())


def test_very_many_points_are_counted_into_pixels(panel):
    from PySide6.QtGui import QColor

    from explorer.gui.widgets.dots import Dot

    xy = np.full((50_000, 2), np.nan, np.float32)
    xy[:] = panel.view.to_plane(QPointF(60.5, 80.5))
    xy[-1] = np.nan
    panel.view.set_background(None)
    panel.view.set_points(xy, np.zeros(len(xy), np.intp), (Dot(QColor("#112233")),))
    image = panel.view.grab().toImage()
    assert image.pixelColor(60, 80) == QColor("#112233")
    assert image.pixelColor(70, 80) == theme.current().window
    assert panel.view.point_at(QPointF(61, 80)) >= 0


def test_a_double_click_where_the_first_click_moved_nothing_takes_no_step_back(panel, session):
    place = panel.view.pixel_of(lonely_point(panel.view))
    click(panel.view, place)
    code = session.code
    session.set_map(background=False)
    click(panel.view, place)
    mouse(panel.view, QEvent.Type.MouseButtonDblClick, place)
    release(panel.view, place)
    assert session.code is code
    assert not session.map.background


def drag(kind, place, data):
    return kind(
        place, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )


def test_the_marker_goes_to_a_place_that_is_dropped_on_the_map(panel, session):
    view = panel.view
    session.arrive(np.array([1, 2, 0, 0], np.float32), "Random")
    place, there = session.places.keep("Random"), view.marker
    session.reset()
    data = place_mime.data_of(place.id)
    before = view.grab().toImage()
    enter = drag(QDragEnterEvent, QPoint(20, 20), data)
    QApplication.sendEvent(view, enter)
    assert enter.isAccepted()
    edge = QPoint(1, view.height() // 2)
    assert view.grab().toImage().pixelColor(edge) == theme.current().accent, "a target shows itself"
    QApplication.sendEvent(view, QDragLeaveEvent())
    assert view.grab().toImage() == before
    QApplication.sendEvent(view, enter)
    QApplication.sendEvent(view, drag(QDropEvent, QPointF(20, 20), data))
    assert np.array_equal(session.code, place.code)
    assert view.marker == there
    assert session.undo_text == "History"
    assert view.grab().toImage().pixelColor(edge) != theme.current().accent


def test_a_place_is_pointed_out_until_the_code_moves(panel, session):
    view, code = panel.view, np.array([1, 2, 0, 0], np.float32)

    def ring():
        at = view.to_pixel(*panel.plane.project(code).tolist())
        image = view.grab().toImage()
        return [
            image.pixelColor(round(at.x() + 9 * np.cos(a)), round(at.y() + 9 * np.sin(a)))
            for a in np.arange(0, 6.28, 0.2)
        ].count(theme.current().accent)

    assert ring() == 0
    home = view.region
    view.zoom(0.02, QPointF(5, 5))
    panel.point_out(code)
    assert view.region == home, "what lies outside is brought into view"
    assert ring() > 10
    session.set_dimension(3, 0.5)
    assert ring() == 0
    panel.point_out(np.zeros(7, np.float32))
    assert ring() == 0, "a code of another space is nowhere here"


@pytest.mark.parametrize("with_book", [True, False])
def test_the_ground_shows_where_codes_can_be(panel, session, pictures, tiny_model, with_book):
    """As behind a ReLU, where no code is below 0."""
    mean = np.abs(a_book().mean)
    center, spread = np.full(4, 0.8, np.float32), np.full(4, 0.6, np.float32)
    tiny_model.spaces["z"] = Space("z", (4,), "none", center, spread, floor=0.0)
    session.open(Opened(tiny_model, CodeBook(mean) if with_book else None))
    planes = ("pca", (0, 1)) if with_book else ((0, 1), (2, 3))
    for shown in planes:
        session.set_map(plane=shown)
        request = [r for r in pictures.worker.requests if r.slot == "map-background"][-1]
        assert request.codes.min() >= 0
        if shown != "pca":
            assert (panel.view.home.x(), panel.view.home.y()) == (0, 0)
            assert panel.view.home.right() >= 0.8 + 3 * 0.6
    session.set_code(np.full(4, 0.5, np.float32))
    session.set_map(plane=(0, 1))
    assert panel._code_at(-3, 0.25, -1).tolist() == [0, 0.25, 0.5, 0.5]
