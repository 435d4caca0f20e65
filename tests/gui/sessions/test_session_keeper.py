"""The session as a document: saved, opened, changed since; with real files and real jobs."""

import json
import os
import threading

import numpy as np
import pytest
from sessions import Actor, save_colorizer, save_vae, snapshot

from explorer.formats import open_latent, open_stage
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.sessions import session_file, session_keeper
from explorer.gui.sessions.session_file import Scribe
from explorer.gui.sessions.session_keeper import SessionKeeper

WAIT = 20_000


@pytest.fixture
def keepers(qapp, tmp_path):
    made = []

    def make():
        session = Session()
        keeper = SessionKeeper(session, JobRunner(session), tmp_path / "state", session)
        keeper.messages = []
        session.message.connect(lambda level, text, details: keeper.messages.append((level, text)))
        made.append(keeper)
        return keeper, session

    yield make
    for keeper in made:
        keeper.close()


@pytest.fixture
def kept(keepers, tmp_path):
    """A keeper and its session with a tiny model."""
    keeper, session = keepers()
    session.open(open_latent(save_vae(tmp_path / "faces.safetensors")))
    return keeper, session


def done(qtbot, job):
    qtbot.waitUntil(lambda: not job.is_running(), timeout=WAIT)


def test_save_open_and_what_is_told(kept, keepers, tmp_path, qtbot):
    keeper, session = kept
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    Actor(session, 1).act(30)
    assert keeper.path is None
    assert keeper.save() is None
    with qtbot.waitSignal(keeper.saved, timeout=WAIT) as signal:
        keeper.save_as(tmp_path / "one.json")
    assert signal.args == [str(tmp_path / "one.session.json")]
    assert keeper.path == tmp_path / "one.session.json"
    assert ("info", "The session is saved as one.session.json.") in keeper.messages
    other_keeper, other = keepers()
    with qtbot.waitSignal(other_keeper.opened, timeout=WAIT):
        job = other_keeper.open(keeper.path)
    done(qtbot, job)
    assert snapshot(other) == snapshot(session)
    assert other_keeper.path == keeper.path
    assert not other_keeper.is_changed
    assert other_keeper.messages == []


def test_is_changed_follows_the_session(kept, tmp_path, qtbot):
    keeper, session = kept
    session.randomize(1)
    done(qtbot, keeper.save_as(tmp_path / "one"))
    told = []
    keeper.changed.connect(lambda: told.append(keeper.is_changed))
    session.randomize(2)
    session.randomize(3)
    assert told == [True]
    session.undo()
    session.undo()
    assert told == [True, False]
    session.places.keep("here")
    assert told == [True, False, True]
    done(qtbot, keeper.save())
    assert told[-1] is False
    session.set_strip(steps=4)
    done(qtbot, keeper.save())
    session.set_strip(steps=5)  # the same step of undo goes on
    assert told[-1] is True


def test_a_change_while_it_is_being_saved_is_not_taken_for_saved(kept, tmp_path, qtbot):
    keeper, session = kept
    with session_keeper._writing:
        job = keeper.save_as(tmp_path / "one")
        session.randomize(2)
    done(qtbot, job)
    assert keeper.is_changed
    assert json.loads((tmp_path / "one.session.json").read_text())["seed"] is None


def test_of_two_savings_the_newer_one_stays(kept, tmp_path, qtbot, monkeypatch):
    keeper, session = kept
    describe, newer_is_written = Scribe.describe, threading.Event()

    def slow_at_first(scribe, moment, *more):
        if moment.state.seed == 0:
            newer_is_written.wait(20)
        return describe(scribe, moment, *more)

    monkeypatch.setattr(Scribe, "describe", slow_at_first)
    session.randomize(0)
    older = keeper.save_as(tmp_path / "one")
    session.randomize(1)
    done(qtbot, keeper.save_as(tmp_path / "one"))
    newer_is_written.set()
    done(qtbot, older)
    assert json.loads((tmp_path / "one.session.json").read_text())["seed"] == 1
    assert not keeper.is_changed


def test_another_model_has_no_file_and_undo_brings_it_back(kept, tmp_path, qtbot):
    keeper, session = kept
    done(qtbot, keeper.save_as(tmp_path / "one"))
    session.open(open_latent(save_vae(tmp_path / "other.safetensors", seed=3)))
    assert keeper.path is None
    assert keeper.save() is None
    session.undo()
    assert keeper.path == tmp_path / "one.session.json"


def test_what_cannot_be_opened_or_written_is_told_and_changes_nothing(kept, tmp_path, qtbot):
    keeper, session = kept
    session.randomize(1)
    before = snapshot(session)
    (tmp_path / "bad.session.json").write_text("{")
    done(qtbot, keeper.open(tmp_path / "bad.session.json"))
    done(qtbot, keeper.save_as(tmp_path / "no folder" / "one"))
    assert [level for level, _ in keeper.messages] == ["error", "error"]
    assert "no valid JSON" in keeper.messages[0][1]
    assert "could not be written" in keeper.messages[1][1]
    assert snapshot(session) == before
    assert keeper.path is None


def test_opening_can_be_cancelled(kept, tmp_path, qtbot, monkeypatch):
    keeper, session = kept
    session.randomize(1)
    done(qtbot, keeper.save_as(tmp_path / "one"))
    session.randomize(2)
    before = snapshot(session)
    job = keeper.open(tmp_path / "one.session.json")
    keeper._jobs.cancel("open")
    done(qtbot, job)
    assert snapshot(session) == before


def test_warnings_are_told_and_the_file_counts_as_changed(kept, keepers, tmp_path, qtbot):
    keeper, session = kept
    session.add_stage(open_stage(save_colorizer(tmp_path / "colour.safetensors")))
    done(qtbot, keeper.save_as(tmp_path / "one"))
    os.unlink(tmp_path / "colour.safetensors")
    other_keeper, other = keepers()
    done(qtbot, other_keeper.open(keeper.path))
    assert other.stages == ()
    assert other_keeper.messages[0][0] == "warning"
    assert "colour" in other_keeper.messages[0][1]
    assert other_keeper.is_changed


def test_what_is_replaced_by_opening_can_be_reopened(kept, tmp_path, qtbot):
    keeper, session = kept
    assert keeper.recovery.last is None
    done(qtbot, keeper.save_as(tmp_path / "one"))
    session.set_code(np.full(4, 0.5))
    session.commit()
    session.randomize(7)
    lost = snapshot(session)
    done(qtbot, keeper.open(tmp_path / "one.session.json"))
    assert session.seed is None
    done(qtbot, keeper.open(keeper.recovery.last))
    assert snapshot(session) == lost
    assert keeper.path == tmp_path / "one.session.json"
    assert keeper.is_changed


def test_close_waits_for_what_is_being_saved(kept, tmp_path):
    keeper, session = kept
    session.randomize(3)
    keeper.save_as(tmp_path / "one")
    keeper.close()
    assert json.loads((tmp_path / "one.session.json").read_text())["seed"] == 3


def test_suggested_place_is_beside_the_checkpoint(kept, tmp_path):
    assert kept[0].suggested == tmp_path / "faces.session.json"


def test_pictures_that_have_no_room_are_told_of_when_it_is_saved(kept, tmp_path, qtbot, monkeypatch):
    keeper, session = kept
    monkeypatch.setattr(session_file, "MOST_PICTURE_TEXT", 10)
    session.show_encoded(np.ones(4), np.zeros((8, 8, 1), np.uint8), "large")
    with qtbot.waitSignal(keeper.saved, timeout=WAIT):
        job = keeper.save_as(tmp_path / "one")
    done(qtbot, job)
    ((level, text),) = keeper.messages
    assert level == "warning"
    assert "without pictures" in text
