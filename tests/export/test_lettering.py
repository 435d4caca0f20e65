"""Texts on pages."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from explorer.export.lettering import (
    CHALK,
    INK,
    block_size,
    font_for,
    ink_on,
    lines_of,
    shortened,
    signed,
    text_size,
    write,
)


def test_a_text_too_long_for_its_place_ends_in_dots():
    assert shortened("short", 100) == "short"
    assert shortened(" two\n lines\t", 100) == "two lines"
    cut = shortened("a very long name of a dimension", 100)
    assert cut.startswith("a very")
    assert cut.endswith("...")
    assert text_size(cut)[0] <= 100
    assert shortened("anything", 1) == ""
    assert text_size(shortened("髪" * 100_000, 200))[0] <= 200


def test_a_label_is_a_title_and_up_to_three_lines_of_note():
    assert lines_of("z1\nits note\nand more") == ["z1", "its note and more"]
    assert lines_of("\nonly a note") == ["only a note"]
    assert lines_of("") == lines_of(" \n ") == []
    assert block_size("") == (0, 0)
    words = [f"word{number}" for number in range(1000)]
    title, *note = lines_of("z1\n" + " ".join(words))
    assert title == "z1"
    assert len(note) == 3
    assert " ".join(note).removesuffix("...").split()[:-1] == words[: len(" ".join(note).split()) - 1]
    assert note[-1].endswith("...")
    assert max(text_size(line)[0] for line in note) <= 260
    assert lines_of("z1\n" + "x" * 1000)[1].endswith("x...")


@pytest.mark.parametrize(
    ("paper", "ink"), [((255, 255, 255), INK), ((0, 0, 0), CHALK), ((255, 255, 0), INK), ((0, 0, 255), CHALK)]
)
def test_ink_is_what_stands_out(paper, ink):
    assert ink_on(paper) == ink


def test_a_number_and_its_opposite_have_the_same_digits():
    assert [signed(value) for value in (-2.25, -0.75, 0.75, 2.25)] == ["−2.25", "−0.75", "+0.75", "+2.25"]
    assert [signed(value) for value in (0.0, -0.0, 3.0, -1e-3, -1.125, 1.125)] == [
        "0",
        "0",
        "+3",
        "−0.001",
        "−1.13",
        "+1.13",
    ]
    for steps in range(2, 40):
        row = [signed(value) for value in np.linspace(-3, 3, steps)]
        assert [text.replace("−", "+") for text in row] == [text.replace("−", "+") for text in reversed(row)]


def drawn(text, anchor):
    """Where a text is on a page of 80 x 20, middle at 40, 10."""
    page = Image.new("L", (80, 20))
    write(ImageDraw.Draw(page), (40, 10), text, 255, anchor)
    return np.asarray(page)


def test_a_minus_is_a_bar_at_the_height_of_the_plus():
    for anchor in ("lm", "mm", "rm"):
        plus, minus = drawn("+1", anchor), drawn("−1", anchor)
        bar = np.flatnonzero((minus == 255).sum(axis=1) >= 6)
        assert len(bar) == 1
        assert (plus[bar[0]] > 0).sum() >= 6  # the bar of the plus
        inked = [np.flatnonzero(page.any(axis=0))[[0, -1]] for page in (plus, minus)]
        assert np.abs(inked[0] - inked[1]).max() <= 2  # the whole takes the same room
    assert text_size("−1") == text_size("+1")


def test_a_letter_that_the_own_font_lacks_is_of_another():
    assert font_for("plain") is font_for("−2.25")
    assert font_for("größe") is font_for("髪")
    assert font_for("größe") is not font_for("plain")


def test_one_long_name_does_not_push_the_pictures_away():
    assert block_size("a name " * 20)[0] <= 320
