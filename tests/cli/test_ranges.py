"""What the commands say of a model whose prior is not known, and how it is measured."""

import numpy as np
import pytest
import sessions

SAID = "No prior is known for model: ranges are taken from the network's own response"


@pytest.fixture
def checkpoint(tmp_path):
    """A VAE whose file says that its codes have no prior."""
    return sessions.save_vae_without_prior(tmp_path / "model.safetensors")


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures."""
    return sessions.save_pictures(tmp_path / "pictures")


def calls(checkpoint, tmp_path):
    """Return every call that must say it."""
    np.save(tmp_path / "z.npy", np.zeros((1, 4), np.float32))
    return [
        ("export", "samples", checkpoint, "--count", 2, "--out", tmp_path / "a.png"),
        ("export", "sheet", checkpoint, "--out", tmp_path / "b.png"),
        ("export", "manifold", checkpoint, "--steps", 2, "--out", tmp_path / "c.png"),
        ("decode", checkpoint, "--latents", tmp_path / "z.npy", "--out", tmp_path / "d.npy"),
        ("activity", checkpoint),
    ]


def test_every_command_says_it_in_one_sentence_with_the_way_out(done, checkpoint, tmp_path):
    for call in calls(checkpoint, tmp_path):
        lines = [line for line in done(*call).err.splitlines() if SAID in line]
        assert len(lines) == 1, call
        assert lines[0].endswith(f"measure them with: latent-explorer encode {checkpoint} IMAGES.")


def test_pictures_that_are_encoded_once_measure_it(done, checkpoint, pictures, tmp_path):
    assert "12 pictures" in done("encode", checkpoint, pictures).err
    assert (tmp_path / "model.codes.npz").exists()
    for call in calls(checkpoint, tmp_path):
        assert SAID not in done(*call).err


def test_codes_given_to_activity_measure_it_as_well(done, checkpoint, pictures, tmp_path):
    done("encode", checkpoint, pictures, "--out", tmp_path / "elsewhere.npz")
    assert SAID not in done("activity", checkpoint, "--codes", tmp_path / "elsewhere.npz").err
    assert SAID in done("activity", checkpoint).err


def test_a_code_book_that_is_there_is_not_written_over_by_chance(done, call, checkpoint, pictures, tmp_path):
    done("encode", checkpoint, pictures)
    before = (tmp_path / "model.codes.npz").read_bytes()
    call("encode", checkpoint, pictures).refused("has a code book already", "--out", status=2)
    assert (tmp_path / "model.codes.npz").read_bytes() == before


def test_a_generator_alone_is_told_another_way(done, tmp_path):
    path = sessions.save_kind(tmp_path, "none")
    said = done("export", "samples", path, "--count", 2, "--out", tmp_path / "a.png").err
    assert SAID in said
    assert "NAME.codes.npz" in said
    assert "encode" not in said


def test_info_says_it_too(done, checkpoint, pictures):
    assert any(SAID in note for note in done("info", checkpoint, "--json").json["notes"])
    done("encode", checkpoint, pictures)
    assert not any(SAID in note for note in done("info", checkpoint, "--json").json["notes"])
