"""`checkpoints/label_digits.py`: the labels of an idx file as the column of a code book."""

import gzip

import pytest

from explorer.data.labels import read_labels


@pytest.mark.parametrize("packed", [gzip.compress, bytes])
def test_digits_become_a_column_by_number(tmp_path, label_digits, packed):
    (tmp_path / "labels").write_bytes(packed(b"\0\0\x08\x01\0\0\0\x03\x07\x02\x01"))
    label_digits.main([str(tmp_path / "labels"), "--out", str(tmp_path / "digits.csv")])
    columns = read_labels(tmp_path / "digits.csv", ["0", "1", "2"])
    assert columns["digit"].tolist() == [7.0, 2.0, 1.0]


@pytest.mark.parametrize(
    "content", [None, b"\0\0\x08\x03\0\0\0\0", b"\0\0\x08\x01\0\0\0\x09\x01", b"\x1f\x8bno"]
)
def test_what_is_no_file_of_labels_is_told_in_one_sentence(tmp_path, label_digits, capsys, content):
    if content is not None:
        (tmp_path / "labels").write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        label_digits.main([str(tmp_path / "labels"), "--out", str(tmp_path / "digits.csv")])
    assert ended.value.code == 3
    assert capsys.readouterr().err.endswith(".\n")
    assert not (tmp_path / "digits.csv").exists()
