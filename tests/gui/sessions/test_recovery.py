"""What is left of a session after a crash: kept soon, offered once, taken away by a clean end."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sessions import save_vae, snapshot

from explorer.formats import open_latent
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.sessions import left_sessions
from explorer.gui.sessions import recovery as recovery_module
from explorer.gui.sessions.session_keeper import SessionKeeper

WAIT = 20_000
CHILD = """
import signal, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication, QTimer
from explorer.formats import open_latent
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.sessions.session_keeper import SessionKeeper

signal.signal(signal.SIGINT, signal.SIG_DFL)  # as the program does
application = QCoreApplication([])
session = Session()
keeper = SessionKeeper(session, JobRunner(session), Path(sys.argv[1]), session)
session.open(open_latent(sys.argv[2]))
session.randomize(42)
session.set_dimension(0, 0.25)
if len(sys.argv) > 3:
    keeper.save_as(sys.argv[3])
timer = QTimer()
timer.setInterval(20)
timer.timeout.connect(lambda: print("kept", flush=True) if list(Path(sys.argv[1], "recovery").glob("*.json")) else None)
timer.start()
application.exec()
"""


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def model(tmp_path):
    return save_vae(tmp_path / "faces.safetensors")


@pytest.fixture
def keepers(qapp, state, monkeypatch):
    monkeypatch.setattr(recovery_module, "INTERVAL", 50)
    made = []

    def make():
        session = Session()
        keeper = SessionKeeper(session, JobRunner(session), state, session)
        made.append(keeper)
        return keeper, session

    yield make
    for keeper in made:
        keeper.close()


def crash(state, model, number=signal.SIGKILL, *more):
    """Run a session in another process and end it by a signal, once it is on the disk."""
    command = [sys.executable, "-c", CHILD, str(state), str(model), *map(str, more)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "kept\n"
        child.send_signal(number)
        child.stdout.read()
    assert child.returncode == -number


def done(qtbot, job):
    qtbot.waitUntil(lambda: not job.is_running(), timeout=WAIT)


def files(state):
    return sorted(path.name for path in (state / "recovery").iterdir())


def left(state, count=1, age=0.0):
    """Write sessions as dead processes leave them, the newest first; return their paths."""
    (state / "recovery").mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = state / "recovery" / f"number-{number}.session.json"
        said = {"latent-explorer": "session", "schema": 1, "model": {"name": f"model {number}"}, "code": [0]}
        path.write_text(json.dumps(said))
        when = time.time() - age - number
        os.utime(path, (when, when))
        paths.append(path)
    return paths


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_session_is_offered_and_comes_back(number, state, model, keepers, qtbot):
    crash(state, model, number)
    keeper, session = keepers()
    found = keeper.recovery.pending()
    assert found.name == "faces"
    assert found.steps == 2
    assert "2 steps" in found.sentence
    done(qtbot, keeper.open(found.path))
    assert session.code[0] == 0.25
    session.undo()
    assert session.seed == 42
    assert keeper.path is None
    session.randomize(1)
    keeper.close()
    assert files(state) == []
    assert keeper.recovery.last == state / "last.session.json"


def test_a_killed_session_knows_its_file(state, model, keepers, qtbot, tmp_path):
    crash(state, model, signal.SIGKILL, tmp_path / "mine.session.json")
    keeper, session = keepers()
    done(qtbot, keeper.open(keeper.recovery.pending().path))
    assert session.code[0] == 0.25
    assert keeper.path in (None, tmp_path / "mine.session.json")  # killed before or after the saving
    assert keeper.path is None or keeper.is_changed


def test_only_what_was_done_is_kept_and_nothing_runs_when_idle(state, model, keepers, qtbot):
    keeper, session = keepers()
    session.open(open_latent(model))
    qtbot.waitUntil(lambda: not keeper.recovery._timer.isActive(), timeout=WAIT)
    assert not state.exists()
    session.randomize(1)
    assert keeper.recovery._timer.isActive()
    qtbot.waitUntil(lambda: len(files(state)) == 2 if (state / "recovery").exists() else False, timeout=WAIT)
    qtbot.waitUntil(lambda: keeper.recovery._job is None, timeout=WAIT)
    assert not keeper.recovery._timer.isActive()


def test_a_long_drag_is_kept_while_it_lasts(state, model, keepers, qtbot):
    _, session = keepers()
    session.open(open_latent(model))
    seen = set()

    def drag_on():
        session.set_dimension(0, float(session.code[0]) + 1e-4)
        for path in (state / "recovery").glob("*.session.json"):
            seen.add(json.loads(path.read_text())["code"][0])
        return len(seen) >= 3

    qtbot.waitUntil(drag_on, timeout=WAIT)
    assert session.is_moving


def test_a_slow_disk_holds_one_writing_and_the_newest_state_follows(
    state, model, keepers, qtbot, monkeypatch
):
    write, goes_on, begun = recovery_module.paths.write_text, threading.Event(), []

    def slow(path, text):
        begun.append(path)
        goes_on.wait(20)
        write(path, text)

    monkeypatch.setattr(recovery_module.paths, "write_text", slow)
    keeper, session = keepers()
    session.open(open_latent(model))
    session.randomize(1)
    qtbot.waitUntil(lambda: len(begun) == 1, timeout=WAIT)
    session.randomize(2)
    with qtbot.waitSignals([keeper.recovery._timer.timeout] * 3, timeout=WAIT):
        pass
    assert len(begun) == 1
    goes_on.set()
    qtbot.waitUntil(
        lambda: keeper.recovery._job is None and not keeper.recovery._timer.isActive(), timeout=WAIT
    )
    assert len(begun) == 2
    assert json.loads(begun[0].read_text())["seed"] == 2


def test_a_clean_end_becomes_the_last_session(state, model, keepers, qtbot):
    keeper, session = keepers()
    session.open(open_latent(model))
    session.randomize(8)
    before = snapshot(session)
    qtbot.waitUntil(lambda: (state / "recovery").exists() and len(files(state)) == 2, timeout=WAIT)
    keeper.close()
    assert files(state) == []
    other_keeper, other = keepers()
    assert other_keeper.recovery.pending() is None
    done(qtbot, other_keeper.open(other_keeper.recovery.last))
    assert snapshot(other) == before


def test_a_window_that_did_nothing_leaves_the_last_session_alone(state, model, keepers):
    state.mkdir()
    (state / "last.session.json").write_text("{}")
    keeper, session = keepers()
    session.open(open_latent(model))
    keeper.close()
    assert (state / "last.session.json").read_text() == "{}"


def test_a_window_that_runs_is_not_offered_to_another(state, model, keepers, qtbot):
    keeper, session = keepers()
    session.open(open_latent(model))
    session.randomize(8)
    qtbot.waitUntil(lambda: (state / "recovery").exists() and len(files(state)) == 2, timeout=WAIT)
    assert keepers()[0].recovery.pending() is None
    assert keeper.recovery.pending() is None


def test_one_left_session_is_offered_by_one_window(state, keepers):
    left(state)
    first, second = keepers()[0].recovery, keepers()[0].recovery
    found = first.pending()
    assert found.name == "model 0"
    assert second.pending() is None
    first.close()  # neither restored nor discarded
    assert second.pending().path == found.path
    second.discard(found)
    assert files(state) == []


def test_the_newest_is_offered_a_few_older_ones_stay(state, keepers):
    paths = left(state, 9)
    found = keepers()[0].recovery.pending()
    assert found.path == paths[0]
    assert {path for path in paths if path.exists()} == set(paths[:5])


def test_very_old_ones_go(state, keepers):
    left(state, 2, age=31 * 86_400)
    assert keepers()[0].recovery.pending() is None
    assert files(state) == []


def test_a_damaged_one_is_set_aside_and_the_next_offered(state, keepers):
    paths = left(state, 2)
    paths[0].write_text('{"latent-explorer": "session", "schema": 1, "mo')
    assert keepers()[0].recovery.pending().path == paths[1]
    assert f"{paths[0].name}.broken" in files(state)


def test_rests_of_dead_processes_are_tidied(state, keepers):
    folder = state / "recovery"
    folder.mkdir(parents=True)
    for name in ("a.lock", "b.lock.rmlock", ".c.session.json.part"):
        (folder / name).touch()
    os.utime(folder / "a.lock", (1e9, 1e9))  # empty: its process died before it wrote its number
    for number in range(8):
        (folder / f"{number}.session.json.broken").touch()
    assert keepers()[0].recovery.pending() is None
    assert len(files(state)) == 5


def test_a_dead_process_with_the_number_of_this_one(state, keepers):
    path = left(state)[0]
    lock = left_sessions._lock_of(path)
    taker = keepers()[0].recovery._left
    assert taker._claim(path)
    content = lock.read_bytes()
    taker._release(path)
    lock.write_bytes(content)
    assert keepers()[0].recovery.pending().path == path


def test_a_folder_that_cannot_be_made_is_told_once_and_nothing_breaks(state, model, keepers, qtbot):
    state.write_text("a file where the folder should be")
    keeper, session = keepers()
    told = []
    session.message.connect(lambda level, text, details: told.append((level, text)))
    session.open(open_latent(model))
    session.randomize(1)
    qtbot.waitUntil(lambda: bool(told), timeout=WAIT)
    session.randomize(2)
    qtbot.waitUntil(lambda: not keeper.recovery._timer.isActive(), timeout=WAIT)
    assert [level for level, _ in told] == ["warning"]
    assert told[0][1].endswith(".")
    keeper.close()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "a moment ago"), (70, "1 minute ago"), (7300, "2 hours ago"), (90_000, "1 day ago")],
)
def test_what_is_offered_says_when(seconds, words, tmp_path):
    when = datetime.now(UTC) - timedelta(seconds=seconds)
    sentence = left_sessions.Found(tmp_path, "faces", when, 1).sentence
    assert f"as it was {words}, with 1 step to undo." in sentence
