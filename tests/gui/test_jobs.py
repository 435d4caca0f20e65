"""Jobs: their signals come in the GUI thread; the second of a kind cancels the first; close waits."""

import threading

import pytest
from PySide6.QtCore import QObject

from explorer.errors import Cancelled, CheckpointError
from explorer.gui.jobs import JobRunner

PATIENCE = 20.0


class Listener(QObject):
    """Writes down what a job says, and in which thread."""

    def __init__(self, job):
        super().__init__()
        self.heard, self.threads = [], set()
        job.progressed.connect(self.on_progressed)
        job.succeeded.connect(self.on_succeeded)
        job.failed.connect(self.on_failed)
        job.cancelled.connect(self.on_cancelled)
        job.finished.connect(self.on_finished)

    def _hear(self, *what):
        self.heard.append(what)
        self.threads.add(threading.current_thread())

    def on_progressed(self, fraction, text):
        self._hear("progressed", fraction, text)

    def on_succeeded(self, value):
        self._hear("succeeded", value)

    def on_failed(self, sentence):
        self._hear("failed", sentence)

    def on_cancelled(self):
        self._hear("cancelled")

    def on_finished(self):
        self._hear("finished")


@pytest.fixture
def runner(qapp):
    runner = JobRunner()
    yield runner
    assert runner.close(PATIENCE)


def finished(qtbot, job, runner):
    """Return what a job says until it has finished."""
    listener = Listener(job)
    qtbot.waitUntil(lambda: ("finished",) in listener.heard)
    return listener


def test_a_job_tells_progress_and_result_in_the_gui_thread(qtbot, runner):
    worked_in = []

    def work(progress, should_stop):
        worked_in.append(threading.current_thread())
        progress(0.5, "half")
        return {"answer": 42}

    job = runner.start("open", work)
    listener = finished(qtbot, job, runner)
    assert listener.heard == [("progressed", 0.5, "half"), ("succeeded", {"answer": 42}), ("finished",)]
    assert listener.threads == {threading.current_thread()}
    assert worked_in[0] is not threading.current_thread()
    assert not runner.is_running("open")
    assert not job.is_running()


def test_a_flood_of_progress_is_told_as_the_newest(qtbot, runner):
    def work(progress, should_stop):
        for i in range(10_000):
            progress(i / 10_000, str(i))

    job = runner.start("open", work)
    job.wait  # noqa: B018 - the loop does not run before the listener is there
    while job._thread.is_alive():
        pass
    listener = finished(qtbot, job, runner)
    assert listener.heard == [("progressed", 0.9999, "9999"), ("succeeded", None), ("finished",)]


def test_the_second_of_a_kind_cancels_the_first_which_stays_silent(qtbot, runner):
    may_return = threading.Event()

    def first(progress, should_stop):
        assert may_return.wait(PATIENCE)
        assert should_stop()
        return "too late"

    old = runner.start("open", first)
    old_listener = Listener(old)
    new = runner.start("open", lambda progress, should_stop: "new")
    other = runner.start("export", lambda progress, should_stop: "other")
    new_listener, other_listener = Listener(new), Listener(other)
    may_return.set()
    for listener in (old_listener, new_listener, other_listener):
        qtbot.waitUntil(lambda listener=listener: ("finished",) in listener.heard)
    assert old_listener.heard == [("cancelled",), ("finished",)]
    assert new_listener.heard == [("succeeded", "new"), ("finished",)]
    assert other_listener.heard == [("succeeded", "other"), ("finished",)]


def test_a_result_that_is_on_its_way_when_the_job_is_cancelled_does_not_arrive(qtbot, runner):
    job = runner.start("open", lambda progress, should_stop: "done")
    job._thread.join()  # the result now waits in the event queue
    runner.cancel("open")
    assert finished(qtbot, job, runner).heard == [("cancelled",), ("finished",)]


def test_work_that_raises_cancelled_was_cancelled(qtbot, runner):
    def work(progress, should_stop):
        raise Cancelled

    assert finished(qtbot, runner.start("open", work), runner).heard == [("cancelled",), ("finished",)]


def test_an_error_of_the_users_is_its_sentence(qtbot, runner):
    def work(progress, should_stop):
        raise CheckpointError("a.pt is empty; choose another file.")

    heard = finished(qtbot, runner.start("open", work), runner).heard
    assert heard == [("failed", "a.pt is empty; choose another file."), ("finished",)]


def test_a_bug_is_logged_with_its_traceback_and_told_as_a_sentence(qtbot, runner, caplog):
    def work(progress, should_stop):
        raise ZeroDivisionError("division by zero")

    traces = []
    runner.bugged.connect(traces.append)
    heard = finished(qtbot, runner.start("open", work), runner).heard
    assert heard[0][0] == "failed"
    assert "division" not in heard[0][1]
    assert "ZeroDivisionError" in caplog.text
    assert len(traces) == 1
    assert 'raise ZeroDivisionError("division by zero")' in traces[0]
    assert traces[0].endswith("ZeroDivisionError: division by zero\n")


def test_only_a_bug_is_told_as_one(qtbot, runner):
    def work(progress, should_stop):
        raise CheckpointError("a.pt is empty; choose another file.")

    traces = []
    runner.bugged.connect(traces.append)
    finished(qtbot, runner.start("open", work), runner)
    assert traces == []


def test_close_asks_all_to_stop_and_waits(qtbot, qapp):
    runner = JobRunner()
    asked = []

    def work(progress, should_stop):
        while not should_stop():
            pass
        asked.append(True)

    jobs = [runner.start(kind, work) for kind in ("open", "export")]
    listeners = [Listener(job) for job in jobs]
    assert runner.close(PATIENCE)
    assert asked == [True, True]
    assert [listener.heard for listener in listeners] == [[("cancelled",), ("finished",)]] * 2
    assert not runner.is_running("open")


def test_close_gives_up_on_work_that_does_not_stop(qapp):
    runner = JobRunner()
    may_return = threading.Event()
    runner.start("open", lambda progress, should_stop: may_return.wait(PATIENCE))
    assert not runner.close(timeout=0)
    may_return.set()
    assert runner.close(PATIENCE)
