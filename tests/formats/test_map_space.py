"""The space of principal directions: there with a code book beside a model of maps, whole, and of use in a command."""

import map_files
import numpy as np
import pytest
import torch

from explorer.data.code_book import CodeBook
from explorer.formats import open_latent, ranges


@pytest.fixture
def folder(tmp_path):
    return map_files.write(tmp_path / "vae", map_files.kl())


def with_book(folder, count=12):
    """Open a folder with a code book of random pictures beside it."""
    model = open_latent(folder).model
    images = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    given = model.encode(images)
    book = CodeBook.of(model, given.mean.flatten(1).numpy(), given.logvar.flatten(1).numpy())
    book.save(folder.parent / f"{folder.name}.codes.npz")
    return open_latent(folder)


def test_with_a_code_book(folder):
    opened = with_book(folder)
    model, codes = opened.model, opened.code_book.mean
    space = model.spaces[model.space_called("pca")]
    assert (model.default_space, space.dim, space.leading) == ("z", codes.shape[1], 11)
    assert (space.spread[:10] >= space.spread[1:11]).all()
    assert space.spread[11:].max() < space.spread[10]
    coords = model.spaces["z"].mapped(codes, space.name)
    assert np.allclose(coords[:, :11].std(axis=0), space.spread[:11], rtol=1e-3)
    assert np.abs(space.mapped(coords, "z") - codes).max() < 1e-5
    assert torch.equal(
        model.decode_raw(torch.from_numpy(coords[:2]), space.name),
        model.decode_raw(torch.from_numpy(space.mapped(coords[:2], "z"))),
    )


def test_a_slider_changes_its_direction_alone(folder):
    opened = with_book(folder)
    space = opened.model.spaces[opened.model.explored_space]
    coords = opened.model.spaces["z"].mapped(opened.code_book.mean[:1], space.name)
    moved = coords.copy()
    moved[0, 2] += 1
    step = space.mapped(moved, "z") - space.mapped(coords, "z")
    again = space.mapped(np.eye(space.dim, dtype=np.float32)[2:3], "z") - space.mapped(
        space.center[None], "z"
    )
    assert np.allclose(step, again, atol=1e-5)
    assert np.linalg.norm(step) == pytest.approx(1, abs=1e-4)


def test_none_without_a_book_or_with_too_small_a_one(folder):
    assert list(open_latent(folder).model.spaces) == ["z"]
    assert list(with_book(folder, 2).model.spaces) == ["z"]


def test_a_book_made_meanwhile(folder):
    without, book = open_latent(folder), with_book(folder).code_book
    opened = ranges.measured(without, book)
    assert [space.letters for space in opened.model.spaces.values()] == ["z", "pca"]
    assert list(without.model.spaces) == ["z"]
    few = CodeBook(book.mean[:5])
    other = ranges.measured(opened, few).model
    assert other.spaces[other.explored_space].leading == 4
    assert other.explored_space != opened.model.explored_space  # its codes mean something else
    assert list(other.spaces["z"].mappings) == [other.explored_space]
    too_few = ranges.measured(opened, CodeBook(book.mean[:2])).model
    assert list(too_few.spaces) == ["z"]
    assert not too_few.spaces["z"].mappings


def test_a_model_of_rows_has_none(tiny_model):
    book = CodeBook(np.random.default_rng(0).standard_normal((9, 4)))
    ranges.take(tiny_model, book)
    assert list(tiny_model.spaces) == ["z"]


def test_commands_take_the_space(folder, tmp_path, done):
    opened = with_book(folder)
    codes = opened.code_book.mean[:2]
    np.save(tmp_path / "z.npy", codes)
    np.save(tmp_path / "pca.npy", opened.model.spaces["z"].mapped(codes, opened.model.explored_space))
    done("decode", folder, "--latents", tmp_path / "z.npy", "--out", tmp_path / "one.npy")
    done(
        "decode", folder, "--latents", tmp_path / "pca.npy", "--out", tmp_path / "other.npy", "--space", "pca"
    )
    assert np.abs(np.load(tmp_path / "one.npy") - np.load(tmp_path / "other.npy")).max() < 1e-4
    done("export", "sheet", folder, "--space", "pca", "--steps", "2", "--out", tmp_path / "sheet.png")
    from PIL import Image

    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height < 256 * 16  # the principal directions, not all of the map
