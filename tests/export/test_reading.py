"""Finding recipes in files, also after other programs, and in files that mean harm."""

import contextlib
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from recipe_examples import EXAMPLES, pictures

from explorer.errors import RecipeError
from explorer.export import making, reading, recipe_text
from explorer.export.reading import recipe_in
from explorer.models.base import Space

STRIP = EXAMPLES["strip with sources"]


@pytest.fixture
def made(tmp_path):
    """Writes the strip as a file of a kind and returns its path."""

    def write(suffix):
        making.save(STRIP, pictures(5), tmp_path / f"made.{suffix}")
        return tmp_path / f"made.{suffix}"

    return write


def same(recipe):
    return np.array_equal(recipe.codes, STRIP.codes) and recipe.labels == STRIP.labels


@pytest.mark.parametrize("how", ["tEXt", "zTXt", "iTXt", "packed iTXt"])
def test_pillow_may_save_the_png_again_with_its_text(made, tmp_path, how):
    with Image.open(made("png")) as image:
        kept = PngImagePlugin.PngInfo()
        kept.add_text("Software", "another")
        for name, text in image.text.items():
            if "i" in how:
                kept.add_itxt(name, str(text), zip="packed" in how)
            else:
                kept.add_text(name, str(text), zip=how == "zTXt")
        image.save(tmp_path / "again.png", pnginfo=kept)
    assert how[-4:].encode() in (tmp_path / "again.png").read_bytes()
    assert same(recipe_in(tmp_path / "again.png"))


def test_pillow_may_save_webp_and_gif_again(made, tmp_path):
    with Image.open(made("webp")) as image:
        image.save(tmp_path / "again.webp", xmp=image.info["xmp"])
    with Image.open(made("gif")) as image:
        image.save(tmp_path / "again.gif", comment=image.info["comment"])
    assert same(recipe_in(tmp_path / "again.webp"))
    assert same(recipe_in(tmp_path / "again.gif"))


def test_a_png_with_much_text_can_still_be_opened(tmp_path):
    many = making.samples(STRIP.model, Space("z", (512,)), 400, 0)
    making.save(many, pictures(400, 1, 1), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert len(image.text["latent-explorer"]) > 2_000_000
    assert np.array_equal(recipe_in(tmp_path / "a.png").codes, many.codes)


def test_text_behind_the_pixels_is_found(made):
    data = made("png").read_bytes()
    text = reading._KEYWORD + recipe_text.to_json(STRIP).encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    plain = made("png").with_name("plain.png")
    with Image.open(made("png")) as image:
        image.save(plain)
    assert recipe_in(plain) is None
    data = plain.read_bytes()
    plain.write_bytes(data[:-12] + chunk + data[-12:])
    assert same(recipe_in(plain))


@pytest.mark.parametrize("suffix", ["png", "webp", "gif", "jpg", "bmp"])
def test_a_picture_of_another_program_carries_none(tmp_path, suffix):
    Image.new("RGB", (30, 20)).save(tmp_path / f"a.{suffix}")
    assert recipe_in(tmp_path / f"a.{suffix}") is None


def test_what_is_no_picture_carries_none_and_what_is_missing_is_told(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "text.png").write_text("hello")
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("empty", "text.png", "pipe.png", "."):
        assert recipe_in(tmp_path / name) is None
    with pytest.raises(RecipeError, match=r"none\.png cannot be read \(no such file"):
        recipe_in(tmp_path / "none.png")


def test_an_older_recipe_is_told(tmp_path):
    old = PngImagePlugin.PngInfo()
    old.add_itxt("latent-explorer", '{"version": "0.1.0", "kind": "strip", "stages": ["顔"]}', zip=True)
    Image.new("L", (3, 3)).save(tmp_path / "a.png", pnginfo=old)
    with pytest.raises(RecipeError, match=r"a\.png was written by an early version.*export"):
        recipe_in(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_files_cut_off_anywhere_or_changed_are_none_or_told(made, suffix):
    path = made(suffix)
    data = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data[: random.integers(5, len(data))] if random.random() < 0.5 else data)
        for place in random.integers(4, len(broken), random.integers(0, 4)):
            broken[place] = random.integers(256)
        path.write_bytes(broken)
        with contextlib.suppress(RecipeError):
            recipe_in(path)


def test_a_text_that_unpacks_to_gigabytes_is_stopped(tmp_path):
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(b"[" * 10_000_000) for _ in range(7)) + packer.flush()
    text = reading._KEYWORD + b"\0" + bomb
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + bytes(17)
    (tmp_path / "a.png").write_bytes(head + struct.pack(">I", len(text)) + b"zTXt" + text + bytes(4))
    with pytest.raises(RecipeError, match="too long"):
        recipe_in(tmp_path / "a.png")
    assert len(reading._unpacked(bomb)) == recipe_text.MOST_TEXT + 1


def test_a_file_of_endless_small_parts_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_MOST_PARTS", 50)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(12 * 1000))
    (tmp_path / "a.webp").write_bytes(b"RIFF\0\0\0\0WEBP" + bytes(8 * 1000))
    (tmp_path / "a.gif").write_bytes(b"GIF89a" + bytes(7) + b"!\xf9" + b"\1\1" * 1000)
    for suffix in ("png", "webp", "gif"):
        assert recipe_in(tmp_path / f"a.{suffix}") is None
