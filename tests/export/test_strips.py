"""Strips and their ends."""

import numpy as np

from explorer.export import strips

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (5, 6, 6, 1), np.uint8)
COLOUR = RANDOM.integers(0, 256, (2, 6, 6, 3), np.uint8)


def test_sources_replace_the_ends_in_their_own_colours():
    shown = strips.with_sources(GREY, *COLOUR)
    assert np.array_equal(shown[[0, -1]], COLOUR)
    assert np.array_equal(shown[1:-1], GREY[1:-1].repeat(3, axis=-1))


def test_grey_sources_leave_a_strip_grey_and_the_input_unchanged():
    before = GREY.copy()
    shown = strips.with_sources(GREY, GREY[3], None)
    assert shown.shape == GREY.shape
    assert np.array_equal(shown[0], GREY[3])
    assert np.array_equal(shown[-1], GREY[-1])
    assert np.array_equal(GREY, before)


def test_a_source_of_another_size_is_cropped_at_its_centre():
    wide = np.zeros((12, 40, 3), np.uint8)
    wide[:, 10:30] = (200, 100, 50)
    shown = strips.with_sources(GREY, wide, None)
    assert np.abs(shown[0].astype(int) - (200, 100, 50)).max() <= 2  # Lanczos rings a little
    assert shown.shape == (5, 6, 6, 3)


def test_a_strip_is_one_row_without_gaps_and_a_film_one_frame_each():
    image = strips.strip(GREY, scale=3)
    assert image.size == (5 * 18, 18)
    row = np.asarray(image)[::3, ::3]
    films = strips.frames(GREY, scale=3)
    for index, picture in enumerate(GREY[..., 0]):
        assert np.array_equal(row[:, index * 6 : index * 6 + 6], picture)
        assert np.array_equal(np.asarray(films[index])[::3, ::3], picture)
    assert strips.frames(GREY)[0].size == (22 * 6, 22 * 6)
