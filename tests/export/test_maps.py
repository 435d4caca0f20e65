"""The map as a picture."""

import numpy as np
import pytest

from explorer.export.maps import CATEGORIES, RAMP, UNKNOWN, column_of, map_picture
from explorer.export.recipe import Style

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


def test_the_marker_and_only_points_that_can_be_seen_are_drawn():
    points = np.array([[-0.5, -0.5], [1e25, 0], [0, -1e25]], np.float32)
    image = map_picture(None, points, EXTENT, marker=(0.5, 0.5))
    x, y = round(0.75 * 799), round(0.25 * 799)
    around = np.asarray(image)[y - 10 : y + 10, x - 10 : x + 10]
    assert (around.sum(axis=-1) < 150).any()
    assert at(image, 0.5, 0.5) == (255, 255, 255)  # what is there can be seen through the ring
    assert at(image, -0.5, -0.5) == CATEGORIES[0]
    away = map_picture(None, points, EXTENT, marker=(1e25, 0.5))
    assert np.array_equal(np.asarray(away), np.asarray(map_picture(None, points, EXTENT)))


def test_scale_margin_and_background():
    points = np.array([[-0.5, 0.5], [0.5, 0.5]])
    values = np.array(["a", "b"])
    image = map_picture(None, points, EXTENT, values, "hair", style=Style(2, margin=10, background="#102030"))
    assert image.size == (1620, 1652)
    assert image.getpixel((5, 5)) == image.getpixel((800, 1000)) == (16, 32, 48)
    assert image.getpixel((10 + 400, 10 + 400)) == CATEGORIES[0]
    assert np.asarray(image)[1615:].max() > 200  # the legend, light on dark
    bare = map_picture(None, points, EXTENT, values, "hair", shows_legend=False)
    assert bare.size == (800, 800)


def test_columns_of_a_recipe():
    assert np.array_equal(column_of([1, None, 2.5]), np.array([1, np.nan, 2.5], np.float32), equal_nan=True)
    assert column_of(["a", None]).tolist() == ["a", ""]


@pytest.mark.filterwarnings("error")
def test_points_beyond_all_numbers_are_out_of_sight():
    far = np.full((2, 2), 1e30, np.float32)
    tiny = np.float32(1e-45)
    assert np.asarray(map_picture(None, far, (0, tiny, 0, tiny), shows_legend=False)).min() == 255
