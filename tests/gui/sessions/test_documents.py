"""Sessions in the whole window: saved and opened by the menus, offered again after a crash."""

import shutil

import numpy as np
import platformdirs
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from real_window import WAIT, drop, finish, open_and_wait, save, shown

from explorer.formats import recent
from explorer.gui import app as app_module
from explorer.gui import file_dialogs

pytestmark = pytest.mark.also_x11


def saved(app, qtbot, monkeypatch, path):
    """Save by the menu, as a new file."""
    monkeypatch.setattr(file_dialogs, "ask_save", lambda *_: str(path))
    with qtbot.waitSignal(app.documents.keeper.saved, timeout=WAIT):
        app.window.actions_by_name["save_session"].trigger()
    return path


def at_rest(app, qtbot):
    qtbot.waitUntil(lambda: not app.jobs.is_running("open"), timeout=WAIT)
    qtbot.waitUntil(lambda: not app.pictures.is_waiting("canvas"), timeout=WAIT)


def test_a_saved_session_that_is_dropped_comes_back_as_it_was(faces, qtbot, tmp_path, monkeypatch):
    session = faces.session
    session.randomize(3)
    session.name_dimension(0, "smile")
    session.places.star(session.places.keep("here").id)
    at_rest(faces, qtbot)
    code, picture = session.code, shown(faces).copy()
    path = saved(faces, qtbot, monkeypatch, tmp_path / "faces.session.json")
    assert "faces.session.json" in faces.window.windowTitle()
    assert not faces.window.isWindowModified()
    session.reset()
    assert faces.window.isWindowModified()
    drop(faces.window, path)
    qtbot.waitUntil(lambda: np.array_equal(session.code, code), timeout=WAIT)
    at_rest(faces, qtbot)
    assert np.array_equal(shown(faces), picture)
    assert session.title_of(0) == "smile"
    assert [place.starred for place in session.places.all].count(True) == 1
    assert not faces.window.isWindowModified()
    session.undo()
    session.undo()
    assert np.array_equal(session.code, session.space.center)
    qtbot.waitUntil(lambda: recent.entries()[0].kind == "session", timeout=WAIT)


def test_saving_again_asks_nothing(faces, qtbot, tmp_path, monkeypatch):
    path = saved(faces, qtbot, monkeypatch, tmp_path / "faces.session.json")
    monkeypatch.setattr(file_dialogs, "ask_save", lambda *_: pytest.fail("it was asked where"))
    before = path.read_bytes()
    faces.session.randomize(8)
    with qtbot.waitSignal(faces.documents.keeper.saved, timeout=WAIT):
        faces.window.actions_by_name["save_session"].trigger()
    assert path.read_bytes() != before


def test_a_broken_session_file_is_a_sentence(faces, qtbot, tmp_path):
    path = tmp_path / "x.session.json"
    path.write_text("{")
    code = faces.session.code
    with qtbot.waitSignal(faces.session.message, timeout=WAIT) as told:
        drop(faces.window, path)
    assert told.args[0] == "error"
    assert "x.session.json" in told.args[1]
    assert faces.session.code is code


def restart(app, qtbot, path):
    """Close a window and open another one on a file."""
    app.window.close()
    again = app_module.App("cpu")
    again.start(str(path))
    qtbot.waitUntil(lambda: again.window.canvas.shown is not None, timeout=WAIT)
    at_rest(again, qtbot)
    return again


def test_a_crash_offers_the_session_and_a_clean_end_does_not(faces, qtbot, tmp_path):
    session = faces.session
    session.randomize(5)
    code = session.code
    folder = platformdirs.user_state_path("latent-explorer", appauthor=False) / "recovery"
    qtbot.waitUntil(lambda: bool(list(folder.glob("*.session.json"))), timeout=WAIT)
    (left,) = folder.glob("*.session.json")
    shutil.copy(left, tmp_path / left.name)
    second = restart(faces, qtbot, tmp_path / "faces.safetensors")
    assert second.window.canvas.notice.text == ""
    assert list(folder.glob("*.session.json")) == []
    shutil.copy(tmp_path / left.name, folder / left.name)  # as if the process had been killed
    third = restart(second, qtbot, tmp_path / "faces.safetensors")
    finish(second)
    notice = third.window.canvas.notice
    qtbot.waitUntil(lambda: "ended unexpectedly" in notice.text, timeout=WAIT)
    assert not np.array_equal(third.session.code, code)
    buttons = {button.text().replace("&", ""): button for button in notice.findChildren(QPushButton)}
    qtbot.mouseClick(buttons["Restore"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: np.array_equal(third.session.code, code), timeout=WAIT)
    at_rest(third, qtbot)
    finish(third)


def test_of_several_crashes_each_is_offered_once_the_one_before_is_decided(faces, qtbot, tmp_path):
    session = faces.session
    session.randomize(5)
    code = session.code
    folder = platformdirs.user_state_path("latent-explorer", appauthor=False) / "recovery"
    qtbot.waitUntil(lambda: bool(list(folder.glob("*.session.json"))), timeout=WAIT)
    (left,) = folder.glob("*.session.json")
    shutil.copy(left, tmp_path / "left.json")
    faces.window.close()
    for name in ("one", "two", "three"):
        shutil.copy(tmp_path / "left.json", folder / f"{name}.session.json")
    again = restart(faces, qtbot, tmp_path / "faces.safetensors")
    notice = again.window.canvas.notice

    def press(text):
        qtbot.waitUntil(lambda: "ended unexpectedly" in notice.text, timeout=WAIT)
        buttons = [button for button in notice.findChildren(QPushButton) if button.isVisible()]
        button = next(button for button in buttons if button.text().replace("&", "") == text)
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    press("Discard")
    assert len(list(folder.glob("*.session.json"))) == 2
    press("Restore")
    qtbot.waitUntil(lambda: np.array_equal(again.session.code, code), timeout=WAIT)
    at_rest(again, qtbot)
    press("Discard")
    assert notice.text == ""
    assert len(list(folder.glob("*.session.json"))) == 1  # the one that is shown
    finish(again)


def test_the_row_that_was_open_is_open_again(faces, qtbot, tmp_path, monkeypatch):
    session = faces.session
    qtbot.waitUntil(lambda: session.activity is not None and session.activity.sensitivity is not None)
    own = session.focused
    chosen = next(index for index in faces.window.sliders.dimensions() if index != own)
    session.focus(chosen)
    path = saved(faces, qtbot, monkeypatch, tmp_path / "faces.session.json")
    again = restart(faces, qtbot, path)
    qtbot.waitUntil(
        lambda: again.session.activity is not None and again.session.activity.sensitivity is not None
    )
    assert again.session.focused == chosen
    finish(again)


def test_a_decoder_that_is_started_again_offers_no_other_session(faces, qtbot, tmp_path):
    faces.session.randomize(5)
    folder = platformdirs.user_state_path("latent-explorer", appauthor=False) / "recovery"
    qtbot.waitUntil(lambda: bool(list(folder.glob("*.session.json"))), timeout=WAIT)
    (left,) = folder.glob("*.session.json")
    shutil.copy(left, tmp_path / "left.json")
    faces.window.close()
    for name in ("one", "two"):
        shutil.copy(tmp_path / "left.json", folder / f"{name}.session.json")
    again = restart(faces, qtbot, tmp_path / "faces.safetensors")
    notice = again.window.canvas.notice
    qtbot.waitUntil(lambda: "ended unexpectedly" in notice.text, timeout=WAIT)
    notice.close_shown()
    with qtbot.waitSignal(again.worker.ready, timeout=WAIT):
        again.guard.restart()
    qtbot.waitUntil(lambda: not again.pictures.is_waiting(), timeout=WAIT)
    assert notice.text == ""
    finish(again)


def test_model_and_stages_of_one_recipe_are_all_remembered(faces, qtbot, tmp_path):
    for number in range(8):
        faces.documents._remember(tmp_path / str(number), str(number), None, "stage")
    names = {str(number) for number in range(8)}
    qtbot.waitUntil(lambda: names <= {entry.name for entry in recent.entries()}, timeout=5000)


def test_where_there_is_no_last_session_the_start_page_stays(running):
    running.window.show_start()
    running.window.actions_by_name["reopen_session"].trigger()
    assert running.window.start.isVisible()


def test_the_last_session_can_be_opened_again(faces, qtbot, tmp_path):
    faces.session.randomize(6)
    code = faces.session.code
    again = restart(faces, qtbot, save(tmp_path / "other.safetensors", seed=4))
    again.window.actions_by_name["reopen_session"].trigger()
    qtbot.waitUntil(lambda: np.array_equal(again.session.code, code), timeout=WAIT)
    at_rest(again, qtbot)
    finish(again)


def test_a_place_dropped_on_the_picture_is_shown(faces, qtbot):
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage

    from explorer.gui.history import place_mime

    session = faces.session
    session.randomize(2)
    place = session.places.here
    session.reset()
    data = place_mime.data_of(place.id, QImage())
    canvas, where = faces.window.canvas, QPointF(5, 5)
    rest = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(where.toPoint(), *rest)
    canvas.dragEnterEvent(enter)
    assert enter.isAccepted()
    canvas.dropEvent(QDropEvent(where, *rest))
    assert np.array_equal(session.code, place.code)


def test_a_session_reads_its_checkpoint_as_it_was_read_then(running, qtbot, doctored, tmp_path, monkeypatch):
    from explorer.formats.hints_writing import write_hints

    checkpoint = doctored(tmp_path / "faces.pth", "encoding")
    write_hints(checkpoint, {"range": "-1..1"})
    open_and_wait(qtbot, running, checkpoint)
    before = shown(running).copy()
    path = saved(running, qtbot, monkeypatch, tmp_path / "faces.session.json")

    write_hints(checkpoint, {"range": "0..1", "output": "tanh"})
    open_and_wait(qtbot, running, checkpoint)
    at_rest(running, qtbot)
    assert not np.array_equal(shown(running), before)
    with qtbot.waitSignal(running.session.model_changed, timeout=WAIT):
        drop(running.window, path)
    at_rest(running, qtbot)
    assert running.session.model.origin.hints == {"range": "-1..1"}
    assert np.array_equal(shown(running), before)
    assert "by other hints" in running.window.canvas.notice.text


@pytest.mark.parametrize("hints", [None, {"range": "red"}, {"colour": "RGB"}, {"range": 3}, []])
def test_a_session_of_an_older_version_or_with_senseless_hints_goes_by_those_that_are_kept(
    running, qtbot, doctored, tmp_path, monkeypatch, hints
):
    import json

    from explorer.formats.hints_writing import write_hints

    checkpoint = doctored(tmp_path / "faces.pth", "encoding")
    write_hints(checkpoint, {"range": "-1..1"})
    open_and_wait(qtbot, running, checkpoint)
    path = saved(running, qtbot, monkeypatch, tmp_path / "faces.session.json")
    said = json.loads(path.read_text())
    assert said["model"].pop("hints") == {"range": "-1..1"}
    if hints is not None:
        said["model"]["hints"] = hints
    path.write_text(json.dumps(said))
    write_hints(checkpoint, {"range": "0..255"})
    with qtbot.waitSignal(running.session.model_changed, timeout=WAIT):
        drop(running.window, path)
    at_rest(running, qtbot)
    assert running.session.model.origin.hints == {"range": "0..255"}
