"""The brush in the window, on a real autoencoder of maps: regions, spaces, undo, what it leaves alone."""

import map_files
import numpy as np
import pytest
import sessions
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from real_window import WAIT, open_and_wait, picture_file, save, shown

from explorer.data.code_book import CodeBook
from explorer.formats import open_latent
from explorer.gui.row_order import FOLD
from explorer.latent import activity

pytestmark = pytest.mark.also_x11

SIDE = 64
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def painter(running, qtbot, tmp_path):
    """The app with an AutoencoderKL open whose pictures are 64 pixels wide, and its maps 32."""
    folder = map_files.write(tmp_path / "vae", map_files.kl(middle=False), sample_size=SIDE)
    open_and_wait(qtbot, running, folder)
    rest(qtbot, running)
    running.window.activateWindow()  # without that no key is a shortcut
    qtbot.waitUntil(running.window.isActiveWindow, timeout=WAIT)
    return running


@pytest.fixture
def measured(painter, qtbot, tmp_path):
    """The same with a code book of ten pictures, in the space of its principal directions."""
    with qtbot.waitSignal(painter.session.model_changed, timeout=WAIT):
        painter.encoder.encode(str(sessions.save_pictures(tmp_path / "pictures", 10, SIDE)))
    rest(qtbot, painter)
    return painter


def rest(qtbot, app):
    slots = ("canvas", "encode", "book")
    qtbot.waitUntil(lambda: not any(app.pictures.is_waiting(slot) for slot in slots), timeout=WAIT)


def brush_of(app, **how):
    """Take the brush as a person does, and set it."""
    brush = app.window.canvas.brush
    if not brush.is_on:
        QTest.mouseClick(app.window.canvas.bar.brush, LEFT)
    assert brush.is_on
    brush.set_radius(how.get("radius", 8))
    brush.set_strength(how.get("strength", 1.0))
    brush.choose(how.get("source", "A"))
    return brush


def at(app, x, y):
    """Where a pixel of the picture is on the view."""
    target = app.window.canvas.view.viewport.target()
    scale = target.width() / SIDE
    return QPoint(round(target.x() + x * scale), round(target.y() + y * scale))


def press(app, x, y, button=LEFT):
    QTest.mousePress(app.window.canvas.view, button, pos=at(app, x, y))


def stroke(app, *points, button=LEFT):
    """Drag along pixels of the picture."""
    view = app.window.canvas.view
    press(app, *points[0], button)
    for point in points[1:]:
        QTest.mouseMove(view, at(app, *point))
        QApplication.processEvents()
    QTest.mouseRelease(view, button, pos=at(app, *points[-1]))


def map_of(session, code=None):
    """A code of the shown space as a map."""
    first = session.model.spaces["z"]
    code = session.code if code is None else code
    if session.space.name != "z":
        code = session.space.mapped(code[None], "z")[0]
    return np.array(code).reshape(first.shape)


def far_from(x, y, radius):
    """Which places of the map a dab does not reach, bool (32, 32)."""
    ys, xs = np.mgrid[:32, :32] * 2.0 + 1
    return np.hypot(xs - x, ys - y) > radius + 2


# ---- strokes ----


@pytest.mark.parametrize("space", ["z", "pca"])
def test_a_stroke_changes_its_region_alone(measured, qtbot, space):
    session = measured.session
    assert session.space.letters == "pca"
    session.set_space(session.model.space_called(space))
    session.use_current("B")
    session.randomize(1)
    rest(qtbot, measured)
    brush_of(measured, radius=10, source="B")
    steps, before, picture = len(session.past), map_of(session), shown(measured).astype(float)
    code = session.code

    press(measured, 30, 40)
    QTest.mouseMove(measured.window.canvas.view, at(measured, 34, 40))
    assert session.is_moving
    assert not np.array_equal(session.code, code)  # live, before the hand is off
    QTest.mouseRelease(measured.window.canvas.view, LEFT, pos=at(measured, 34, 40))
    assert not session.is_moving
    after = map_of(session)
    outside = far_from(32, 40, 12)
    assert np.abs(after - before)[:, outside].max() < 1e-5
    target = map_of(session, session.anchors["B"].code)
    assert np.abs(after - target)[:, 20, 16].max() < 0.02 * np.abs(before - target)[:, 20, 16].max()

    rest(qtbot, measured)
    change = np.abs(shown(measured) - picture).mean(axis=2)
    assert change[36:44, 26:38].mean() > 10 * change[:20].mean()
    assert change[36:44, 26:38].mean() > 10

    assert (session.undo_text, len(session.past)) == ("Brush", steps + 1)
    session.undo()
    assert session.code is code
    rest(qtbot, measured)
    assert np.array_equal(shown(measured), picture)


def test_strokes_are_steps_and_add_up(painter):
    session = painter.session
    brush_of(painter, strength=0.5)
    base = map_of(session)
    way = map_of(session, session.anchors["A"].code) - base
    for share in (0.5, 0.75):
        stroke(painter, (20, 20), (40, 20), (20, 20))  # where it crosses itself it is not stronger
        for x in (10, 15):
            assert np.allclose((map_of(session) - base)[:, 10, x], share * way[:, 10, x], atol=0.04)
    session.undo()
    assert np.allclose((map_of(session) - base)[:, 10, 15], 0.5 * way[:, 10, 15], atol=0.02)


def test_without_strength_nothing_changes(measured):
    session = measured.session
    session.randomize(1)
    brush_of(measured, strength=0)
    code, steps = session.code, len(session.past)
    stroke(measured, (20, 20), (40, 40))
    assert session.code is code
    assert len(session.past) == steps


def test_the_radius_is_how_far_it_reaches(painter):
    session = painter.session
    brush = brush_of(painter, radius=4)
    reached = []
    for _ in range(2):
        before = map_of(session)
        stroke(painter, (32, 32))
        reached.append((map_of(session) != before).any(axis=0))
        session.undo()
        for _ in range(4):
            QTest.keyClick(painter.window.canvas.view, Qt.Key.Key_BracketRight)
    assert brush.radius == pytest.approx(4 * 1.25**8)
    assert not (reached[0] & far_from(32, 32, 4)).any()
    assert not (reached[1] & far_from(32, 32, 10)).any()
    assert reached[1].sum() > 3 * reached[0].sum() > 0
    for _ in range(99):
        brush.larger()
    assert brush.radius == SIDE / 2
    brush.set_on(False)
    brush.set_on(True)
    assert painter.window.canvas.view.ring.radius == SIDE / 2


def test_undo_while_the_hand_is_down_ends_the_stroke(painter):
    session = painter.session
    brush_of(painter)
    code = session.code
    press(painter, 20, 20)
    session.undo()
    QTest.mouseMove(painter.window.canvas.view, at(painter, 40, 40))
    assert session.code is code
    QTest.mouseRelease(painter.window.canvas.view, LEFT, pos=at(painter, 40, 40))
    assert session.code is code


def test_history_keeps_where_a_stroke_rests(painter, qtbot):
    brush_of(painter)
    stroke(painter, (20, 20), (30, 20))
    qtbot.waitUntil(lambda: painter.session.places.all[-1].what == "Brush", timeout=WAIT)
    assert np.array_equal(painter.session.places.all[-1].code, painter.session.code)


# ---- what it paints towards ----


def test_what_is_not_there_says_why(painter, qtbot, tmp_path):
    session, row = painter.session, painter.window.canvas.brush_row
    brush = brush_of(painter, source="original")
    assert brush.source == "A"
    why = {source.key: source.why_not for source in brush.sources()}
    assert not why["A"]
    assert "drop one" in why["original"]
    assert "Encode the pictures" in why["random"]
    index = row.source.findData("original")
    assert not row.source.model().item(index).isEnabled()
    assert row.source.itemData(index, Qt.ItemDataRole.ToolTipRole) == why["original"]
    session.set_anchor("A", None)
    assert "Ctrl+1" in {source.key: source.why_not for source in brush.sources()}["A"]
    assert brush.source == "B"

    painter.opener.open(str(picture_file(tmp_path / "one.png", (SIDE, SIDE))))  # no code book is needed
    qtbot.waitUntil(lambda: session.original is not None, timeout=WAIT)
    rest(qtbot, painter)
    assert row.source.model().item(index).isEnabled()
    brush.choose("original")
    session.set_code(session.code + 1)
    before = map_of(session)
    stroke(painter, (40, 40))
    place = (slice(None), 20, 20)
    assert np.allclose(map_of(session)[place], map_of(session, session.original.code)[place], atol=0.05)
    assert not np.allclose(map_of(session)[place], before[place], atol=0.5)


def test_the_average_and_the_code_book(measured):
    session = measured.session
    book = session.code_book.mean
    session.randomize(2)
    place = (slice(None), 16, 16)
    brush_of(measured, source="average")
    stroke(measured, (33, 33))
    assert np.allclose(map_of(session)[place], book.mean(axis=0).reshape(4, 32, 32)[place], atol=1e-2)
    brush_of(measured, source="random")
    found = set()
    for _ in range(12):
        stroke(measured, (33, 33))
        distances = np.abs(book.reshape(-1, 4, 32, 32)[:, :, 16, 16] - map_of(session)[place]).max(axis=1)
        assert distances.min() < 0.05
        found.add(int(distances.argmin()))
    assert len(found) > 1


# ---- the view ----


def test_it_is_there_for_maps_alone(running, painter, qtbot, tmp_path):
    canvas, actions = painter.window.canvas, painter.window.actions_by_name
    assert canvas.bar.brush.isVisible()
    assert not canvas.brush_row.isVisible()
    QTest.keyClick(canvas.view, Qt.Key.Key_E)
    assert canvas.brush.is_on
    assert actions["brush"].isChecked()
    assert canvas.bar.brush.isChecked()
    assert canvas.brush_row.isVisible()
    open_and_wait(qtbot, running, save(tmp_path / "faces.safetensors"))
    assert not canvas.brush.is_on
    assert not canvas.brush_row.isVisible()
    assert not canvas.bar.brush.isVisible()
    assert not actions["brush"].isEnabled()


def test_escape_puts_it_away_and_presses_do_nothing_then(painter):
    session, canvas = painter.session, painter.window.canvas
    brush_of(painter)
    canvas.view.setFocus()
    QTest.keyClick(canvas.view, Qt.Key.Key_Escape)
    assert not canvas.brush.is_on
    code = session.code
    stroke(painter, (20, 20), (30, 30))
    assert session.code is code


def test_moving_the_picture_comparing_and_the_wiper_stay(painter, qtbot, tmp_path):
    session, canvas = painter.session, painter.window.canvas
    view = canvas.view
    painter.opener.open(str(picture_file(tmp_path / "one.png", (SIDE, SIDE))))
    qtbot.waitUntil(lambda: session.original is not None, timeout=WAIT)
    rest(qtbot, painter)
    brush_of(painter)
    code = session.code
    assert view.wiping
    stroke(painter, (32, 32), (48, 32))  # on the line
    assert view.wiper.part == pytest.approx(0.75, abs=0.02)
    assert session.code is code
    view.show_before(True)
    stroke(painter, (10, 10), (20, 20))
    view.show_before(False)
    assert session.code is code
    canvas.toggle_wiper()
    for _ in range(4):
        canvas.zoom_in()
    corner = view.viewport.target().topLeft()
    stroke(painter, (32, 32), (36, 34), button=Qt.MouseButton.MiddleButton)
    assert view.viewport.target().topLeft() != corner
    corner = view.viewport.target().topLeft()
    view.setFocus()
    QTest.keyPress(view, Qt.Key.Key_Space)
    stroke(painter, (32, 32), (30, 30))
    QTest.keyRelease(view, Qt.Key.Key_Space)
    assert view.viewport.target().topLeft() != corner
    assert session.code is code
    stroke(painter, (32, 32))
    assert session.code is not code


def test_the_ring_is_as_large_as_what_it_paints(painter):
    view = painter.window.canvas.view
    brush = brush_of(painter, radius=12)
    QTest.mouseMove(view, at(painter, 32, 32))
    assert view.ring.rect(view.viewport.scale).contains(QPointF(at(painter, 21, 32)))
    assert not view.ring.rect(view.viewport.scale).contains(QPointF(at(painter, 17, 32)))
    image = view.grab().toImage()
    edge = [image.pixelColor(at(painter, 20, 32) + QPoint(dx, 0)) for dx in range(-2, 3)]
    brush.set_on(False)
    plain = view.grab().toImage()
    assert edge != [plain.pixelColor(at(painter, 20, 32) + QPoint(dx, 0)) for dx in range(-2, 3)]
    assert any(min(color.getRgb()[:3]) > 200 for color in edge)


# ---- sliders of a map ----


def test_only_the_leading_directions_have_rows_at_once(painter, qtbot, tmp_path):
    session, sliders = painter.session, painter.window.sliders
    seen = []
    session.activity_changed.connect(lambda: seen.append((session.activity, sliders.dimensions())))
    with qtbot.waitSignal(session.model_changed, timeout=WAIT):
        painter.encoder.encode(str(sessions.save_pictures(tmp_path / "pictures", 10, SIDE)))
    assert (session.space.letters, session.space.leading) == ("pca", 9)
    first, rows = seen[0]
    assert first.sensitivity is None
    assert rows == list(range(9))
    assert FOLD in sliders._items
    assert session.name_of(0) == "pca1"
    qtbot.waitUntil(lambda: session.activity.sensitivity is not None, timeout=WAIT)
    assert set(sliders.dimensions()) <= set(range(9))
    sliders._find.setText("pca300")
    assert sliders.dimensions()[0] == 299


def test_no_direction_behind_the_leading_ones_is_active(measured):
    space = measured.session.space
    nothing = activity.judge(None, np.zeros(space.dim))
    assert nothing.active.all()
    assert activity.within_leading(nothing, space).active.sum() == space.leading


def test_the_map_shows_the_code_book_with_its_labels(running, qtbot, tmp_path):
    folder = map_files.write(tmp_path / "vae", map_files.kl(middle=False), sample_size=SIDE)
    model = open_latent(folder).model
    mean = np.random.default_rng(0).standard_normal((9, 4096), np.float32)
    CodeBook.of(model, mean, None, labels={"hair": np.array(["red", "blue", "green"] * 3)}).save(
        tmp_path / "vae.codes.npz"
    )
    open_and_wait(qtbot, running, folder)
    shown_map = running.window.map
    assert running.session.space.letters == "pca"
    assert len(shown_map.points) == 9
    assert running.session.map.colour == "hair"
    assert {entry.text for entry in shown_map._colouring.entries} == {"red", "blue", "green"}
    running.session.randomize(4)
    space = running.session.space
    assert np.abs(running.session.code / space.spread).max() < 6


def test_a_map_without_a_code_book_says_what_helps(painter, measured):
    notice = painter.window.sliders.range_notice
    assert notice.text == ""
    painter.session.undo()
    assert painter.session.space.name == "z"
    assert "4 × 32 × 32" in notice.text
    assert "Drop a picture" in notice.text
    assert notice._folder.isVisible()
