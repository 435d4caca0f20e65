"""The painted pixels: they are the picture's own, whatever the zoom; wiper, cursor and cost."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QFocusEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from explorer.gui import theme
from explorer.gui.pictures import to_qimage
from explorer.gui.widgets.picture_view import PictureView


def picture(seed=0, side=8, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (side, side, channels), dtype=np.uint8)


@pytest.fixture
def view(qtbot):
    made = PictureView()
    qtbot.addWidget(made)
    made.resize(333, 301)
    made.show()
    return made


def painted(view, x, y, within=(0.5, 0.5)):
    """The colour painted for the picture's pixel (x, y), at a place within its square."""
    target, scale = view.viewport.target(), view.viewport.scale
    at = target.topLeft() + QPointF((x + within[0]) * scale, (y + within[1]) * scale)
    return view.grab().toImage().pixelColor(at.toPoint()).getRgb()[:3]


def all_painted(view, side=8, within=(0.5, 0.5)):
    image = view.grab().toImage()
    target, scale = view.viewport.target(), view.viewport.scale
    return np.array(
        [
            [
                image.pixelColor(
                    int(target.x() + (x + within[0]) * scale), int(target.y() + (y + within[1]) * scale)
                ).getRgb()[:3]
                for x in range(side)
            ]
            for y in range(side)
        ],
        np.uint8,
    )


def mouse(view, kind, at, button=Qt.MouseButton.LeftButton):
    held = button if kind != QEvent.Type.MouseButtonRelease else Qt.MouseButton.NoButton
    event = QMouseEvent(
        kind, QPointF(at), view.mapToGlobal(QPointF(at)), button, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view, event)


def drag(view, start, end):
    mouse(view, QEvent.Type.MouseButtonPress, start)
    mouse(view, QEvent.Type.MouseMove, end)
    mouse(view, QEvent.Type.MouseButtonRelease, end)


def wheel(view, at, turn):
    event = QWheelEvent(
        QPointF(at),
        view.mapToGlobal(QPointF(at)),
        QPoint(),
        QPoint(0, turn),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


@pytest.mark.parametrize("channels", [1, 3])
def test_painted_pixels_are_the_pictures_own(view, channels):
    shown = picture(channels=channels)
    view.set_pictures(to_qimage(shown))
    for within in ((0.5, 0.5), (0.04, 0.5), (0.96, 0.5), (0.5, 0.96)):  # squares, up to their edges
        np.testing.assert_array_equal(all_painted(view, within=within), np.broadcast_to(shown, (8, 8, 3)))


def test_corners_are_rounded_and_the_rest_is_the_panel(view):
    view.set_pictures(to_qimage(np.zeros((8, 8, 3), np.uint8)))
    image, target = view.grab().toImage(), view.viewport.target().toRect()
    panel = theme.current().panel.getRgb()[:3]
    corner = image.pixelColor(target.topLeft()).getRgb()[:3]
    assert np.abs(np.subtract(corner, panel)).max() < 40
    assert image.pixelColor(target.topLeft() + QPoint(4, 4)).getRgb()[:3] == (0, 0, 0)
    assert image.pixelColor(target.left() - 1, target.center().y()).getRgb()[:3] == panel


def test_a_new_picture_of_the_same_size_keeps_the_zoom_and_another_size_fits(view):
    view.set_pictures(to_qimage(picture()))
    view.zoom_step(1)
    zoomed = view.viewport.scale
    view.set_pictures(to_qimage(picture(1)))
    assert view.viewport.scale == zoomed
    np.testing.assert_array_equal(painted(view, 3, 4), picture(1)[4, 3])
    view.set_pictures(to_qimage(picture(side=16)))
    assert view.viewport.fitted


def test_only_the_picture_is_painted_again(view, qtbot):
    view.set_pictures(to_qimage(picture()))
    qtbot.wait(20)
    regions = []
    paint = view.paintEvent
    view.paintEvent = lambda event: (regions.append(event.region().boundingRect()), paint(event))
    view.set_pictures(to_qimage(picture(1)))
    qtbot.waitUntil(lambda: bool(regions))
    assert regions[0] == view.viewport.target().toAlignedRect()


def test_wheel_zooms_at_the_cursor_and_the_pixel_stays(view):
    shown = picture(side=30)
    view.set_pictures(to_qimage(shown))
    for _ in range(3):
        view.zoom_step(1)
    at = view.viewport.target().topLeft() + QPointF(16.5, 9.5) * view.viewport.scale
    mouse(view, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton)
    for _ in range(5):
        wheel(view, at, 120)
    assert view.viewport.scale > 30
    pixel, value = view.value_under_cursor()
    assert pixel.toTuple() == (16, 9)
    assert value == tuple(shown[9, 16])
    assert view.grab().toImage().pixelColor(at.toPoint()).getRgb()[:3] == tuple(shown[9, 16])


def test_dragging_pans_a_zoomed_picture(view):
    shown = picture(side=30)
    view.set_pictures(to_qimage(shown))
    start = view.viewport.target().center() + QPointF(3, 3)
    mouse(view, QEvent.Type.MouseMove, start, Qt.MouseButton.NoButton)
    for _ in range(8):
        view.zoom_step(1)
    before = view.value_under_cursor()[0]
    end = start + QPointF(2, -1) * view.viewport.scale
    drag(view, start, end)
    pixel, value = view.value_under_cursor()
    assert pixel == before
    assert value == tuple(shown[pixel.y(), pixel.x()])
    view.fit()
    assert not view.viewport.can_pan


def test_value_of_a_grey_picture_is_one_number_and_outside_there_is_none(view):
    shown = picture(channels=1)
    view.set_pictures(to_qimage(shown))
    mouse(view, QEvent.Type.MouseMove, view.viewport.target().center(), Qt.MouseButton.NoButton)
    assert view.value_under_cursor() == (QPoint(4, 4), (shown[4, 4, 0],))
    mouse(view, QEvent.Type.MouseMove, QPointF(1, 1), Qt.MouseButton.NoButton)
    assert view.value_under_cursor() is None
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert view.value_under_cursor() is None


def test_wiper_shows_before_on_the_left_and_after_on_the_right(view):
    before, after = picture(1), picture(2)
    view.set_pictures(to_qimage(after), to_qimage(before))
    np.testing.assert_array_equal(all_painted(view), after)
    view.set_wiper(True)
    expected = np.concatenate([before[:, :4], after[:, 4:]], axis=1)
    np.testing.assert_array_equal(all_painted(view)[:7], expected[:7])


def test_wiper_is_dragged_and_the_value_is_of_the_side_under_the_cursor(view):
    before, after = picture(1), picture(2)
    view.set_pictures(to_qimage(after), to_qimage(before))
    view.set_wiper(True)
    target, scale = view.viewport.target(), view.viewport.scale
    middle = target.center()
    drag(view, middle, QPointF(target.x() + 6 * scale, middle.y()))
    assert view.wiper.part == pytest.approx(6 / 8)
    np.testing.assert_array_equal(all_painted(view)[:7, :6], before[:7, :6])
    np.testing.assert_array_equal(all_painted(view)[:7, 6:], after[:7, 6:])
    for x, side in ((2, before), (7, after)):
        at = target.topLeft() + QPointF((x + 0.5) * scale, 2.5 * scale)
        mouse(view, QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton)
        assert view.value_under_cursor()[1] == tuple(side[2, x])
    drag(view, QPointF(target.x() + 6 * scale, middle.y()), QPointF(-500, middle.y()))
    assert view.wiper.part == 0


def test_wiper_follows_the_arrow_keys(view, qtbot):
    view.set_pictures(to_qimage(picture()), to_qimage(picture(1)))
    view.set_wiper(True)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.wiper.part == pytest.approx(0.48)


def test_before_of_another_size_lies_at_the_same_place(view):
    before = picture(1, side=4)
    view.set_pictures(to_qimage(picture(2)), to_qimage(before))
    view.show_before(True)
    np.testing.assert_array_equal(all_painted(view), before.repeat(2, axis=0).repeat(2, axis=1))
    mouse(view, QEvent.Type.MouseMove, view.viewport.target().center(), Qt.MouseButton.NoButton)
    assert view.value_under_cursor() == (QPoint(2, 2), tuple(before[2, 2]))


def test_losing_the_focus_ends_before(view, qtbot):
    view.set_pictures(to_qimage(picture()), to_qimage(picture(1)))
    view.show_before(True)
    QApplication.sendEvent(view, QFocusEvent(QEvent.Type.FocusOut))  # an inactive window has no focus to lose
    assert not view.before_alone


def test_smooth_interpolates_between_pixels(view):
    view.set_pictures(to_qimage(np.array([[[0], [255]]], np.uint8)))
    crisp = {view.grab().toImage().pixelColor(x, 140).red() for x in range(20, 300)}
    view.set_smooth(True)
    smooth = {view.grab().toImage().pixelColor(x, 140).red() for x in range(20, 300)}
    assert crisp == {0, 255}
    assert len(smooth) > 20


def test_a_much_too_large_picture_is_reduced_without_leaving_pixels_out(view):
    stripes = np.zeros((1200, 1200, 1), np.uint8)
    stripes[:, ::2] = 255
    view.set_pictures(to_qimage(stripes))
    middle = view.grab().toImage().pixelColor(view.viewport.target().center().toPoint()).red()
    assert 120 <= middle <= 135


def test_after_paint_is_called_when_all_is_painted(view, qtbot):
    calls = []
    view.after_paint = lambda: calls.append(view.paintingActive())
    view.set_pictures(to_qimage(picture()))
    qtbot.waitUntil(lambda: bool(calls))
    assert calls[0] is False


def test_a_smaller_picture_stands_for_the_whole_one(view):
    """Neither zoom nor the place of pixels change under the hand; it is drawn smooth."""
    whole, small = np.zeros((8, 8, 3), np.uint8), np.full((2, 2, 3), 200, np.uint8)
    small[:, 0] = 100
    view.set_pictures(to_qimage(whole))
    view.zoom_step(1)
    scale = view.viewport.scale
    view.set_pictures(to_qimage(small), stands_for=view.picture_size)
    assert (view.viewport.scale, view.picture_size.width()) == (scale, 8)
    assert 100 < painted(view, 4, 4, within=(0, 0))[0] < 200
    view._cursor_at = view.viewport.target().topLeft() + QPointF(7.5, 7.5) * scale
    assert view.value_under_cursor() == (QPoint(1, 1), (200, 200, 200))
    view.set_pictures(to_qimage(whole))
    assert (view.viewport.scale, view.value_under_cursor()[0]) == (scale, QPoint(7, 7))


DOUBLED = """
import numpy as np
from PySide6.QtWidgets import QApplication
app = QApplication([])
from explorer.gui.pictures import to_qimage
from explorer.gui.widgets.picture_view import PictureView
view = PictureView()
view.resize(205, 213)
view.show()
shown = np.random.default_rng(0).integers(0, 256, (30, 30, 3), dtype=np.uint8)
view.set_pictures(to_qimage(shown))
image, ratio = view.grab().toImage(), view.devicePixelRatioF()
assert ratio == 2 and view.viewport.scale == 6.5, (ratio, view.viewport.scale)  # 13 device pixels each
left, top = int(view.viewport.target().x() * 2), int(view.viewport.target().y() * 2)
for y in range(2, 28):
    for x in range(2, 28):
        for within in (0, 6, 12):
            colour = image.pixelColor(left + 13 * x + within, top + 13 * y + within).getRgb()[:3]
            assert colour == tuple(shown[y, x]), (x, y, within)
"""


def test_every_device_pixel_is_exact_at_scale_factor_2():
    environment = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", DOUBLED], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
