"""One picture: modes, depths, orientation, damage; crop and scale; grey as the article has it."""

import io
import random
import zipfile

import numpy as np
import pytest
from PIL import Image

from explorer.data import picture
from explorer.data.images import fit, grey, read_image
from explorer.errors import ImageError
from explorer.models.base import ImageSpec

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def saved(path, image, **options):
    image.save(path, **options)
    return path


def refused(path):
    with pytest.raises(ImageError) as caught:
        read_image(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert str(path) in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "CMYK", "YCbCr", "LAB"])
def test_every_mode_becomes_8_bit_grey_or_colour(tmp_path, mode):
    image = Image.fromarray(RAMP).convert("RGB").convert(mode)
    image = read_image(
        saved(tmp_path / "a.tif", image) if mode != "HSV" else saved(tmp_path / "a.png", image.convert("RGB"))
    )
    assert image.mode in ("L", "RGB")
    assert image.size == (16, 16)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_is_scaled(tmp_path, name):
    deep = np.array([[0, 257, 65535, 32896]], dtype=np.uint16)
    image = read_image(saved(tmp_path / name, Image.fromarray(deep)))
    assert np.asarray(image).tolist() == [[0, 1, 255, 128]]
    night = np.array([[0, 128, 255, 257]], dtype=np.uint16)  # as dark as it is, whatever its brightest pixel
    image = read_image(saved(tmp_path / name, Image.fromarray(night)))
    assert np.asarray(image).tolist() == [[0, 0, 1, 1]]
    image = read_image(saved(tmp_path / name, Image.fromarray(night[:, :3])))
    assert np.asarray(image).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("values", "expected"), [([0, 0.5, 1.0], [0, 128, 255]), ([0, 100, 255], [0, 100, 255])]
)
def test_floating_point_is_scaled_by_its_range(tmp_path, values, expected):
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert np.asarray(read_image(saved(tmp_path / "a.tif", image))).tolist() == [expected]


def test_floating_point_that_is_no_number_becomes_black(tmp_path):
    image = Image.fromarray(np.array([[np.nan, np.inf, 1.0]], dtype=np.float32))
    assert np.asarray(read_image(saved(tmp_path / "a.tif", image))).tolist() == [[0, 0, 255]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_over_white(tmp_path, mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    pixels = np.asarray(read_image(saved(tmp_path / "a.png", image.convert(mode))))
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, 1].tolist() == [255, 255, 255]


def test_a_transparent_palette_colour_lies_over_white(tmp_path):
    image = Image.new("P", (2, 1), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    pixels = np.asarray(read_image(saved(tmp_path / "a.png", image, transparency=1)))
    assert pixels[0].tolist() == [[255, 0, 0], [255, 255, 255]]


def test_a_picture_lying_on_its_side_is_turned(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    image = Image.new("RGB", (40, 20), "white")
    assert read_image(saved(tmp_path / "a.jpg", image, exif=exif)).size == (20, 40)


def test_an_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.asarray(read_image(tmp_path / "a.gif").convert("L")).max() < 50


def test_what_is_no_picture(tmp_path):
    assert "no such file" in refused(tmp_path / "absent.png")
    assert "folder" in refused(tmp_path)
    for name, content in {"empty.png": b"", "text.png": b"hello", "zeros.png": bytes(500)}.items():
        (tmp_path / name).write_bytes(content)
        assert "no picture" in refused(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.bmp", "a.tif"])
def test_damage_anywhere_is_an_image_error_or_a_picture(tmp_path, name):
    path = saved(
        tmp_path / name, Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    )
    content = path.read_bytes()
    chance = random.Random(5)
    cut_pictures = 0
    for _ in range(40):
        damaged = bytearray(content)
        for _ in range(4):
            damaged[chance.randrange(len(content))] = chance.randrange(256)
        for trial in (bytes(damaged), content[: chance.randrange(len(content) // 2)]):
            path.write_bytes(trial)
            try:
                cut_pictures += read_image(path).mode in ("L", "RGB")
            except ImageError:
                continue
    assert cut_pictures < 60


def test_too_many_pixels_are_refused_before_they_are_unpacked(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", Image.new("1", (30_000, 30_000)))
    assert "pixels" in refused(path)
    monkeypatch.setattr(picture, "MOST_PIXELS", 99)
    assert "10x10" in refused(saved(tmp_path / "b.png", Image.new("L", (10, 10))))


def test_grey_is_the_articles_bit_for_bit(reference_data):
    expected = np.load(reference_data / "seed-animeface" / "gray.npz")["images"]
    with zipfile.ZipFile(reference_data / "seed-animeface" / "faces-30x30.zip") as archive:
        faces = [
            np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in sorted(archive.namelist())
        ]
    np.testing.assert_array_equal(grey(np.stack(faces)), expected)


def test_grey_of_grey_is_the_same():
    values = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(grey(np.stack([values] * 3, axis=-1)), values)


def test_a_picture_of_the_right_size_is_not_resampled():
    image = Image.fromarray(RAMP)
    np.testing.assert_array_equal(fit(image, ImageSpec(1, 16, 16))[..., 0], RAMP)
    np.testing.assert_array_equal(fit(image, ImageSpec(1))[..., 0], RAMP)


def test_the_middle_is_kept_at_the_right_aspect():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    out = fit(Image.fromarray(wide), ImageSpec(3, 5, 5))
    assert out.shape == (5, 5, 3)
    assert out.min() > 200
    tall = fit(Image.fromarray(wide.transpose(1, 0, 2).copy()), ImageSpec(1, 4, 8))
    assert tall.shape == (4, 8, 1)
    assert tall.min() > 200


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (300, 2)])
def test_odd_shapes_fit_too(size):
    assert fit(Image.new("RGB", size, "white"), ImageSpec(1, 8, 8)).min() == 255


def test_grey_pictures_become_colour_and_colour_grey():
    assert fit(Image.new("L", (4, 4), 7), ImageSpec(3, 4, 4)).tolist() == np.full((4, 4, 3), 7).tolist()
    assert fit(Image.new("RGB", (4, 4), (255, 0, 0)), ImageSpec(1, 4, 4))[0, 0, 0] == 76


def test_a_model_of_other_channels_takes_no_picture():
    with pytest.raises(ImageError, match=r"2 channels.*\.$"):
        fit(Image.new("L", (4, 4)), ImageSpec(2, 4, 4))


def test_a_fourth_channel_is_given_as_opaque():
    image = Image.new("RGB", (4, 4), (10, 20, 30))
    assert fit(image, ImageSpec(4, 4, 4))[0, 0].tolist() == [10, 20, 30, 255]
    assert fit(image.convert("L"), ImageSpec(4, 4, 4)).shape == (4, 4, 4)
