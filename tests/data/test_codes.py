"""Codes from files, in every shape whose product fits."""

import numpy as np
import pytest

from explorer.data.codes import load_codes
from explorer.errors import LatentError
from explorer.models.base import Space

SPACE = Space("z", (10,))


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (np.ones((4, 10)), 4),
        (np.ones((4, 10, 1, 1), np.float64), 4),
        (np.ones((4, 10, 1), np.int32), 4),
        (np.ones(10), 1),
    ],
)
def test_shapes_that_fit(tmp_path, array, count):
    np.save(tmp_path / "z.npy", array)
    codes = load_codes(tmp_path / "z.npy", SPACE)
    assert codes.shape == (count, 10)
    assert codes.dtype == np.float32


def test_a_single_code_of_a_map_is_told_from_many(tmp_path):
    space = Space("z", (4, 2, 2))
    np.save(tmp_path / "z.npy", np.ones((4, 2, 2)))
    assert load_codes(tmp_path / "z.npy", space).shape == (1, 16)


def test_fortran_order_is_the_same(tmp_path):
    array = np.arange(40, dtype=np.float32).reshape(4, 10)
    np.save(tmp_path / "z.npy", np.asfortranarray(array))
    np.testing.assert_array_equal(load_codes(tmp_path / "z.npy", SPACE), array)


@pytest.mark.parametrize("name", ["mean", "mu", "z", "codes"])
def test_the_usual_names_in_an_npz(tmp_path, name):
    np.savez(tmp_path / "z.npz", other=np.zeros(3), **{name: np.ones((4, 10))})
    assert load_codes(tmp_path / "z.npz", SPACE).shape == (4, 10)


def test_the_references_codes_are_those_of_its_pictures(reference_data):
    path = reference_data / "seed-animeface" / "reference.npz"
    np.testing.assert_array_equal(load_codes(path, SPACE), np.load(path)["z"])


@pytest.mark.parametrize(
    "array",
    [
        np.ones((4, 9)),
        np.ones(9),
        np.ones((0, 10)),
        np.array(3.0),
        np.full((2, 10), np.nan),
        np.array([["a"] * 10]),
        np.array([{}], dtype=object),
        np.ones((2, 10), complex),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(tmp_path, array):
    np.save(tmp_path / "z.npy", array, allow_pickle=True)
    with pytest.raises(LatentError, match=r"z\.npy.*\.$"):
        load_codes(tmp_path / "z.npy", SPACE)


def test_only_the_spaces_own_shape_is_taken_apart(tmp_path):
    space = Space("z", (4, 2, 2))
    for shape in [(3, 4, 2, 2), (3, 16), (3, 16, 1, 1)]:
        np.save(tmp_path / "z.npy", np.ones(shape))
        assert load_codes(tmp_path / "z.npy", space).shape == (3, 16)
    np.save(tmp_path / "z.npy", np.ones((3, 8, 2)))
    with pytest.raises(LatentError, match=r"3x8x2, .*16 dimensions of the shape 4x2x2"):
        load_codes(tmp_path / "z.npy", space)
    np.save(tmp_path / "z.npy", np.ones((2, 5, 2)))
    with pytest.raises(LatentError, match=r"2x5x2, .*10 dimensions; give"):
        load_codes(tmp_path / "z.npy", SPACE)


def test_why_codes_are_no_codes(tmp_path):
    np.save(tmp_path / "z.npy", np.full((2, 10), 1e48))
    with pytest.raises(LatentError, match=r"up to 1e\+48, which is too large for float32"):
        load_codes(tmp_path / "z.npy", SPACE)
    np.save(tmp_path / "z.npy", np.zeros((0, 10)))
    with pytest.raises(LatentError, match="There are no codes"):
        load_codes(tmp_path / "z.npy", SPACE)


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00\xff\xff{", b"PK\x03\x04"])
def test_files_that_are_none(tmp_path, content):
    (tmp_path / "z.npy").write_bytes(content)
    with pytest.raises(LatentError, match=r"z\.npy.*\.$"):
        load_codes(tmp_path / "z.npy", SPACE)
    with pytest.raises(LatentError, match="no such file"):
        load_codes(tmp_path / "absent.npy", SPACE)
