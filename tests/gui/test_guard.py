"""Decoders that misbehave, in the whole window: the last good picture stays, the model is named, the window works."""

import fakes
import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from real_window import WAIT, shown

from explorer.formats import Opened

pytestmark = pytest.mark.also_x11


@pytest.fixture
def wild(running, qtbot, caplog):
    """The window with a model that does as it is told, and its first good picture."""
    model = fakes.misbehaving_vae()
    running.session.open(Opened(model))
    qtbot.waitUntil(lambda: running.window.canvas.shown is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: not running.pictures.is_waiting(), timeout=WAIT)
    yield running
    model.misbehaviour.release()


def notice(app):
    return app.window.canvas.notice


def painted_at_centre(app):
    """The colour that is painted in the middle of the canvas."""
    view = app.window.canvas.view
    return view.grab().toImage().pixelColor(view.rect().center()).getRgb()


WAYS = {
    "raises": (ValueError("no such thing"), "no such thing"),
    "leaves": (SystemExit(3), ""),
    "no number": (lambda good: torch.full_like(good, float("nan")), "number"),
    "wrong shape": (lambda good: good[..., :5], "5"),
    "no tensor": (lambda good: "a picture", ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_last_good_picture_stays_and_the_model_is_named(wild, qtbot, way):
    does, word = WAYS[way]
    session = wild.session
    good, painted = shown(wild).copy(), painted_at_centre(wild)
    session.model.misbehaviour.does = does
    session.set_dimension(0, 1.0)
    qtbot.waitUntil(lambda: bool(notice(wild).text), timeout=WAIT)
    assert "wild" in notice(wild).text
    assert word in notice(wild).text
    assert notice(wild).text.endswith((".", "?"))
    assert np.array_equal(shown(wild), good)
    assert painted_at_centre(wild) == painted
    session.model.misbehaviour.does = None
    slider = wild.window.sliders.slider_for(1)
    qtbot.keyClick(slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not np.array_equal(shown(wild), good), timeout=WAIT)
    expected = session.model.decode(torch.tensor(session.code[None])).detach().numpy()[0, 0]
    assert np.abs(shown(wild)[..., 0] / 255 - expected).max() < 0.01


def test_a_decoder_that_hangs_is_said_and_can_be_started_again(wild, qtbot):
    session, model = wild.session, wild.session.model
    wild.guard.watchdog._floor = wild.guard.watchdog._first_floor = 0.2
    good = shown(wild).copy()
    model.misbehaviour.does = "hang"
    session.set_dimension(0, 1.0)
    qtbot.waitUntil(lambda: "has not answered" in notice(wild).text, timeout=WAIT)
    assert "wild" in notice(wild).text
    assert np.array_equal(shown(wild), good)
    session.randomize(1)  # the window works meanwhile
    hung = model.misbehaviour
    model.misbehaviour = fakes.Misbehaviour()
    again = next(b for b in notice(wild).findChildren(QPushButton) if "again" in b.text())
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not np.array_equal(shown(wild), good), timeout=WAIT)
    assert "has not answered" not in notice(wild).text
    hung.release()
    for scheduler in wild.worker.abandoned:
        qtbot.waitUntil(lambda scheduler=scheduler: not scheduler.is_alive(), timeout=WAIT)


def test_an_answer_takes_the_complaint_away(wild, qtbot):
    wild.guard.watchdog._floor = wild.guard.watchdog._first_floor = 0.2
    model = wild.session.model
    model.misbehaviour.does = "hang"
    wild.session.set_dimension(0, 1.0)
    qtbot.waitUntil(lambda: "has not answered" in notice(wild).text, timeout=WAIT)
    model.misbehaviour.release()
    qtbot.waitUntil(lambda: notice(wild).text == "", timeout=WAIT)


def test_the_first_picture_of_a_model_without_numbers_is_the_check_pattern(running, qtbot):
    model = fakes.misbehaving_vae(lambda good: torch.full_like(good, float("nan")))
    running.session.open(Opened(model))
    qtbot.waitUntil(lambda: running.window.canvas.shown is not None, timeout=WAIT)
    assert "wild" in notice(running).text
    assert len(np.unique(shown(running))) == 2
