"""What StyleGANs have in common: their spaces, truncation, noise, classes."""

import numpy as np
import pytest
import torch
from style_fakes import tiny_style

from explorer.errors import UsageError
from explorer.latent import activity, sampling
from explorer.models.base import DecodeOptions
from explorer.models.style_noise import Noise
from explorer.render.renderer import Renderer


@pytest.fixture
def model():
    return tiny_style()


@pytest.fixture
def z():
    return np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32)


def decoded(model, codes, space="z", **options):
    return Renderer("cpu").decode(model, codes, space, DecodeOptions(**options), raw=True)


def test_a_code_is_the_same_picture_in_every_space(model, z):
    w, layers = (model.spaces["z"].mapped(z, space) for space in ("w", "w+"))
    assert (w.shape, layers.shape) == ((3, 8), (3, 6 * 8))
    assert np.array_equal(layers.reshape(3, 6, 8), np.repeat(w[:, None], 6, axis=1))
    assert np.allclose(decoded(model, z), decoded(model, w, "w"), atol=1e-5)
    assert np.allclose(decoded(model, z), decoded(model, layers, "w+"), atol=1e-5)
    assert np.allclose(model.spaces["w+"].mapped(layers, "w"), w, atol=1e-6)


def test_w_can_not_become_z(model):
    with pytest.raises(UsageError, match="No mapping from space w to z"):
        model.spaces["w"].mapped(np.zeros((1, 8)), "z")


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_truncation_draws_towards_the_average(model, z, space):
    codes = z if space == "z" else model.spaces["z"].mapped(z, space)
    average = model.network.w_avg.numpy()
    whole = decoded(model, codes, space)
    assert np.array_equal(decoded(model, codes, space, psi=1.0), whole)
    middle = decoded(model, average[None], "w")
    assert np.allclose(decoded(model, codes, space, psi=0.0), np.repeat(middle, 3, axis=0), atol=1e-5)
    halfway = average + 0.5 * (model.spaces["z"].mapped(z, "w") - average)
    assert np.allclose(decoded(model, codes, space, psi=0.5), decoded(model, halfway, "w"), atol=1e-5)


def test_the_cutoff_truncates_only_the_first_layers(model, z):
    average, w = model.network.w_avg.numpy(), model.spaces["z"].mapped(z, "w")
    layers = np.repeat(w[:, None], 6, axis=1)
    layers[:, :2] = average + 0.3 * (layers[:, :2] - average)
    found = decoded(model, z, psi=0.3, psi_cutoff=2)
    assert np.allclose(found, decoded(model, layers.reshape(3, -1), "w+"), atol=1e-5)
    assert np.array_equal(decoded(model, z, psi=0.3, psi_cutoff=0), decoded(model, z))


def test_noise_is_kept_none_or_by_seed_for_all_alike(model, z):
    kept, none = decoded(model, z), decoded(model, z, noise="none")
    random = [decoded(model, z, noise="random", noise_seed=seed) for seed in (3, 3, 4)]
    assert np.array_equal(decoded(model, z, noise="const"), kept)
    assert np.array_equal(random[0], random[1])
    for one, other in ((kept, none), (kept, random[0]), (none, random[0]), (random[0], random[2])):
        assert np.abs(one - other).max() > 0.01
    assert np.array_equal(decoded(model, z[2:], noise="random", noise_seed=3), random[0][2:])


def test_noise_of_neighbouring_layers_and_seeds_has_nothing_in_common():
    like = torch.zeros(1)
    drawn = [
        Noise("random", seed).of(index, None, (32, 32), like) for seed, index in ((0, 0), (0, 1), (1, 0))
    ]
    stacked = np.corrcoef(np.stack([noise.flatten().numpy() for noise in drawn]))
    assert np.abs(stacked - np.eye(3)).max() < 0.15


def test_classes_choose_the_style():
    model = tiny_style(classes=4)
    z = np.random.default_rng(2).standard_normal((1, 8)).astype(np.float32)
    pictures = [decoded(model, z, labels=np.array([label])) for label in range(4)]
    assert np.array_equal(decoded(model, z), pictures[0])
    assert all(np.abs(one - pictures[0]).max() > 0.01 for one in pictures[1:])
    one_hot = decoded(model, np.repeat(z, 4, axis=0), labels=np.eye(4, dtype=np.float32))
    assert np.allclose(one_hot, np.concatenate(pictures), atol=1e-5)
    labels = DecodeOptions(labels=np.array([2]))
    assert np.array_equal(decoded(model, model.spaces["z"].mapped(z, "w", labels), "w"), pictures[2])
    with pytest.raises(UsageError, match="no class 4"):
        decoded(model, z, labels=np.array([4]))


def test_samples_of_w_are_mapped_samples_of_z(model):
    drawn = sampling.sample(model.spaces["w"], 5, 7)
    assert np.allclose(drawn, model.spaces["z"].mapped(sampling.sample(model.spaces["z"], 5, 7), "w"))
    w = model.spaces["w"]
    many = sampling.sample(w, 4000, 1)
    assert np.allclose(many.std(0), w.spread, rtol=0.1)
    assert np.array_equal(w.center, model.network.w_avg.numpy())


@pytest.mark.parametrize("space", ["w", "w+"])
def test_the_estimate_goes_with_what_is_measured(model, space):
    codes = activity.probes(model.spaces[space], count=8)
    estimate = model.estimated_sensitivity(torch.from_numpy(codes), space).numpy()

    def decode(codes):
        return decoded(model, codes, space)

    measured = activity.sensitivity(decode, codes, model.spaces[space].spread)
    assert estimate.shape == measured.shape
    assert np.corrcoef(np.argsort(np.argsort(estimate)), np.argsort(np.argsort(measured)))[0, 1] > 0.5


def test_a_preview_is_what_the_first_blocks_draw(model, z):
    small = model.preview(torch.from_numpy(z), max_side=8)
    whole = model.decode(torch.from_numpy(z))
    assert (small.shape, whole.shape) == ((3, 3, 8, 8), (3, 3, 16, 16))
    assert torch.equal(model.preview(torch.from_numpy(z)), whole)


def test_options_of_other_networks_are_refused(model, z):
    with pytest.raises(UsageError, match="does not use the option transform"):
        decoded(model, z, transform=np.eye(3, dtype=np.float32))
