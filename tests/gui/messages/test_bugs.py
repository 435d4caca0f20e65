"""Bugs from anywhere come together and are counted; the hooks are taken away again."""

import sys
import threading

import pytest
from PySide6.QtCore import QObject, Qt

from explorer.errors import CheckpointError, NetworkError
from explorer.gui.messages.bugs import KINDS, Bugs, Hooks
from explorer.render.failures import failed
from explorer.render.requests import RenderResult, Request

REQUEST = Request("canvas", 1, 2, None)
TRACE = 'Traceback:\n  File "a.py", line 3, in f\n    1 / 0\nZeroDivisionError: division of {}\n'


class Listener(QObject):
    def __init__(self, bugs):
        super().__init__()
        self.happened, self.repeated, self.misused, self.threads = [], [], [], set()
        queued = Qt.ConnectionType.QueuedConnection
        bugs.happened.connect(self.on_happened, queued)
        bugs.repeated.connect(self.on_repeated, queued)
        bugs.misused.connect(self.misused.append, queued)

    def on_happened(self, trace):
        self.happened.append(trace)
        self.threads.add(threading.current_thread())

    def on_repeated(self, trace):
        self.repeated.append(trace)


@pytest.fixture
def bugs(qapp):
    return Bugs()


@pytest.fixture
def listener(bugs):
    return Listener(bugs)


@pytest.fixture
def hooks(bugs):
    made = Hooks(bugs)
    yield made
    made.remove()


def raised(error):
    """The three things that `sys.excepthook` gets."""
    try:
        raise error
    except BaseException:
        return sys.exc_info()


def test_a_bug_of_a_thread_is_told_in_the_gui_thread(qtbot, bugs, listener):
    thread = threading.Thread(target=bugs.add, args=(TRACE.format(1),))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: listener.happened == [TRACE.format(1)])
    assert listener.threads == {threading.current_thread()}


def test_the_same_bug_with_other_values_only_counts(qtbot, bugs, listener):
    for value in (1, 2.5, "1e-7", "0x7f00ab"):
        bugs.add(TRACE.format(value))
    assert bugs.all == [(TRACE.format(1), 4)]
    bugs.add(
        TRACE.format(2).replace("division", "Error calling Python override of QWidget::event(): division")
    )
    assert bugs.all == [(TRACE.format(1), 5)]
    bugs.add(TRACE.format(1).replace("line 3", "line 4"))
    assert [count for _, count in bugs.all] == [5, 1]
    qtbot.waitUntil(lambda: len(listener.happened) == 2)


def test_a_storm_is_one_signal_until_it_was_heard(qtbot, bugs, listener):
    for _ in range(1000):
        bugs.add(TRACE.format(1))
    qtbot.waitUntil(lambda: bool(listener.repeated))
    assert (len(listener.happened), len(listener.repeated)) == (1, 1)
    bugs.counted()
    bugs.add(TRACE.format(1))
    qtbot.waitUntil(lambda: len(listener.repeated) == 2)
    assert bugs.all[0][1] == 1001


def test_of_very_many_bugs_the_first_are_kept(bugs):
    for i in range(KINDS + 5):
        bugs.add(f"  line {i}\nValueError: no")
    assert len(bugs.all) == KINDS


def test_a_bug_of_a_decode_is_taken_from_its_result(bugs):
    bugs.on_result(RenderResult("canvas", 1, 1))
    bugs.on_result(failed(REQUEST, NetworkError("The decoder of x failed.")))
    try:
        raise NetworkError("The decoder of x failed.") from ZeroDivisionError()
    except NetworkError as error:
        bugs.on_result(failed(REQUEST, error))  # has a traceback, and is the network's own
    assert bugs.all == []
    bugs.on_result(failed(REQUEST, ZeroDivisionError("division by zero")))
    ((trace, count),) = bugs.all
    assert (trace.strip(), count) == ("ZeroDivisionError: division by zero", 1)


def test_what_nobody_caught_is_a_bug_and_logged_once(bugs, hooks, caplog):
    for _ in range(3):
        sys.excepthook(*raised(ZeroDivisionError("division by zero")))
    ((trace, count),) = bugs.all
    assert count == 3
    assert trace.endswith("ZeroDivisionError: division by zero\n")
    assert caplog.text.count("a bug; please report it") == 1


def test_a_thread_that_ends_by_an_error_is_a_bug(bugs, hooks, caplog):
    def fail():
        raise ZeroDivisionError

    for target in (fail, sys.exit):
        thread = threading.Thread(target=target, name="worker of the test")
        thread.start()
        thread.join()
    ((trace, _),) = bugs.all
    assert trace.startswith("In the thread worker of the test:")
    assert "in fail" in trace


def test_an_error_while_something_is_thrown_away_is_a_bug(bugs, hooks, caplog):
    class Thing:
        def __del__(self):
            raise ZeroDivisionError

    Thing()
    assert "__del__" in bugs.all[0][0]


def test_an_error_of_the_users_that_nobody_caught_is_its_sentence(qtbot, bugs, hooks, listener, caplog):
    sys.excepthook(*raised(CheckpointError("a.pt is empty; choose another file.")))
    qtbot.waitUntil(lambda: listener.misused == ["a.pt is empty; choose another file."])
    assert bugs.all == []


def test_who_wants_to_end_the_program_may(bugs, monkeypatch):
    asked = []
    monkeypatch.setattr(sys, "excepthook", lambda *what: asked.append(what[0]))
    hooks = Hooks(bugs)
    sys.excepthook(*raised(KeyboardInterrupt()))
    hooks.remove()
    assert asked == [KeyboardInterrupt]
    assert bugs.all == []


def test_the_hooks_are_put_back(bugs):
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    hooks = Hooks(bugs)
    assert before[0] is not sys.excepthook
    hooks.remove()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_a_bug_without_a_place_to_go_is_printed(bugs, hooks, monkeypatch, capsys):
    def fail(trace):
        raise RuntimeError("the hub is gone")

    monkeypatch.setattr(bugs, "add", fail)
    sys.excepthook(*raised(ZeroDivisionError("division by zero")))
    assert "ZeroDivisionError: division by zero" in capsys.readouterr().err
