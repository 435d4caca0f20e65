"""Codes along single dimensions."""

import numpy as np
import pytest

from explorer.latent.traversal import manifold, sheet, span, traverse
from explorer.models.base import Space

MEASURED = Space("z", (3,), center=np.array([1.0, 0, 0]), spread=np.array([0.5, 1, 2]), measured=True)


def test_the_data_range_is_three_spreads_around_the_centre():
    assert span(MEASURED, 0, 5) == pytest.approx([-0.5, 0.25, 1.0, 1.75, 2.5])
    assert span(MEASURED, 0, 1) == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("prior", "ends"), [("normal", [-3, 3]), ("uniform", [-1, 1]), ("sphere", [-1, 1]), ("none", [-0.5, 2.5])]
)
def test_the_prior_range_follows_the_prior(prior, ends):
    space = Space("z", (3,), prior, center=MEASURED.center, spread=MEASURED.spread)
    assert span(space, 0, 2, "prior") == pytest.approx(ends)


def test_a_traversal_changes_one_dimension_only():
    code = np.array([9.0, 8.0, 7.0], np.float32)
    codes = traverse(code, 1, np.array([0.0, 0.5]))
    assert codes.tolist() == [[9, 0, 7], [9, 0.5, 7]]
    assert code.tolist() == [9, 8, 7]


def test_a_sheet_has_one_traversal_per_dimension():
    codes = sheet(MEASURED, None, steps=5)
    assert codes.shape == (3, 5, 3)
    for dim in range(3):
        assert codes[dim, :, dim] == pytest.approx(span(MEASURED, dim, 5))
        others = np.delete(codes[dim], dim, axis=1)
        assert (others == np.delete(MEASURED.center, dim)).all()
    through = sheet(MEASURED, np.array([5, 6, 7]), steps=2)
    assert through[0, :, 1:].tolist() == [[6, 7], [6, 7]]


def test_a_manifold_ascends_left_to_right_and_top_to_bottom():
    grid = manifold(Space("z", (3,)), 5, dims=(2, 0)).reshape(5, 5, 3)
    quantiles = [-1.644854, -0.597760, 0.0, 0.597760, 1.644854]  # of N(0, 1) at 0.05, 0.275, 0.5, ...
    for line in range(5):
        assert grid[line, :, 2] == pytest.approx(quantiles, abs=1e-5)
        assert grid[:, line, 0] == pytest.approx(quantiles, abs=1e-5)
    assert not grid[..., 1].any()


def test_a_manifold_of_other_priors():
    uniform = manifold(Space("z", (2,), "uniform"), 3).reshape(3, 3, 2)
    assert uniform[0, :, 0] == pytest.approx([-0.9, 0, 0.9])
    space = Space("z", (3,), "none", center=MEASURED.center, spread=MEASURED.spread)
    assert manifold(space, 3)[:3, 0] == pytest.approx([1 - 0.822427, 1, 1.822427], abs=1e-5)
    assert manifold(Space("z", (1,)), 2, dims=(0, 0)) == pytest.approx(
        np.array([[-1.644854], [1.644854]] * 2), abs=1e-5
    )
