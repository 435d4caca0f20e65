"""Label columns to colours, shapes and legend entries."""

import numpy as np

from explorer.gui.widgets import point_colours


def test_numbers_fall_into_fifths_and_only_the_ends_are_named():
    values = np.arange(100, dtype=np.float32) + 0.5
    made = point_colours.by_column(values, "hair_brightness")
    assert [entry.text for entry in made.entries] == ["dark", "", "", "", "light"]
    assert np.bincount(made.kinds).tolist() == [20] * 5
    assert (np.diff(made.kinds) >= 0).all()
    assert [entry.colour for entry in made.entries] == list(point_colours.ORDERED)
    assert point_colours.by_column(values, "age").entries[0].text == "low"


def test_a_missing_number_is_its_own_kind():
    values = np.array([0.1, 0.2, np.nan, 0.4, 0.5, 0.6], np.float32)
    made = point_colours.by_column(values)
    assert made.entries[-1].text == "no label"
    assert made.kinds[2] == len(made.entries) - 1
    assert (np.delete(made.kinds, 2) < 5).all()


def test_digits_are_categories_in_their_order():
    made = point_colours.by_column(np.array([3, 1, 1, 0, 3, 3], np.float32))
    assert [entry.text for entry in made.entries] == ["0", "1", "3"]
    assert made.kinds.tolist() == [2, 1, 1, 0, 2, 2]


def test_the_ten_most_frequent_texts_and_the_rest():
    texts = np.array([name for i, name in enumerate("abcdefghijklm") for _ in range(20 - i)] + [""])
    made = point_colours.by_column(texts)
    assert [entry.text for entry in made.entries] == [*"abcdefghij", "other", "no label"]
    looks = {(entry.colour, entry.shape) for entry in made.entries}
    assert len(looks) == len(made.entries), "two kinds look the same"
    assert made.entries[made.kinds[list(texts).index("k")]].text == "other"
    assert made.entries[made.kinds[-1]].text == "no label"
    assert "20 points" in made.entries[0].note


def test_all_labels_missing_and_no_points_at_all():
    assert [e.text for e in point_colours.by_column(np.array(["", ""])).entries] == ["no label"]
    assert len(point_colours.by_column(np.array([], np.float32)).kinds) == 0
    only_nan = point_colours.by_column(np.array([np.nan, np.nan], np.float32))
    assert [e.text for e in only_nan.entries] == ["no label"]


def test_the_darkest_are_lightened_on_a_dark_ground():
    entry = point_colours.Entry("", "#332288")
    assert entry.tinted(dark=True).lightness() > entry.tinted(dark=False).lightness() + 60
