"""`checkpoints/sort_faces.py` on a small zip: which faces are taken, and that they stay as they are."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def faces(tmp_path):
    """Twelve noisy pictures; 2.png nearly equals 11.png, 3.png has no tag, odd ones are dark."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    pixels[1] = (pixels[10].astype(int) + draw.integers(-8, 9, pixels[10].shape)).clip(0, 255)
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for number in reversed(range(12)):  # the order in the zip means nothing
            buffer = io.BytesIO()
            Image.fromarray(pixels[number]).save(buffer, "png")
            archive.writestr(f"all/{number + 1}.png", buffer.getvalue())
    rows = [f"{n}.png,blue,{('black', 'brown')[n % 4 == 1] if n % 2 else 'blonde'}" for n in range(1, 13)]
    (tmp_path / "tags.csv").write_text("\n".join(["file,eyes,hair", *rows[:2], *rows[3:]]))
    return tmp_path


def _sorted(sort_faces, folder, *words):
    sort_faces.main(
        [str(folder / "faces.zip"), str(folder / "tags.csv"), "--out", str(folder / "out.zip"), *words]
    )
    with zipfile.ZipFile(folder / "faces.zip") as source, zipfile.ZipFile(folder / "out.zip") as out:
        assert all(out.read(name) == source.read(name) for name in out.namelist())
        return [name.removeprefix("all/").removesuffix(".png") for name in out.namelist()]


def test_faces_of_the_colours_are_taken_in_natural_order(sort_faces, faces):
    assert _sorted(sort_faces, faces, "--hair", "black", "brown") == ["1", "5", "7", "9", "11"]
    assert _sorted(sort_faces, faces, "--hair", "brown") == ["1", "5", "9"]


def test_the_last_ones_and_their_near_copies_are_left_out(sort_faces, faces):
    assert _sorted(sort_faces, faces, "--hair", "blonde", "--without-last", "4") == ["4", "6", "8"]
    assert _sorted(sort_faces, faces, "--hair", "blonde", "--without-last", "1") == ["2", "4", "6", "8", "10"]


def test_the_last_ones_alone(sort_faces, faces):
    assert _sorted(sort_faces, faces, "--hair", "blonde", "--only-last", "4") == ["10", "12"]


def test_the_same_faces_make_the_same_file(sort_faces, faces):
    _sorted(sort_faces, faces, "--hair", "brown")
    first = (faces / "out.zip").read_bytes()
    _sorted(sort_faces, faces, "--hair", "brown")
    assert (faces / "out.zip").read_bytes() == first


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--hair", "purple"], "No face has the tag purple; choose from black, blonde, brown."),
        (["--hair", "black", "--only-last", "13"], "only 12 faces"),
        (["--hair", "brown", "--only-last", "1"], "No face with such hair is left"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(sort_faces, faces, capsys, words, said):
    with pytest.raises(SystemExit) as raised:
        _sorted(sort_faces, faces, *words)
    assert raised.value.code == 3
    assert said in capsys.readouterr().err
    assert not (faces / "out.zip").exists()


def test_a_table_without_hair_is_named(sort_faces, faces, capsys):
    (faces / "tags.csv").write_text("file,eyes\n1.png,blue\n")
    with pytest.raises(SystemExit):
        _sorted(sort_faces, faces, "--hair", "brown")
    assert "tags.csv cannot be read as a table with the columns file and hair" in capsys.readouterr().err
