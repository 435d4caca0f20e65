"""What `train` says of data: one sentence, exit status 3 and no run folder where it cannot be used."""

import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3), np.uint8)
SMALL = {
    "height": 8,
    "width": 8,
    "hidden": "8",
    "latent_dim": 2,
    "epochs": 1,
    "batch_size": 8,
    "near_copy": 0,
}


def folder(path, count):
    path.mkdir()
    for number in range(count):
        Image.fromarray(NOISE[number]).save(path / f"p{number}.png")


def zipped(path, count=20):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            Image.fromarray(NOISE[number]).save(path.parent / "one.png")
            archive.write(path.parent / "one.png", f"p{number}.png")


def cut(path, left):
    path.write_bytes(path.read_bytes()[:left])


def cut_zip(path):
    zipped(path)
    cut(path, -200)


def npz(**arrays):
    return lambda path: np.savez(path, **arrays)


def cut_npz(path):
    np.savez(path, images=NOISE)
    cut(path, -100)


def idx(path):
    head = b"\0\0\x08\3" + b"".join(side.to_bytes(4, "big") for side in (60, 8, 8))
    path.write_bytes(gzip.compress(head + NOISE[..., 0].tobytes())[:-500])


def text(content):
    return lambda path: path.write_bytes(content)


BAD = {
    "absent": (lambda path: None, "no such file"),
    "empty": (lambda path: folder(path, 0), "holds no picture that can be read; give"),
    "one": (lambda path: folder(path, 1), "1 picture, too few to learn from"),
    "one.npz": (npz(images=NOISE[:1]), "1 picture, too few to learn from"),
    "few": (lambda path: folder(path, 3), "hold_out=2 leaves too few"),
    "cut.zip": (cut_zip, "cut off or damaged"),
    "none.zip": (lambda path: zipped(path, 0), "holds no picture that can be read; give"),
    "cut.npz": (cut_npz, "cut off or damaged"),
    "other.npz": (npz(mean=NOISE, names=np.zeros(3)), "no array `images` (it has: mean, names)"),
    "flat.npz": (npz(images=NOISE.reshape(60, -1)), "60x192, not pictures"),
    "floats.npz": (npz(images=NOISE.astype(np.float32)), "60x8x8x3 float32, not (N, C, H, W)"),
    "objects.npz": (npz(images=np.array([{}], dtype=object)), "pickled objects"),
    "cut.idx.gz": (idx, "cut off or damaged"),
    "film.mp4": (text(b"\0\0\0\x20ftypisom" + bytes(50)), "is a video"),
    "notes.txt": (text(b"hello"), "no picture that can be read; give"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_one_sentence(call, tmp_path, name):
    make, said = BAD[name]
    make(tmp_path / name)
    hold_out = ("--set", "hold_out=2") if name == "few" else ()
    out = tmp_path / "run"
    outcome = call("train", "fc-vae", "--data", tmp_path / name, "--out", out, *hold_out)
    assert outcome.refused(name, said)
    assert not out.exists()


def test_the_same_folder_twice_is_a_wrong_call(call, tmp_path):
    folder(tmp_path / "faces", 4)
    given = tmp_path / "faces", "--out", tmp_path / "run"
    outcome = call("train", "cyclegan", "--data", *given, "--data-b", tmp_path / "faces" / ".")
    assert outcome.refused("faces", status=2)
    extra = f"extra={tmp_path / 'faces'}"
    assert call("train", "fc-vae", "--data", *given, "--set", extra).refused("leave extra out", status=2)


def test_mixed_and_broken_pictures_train_and_are_told(done, tmp_path):
    folder(tmp_path / "mixed", 30)
    for number, mode in enumerate(("RGBA", "P", "CMYK", "L")):
        Image.fromarray(NOISE[number]).resize((20, 10)).convert(mode).save(tmp_path / "mixed" / f"{mode}.tif")
    for number in range(5):
        (tmp_path / "mixed" / f"broken{number}.png").write_bytes(b"\x89PNG\r\n")
    settings = [word for item in SMALL.items() for word in ("--set", f"{item[0]}={item[1]}")]
    outcome = done(
        "train",
        "fc-vae",
        "--data",
        tmp_path / "mixed",
        "--out",
        tmp_path / "run",
        *settings,
        "--device",
        "cpu",
    )
    said = " ".join(outcome.err.split())
    assert (
        "5 files were left out, for no picture could be read there: broken0.png, broken1.png, broken2.png and 2 more."
        in said
    )
    assert "4 pictures were cropped to the middle and scaled to 1x8x8." in said
    assert "1 picture was turned from printing colours" in said
    assert (tmp_path / "run" / "model.safetensors").exists()
