"""Texts on pages."""

import pytest

from explorer.export.lettering import CHALK, INK, block_size, ink_on, lines_of, shortened, text_size


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
