"""Which dimensions a model uses."""

import numpy as np
import pytest

from explorer.latent import activity
from explorer.models.base import Space


def picture_of(codes):
    """Decode (N, 3) to 2x2 pictures: dimension 0 moves all pixels, 1 one of them, 2 none."""
    pictures = np.zeros((len(codes), 1, 2, 2))
    pictures += 0.1 * codes[:, 0, None, None, None]
    pictures[:, 0, 0, 0] += 0.2 * codes[:, 1]
    return pictures


def test_kl_is_the_closed_form_of_kingma_and_welling():
    mean, logvar = np.array([[0.0, 1.0], [0.0, -3.0]]), np.array([[0.0, 0.0], [0.0, np.log(0.5)]])
    expected = [0.0, ((1 + 1 - 1 - 0) + (9 + 0.5 - 1 + np.log(2))) / 4]
    assert activity.kl_per_dim(mean, logvar) == pytest.approx(expected)


def test_sensitivity_is_the_mean_absolute_change_for_one_spread():
    codes = np.random.default_rng(0).normal(size=(5, 3))
    found = activity.sensitivity(picture_of, codes, np.array([1.0, 2.0, 1.0]))
    assert found == pytest.approx([25.5, 255 * 0.4 / 4, 0.0], abs=1e-4)


def test_kl_decides_where_there_is_one():
    judged = activity.judge(np.array([0.05, 0.2, np.nan, np.inf]), np.array([4.0, 2.0, np.nan, 1.0]))
    assert judged.active.tolist() == [False, True, False, True]
    assert judged.influence.tolist() == [1.0, 0.5, 0.0, 0.25]


def test_sensitivity_decides_without_a_posterior():
    judged = activity.judge(None, np.array([100.0, 1.01, 0.99]))
    assert judged.active.tolist() == [True, True, False]
    assert judged.kl is None


def test_all_may_be_active_and_a_constant_decoder_hides_nothing():
    assert activity.judge(None, np.array([3.0, 2.0, 2.5])).active.all()
    flat = activity.judge(None, np.zeros(4))
    assert flat.active.all()
    assert not flat.influence.any()
    with pytest.raises(ValueError, match="neither"):
        activity.judge(None, None)


def test_nothing_is_active_where_nothing_could_be_measured():
    assert not activity.judge(None, np.full(4, np.nan)).active.any()
    assert activity.judge(None, np.array([np.nan, 1.0])).active.tolist() == [False, True]


def test_kl_alone_orders_by_kl():
    assert activity.judge(np.array([0.5, 2.0]), None).influence.tolist() == [0.25, 1.0]


def test_probes_are_codes_of_the_book_or_prior_samples():
    space = Space("z", (2,))
    book = np.arange(1000, dtype=np.float32).reshape(500, 2)
    chosen = activity.probes(space, book)
    assert chosen.shape == (64, 2)
    assert set(map(tuple, chosen)) <= set(map(tuple, book))
    assert activity.probes(space, book[:5]).shape == (5, 2)
    assert activity.probes(space).shape == (64, 2)


def test_the_face_model_of_the_article(reference_data):
    reference = np.load(reference_data / "seed-animeface" / "reference.npz")
    kl = activity.kl_per_dim(reference["mu"], reference["logvar"])
    assert kl == pytest.approx(reference["kl_per_dim"], abs=1e-5)
    assert (np.flatnonzero(activity.judge(kl, None).active) + 1).tolist() == [3, 4, 5, 7, 9]
