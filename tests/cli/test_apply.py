"""`apply` of a network from picture to picture: photos, arrays in 0..1 and in the network's own range."""

import numpy as np
import pytest
import torch
from picture_networks import Translator, trained
from PIL import Image


@pytest.fixture(scope="module")
def network():
    return trained(Translator())


@pytest.fixture
def stage(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "latest_net_G.pth")
    return tmp_path / "latest_net_G.pth"


def expected(network, unit):
    with torch.inference_mode():
        return network(torch.tensor(unit) * 2 - 1).numpy()


def pictures(low, high):
    rng = np.random.default_rng(2)
    return rng.uniform(low, high, (2, 3, 24, 28)).astype(np.float32)


@pytest.mark.parametrize("low", [-1.0, 0.0])
def test_an_array_in_either_range(done, network, stage, tmp_path, low):
    given = pictures(low, 1)
    np.save(tmp_path / "in.npy", given)
    said = done("apply", stage, tmp_path / "in.npy", "--out", tmp_path / "out.npy", "--raw")
    unit = (given + 1) / 2 if low else given
    assert np.abs(np.load(tmp_path / "out.npy") - expected(network, unit)).max() < 1e-4
    assert ("taken as the range -1..1" in said.err) == bool(low)
    done("apply", stage, tmp_path / "in.npy", "--out", tmp_path / "unit.npy")
    assert np.allclose(np.load(tmp_path / "unit.npy"), (np.load(tmp_path / "out.npy") + 1) / 2, atol=1e-6)


@pytest.mark.parametrize(("low", "high"), [(-1.2, 1), (-1, 1.2), (0, 255)])
def test_an_array_in_neither_range_is_refused(call, stage, tmp_path, low, high):
    np.save(tmp_path / "in.npy", pictures(low, high))
    outcome = call("apply", stage, tmp_path / "in.npy", "--out", tmp_path / "out.npy")
    assert outcome.refused("in.npy", "0..1 or to -1..1")
    assert not (tmp_path / "out.npy").exists()


def test_an_array_without_pictures_is_refused(call, stage, tmp_path):
    for shape in ((0, 3, 8, 8), (1, 3, 0, 8)):
        np.save(tmp_path / "in.npy", np.zeros(shape, np.float32))
        assert call("apply", stage, tmp_path / "in.npy", "--out", tmp_path / "out.npy").refused("in.npy")


def test_a_photo_of_an_odd_size_and_a_grey_one(done, network, stage, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (23, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    done("apply", stage, tmp_path / "photo.png", "--out", tmp_path / "out.npy", "--raw")
    unit = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
    assert np.abs(np.load(tmp_path / "out.npy") - expected(network, unit)[:, :, :23, :30]).max() < 1e-4
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    done("apply", stage, tmp_path / "grey.png", "--out", tmp_path / "grey.npy")
    assert np.load(tmp_path / "grey.npy").shape == (1, 3, 23, 30)


def test_info_tells_what_it_takes(done, stage):
    facts = done("info", stage, "--json").json
    assert facts["architecture"] == "resnet-stage"


def test_it_colours_what_a_generator_draws(done, call, stage, tmp_path):
    codes = tmp_path / "z.npy"
    np.save(codes, np.zeros((1, 10), np.float32))
    done(
        "decode", "anime-faces", "--latents", codes, "--out", tmp_path / "a.npy",
        "--stage", "anime-colorizer", "--stage", stage,
    )  # fmt: skip
    assert np.load(tmp_path / "a.npy").shape == (1, 3, 30, 30)
    wrong = call("decode", "anime-faces", "--latents", codes, "--out", tmp_path / "b.npy", "--stage", stage)
    assert wrong.refused("3x(any size)", "1x30x30")


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_photo_becomes_a_picture_file(done, call, network, stage, tmp_path, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (23, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    done("apply", stage, tmp_path / "photo.png", "--out", tmp_path / f"out.{kind}")
    unit = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
    native = expected(network, unit)[0, :, :23, :30].transpose(1, 2, 0)
    with Image.open(tmp_path / f"out.{kind}") as picture:
        assert picture.size == (30, 23)
        assert np.abs(np.asarray(picture).astype(float) - (native + 1) * 127.5).max() < 0.51
    np.save(tmp_path / "two.npy", pictures(0, 1))
    two = call("apply", stage, tmp_path / "two.npy", "--out", tmp_path / f"two.{kind}")
    assert two.refused("one picture", "has 2", status=2)
    raw = call("apply", stage, tmp_path / "photo.png", "--out", tmp_path / f"raw.{kind}", "--raw")
    assert raw.refused("--raw", status=2)
