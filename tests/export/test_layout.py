"""Laying pictures side by side."""

import numpy as np
import pytest
from PIL import Image

from explorer.errors import UsageError
from explorer.export import layout, sheets

RANDOM = np.random.default_rng(0)


def pictures(count, height=3, width=4, channels=3):
    return RANDOM.integers(0, 256, (count, height, width, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_picture_in_reading_order_with_its_own_pixels(channels):
    shown = pictures(5, channels=channels)
    image = layout.grid(shown, columns=3, scale=2)
    assert image.size == (3 * 4 * 2, 2 * 3 * 2)
    assert image.mode == ("L" if channels == 1 else "RGB")
    pixels = np.atleast_3d(np.asarray(image)).reshape(12, 24, channels)
    for index, picture in enumerate(shown):
        top, left = index // 3 * 6, index % 3 * 8
        cell = pixels[top : top + 6, left : left + 8]
        assert np.array_equal(cell[::2, ::2], picture)
        assert np.array_equal(cell[1::2, 1::2], picture)
    assert (pixels[6:, 16:] == 255).all()


def test_small_pictures_are_enlarged_to_a_pleasant_size():
    assert [layout.scale_for(side, side) for side in (8, 28, 30, 64, 128, 512)] == [16, 5, 5, 2, 1, 1]
    assert layout.scale_for(30, 90) == 5
    assert layout.grid(pictures(1, 30, 30), 1).size == (150, 150)


def test_a_huge_grid_is_enlarged_less():
    assert layout.scale_for(30, 30, 200, 200) == 2
    assert layout.scale_for(30, 30, 1000, 1000) == 1


def test_rows_keep_their_pixels_beside_their_labels():
    rows = [layout.grid(pictures(2, 20, 20), 2, 1) for _ in range(3)]
    page = np.asarray(layout.labelled_rows(rows, ["z1", "z2 hair colour", "z10"]))
    margin = page.shape[1] - 40
    assert margin > 40
    for index, row in enumerate(rows):
        assert np.array_equal(page[index * 20 : index * 20 + 20, margin:], np.asarray(row))
        assert (page[index * 20 : index * 20 + 20, :margin] < 128).any()  # ink


def test_rows_lower_than_their_labels_do_not_overlap():
    rows = [layout.grid(pictures(1, 4, 4), 1, 1)] * 2
    page = layout.labelled_rows(rows, ["z1", "z2"])
    assert page.height == 2 * layout.text_size("Ag")[1]
    assert layout.labelled_rows(rows, ["", ""]).size == (4, 8)


def test_other_scripts_are_drawn():
    rows = [Image.new("RGB", (30, 30))] * 2
    page = np.asarray(layout.labelled_rows(rows, ["髪の色", "длина"]))
    assert (page[:30, :-30] < 128).any()
    assert (page[30:, :-30] < 128).any()


def test_a_page_that_no_memory_holds_is_refused_before_it_is_made():
    with pytest.raises(UsageError, match=r"20000x20001 pixels.*smaller --scale"):
        layout.check_page(20_000, 20_001)
    layout.check_page(20_000, 20_000)
    many = np.broadcast_to(np.uint8(0), (4, 4, 1000, 1000, 1))
    with pytest.raises(UsageError, match="64000x64000"):
        layout.grid(many.reshape(16, 1000, 1000, 1), 4, scale=16)
    with pytest.raises(UsageError, match="20000x40000"):
        sheets.traversals(many[:2, :1], ["", ""], scale=20)
    with pytest.raises(UsageError, match="20000x40000"):
        sheets.reconstructions(many[0, :1], many[0, :1], scale=20)
