"""Crops in which eyes lie where they are wanted, and resampling that neither moves nor aliases."""

import math

import numpy as np
import pytest

from explorer.faces.alignment import Alignment, Face, align, centre, eyes_in_crop, warped


def dotted(size, places, radius=3.0):
    """Return a grey picture, uint8 `(H, W, 3)`, with a soft dot in red and one in green."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    pixels = np.zeros((height, width, 3))
    for channel, place in enumerate(places):
        pixels[..., channel] = 255 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * radius**2))
    return np.rint(pixels).astype(np.uint8)


def middle(channel):
    """Return the centre of gravity of a channel, (x, y)."""
    weights = channel / channel.sum()
    x, y = np.meshgrid(np.arange(channel.shape[1]) + 0.5, np.arange(channel.shape[0]) + 0.5)
    return (x * weights).sum(), (y * weights).sum()


@pytest.mark.parametrize("size", [48, 64, 128])
@pytest.mark.parametrize("angle", [-30, 0, 12, 45])
def test_the_eyes_of_a_crop_lie_where_they_are_wanted(size, angle):
    way = 30 * math.cos(math.radians(angle)), 30 * math.sin(math.radians(angle))
    eyes = ((100 - way[0], 90 - way[1]), (100 + way[0], 90 + way[1]))
    square = align(Face((50, 50, 100, 100), eyes), margin=0.15)
    crop = square.crop(dotted((220, 200), eyes), size)
    for channel, wanted in enumerate(eyes_in_crop(0.15)):
        assert middle(crop[..., channel].astype(float)) == pytest.approx(
            (wanted[0] * size, wanted[1] * size), abs=0.3
        )


@pytest.mark.parametrize("margin", [0.0, 0.15, 0.5])
def test_a_face_without_eyes_is_cropped_around_its_box(margin):
    square = align(Face((20, 30, 40, 40)), margin)
    assert square.side == pytest.approx(40 * (1 + 2 * margin))
    assert square.matrix @ (0.5, 0.5, 1) == pytest.approx((40, 50))
    assert square.down == 0


def test_more_margin_shows_more_around_the_face():
    face = Face((50, 50, 100, 100), ((80, 90), (120, 90)))
    assert align(face, 0.5).side > align(face, 0.1).side > align(face, 0).side


@pytest.mark.parametrize("margin", [0.15, 0.5])
def test_a_margin_is_as_wide_on_every_side(margin):
    face = Face((50, 50, 100, 100), ((79, 90), (121, 96)))
    bare, wide = align(face, 0), align(face, margin)
    assert wide.side == pytest.approx((1 + 2 * margin) * bare.side)
    assert wide.corners.mean(0) == pytest.approx(bare.corners.mean(0))


def test_places_of_the_square_and_of_the_picture_lead_back_to_each_other():
    square = Alignment(12.0, 7.0, 30.0, 11.0)
    for place in ((0.1, 0.9), (0.5, 0.5), (1.2, -0.3)):
        there = square.matrix @ (*place, 1)
        assert square.inverse @ (*there, 1) == pytest.approx(place)


@pytest.mark.parametrize("size", [(90, 60), (60, 90), (7, 7)])
def test_the_centre_is_the_largest_square_in_the_middle(size):
    square = centre(*size)
    assert (square.side, square.down) == (min(size), 0)
    assert square.matrix @ (0.5, 0.5, 1) == pytest.approx((size[0] / 2, size[1] / 2))


def test_a_crop_of_the_pictures_own_size_keeps_every_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert np.array_equal(centre(30, 20).crop(pixels, 20), pixels[:, 5:25])


@pytest.mark.parametrize("factor", [2, 5, 16, 40])
def test_what_shrinks_is_averaged(factor):
    fine = np.random.default_rng(0).integers(0, 256, (8 * factor, 8 * factor, 3), dtype=np.uint8)
    small = centre(8 * factor, 8 * factor).crop(fine, 8)
    areas = fine.reshape(8, factor, 8, factor, 3).mean((1, 3))
    assert np.abs(small - areas).max() < 12  # single pixels are 127 off


def test_beyond_the_edge_a_picture_goes_on_as_it_ends():
    pixels = np.zeros((10, 10, 1), np.uint8)
    pixels[:, 5:] = 200
    out = warped(pixels, np.array([[1.0, 0, -10], [0, 1.0, -10]]), (30, 30))
    assert (out[:, :14] == 0).all()
    assert (out[:, 17:] == 200).all()
    assert out.shape == (30, 30, 1)
