"""Faces laid back: the same face changes nothing, another one is seen only within the mask, colours follow."""

import numpy as np
import pytest
from drawn_faces import eyes_at, scene

from explorer.faces.alignment import Alignment, Face, align, centre
from explorer.faces.blending import face_mask, pasted, recoloured, square_mask

PLACE = (40, 20)


def square():
    return align(Face((57, 44, 125, 125), eyes_at(PLACE)))


@pytest.mark.parametrize("turn", [0, 9])
def test_a_face_that_is_laid_back_changes_nothing(turn):
    pixels = np.asarray(scene().rotate(turn))
    here = Alignment(32.0, 20.0, 150.0, 20.0) if turn else square()
    back = pasted(pixels, here.crop(pixels, 256), here, face_mask())
    off = np.abs(back.astype(int) - pixels)
    assert off.mean() < 0.3
    assert off.max() < 20  # bicubic, to and fro, at the rims of the eyes


def test_another_face_is_seen_within_the_mask_alone_and_fades():
    pixels = np.asarray(scene())
    here = square()
    green = pasted(pixels, np.full((64, 64, 3), (0, 255, 0), np.uint8), here, face_mask())
    changed = (green != pixels).any(-1)
    x, y = np.meshgrid(np.arange(240) + 0.5, np.arange(200) + 0.5)
    across, down = (row[0] * x + row[1] * y + row[2] for row in here.inverse)
    outside = (across < 0) | (across > 1) | (down < 0) | (down > 1)
    assert changed.any()
    assert not changed[outside].any()
    for eye in eyes_at(PLACE):
        assert tuple(green[int(eye[1]), int(eye[0])]) == (0, 255, 0)
    share = face_mask()(across, down)
    assert ((share > 0.05) & (share < 0.95)).sum() > 1000  # a soft edge, not a line
    assert np.abs(np.diff(share, axis=1)).max() < 0.15


@pytest.mark.parametrize("margin", [0.0, 0.15, 1.0])
def test_nothing_is_left_of_a_face_at_the_edge_of_its_crop(margin):
    along = np.linspace(0, 1, 50)
    for edge in (np.zeros(50), np.ones(50)):
        assert face_mask(margin)(along, edge).max() == 0
        assert face_mask(margin)(edge, along).max() == 0
    assert face_mask(margin)(np.array(0.5), np.array(0.5)) == 1


def test_the_picture_given_is_not_changed():
    pixels = np.asarray(scene()).copy()
    before = pixels.copy()
    pasted(pixels, np.zeros((16, 16, 3), np.uint8), square(), face_mask())
    assert np.array_equal(pixels, before)


@pytest.mark.parametrize("left", [-50.0, 200.0, 500.0])
def test_a_face_partly_or_all_outside_of_the_picture(left):
    pixels = np.asarray(scene())
    here = Alignment(left, 30.0, 90.0, 0.0)
    new = pasted(pixels, np.full((16, 16, 3), 255, np.uint8), here, face_mask())
    assert new.shape == pixels.shape
    assert (left > 240) == np.array_equal(new, pixels)


def test_a_whole_square_picture_is_replaced_to_its_corners():
    pixels = np.zeros((40, 40, 3), np.uint8)
    face = np.full((40, 40, 3), 200, np.uint8)
    here = centre(40, 40)
    assert (pasted(pixels, face, here, square_mask(here, 40, 40)) == 200).all()


def test_the_square_of_a_wide_picture_fades_to_the_sides_only():
    pixels = np.zeros((40, 100, 3), np.uint8)
    here = centre(100, 40)
    new = pasted(pixels, np.full((40, 40, 3), 200, np.uint8), here, square_mask(here, 100, 40))
    assert (new[:, :30] == 0).all()
    assert (new[:, 70:] == 0).all()
    assert (new[:, 36:64] == 200).all()  # up to the upper and the lower edge
    assert 0 < new[20, 31, 0] < 200


def test_a_face_takes_the_colours_of_the_other_and_keeps_its_lines():
    face = square().crop(np.asarray(scene()), 64)
    tinted = np.rint(face * (0.6, 0.8, 1.0)).astype(np.uint8)
    middle = slice(24, 44)
    before = np.abs(tinted[middle, middle].mean((0, 1)) - face[middle, middle].mean((0, 1))).max()
    after = np.abs(
        recoloured(tinted, face)[middle, middle].mean((0, 1)) - face[middle, middle].mean((0, 1))
    ).max()
    assert before > 40
    assert after < 8


def test_the_same_colours_stay_as_they_are():
    rng = np.random.default_rng(1)
    face = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert np.abs(recoloured(face, face).astype(int) - face).max() <= 1


def test_one_colour_alone_is_no_trouble():
    flat, face = np.full((32, 32, 3), 90, np.uint8), square().crop(np.asarray(scene()), 32)
    assert np.isfinite(recoloured(flat, face)).all()
    assert np.ptp(recoloured(face, flat)[12:20, 12:20]) <= np.ptp(face[12:20, 12:20])
