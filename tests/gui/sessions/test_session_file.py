"""Session files: what is written, that it comes back to the bit, and that nobody's file can do harm."""

import dataclasses
import json
import os

import numpy as np
import pytest
from sessions import Actor, save_colorizer, save_vae, snapshot, state_snapshot

from explorer.errors import RecipeError
from explorer.formats import open_latent, open_stage
from explorer.gui.session import Session
from explorer.gui.sessions import session_file, session_state
from explorer.gui.sessions.session_file import Scribe, describe, moment_of
from explorer.gui.sessions.session_opening import open_session
from explorer.gui.sessions.session_reading import read
from explorer.gui.sessions.session_text import one_line
from explorer.gui.state import Anchor, Place, RowSettings, State, frozen_code
from explorer.models.base import Space


@pytest.fixture
def session(qapp, tmp_path):
    session = Session()
    session.open(open_latent(save_vae(tmp_path / "faces.safetensors")))
    return session


def saved(session, path):
    path.write_text(describe(moment_of(session), path.parent), encoding="utf-8")
    return path


def opened(path):
    return open_session(path, lambda *_: None, lambda: False)[1]


def refused(path, *words):
    """The sentence of a file that cannot be used."""
    with pytest.raises(RecipeError) as caught:
        opened(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return text


# ---- what is written ----


def test_it_is_json_with_number_lists_on_one_line_and_relative_paths(session, tmp_path):
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    session.set_dimension(2, 0.1)
    folder = tmp_path / "sessions" / "of today"
    folder.mkdir(parents=True)
    text = saved(session, folder / "one.session.json").read_text()
    said = json.loads(text)
    assert said["model"]["path"] == "../../faces.safetensors"
    assert said["stages"][0]["path"] == "../../colour.safetensors"
    assert str(tmp_path) not in text
    assert '  "code": [0.0, 0.0, 0.1, 0.0],' in text.splitlines()
    assert '    {"what": "z3", "code": {"z3": 0.0}},' in text.splitlines()


def test_every_part_of_a_state_is_written(session):
    """A part that a state gets later has to find its place in the file."""
    said = json.loads(describe(moment_of(session), None))
    names = {"anchor_a": "A", "anchor_b": "B", "opened": "model"}
    assert {names.get(f.name, f.name) for f in dataclasses.fields(State)} <= said.keys()
    for kind, key in ((RowSettings, "rows"), (type(session.map), "map"), (type(session.strip), "strip")):
        assert {f.name for f in dataclasses.fields(kind)} == said[key].keys()
    written = json.loads(
        one_line(
            session_file._place(Place(2, "z", session.code, "what", "name", starred=True, parent=1, label=3))
        )
    )
    assert {f.name for f in dataclasses.fields(Place)} == written.keys()


def test_a_bundled_model_goes_by_its_name(qapp, tmp_path):
    session = Session()
    session.open(open_latent("anime-faces"))
    session.randomize(1)
    path = saved(session, tmp_path / "faces.session.json")
    assert json.loads(path.read_text())["model"]["bundled"] == "anime-faces"
    assert snapshot_of(opened(path)) == state_snapshot(session.state)


def snapshot_of(restored):
    assert restored.warnings == ()
    return state_snapshot(restored.moment.state)


def test_float32_comes_back_to_the_bit():
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**32, 200_000, np.uint32).view(np.float32)
    numbers = np.concatenate(
        [numbers[np.isfinite(numbers)], np.float32([0.1, -0.0, 1e-45, 3.4e38, 16777216])]
    )
    back = np.array(json.loads(one_line(numbers)), np.float64).astype(np.float32)
    assert back.tobytes() == numbers.tobytes()
    assert one_line(np.float32([0.1, -2.5])) == "[0.1, -2.5]"


def test_what_is_no_number_does_not_make_the_file_unreadable(session, tmp_path):
    picture = np.zeros((8, 8, 1), np.uint8)
    session.show_encoded(np.array([np.nan, 1, np.inf, 2]), picture, "broken")
    restored = opened(saved(session, tmp_path / "one.session.json"))
    assert restored.moment.state.code.tolist() == [0, 1, 0, 2]


def test_a_second_writing_works_out_only_what_changed(session, monkeypatch):
    scribe = Scribe()
    Actor(session, 0).act(150)
    scribe.describe(moment_of(session), None)
    counts = []
    line = session_state.one_line
    for module in (session_file, session_state):
        monkeypatch.setattr(module, "one_line", lambda said: counts.append(said) or line(said))
    monkeypatch.setattr(session_state, "_png", None)  # nothing is drawn again
    session.set_code(np.ones(4))
    again = scribe.describe(moment_of(session), None)
    assert [said["what"] for said in counts] == ["Move"]
    monkeypatch.undo()
    assert without_time(again) == without_time(describe(moment_of(session), None))


def without_time(text):
    return {key: value for key, value in json.loads(text).items() if key != "saved"}


def test_undo_is_bounded(session, monkeypatch, tmp_path):
    for seed in range(30):
        session.randomize(seed)
    monkeypatch.setattr(session_file, "MOST_STEP_TEXT", 1000)
    restored = opened(saved(session, tmp_path / "one.session.json"))
    assert 3 < len(restored.moment.past) < 15
    newest = session.past[-len(restored.moment.past) :]
    assert [state_snapshot(s) for _, s in restored.moment.past] == [state_snapshot(s) for _, s in newest]


def test_too_many_places_leave_the_oldest_without_a_star_out(session, monkeypatch, tmp_path):
    for seed in range(30):
        session.randomize(seed)
        session.places.keep("Random")
    session.places.star(session.places.all[0].id)
    monkeypatch.setattr(session_file, "MOST_PLACE_TEXT", 1000)
    places = opened(saved(session, tmp_path / "one.session.json")).moment.places
    assert 3 < len(places) < 15
    assert places[0].starred
    assert places[-1].id == session.places.all[-1].id


def test_steps_of_another_model_are_left_out(session, tmp_path):
    session.randomize(1)
    session.open(open_latent(save_vae(tmp_path / "other.safetensors", seed=5, latent_dim=3)))
    session.randomize(2)
    restored = opened(saved(session, tmp_path / "one.session.json"))
    assert [what for what, _ in restored.moment.past] == ["Random"]
    assert restored.moment.state.opened.model.name == "other"


def test_two_spaces(session, tmp_path):
    model = session.model
    model.spaces["w+"] = Space("w+", (3, 2))
    Actor(session, 3).act(40)
    session.set_space("w+")
    session.set_locked(5, True)
    session.set_map(plane=(1, 5))
    session.use_current("B")
    path = saved(session, tmp_path / "one.session.json")
    restored = read(path).state(session.state.opened, {})
    assert state_snapshot(restored.moment.state) == state_snapshot(session.state)
    for (what, state), (name, other) in zip(restored.moment.past, session.past, strict=True):
        assert (what, state_snapshot(state)) == (name, state_snapshot(other))


def test_names_with_odd_letters(qapp, tmp_path):
    folder = tmp_path / 'a "b" \\ ü 猫\n'
    folder.mkdir()
    session = Session()
    session.open(open_latent(save_vae(folder / "{0} %20 é.safetensors")))
    session.randomize(3)
    path = saved(session, tmp_path / "one.session.json")
    assert snapshot_of(opened(path)) == state_snapshot(session.state)


# ---- words and places of the checkpoint's own notes ----


def test_names_given_since_stay_and_those_taken_away_stay_away(session, tmp_path):
    notes = dataclasses.replace(session.state.opened.notes, titles={"z1": "old", "z2": "gone"})
    fresh = dataclasses.replace(session.state.opened, notes=notes)
    session.open(fresh)
    session.name_dimension(1, "")
    session.name_dimension(2, "new")
    path = saved(session, tmp_path / "one.session.json")
    later = dataclasses.replace(notes, titles={"z1": "old", "z2": "gone", "z4": "since"})
    state = read(path).state(dataclasses.replace(fresh, notes=later), {}).moment.state
    assert state.titles == {"z1": "old", "z3": "new", "z4": "since"}


def test_stars_given_since_stay_and_those_taken_away_stay_away(session, tmp_path):
    from explorer.formats.notes import StarredPlace

    one, two, three = (StarredPlace("z", frozen_code(np.full(4, n)), f"number {n}") for n in (1, 2, 3))
    notes = dataclasses.replace(session.state.opened.notes, places=(one, two))
    fresh = dataclasses.replace(session.state.opened, notes=notes)
    session.open(fresh)
    session.places.remove(session.places.all[1].id)
    path = saved(session, tmp_path / "one.session.json")
    later = dataclasses.replace(notes, places=(one, two, three))
    places = read(path).state(dataclasses.replace(fresh, notes=later), {}).moment.places
    assert [place.name for place in places] == ["number 1", "number 3"]


# ---- finding what it names ----


def test_folder_moved_with_its_checkpoint(session, tmp_path):
    (tmp_path / "a").mkdir()
    os.rename(tmp_path / "faces.safetensors", tmp_path / "a" / "faces.safetensors")
    session.open(open_latent(tmp_path / "a" / "faces.safetensors"))
    session.randomize(1)
    saved(session, tmp_path / "a" / "one.session.json")
    os.rename(tmp_path / "a", tmp_path / "b")
    assert opened(tmp_path / "b" / "one.session.json").moment.state.seed == 1


def test_renamed_checkpoint_is_found_by_its_hash(session, tmp_path):
    path = saved(session, tmp_path / "one.session.json")
    os.rename(tmp_path / "faces.safetensors", tmp_path / "others.safetensors")
    assert opened(path).moment.state.opened.model.name == "others"


def test_missing_checkpoint_is_named(session, tmp_path):
    path = saved(session, tmp_path / "one.session.json")
    os.unlink(tmp_path / "faces.safetensors")
    sha = session.model.origin.sha256
    refused(path, "faces", sha[:4], "put it beside the session file")


def test_changed_checkpoint_is_a_warning_and_other_dimensions_an_error(session, tmp_path):
    session.randomize(1)
    path = saved(session, tmp_path / "one.session.json")
    save_vae(tmp_path / "faces.safetensors", seed=9)
    restored = opened(path)
    assert "has changed since the session was saved" in restored.warnings[0]
    assert restored.moment.state.seed == 1
    save_vae(tmp_path / "faces.safetensors", latent_dim=7)
    refused(path, "4 numbers", "7 dimensions", "another checkpoint")


def test_missing_stage_is_left_out_and_told_here_and_in_undo(session, tmp_path):
    session.add_stage(open_stage(save_colorizer(tmp_path / "one.safetensors", seed=1)))
    session.set_stage_enabled(1, False)
    session.add_stage(open_stage(save_colorizer(tmp_path / "two.safetensors", seed=2)))
    path = saved(session, tmp_path / "x.session.json")
    os.unlink(tmp_path / "one.safetensors")
    restored = opened(path)
    assert len(restored.warnings) == 1
    assert restored.warnings[0].startswith("The stage one was left out. ")
    assert restored.warnings[0].endswith(".")
    assert [e.id for e in restored.moment.state.stages] == [2]
    assert [[e.id for e in state.stages] for _, state in restored.moment.past] == [[], [], []]


def test_stage_that_no_longer_fits_is_left_out(session, tmp_path):
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    path = saved(session, tmp_path / "x.session.json")
    said = json.loads(path.read_text())
    said["stages"].append({**said["stages"][0], "id": 7})
    path.write_text(json.dumps(said))
    restored = opened(path)
    assert [e.id for e in restored.moment.state.stages] == [1]
    assert "takes pictures of 1x" in restored.warnings[0]


# ---- anybody's file ----


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b"\xff\xfe{}", "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b"[]", "no session"),
        (b"{}", "no session"),
        (b'{"latent-explorer": "session"}', "schema"),
        (
            b'{"latent-explorer": "session", "schema": 2, "program": "9.0"}',
            "newer version of the program (9.0)",
        ),
        (b'{"latent-explorer": "session", "schema": 1}', "model"),
        (b'{"latent-explorer": "session", "schema": 1, "code": [NaN]}', "NaN is no number"),
    ],
)
def test_files_that_are_no_session(tmp_path, content, word):
    path = tmp_path / "one.session.json"
    path.write_bytes(content)
    refused(path, word, "one.session.json")


def test_places_that_are_no_file(tmp_path):
    refused(tmp_path, "no ordinary file")
    refused(tmp_path / "missing.session.json", "cannot be read")
    refused(tmp_path / ("x" * 300 + ".session.json"), "cannot be read")


def test_file_that_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr("explorer.gui.sessions.session_reading.MOST_BYTES", 1000)
    path = tmp_path / "one.session.json"
    path.write_bytes(b" " * 1001)
    refused(path, "larger")


WRONG = [
    *(None, True, 0, -1, 1.5, 10**400, "x", "\0", "z9" * 9),
    *([], [1], ["z1"], [[1, True]], [{}], {}, {"z1": 1}, {"a": {}}),
]


def holes(said, path=()):
    """Every place in a JSON value."""
    yield path
    items = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    for key, value in items:
        yield from holes(value, (*path, key))


def test_any_value_anywhere_gives_a_session_or_a_sentence(session, tmp_path):
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    Actor(session, 5).act(25)
    session.show_encoded(np.ones(4), np.zeros((8, 8, 3), np.uint8), "picture")
    session.places.keep("x")
    whole = describe(moment_of(session), tmp_path)
    model, stages = session.state.opened, {e.id: e.stage for e in session.stages}
    path = tmp_path / "one.session.json"
    rng = np.random.default_rng(0)
    places = list(holes(json.loads(whole)))[1:]
    assert len(places) > 150
    refusals = []
    for place in places:
        for index in rng.choice(len(WRONG), 2, replace=False):
            said = json.loads(whole)
            inner = said
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = WRONG[index]
            path.write_text(json.dumps(said))
            try:
                restored = read(path).state(model, stages)
            except RecipeError as error:
                refusals.append(str(error))
            else:
                check_sound(restored.moment)
                refusals += restored.warnings
    assert len(refusals) > len(places) / 2
    assert all(text.endswith(".") and len(text) < 700 for text in refusals)


def check_sound(moment):
    """Whatever was made of a file is what a session may hold."""
    model = moment.state.opened.model
    for state in (moment.state, *(s for _, s in (*moment.past, *moment.future))):
        dim = model.spaces[state.space].dim
        for end in (state, state.original, state.anchor_a, state.anchor_b):
            if end is not None:
                assert end.code.shape == (dim,)
                assert end.code.dtype == np.float32
                assert np.isfinite(end.code).all()
                assert not end.code.flags.writeable
        assert state.locked.shape == (dim,)
        assert 1 <= state.strip.steps <= 31
        assert state.map.plane == "pca" or max(state.map.plane) < dim
        assert all(isinstance(word, str) and word for word in {**state.titles, **state.remarks}.values())
        assert state.original is None or state.original.picture.dtype == np.uint8
    assert 0 <= moment.focused < model.spaces[moment.state.space].dim
    assert all(model.spaces[place.space].dim == len(place.code) for place in moment.places)


def test_unknown_keys_are_passed_over(session, tmp_path):
    path = saved(session, tmp_path / "one.session.json")
    said = json.loads(path.read_text())
    said["later"] = {"more": 1}
    said["strip"]["more"] = said["map"]["more"] = said["model"]["more"] = 1
    path.write_text(json.dumps(said))
    assert snapshot_of(opened(path)) == state_snapshot(session.state)


def test_a_picture_that_is_a_bomb_is_left_out(session, tmp_path, monkeypatch):
    session.show_encoded(np.ones(4), np.zeros((8, 8, 3), np.uint8), "picture")
    path = saved(session, tmp_path / "one.session.json")
    monkeypatch.setattr("explorer.gui.sessions.session_pictures.MOST_PIXELS", 63)
    restored = opened(path)
    assert restored.moment.state.original is None
    (warning,) = restored.warnings
    assert "the picture of original is too large" in warning


# ---- whatever is written can be read ----

LETTERS = [
    *map(chr, range(32)),
    "\x7f",
    "\x85",
    "\ud800",
    "\udfff",
    "\u2028",
    "\u202e",
    "😀",
    '"',
    "\\",
    "a",
    "ü",
    " ",
]


def odd_text(rng):
    return "".join(rng.choice(LETTERS, rng.choice([0, 1, 5, 90, 5000])).tolist())


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_written_can_be_read(session, tmp_path, monkeypatch, seed):
    """Whatever letters and sizes people come with: a saved session opens, or is said not to be saved."""
    rng = np.random.default_rng(seed)
    monkeypatch.setattr(session_file, "MOST_PIXELS", 5000)
    monkeypatch.setattr("explorer.gui.sessions.session_pictures.MOST_PIXELS", 5000)
    monkeypatch.setattr(session_file, "MOST_PICTURE_TEXT", 20_000)
    for _ in range(25):
        Actor(session, int(rng.integers(1000))).act(2)
        height, width, channels = *rng.integers(1, 60, 2).tolist(), int(rng.choice([1, 3]))
        picture = rng.integers(0, 1 + int(rng.choice([0, 255])), (height, width, channels), np.uint8)
        session.set_anchor(
            "AB"[rng.integers(2)], Anchor(frozen_code(rng.normal(size=4)), picture, odd_text(rng))
        )
        session.show_encoded(rng.normal(size=4) * 10.0 ** rng.integers(-45, 38), picture, odd_text(rng))
        session.name_dimension(int(rng.integers(4)), odd_text(rng))
        session.note_dimension(int(rng.integers(4)), odd_text(rng))
        session.set_code(np.where(rng.random(4) < 0.5, -0.0, 0.0), what=odd_text(rng))
        session.places.rename(session.places.keep(odd_text(rng)).id, odd_text(rng))
        if rng.random() < 0.3:
            session.undo()
    path = tmp_path / "one.session.json"
    text = describe(moment_of(session), tmp_path)
    path.write_bytes(text.encode(errors="backslashreplace"))
    restored = opened(path)
    pictures = [each for each in restored.warnings if each.startswith("A picture of")]
    assert [*restored.warnings] == pictures
    now, before = restored.moment.state, session.state
    assert part_of_state(now) == part_of_state(before)
    assert [(p.code.tobytes(), p.name) for p in restored.moment.places] == [
        (p.code.tobytes(), p.name) for p in session.places.all
    ]
    assert restored.moment.past
    for (_, state), (_, other) in zip(reversed(restored.moment.past), reversed(session.past), strict=False):
        assert part_of_state(state) == part_of_state(other)
    again = describe(restored.moment, tmp_path)
    path.write_bytes(again.encode(errors="backslashreplace"))
    opened(path)


def part_of_state(state):
    """A state to the bit, but for pictures, which may be too large."""
    ends = [end and (end.code.tobytes(), end.label) for end in (state.anchor_a, state.anchor_b)]
    return state.code.tobytes(), state.titles, state.remarks, state.seed, state.strip, ends


def test_pictures_that_are_too_large_are_left_out_and_the_rest_comes_back(session, tmp_path, monkeypatch):
    monkeypatch.setattr(session_file, "MOST_PIXELS", 100)
    monkeypatch.setattr("explorer.gui.sessions.session_pictures.MOST_PIXELS", 100)
    for side, size in (("A", 9), ("B", 8)):
        session.set_anchor(side, Anchor(session.code, np.full((size, 8, 1), size, np.uint8), side))
    session.show_encoded(np.ones(4), np.zeros((3, 8, 1), np.uint8), "small")
    scribe = Scribe()
    path = tmp_path / "one.session.json"
    path.write_text(scribe.describe(moment_of(session), tmp_path))
    assert scribe.left_out == "pictures"
    restored = opened(path)
    state = restored.moment.state
    assert state.original.picture.shape == (3, 8, 1)
    shown = [end.picture is not None for end in (state.anchor_a, state.anchor_b)]
    assert sorted(shown) == [False, True]
    assert state.anchor_a.label == "A"
    assert len(restored.warnings) == 1


def test_a_session_that_is_too_large_is_kept_without_undo_or_not_called_saved(session, monkeypatch):
    from explorer.errors import OutputError

    for seed in range(300):
        session.randomize(seed)
    whole = describe(moment_of(session), None)
    monkeypatch.setattr(session_file, "MOST_BYTES", len(whole) - 1)
    said = json.loads(describe(moment_of(session), None))
    assert said["undo"] == []
    assert said["seed"] == 299
    monkeypatch.setattr(session_file, "MOST_BYTES", 100)
    with pytest.raises(OutputError, match="too large"):
        describe(moment_of(session), None)


def test_no_number_in_a_step_is_zero(session, tmp_path):
    before = np.zeros(4, np.float32)
    before[1] = np.nan
    session.show_encoded(before, np.zeros((8, 8, 1), np.uint8), "broken")
    session.set_code(np.zeros(4))
    restored = opened(saved(session, tmp_path / "one.session.json"))
    assert restored.moment.past[-1][1].code.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("A", {"label": 5, "code": [0, 0, 0, 0]}, "A: label"),
        ("B", {"code": [1]}, "B: code"),
        ("original", 7, "original"),
        ("strip", {"steps": 1000}, "strip: steps"),
        ("map", {"plane": 5}, "map: plane"),
        ("seed", "x", "seed"),
        ("titles", [], "titles"),
        ("rows", {"order": "odd"}, "rows: order"),
        ("focused", 99, "focused"),
        ("places", 5, "places"),
        ("places", [{"id": 1}, {"id": 2, "space": "z", "code": [1, 2, 3, 4], "name": "good"}], "1 of places"),
        ("undo", [{"what": "good", "seed": 7}, {"seed": []}, {"seed": 8}], "from step 2 on"),
    ],
)
def test_a_part_that_is_damaged_costs_nothing_but_itself(session, tmp_path, key, value, told):
    session.set_code(np.array([1, 2, 3, 4]))
    path = saved(session, tmp_path / "one.session.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    restored = opened(path)
    assert len(restored.warnings) == 1
    assert told in restored.warnings[0]
    assert "one.session.json" in restored.warnings[0]
    assert restored.moment.state.code.tolist() == [1, 2, 3, 4]
    if key == "undo":
        assert [what for what, _ in restored.moment.past] == ["good"]
    if told == "1 of places":
        assert [place.name for place in restored.moment.places] == ["good"]


def test_text_that_an_older_version_wrote_with_control_characters_is_cleaned(session, tmp_path):
    session.places.keep("Move")
    path = saved(session, tmp_path / "one.session.json")
    said = json.loads(path.read_text())
    said["places"][0] |= {"name": "a\0b\ud800", "what": "c\0"}
    said["A"] = {"label": "x\0y", "code": [0, 0, 0, 0]}
    path.write_text(json.dumps(said))
    restored = opened(path)
    assert restored.warnings == ()
    assert (restored.moment.places[0].name, restored.moment.places[0].what) == ("ab", "c")
    assert restored.moment.state.anchor_a.label == "xy"


# ---- nobody's file takes all the memory, or tells what is in another ----


def test_a_file_of_nothing_but_brackets_is_not_taken_apart(session, tmp_path, monkeypatch):
    from explorer.data import safe_json

    path = saved(session, tmp_path / "one.session.json")
    path.write_text(path.read_text().rstrip()[:-1] + ', "x": [' + "[]," * 2_000_000 + "[]]}")
    monkeypatch.setattr(safe_json.json, "loads", lambda *_, **__: pytest.fail("it was taken apart"))
    refused(path, "too long")


def test_names_are_those_of_dimensions_and_steps_share_them(session, tmp_path):
    path = saved(session, tmp_path / "one.session.json")
    said = json.loads(path.read_text())
    said["titles"] = {f"z{index}": "x" for index in range(1, 10_000)}
    said["undo"] = [{"what": "x", "titles": {"z9999": str(n)}} for n in range(100)]
    said["undo"] += [{"what": "y", "titles": {"z1": "other"}}]
    path.write_text(json.dumps(said))
    moment = opened(path).moment
    assert moment.state.titles == dict.fromkeys(("z1", "z2", "z3", "z4"), "x")
    assert all(state.titles is moment.state.titles for _, state in moment.past[1:])
    assert moment.past[0][1].titles["z1"] == "other"


def test_a_file_that_is_named_often_is_read_once(session, tmp_path, monkeypatch):
    from explorer import formats

    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    path = saved(session, tmp_path / "one.session.json")
    said = json.loads(path.read_text())
    one = said["stages"][0]
    said["stages"] = [{**one, "id": n, "name": f"number {n}", "enabled": False} for n in range(1, 65)]
    path.write_text(json.dumps(said))
    reads, read_stage = [], formats.open_stage
    monkeypatch.setattr(
        formats, "open_stage", lambda *of, **more: reads.append(of) or read_stage(*of, **more)
    )
    assert len(opened(path).moment.state.stages) == 64
    assert len(reads) == 1
    said["stages"].append({**one, "id": 65})
    path.write_text(json.dumps(said))
    refused(path, "at most 64")


def test_of_a_file_that_is_no_checkpoint_nothing_is_told_but_that(session, tmp_path):
    secret = tmp_path / "passwords"
    secret.write_text("admin:x:0:0")
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    path = saved(session, tmp_path / "one.session.json")
    said = json.loads(path.read_text())
    said["stages"][0] |= {"path": "passwords", "sha256": None}
    path.write_text(json.dumps(said))
    (warning,) = opened(path).warnings
    said["model"] |= {"path": str(secret), "sha256": None}
    path.write_text(json.dumps(said))
    assert "admin" not in refused(path, "passwords", "no checkpoint") + warning


def test_minus_zero_in_undo_comes_back(session, tmp_path):
    for values in ([-0.0, 0, 0, 0], [0.0, 0, 0, 0], [0, -0.0, 0, 1]):
        session.show_encoded(np.array(values), np.zeros((8, 8, 1), np.uint8), "zero")
    restored = opened(saved(session, tmp_path / "one.session.json"))
    ours = [state.code.tobytes() for _, state in session.past]
    assert [state.code.tobytes() for _, state in restored.moment.past] == ours


def test_nothing_of_torch_or_qt_is_needed_to_read_or_write():
    import subprocess
    import sys

    code = (
        "import sys; from explorer.gui.sessions import session_file, session_opening, session_reading;"
        "print([m for m in ('torch', 'PySide6') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_moment_holds_all_that_a_session_shows(session, tmp_path):
    session.set_rows(order="number")
    session.focus(2)
    session.set_anchor("A", Anchor(session.code, None, "here"))
    session.places.keep("start")
    restored = opened(saved(session, tmp_path / "one.session.json")).moment
    other = Session()
    other.restore(restored.state, restored.past, restored.future, restored.rows)
    other.places.restore(restored.places)
    other.focus(restored.focused)
    assert snapshot(other) == snapshot(session)
