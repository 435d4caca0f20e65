"""The list of what was opened lately."""

import json
import os
from pathlib import Path

import pytest

from explorer.formats import recent
from explorer.formats.recent import Recent


@pytest.fixture
def place(own_settings):
    """Where the list is kept."""
    return own_settings / "xdg_state_home" / "latent-explorer" / "recent.json"


def names():
    return [entry.name for entry in recent.entries()]


def test_the_newest_comes_first_and_a_path_once(place, tmp_path, monkeypatch):
    assert recent.entries() == []
    recent.add(tmp_path / "a.pth", "a", "11" * 32, "model")
    recent.add(tmp_path / "顔.session.json", "顔", None, "session")
    monkeypatch.chdir(tmp_path)
    recent.add("./b/../a.pth", "a again", "22" * 32, "model")
    assert recent.entries() == [
        Recent(tmp_path / "a.pth", "a again", "22" * 32, "model"),
        Recent(tmp_path / "顔.session.json", "顔", None, "session"),
    ]
    assert "顔" in place.read_text(encoding="utf-8")


def test_only_so_many_are_kept():
    for number in range(recent.MOST + 5):
        recent.add(f"/x/{number}.pth", str(number), None, "stage")
    assert names() == [str(number) for number in range(recent.MOST + 4, 4, -1)]


def test_forgetting(tmp_path):
    for name in "abc":
        recent.add(tmp_path / name, name, None, "model")
    recent.forget(tmp_path / "b")
    recent.forget(tmp_path / "never was")
    assert names() == ["c", "a"]
    recent.clear()
    assert names() == []


def test_a_name_that_is_no_text_of_any_language_comes_back():
    path = Path(os.fsdecode(b"/x/\xff.pth"))
    recent.add(path, path.stem, None, "model")
    assert recent.entries()[0].path == path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"entries": 3}',
        b'{"entries": [3]}',
        b'{"entries": [{"kind": "model"}]}',
        b'{"entries": [{"kind": "model", "path": 3, "name": ""}]}',
        b'{"entries": [{"kind": "model", "path": "/a\\u0000", "name": ""}]}',
        b'{"entries": [{"kind": "model", "path": "/tmp/\\ud800.pth", "name": ""}]}',
        b"[" * 100_000,
        b" " * (recent._MOST_TEXT + 1),
    ],
)
def test_a_damaged_list_is_set_aside(place, content):
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert recent.entries() == []
    assert place.with_name("recent.json.broken").read_bytes() == content
    recent.add("/x/a.pth", "a", None, "model")
    assert names() == ["a"]


def test_what_a_newer_program_lists_is_passed_over(place):
    recent.add("/x/a.pth", "a", None, "model")
    said = json.loads(place.read_text())
    said["entries"].insert(0, {"kind": "film", "path": "/x/b", "frames": 3})
    place.write_text(json.dumps(said))
    assert names() == ["a"]


def test_a_list_that_cannot_be_read_or_written_is_no_error(place):
    place.mkdir(parents=True)
    recent.add("/x/a.pth", "a", None, "model")
    assert recent.entries() == []
    place.rmdir()
    place.parent.rmdir()
    place.parent.write_text("in the way")
    recent.add("/x/a.pth", "a", None, "model")
    recent.clear()
    assert recent.entries() == []
