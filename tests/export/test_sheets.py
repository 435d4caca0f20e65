"""Traversal sheets and reconstructions."""

import numpy as np
import pytest

from explorer.export import sheets

RANDOM = np.random.default_rng(0)


def test_traversals_are_rows_of_one_dimension_each():
    pictures = RANDOM.integers(0, 256, (3, 5, 20, 20, 1), np.uint8)
    page = np.asarray(sheets.traversals(pictures, ["z1", "z2", "z3"], scale=1))
    left = page.shape[1] - 100
    for dim in range(3):
        for step in range(5):
            cell = page[dim * 20 : dim * 20 + 20, left + step * 20 : left + step * 20 + 20]
            assert np.array_equal(cell, pictures[dim, step].repeat(3, axis=-1))


@pytest.mark.parametrize("errors", [None, list(range(11))])
def test_every_source_stands_above_its_reconstruction(errors):
    sources = RANDOM.integers(0, 256, (11, 8, 8, 3), np.uint8)
    decoded = RANDOM.integers(0, 256, (11, 8, 8, 1), np.uint8)
    page = np.asarray(sheets.reconstructions(sources, decoded, errors, scale=1))
    assert page.shape[1] == 9 * 8
    band = page.shape[0] // 2
    assert band == 16 if errors is None else band > 16
    for index in range(11):
        top, left = index // 9 * band, index % 9 * 8
        assert np.array_equal(page[top : top + 8, left : left + 8], sources[index])
        below = page[top + 8 : top + 16, left : left + 8]
        assert np.array_equal(below, decoded[index].repeat(3, axis=-1))
