"""What the status bar says of pictures: now and then, the last one always, and what it lacks."""

from types import SimpleNamespace

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from explorer.formats.notes import NO_NOTES
from explorer.gui.engine_line import EngineLine
from explorer.gui.session import Session
from explorer.render.requests import RenderRequest, RenderResult


class Pictures(QObject):
    rendered = Signal(object)
    age = 0.0


class Bar:
    def __init__(self):
        self.said = []

    def set_status(self, text):
        self.said[-1] += text

    def set_age(self, milliseconds):
        self.said.append(f"{milliseconds:.0f} ms: ")


@pytest.fixture
def parts(qapp):
    session, pictures, bar = Session(), Pictures(), Bar()
    session.open(SimpleNamespace(model=fakes.tiny_vae(), code_book=None, notes=NO_NOTES, root=None))
    line = EngineLine(session, pictures, bar, lambda: "CPU", session)
    yield session, pictures, bar, line
    line.close()


def render(parts, age, decode, **of):
    session, pictures, _, _ = parts
    request = RenderRequest("canvas", 0, 1, session.model, codes=np.zeros((1, 4), np.float32), **of)
    pictures.age = age
    pictures.rendered.emit(RenderResult("canvas", 0, 1, milliseconds={"decode": decode}, request=request))


def test_the_first_and_the_last_picture_are_told_and_few_between(parts, qtbot):
    bar = parts[2]
    for number in range(1, 60):
        render(parts, number / 1000, 10.0 * number)
    assert bar.said == ["1 ms: CPU    decode 10.0 ms"]
    qtbot.waitUntil(lambda: len(bar.said) == 2)
    assert bar.said[1] == "59 ms: CPU    decode 590.0 ms"
    with qtbot.waitSignal(parts[3]._timer.timeout):
        pass
    assert len(bar.said) == 2
    assert not parts[3]._timer.isActive()


def test_what_a_picture_under_the_hand_lacks_is_said(parts):
    session, _, bar, _ = parts
    session.add_stage(fakes.misbehaving_stage(name="colorize"))
    render(parts, 0.02, 5.0, quality="preview", max_side=64)
    assert bar.said == ["20 ms: CPU    decode 5.0 ms    64 px under the hand    colorize when it rests"]
