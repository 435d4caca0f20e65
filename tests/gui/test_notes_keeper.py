"""Names, notes and stars reach the file beside the checkpoint, and nothing is written without need."""

import json
import shutil
import threading

import numpy as np
import pytest

from explorer.formats import notes_writing, open_latent, save_native, sidecars
from explorer.formats.notes import Notes
from explorer.gui import notes_keeper
from explorer.gui.jobs import JobRunner
from explorer.gui.notes_keeper import NotesKeeper
from explorer.gui.session import Session

CONFIG = {"height": 8, "width": 8, "channels": 1, "hidden": [32, 16], "latent_dim": 4}
FIRST = '{"dimensions": {"z1": "tilt"}, "places": [{"space": "z", "code": [1, 0, 0, 0]}]}'


@pytest.fixture
def checkpoint(tmp_path, tiny_model):
    path = tmp_path / "tiny.safetensors"
    save_native(path, tiny_model, config=CONFIG)
    return path


@pytest.fixture
def place(tmp_path):
    place = tmp_path / "tiny.notes.json"
    place.write_text(FIRST)
    return place


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def told(session):
    told = []
    session.message.connect(lambda *said: told.append(said))
    return told


@pytest.fixture
def writes(monkeypatch):
    """The threads that wrote, in their order."""
    writes, write = [], notes_writing.write

    def counted(*args):
        writes.append(threading.current_thread())
        return write(*args)

    monkeypatch.setattr(notes_writing, "write", counted)
    return writes


@pytest.fixture
def keeper(session, told, writes, monkeypatch):
    monkeypatch.setattr(notes_keeper, "DELAY", 20)
    jobs = JobRunner()
    keeper = NotesKeeper(session, jobs)
    yield keeper
    keeper.close()
    assert jobs.close(10)


def said(place):
    return json.loads(place.read_text("utf-8"))


def titles(place):
    return said(place).get("dimensions")


def rest(qtbot, keeper):
    """Wait until nothing is under way."""
    qtbot.waitUntil(lambda: not keeper._timer.isActive() and keeper._job is None)


def test_a_name_a_note_and_a_star_are_written_by_a_job_at_once(
    qtbot, session, keeper, checkpoint, place, writes, told
):
    session.open(open_latent(checkpoint))
    session.name_dimension(1, "hair")
    session.note_dimension(2, "also\nturns")
    session.set_code(np.array([0, 0.1, 2, 0], np.float32))
    here = session.places.keep("Move")
    session.places.star(here.id)
    session.places.rename(here.id, "the smile")
    qtbot.waitUntil(lambda: titles(place) == {"z1": "tilt", "z2": "hair"})
    rest(qtbot, keeper)
    assert said(place)["remarks"] == {"z3": "also\nturns"}
    assert [entry.get("name") for entry in said(place)["places"]] == [None, "the smile"]
    assert len(writes) == 1
    assert writes[0] is not threading.main_thread()
    again = open_latent(checkpoint).notes
    assert np.array_equal(again.places[1].code, session.code)
    assert told == []


def test_opening_writes_nothing_nor_does_what_is_not_starred(
    qtbot, session, keeper, checkpoint, place, writes
):
    session.open(open_latent(checkpoint))
    session.set_code(np.ones(4, np.float32))
    session.places.keep("Move")
    session.set_space("z")
    assert not keeper._timer.isActive()
    keeper.flush()
    assert writes == []
    assert place.read_text() == FIRST


def test_undo_and_redo_of_a_name_are_written(qtbot, session, keeper, checkpoint, place):
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "lean")
    qtbot.waitUntil(lambda: titles(place) == {"z1": "lean"})
    session.undo()
    qtbot.waitUntil(lambda: titles(place) == {"z1": "tilt"})
    session.redo()
    qtbot.waitUntil(lambda: titles(place) == {"z1": "lean"})
    session.name_dimension(0, "")
    qtbot.waitUntil(lambda: titles(place) == {})


def test_what_was_taken_back_in_time_is_not_written(qtbot, session, keeper, checkpoint, place, writes):
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "lean")
    session.undo()
    rest(qtbot, keeper)
    assert writes == []


def test_a_change_during_a_write_is_written_after_it(qtbot, session, keeper, checkpoint, place, monkeypatch):
    may_go, write = threading.Event(), notes_writing.write

    def held(*args):
        assert may_go.wait(20)
        return write(*args)

    monkeypatch.setattr(notes_writing, "write", held)
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "lean")
    qtbot.waitUntil(lambda: keeper._job is not None)
    session.undo()  # to what was on the disk when the write began
    may_go.set()
    rest(qtbot, keeper)
    assert titles(place) == {"z1": "tilt"}


def test_another_model_does_not_lose_what_was_said_of_the_one_before(
    qtbot, session, keeper, checkpoint, place, tmp_path
):
    other = shutil.copy(checkpoint, tmp_path / "other.safetensors")
    session.open(open_latent(checkpoint))
    session.name_dimension(3, "late")
    session.open(open_latent(other))
    session.name_dimension(0, "other's")
    rest(qtbot, keeper)
    assert titles(place) == {"z1": "tilt", "z4": "late"}
    assert titles(tmp_path / "other.notes.json") == {"z1": "other's"}
    session.undo()
    session.undo()
    session.undo()
    qtbot.waitUntil(lambda: titles(place) == {"z1": "tilt"})


def test_what_another_window_wrote_stays(qtbot, session, keeper, checkpoint, place):
    session.open(open_latent(checkpoint))
    notes_writing.write(checkpoint, Notes({"z3": "theirs"}))
    session.name_dimension(1, "mine")
    qtbot.waitUntil(lambda: titles(place) == {"z1": "tilt", "z2": "mine", "z3": "theirs"})


def test_closing_writes_what_is_not_written_yet_and_listens_no_more(session, checkpoint, place, monkeypatch):
    jobs = JobRunner()
    keeper = NotesKeeper(session, jobs)
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "last words")
    keeper.close()
    assert titles(place) == {"z1": "last words"}
    session.name_dimension(0, "too late")
    assert not keeper._timer.isActive()
    assert jobs.close(10)


def test_closing_while_a_job_writes_waits_for_it(qtbot, session, keeper, checkpoint, place, writes):
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "first")
    qtbot.waitUntil(lambda: keeper._job is not None)
    session.name_dimension(0, "second")
    keeper.flush()
    assert titles(place) == {"z1": "second"}
    rest(qtbot, keeper)


def test_closing_waits_longer_for_a_slow_disk_than_opening_does(
    qtbot, session, checkpoint, place, monkeypatch
):
    jobs = JobRunner()
    keeper, gate, write = NotesKeeper(session, jobs), threading.Event(), notes_writing.write

    def slow(*args):
        assert gate.wait(20)
        return write(*args)

    monkeypatch.setattr(notes_writing, "write", slow)
    monkeypatch.setattr(notes_keeper, "PATIENCE", 0.0)
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "first")
    qtbot.waitUntil(lambda: keeper._job is not None)
    session.name_dimension(0, "second")
    keeper.flush()
    assert titles(place) == {"z1": "tilt"}
    disk = threading.Timer(0.1, gate.set)
    disk.start()
    keeper.close()
    disk.join()
    assert titles(place) == {"z1": "second"}


def test_a_failure_is_told_once_and_tried_again_at_the_next_change(
    qtbot, session, keeper, checkpoint, place, told, monkeypatch, writes
):
    session.open(open_latent(checkpoint))
    monkeypatch.setattr(sidecars, "writable_place", lambda *_: place.parent / "missing" / "tiny.notes.json")
    session.name_dimension(0, "lean")
    qtbot.waitUntil(lambda: len(told) == 1)
    session.name_dimension(1, "hair")
    qtbot.waitUntil(lambda: len(writes) == 2)
    rest(qtbot, keeper)
    assert len(told) == 1
    level, text, _ = told[0]
    assert level == "warning"
    assert "missing" in text
    assert session.title_of(0) == "lean"
    monkeypatch.undo()
    keeper.flush()
    assert titles(place) == {"z1": "lean", "z2": "hair"}


def test_a_bug_while_writing_is_told_and_not_repeated_for_ever(
    qtbot, session, keeper, checkpoint, place, told, monkeypatch, caplog
):
    def fails(*args):
        raise ZeroDivisionError

    session.open(open_latent(checkpoint))
    monkeypatch.setattr(notes_writing, "write", fails)
    session.name_dimension(0, "lean")
    qtbot.waitUntil(lambda: len(told) == 1)
    rest(qtbot, keeper)
    monkeypatch.undo()
    keeper.flush()
    assert titles(place) == {"z1": "lean"}


def test_a_damaged_file_is_set_aside_and_said(qtbot, session, keeper, checkpoint, place, told):
    place.write_text("{")
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "lean")
    qtbot.waitUntil(lambda: len(told) == 1)
    assert titles(place) == {"z1": "lean"}
    assert "tiny.notes.json.broken" in told[0][1]


def test_a_restored_session_changes_no_notes_but_adds_what_the_file_lacks(
    qtbot, session, keeper, checkpoint, place
):
    session.open(open_latent(checkpoint))
    session.name_dimension(0, "of old")
    session.name_dimension(1, "unsaved")
    state = session.state
    rest(qtbot, keeper)
    place.write_text(FIRST)
    from dataclasses import replace

    session.restore(replace(state, opened=open_latent(checkpoint)))
    session.places.restore(())
    keeper.settle()
    rest(qtbot, keeper)
    assert titles(place) == {"z1": "tilt", "z2": "unsaved"}
    assert len(said(place)["places"]) == 1


def test_a_model_without_a_file_has_no_notes_to_keep(session, keeper, tiny_model, writes):
    from explorer.formats import Opened

    session.open(Opened(tiny_model))
    session.name_dimension(0, "tilt")
    keeper.settle()
    keeper.flush()
    assert writes == []


@pytest.mark.parametrize("content", [None, "{", '{"dimensions": ["a"], "remarks": 5, "places": 1}'])
def test_a_file_that_is_lost_meanwhile_is_begun_anew_with_all_that_the_window_knows(
    qtbot, session, keeper, checkpoint, place, content
):
    session.open(open_latent(checkpoint))
    session.name_dimension(1, "hair")
    session.note_dimension(2, "turns")
    rest(qtbot, keeper)
    if content is None:
        place.unlink()
    else:
        place.write_text(content)
    session.name_dimension(3, "late")
    rest(qtbot, keeper)
    again = open_latent(checkpoint).notes
    assert again.titles == {"z1": "tilt", "z2": "hair", "z4": "late"}
    assert again.remarks == {"z3": "turns"}
    assert len(again.places) == 1


def test_of_a_file_with_one_part_lost_the_others_stay_as_somebody_changed_them(
    qtbot, session, keeper, checkpoint, place
):
    session.open(open_latent(checkpoint))
    place.write_text('{"dimensions": {"z3": "theirs"}, "places": "none"}')
    session.name_dimension(3, "late")
    rest(qtbot, keeper)
    assert titles(place) == {"z3": "theirs", "z4": "late"}
    assert [entry["code"] for entry in said(place)["places"]] == [[1, 0, 0, 0]]


def test_a_checkpoint_that_is_renamed_keeps_its_notes_where_they_were_and_it_is_told_once(
    qtbot, session, keeper, checkpoint, place, told
):
    session.open(open_latent(checkpoint))
    checkpoint.rename(checkpoint.with_name("other.safetensors"))
    session.name_dimension(1, "hair")
    rest(qtbot, keeper)
    session.name_dimension(2, "more")
    rest(qtbot, keeper)
    assert titles(place) == {"z1": "tilt", "z2": "hair", "z3": "more"}
    assert sorted(path.name for path in place.parent.glob("*.json")) == ["tiny.notes.json"]
    assert [level for level, *_ in told] == ["warning"]
    assert "tiny.notes.json" in told[0][1]


def test_of_a_folder_that_is_gone_the_words_are_kept_for_its_return(
    qtbot, session, keeper, tmp_path, checkpoint, told
):
    folder = tmp_path / "gone"
    folder.mkdir()
    shutil.move(checkpoint, folder / "tiny.safetensors")
    session.open(open_latent(folder / "tiny.safetensors"))
    shutil.rmtree(folder)
    session.name_dimension(1, "hair")
    rest(qtbot, keeper)
    session.name_dimension(2, "more")
    rest(qtbot, keeper)
    assert [level for level, *_ in told] == ["warning"]
    own = sidecars.find(folder / "tiny.safetensors", "notes.json")
    assert titles(own) == {"z2": "hair", "z3": "more"}
    assert str(own) in told[0][1]
