"""Figures against values known in closed form."""

import math

import numpy as np
import pytest

from explorer.training import measures


def test_psnr_of_known_errors():
    assert measures.psnr(0.01) == pytest.approx(20.0)
    assert measures.psnr(255.0**2 / 100, peak=255) == pytest.approx(20.0)
    assert measures.psnr(0.0) == math.inf


def test_the_elbo_of_a_model_that_knows_nothing_is_the_pictures_own_entropy():
    images = np.full((7, 1, 4, 4), 0.25)
    nothing = np.zeros((7, 2), np.float32)
    reached = measures.negative_elbo(
        lambda part: (nothing[: len(part)], nothing[: len(part)]),
        lambda codes: np.full((len(codes), 1, 4, 4), 0.25),
        images,
        samples=2,
    )
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert reached == pytest.approx(16 * entropy)


def test_the_elbo_counts_the_kl_and_draws_from_the_posterior():
    mean = np.full((400, 1), 1.5, np.float32)
    drawn = []

    def decode(codes):
        drawn.append(codes)
        return np.full((len(codes), 1, 1, 1), 0.5)

    reached = measures.negative_elbo(
        lambda part: (mean[: len(part)], np.full((len(part), 1), math.log(0.25), np.float32)),
        decode,
        np.ones((400, 1, 1, 1)),
        samples=20,
    )
    assert reached == pytest.approx(math.log(2) + 0.5 * (1.5**2 + 0.25 - 1 - math.log(0.25)), rel=1e-5)
    codes = np.concatenate(drawn)
    assert len(codes) == 8000
    assert codes.mean() == pytest.approx(1.5, abs=0.03)
    assert codes.std() == pytest.approx(0.5, abs=0.03)


def test_black_and_white_pixels_that_are_certain_cost_no_infinity():
    images = np.array([0.0, 1.0]).reshape(1, 1, 1, 2)
    wrong = measures.negative_elbo(
        lambda part: (np.zeros((1, 1)), np.zeros((1, 1))), lambda codes: 1 - images, images, samples=1
    )
    assert 10 < wrong < 100


def test_neighbours_vote():
    codes = np.array([[0.0, 0], [0, 0.1], [0.1, 0], [5, 5], [5, 5.1], [5.1, 5]])
    labels = np.array([3, 3, 3, 8, 8, 8])
    others = np.array([[0.2, 0.2], [4.5, 4.5], [5, 4], [0, 1]])
    accuracy = measures.knn_accuracy(codes, labels, others, np.array([3, 8, 8, 8]), neighbours=3)
    assert accuracy == pytest.approx(0.75)


def test_components_of_large_pictures_are_found_nearly_as_well_as_those_of_small_ones():
    """More than 4096 values a picture: an approximation, by hand 4 factors and a little noise."""
    draw = np.random.default_rng(0)
    pictures = draw.normal(size=(120, 4)) @ draw.normal(size=(4, 5000)) + 0.1 * draw.normal(size=(120, 5000))
    errors = measures.pca_errors(pictures[:100], 4, {"kept_out": pictures[100:]})
    assert errors["kept_out"] == pytest.approx(0.01, rel=0.2)
    assert measures.pca_errors(pictures[:3], 4, {"kept_out": pictures}) is None


def test_dimensions_that_never_move_have_no_correlation_and_no_warning():
    mean = np.zeros((50, 3))
    mean[:, 0] = np.linspace(-1, 1, 50)
    figures = measures.activity_figures(mean, np.zeros((50, 3)))
    assert figures["largest_correlation"] == 0
    mean[:, 1] = -mean[:, 0]
    assert measures.activity_figures(mean, np.zeros((50, 3)))["largest_correlation"] == pytest.approx(1.0)
