"""The guards find what they are there for: each is shown one culprit."""

import logging
import threading

import guards
import pytest
from PySide6.QtCore import QSettings, QThread, QTimer
from PySide6.QtWidgets import QWidget


@pytest.fixture(autouse=True)
def no_grace(monkeypatch):
    monkeypatch.setattr(guards, "GRACE_SECONDS", 0.05)


def watched(test, may_log=False):
    """Run a made-up test under the guards."""
    watching = guards.watch(may_log)
    next(watching)
    test()
    next(watching, None)


def test_nothing_is_said_of_a_clean_test():
    watched(lambda: None)


def test_a_running_thread_is_found():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, name="left over")
    with pytest.raises(AssertionError, match="thread left over"):
        watched(thread.start)
    stop.set()
    thread.join()


def test_a_running_qthread_is_found(qapp):
    thread = QThread(objectName="left over")
    with pytest.raises(AssertionError, match="QThread left over"):
        watched(thread.start)
    thread.quit()
    thread.wait()


def test_a_ticking_timer_is_found(qapp):
    timer = QTimer()
    with pytest.raises(AssertionError, match="every 1234 ms"):
        watched(lambda: timer.start(1234))
    timer.stop()


def test_an_open_window_is_found(qapp):
    kept = []
    with pytest.raises(AssertionError, match="window"):
        watched(lambda: kept.append(QWidget()))
    kept.clear()


def test_a_window_that_is_deleted_later_is_none(qapp):
    def opens_and_closes():
        window = QWidget()
        window.show()
        window.deleteLater()
        kept.append(window)

    kept: list[QWidget] = []
    watched(opens_and_closes)


def test_a_warning_in_the_log_is_found(caplog):
    with pytest.raises(AssertionError, match="WARNING explorer: trouble"):
        watched(lambda: logging.getLogger("explorer").warning("trouble"))


def test_a_test_that_looks_at_its_log_may_log(caplog):
    watched(lambda: logging.getLogger("explorer").warning("trouble"), may_log=True)


@pytest.mark.parametrize("value", [1, 2])
def test_each_test_has_empty_settings(value):
    settings = QSettings("explorer-tests", "guards")
    assert settings.allKeys() == []
    settings.setValue("kept", value)
