"""Planes in a latent space."""

import numpy as np
import pytest

from explorer.latent import plane
from explorer.models.base import Space

RANDOM = np.random.default_rng(0)
SPACE = Space("z", (4,), center=np.array([1.0, 2, 3, 4]))


def test_the_pca_plane_holds_the_directions_of_largest_variance():
    codes = RANDOM.normal(size=(500, 4)) * [0.1, 5.0, 0.2, 2.0] + [1, 2, 3, 4]
    found = plane.pca(codes, SPACE)
    assert np.abs(found.axes) == pytest.approx(np.array([[0, 1, 0, 0], [0, 0, 0, 1]]), abs=0.05)
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-6)
    assert found.origin == pytest.approx(codes.mean(axis=0), abs=1e-5)
    assert (found.axes[[0, 1], [1, 3]] > 0).all()


def test_the_same_codes_in_another_order_give_the_same_map():
    codes = RANDOM.normal(size=(50, 4)) * [1, 2, 3, 4]
    assert plane.pca(codes[::-1], SPACE).axes == pytest.approx(plane.pca(codes, SPACE).axes, abs=1e-5)


def test_with_an_encoders_variances_the_plane_holds_what_it_is_sure_of():
    codes = RANDOM.normal(size=(800, 4)) * [1.0, 1.1, 1.2, 1.0]
    variance = np.array([0.01, 0.5, 0.9, 0.1])
    logvar = np.log(variance) + RANDOM.normal(size=(800, 4)) * 0.1
    found = plane.pca(codes, SPACE, logvar)
    assert np.abs(found.axes) == pytest.approx(np.array([[1, 0, 0, 0], [0, 0, 0, 1]]), abs=0.1)
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-6)
    assert found.project(found.point(np.array([0.5, -2.0]))) == pytest.approx(np.array([0.5, -2.0]), abs=1e-5)


def test_variances_that_are_no_numbers_count_as_none():
    codes = RANDOM.normal(size=(50, 4)) * [1, 2, 3, 4]
    for bad in (np.full((50, 4), np.nan), np.full((50, 4), 1e9), np.full((50, 4), -1e9)):
        assert plane.pca(codes, SPACE, bad).axes == pytest.approx(plane.pca(codes, SPACE).axes)


@pytest.mark.parametrize("size", [(30, 4), (30, 2500)], ids=["few dimensions", "many dimensions"])
def test_project_point_and_move_agree(size):
    space = Space("z", (size[1],))
    found = plane.pca(RANDOM.normal(size=size) * np.linspace(1, 4, size[1]), space)
    xy = RANDOM.normal(size=(6, 2)).astype(np.float32)
    assert found.axes @ found.axes.T == pytest.approx(np.eye(2), abs=1e-5)
    assert found.project(found.point(xy)) == pytest.approx(xy, abs=1e-4)
    code = RANDOM.normal(size=size[1]).astype(np.float32)
    moved = found.move(code, xy[0])
    assert found.project(moved) == pytest.approx(xy[0], abs=1e-4)
    off = (code - found.point(found.project(code))) - (moved - found.point(xy[0]))
    assert np.abs(off).max() < 1e-5
    assert moved.dtype == np.float32


def test_two_dimensions_read_as_their_values_with_the_others_at_the_centre():
    found = plane.dimensions(SPACE, 3, 0)
    assert found.project(np.array([7.0, 0, 0, 9])).tolist() == [9, 7]
    assert found.point(np.array([0.5, -0.5])).tolist() == [-0.5, 2, 3, 0.5]
    assert found.name == "z4 × z1"


def test_too_little_data_gives_the_first_two_dimensions():
    for codes in (np.zeros((2, 4)), np.ones((9, 4)), np.full((9, 4), np.nan)):
        assert plane.pca(codes, SPACE).name == "z1 × z2"


def test_a_space_of_one_dimension_has_a_flat_map():
    found = plane.pca(RANDOM.normal(size=(9, 1)), Space("z", (1,)))
    assert found.project(np.array([[3.0]])).tolist() == [[3.0, 0.0]]
    assert found.move(np.array([1.0]), np.array([2.0, 5.0])).tolist() == [2.0]
