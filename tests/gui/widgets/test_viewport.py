"""Where a picture lies in its view, and which pixel is under a point."""

import pytest
from PySide6.QtCore import QPointF, QSizeF

from explorer.gui.widgets.viewport import Viewport


def viewport(view=(400, 420), picture=(30, 30), ratio=1.0):
    made = Viewport()
    made.view, made.picture, made.ratio = QSizeF(*view), QSizeF(*picture), ratio
    return made


@pytest.mark.parametrize(
    ("view", "picture", "ratio", "scale"),
    [
        ((400, 420), (30, 30), 1.0, 13.0),  # 13.33 fits: a whole number of pixels each
        ((410, 420), (30, 30), 2.0, 13.5),  # 27 device pixels each
        ((394, 400), (140, 140), 1.0, 394 / 140),  # 2 would waste more than a quarter
        ((400, 400), (1024, 1024), 1.0, 400 / 1024),
    ],
)
def test_fit_takes_a_whole_number_of_device_pixels_where_that_wastes_little(view, picture, ratio, scale):
    assert viewport(view, picture, ratio).scale == pytest.approx(scale)


def test_small_pictures_are_crisp_and_large_ones_smooth_until_asked_otherwise():
    small, large = viewport(), viewport(picture=(1024, 1024))
    assert not small.drawn_smooth
    assert large.drawn_smooth
    small.smooth, large.smooth = True, False
    assert small.drawn_smooth
    assert not large.drawn_smooth


def test_smooth_fit_fills_the_view():
    made = viewport()
    made.smooth = True
    assert made.scale == pytest.approx(400 / 30)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_corner_lies_on_a_device_pixel(ratio):
    made = viewport(view=(401, 423), ratio=ratio)
    corner = made.target().topLeft() * ratio
    assert corner.x() == pytest.approx(round(corner.x()))
    assert corner.y() == pytest.approx(round(corner.y()))


@pytest.mark.parametrize("steps", [0, 1, 4, -2])
def test_every_pixel_is_found_under_its_own_middle(steps):
    made = viewport(picture=(7, 5))
    for _ in range(abs(steps)):
        made.step(1 if steps > 0 else -1, QPointF(123, 77))
    target = made.target()
    for x in range(7):
        for y in range(5):
            at = target.topLeft() + QPointF((x + 0.5) * made.scale, (y + 0.5) * made.scale)
            assert made.pixel(at).toTuple() == (x, y)


def test_outside_the_picture_there_is_no_pixel():
    made = viewport()
    target = made.target()
    assert made.pixel(target.topLeft() - QPointF(1, 0)) is None
    assert made.pixel(target.bottomRight() + QPointF(0.1, -5)) is None


def test_zoom_keeps_what_is_under_the_cursor():
    made = viewport()
    at = QPointF(260, 170)
    for _ in range(2):
        made.step(1, at)  # until it is larger than the view: a smaller one stays centred
    before = made.position(at)
    for _ in range(6):
        made.step(1, at)
    after = made.position(at)
    assert made.scale > 26
    assert made.can_pan
    rounding = 1 / (20 * made.picture.width())  # half a pixel of the screen, at either scale
    assert after.x() == pytest.approx(before.x(), abs=rounding)
    assert after.y() == pytest.approx(before.y(), abs=rounding)


def test_steps_in_and_out_come_back_to_the_smallest_scale_and_stop():
    made = viewport()
    for _ in range(40):
        made.step(1, QPointF(200, 200))
    assert made.scale == 96
    for _ in range(200):
        made.step(-1, QPointF(200, 200))
    assert made.scale == 1


def test_every_step_changes_a_crisp_picture():
    made = viewport(picture=(300, 300), view=(310, 310))
    scales = [made.scale]
    for _ in range(5):
        made.step(1, QPointF(150, 150))
        scales.append(made.scale)
    assert scales == sorted(set(scales))


def test_panning_cannot_lose_the_picture():
    made = viewport()
    for _ in range(6):
        made.step(1, QPointF(200, 210))
    made.pan(QPointF(10_000, -10_000))
    target = made.target()
    assert target.left() == pytest.approx(0, abs=0.5)
    assert target.bottom() == pytest.approx(420, abs=0.5)
    made.fit()
    fitted = made.target()
    made.pan(QPointF(50, 50))
    assert made.target() == fitted
