"""Ways from one code to another."""

import numpy as np
import pytest

from explorer.latent.interpolation import lerp, path, slerp

A = np.array([1.0, 0.0, 0.1], np.float32)
B = np.array([0.0, 2.0, 0.3], np.float32)


@pytest.mark.parametrize("kind", ["lerp", "slerp"])
def test_both_ends_are_exact_and_the_order_is_from_a_to_b(kind):
    codes = path(A, B, 7, kind)
    assert codes.shape == (7, 3)
    assert codes.dtype == np.float32
    assert np.array_equal(codes[0], A)
    assert np.array_equal(codes[-1], B)
    assert codes[::-1] == pytest.approx(path(B, A, 7, kind), abs=1e-6)


def test_lerp_is_a_straight_line_at_even_pace():
    assert np.diff(path(A, B, 5), axis=0) == pytest.approx(np.tile((B - A) / 4, (4, 1)), abs=1e-6)
    assert lerp(A, B, 0.25) == pytest.approx(0.75 * A + 0.25 * B)


def test_slerp_keeps_the_length_and_the_angle_grows_evenly():
    a, b = np.array([3.0, 0, 0]), np.array([0, 3.0, 0])
    codes = path(a, b, 10, "slerp")
    assert np.linalg.norm(codes, axis=1) == pytest.approx(np.full(10, 3.0), abs=1e-5)
    assert np.degrees(np.arctan2(codes[:, 1], codes[:, 0])) == pytest.approx(np.linspace(0, 90, 10), abs=1e-3)


@pytest.mark.parametrize("b", [A * 2, -A, np.zeros(3)], ids=["parallel", "opposite", "zero"])
def test_slerp_without_an_arc_takes_the_straight_line(b):
    assert slerp(A, b, np.array([0.2, 0.5])) == pytest.approx(lerp(A, b, np.array([0.2, 0.5])), abs=1e-7)


def test_one_step_is_the_start_and_the_inputs_stay_as_they_were():
    a, b = A.copy(), B.copy()
    assert np.array_equal(path(a, b, 1), [A])
    path(a, b, 3)[:] = 9
    assert np.array_equal(a, A)
    assert np.array_equal(b, B)


def test_the_reference_strip(reference_data):
    reference = np.load(reference_data / "seed-animeface" / "reference.npz")
    first, last = reference["mu"][reference["strip_indices"]]
    assert path(first, last, 9) == pytest.approx(reference["strip_codes"], abs=1e-6)
