"""How far codes reach where nothing but the decoder can tell."""

import numpy as np
import pytest

from explorer.latent import ranges


def squashing(width):
    """Return a decoder of 3-D codes whose pictures go from all alike to black and white around codes of `width`."""
    weights = np.random.default_rng(3).standard_normal((3, 16))

    def decode(codes):
        return (0.5 + 0.5 * np.tanh(codes @ weights / width / 3)).reshape(-1, 1, 4, 4)

    return decode


@pytest.mark.parametrize("width", [0.1, 1.0, 8.0])
def test_the_spread_is_that_of_the_codes_that_the_decoder_answers(width):
    center, spread = ranges.provisional(squashing(width), 3)
    assert center.tolist() == [0, 0, 0]
    assert spread.shape == (3,)
    assert spread.dtype == np.float32
    assert width / 3 < spread[0] < 3 * width
    assert len(set(spread.tolist())) == 1


def test_codes_that_are_never_negative_have_the_mean_and_spread_of_a_half_normal():
    center, spread = ranges.provisional(squashing(8.0), 3, positive=True)
    scale = min(ranges.SCALES, key=lambda each: abs(0.798 * each - center[0]))
    drawn = scale * np.abs(np.random.default_rng(0).standard_normal(100_000))
    assert center[0] == pytest.approx(drawn.mean(), rel=0.01)
    assert spread[0] == pytest.approx(drawn.std(), rel=0.01)


def test_the_decoder_is_asked_for_no_negative_code_then():
    asked = []
    ranges.provisional(lambda codes: asked.append(codes.min()) or squashing(1.0)(codes), 3, positive=True)
    assert min(asked) >= 0


def test_a_decoder_that_answers_nothing_or_nonsense_leaves_a_spread_of_one():
    for pictures in (np.zeros((64, 1, 2, 2)), np.full((64, 1, 2, 2), np.nan)):
        center, spread = ranges.provisional(lambda codes, pictures=pictures: pictures, 2)
        assert (center.tolist(), spread.tolist()) == ([0, 0], [1, 1])


def test_the_largest_scales_may_overflow():
    def decode(codes):
        codes = codes[:, :1, None, None]
        return np.where(np.abs(codes) > 20, np.nan, np.clip(codes, 0, 1))

    spread = ranges.provisional(decode, 1)[1]
    assert 0.1 < spread[0] < 3
