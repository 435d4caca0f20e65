"""`digits-2d`, `faces-64` and `faces-wgan-gp`: their figures, on fewer pictures than `bench --quality` takes."""

import gzip

import numpy as np
import pytest
import torch

from explorer import paths
from explorer.data.images import read_pictures
from explorer.formats import open_latent
from explorer.latent.activity import judge, kl_per_dim
from explorer.latent.sampling import sample
from explorer.models.base import ImageSpec
from explorer.training import measures, quality

PCA_64 = 17.98
"""dB of 64 principal components of the faces that `faces-64` learnt from, on the same 500 faces."""


@pytest.fixture(scope="module")
def last_faces(reference_data):
    """The last 2048 faces, which nothing learnt from, uint8 `(2048, 64, 64, 3)`."""
    return read_pictures(reference_data / "anime-faces-64" / "faces.zip", ImageSpec(3, 64, 64)).images[-2048:]


def _unit(images):
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255


def _pixels(images):
    return (255 * images).round().byte().permute(0, 2, 3, 1).numpy()


def test_bundled_files_are_small_and_open_with_their_code_books():
    files = {name: path.stat().st_size for name, path in paths.bundled().items()}
    assert set(files) >= {"digits-2d", "faces-64", "faces-wgan-gp", "hair-translate", "twin-faces"}
    assert max(files.values()) < 8e6
    assert sum(path.stat().st_size for path in paths.checkpoints().iterdir()) < 40e6
    for name in ("digits-2d", "faces-64", "twin-faces"):
        opened = open_latent(name)
        assert opened.code_book.model_sha256 == opened.model.origin.sha256
        assert opened.model.notes == ()


def test_digits_are_likely_and_lie_among_their_kind(reference_data):
    folder = reference_data / "mnist-10k"
    images = read_pictures(folder / "t10k-images-idx3-ubyte.gz", ImageSpec(1, 28, 28)).images
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:], np.uint8)
    opened = open_latent("digits-2d")
    model, book = opened.model, opened.code_book
    assert np.array_equal(book.labels["digit"].astype(int), labels)

    def encode(part):
        found = model.encode(torch.from_numpy(part))
        return found.mean.numpy(), found.logvar.numpy()

    def decode(codes):
        return model.decode(torch.from_numpy(codes)).numpy()

    with torch.inference_mode():
        elbo = measures.negative_elbo(encode, decode, _unit(images[-1000:]).numpy(), samples=2, seed=0)
    assert elbo <= 157
    accuracy = measures.knn_accuracy(book.mean[:-1000], labels[:-1000], book.mean[-1000:], labels[-1000:])
    assert accuracy >= 0.68
    assert len(judge(kl_per_dim(book.mean, book.logvar), None).active) == 2


def test_faces_are_rebuilt_as_well_as_by_as_many_principal_components(last_faces):
    model = open_latent("faces-64").model
    assert model.spaces["z"].dim == 64
    assert model.trained["data"]["kept_out"] == 2048
    with torch.inference_mode():
        images = _unit(last_faces[-500:])
        again = model.decode(model.encode(images).mean)
    assert measures.psnr(measures.mean_squared_error(again.numpy(), images.numpy())) >= PCA_64


def test_faces_know_hair_and_eyes():
    book = open_latent("faces-64").code_book
    assert set(book.labels) == {"hair", "eyes"}
    assert len(np.unique(book.labels["hair"])) == 12


def test_a_gans_faces_are_spread_like_real_ones(last_faces):
    model = open_latent("faces-wgan-gp").model
    codes = torch.from_numpy(np.array(sample(model.spaces["z"], 512, seed=0)))
    with torch.inference_mode():
        made = _pixels(model.decode(codes))
    near, far = (
        np.mean(list(quality.sliced_wasserstein(these, last_faces[::4], directions=64).values()))
        for these in (last_faces[1::4], made)
    )
    assert far <= 4 * near
    assert quality.variety(made) > 0.8 * quality.variety(last_faces[:512])
