"""What stands where on the page of each kind."""

from dataclasses import replace

import numpy as np
import pytest
from recipe_examples import CODES, EXAMPLES, MODEL, SPACE, pictures

from explorer.errors import RecipeError, UsageError
from explorer.export import layout, making, pages
from explorer.export.recipe import Style

ONE = Style(scale=1)
GREY = pictures(5, 6, 6)
COLOUR = pictures(2, 6, 6, 3)


def pixels(recipe, decoded, style=ONE):
    """The still page of a recipe in another style, in colours."""
    (image,) = pages.page(replace(recipe, style=style), decoded)
    return np.asarray(image.convert("RGB"))


def rgb(shown):
    return np.broadcast_to(shown, (*shown.shape[:-1], 3))


def test_sources_replace_the_ends_of_a_strip_in_their_own_colours():
    made = making.strip(MODEL, SPACE, CODES[:2], 5, sources=COLOUR, style=ONE)
    row = [COLOUR[0], *rgb(GREY[1:-1]), COLOUR[1]]
    assert np.array_equal(pixels(made, GREY), np.concatenate(row, axis=1))
    film = making.strip(MODEL, SPACE, CODES[:2], 5, sources=COLOUR, film=True, style=ONE)
    frames = pages.page(film, GREY)
    assert {frame.mode for frame in frames} == {"RGB"}
    assert all(map(np.array_equal, map(np.asarray, frames), row))


def test_a_grey_source_leaves_a_strip_grey_and_what_was_given_unchanged():
    before = GREY.copy()
    made = making.strip(MODEL, SPACE, CODES[:2], 5, sources=[GREY[3], None], style=ONE)
    (image,) = pages.page(made, GREY)
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image)[:, :6], GREY[3, ..., 0])
    assert np.array_equal(np.asarray(image)[:, -6:], GREY[-1, ..., 0])
    assert np.array_equal(GREY, before)


def test_a_source_of_another_size_is_cropped_at_its_centre():
    wide = np.zeros((12, 40, 3), np.uint8)
    wide[:, 10:30] = (200, 100, 50)
    shown = pages.with_sources(GREY, wide, None)
    assert np.abs(shown[0].astype(int) - (200, 100, 50)).max() <= 2  # Lanczos rings a little
    assert shown[0].shape == (6, 6, 3)


def test_a_film_has_one_frame_each_that_is_enlarged_by_itself():
    film = making.strip(MODEL, SPACE, CODES[:2], 5, film=True)
    frames = pages.page(film, GREY)
    assert [frame.size for frame in frames] == [(22 * 6, 22 * 6)] * 5
    assert np.array_equal(np.asarray(frames[3])[::22, ::22], GREY[3, ..., 0])
    captioned = pages.page(replace(film, style=Style(1, captions=True)), GREY)
    assert len({frame.size for frame in captioned}) == 1
    assert captioned[0].height > 6
    ends = replace(film, style=Style(1, captions=True), labels=("", "B"))
    assert len({frame.size for frame in pages.page(ends, GREY)}) == 1


def test_paces():
    assert pages.paces(1) == [700]
    assert pages.paces(4) == [700, 90, 90, 700]
    assert pages.paces(6, 1000, back=True) == [1000] * 6
    assert pages.paces(6, 20, back=True) == [700, 20, 20, 700, 20, 20]


def test_a_sheet_has_a_row_for_each_dimension_beside_its_label():
    made, decoded = EXAMPLES["sheet"], pictures(20, 40, 20)
    page = pixels(made, decoded)
    left = page.shape[1] - 100
    assert left > 50
    for index, picture in enumerate(decoded):
        top, start = index // 5 * 40, left + index % 5 * 20
        assert np.array_equal(page[top : top + 40, start : start + 20], rgb(picture))
    assert page.shape[0] == 160
    assert pixels(made, decoded, Style(1, captions=False)).shape == (160, 100, 3)
    assert pixels(made, decoded, Style(1, captions=True)).shape[0] > 180  # values below


@pytest.mark.parametrize("captions", [None, False])
def test_every_source_stands_above_its_reconstruction(captions):
    sources, decoded = pictures(11, 8, 8, 3), pictures(11, 8, 8, 1)
    made = making.reconstructions(MODEL, SPACE, CODES, sources, range(11))
    page = pixels(made, decoded, Style(1, captions=captions))
    assert page.shape[1] == 9 * 8
    band = page.shape[0] // 2
    assert band == 16 if captions is False else band > 16
    for index in range(11):
        top, left = index // 9 * band, index % 9 * 8
        assert np.array_equal(page[top : top + 8, left : left + 8], sources[index])
        assert np.array_equal(page[top + 8 : top + 16, left : left + 8], rgb(decoded[index]))
    assert (page[band : band + 16, 16:] == 255).all()


def test_samples_and_manifolds_are_grids():
    decoded = pictures(7)
    page = pixels(EXAMPLES["samples"], decoded)
    assert page.shape == (18, 15, 3)
    assert np.array_equal(page[6:12, 5:10], rgb(decoded[4]))
    decoded = pictures(9)
    page = pixels(EXAMPLES["manifold"], decoded)
    assert page.shape == (18, 15, 3)
    assert np.array_equal(page[12:, :5], rgb(decoded[6]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_captions_never_change_a_picture(name):
    made = EXAMPLES[name]
    decoded = pictures(len(making.codes_of(made)), 40, 40)
    if made.kind == "reconstructions":
        made = replace(made, sources=tuple(decoded))
    plain, captioned = (
        pages.page(replace(made, style=Style(1, captions=captions)), decoded) for captions in (False, True)
    )
    if made.kind == "map":
        assert all(
            np.array_equal(np.asarray(a), np.asarray(b)[:800]) for a, b in zip(plain, captioned, strict=True)
        )
        return
    for index, picture in enumerate(decoded):
        page = captioned[index if made.settings.get("film") else 0]
        if made.kind == "strip" and made.sources and index in (0, len(decoded) - 1):
            continue
        windows = np.lib.stride_tricks.sliding_window_view(np.asarray(page.convert("RGB"))[..., 0], (40, 40))
        assert (windows[..., 0, :8] == picture[0, :8, 0]).all(axis=-1).any(), index


def test_what_a_recipe_does_not_carry_is_named():
    for name, what in (("strip with sources", "ends of the strip"), ("reconstructions", "reconstructed")):
        made = replace(EXAMPLES[name], sources=())
        with pytest.raises(RecipeError, match=f"{what}.*too large"):
            pages.page(made, pictures(len(making.codes_of(made))))
    with pytest.raises(RecipeError, match="differ in size"):
        pages.page(EXAMPLES["reconstructions"], pictures(11, 12, 10))
    made = EXAMPLES["map of texts"]
    settings = {name: value for name, value in made.settings.items() if name != "points"}
    with pytest.raises(RecipeError, match="points of the map"):
        pages.page(replace(made, settings=settings), pictures(0))


def test_a_film_that_no_memory_holds_is_refused_after_its_first_frame(monkeypatch):
    film = making.strip(MODEL, SPACE, CODES[:2], 5, film=True, style=Style(scale=2))
    laid = []
    monkeypatch.setattr(pages, "lay", lambda *given: laid.append(given) or layout.lay(*given))
    monkeypatch.setattr(layout, "MOST_PIXELS", 5 * 12 * 12)
    assert len(pages.page(film, GREY)) == len(laid) == 5
    laid.clear()
    monkeypatch.setattr(layout, "MOST_PIXELS", 5 * 12 * 12 - 1)
    with pytest.raises(UsageError, match="5 pictures of 12x12 pixels would have more than"):
        pages.page(film, GREY)
    assert len(laid) == 1


def test_values_under_a_sheet_and_beside_a_manifold_have_real_signs_and_all_their_digits(monkeypatch):
    laid = []
    monkeypatch.setattr(pages, "lay", lambda *args: laid.append(args[3]))
    style = Style(scale=40, captions=True)
    sheet = making.sheet(MODEL, SPACE, steps=9, style=style)
    pages.page(sheet, pictures(9 * SPACE.dim))
    (values,) = laid[0].below.values()
    assert list(values) == ["−3", "−2.25", "−1.5", "−0.75", "0", "+0.75", "+1.5", "+2.25", "+3"]
    manifold = making.manifold(MODEL, SPACE, 3, style=style)
    pages.page(manifold, pictures(9))
    assert list(laid[1].left) == ["−1.64", "0", "+1.64"]
