"""The decode thread behind its signal: results arrive in the GUI thread; torch waits until it is wanted."""

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from PySide6.QtCore import QObject
from PySide6.QtTest import QSignalSpy

from explorer.gui.decode_worker import DecodeWorker
from explorer.render.renderer import Renderer
from explorer.render.requests import RenderRequest, frozen_codes

PATIENCE = 20.0


class Receiver(QObject):
    def __init__(self, worker):
        super().__init__()
        self.results, self.threads, self.sentences = [], set(), []
        worker.result.connect(self.on_result)
        worker.failed.connect(self.on_failed)

    def on_result(self, result):
        self.results.append(result)
        self.threads.add(threading.current_thread())

    def on_failed(self, sentence):
        self.sentences.append(sentence)


@pytest.fixture
def worker(qapp):
    worker = DecodeWorker("cpu")
    yield worker
    assert worker.close(PATIENCE)
    assert not worker.is_alive()


def request(model, number=1, slot="canvas"):
    return RenderRequest(slot, 0, number, model, codes=frozen_codes(np.ones(4)))


def test_a_result_arrives_in_the_gui_thread(qtbot, worker, tiny_model):
    receiver = Receiver(worker)
    worker.submit(request(tiny_model))
    qtbot.waitUntil(lambda: bool(receiver.results))
    assert receiver.threads == {threading.current_thread()}
    expected = Renderer("cpu").render(request(tiny_model))
    assert np.array_equal(receiver.results[0].pictures, expected.pictures)
    assert (worker.device, worker.description) == ("cpu", "CPU float32")


def test_a_device_that_is_not_there_is_said_and_the_cpu_serves(qtbot, tiny_model, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    worker = DecodeWorker("cuda")
    receiver = Receiver(worker)
    worker.submit(request(tiny_model))
    qtbot.waitUntil(lambda: bool(receiver.results))
    assert "cuda is not available" in receiver.sentences[0]
    assert receiver.results[0].error is None
    assert worker.device == "cpu"
    worker.set_device("cuda")
    qtbot.waitUntil(lambda: len(receiver.sentences) == 2)
    assert worker.close(PATIENCE)


def test_ready_comes_when_torch_is_there(qtbot, qapp):
    worker = DecodeWorker("cpu")
    assert worker.description == ""
    with qtbot.waitSignal(worker.ready):
        worker.begin()
    assert worker.description == "CPU float32"
    assert worker.close(PATIENCE)


def test_torch_is_not_imported_before_it_is_wanted():
    code = (
        "import sys\n"
        "from explorer.gui.decode_worker import DecodeWorker\n"
        "worker = DecodeWorker('cpu')\n"
        "assert worker.close(20)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_after_close_nothing_runs_and_submit_is_harmless(qtbot, tiny_model):
    worker = DecodeWorker("cpu")
    assert worker.close(PATIENCE)
    worker.submit(request(tiny_model))
    worker.set_dragging(True)
    worker.cancel("canvas")
    worker.set_generation(3)
    assert not worker.is_alive()


def test_ready_comes_also_where_no_renderer_can_be_made(qtbot, tiny_model, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("torch is broken")

    monkeypatch.setattr("explorer.render.renderer.Renderer.__init__", fail)
    worker = DecodeWorker("cpu")
    receiver = Receiver(worker)
    with qtbot.waitSignal(worker.ready):
        worker.begin()
    worker.submit(request(tiny_model))
    qtbot.waitUntil(lambda: bool(receiver.results))
    assert receiver.results[0].error
    assert "torch is broken" in receiver.results[0].bug
    assert worker.close(PATIENCE)


def test_a_restart_keeps_device_generation_and_what_is_dragged(qtbot, worker, tiny_model):
    receiver = Receiver(worker)
    readies = QSignalSpy(worker.ready)
    worker.set_generation(2)
    worker.set_dragging(True)
    worker.restart()
    worker.begin()
    qtbot.waitUntil(lambda: readies.count() == 1)
    worker.submit(request(tiny_model))  # of a model before
    worker.submit(replace(request(tiny_model), slot="map", generation=2))
    worker.submit(replace(request(tiny_model), generation=2))
    qtbot.waitUntil(lambda: bool(receiver.results))
    assert [(r.slot, r.generation) for r in receiver.results] == [("canvas", 2)]
    worker.set_dragging(False)
    qtbot.waitUntil(lambda: len(receiver.results) == 2)
    assert (worker.device, worker.description) == ("cpu", "CPU float32")
    qtbot.waitUntil(lambda: worker.abandoned == ())
    assert readies.count() == 1  # the thread that was left behind says nothing


def test_a_restart_after_close_does_nothing(qapp):
    worker = DecodeWorker("cpu")
    assert worker.close(PATIENCE)
    worker.restart()
    assert not worker.is_alive()
    assert worker.abandoned == ()


def test_a_thread_left_behind_before_torch_came_does_not_disturb_the_next(qtbot, tiny_model, monkeypatch):
    held, begun, make = threading.Event(), threading.Event(), Renderer.__init__

    def slow(renderer, *args):
        if not begun.is_set():
            begun.set()
            assert held.wait(PATIENCE)
        make(renderer, *args)

    monkeypatch.setattr("explorer.render.renderer.Renderer.__init__", slow)
    worker = DecodeWorker("cpu")
    receiver = Receiver(worker)
    worker.submit(request(tiny_model))
    assert begun.wait(PATIENCE)
    assert worker.pulse().since is not None
    worker.restart()
    assert len(worker.abandoned) == 1
    worker.submit(request(tiny_model, 2))
    qtbot.waitUntil(lambda: bool(receiver.results))
    held.set()
    qtbot.waitUntil(lambda: worker.abandoned == ())
    assert [result.id for result in receiver.results] == [2]
    assert worker.close(PATIENCE)
