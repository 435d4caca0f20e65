"""Checkpoints that are folders, in the window: dropped, chosen, listed as recent, part of a session."""

import shutil

import pytest
from real_window import WAIT, drop, open_and_wait, save

from explorer.formats import recent
from explorer.gui import file_dialogs

pytestmark = pytest.mark.also_x11


@pytest.fixture
def folder(reference_data, tmp_path):
    """A checkpoint that is a folder."""
    shutil.copytree(reference_data / "trained-checkpoints" / "disvae_VAE_mnist", tmp_path / "VAE_mnist")
    return tmp_path / "VAE_mnist"


def opened(app, qtbot, act):
    with qtbot.waitSignal(app.session.model_changed, timeout=WAIT):
        act()
    qtbot.waitUntil(lambda: app.window.canvas.shown is not None, timeout=WAIT)
    return app.session.model


def test_a_folder_that_is_dropped_opens(running, qtbot, folder):
    assert opened(running, qtbot, lambda: drop(running.window, folder)).image.width == 32


def test_a_folder_that_is_chosen_opens_and_is_listed(running, qtbot, folder, monkeypatch):
    monkeypatch.setattr(file_dialogs, "ask_folder", lambda *_: str(folder))
    opened(running, qtbot, running.window.actions_by_name["open_folder"].trigger)
    qtbot.waitUntil(lambda: [entry.path for entry in recent.entries()] == [folder], timeout=WAIT)
    menu = running.window._menus.recent
    menu.fill()
    entry = menu.actions()[0]
    assert "VAE_mnist" in entry.text()
    assert entry.isEnabled()
    open_and_wait(qtbot, running, save(folder.parent / "faces.safetensors"))
    assert opened(running, qtbot, entry.trigger).image.width == 32


def test_a_session_of_a_folder_opens_again(running, qtbot, folder, tmp_path):
    opened(running, qtbot, lambda: running.opener.open(str(folder)))
    running.session.randomize(5)
    code = running.session.code
    path = tmp_path / "mine.session.json"
    running.documents.keeper.save_as(str(path))
    qtbot.waitUntil(path.exists, timeout=WAIT)
    open_and_wait(qtbot, running, save(tmp_path / "faces.safetensors"))
    opened(running, qtbot, lambda: running.opener.open(str(path)))
    assert running.session.code.tolist() == code.tolist()
