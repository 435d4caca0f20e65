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


def test_a_label_has_at_most_two_lines():
    assert lines_of("z1\nits note\nand more") == ["z1", "its note and more"]
    assert lines_of("\nonly a note") == ["only a note"]
    assert lines_of("") == []
    assert block_size("") == (0, 0)


@pytest.mark.parametrize(
    ("paper", "ink"), [((255, 255, 255), INK), ((0, 0, 0), CHALK), ((255, 255, 0), INK), ((0, 0, 255), CHALK)]
)
def test_ink_is_what_stands_out(paper, ink):
    assert ink_on(paper) == ink
