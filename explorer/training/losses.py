"""Losses on tensors, each from its paper; no loop, no network."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return the divergence of N(mean, exp(logvar)) from N(0, 1) per dimension, `(N, D)` nats.

    Closed form of Kingma & Welling 2013 (arXiv:1312.6114), appendix B.
    """
    return 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar)


def sample_posterior(mean: Tensor, logvar: Tensor) -> Tensor:
    """Draw codes `(N, D)` by the reparameterisation of Kingma & Welling 2013, section 2.4."""
    return mean + torch.randn_like(mean) * (0.5 * logvar).exp()


def gaussian_nll(decoded: Tensor, target: Tensor) -> Tensor:
    """Return the negative log likelihood of pictures `(N, ...)` in nats per picture, up to a constant.

    The variance, one for all pixels, is the one that fits the batch best, so that the balance with the KL
    needs no hand-set weight: sigma-VAE (Rybkin et al. 2021, arXiv:2006.13202, section 3).
    """
    pixels = target[0].numel()
    return 0.5 * pixels * functional.mse_loss(decoded, target).log()


def bernoulli_nll(logits: Tensor, target: Tensor) -> Tensor:
    """Return the negative log likelihood of pictures `(N, ...)`, their values taken as probabilities, in nats each.

    The binary cross entropy summed over all values of a picture (Kingma & Welling 2013, appendix C.1).
    """
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="sum") / len(target)


def moment_penalty(codes: Tensor) -> Tensor:
    """Return how far mean and covariance of sampled codes `(N, D)` are from those of N(0, I).

    Squared differences, summed. Keeps dimensions uncorrelated, so that each does something of its own and
    samples of the prior look like data: DIP-VAE-II (Kumar et al. 2018, arXiv:1711.00848, equation 6).
    """
    center = codes.mean(0)
    deviations = codes - center
    covariance = deviations.T @ deviations / len(codes)
    identity = torch.eye(codes.shape[1], device=codes.device)
    return (covariance - identity).square().sum() + center.square().sum()
