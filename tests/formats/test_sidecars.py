"""Where sidecars are looked for and written; hints."""

from pathlib import Path

import pytest

from explorer.errors import CheckpointError
from explorer.formats import sidecars
from explorer.formats.sidecars import Hints


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


def hinted(folder, text):
    """A checkpoint with this beside it."""
    (folder / "faces.hints.json").write_text(text)
    checkpoint = folder / "faces.pth"
    checkpoint.write_bytes(b"x")
    return checkpoint


@pytest.mark.parametrize(
    "text",
    [
        '{"image": [1, Infinity, 1]}',
        '{"image": [1, 1e400, 1]}',
        '{"image": [true, 30, 30]}',
        '{"image": [1.9, 30, 30]}',
        '{"image": {"1": 2}}',
        '{"image": 30}',
        f'{{"range": [0, 1{"0" * 400}]}}',
        '{"range": [false, true]}',
        '{"range": [0, NaN]}',
        '{"range": ["0", "1"]}',
        '{"range": null}',
        '{"architecture": ["fc-vae"]}',
    ],
)
def test_hints_that_make_no_sense_are_refused_and_give_way_to_what_was_given(tmp_path, text):
    checkpoint = hinted(tmp_path, text)
    with pytest.raises(CheckpointError, match=r"^\S+faces\.hints\.json: The hint \w+ cannot be .*\.$"):
        sidecars.read_hints(checkpoint)
    key = text[2:].partition('"')[0]
    given = {"image": "1x30x30", "range": "0..1", "architecture": "fc-vae"}
    hints = sidecars.read_hints(checkpoint, {key: given[key]})
    assert hints.told == {key: given[key]}
    (note,) = hints.notes
    assert "was left out, since others were given" in note
    assert key in note
    del given[key]
    with pytest.raises(CheckpointError, match="cannot be"):  # nothing given says it better
        sidecars.read_hints(checkpoint, given)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"range": ' + "9" * 5000 + "}", '{"colour": "red", "range": "0..1"}']
)
def test_a_file_of_hints_that_cannot_be_used_gives_way_to_any(tmp_path, text):
    checkpoint = hinted(tmp_path, text)
    with pytest.raises(CheckpointError, match=r"faces\.hints\.json"):
        sidecars.read_hints(checkpoint)
    hints = sidecars.read_hints(checkpoint, {"image": "30x30"})
    assert hints.told["image"] == "1x30x30"
    assert len(hints.notes) == 1
    assert sidecars.read_hints(checkpoint, {}, only_given=True) == Hints()


def test_hints_as_texts_say_the_same_again():
    for given in ({"range": "-0.1..1e6"}, {"range": "0..255", "image": "3,64,64"}, {"architecture": "dcgan"}):
        hints = Hints(**sidecars.parsed_hints(given))
        assert Hints(**sidecars.parsed_hints(hints.told)) == hints
    assert Hints(**sidecars.parsed_hints({"range": "0.0..255"})).told == {"range": "0..255"}
