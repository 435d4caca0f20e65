"""By keyboard alone: open, move, star, anchor, strip, export, undo, reopen."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from real_window import WAIT, save, shown

from explorer.export.reading import recipe_in
from explorer.gui import file_dialogs
from explorer.gui.panels.header import SeedField

pytestmark = pytest.mark.also_x11

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def press(key, modifiers=Qt.KeyboardModifier.NoModifier):
    """Press a key wherever the keyboard is."""
    QTest.keyClick(QApplication.focusWidget() or QApplication.activeWindow(), key, modifiers)


def answer(monkeypatch, path):
    """Let the system's dialogs, which are not ours, give a path."""
    monkeypatch.setattr(file_dialogs, "ask_open", lambda *_: str(path))
    monkeypatch.setattr(file_dialogs, "ask_save", lambda *_: str(path))


@pytest.fixture
def focused(running, qtbot):
    """The window, active."""
    running.window.activateWindow()
    qtbot.waitUntil(running.window.isActiveWindow, timeout=WAIT)
    return running


def settled(app, qtbot):
    qtbot.waitUntil(lambda: not app.jobs.is_running("open"), timeout=WAIT)
    qtbot.waitUntil(lambda: not app.pictures.is_waiting(), timeout=WAIT)


def test_a_whole_session_without_a_mouse(focused, qtbot, tmp_path, monkeypatch):
    app, session = focused, focused.session
    answer(monkeypatch, save(tmp_path / "faces.safetensors"))
    press(Qt.Key.Key_O, CONTROL)
    qtbot.waitUntil(lambda: session.model is not None, timeout=WAIT)
    settled(app, qtbot)

    press(Qt.Key.Key_F, CONTROL)  # find a dimension, and go to its slider
    QTest.keyClicks(QApplication.focusWidget(), "z3")
    press(Qt.Key.Key_Return)
    for _ in range(4):
        press(Qt.Key.Key_Right, SHIFT)
    assert session.code[2] > 1
    settled(app, qtbot)
    moved, picture = session.code, shown(app).copy()

    press(Qt.Key.Key_D, CONTROL)
    assert [place.starred for place in session.places.all if np.array_equal(place.code, moved)] == [True]

    press(Qt.Key.Key_1, CONTROL)
    press(Qt.Key.Key_R)
    settled(app, qtbot)
    press(Qt.Key.Key_2, CONTROL)
    assert np.array_equal(session.anchors["A"].code, moved)
    assert np.array_equal(session.anchors["B"].code, session.code)

    for _ in range(12):  # on to the strip, and to its first picture
        if app.window.strip.row.hasFocus():
            break
        press(Qt.Key.Key_Tab) if app.window.strip.isAncestorOf(QApplication.focusWidget()) else press(
            Qt.Key.Key_F6
        )
    assert app.window.strip.row.hasFocus()
    press(Qt.Key.Key_Home)
    press(Qt.Key.Key_Right)
    assert session.undo_text == "Strip"

    press(Qt.Key.Key_E, CONTROL)
    dialog = app.export_dialog
    qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT)
    dialog.kinds.setFocus()
    press(Qt.Key.Key_Home)
    press(Qt.Key.Key_Down)
    assert dialog.choice.kind == "strip"
    qtbot.waitUntil(dialog.button.isEnabled, timeout=WAIT)
    answer(monkeypatch, tmp_path / "strip.png")
    with qtbot.waitSignal(app.exporter.exported, timeout=WAIT):
        press(Qt.Key.Key_Return)
    assert np.array_equal(recipe_in(tmp_path / "strip.png").codes[0], moved)
    press(Qt.Key.Key_Escape)
    app.window.activateWindow()
    qtbot.waitUntil(app.window.isActiveWindow, timeout=WAIT)

    answer(monkeypatch, tmp_path / "mine.session.json")
    with qtbot.waitSignal(app.documents.keeper.saved, timeout=WAIT):
        press(Qt.Key.Key_S, CONTROL)
    left = session.code
    while session.can_undo:
        press(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(session.code, session.space.center)

    answer(monkeypatch, tmp_path / "mine.session.json")
    press(Qt.Key.Key_O, CONTROL)
    qtbot.waitUntil(lambda: np.array_equal(session.code, left), timeout=WAIT)
    settled(app, qtbot)
    assert not isinstance(QApplication.focusWidget(), SeedField)
    press(Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: session.code is not left)
    session.places.visit(next(place.id for place in session.places.all if place.starred))
    settled(app, qtbot)
    assert np.array_equal(shown(app), picture)
