"""Where commands write: not over what they read, and what cannot be written is said beforehand."""

import os
import shutil

import numpy as np
import pytest

from explorer.cli.targets import free_name


@pytest.fixture
def here(tmp_path, monkeypatch, native, colorizer, two_faces, reference):
    """A folder with one of everything that a call may read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pics").mkdir()
    for source, name in zip(two_faces, ("a.png", "b.png"), strict=True):
        shutil.copy(source, tmp_path / name)
        shutil.copy(source, tmp_path / "pics" / name)
    shutil.copy(native, tmp_path / "m.safetensors")
    shutil.copy(colorizer, tmp_path / "c.safetensors")
    np.save("z.npy", reference["z"][:2])
    np.save("one.npy", reference["z"][:1])
    np.save("grey.npy", np.zeros((1, 1, 30, 30), np.float32))
    np.savez("faces.npz", images=np.zeros((2, 30, 30), np.uint8))
    os.symlink("z.npy", "link.npy")
    os.link("a.png", "hard.png")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        "decode m.safetensors --latents z.npy --out z.npy",
        "decode m.safetensors --latents z.npy --out link.npy",
        "decode m.safetensors --latents z.npy --labels one.npy --out ./one.npy",
        "encode m.safetensors faces.npz --out faces.npz",
        "apply c.safetensors grey.npy --out grey.npy",
        "export strip m.safetensors --images a.png b.png --out a.png",
        "export strip m.safetensors --images a.png b.png --out pics/../b.png",
        "export strip m.safetensors --images a.png b.png --out hard.png",
        "export strip m.safetensors --codes z.npy --save-codes z.npy --out s.png",
        "export reconstructions m.safetensors pics --out pics/b.png",
        "export reconstructions m.safetensors a.png --out a.png",
    ],
)
def test_nothing_is_written_over_what_is_read(call, here, words):
    before = contents(here)
    call(*words.split()).refused("would be written over what is read here; give another name", status=2)
    assert contents(here) == before


def test_other_names_beside_what_is_read_are_free(done, here):
    for words in (
        "export strip m.safetensors --images a.png b.png --out s.png",
        "export strip m.safetensors --images a.png b.png --out s.png",  # over its own of before
        "export reconstructions m.safetensors pics --out pics/new.png",
        "encode m.safetensors pics --out pics/m.codes.npz",
        "encode m.safetensors pics --out pics/m.codes.npz",
    ):
        done(*words.split())


def test_a_name_that_is_free(tmp_path):
    assert free_name(tmp_path / "a b.png") == tmp_path / "a b.png"
    (tmp_path / "a b.png").touch()
    os.symlink("nowhere", tmp_path / "a b 2.png")
    assert free_name(tmp_path / "a b.png") == tmp_path / "a b 3.png"
