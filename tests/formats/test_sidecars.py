"""Where sidecars are looked for and written."""

from pathlib import Path

from explorer.formats import sidecars


def test_a_sidecar_lies_beside_its_checkpoint(tmp_path):
    checkpoint = tmp_path / "faces.v2.pth"
    checkpoint.write_bytes(b"x")
    assert sidecars.find(checkpoint, "codes.npz") is None
    assert sidecars.writable_place(checkpoint, "codes.npz") == tmp_path / "faces.v2.codes.npz"
    (tmp_path / "faces.v2.codes.npz").write_bytes(b"x")
    assert sidecars.find(checkpoint, "codes.npz") == tmp_path / "faces.v2.codes.npz"


def test_in_a_read_only_place_it_goes_to_the_users_folder_and_is_found_there(
    tmp_path, monkeypatch, own_settings
):
    checkpoint = tmp_path / "faces.pth"
    checkpoint.write_bytes(b"x")
    monkeypatch.setattr(sidecars.os, "access", lambda path, mode: False)
    place = sidecars.writable_place(checkpoint, "notes.json")
    assert Path(own_settings) in place.parents
    place.write_text("{}")
    assert sidecars.find(checkpoint, "notes.json") == place
    other = tmp_path / "other" / "faces.pth"
    other.parent.mkdir()
    other.write_bytes(b"x")
    assert sidecars.find(other, "notes.json") is None
