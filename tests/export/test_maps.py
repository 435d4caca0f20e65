"""The map as a picture."""

import numpy as np
import pytest

from explorer.export.maps import CATEGORIES, RAMP, UNKNOWN, map_picture

EXTENT = (-1.0, 1.0, -1.0, 1.0)


def at(image, x, y):
    """The pixel at map coordinates."""
    return image.getpixel((round((x + 1) / 2 * 799), round((1 - y) / 2 * 799)))


def test_points_lie_where_they_are_and_numbers_run_along_the_ramp():
    points = np.array([[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5]])
    image = map_picture(None, points, EXTENT, np.array([0.0, 10.0, np.nan], np.float32), "brightness")
    assert at(image, -0.5, -0.5) == RAMP[0]
    assert at(image, 0.5, 0.5) == RAMP[-1]
    assert at(image, 0.5, -0.5) == UNKNOWN
    assert at(image, 0, 0) == (255, 255, 255)
    assert image.height > 800  # the legend


def test_texts_are_categories_by_frequency():
    points = np.array([[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, -0.5]])
    image = map_picture(None, points, EXTENT, np.array(["blond", "red", "blond", ""]))
    assert at(image, -0.5, 0.5) == at(image, 0.5, -0.5) == CATEGORIES[0]
    assert at(image, 0.5, 0.5) == CATEGORIES[1]
    assert at(image, -0.5, -0.5) == UNKNOWN


@pytest.mark.parametrize("values", [None, np.full(1, np.nan, np.float32)])
def test_the_background_is_faint_and_its_first_row_is_on_top(values):
    tiles = np.full((4, 5, 5, 1), 255, np.uint8)
    tiles[1] = 0
    image = map_picture(tiles, np.array([[-0.9, -0.9]]), EXTENT, values)
    assert at(image, 0.5, 0.5) == (165, 165, 165)
    assert at(image, -0.5, 0.5) == (255, 255, 255)
