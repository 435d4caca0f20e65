"""Names of dimensions and notes on them, in `info` and `activity`."""

import json
import shutil

import pytest


@pytest.fixture
def named(native, tmp_path):
    """A checkpoint with a notes file beside it."""
    path = tmp_path / "named.safetensors"
    shutil.copy(native, path)
    said = {
        "dimensions": {"z10": "\x1b[31mred", "z2": "hair length"},
        "remarks": {"z2": "also turns\nthe head"},
        "places": [{"space": "z", "code": [0.5] * 10}],
    }
    (tmp_path / "named.notes.json").write_text(json.dumps(said))
    return path


def test_info_lists_names_and_notes(done, named):
    facts = done("info", named, "--json").json
    assert facts["dimension_names"] == {"z2": "hair length", "z10": "[31mred"}
    assert facts["dimension_notes"] == {"z2": "also turns\nthe head"}
    assert facts["starred_places"] == 1
    table = done("info", named).out
    assert table.index("z2: hair length") < table.index("z10: [31mred")
    assert "the head" in table
    assert "\x1b" not in table


def test_info_without_names_says_nothing_of_them(done, native):
    assert "dimension" not in done("info", native).out
    assert "starred" not in done("info", native).out


def test_activity_says_titles_and_keeps_its_names(done, named):
    rows = done("activity", named, "--json").json
    assert [row["name"] for row in rows] == [f"z{number}" for number in range(1, 11)]
    assert rows[1]["title"] == "hair length"
    assert "title" not in rows[0]
    assert "z2 hair length" in done("activity", named).out
