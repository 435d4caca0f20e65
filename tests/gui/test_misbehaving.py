"""A canvas over the real decode thread, and decoders that misbehave: the last picture stays, the model is named."""

import fakes
import pytest
import torch

from explorer.formats.notes import NO_NOTES
from explorer.gui.decode_worker import DecodeWorker
from explorer.gui.panels.canvas import Canvas
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.gui.watchdog import Watchdog

PATIENCE = 20.0


class Opened:
    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


class Parts:
    """Session, worker, watchdog and a canvas that shows its first picture."""

    def __init__(self, qtbot, model):
        self.session, self.worker = Session(), DecodeWorker("cpu")
        self.pictures = PictureSource(self.session, self.worker)
        self.watchdog = Watchdog(self.worker, self.pictures, floor=0.05, first_floor=0.2)
        self.canvas = Canvas(self.session, self.pictures)
        qtbot.addWidget(self.canvas)
        self.canvas.show()
        self.session.open(Opened(model))
        qtbot.waitUntil(lambda: not self.canvas.view.picture.isNull())
        self.good = self.canvas.view.picture

    def move(self):
        """Ask for the picture of another code."""
        self.session.set_code(self.session.code + 0.25)


@pytest.fixture
def parts(qtbot):
    model = fakes.misbehaving_vae()
    parts = Parts(qtbot, model)
    yield parts
    model.misbehaviour.release()
    assert parts.worker.close(PATIENCE)
    parts.watchdog.stop()


@pytest.mark.parametrize(
    "does",
    [
        ValueError("no such layer"),
        SystemExit(3),
        lambda pictures: pictures[..., 1:],
        lambda pictures: pictures * torch.nan,
    ],
    ids=["raises", "SystemExit", "shape", "NaN"],
)
def test_the_last_good_picture_stays_and_the_message_names_the_model(qtbot, parts, caplog, does):
    canvas, misbehaviour = parts.canvas, parts.session.model.misbehaviour
    misbehaviour.does = does
    parts.move()
    qtbot.waitUntil(lambda: "wild" in canvas.notice.text)
    assert canvas.view.picture == parts.good
    misbehaviour.does = None
    parts.move()
    qtbot.waitUntil(lambda: canvas.view.picture != parts.good)
    assert canvas.view.picture == to_qimage(canvas.shown.pictures[0])


def test_a_decoder_that_hangs_leaves_the_picture_and_a_restart_brings_the_next(qtbot, parts):
    canvas, model = parts.canvas, parts.session.model
    held = model.misbehaviour
    model.misbehaviour = hanging = fakes.Misbehaviour("hang")
    try:
        with qtbot.waitSignal(parts.watchdog.silent):
            parts.move()
        assert canvas.view.picture == parts.good
        model.misbehaviour = held
        parts.watchdog.restart()
        qtbot.waitUntil(lambda: canvas.view.picture != parts.good)
    finally:
        hanging.release()
    qtbot.waitUntil(lambda: parts.worker.abandoned == ())


def test_another_model_is_shown_while_one_hangs_once_the_thread_is_replaced(qtbot, parts):
    canvas, wild = parts.canvas, parts.session.model
    wild.misbehaviour.does = "hang"
    with qtbot.waitSignal(parts.watchdog.silent):
        parts.move()
    parts.session.open(Opened(fakes.tiny_vae(seed=1, name="tame")))
    parts.watchdog.restart()
    qtbot.waitUntil(lambda: canvas.view.picture != parts.good)
    assert canvas.shown.request.model.name == "tame"
    wild.misbehaviour.release()
    qtbot.waitUntil(lambda: parts.worker.abandoned == ())
