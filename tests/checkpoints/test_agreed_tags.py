"""`agreed_tags.py`: tags stay where the colour measured on the picture is the same."""

import csv
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

COLOURS = {"1.png": (200, 30, 40), "2.png": (60, 80, 200), "3.png": (60, 80, 200), "4.png": (150, 150, 150)}


def test_tags_stay_where_the_measured_colour_is_the_same(agreed_tags, tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "faces.zip", "w") as archive:
        for name, colour in COLOURS.items():
            content = BytesIO()
            Image.fromarray(np.full((64, 64, 3), colour, np.uint8)).save(content, "png")
            archive.writestr(f"faces/{name}", content.getvalue())
    (tmp_path / "tags.csv").write_text("file,eyes,hair\n1.png,red,red\n2.png,,red\n3.png,,\n4.png,,gray\n")
    words = [str(tmp_path / name) for name in ("faces.zip", "tags.csv")]
    agreed_tags.main([*words, "--out", str(tmp_path / "agreed.csv")])
    with (tmp_path / "agreed.csv").open(newline="") as file:
        assert [row["hair"] for row in csv.DictReader(file)] == ["red", "", "", "gray"]
    assert capsys.readouterr().out.endswith("agreed.csv: 2 of 3 tags.\n")


def test_a_table_without_the_columns_is_refused_in_one_sentence(agreed_tags, tmp_path, capsys):
    (tmp_path / "tags.csv").write_text("name,colour\n")
    with pytest.raises(SystemExit) as caught:
        agreed_tags.main(["faces.zip", str(tmp_path / "tags.csv"), "--out", str(tmp_path / "agreed.csv")])
    assert caught.value.code == 3
    assert capsys.readouterr().err.count(".\n") == 1
