"""`convert`: codes of one space to another; codes of rows and of one row."""

import numpy as np
import pytest
from style_fakes import tiny_style


@pytest.fixture
def z(tmp_path):
    codes = np.random.default_rng(3).standard_normal((2, 8)).astype(np.float32)
    np.save(tmp_path / "z.npy", codes)
    return codes


@pytest.fixture
def opened(monkeypatch):
    """Make the command line open a tiny StyleGAN2."""
    from explorer.cli import work
    from explorer.formats import Opened

    model = tiny_style()
    monkeypatch.setattr(work, "open_model", lambda file, engine: Opened(model))
    return model


def test_z_becomes_w_and_w_plus(done, opened, z, tmp_path):
    for space, shape in (("w", (2, 8)), ("w+", (2, 6, 8))):
        done("convert", "style", "--latents", tmp_path / "z.npy", "--to", space, "--out", tmp_path / "to.npy")
        found = np.load(tmp_path / "to.npy")
        assert found.shape == shape
        assert np.allclose(found.reshape(2, -1), opened.spaces["z"].mapped(z, space), atol=1e-6)


def test_rows_may_be_given_once_and_equal_rows_are_one(done, opened, z, tmp_path):
    w = opened.spaces["z"].mapped(z, "w")
    pictures = []
    for space, codes in (("w", w), ("w+", w), ("w", np.repeat(w[:, None], 6, axis=1))):
        np.save(tmp_path / "codes.npy", codes)
        arguments = ("--latents", tmp_path / "codes.npy", "--space", space, "--out", tmp_path / "out.npy")
        done("decode", "style", *arguments, "--raw")
        pictures.append(np.load(tmp_path / "out.npy"))
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])


def test_rows_that_differ_are_no_code_of_one_row(call, opened, z, tmp_path):
    np.save(tmp_path / "codes.npy", np.random.default_rng(0).standard_normal((2, 6, 8)).astype(np.float32))
    arguments = ("--latents", tmp_path / "codes.npy", "--space", "w", "--out", tmp_path / "out.npy")
    said = call("decode", "style", *arguments)
    assert said.status == 3
    assert "2x6x8" in said.err


def test_a_way_that_is_not_there_is_a_sentence(call, opened, z, tmp_path):
    arguments = ("--latents", tmp_path / "z.npy", "--to", "x", "--out", tmp_path / "to.npy")
    said = call("convert", "style", *arguments)
    assert said.status == 2
    assert "No mapping from space z to x" in said.err
    assert not (tmp_path / "to.npy").exists()


def test_noise_and_truncation_are_options_of_the_command_line(done, opened, z, tmp_path):
    def decoded(*options):
        done("decode", "style", "--latents", tmp_path / "z.npy", "--out", tmp_path / "out.npy", *options)
        return np.load(tmp_path / "out.npy")

    plain = decoded()
    one, same, other = (
        decoded("--noise", "random", *seed)
        for seed in (("--noise-seed", "1"), ("--noise-seed", "1"), ("--noise-seed", "2"))
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
    assert not np.array_equal(plain, decoded("--psi", "0.5"))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [(("--psi-cutoff", "2"), "give --psi, too"), (("--noise-seed", "1"), "give --noise random, too")],
)
def test_half_of_an_option_is_a_sentence(call, opened, z, tmp_path, options, wanted):
    said = call("decode", "style", "--latents", tmp_path / "z.npy", "--out", tmp_path / "o.npy", *options)
    assert said.status == 2
    assert wanted in said.err


def test_a_transform_of_what_is_no_number_is_a_sentence(call, opened, z, tmp_path):
    np.save(tmp_path / "t.npy", np.full((3, 3), np.nan))
    arguments = (
        "--latents",
        tmp_path / "z.npy",
        "--out",
        tmp_path / "o.npy",
        "--transform",
        tmp_path / "t.npy",
    )
    said = call("decode", "style", *arguments)
    assert said.status == 3
    assert "no (3, 3) matrix of numbers" in said.err


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--psi", "nan"), "--psi nan is no truncation"),
        (("--psi", "1e30"), "from -10 to 10"),
        (("--psi", "0.5", "--psi-cutoff", "99"), "has 6 layers, so it cannot truncate the first 99"),
    ],
)
def test_truncation_that_can_not_be_is_a_sentence(call, opened, z, tmp_path, options, wanted):
    said = call("decode", "style", "--latents", tmp_path / "z.npy", "--out", tmp_path / "o.npy", *options)
    assert said.status == 2
    assert wanted in said.err
    assert not (tmp_path / "o.npy").exists()


@pytest.mark.parametrize("option", [("--psi", "0.5"), ("--noise", "none"), ("--stage", "anime-colorizer")])
def test_mapping_takes_no_options_of_decoding(call, opened, z, tmp_path, option):
    arguments = ("--latents", tmp_path / "z.npy", "--to", "w", "--out", tmp_path / "w.npy")
    said = call("convert", "style", *arguments, *option)
    assert said.status == 2
    assert "leave out the stages and all options but --labels" in said.err


def test_a_code_of_w_takes_no_class(call, monkeypatch, z, tmp_path):
    from explorer.cli import work
    from explorer.formats import Opened

    monkeypatch.setattr(work, "open_model", lambda file, engine: Opened(tiny_style(classes=3)))
    arguments = ("--latents", tmp_path / "z.npy", "--out", tmp_path / "o.npy", "--labels", "2")
    assert call("decode", "style", *arguments).status == 0
    said = call("decode", "style", *arguments, "--space", "w")
    assert said.status == 2
    assert "A code of w has its class already" in said.err


@pytest.mark.parametrize(
    ("matrix", "status"),
    [(np.zeros((3, 3)), 3), (np.array([[1, 0, 0], [0, 1, 0], [0.1, 0, 1]]), 3), (np.eye(3), 2)],
)
def test_a_matrix_must_move_a_plane(call, opened, z, tmp_path, matrix, status):
    np.save(tmp_path / "t.npy", matrix.astype(np.float32))
    arguments = (
        "--latents",
        tmp_path / "z.npy",
        "--out",
        tmp_path / "o.npy",
        "--transform",
        tmp_path / "t.npy",
    )
    said = call("decode", "style", *arguments)
    assert said.status == status  # 2: this network has no transform
    assert ("moves no plane" in said.err) == (status == 3)
