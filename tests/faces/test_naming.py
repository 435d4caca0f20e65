"""What a path is taken for, and names of strangers' files that stay within a folder."""

import gzip
import os

import numpy as np
import pytest
from PIL import Image

from explorer.errors import ImageError
from explorer.faces.naming import Names, kind_of, plain_path, some


def test_what_a_path_leads_to(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "picture.jpg")
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "arrays.npz", images=np.zeros(3))
    (tmp_path / "digits.idx.gz").write_bytes(gzip.compress(b"\0\0\x08\3"))
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    kinds = {path.name: kind_of(path) for path in tmp_path.iterdir()}
    assert kinds == {
        "picture.jpg": "picture",
        "array.npy": "collection",
        "arrays.npz": "collection",
        "digits.idx.gz": "collection",
        "film.mp4": "video",
    }
    assert kind_of(tmp_path) == "folder"


def test_what_is_not_there_or_no_file_is_one_sentence(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        kind_of(tmp_path / "nothing.mp4")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ImageError, match="neither a file nor a folder"):
        kind_of(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("../../etc/passwd", "etc/passwd"),
        ("/abs/x.png", "abs/x.png"),
        ("C:\\dir\\x.png", "C_/dir/x.png"),
        ("a\nb\x00.png", "a_b_.png"),
        ("..", "picture"),
        ("", "picture"),
    ],
)
def test_a_strangers_name_stays_within_the_folder(name, plain):
    assert str(plain_path(name)) == plain


def test_long_names_are_cut_and_keep_their_suffix():
    assert str(plain_path("x" * 500 + ".png")) == "x" * 80 + ".png"


def test_no_two_sources_get_one_name():
    names = Names()
    given = [names.of(name) for name in ("a.jpg", "a.png", "A.PNG", "b/a.jpg", "b-a.jpg", "a.png")]
    assert given == ["a", "a-png", "A-3", "b-a", "b-a-jpg", "a-4"]
    assert len({name.lower() for name in given}) == len(given)


def test_many_names_in_a_sentence():
    assert some(["a", "b"]) == "2 (a, b)"
    assert some(list("abcde")) == "5 (a, b, c, ...)"
