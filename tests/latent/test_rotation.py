"""Principal directions of maps: found right, completed to a rigid turn, and nothing lost on the way there and back."""

import time

import numpy as np
import pytest
import torch

from explorer.latent.rotation import MOST, fit


def codes(count, dim, rank=6, seed=0):
    """Codes that vary on few directions, each half as much as the one before, and a little on all."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.standard_normal((dim, rank)))[0].T
    scores = random.standard_normal((count, rank)) * 8 * 0.5 ** np.arange(rank)
    return (3 + scores @ axes + 0.01 * random.standard_normal((count, dim))).astype(np.float32), axes


@pytest.mark.parametrize(("count", "dim"), [(3, 16), (40, 256), (300, 1024), (500, 20)])
def test_there_and_back(count, dim):
    given, _ = codes(count, dim, 3)
    turn = fit(given)
    assert turn.leading == min(MOST, count - 1, dim)
    other = np.random.default_rng(1).standard_normal((5, dim)).astype(np.float32) * 9
    coords = turn.to_directions(other)
    assert coords.dtype == np.float32
    assert np.abs(turn.from_directions(coords) - other).max() < 1e-5
    assert np.allclose(np.linalg.norm(coords, axis=1), np.linalg.norm(other - turn.mean, axis=1), rtol=1e-6)


def test_the_directions_are_the_principal_ones():
    given, axes = codes(400, 300)
    turn = fit(given)
    exact = np.linalg.svd(given - given.mean(axis=0), full_matrices=False)
    assert np.allclose(turn.spread[:6], exact[1][:6] / 20, rtol=1e-4)
    steps = turn.from_directions(np.eye(300, dtype=np.float32)[:6]) - turn.mean
    assert np.abs(np.abs((steps * exact[2][:6]).sum(axis=1)) - 1).max() < 1e-4
    assert np.abs(np.linalg.norm(steps @ axes.T, axis=1) - 1).max() < 1e-3
    assert (steps[np.arange(6), np.abs(steps).argmax(axis=1)] > 0).all()  # a sign that is always the same


def test_coordinates_of_the_codes_have_the_spreads_told():
    given, _ = codes(400, 300)
    turn = fit(given)
    coords = turn.to_directions(given)
    assert np.abs(coords.mean(axis=0)).max() < 1e-4
    assert np.allclose(coords[:, : turn.leading].std(axis=0), turn.spread, rtol=1e-3)
    assert np.isclose(coords[:, turn.leading :].std(), turn.rest, rtol=0.01)


def test_tensors_and_arrays_give_the_same():
    given, _ = codes(30, 64)
    turn = fit(given)
    coords = turn.to_directions(torch.from_numpy(given))
    assert coords.dtype == torch.float32
    assert np.allclose(coords.numpy(), turn.to_directions(given), atol=1e-6)
    assert np.allclose(turn.from_directions(coords).numpy(), turn.from_directions(coords.numpy()), atol=1e-6)


def test_nothing_given_is_changed():
    given, _ = codes(30, 64)
    held = given.copy()
    turn = fit(given)
    turn.from_directions(turn.to_directions(given))
    turn.from_directions(given)
    assert np.array_equal(given, held)
    fine = torch.from_numpy(given).double()
    turn.from_directions(turn.to_directions(fine))
    turn.from_directions(fine)
    assert np.array_equal(fine.numpy(), held)


def test_the_same_codes_give_the_same():
    given, _ = codes(100, 200)
    one, other = fit(given), fit(given.copy())
    assert np.array_equal(one.reflectors, other.reflectors)


def test_fewer_directions_where_codes_vary_on_fewer():
    flat = np.outer(np.arange(9), np.ones(50)) + np.arange(50)
    turn = fit(flat)
    assert turn.leading == 1
    assert np.abs(turn.from_directions(turn.to_directions(flat.astype(np.float32))) - flat).max() < 1e-5


@pytest.mark.parametrize(
    "given",
    [np.ones((9, 20)), np.zeros((9, 20)), np.ones((2, 20)), np.full((9, 20), np.nan), np.ones((1, 1))],
)
def test_none_where_nothing_varies(given):
    assert fit(given) is None


def test_large_maps_take_seconds():
    given = np.random.default_rng(0).standard_normal((1000, 16384), np.float32)
    begun = time.process_time()
    turn = fit(given)
    turn.from_directions(turn.to_directions(given[:1]))
    assert time.process_time() - begun < 20
    assert turn.reflectors.shape == (16384, MOST)
