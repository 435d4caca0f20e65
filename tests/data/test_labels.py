"""Label columns in the order of the pictures."""

import numpy as np
import pytest

from explorer.data.labels import read_labels, without_label
from explorer.errors import LatentError

CSV = "file,hair,age,note\n00003.jpg,red,3,\n00002.jpg,blonde,,x\n,,,\n\n00009.jpg,black,9.5,y\n"


def test_columns_follow_the_pictures(tmp_path):
    (tmp_path / "tags.csv").write_text("\ufeff" + CSV)
    labels = read_labels(tmp_path / "tags.csv", ["sub/00002.jpg", "00003.jpg", "unknown.jpg"])
    assert list(labels) == ["hair", "age", "note"]
    assert labels["hair"].tolist() == ["blonde", "red", ""]
    assert labels["age"].dtype == np.float32
    np.testing.assert_array_equal(labels["age"], np.array([np.nan, 3, np.nan], np.float32))
    assert labels["note"].tolist() == ["x", "", ""]


def test_pictures_without_a_label_are_counted(tmp_path):
    (tmp_path / "tags.csv").write_text("file,hair,age\na.png,red,\nb.png,,3\nc.png,,\n")
    names = [f"{letter}.png" for letter in "abcdef"]
    assert without_label(read_labels(tmp_path / "tags.csv", names)) == 4
    assert without_label({}) == 0


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_columns_as_spreadsheets_separate_them(tmp_path, delimiter):
    text = "file|hair|note\na.png|red|'one, two; three'\n".replace("'", '"')
    (tmp_path / "tags.csv").write_text(text.replace("|", delimiter))
    labels = read_labels(tmp_path / "tags.csv", ["a.png"])
    assert {column: values.tolist() for column, values in labels.items()} == {
        "hair": ["red"],
        "note": ["one, two; three"],
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,hair,hair\na.png,red,blue\n", "more than one column called hair"),
        ("file,hair\na.png,red\na.png,blue\n", "more than one row of a.png"),
    ],
)
def test_what_occurs_twice_is_said(tmp_path, text, said):
    (tmp_path / "tags.csv").write_text(text)
    with pytest.raises(LatentError, match=said):
        read_labels(tmp_path / "tags.csv", ["a.png"])


def test_folders_in_the_table_do_not_matter(tmp_path):
    (tmp_path / "tags.csv").write_text("file,hair\ntrain/a.png,red\ntest/b.png,blue\n")
    assert read_labels(tmp_path / "tags.csv", ["b.png", "train/a.png"])["hair"].tolist() == ["blue", "red"]


def test_the_real_tags_are_read(reference_data):
    labels = read_labels(reference_data / "anime-faces-64" / "tags.csv", ["00002.jpg", "00003.jpg"])
    assert labels["eyes"].tolist() == ["pink", "purple"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "file,hair\n1.jpg,red\n2.jpg,red\n",
            r"it has 1\.jpg, 2\.jpg, the pictures are a\.png, b\.png; give the",
        ),
        ("file,hair\na.jpg,red\n", "differ in what follows the last dot"),
        ("hair,file\nred,a.png\n", "it has red, .* with the file's name in its first column"),
        ("file,hair\n", "no row"),
    ],
)
def test_a_table_of_other_pictures_names_both(tmp_path, text, said):
    (tmp_path / "tags.csv").write_text(text)
    with pytest.raises(LatentError, match=said):
        read_labels(tmp_path / "tags.csv", ["a.png", "b.png"])


@pytest.mark.parametrize(
    "content",
    [b"", b"file\na\n", b"file,hair\nother.jpg,red\n", b"\xff\xfe\x00", b'a,b\n"""\0'],
)
def test_what_is_no_table(tmp_path, content):
    (tmp_path / "tags.csv").write_bytes(content)
    with pytest.raises(LatentError, match=r"tags\.csv.*\.$"):
        read_labels(tmp_path / "tags.csv", ["00002.jpg"])
    with pytest.raises(LatentError, match="no such file"):
        read_labels(tmp_path / "absent.csv", ["00002.jpg"])
