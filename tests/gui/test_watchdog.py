"""The watchdog, with the real decode thread, and models that misbehave as no bundled one does."""

import fakes
import numpy as np
import pytest
import torch
from PySide6.QtCore import QObject, Signal

from explorer.formats.notes import NO_NOTES
from explorer.gui import watchdog as module
from explorer.gui.decode_worker import DecodeWorker
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.watchdog import Watchdog
from explorer.render.pulse import Pulse
from explorer.render.requests import RenderRequest, frozen_codes

PATIENCE = 20.0
SOON = 0.05  # seconds: the tests' floor


class Opened:
    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


class Window(QObject):
    """Session, decode thread, pictures and watchdog, and a canvas that keeps what came."""

    def __init__(self):
        super().__init__()
        self.session = Session(self)
        self.worker = DecodeWorker("cpu", parent=self)
        self.pictures = PictureSource(self.session, self.worker, self)
        self.watchdog = Watchdog(self.worker, self.pictures, self, floor=SOON, first_floor=PATIENCE)
        self.results, self.said, self.shares, self.arrived = [], [], [], 0
        self.worker.result.connect(self.on_arrived)
        self.pictures.progressed.connect(self.on_progressed)
        self.watchdog.silent.connect(self.on_silent)
        self.watchdog.answered.connect(self.on_answered)
        self.watchdog.died.connect(self.on_died)

    def on_pictures(self, result):
        self.results.append(result)

    def on_arrived(self, result):
        self.arrived += 1

    def on_progressed(self, slot, share):
        self.shares.append((slot, share))

    def on_silent(self, seconds, usual):
        self.said.append("silent")
        self.silence = (seconds, usual)

    def on_answered(self):
        self.said.append("answered")

    def on_died(self):
        self.said.append("died")

    def open(self, model):
        self.session.open(Opened(model))

    def want(self, slot="canvas"):
        self.pictures.want(slot, self.session.code, self.on_pictures)

    def picture(self, qtbot):
        """Ask for a picture and return its result."""
        count = len(self.results)
        self.want()
        qtbot.waitUntil(lambda: len(self.results) > count)
        return self.results[-1]

    def get_used_to(self, qtbot):
        """Ask for so many pictures that their time is known."""
        for _ in range(module.FIRST_PIECES):
            assert self.picture(qtbot).error is None


@pytest.fixture
def wild():
    """A model that misbehaves; what hangs in it is let go at the end."""
    model = fakes.misbehaving_vae()
    yield model
    model.misbehaviour.release()


@pytest.fixture
def window(qapp, wild):
    window = Window()
    window.open(wild)
    yield window
    wild.misbehaviour.release()
    assert window.worker.close(PATIENCE)
    window.watchdog.stop()
    window.deleteLater()


def hang(window, qtbot):
    """Let the decoder hang, and wait until that is said."""
    window.get_used_to(qtbot)
    window.session.model.misbehaviour.does = "hang"
    with qtbot.waitSignal(window.watchdog.silent, timeout=round(1000 * PATIENCE)):
        window.want()
    assert window.watchdog.is_silent


@pytest.mark.parametrize(
    "does",
    [
        ValueError("no such layer"),
        SystemExit(3),
        KeyboardInterrupt(),
        lambda pictures: pictures[..., 1:],
        lambda pictures: pictures.long(),
        lambda pictures: None,
    ],
    ids=["raises", "SystemExit", "KeyboardInterrupt", "shape", "dtype", "nothing"],
)
def test_a_decoder_that_misbehaves_gives_an_error_and_then_pictures_again(qtbot, window, wild, caplog, does):
    good = window.picture(qtbot)
    wild.misbehaviour.does = does
    failed = window.picture(qtbot)
    assert "The decoder of wild" in failed.error
    assert failed.pictures is None
    wild.misbehaviour.does = None
    assert np.array_equal(window.picture(qtbot).pictures, good.pictures)
    wild.misbehaviour.does = does
    window.open(fakes.tiny_vae(seed=1))
    assert window.picture(qtbot).error is None
    assert window.said == []


def test_pictures_without_a_number_are_blank(qtbot, window, wild):
    wild.misbehaviour.does = lambda pictures: pictures * torch.nan
    result = window.picture(qtbot)
    assert result.blank
    assert "wild" in result.warning
    wild.misbehaviour.does = None
    assert not window.picture(qtbot).blank


def test_a_decoder_that_hangs_is_said_once_and_a_restart_brings_pictures_again(qtbot, window, wild):
    hang(window, qtbot)
    seconds, usual = window.silence
    assert seconds >= SOON
    assert 0 < usual < SOON
    assert ", in apply\n" in window.worker.stack()  # where it hangs
    window.want("strip")
    held = wild.misbehaviour
    wild.misbehaviour = fakes.Misbehaviour()  # the network has stopped hanging, but not the call that does
    hung = window.worker._scheduler
    window.results.clear()

    window.watchdog.restart()
    qtbot.waitUntil(lambda: len(window.results) == 2)
    assert sorted(result.slot for result in window.results) == ["canvas", "strip"]
    assert window.picture(qtbot).error is None
    assert window.said == ["silent", "answered"]
    assert window.worker.abandoned == (hung,)
    assert (window.worker.device, window.worker.description) == ("cpu", "CPU float32")

    arrived = window.arrived
    held.release()
    qtbot.waitUntil(lambda: window.worker.abandoned == ())
    assert window.picture(qtbot).error is None
    assert window.arrived == arrived + 1  # what hung delivers nothing any more


def test_a_silence_that_ends_by_itself_is_said_too(qtbot, window, wild):
    hang(window, qtbot)
    with qtbot.waitSignal(window.watchdog.answered):
        wild.misbehaviour.release()
    assert not window.watchdog.is_silent
    assert window.picture(qtbot).error is None
    assert window.said == ["silent", "answered"]


def test_a_silence_that_nobody_waits_for_any_more_ends_as_well(qtbot, window, wild):
    hang(window, qtbot)
    window.pictures.cancel("canvas")
    with qtbot.waitSignal(window.watchdog.answered):
        wild.misbehaviour.release()


def test_closing_does_not_wait_for_what_was_left_behind(qtbot, window, wild):
    hang(window, qtbot)
    hung = window.worker._scheduler
    window.watchdog.restart()
    wild.misbehaviour = (held := wild.misbehaviour) and fakes.Misbehaviour()
    held.does = None
    assert window.worker.abandoned == (hung,)
    qtbot.waitUntil(lambda: not window.pictures.is_waiting())
    assert window.worker.close(PATIENCE)
    assert hung.is_alive()
    held.release()
    assert hung.close(PATIENCE)


def test_closing_hardly_waits_for_what_hangs(qtbot, window, wild, monkeypatch):
    hang(window, qtbot)
    monkeypatch.setattr("explorer.gui.decode_worker.FLOOR", SOON)
    monkeypatch.setattr("explorer.gui.decode_worker.HUNG_SECONDS", 0.0)
    monkeypatch.setattr("explorer.gui.decode_worker.CLOSE_SECONDS", None)  # for ever
    assert not window.worker.close()


def test_what_hangs_again_after_a_restart_is_said_again(qtbot, window, wild):
    window.watchdog._first_floor = SOON
    hang(window, qtbot)
    held, wild.misbehaviour = wild.misbehaviour, (again := fakes.Misbehaviour("hang"))
    with qtbot.waitSignal(window.watchdog.silent):
        window.watchdog.restart()
    assert window.said == ["silent", "answered", "silent"]
    for misbehaviour in (held, again):
        misbehaviour.release()
    qtbot.waitUntil(lambda: window.worker.abandoned == ())


def test_a_thread_that_ends_is_said_at_once_and_when_it_is_asked(qtbot, window, caplog, monkeypatch):
    window.get_used_to(qtbot)

    def end(_):
        raise SystemExit

    with qtbot.waitSignal(window.watchdog.died):
        window.worker._scheduler.call(end)
    qtbot.waitUntil(lambda: not window.worker.is_alive())
    window.want()
    assert window.said == ["died"]  # just told
    monkeypatch.setattr(module, "AGAIN", 0.0)
    window.want()
    assert window.said == ["died", "died"]

    count = len(window.results)
    window.watchdog.restart()
    qtbot.waitUntil(lambda: len(window.results) > count)
    assert window.worker.is_alive()
    assert window.said == ["died", "died", "answered"]


def test_what_is_said_names_the_model_and_what_is_usual():
    assert module.silence_text("wild", 5.4, 0.0021).startswith(
        "The decoder of wild has not answered for 5 s, where 2.1 ms are"
    )
    assert "where 450 ms are usual" in module.silence_text("wild", 30.0, 0.446)
    assert "where 0.45 ms are usual" in module.silence_text("wild", 30.0, 0.000446), "no false precision"
    assert module.silence_text("wild", 30.2, 0.0).startswith(
        "The decoder of wild has not answered for 30 s; wait"
    )


class SlowWorker(QObject):
    """A worker of which only the pulse is known; the test sets it."""

    result, progressed, died = Signal(object), Signal(object, float), Signal()

    def __init__(self, pulse):
        super().__init__()
        self.felt, self.looks = pulse, 0

    def pulse(self):
        self.looks += 1
        return self.felt

    def submit(self, request):
        pass

    def set_generation(self, generation):
        pass


@pytest.fixture
def clock(monkeypatch):
    """The seconds by which the watchdog's clock is ahead: `clock[0]`."""
    ahead, now = [0.0], module.monotonic
    monkeypatch.setattr(module, "monotonic", lambda: now() + ahead[0])
    return ahead


@pytest.fixture
def watch(qapp, tiny_model):
    """Return a function that watches a worker with such a pulse, of which a picture was asked."""
    made = []

    def watch(pulse, floor=SOON, first_floor=PATIENCE):
        session, worker = Session(), SlowWorker(pulse)
        pictures = PictureSource(session, worker)
        watchdog = Watchdog(worker, pictures, floor=floor, first_floor=first_floor)
        session.open(Opened(tiny_model))
        made.append((session, worker, pictures, watchdog))
        pictures.want("canvas", session.code, watchdog.setObjectName)
        return worker, pictures, watchdog

    yield watch
    for *_, watchdog in made:
        watchdog.stop()


@pytest.mark.parametrize(
    "pulse",
    [Pulse(None), Pulse(0.0, SOON / 1000, 2), Pulse(0.0, 1.0, 50)],
    ids=["rests", "is one of the first pieces", "is always slow"],
)
def test_what_is_no_silence(qtbot, watch, clock, pulse):
    worker, _, watchdog = watch(pulse)
    clock[0] += 0.5
    said = []
    watchdog.silent.connect(lambda *_: said.append("silent"))
    qtbot.waitUntil(lambda: worker.looks >= (3 if pulse.since is None else 1))
    assert said == []


def test_the_first_pieces_have_a_floor_of_their_own(qtbot, watch):
    _, _, watchdog = watch(Pulse(0.0, 0.0, 0), floor=SOON, first_floor=2 * SOON)
    with qtbot.waitSignal(watchdog.silent) as caught:
        pass
    assert caught.args[0] >= 2 * SOON


def test_a_process_that_stood_still_is_not_taken_for_a_silence(qtbot, watch, clock):
    worker, _, watchdog = watch(Pulse(0.0, 0.0001, 50))
    said = []
    watchdog.silent.connect(lambda *_: said.append("silent"))
    clock[0] += 100.0
    qtbot.waitUntil(lambda: worker.looks == 1)
    assert said == []
    qtbot.waitUntil(lambda: said == ["silent"])


def test_with_nothing_asked_for_no_timer_runs(qtbot, window):
    window.get_used_to(qtbot)
    qtbot.waitUntil(lambda: not window.watchdog._timer.isActive())
    assert not window.pictures.is_waiting()


def test_a_slot_tells_how_far_it_is_and_stops_when_it_is_cancelled(qtbot, window, wild, monkeypatch):
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_AFTER", 0.0)
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_EVERY", 0.0)
    monkeypatch.setattr("explorer.render.renderer.CHUNK_SECONDS", 0.0)
    window.picture(qtbot)
    count = 0

    def counted(pictures):
        nonlocal count
        count += 1
        return pictures

    wild.misbehaviour.does = counted
    codes = np.zeros((20_000, 4), np.float32)
    window.pictures.want("export:1", codes, window.on_pictures)
    qtbot.waitUntil(lambda: len(window.shares) >= 3)
    assert all(slot == "export:1" and 0 <= share < 1 for slot, share in window.shares)
    assert window.shares == sorted(window.shares)
    window.pictures.cancel("export")
    assert window.picture(qtbot).error is None
    assert count < 20_000
    assert [result.slot for result in window.results] == ["canvas", "canvas"]


def test_progress_of_what_was_asked_before_is_not_told(qtbot, window):
    window.pictures.want("strip", window.session.code, window.on_pictures)
    old = RenderRequest("strip", 0, 0, window.session.model, codes=frozen_codes(window.session.code))
    window.worker.progressed.emit(old, 0.5)
    assert window.shares == []
