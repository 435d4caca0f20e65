"""Many pictures: folders, zips, arrays, idx; order, notes, and what is wrong said in one sentence."""

import gzip
import random
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.data.images import read_pictures
from explorer.errors import Cancelled, ImageError
from explorer.models.base import ImageSpec

GREY = ImageSpec(1, 6, 6)
COLOUR = ImageSpec(3, 6, 6)


def refused(path, spec=GREY):
    with pytest.raises(ImageError) as caught:
        read_pictures(path, spec)
    text = str(caught.value)
    assert text.endswith(".")
    assert str(path) in text
    return text


def picture(value, size=(6, 6)):
    return Image.new("RGB", size, (value, value, value))


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "faces"
    (place / "more").mkdir(parents=True)
    for number in (1, 2, 10):
        picture(number).save(place / f"face{number}.png")
    picture(50, (20, 10)).save(place / "more" / "wide.png")
    picture(60, (12, 12)).save(place / "more" / "large.png")
    (place / "readme.txt").write_text("no picture")
    (place / ".hidden.png").write_bytes(b"x")
    return place


def test_a_folder_is_read_in_natural_order_with_notes(folder):
    found = read_pictures(folder, GREY)
    assert found.names == (
        "face1.png",
        "face2.png",
        "face10.png",
        "more/large.png",
        "more/wide.png",
    )
    assert found.images.shape == (5, 6, 6, 1)
    assert found.images.dtype == np.uint8
    assert found.images[:, 3, 3, 0].tolist() == [1, 2, 10, 60, 50]
    assert found.notes == (
        "1 file was left out, for no picture could be read there: readme.txt.",
        "1 picture was cropped to the middle and scaled to 1x6x6.",
        "1 picture was scaled to 1x6x6.",
    )


@pytest.mark.parametrize("here", ["", "./"])
def test_a_zip_is_read_like_a_folder(folder, tmp_path, here):
    path = tmp_path / "faces.bin"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__MACOSX/._face1.png", b"x")
        for file in folder.rglob("*.*"):
            if file.is_file():
                archive.writestr(f"{here}{file.relative_to(folder).as_posix()}", file.read_bytes())
    from_zip, from_folder = read_pictures(path, COLOUR), read_pictures(folder, COLOUR)
    assert from_zip.names == tuple(here + name for name in from_folder.names)
    np.testing.assert_array_equal(from_zip.images, from_folder.images)


def test_the_articles_faces_in_colour_and_in_grey_are_the_same(reference_data):
    data, spec = reference_data / "seed-animeface", ImageSpec(1, 30, 30)
    colour, gray = read_pictures(data / "faces-30x30.zip", spec), read_pictures(data / "gray.npz", spec)
    np.testing.assert_array_equal(colour.images, gray.images)
    assert colour.names[9] == "face0010.png"
    assert colour.notes == ("1043 pictures were turned from colour to grey.",)
    assert gray.notes == ()


def test_mnist_is_read(reference_data):
    found = read_pictures(reference_data / "mnist-10k" / "t10k-images-idx3-ubyte.gz", ImageSpec(1, 28, 28))
    assert found.images.shape == (10_000, 28, 28, 1)
    assert found.names[:2] == ("0", "1")
    assert 20 < found.images.mean() < 50


def test_one_file_is_a_collection_of_one(folder):
    found = read_pictures(folder / "face2.png", COLOUR)
    assert found.names == ("face2.png",)
    assert found.images.shape == (1, 6, 6, 3)


def test_one_picture_is_counted_as_one(tmp_path):
    picture(9, (20, 10)).save(tmp_path / "wide.png")
    assert read_pictures(tmp_path / "wide.png", GREY).notes == (
        "1 picture was cropped to the middle and scaled to 1x6x6.",
    )


def test_the_first_files_that_were_left_out_are_named(folder):
    for number in range(4):
        (folder / f"a{number}.txt").write_text("no picture")
    notes = read_pictures(folder, GREY).notes
    assert (
        notes[0]
        == "5 files were left out, for no picture could be read there: a0.txt, a1.txt, a2.txt and 2 more."
    )


def test_what_was_done_to_pictures_is_said_once(tmp_path):
    Image.new("RGB", (6, 6), "red").save(tmp_path / "red.png")
    Image.new("RGBA", (6, 6), (9, 9, 9, 0)).save(tmp_path / "clear.png")
    Image.new("RGBA", (6, 6), (9, 9, 9, 255)).save(tmp_path / "opaque.png")
    Image.fromarray(np.full((6, 6), 40_000, np.uint16)).save(tmp_path / "deep.png")
    picture(1).save(tmp_path / "film.gif", save_all=True, append_images=[picture(200)])
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(1).save(tmp_path / "turned.jpg", exif=turned)
    assert read_pictures(tmp_path, GREY).notes == (
        "1 picture was laid over white where transparent; 1 picture was scaled from more than 8 bit to 8; "
        "1 picture was taken from the first frame of an animation; 1 picture was turned from colour to grey; "
        "1 picture was turned upright as the camera said.",
    )
    assert read_pictures(tmp_path / "red.png", COLOUR).notes == ()


@pytest.mark.parametrize("shape", [(4, 6, 6), (4, 6, 6, 1), (4, 6, 6, 3), (4, 9, 12), (4, 9, 12, 3)])
@pytest.mark.parametrize("spec", [GREY, COLOUR])
def test_npz_arrays_of_every_layout(tmp_path, shape, spec):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.savez_compressed(tmp_path / "a.npz", images=images, names=np.array(list("abcd")))
    found = read_pictures(tmp_path / "a.npz", spec)
    assert found.images.shape == (4, 6, 6, spec.channels)
    assert found.names == tuple("abcd")
    greyed = shape[3:] == (3,) and spec is GREY
    assert len(found.notes) == (shape[1:3] != (6, 6)) + greyed


def test_npy_pictures_in_0_to_1_are_channels_first(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 3, 6, 6), np.uint8)
    np.save(tmp_path / "a.npy", (images / 255).astype(np.float32))
    np.testing.assert_array_equal(
        read_pictures(tmp_path / "a.npy", COLOUR).images, images.transpose(0, 2, 3, 1)
    )


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 6, 6)), "not (N, C, H, W)"),
        (np.zeros((2, 1, 6, 6)) + 200, "200"),
        (np.full((2, 1, 6, 6), np.nan), "not numbers"),
        (np.zeros((2, 6, 6), np.int64), "not (N, C, H, W)"),
        (np.array([{}], dtype=object), "pickled objects"),
        (np.zeros((0, 6, 6), np.uint8), ""),
        (np.zeros((5,), np.uint8), "not pictures"),
        (np.array(3, np.uint8), "not pictures"),
        (np.array(["a"]), ""),
    ],
)
def test_arrays_that_are_no_pictures(tmp_path, array, said):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    assert said in refused(tmp_path / "a.npy")
    np.savez(tmp_path / "a.npz", images=array, allow_pickle=True)
    assert said in refused(tmp_path / "a.npz")


def test_an_npz_without_pictures_says_what_it_has(tmp_path):
    np.savez(tmp_path / "a.npz", faces=np.zeros(3))
    assert "faces" in refused(tmp_path / "a.npz")


def test_an_array_whose_header_promises_more_than_the_file_holds(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 6, 6), np.uint8))
    content = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(content.replace(b"(2, 6, 6)", b"(9999999999, 6, 6)"))
    assert "promises" in refused(tmp_path / "a.npy")


@pytest.mark.parametrize("shape", [(3, 5, 7), (9,)])
@pytest.mark.parametrize("packed", [True, False])
def test_idx_files(tmp_path, shape, packed):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    content = (
        b"\0\0\x08" + bytes([len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + images.tobytes()
    )
    path = tmp_path / "a.idx"
    path.write_bytes(gzip.compress(content) if packed else content)
    if len(shape) == 3:
        np.testing.assert_array_equal(read_pictures(path, ImageSpec(1)).images[..., 0], images)
        path.write_bytes(gzip.compress(content[:-9]) if packed else content[:-9])
    refused(path)


def test_an_idx_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "a.gz"
    sides = b"".join((1 << 14).to_bytes(4, "big") for _ in range(3))
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + sides + bytes(1 << 20)))
    assert "cut off" in refused(path)


def test_nothing_there(tmp_path):
    assert "no such file" in refused(tmp_path / "absent")
    assert "holds no picture" in refused(tmp_path)
    (tmp_path / "a.txt").write_text("hello")
    assert "no picture" in refused(tmp_path / "a.txt")
    assert "a.txt" in refused(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"")
    refused(tmp_path / "a.txt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    assert "holds no picture" in refused(tmp_path / "a.zip")


def test_a_damaged_zip_gives_a_sentence_or_the_pictures_that_are_left(folder, tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.glob("face*.png"):
            archive.write(file, file.name)
    content = path.read_bytes()
    chance = random.Random(6)
    for _ in range(60):
        damaged = bytearray(
            content[: chance.randrange(100, len(content))] if chance.random() < 0.3 else content
        )
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            assert 1 <= len(read_pictures(path, GREY)) <= 3
        except ImageError:
            continue


def test_sizes_have_to_agree_where_any_will_do(folder):
    assert "differ in size" in refused(folder, ImageSpec(1))


def test_reading_can_be_stopped(folder, tmp_path):
    with pytest.raises(Cancelled):
        read_pictures(folder, GREY, lambda: True)
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 9, 9), np.uint8))
    with pytest.raises(Cancelled):
        read_pictures(tmp_path / "a.npz", GREY, lambda: True)
