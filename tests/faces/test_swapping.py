"""Faces drawn by the other decoder: which one, where, in which colours; a film's faces do not tremble."""

import numpy as np
import pytest
from drawn_faces import Found, eyes_at, scene, twin
from fakes import autoencoder, conditional

from explorer.errors import UsageError
from explorer.faces.alignment import Face, align
from explorer.faces.swapping import Artist, Blend, Swap
from explorer.render.renderer import Renderer

PLACE = (40, 20)
FACE = Face((57, 44, 125, 125), eyes_at(PLACE))
PLAIN = Blend(colours=False)


def artist(head=None, **what):
    return Artist(twin(**what), head, Renderer("cpu"))


def moved(x):
    """Return the face, moved to the right."""
    left, top, width, height = FACE.box
    return Face((left + x, top, width, height), tuple((eye[0] + x, eye[1]) for eye in FACE.eyes))


def test_the_second_decoder_draws_where_none_is_named():
    faces = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    assert np.array_equal(artist()(faces), 255 - faces)
    assert np.array_equal(artist("negative")(faces), 255 - faces)
    assert np.array_equal(artist("same")(faces), faces)
    assert "decoder negative of twins drew them (of same, negative)" in artist().note


def test_a_grey_model_draws_grey_faces():
    faces = np.full((1, 32, 32, 3), (200, 100, 50), np.uint8)
    drawn = artist("same", channels=1)(faces)
    assert drawn.shape == faces.shape
    assert (drawn == drawn[..., :1]).all()


@pytest.mark.parametrize(
    ("model", "head", "reason"),
    [
        (lambda: autoencoder(), None, "has one decoder"),
        (lambda: conditional(), None, "has no encoder"),
        (lambda: twin(), "third", "choose one of same, negative"),
    ],
)
def test_a_model_that_cannot_swap_is_one_sentence(model, head, reason):
    with pytest.raises(UsageError, match=reason):
        Artist(model(), head, Renderer("cpu"))


def test_the_face_alone_is_drawn_anew():
    pixels = np.asarray(scene())
    new, count = Swap(artist(), 32, Found(FACE), PLAIN)(pixels)
    assert count == 1
    middle = 100, 121  # between the eyes, (y, x)
    assert np.abs(new[middle].astype(int) - (255 - pixels[middle].astype(int))).max() < 25
    assert np.array_equal(new[:10], pixels[:10])
    assert np.array_equal(new[:, :20], pixels[:, :20])


def test_the_decoder_that_changes_nothing_changes_nothing():
    pixels = np.asarray(scene())
    swap = Swap(artist("same", side=128), 128, Found(FACE), Blend())
    new, _ = swap(pixels)
    assert np.abs(new.astype(int) - pixels).mean() < 0.5


def test_colours_follow_the_old_face_or_not():
    pixels = np.asarray(scene())
    here = slice(80, 130), slice(95, 145)
    old = pixels[here].mean((0, 1))

    def off(blend):
        new, _ = Swap(artist(), 32, Found(FACE), blend)(pixels)
        return np.abs(new[here].mean((0, 1)) - old).max()

    assert off(PLAIN) > 50
    assert off(Blend(colours=True)) < 15


def test_every_face_of_a_picture():
    pixels = np.asarray(scene((400, 200), [(20, 20), (220, 20)]))
    there = [moved(-20), moved(180)]
    new, count = Swap(artist(), 32, Found(*there), PLAIN)(pixels)
    assert count == 2
    changed = (new != pixels).any((0, 2))
    assert changed[:200].any()
    assert changed[200:].any()


def test_without_a_face_the_same_picture_comes_back():
    pixels = np.asarray(scene())
    new, count = Swap(artist(), 32, Found(), Blend())(pixels)
    assert (new is pixels, count) == (True, 0)


def test_the_whole_picture_as_the_face():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    new, count = Swap(artist(), 32, None, PLAIN)(pixels)
    assert count == 1
    assert np.array_equal(new, 255 - pixels)


def squares_of(faces, is_film):
    """Return where the face is drawn in one frame after the other."""
    finder = Found()
    swap = Swap(lambda faces: faces, 32, finder, PLAIN, is_film)
    drawn = []
    for face in faces:
        finder.faces = [face]
        drawn.append(swap.squares(np.zeros((200, 240, 3), np.uint8))[0].left)
    return np.array(drawn)


def test_a_face_that_trembles_is_held_still_in_a_film():
    trembling = [moved(x) for x in np.random.default_rng(0).normal(0, 1.5, 40)]
    still, loose = squares_of(trembling, True), squares_of(trembling, False)
    assert np.abs(np.diff(still[5:])).mean() < 0.5 * np.abs(np.diff(loose[5:])).mean()
    assert still.mean() == pytest.approx(loose.mean(), abs=1)


def test_a_face_that_moves_is_followed():
    moving = [moved(x) for x in range(0, 100, 10)]
    wanted = [align(face).left for face in moving]
    assert squares_of(moving, True) == pytest.approx(wanted, abs=2)


def test_a_face_at_another_place_is_another_face():
    jumping = [moved(0), moved(120), moved(0)]
    assert squares_of(jumping, True) == pytest.approx([align(face).left for face in jumping])
