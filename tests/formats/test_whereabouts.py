"""Where the checkpoints of exported pictures were."""

import pytest

from explorer.formats import finding, whereabouts


@pytest.fixture
def place(own_settings):
    """Where that is kept."""
    return own_settings / "xdg_state_home" / "latent-explorer" / "whereabouts.json"


def test_what_was_remembered_is_found_by_its_hash(place, tmp_path, monkeypatch):
    assert whereabouts.where("ab" * 32) is None
    monkeypatch.chdir(tmp_path)
    whereabouts.remember({"ab" * 32: "顔.pth", "cd" * 32: tmp_path / "b.pth"})
    whereabouts.remember({"cd" * 32: tmp_path / "moved.pth"})
    assert whereabouts.where("AB" * 32) == tmp_path / "顔.pth"
    assert whereabouts.where("cd" * 32) == tmp_path / "moved.pth"
    before = place.stat().st_mtime_ns
    whereabouts.remember({"ab" * 32: tmp_path / "顔.pth"})
    assert place.stat().st_mtime_ns == before, "nothing new was written"


def test_only_so_many_are_kept(monkeypatch):
    monkeypatch.setattr(whereabouts, "MOST", 3)
    for number in range(5):
        whereabouts.remember({f"{number:064}": f"/x/{number}.pth"})
    assert [number for number in range(5) if whereabouts.where(f"{number:064}")] == [2, 3, 4]


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"places": 3}', b'{"places": {"a": 3}}', b"\xff", b"[" * 9999]
)
def test_a_damaged_list_is_begun_anew(place, tmp_path, text):
    place.parent.mkdir(parents=True)
    place.write_bytes(text)
    assert whereabouts.where("a") is None
    whereabouts.remember({"ab": tmp_path})
    assert whereabouts.where("ab") == tmp_path


def test_a_place_that_cannot_be_written_does_no_harm(place):
    place.parent.parent.mkdir(parents=True, exist_ok=True)
    place.parent.write_text("no folder")
    whereabouts.remember({"ab": "/x"})
    assert whereabouts.where("ab") is None


def test_what_lies_there_now_is_looked_at(tmp_path):
    """A path alone proves nothing: the file is hashed."""
    (tmp_path / "a.pth").write_bytes(b"PK\x03\x04 something else by now")
    whereabouts.remember({"ab" * 32: tmp_path / "a.pth"})
    assert finding.find("a", "ab" * 32) is None
