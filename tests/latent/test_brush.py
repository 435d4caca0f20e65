"""A brush on a map: where it acts, how strongly, and what becomes of the map there."""

import numpy as np
import pytest

from explorer.latent import brush

GRID, PICTURE = (8, 12), (64, 96)


def test_a_dab_lies_where_it_was_put():
    weights = brush.dab(GRID, PICTURE, (20, 44), 12)
    assert weights.shape == GRID
    assert np.unravel_index(weights.argmax(), GRID) == (5, 2)  # 44 / 8, 20 / 8
    assert weights[0].max() == 0
    assert weights[:, 6:].max() == 0


def test_a_dab_is_round():
    weights = brush.dab((9, 9), (72, 72), (36, 36), 20)
    assert np.allclose(weights, weights.T)
    assert np.allclose(weights, weights[::-1])
    assert weights[4, 4] > weights[4, 5] > weights[4, 6] > 0 == weights[4, 7]


def test_strength_and_softness():
    soft = brush.dab(GRID, PICTURE, (48, 32), 16, 0.5)
    hard = brush.dab(GRID, PICTURE, (48, 32), 16, 0.5, softness=0)
    assert 0.3 < soft.max() < 0.5
    assert hard.max() == 0.5
    assert hard.sum() > soft.sum()
    area = hard.sum() / 0.5 * 64  # pixels
    assert area == pytest.approx(np.pi * 16**2, rel=0.05)
    assert brush.dab(GRID, PICTURE, (48, 32), 16, 7.0).max() <= 1


def test_a_brush_smaller_than_a_place_still_acts():
    weights = brush.dab(GRID, PICTURE, (20, 44), 3, softness=0)
    assert 0 < weights[5, 2] < 1
    assert weights.sum() == weights[5, 2]


def test_a_stroke_goes_along_its_points():
    weights = brush.stroke(GRID, PICTURE, [(4, 4), (90, 4), (90, 60)], 6, softness=0)
    assert weights[0].min() > 0.5
    assert weights[:, 11].min() > 0.5
    assert weights[4:, :9].max() == 0
    assert np.array_equal(
        weights, brush.stroke(GRID, PICTURE, [(4, 4), (90, 4), (90, 60), (90, 4)], 6, softness=0)
    )
    assert np.array_equal(brush.stroke(GRID, PICTURE, [(4, 4)], 6), brush.dab(GRID, PICTURE, (4, 4), 6))


def test_maps_are_mixed_where_the_mask_is():
    code, other = np.zeros((4, *GRID), np.float32), np.ones((4, *GRID), np.float32)
    mask = np.zeros(GRID)
    mask[2, 3], mask[4, 5] = 1, 0.25
    mixed = brush.blend(code, other, mask)
    assert (mixed[:, 2, 3] == 1).all()
    assert (mixed[:, 4, 5] == 0.25).all()
    assert mixed.sum() == 5
    assert not code.any()
    flat = brush.blend(code.reshape(-1), other.reshape(-1), mask)
    assert np.array_equal(flat.reshape(code.shape), mixed)
