"""Losses against values known in closed form, or computed another way."""

import math

import torch

from explorer.training import losses


def test_kl_is_zero_for_the_prior_and_known_elsewhere():
    mean = torch.tensor([[0.0, 2.0, 0.0]])
    logvar = torch.tensor([[0.0, 0.0, math.log(4.0)]])
    expected = [0.0, 2.0, 0.5 * (4.0 - 1.0 - math.log(4.0))]
    assert torch.allclose(losses.kl_divergence(mean, logvar), torch.tensor([expected]))


def test_kl_equals_that_of_torch_distributions():
    mean, logvar = torch.randn(5, 3), torch.randn(5, 3)
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (0.5 * logvar).exp()), normal(0.0, 1.0))
    assert torch.allclose(losses.kl_divergence(mean, logvar), expected, atol=1e-5)


def test_samples_have_the_posterior_s_mean_and_spread():
    torch.manual_seed(0)
    mean, logvar = torch.full((20_000, 1), 3.0), torch.full((20_000, 1), math.log(0.25))
    drawn = losses.sample_posterior(mean, logvar)
    assert abs(float(drawn.mean()) - 3.0) < 0.02
    assert abs(float(drawn.std()) - 0.5) < 0.02


def test_the_likelihood_is_that_of_the_best_variance():
    torch.manual_seed(0)
    decoded, target = torch.randn(4, 1, 5, 5), torch.randn(4, 1, 5, 5)
    variance = (decoded - target).square().mean()
    normal = torch.distributions.Normal(decoded, variance.sqrt())
    expected = -normal.log_prob(target).flatten(1).sum(1).mean()
    constant = 25 * 0.5 * (1 + math.log(2 * math.pi))
    assert torch.allclose(losses.gaussian_nll(decoded, target) + constant, expected, atol=1e-4)


def test_moments_cost_nothing_for_whitened_codes_and_something_for_tied_ones():
    torch.manual_seed(0)
    codes = torch.randn(512, 4)
    codes = codes - codes.mean(0)
    covariance = codes.T @ codes / 512
    white = codes @ torch.linalg.inv(torch.linalg.cholesky(covariance)).T
    assert float(losses.moment_penalty(white)) < 1e-6
    tied = white.clone()
    tied[:, 1] = tied[:, 0]
    assert 1.99 < float(losses.moment_penalty(tied)) < 2.01
    assert 3.99 < float(losses.moment_penalty(white + 1.0)) < 4.01


def test_grey_values_are_likely_by_their_own_entropy_at_best():
    target = torch.full((3, 1, 2, 2), 0.3)
    logits = torch.full((3, 1, 2, 2), math.log(0.3 / 0.7))
    entropy = -(0.3 * math.log(0.3) + 0.7 * math.log(0.7))
    assert math.isclose(float(losses.bernoulli_nll(logits, target)), 4 * entropy, rel_tol=1e-5)
    assert float(losses.bernoulli_nll(logits + 1, target)) > 4 * entropy
