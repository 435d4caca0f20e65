"""Models of maps: any size of map, smaller pictures for a drag, and codes of spaces over the map."""

import map_files
import numpy as np
import pytest
import torch

from explorer.formats import open_latent
from explorer.models.base import Space


@pytest.fixture
def held():
    return map_files.kl()


@pytest.fixture
def model(tmp_path, held):
    return open_latent(map_files.write(tmp_path / "vae", held, sample_size=256)).model


def test_maps_of_any_size_are_drawn(model, held):
    other = model.drawing((4, 6, 10))
    assert (other.image.height, other.image.width, other.spaces["z"].dim) == (12, 20, 240)
    codes = torch.randn(2, 4, 6, 10)
    assert torch.allclose(other.decode_raw(codes), map_files.decode(held, codes), atol=1e-4)
    assert model.image.height == 256
    assert other.network is model.network
    assert float(other.spaces["z"].spread[0]) == float(model.spaces["z"].spread[0])


@pytest.mark.parametrize("shape", [(3, 8, 8), (4, 8), (4, 0, 8), (4, 9000, 9000)])
def test_what_is_no_map_of_this_model(model, shape):
    assert model.drawing(shape) is None


def test_its_own_maps_change_nothing(model):
    assert model.drawing(model.spaces["z"].shape) is model


def test_a_preview_is_smaller(model):
    codes = torch.zeros(1, model.spaces["z"].dim)
    assert model.preview(codes).shape[2:] == (128, 128)
    assert model.preview(codes, max_side=100).shape[2:] == (128, 128)
    assert model.preview(codes, max_side=10).shape[2:] == (64, 64)
    assert model.preview(codes, max_side=256).shape[2:] == (256, 256)
    assert torch.allclose(model.preview(codes, max_side=256), model.decode(codes))


def test_codes_of_a_mapped_space_decode(model):
    first = model.spaces["z"]
    model.spaces["v"] = Space("v", (first.dim,), mappings={"z": lambda codes, options: 2 * codes})
    codes = torch.randn(1, first.dim)
    assert torch.equal(model.decode_raw(codes, "v"), model.decode_raw(2 * codes))
    assert torch.equal(model.preview(codes, "v"), model.preview(2 * codes))


def test_decode_takes_maps_of_another_size(tmp_path, held, done, call):
    folder = map_files.write(tmp_path / "vae", held, sample_size=512)
    codes = np.random.default_rng(0).standard_normal((2, 4, 4, 6), np.float32)
    np.save(tmp_path / "z.npy", codes)
    done("decode", folder, "--latents", tmp_path / "z.npy", "--out", tmp_path / "i.npy", "--raw")
    wanted = map_files.decode(held, torch.from_numpy(codes)).numpy()
    assert np.abs(np.load(tmp_path / "i.npy") - wanted).max() < 1e-4
    np.save(tmp_path / "z.npy", codes[:, :3])
    outcome = call("decode", folder, "--latents", tmp_path / "z.npy", "--out", tmp_path / "i.npy")
    assert outcome.refused("2x3x4x6")
