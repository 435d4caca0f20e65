"""Code books: written whole, read back, checked."""

import random
import resource

import numpy as np
import pytest

from explorer.data.code_book import CodeBook
from explorer.errors import LatentError, OutputError


@pytest.fixture
def book():
    rng = np.random.default_rng(0)
    return CodeBook(
        mean=rng.normal(size=(20, 3)),
        logvar=rng.normal(size=(20, 3)) - 2,
        names=tuple(f"face{i}.png" for i in range(20)),
        labels={"hair": np.linspace(0, 1, 20), "colour": np.array(["blond", "größer"] * 10)},
        model_sha256="ab" * 32,
    )


def refused(path):
    with pytest.raises(LatentError) as caught:
        CodeBook.load(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_what_is_saved_comes_back(book, tmp_path):
    book.save(tmp_path / "a.codes.npz")
    again = CodeBook.load(tmp_path / "a.codes.npz")
    np.testing.assert_array_equal(again.mean, book.mean)
    np.testing.assert_array_equal(again.logvar, book.logvar)
    assert again.mean.dtype == np.float32
    assert again.names == book.names
    assert again.model_sha256 == book.model_sha256
    assert again.space == "z"
    assert (len(again), again.dim) == (20, 3)
    assert again.labels["colour"].tolist() == book.labels["colour"].tolist()
    np.testing.assert_allclose(again.labels["hair"], book.labels["hair"], rtol=1e-6)


def test_other_programs_find_centre_and_spread(book, tmp_path):
    book.save(tmp_path / "a.npz")
    arrays = np.load(tmp_path / "a.npz")
    np.testing.assert_allclose(arrays["center"], book.mean.mean(0), atol=1e-6)
    expected = np.sqrt(book.mean.var(0) + np.exp(book.logvar).mean(0))
    np.testing.assert_allclose(arrays["spread"], expected, rtol=1e-5)
    assert str(arrays["model_hash"]) == book.model_sha256


def test_codes_cannot_be_changed_by_accident(book):
    with pytest.raises(ValueError, match="read-only"):
        book.mean[0, 0] = 1


def test_a_reference_with_mu_is_a_code_book_too(reference_data):
    book = CodeBook.load(reference_data / "seed-animeface" / "reference.npz")
    assert book.mean.shape == book.logvar.shape == (1044, 10)
    assert book.names[5] == "5"


@pytest.mark.parametrize(
    "arrays",
    [
        {"z": np.zeros((3, 2))},
        {"mean": np.zeros(3)},
        {"mean": np.zeros((0, 2))},
        {"mean": np.full((3, 2), np.nan)},
        {"mean": np.array([["a", "b"]])},
        {"mean": np.zeros((3, 2)), "logvar": np.zeros((3, 4))},
        {"mean": np.zeros((3, 2)), "names": np.array(["a"])},
        {"mean": np.zeros((3, 2)), "labels_hair": np.zeros(2)},
        {"mean": np.array([{}, {}], dtype=object)},
    ],
)
def test_what_is_no_code_book(tmp_path, arrays):
    np.savez(tmp_path / "a.npz", **arrays)
    refused(tmp_path / "a.npz")


def test_damaged_files(book, tmp_path):
    path = tmp_path / "a.npz"
    refused(path)
    refused(tmp_path)
    book.save(path)
    content = path.read_bytes()
    chance = random.Random(7)
    for cut in (0, 1, 30, *(chance.randrange(len(content)) for _ in range(40))):
        path.write_bytes(content[:cut])
        refused(path)


def test_a_place_that_is_not_there(book, tmp_path):
    with pytest.raises(OutputError):
        book.save(tmp_path / "absent" / "a.npz")


def test_a_full_disk_leaves_the_old_book(book, tmp_path):
    path = tmp_path / "a.npz"
    book.save(path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, limits[1]))
    try:
        with pytest.raises(OutputError, match=r"nothing was changed\.$"):
            book.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
