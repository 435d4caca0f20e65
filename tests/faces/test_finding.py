"""The cascades on drawn faces that they do find, upright and leaning; what is no face; the extra that is missing."""

import sys

import numpy as np
import pytest
from drawn_faces import GROUND, eyes_at, scene

from explorer.errors import UsageError
from explorer.faces.alignment import Face
from explorer.faces.finding import cascades, overlap

cv2 = pytest.importorskip("cv2", reason='faces are found by OpenCV: pip install "latent-explorer[faces]"')


def found(image):
    return cascades().find(np.asarray(image))


@pytest.mark.parametrize(("side", "place", "size"), [(160, (40, 20), (240, 200)), (80, (20, 12), (120, 100))])
def test_an_upright_face_and_its_eyes(side, place, size):
    (face,) = found(scene(size, [place], side))
    left, top, width, height = face.box
    assert place[0] < left < left + width < place[0] + side
    assert place[1] < top < top + height < place[1] + side
    for eye, wanted in zip(face.eyes, eyes_at(place, side), strict=True):
        assert eye == pytest.approx(wanted, abs=0.03 * side)


@pytest.mark.parametrize(("angle", "scale"), [(25, 1), (-25, 1), (25, 10)])
def test_a_face_that_leans(angle, scale):
    image = scene((260, 260), [(50, 50)]).rotate(angle, fillcolor=GROUND).resize((260 * scale, 260 * scale))
    (face,) = found(image)
    turn = np.radians(-angle)  # Pillow turns counter-clockwise
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for eye, upright in zip(face.eyes, eyes_at((50, 50)), strict=True):
        wanted = rotation @ (np.array(upright) - 130) + 130
        assert eye == pytest.approx(scale * wanted, abs=6 * scale)
    assert face.box[2] == pytest.approx(125 * scale, rel=0.1)


def test_all_faces_the_largest_first():
    image = scene((420, 200), [(200, 20)])
    image.paste(scene((110, 110), [(5, 5)], 100), (20, 40))
    large, small = found(image)
    assert large.box[0] > 200 > small.box[0]
    assert large.box[2] > small.box[2]


def test_a_large_picture_is_looked_at_in_small_and_told_in_its_own_pixels():
    image = scene().resize((2400, 2000))
    (face,) = found(image)
    for eye, wanted in zip(face.eyes, eyes_at((40, 20)), strict=True):
        assert eye == pytest.approx((10 * wanted[0], 10 * wanted[1]), abs=50)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (9000, 1), (20, 20), (64, 64)])
def test_nothing_is_found_where_nothing_is(size):
    noise = np.random.default_rng(0).integers(100, 140, (size[1], size[0], 3), dtype=np.uint8)
    assert cascades().find(noise) == []


def test_without_the_extra_one_sentence_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match=r'pip install "latent-explorer\[faces\]"'):
        cascades()


def test_an_opencv_without_cascades_is_told(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier")
    with pytest.raises(UsageError, match="<5"):
        cascades()


def test_how_much_two_boxes_overlap():
    one = Face((0, 0, 10, 10))
    assert overlap(one, one) == 1
    assert overlap(one, Face((5, 0, 10, 10))) == pytest.approx(1 / 3)
    assert overlap(one, Face((20, 0, 10, 10))) == 0
