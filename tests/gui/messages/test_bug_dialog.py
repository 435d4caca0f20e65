"""A bug in the window: one dialog tells it, the session goes on, and painting that fails brings no storm."""

import sys
import threading

import fakes
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QFileDialog,
    QLabel,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from explorer.formats.notes import NO_NOTES
from explorer.gui.messages import bug_dialog
from explorer.gui.messages.bug_dialog import BugReporter, Installed
from explorer.gui.messages.bugs import Bugs
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.session import Session


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


class Painted(QWidget):
    """Fails each time it is painted."""

    def __init__(self, parent):
        super().__init__(parent)
        self.count = 0

    def paintEvent(self, event):
        self.count += 1
        raise ValueError(f"frame {self.count} of 7")


@pytest.fixture
def session(qapp):
    made = Session()
    made.messages = []
    made.message.connect(lambda *what: made.messages.append(what))
    return made


@pytest.fixture
def window(qtbot, session, tiny_model):
    """A window with a real sliders panel and a button whose slot fails."""
    made = QMainWindow()
    qtbot.addWidget(made)
    inside = QWidget()
    made.button = QPushButton("fail", inside)
    made.button.clicked.connect(lambda: 1 / 0)
    made.sliders = SlidersPanel(session, fakes.instant_pictures(session))
    layout = QVBoxLayout(inside)
    layout.addWidget(made.button)
    layout.addWidget(made.sliders)
    made.setCentralWidget(inside)
    made.resize(400, 500)
    made.show()
    session.open(OpenedFake(tiny_model))
    return made


@pytest.fixture
def installed(session, window, caplog, monkeypatch):
    monkeypatch.setattr(bug_dialog, "REFRESH_MILLISECONDS", 1)
    made = Installed(BugReporter(session, window, Bugs(window), lambda: "CPU float32"))
    yield made
    made.remove()


@pytest.fixture
def failed(qtbot, window, installed):
    """The dialog after a click that failed."""
    qtbot.mouseClick(window.button, Qt.MouseButton.LeftButton)
    return appeared(qtbot, installed)


def appeared(qtbot, installed):
    qtbot.waitUntil(lambda: installed.reporter.dialog is not None)
    return installed.reporter.dialog


def named(dialog, name):
    return next(b for b in dialog.findChildren(QAbstractButton) if b.accessibleName() == name)


def test_a_click_that_fails_shows_the_report(failed):
    assert "ZeroDivisionError: division by zero" in failed.report
    assert "Device: CPU float32" in failed.report
    assert "The session goes on and is kept" in failed.sentences
    assert not failed.isModal()
    assert named(failed, "Go on").isDefault()


def test_the_session_goes_on(failed, session, window, qtbot):
    slider = window.sliders.slider_for(0)
    before = session.code.copy()
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert (session.code != before).sum() == 1
    session.undo()
    assert (session.code == before).all()


def test_another_bug_is_added_to_the_same_report(failed, installed, qtbot):
    def fail():
        raise KeyError("other")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "KeyError" in failed.report)
    assert "ZeroDivisionError" in failed.report
    assert installed.reporter.dialog is failed
    assert "2 bugs" in failed.sentences


def test_the_same_bug_again_only_counts(failed, window, qtbot):
    for _ in range(2):
        qtbot.mouseClick(window.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "3 times" in failed.report)
    assert "(3 times)" in failed.sentences
    assert "Bug 2" not in failed.report


def test_a_known_bug_does_not_open_the_dialog_again(failed, installed, window, session, qtbot):
    qtbot.mouseClick(named(failed, "Go on"), Qt.MouseButton.LeftButton)
    assert installed.reporter.dialog is None
    qtbot.mouseClick(window.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(session.messages))
    level, _, details = session.messages[-1]
    assert level == "error"
    assert "ZeroDivisionError" in details
    assert installed.reporter.dialog is None
    installed.bugs.add("  File\nKeyError: 'a new one'")
    assert appeared(qtbot, installed) is failed


def test_painting_that_fails_brings_one_dialog_and_no_storm(installed, window, session, qtbot):
    painted = Painted(window)
    painted.setGeometry(0, 0, 50, 50)
    painted.show()
    qtbot.waitUntil(lambda: painted.count > 0)
    dialog = appeared(qtbot, installed)
    for count in range(painted.count + 1, painted.count + 10):
        painted.update()
        qtbot.waitUntil(lambda count=count: painted.count >= count)
    qtbot.waitUntil(lambda: f"{painted.count} times" in dialog.report)
    (_,) = installed.bugs.all
    assert "frame 1 of 7" in dialog.report
    named(dialog, "Go on").click()
    painted.update()
    qtbot.waitUntil(lambda: bool(session.messages))
    assert installed.reporter.dialog is None
    count = painted.count
    qtbot.wait(50)
    assert painted.count <= count + 2  # saying so does not paint it again and again
    painted.deleteLater()


def test_a_bug_within_the_dialog_ends_there(installed, window, qtbot, monkeypatch, caplog):
    def fail(*what):
        raise ZeroDivisionError("in the report")

    monkeypatch.setattr(bug_dialog.bug_report, "report", fail)
    qtbot.mouseClick(window.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "could not be shown" in caplog.text)
    assert len(installed.bugs.all) == 1
    assert installed.reporter.dialog is None


def test_the_report_is_copied(failed, qtbot):
    qtbot.mouseClick(named(failed, "Copy report"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == failed.report
    assert "The report was copied." in [label.text() for label in failed.findChildren(QLabel)]


def test_the_report_is_saved_where_the_person_says(failed, qtbot, tmp_path):
    qtbot.mouseClick(named(failed, "Save report"), Qt.MouseButton.LeftButton)
    chooser = failed.findChild(QFileDialog)
    assert chooser.windowModality() == Qt.WindowModality.WindowModal
    path = tmp_path / "bug.txt"
    chooser.setDirectory(str(tmp_path))
    chooser.selectFile(path.name)
    chooser.accept()
    qtbot.waitUntil(path.exists)
    assert path.read_text("utf-8") == failed.report
    failed.save(str(tmp_path / "nowhere" / "bug.txt"))
    assert any("could not be written" in label.text() for label in failed.findChildren(QLabel))


def test_it_is_left_by_keyboard(failed, installed, qtbot):
    assert failed.focusWidget() is named(failed, "Go on")
    QTest.keyClick(failed, Qt.Key.Key_Escape)
    assert installed.reporter.dialog is None


def test_a_report_can_be_asked_for_without_a_bug(installed, qtbot):
    installed.reporter.show_report()
    dialog = installed.reporter.dialog
    assert "Device: CPU float32" in dialog.report
    assert "Bug 1" not in dialog.report
    assert "No bug is known in this run" in dialog.sentences


def test_nothing_is_shown_once_the_window_is_closed(installed, window, qtbot):
    window.hide()
    installed.bugs.add("  File\nKeyError: 'late'")
    qtbot.wait(1)
    assert installed.reporter.dialog is None


def test_removing_puts_everything_back(session, window):
    import logging

    before = (sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers))
    installed = Installed(BugReporter(session, window, Bugs(window)))
    installed.remove()
    after = (sys.excepthook, threading.excepthook, sys.unraisablehook, list(logging.getLogger().handlers))
    assert after == before


def test_everything_in_the_dialog_has_a_name(failed):
    for widget in (*failed.findChildren(QAbstractButton), *failed.findChildren(QPlainTextEdit)):
        assert widget.accessibleName(), widget
