"""Spaces without a prior get ranges when their checkpoint is opened, from a code book or from the decoder."""

import fakes
import numpy as np
import pytest
import sessions

from explorer.data.code_book import CodeBook
from explorer.formats import open_latent, ranges
from explorer.latent.sampling import sample


@pytest.fixture
def without_prior(tmp_path):
    """A checkpoint that states that its codes have no prior."""
    return sessions.save_kind(tmp_path, "none")


def test_without_a_code_book_the_decoder_tells(without_prior):
    space = open_latent(without_prior).model.spaces["z"]
    assert ranges.is_provisional(space)
    assert space.spread[0] != 1.0
    assert len(set(space.spread.tolist())) == 1
    assert open_latent(without_prior).model.spaces["z"].spread.tolist() == space.spread.tolist()


def test_a_code_book_goes_before_the_decoder(without_prior):
    mean = np.random.default_rng(0).normal(7, 2, (50, 5)).astype(np.float32)
    CodeBook(mean).save(without_prior.parent / "model.codes.npz")
    space = open_latent(without_prior).model.spaces["z"]
    assert not ranges.is_provisional(space)
    assert space.center == pytest.approx(mean.mean(axis=0), rel=1e-5)


def test_a_stated_prior_is_left_alone(tmp_path):
    space = open_latent(sessions.save_kind(tmp_path, "uniform")).model.spaces["z"]
    assert not ranges.is_provisional(space)
    assert space.spread[0] == pytest.approx(3**-0.5)


def test_codes_behind_a_relu_are_never_negative():
    model = fakes.autoencoder()
    ranges.settle(model)
    space = model.spaces["z"]
    assert space.center[0] > 0
    assert space.floor == 0
    assert sample(space, 500, 0).min() == 0
    other = fakes.autoencoder(last="identity")
    ranges.settle(other)
    assert other.spaces["z"].center[0] == 0
    assert sample(other.spaces["z"], 500, 0).min() < 0


def test_measured_codes_behind_a_relu_stay_above_it_too():
    model = fakes.autoencoder()
    model.spaces["z"] = model.spaces["z"].with_data(np.abs(np.random.default_rng(0).normal(size=(50, 3))))
    ranges.settle(model)
    assert model.spaces["z"].measured
    assert sample(model.spaces["z"], 500, 0).min() == 0


@pytest.mark.parametrize("scale", [0.5, 4.0, 12.0])
def test_the_scale_is_that_of_the_network(scale):
    model = fakes.autoencoder(scale=scale, last="identity")
    ranges.settle(model)
    pictures = np.random.default_rng(0).random((200, 1, 8, 8)).astype(np.float32)
    import torch

    told = float(model.encode(torch.from_numpy(pictures)).mean.std(0).mean())
    assert told / 5 < model.spaces["z"].spread[0] < told * 5


def test_what_is_said_names_a_way_that_there_is():
    assert ranges.unknown_prior(fakes.autoencoder()).endswith("encode pictures to measure them.")
    generator = fakes.conditional()
    assert "NAME.codes.npz" in ranges.unknown_prior(generator)
    assert "encode pictures" not in ranges.unknown_prior(generator)


def test_a_prior_that_is_only_usual_is_noted_and_a_stated_one_is_not(reference_data, tmp_path):
    dcgan = reference_data / "trained-checkpoints" / "pytorch_examples_dcgan" / "netG_epoch_29.pth"
    (note,) = [note for note in open_latent(dcgan).model.notes if "N(0, I)" in note]
    assert note.endswith(".")
    assert "assumed" in note
    told = open_latent(dcgan, hints={"prior": "normal"}).model
    vae = open_latent(reference_data / "seed-animeface" / "vaeg.pth").model
    native = open_latent(sessions.save_kind(tmp_path, "fc-gan")).model
    for model in (told, vae, native):
        assert not any("N(0, I)" in note for note in model.notes)
