"""Collections are read picture by picture: arrays in blocks, little in memory, progress told."""

import gzip
import os
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.data import arrays
from explorer.data.images import PictureReading, read_pictures
from explorer.errors import ImageError
from explorer.models.base import ImageSpec

COLOUR = ImageSpec(3, 16, 16)
IMAGES = np.random.default_rng(0).integers(0, 256, (50, 16, 16, 3), np.uint8)
FLOATS = (IMAGES / 255).astype(np.float32).transpose(0, 3, 1, 2)


def idx(images):
    return b"\0\0\x08\x04" + b"".join(side.to_bytes(4, "big") for side in images.shape) + images.tobytes()


WRITERS = {
    "stored.npz": lambda path: np.savez(path, images=IMAGES),
    "deflated.npz": lambda path: np.savez_compressed(path, images=IMAGES),
    "fortran.npz": lambda path: np.savez(path, images=np.asfortranarray(IMAGES)),
    "first.npz": lambda path: np.savez(path, images=IMAGES.transpose(0, 3, 1, 2).copy()),
    "floats.npz": lambda path: np.savez(path, images=FLOATS),
    "floats.npy": lambda path: np.save(path, FLOATS),
    "plain.idx": lambda path: path.write_bytes(idx(IMAGES)),
    "packed.idx.gz": lambda path: path.write_bytes(gzip.compress(idx(IMAGES))),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("block", [1, 5000, 1 << 24])
def test_blocks_of_any_size_give_the_same_pictures(tmp_path, monkeypatch, name, block):
    WRITERS[name](tmp_path / name)
    monkeypatch.setattr(arrays, "BLOCK", block)
    found = read_pictures(tmp_path / name, COLOUR)
    np.testing.assert_array_equal(found.images, IMAGES)
    assert found.names == tuple(str(number) for number in range(50))


@pytest.mark.parametrize("name", ["large.npz", "packed.npz", "packed.idx.gz"])
def test_a_large_array_is_never_in_memory_as_a_whole(tmp_path, monkeypatch, name):
    images = np.tile(IMAGES, (100, 1, 1, 1))  # 3.8 MB
    save = {"large.npz": np.savez, "packed.npz": np.savez_compressed}.get(name)
    if save:
        save(tmp_path / name, images=images)
    else:
        (tmp_path / name).write_bytes(gzip.compress(idx(images)))
    monkeypatch.setattr(arrays, "BLOCK", 1 << 16)
    list(PictureReading(tmp_path / name, ImageSpec(1, 16, 16)))[:0]  # imports and caches
    tracemalloc.start()
    try:
        count = sum(1 for _ in PictureReading(tmp_path / name, COLOUR))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == len(images)
    assert most < 1 << 20


def test_progress_goes_from_nothing_to_all(tmp_path):
    for number in range(5):
        Image.fromarray(IMAGES[number]).save(tmp_path / f"{number}.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    told = []
    read_pictures(tmp_path, COLOUR, on_progress=lambda *counts: told.append(counts))
    assert told == [(done, 6) for done in range(7)]
    np.savez(tmp_path / "a.npz", images=np.zeros((5000, 2, 2), np.uint8))
    told.clear()
    read_pictures(tmp_path / "a.npz", ImageSpec(1), on_progress=lambda *counts: told.append(counts))
    assert told[0] == (0, 5000)
    assert told[-1] == (5000, 5000)
    assert len(told) == 201


@pytest.mark.parametrize("name", ["stored.npz", "deflated.npz"])
def test_an_array_damaged_in_the_middle_is_one_sentence(tmp_path, name):
    WRITERS[name](tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=rf"{name} cannot be read \(it is damaged.*; give a picture.*\.$"):
        read_pictures(tmp_path / name, COLOUR)


def test_a_zip_of_pictures_may_hold_an_array_too(tmp_path):
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    np.save(tmp_path / "labels.npy", np.zeros(3))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in ("a.png", "labels.npy"):
            archive.write(tmp_path / name, name)
    assert read_pictures(tmp_path / "a.zip", COLOUR).names == ("a.png",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\0\0\0\x20ftypisom" + bytes(20), "is a video"),
        (b"\x1aE\xdf\xa3" + bytes(20), "is a video"),
        (b"RIFF\0\0\0\0AVI LIST", "is a video"),
        (b"\0\0\0\x20ftypavif" + bytes(20), "no picture that can be read|is cut off"),
        (b"file,hair\na.png,red\n", "no picture that can be read; give a picture, a folder or zip"),
        (b"", "no picture that can be read; give a picture, a folder or zip"),
        (b"\x1f\x8b" + bytes(20), "cut off or damaged"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05" + bytes(5), mtime=0), "is 5, not pictures"),
        (b"\0\0\x08\x01\0\0\0\x05" + bytes(5), "is 5, not pictures"),
    ],
)
def test_what_is_no_collection(tmp_path, content, said):
    (tmp_path / "given").write_bytes(content)
    with pytest.raises(ImageError, match=rf"given.*({said})"):
        read_pictures(tmp_path / "given", COLOUR)


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_file_can_have(tmp_path, name):
    with pytest.raises(ImageError, match="cannot be read"):
        read_pictures(tmp_path / name, COLOUR)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name there")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="neither a file nor a folder"):
        read_pictures(tmp_path / "pipe", COLOUR)


@pytest.fixture
def closed(monkeypatch):
    """Make folders unreadable, also for a user who may read all."""
    places, real = set(), os.scandir

    def scandir(path="."):
        if os.fspath(path) in places:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    return places


def test_a_folder_that_may_not_be_read_is_told(tmp_path, closed):
    (tmp_path / "secret").mkdir()
    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    closed.add(str(tmp_path / "secret"))
    assert read_pictures(tmp_path, COLOUR).notes == (
        "1 file was left out, for no picture could be read there: secret.",
    )
    closed.add(str(tmp_path))
    with pytest.raises(ImageError, match=r"cannot be read \(permission denied\)"):
        read_pictures(tmp_path, COLOUR)


def test_a_zip_with_a_password_is_told(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES)
    content = (tmp_path / "a.npz").read_bytes()
    for head, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # say in both headers that it is encrypted
        at = content.index(head) + flags
        content = content[:at] + bytes([content[at] | 1]) + content[at + 1 :]
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.npz cannot be read"):
        read_pictures(tmp_path / "a.npz", COLOUR)


def test_stray_modes_are_fitted_and_said(tmp_path):
    colour = Image.fromarray(IMAGES[0])
    for name, mode in (("a.png", "RGB"), ("b.png", "P"), ("c.png", "L"), ("d.jpg", "CMYK")):
        colour.convert(mode).save(tmp_path / name)
    found = read_pictures(tmp_path, COLOUR)
    assert len(found) == 4
    assert found.notes == (
        "1 picture was grey already, unlike the others; 1 picture was turned from printing colours (CMYK) to "
        "red, green and blue.",
    )
    for name in ("a.png", "b.png", "d.jpg"):
        (tmp_path / name).unlink()
    assert read_pictures(tmp_path, COLOUR).notes == ()


@pytest.mark.parametrize("packed", [False, True])
def test_tables_and_hidden_files_beside_pictures_are_no_pictures_left_out(tmp_path, packed):
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.new("L", (4, 4), 100).save(folder / "one.png")
    (folder / "faces.csv").write_text("file,how\none.png,aligned\n")
    (folder / ".DS_Store").write_bytes(b"hidden")
    if packed:
        with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
            for path in folder.iterdir():
                archive.write(path, path.name)
    read = read_pictures(tmp_path / "faces.zip" if packed else folder, ImageSpec(1, 4, 4))
    assert read.names == ("one.png",)
    assert read.notes == ()
