"""Opening checkpoints by the public door: what works, and one finished sentence for everything that does
not."""

import json
import os
import re

import numpy as np
import pytest
import torch

from explorer import paths
from explorer.data.code_book import CodeBook
from explorer.errors import CheckpointError, UsageError
from explorer.formats import open_checkpoint, open_latent, open_stage, save_native
from explorer.models import architecture


def stage():
    family = architecture("conv-colorizer")
    config = family.config(widths=(8, 16), blocks=1, colours=8)
    return family.wrap(family.network(config).eval(), config, name="colours"), config


def config_of(model):
    return {"height": 8, "width": 8, "hidden": [32, 16], "latent_dim": 4}


def sentence(path, **options):
    """Return what is said of a file that cannot be used, after it was found to be one finished sentence."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path, **options)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "Traceback" not in text
    assert "Error(" not in text
    return text


@pytest.fixture
def native(tmp_path, tiny_model):
    path = tmp_path / "tiny.safetensors"
    save_native(path, tiny_model, config=config_of(tiny_model), trained={"epochs": 3})
    return path


def test_the_articles_face_model_opens_in_a_child_and_draws_the_reference(reference_data):
    told = []
    opened = open_latent(
        reference_data / "seed-animeface" / "vaeg.pth", on_progress=lambda *said: told.append(said)
    )
    reference = np.load(reference_data / "seed-animeface" / "reference.npz")
    faces = np.load(reference_data / "seed-animeface" / "gray.npz")["images"][:, None] / np.float32(255)
    with torch.inference_mode():
        raw = opened.model.decode_raw(torch.tensor(reference["z"]))
        unit = opened.model.decode(torch.tensor(reference["z"]))
        codes = opened.model.encode(torch.tensor(faces))
    assert np.abs(raw[:, 0].numpy() - reference["images"]).max() < 1e-3
    assert np.abs(unit[:, 0].numpy() - (reference["images"] / 255).clip(0, 1)).max() < 1e-5
    assert np.abs(codes.mean.numpy() - reference["mu"]).max() < 1e-3
    assert np.abs(codes.logvar.numpy() - reference["logvar"]).max() < 1e-3
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(text for _, text in told)
    assert opened.model.name == "vaeg"


@pytest.mark.parametrize(
    "file",
    [
        "pytorch_examples_dcgan/netG_epoch_29.pth",
        "csinva_mnist_gan_mlp/G--300.ckpt",
        "pytorchgan_wgan_gp/generator.pth",
    ],
)
def test_generators_of_other_projects_draw_their_references(reference_data, in_process, file):
    path = reference_data / "trained-checkpoints" / file
    model = open_latent(path).model
    reference = np.load(path.parent / "reference.npz")
    with torch.inference_mode():
        drawn = model.decode_raw(torch.tensor(reference["z"])).numpy()
    assert model.architecture == "layered"
    assert not model.has_encoder
    assert np.abs(drawn.reshape(reference["images"].shape) - reference["images"]).max() < 1e-4


def test_a_saved_model_comes_back_bit_for_bit(native, tiny_model):
    opened = open_latent(native)
    model = opened.model
    assert (model.architecture, model.name, str(model.image)) == ("fc-vae", "tiny", "1x8x8")
    assert model.origin.format == "native"
    assert model.origin.sha256 == open_latent(native).model.origin.sha256
    assert model.trained == {"epochs": 3}
    assert model.native_range == tiny_model.native_range
    assert not any(weight.requires_grad for weight in model.network.parameters())
    codes = torch.randn(5, 4)
    assert torch.equal(model.decode_raw(codes), tiny_model.decode_raw(codes))


def test_a_saved_stage_comes_back_bit_for_bit(tmp_path):
    model, config = stage()
    save_native(tmp_path / "colours.safetensors", model, config=config, trained={})
    again = open_stage(tmp_path / "colours.safetensors")
    pictures = torch.rand(2, 1, 9, 7)
    assert torch.equal(again.apply(pictures), model.apply(pictures))


def test_opening_draws_no_random_numbers(native):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    open_latent(native)
    assert torch.equal(torch.rand(3), expected)


def test_generator_and_stage_are_not_taken_for_each_other(native, tmp_path):
    model, config = stage()
    save_native(tmp_path / "colours.safetensors", model, config=config)
    with pytest.raises(CheckpointError, match=r"is a stage .*\.$"):
        open_latent(tmp_path / "colours.safetensors")
    with pytest.raises(CheckpointError, match=r"is a generator .*\.$"):
        open_stage(native)


def test_bundled_models_go_by_name_where_no_such_path_exists(native, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "checkpoints", lambda: native.parent)
    assert open_checkpoint("tiny").model.name == "tiny"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").write_text("mine")
    assert "text file" in sentence("tiny")
    assert re.search(r"bundled models: tiny", sentence("tinny"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"x", "text"),
        (b"import torch\nprint('hello')\n", "text file"),
        (b"PK\x03\x04" + bytes(60), "zip"),
        (b"\x80\x02}q\x00.", "pickle"),
        (b"\x89PNG\r\n\x1a\n" + bytes(30), "PNG"),
        (b"\x89HDF\r\n\x1a\n" + bytes(30), "HDF5"),
        (bytes(100), "unknown kind"),
        (b"\xff" * 7, "unknown kind"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        ("größe: nicht hier\n".encode("latin1"), "unknown kind"),
        ("größe: nicht hier\n".encode(), "text file"),
    ],
)
def test_files_of_other_kinds_are_told_by_their_bytes(tmp_path, content, said):
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    assert said in sentence(path)
    assert str(path) in sentence(path)


def test_places_that_are_no_files(tmp_path):
    assert "no file" in sentence(tmp_path / "absent.pt")
    (tmp_path / "model.pt").write_bytes(b"x")
    assert "model.pt" in sentence(tmp_path)
    (tmp_path / "gone.pt").symlink_to(tmp_path / "nowhere")
    assert "no such file" in sentence(tmp_path / "gone.pt")
    os.mkfifo(tmp_path / "pipe.pt")
    assert "pipe" in sentence(tmp_path / "pipe.pt")
    assert "device" in sentence("/dev/zero")
    assert "spelling" in sentence("a\0b")
    assert "spelling" in sentence("x" * 5000)


def test_a_file_that_may_not_be_read(native, monkeypatch):
    native.chmod(0)
    if os.access(native, os.R_OK):  # root may read everything: let the system refuse by hand

        def refuse(self, *args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(type(native), "open", refuse)
    assert "permission denied" in sentence(native)


def test_code_book_and_names_beside_a_checkpoint_are_found(native, tmp_path):
    mean = np.random.default_rng(0).normal(2, 3, (50, 4)).astype(np.float32)
    logvar = np.full_like(mean, np.log(4))
    CodeBook(mean, logvar, labels={"hair": np.arange(50)}).save(tmp_path / "tiny.codes.npz")
    (tmp_path / "tiny.notes.json").write_text(
        json.dumps({"dimensions": {"z2": "hair", "z9": "x", "w1": "y"}})
    )
    opened = open_latent(native)
    space = opened.model.spaces["z"]
    assert len(opened.code_book) == 50
    assert space.measured
    np.testing.assert_allclose(space.center, mean.mean(0), rtol=1e-5)
    np.testing.assert_allclose(space.spread, np.sqrt(mean.var(0) + 4), rtol=1e-5)
    assert opened.notes.titles == {"z2": "hair"}
    assert any("z9" in note for note in opened.model.notes)


@pytest.mark.parametrize("trouble", ["dimensions", "another model", "damaged", "space"])
def test_a_code_book_that_does_not_fit_is_left_out_with_a_note(native, tmp_path, trouble):
    place = tmp_path / "tiny.codes.npz"
    codes = np.zeros((5, 7 if trouble == "dimensions" else 4))
    book = CodeBook(
        codes,
        model_sha256="0" * 64 if trouble == "another model" else None,
        space="w" if trouble == "space" else "z",
    )
    book.save(place)
    if trouble == "damaged":
        place.write_bytes(place.read_bytes()[:-40])
    opened = open_latent(native)
    assert opened.code_book is None
    assert not opened.model.spaces["z"].measured
    assert any("left out" in note and note.endswith(".") for note in opened.model.notes)


def test_hints_beside_a_checkpoint_and_given_ones(native, tmp_path):
    assert open_latent(native).model.native_range.high == 255
    (tmp_path / "tiny.hints.json").write_text('{"range": [0, 100]}')
    assert open_latent(native).model.native_range.high == 100
    assert open_latent(native, hints={"range": "-1..1"}).model.native_range.low == -1
    assert open_latent(native, hints={"image": "8x8"}).model.image.height == 8
    assert "hint" in sentence(native, hints={"image": "3x8x8"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", "3"),
        ("range", "9..1"),
        ("range", "dark"),
        ("image", "big"),
        ("image", "5x8x8"),
        ("architecture", "gan"),
    ],
)
def test_hints_that_make_no_sense(native, tmp_path, key, value):
    with pytest.raises(UsageError, match=rf"{key}.*\.$"):
        open_checkpoint(native, hints={key: value})
    (tmp_path / "tiny.hints.json").write_text(json.dumps({key: value}))
    assert "tiny.hints.json" in sentence(native)


@pytest.mark.parametrize(
    "content", ["", "[1]", "{", '{"range": {}}', '{"image": [1, 2, 3, 4]}', "[" * 100_000]
)
def test_a_hints_file_that_is_none(native, tmp_path, content):
    (tmp_path / "tiny.hints.json").write_text(content)
    assert "tiny.hints.json" in sentence(native)


@pytest.mark.parametrize("content", ["{", "[]", '{"dimensions": 3}', '{"dimensions": {"z1": 5}}'])
def test_names_that_cannot_be_used_are_a_note(native, tmp_path, content):
    (tmp_path / "tiny.notes.json").write_text(content)
    opened = open_latent(native)
    assert opened.notes.titles == {}
    assert any("tiny.notes.json" in note for note in opened.model.notes)
