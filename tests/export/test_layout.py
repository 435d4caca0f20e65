"""Laying pictures side by side."""

import numpy as np
import pytest

from explorer.errors import UsageError
from explorer.export import layout
from explorer.export.layout import Texts, lay
from explorer.export.lettering import text_size
from explorer.export.recipe import Style

RANDOM = np.random.default_rng(0)
ONE = Style(scale=1)


def pictures(count, height=3, width=4, channels=3):
    return RANDOM.integers(0, 256, (count, height, width, channels), np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_grid_shows_every_picture_in_reading_order_with_its_own_pixels(channels):
    shown = pictures(5, channels=channels)
    image = lay(shown, 3, Style(scale=2))
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
    assert lay(pictures(1, 30, 30), 1, Style()).size == (150, 150)
    assert lay(pictures(1, 30, 30), 1, Style(), scale=3).size == (90, 90)
    assert lay(pictures(1, 30, 30), 1, ONE, scale=3).size == (30, 30)


def test_a_huge_grid_is_enlarged_less():
    assert layout.scale_for(30, 30, 200, 200) == 2
    assert layout.scale_for(30, 30, 1000, 1000) == 1


def test_margin_and_gap_are_background_and_a_hole_is_too():
    shown = [*pictures(2), None, *pictures(1)]
    image = np.asarray(lay(shown, 2, Style(1, margin=5, gap=2, background="#102030")))
    assert image.shape == (5 + 3 + 2 + 3 + 5, 5 + 4 + 2 + 4 + 5, 3)
    expected = np.empty_like(image)
    expected[:] = (0x10, 0x20, 0x30)
    expected[5:8, 5:9], expected[5:8, 11:15], expected[10:13, 11:15] = shown[0], shown[1], shown[3]
    assert np.array_equal(image, expected)
    assert lay(pictures(1, channels=1), 1, Style(1, 3, background="#808080")).mode == "L"
    assert lay(pictures(1, channels=1), 1, Style(1, 3, background="#808081")).mode == "RGB"


def test_grey_and_coloured_pictures_share_a_page():
    grey, coloured = pictures(1, channels=1)[0], pictures(1)[0]
    image = np.asarray(lay([grey, coloured], 2, ONE))
    assert np.array_equal(image, np.concatenate([grey.repeat(3, -1), coloured], axis=1))


def test_rows_keep_their_pixels_beside_their_labels():
    shown = pictures(6, 20, 20)
    page = np.asarray(lay(shown, 2, ONE, Texts(["z1", "z2 hair colour", "z10"])))
    margin = page.shape[1] - 40
    assert margin > 40
    for row in range(3):
        band = page[row * 20 : row * 20 + 20]
        assert np.array_equal(band[:, margin:], np.concatenate(shown[2 * row : 2 * row + 2], axis=1))
        assert (band[:, :margin] < 128).any()  # ink


def test_rows_lower_than_their_labels_do_not_overlap():
    page = lay(pictures(2, 4, 4), 1, ONE, Texts(["z1", "z2"]))
    assert page.height == 2 * text_size("Ag")[1]
    two_lines = lay(pictures(2, 4, 4), 1, ONE, Texts(["z1\nits note", "z2"]))
    assert two_lines.height == 4 * text_size("Ag")[1]
    assert lay(pictures(2, 4, 4), 1, ONE, Texts(["", ""])).size == (4, 8)


def test_the_second_line_of_a_label_is_quieter():
    page = np.asarray(lay(pictures(1, 80, 20) // 255, 1, ONE, Texts(["Title\nTitle"])))[:, :-20]
    middle = page.shape[0] // 2
    assert page[:middle].min() < page[middle:].min() < 200
    long = lay(pictures(1, 80, 20), 1, ONE, Texts(["z1\n" + "long words " * 1000]))
    assert long.width < 550


@pytest.mark.parametrize(
    ("background", "is_dark"), [("#ffffff", False), ("#202830", True), ("#999999", False)]
)
def test_texts_can_be_read_on_any_background(background, is_dark):
    texts = Texts(["left"], {0: ["below"]}, "foot")
    style = Style(1, margin=4, background=background)
    page = np.asarray(lay(np.zeros((1, 40, 60, 3), np.uint8), 1, style, texts)).astype(int)
    paper = int(background[1:3], 16)
    height = page.shape[0]
    for part in (page[:44, :-64], page[44 : height - 28, 4:-4], page[height - 28 :]):
        assert (part.max() - paper > 100) == is_dark
        assert (paper - part.min() > 70) != is_dark


def test_captions_stand_under_their_cells_and_do_not_touch():
    page = np.asarray(lay(np.zeros((3, 20, 60, 1), np.uint8), 3, ONE, Texts(below={0: ["a", "", "c"]})))
    below = page[20:]
    inked = [(below[:, left : left + 60] < 200).any() for left in (0, 60, 120)]
    assert inked == [True, False, True]
    assert layout.fitting([f"{n}.25" for n in range(9)], 50) == [f"{n}.25" for n in range(9)]
    sparse = layout.fitting([f"{n}.25" for n in range(9)], 20)
    assert sparse == ["0.25", "", "2.25", "", "4.25", "", "6.25", "", "8.25"]
    assert layout.fitting(["1.25", "2.25"], 2) == ["", ""]


def test_other_scripts_are_drawn():
    page = np.asarray(lay(np.zeros((2, 30, 30, 3), np.uint8), 1, ONE, Texts(["髪の色", "длина"])))
    assert (page[:30, :-30] < 128).any()
    assert (page[30:, :-30] < 128).any()


def test_a_page_that_no_memory_holds_is_refused_before_it_is_made():
    with pytest.raises(UsageError, match=r"20000x20001 pixels.*smaller scale"):
        layout.check_page(20_000, 20_001)
    layout.check_page(20_000, 20_000)
    many = np.broadcast_to(np.uint8(0), (16, 1000, 1000, 1))
    with pytest.raises(UsageError, match="64000x64000"):
        lay(many, 4, Style(16))
    with pytest.raises(UsageError, match="21000x21000"):
        lay(many[:1], 1, Style(1, margin=10_000))
