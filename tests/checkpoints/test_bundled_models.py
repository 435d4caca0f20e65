"""The models that come with the program: what they are, and their figures, measured again."""

import numpy as np
import pytest
import torch

from explorer.data.images import read_pictures
from explorer.formats import open_latent, open_stage
from explorer.latent.activity import judge, kl_per_dim
from explorer.models.base import ImageSpec, check_stages
from explorer.training.measures import mean_squared_error, pca_errors


@pytest.fixture(scope="module")
def faces():
    return open_latent("anime-faces")


@pytest.fixture(scope="module")
def colorizer():
    return open_stage("anime-colorizer")


@pytest.fixture(scope="module")
def grey_faces(reference_data):
    """The 1044 faces in grey, uint8 `(1044, 30, 30, 1)`."""
    return read_pictures(reference_data / "seed-animeface" / "faces-30x30.zip", ImageSpec(1, 30, 30)).images


def _luminance(rgb):
    return 0.3 * rgb[:, 0] + 0.59 * rgb[:, 1] + 0.11 * rgb[:, 2]


def _chroma(rgb):
    return rgb[:, [0, 2]] - _luminance(rgb)[:, None]


def test_the_face_model_is_the_one_promised(faces):
    model = faces.model
    assert model.architecture == "fc-vae"
    assert model.spaces["z"].dim == 10
    assert str(model.image) == "1x30x30"
    assert (model.native_range.low, model.native_range.high) == (0.0, 255.0)
    assert model.notes == ()
    assert model.trained["data"]["kept_out_names"] == ["face0945.png", "face1044.png"]
    assert model.trained["data"]["near_copies_removed"] > 0


def test_its_code_book_belongs_to_it_and_has_labels_worth_colouring_by(faces):
    book = faces.code_book
    assert len(book) == 1044
    assert book.model_sha256 == faces.model.origin.sha256
    assert book.names[0] == "face0001.png"
    assert set(np.unique(book.labels["hair colour"])) >= {"black", "blonde", "blue", "brown", "pink"}
    for column in ("hair brightness", "background brightness", "brightness"):
        values = book.labels[column]
        assert np.isfinite(values).all()
        assert values.std() > 20
    # the codes know how bright the hair is, so the map shows it in order: R^2 of a linear fit
    design = np.c_[book.mean, np.ones(1044)]
    hair = book.labels["hair brightness"]
    fitted = design @ np.linalg.lstsq(design, hair, rcond=None)[0]
    assert 1 - np.var(hair - fitted) / np.var(hair) > 0.5


def test_its_codes_lie_like_the_prior(faces):
    book = faces.code_book
    spread = faces.model.spaces["z"].spread
    assert np.abs(book.mean.mean(0)).max() < 0.5
    assert spread.min() > 0.8
    assert spread.max() < 1.25


def test_all_its_dimensions_are_active(faces):
    kl = kl_per_dim(faces.code_book.mean, faces.code_book.logvar)
    assert judge(kl, None).active.sum() >= 8
    assert kl.min() > 0.5


def test_its_code_book_is_what_it_encodes(faces, grey_faces):
    with torch.inference_mode():
        images = torch.from_numpy(grey_faces).permute(0, 3, 1, 2).float() / 255
        encoded = faces.model.encode(images)
    assert np.abs(encoded.mean.numpy() - faces.code_book.mean).max() < 1e-3


def test_it_reconstructs_better_than_ten_principal_components(faces, grey_faces):
    learnt, kept_out = grey_faces[:944], grey_faces[944:]
    yardstick = pca_errors(learnt, 10, {"learnt": learnt, "kept_out": kept_out})
    assert round(yardstick["learnt"]) == 1693
    assert round(yardstick["kept_out"]) == 1922
    with torch.inference_mode():
        codes = torch.tensor(faces.code_book.mean)
        decoded = 255 * faces.model.decode(codes).permute(0, 2, 3, 1).numpy()
    assert mean_squared_error(decoded[:944], learnt) <= 0.97 * yardstick["learnt"]
    assert mean_squared_error(decoded[944:], kept_out) <= 1.05 * yardstick["kept_out"]


def test_the_colour_stage_fits_behind_it_and_keeps_luminance(faces, colorizer):
    assert str(check_stages(faces.model.image, [colorizer])) == "3x30x30"
    assert colorizer.parameter_count < 400_000
    with torch.inference_mode():
        grey = faces.model.decode(torch.tensor(faces.code_book.mean[::20]))
        coloured = colorizer.apply(grey)
    assert float((_luminance(coloured) - grey[:, 0]).abs().max()) < 1e-5
    assert float(255 * _chroma(coloured).norm(dim=1).mean()) > 15  # no sepia, no grey


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (31, 64), (100, 33)])
def test_the_colour_stage_takes_any_size(colorizer, size):
    grey = torch.linspace(0, 1, size[0] * size[1]).reshape(1, 1, *size)
    with torch.inference_mode():
        coloured = colorizer.apply(grey)
    assert coloured.shape == (1, 3, *size)
    assert float((_luminance(coloured) - grey[:, 0]).abs().max()) < 1e-5


def test_colours_move_smoothly_with_a_slider(faces, colorizer):
    """Along whole sliders in steps of 0.05 spreads no step changes the colour of a picture abruptly."""
    space = faces.model.spaces["z"]
    steps = torch.arange(-3, 3.001, 0.05)
    for dim in range(10):
        codes = torch.tensor(faces.code_book.mean[dim * 100]).repeat(len(steps), 1)
        codes[:, dim] = float(space.center[dim]) + steps * float(space.spread[dim])
        with torch.inference_mode():
            chroma = 255 * _chroma(colorizer.apply(faces.model.decode(codes)))
        change = (chroma[1:] - chroma[:-1]).abs().flatten(1).mean(1)
        assert float(change.max()) < 5, dim  # of 255
