"""`NAME.notes.json`: what is read of it, and that writing loses nothing."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest

from explorer import paths
from explorer.errors import OutputError
from explorer.formats import notes_writing, open_latent, save_native, sidecars
from explorer.formats.notes import NO_NOTES, Notes, StarredPlace, read
from explorer.models.base import Space

HOSTILE = [
    "",
    "[]",
    "{",
    "[" * 100_000,
    '"z1"',
    "\x00\x01",
    '{"dimensions": 3, "remarks": [], "places": {}}',
    '{"dimensions": {"z1": 5, "z0": "a", "z01": "b", "z99": "c", "": "d", "z1\\u0000": "e"}}',
    '{"places": [1, null, [], {}, {"space": "z"}, {"space": 3, "code": [1, 2, 3, 4]}]}',
    '{"places": [{"space": "z", "code": [1, 2, 3]}, {"space": "q", "code": [1, 2, 3, 4]}]}',
    '{"places": [{"space": "z", "code": [NaN, 0, 0, 0]}, {"space": "z", "code": [1e999, 0, 0, 0]}]}',
    '{"places": [{"space": "z", "code": [1e300, 0, 0, 0]}, {"space": "z", "code": [true, 0, 0, "0"]}]}',
    '{"places": [{"space": "z", "code": [1' + "0" * 4000 + ", 0, 0, 0]}]}",
    '{"places": [{"space": "z", "code": [0, 0, 0, 0], "name": 7}]}',
]


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "tiny.pth"
    path.write_bytes(b"x")
    return path


@pytest.fixture
def place(tmp_path):
    return tmp_path / "tiny.notes.json"


@pytest.fixture
def own(checkpoint, own_settings):
    """The user's own copy of the notes."""
    path = sidecars._own_place(checkpoint, "notes.json")
    assert own_settings in path.parents
    path.parent.mkdir(parents=True)
    return path


def model():
    """As much of a model as notes look at, of two spaces."""
    return SimpleNamespace(spaces={"z": Space("z", (4,)), "w": Space("w", (2,))})


def star(*code, name="", space="z"):
    return StarredPlace(space, np.array(code, np.float32), name)


def on_disk(path):
    return json.loads(path.read_text("utf-8"))


def back(checkpoint):
    """Return what is read, where nothing was wrong."""
    found, complaints = read(checkpoint, model())
    assert complaints == []
    return found


# ---- reading ----


def test_names_notes_and_places_of_every_space_are_read(checkpoint, place):
    place.write_text(
        json.dumps(
            {
                "dimensions": {"z3": " hair\nlength ", "w2": "age"},
                "remarks": {"z3": "also turns\nthe head", "w1": " "},
                "places": [{"space": "w", "code": [0.5, -1], "name": "the smile"}],
            }
        )
    )
    found = back(checkpoint)
    assert found.titles == {"z3": "hair length", "w2": "age"}
    assert found.remarks == {"z3": "also turns\nthe head"}
    assert [(p.space, p.code.tolist(), p.name) for p in found.places] == [("w", [0.5, -1], "the smile")]
    assert not found.places[0].code.flags.writeable


def test_without_a_file_there_is_nothing_and_nothing_is_wrong(checkpoint):
    assert back(checkpoint).says_the_same(NO_NOTES)


@pytest.mark.parametrize("content", HOSTILE)
def test_what_cannot_be_used_is_told_and_left_out(checkpoint, place, content):
    place.write_text(content)
    found, complaints = read(checkpoint, model())
    assert found.says_the_same(NO_NOTES)
    assert any("tiny.notes.json" in each for each in complaints)
    assert all(each.endswith(".") and each.isprintable() for each in complaints)


def test_long_words_are_cut_and_what_upsets_a_terminal_goes(checkpoint, place):
    place.write_text(json.dumps({"dimensions": {"z1": "长" * 100, "z2": "a\x1b[31m\ud800b"}}))
    titles = back(checkpoint).titles
    assert titles == {"z1": "长" * 80, "z2": "a[31mb"}


def test_of_too_many_places_the_last_are_shown(checkpoint, place):
    entries = [{"space": "w", "code": [number, 0]} for number in range(2003)]
    place.write_text(json.dumps({"places": entries}))
    found, complaints = read(checkpoint, model())
    assert [found.places[0].code[0], found.places[-1].code[0]] == [3, 2002]
    assert "2003" in complaints[0]


def test_a_damaged_file_does_not_keep_a_model_from_opening(tmp_path, tiny_model):
    path = tmp_path / "tiny.safetensors"
    config = {"height": 8, "width": 8, "channels": 1, "hidden": [32, 16], "latent_dim": 4}
    save_native(path, tiny_model, config=config)
    (tmp_path / "tiny.notes.json").write_text("{")
    assert any("notes.json" in note for note in open_latent(path).model.notes)


# ---- the user's own file over a shipped one ----


def test_own_words_win_an_empty_one_takes_away_and_places_join(checkpoint, place, own):
    place.write_text(
        json.dumps(
            {
                "dimensions": {"z1": "shipped", "z2": "gone", "z3": "stays"},
                "places": [{"space": "w", "code": [1, 1], "name": "first"}, {"space": "w", "code": [2, 2]}],
            }
        )
    )
    own.write_text(
        json.dumps(
            {
                "dimensions": {"z1": "mine", "z2": ""},
                "places": [
                    {"space": "w", "code": [1, 1], "name": "renamed"},
                    {"space": "w", "code": [2, 2], "starred": False},
                    {"space": "w", "code": [3, 3]},
                ],
            }
        )
    )
    found = back(checkpoint)
    assert found.titles == {"z1": "mine", "z3": "stays"}
    assert [(p.code[0], p.name) for p in found.places] == [(1, "renamed"), (3, "")]


def test_one_damaged_layer_leaves_the_other(checkpoint, place, own):
    place.write_text('{"dimensions": {"z1": "tilt"}}')
    own.write_text("{")
    found, complaints = read(checkpoint, model())
    assert found.titles == {"z1": "tilt"}
    assert str(own) in complaints[0]


def test_notes_of_a_bundled_model_go_to_the_users_folder_and_its_own_file_stays(
    tmp_path, monkeypatch, own_settings, checkpoint, place
):
    monkeypatch.setattr(sidecars, "checkpoints", lambda: tmp_path)
    shipped = '{"dimensions": {"z1": "tilt", "z2": "hair"}, "places": [{"space": "w", "code": [1, 1]}]}'
    place.write_text(shipped)
    before = back(checkpoint)
    notes_writing.write(checkpoint, Notes({"z1": "lean"}, {"z1": "much"}, ()), before)
    assert place.read_text() == shipped
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.pth", "tiny.notes.json"}
    found = back(checkpoint)
    assert (found.titles, found.remarks, found.places) == ({"z1": "lean"}, {"z1": "much"}, ())
    notes_writing.write(checkpoint, before, found)
    assert back(checkpoint).says_the_same(before)


def test_the_bundled_models_are_bundled(own_settings):
    for path in paths.bundled().values():
        assert own_settings in sidecars.writable_place(path, "notes.json").parents


def test_a_copy_in_the_users_folder_is_the_one_that_is_written_to(checkpoint, own):
    own.write_text("{}")
    assert sidecars.writable_place(checkpoint, "notes.json") == own
    assert sidecars.find(checkpoint, "notes.json") == own


# ---- writing ----


def test_what_is_written_is_read_again_to_the_bit(checkpoint):
    code = np.random.default_rng(0).normal(0, 3, 4).astype(np.float32)
    said = Notes(
        {"z3": "头发的长度", "w1": 'a "quoted" \\ one'},
        {"z3": "two\nlines"},
        (StarredPlace("z", code, "the smile"), star(-0.0, 1, space="w")),
    )
    assert notes_writing.write(checkpoint, said) == []
    found = back(checkpoint)
    assert found.says_the_same(said)
    assert found.places[0].code.tobytes() == code.tobytes()


def test_the_file_is_for_people_too(checkpoint, place):
    notes_writing.write(checkpoint, Notes({"z3": "头发"}, {}, (star(0.1, 0, 0, 0, name="here"),)))
    assert place.read_text("utf-8") == (
        '{\n  "dimensions": {\n    "z3": "头发"\n  },\n  "places": [\n'
        '    {"space": "z", "code": [0.1, 0.0, 0.0, 0.0], "name": "here"}\n  ]\n}\n'
    )


def test_what_another_window_wrote_meanwhile_stays(checkpoint):
    before = Notes({"z1": "a", "z2": "b"}, {}, (star(1, 1, space="w"),))
    notes_writing.write(checkpoint, before)
    theirs = Notes(
        {"z1": "theirs", "z2": "b", "z4": "new"}, {"z1": "x"}, (*before.places, star(2, 2, space="w"))
    )
    notes_writing.write(checkpoint, theirs, before)
    mine = Notes({"z1": "a", "z3": "c"}, {}, (star(1, 1, space="w", name="named"), star(3, 3, space="w")))
    notes_writing.write(checkpoint, mine, before)
    found = back(checkpoint)
    assert found.titles == {"z1": "theirs", "z3": "c", "z4": "new"}
    assert found.remarks == {"z1": "x"}
    assert [(p.code[0], p.name) for p in found.places] == [(1, "named"), (2, ""), (3, "")]


def test_of_what_two_windows_changed_the_last_wins(checkpoint):
    notes_writing.write(checkpoint, Notes({"z1": "first"}))
    notes_writing.write(checkpoint, Notes({"z1": "second"}))
    assert back(checkpoint).titles == {"z1": "second"}


def test_taking_everything_away_leaves_nothing(checkpoint, place):
    said = Notes({"z1": "a"}, {"z1": "b"}, (star(1, 1, space="w"),))
    notes_writing.write(checkpoint, said)
    notes_writing.write(checkpoint, NO_NOTES, said)
    assert back(checkpoint).says_the_same(NO_NOTES)
    assert on_disk(place) == {"dimensions": {}, "remarks": {}, "places": []}


def test_what_is_not_understood_stays_in_the_file(checkpoint, place):
    unknown = {
        "version": 9,
        "dimensions": {"q1": "elsewhere", "z1": 5},
        "places": [{"space": "q", "code": [1]}, "odd", {"space": "w", "code": [1, 1], "mood": "\ud800"}],
        "more": {"deep": [1, {"a": None}]},
    }
    place.write_text(json.dumps(unknown))
    before, complaints = read(checkpoint, model())
    assert complaints
    notes_writing.write(checkpoint, Notes({"z2": "hair"}, {}, (star(1, 1, space="w", name="n"),)), before)
    unknown["dimensions"]["z2"] = "hair"
    unknown["places"][2]["name"] = "n"
    assert on_disk(place) == unknown


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"dimensions": 3, "mine": 1}'])
def test_a_damaged_file_is_set_aside_before_it_is_written_over(checkpoint, place, content):
    place.write_text(content)
    for number, name in enumerate(["tiny.notes.json.broken", "tiny.notes.json.broken-2"], 1):
        said = notes_writing.write(checkpoint, Notes({"z1": f"try {number}"}))
        assert len(said) == 1
        assert name in said[0]
        assert place.with_name(name).read_text() == content
        assert back(checkpoint).titles == {"z1": f"try {number}"}
        assert on_disk(place).get("mine") == (1 if "mine" in content else None)
        place.write_text(content)


def test_a_folder_of_that_name_is_an_error_that_says_so(checkpoint, place):
    place.mkdir()
    with pytest.raises(OutputError, match=r"tiny\.notes\.json.*\.$"):
        notes_writing.write(checkpoint, Notes({"z1": "a"}))


def test_a_failed_write_leaves_the_file_as_it_was(checkpoint, place, monkeypatch):
    notes_writing.write(checkpoint, Notes({"z1": "a"}))

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="no space left"):
        notes_writing.write(checkpoint, Notes({"z1": "b"}))
    monkeypatch.undo()
    assert back(checkpoint).titles == {"z1": "a"}


def test_a_users_folder_that_cannot_be_made_is_an_error_that_says_so(checkpoint, monkeypatch, own_settings):
    monkeypatch.setattr(sidecars.os, "access", lambda path, mode: False)
    (own_settings / "blocked").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(own_settings / "blocked"))
    with pytest.raises(OutputError, match=r"blocked.*\.$"):
        notes_writing.write(checkpoint, Notes({"z1": "a"}))
