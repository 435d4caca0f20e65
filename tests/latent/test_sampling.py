"""Codes drawn from a prior."""

import numpy as np
import pytest

from explorer.latent.sampling import distant_pair, sample
from explorer.models.base import Space


def test_a_seed_gives_the_same_codes_however_many_are_drawn():
    space = Space("z", (6,))
    assert np.array_equal(sample(space, 9, 7)[0], sample(space, 1, 7)[0])
    assert not np.array_equal(sample(space, 1, 7), sample(space, 1, 8))
    assert sample(space, 9, 7).dtype == np.float32
    assert sample(space, 0, 7).shape == (0, 6)


@pytest.mark.parametrize(("prior", "spread"), [("normal", 1.0), ("uniform", 3**-0.5), ("sphere", 8**-0.5)])
def test_each_prior_has_its_own_spread(prior, spread):
    codes = sample(Space("z", (8,), prior), 20_000, 0)
    assert codes.std(axis=0) == pytest.approx(np.full(8, spread), rel=0.03)
    assert codes.mean(axis=0) == pytest.approx(np.zeros(8), abs=0.03)
    if prior == "uniform":
        assert np.abs(codes).max() <= 1
    if prior == "sphere":
        assert np.linalg.norm(codes, axis=1) == pytest.approx(np.ones(len(codes)), abs=1e-5)


def test_without_a_prior_the_data_tell_where_codes_lie():
    space = Space("z", (2, 1), "none", center=np.array([5.0, -1.0]), spread=np.array([0.1, 2.0]))
    codes = sample(space, 20_000, 1)
    assert codes.mean(axis=0) == pytest.approx([5.0, -1.0], abs=0.05)
    assert codes.std(axis=0) == pytest.approx([0.1, 2.0], rel=0.03)


def test_a_measured_space_is_still_sampled_from_its_prior():
    space = Space("z", (3,)).with_data(np.random.default_rng(0).normal(9, 0.1, (50, 3)))
    assert np.array_equal(sample(space, 4, 2), sample(Space("z", (3,)), 4, 2))


def test_distant_pair_is_the_farthest_in_spreads():
    codes = np.array([[0.0, 0.0], [0.0, 1.0], [50.0, 0.2], [1.0, 0.1]])
    space = Space("z", (2,), spread=np.array([100.0, 0.1]))
    assert set(distant_pair(codes, space)) == {0, 1}
    assert distant_pair(codes[:1], space) == (0, 0)
