"""PictureSource: the newest of a slot wins, what is stale never arrives; a worker that is answered by hand."""

import fakes
import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from style_fakes import tiny_style

from explorer.formats.notes import NO_NOTES
from explorer.gui.pictures import PictureSource, to_qimage
from explorer.gui.session import Session
from explorer.render.requests import RenderResult


class HandWorker(QObject):
    """Keeps what was submitted; the test sends the answers."""

    result = Signal(object)
    progressed = Signal(object, float)

    def __init__(self):
        super().__init__()
        self.requests, self.generation = [], 0

    def submit(self, request):
        self.requests.append(request)

    def cancel(self, slot_prefix):
        self.requests = [r for r in self.requests if not r.slot.startswith(slot_prefix)]

    def set_generation(self, generation):
        self.generation = generation

    def set_dragging(self, dragging):
        self.is_dragging = dragging

    def answer(self, request, **of):
        pictures = np.full((len(request.codes), 8, 8, 1), request.id, np.uint8)
        head = (request.slot, request.generation, request.id)
        self.result.emit(RenderResult(*head, pictures=pictures, decoded=pictures, request=request, **of))


class Asker(QObject):
    """A panel's receiving end."""

    def __init__(self):
        super().__init__()
        self.received = []

    def on_pictures(self, result):
        self.received.append(result)


class Opened:
    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


@pytest.fixture
def parts(qapp, tiny_model):
    session, worker = Session(), HandWorker()
    source = PictureSource(session, worker)
    session.open(Opened(tiny_model))
    return session, worker, source, Asker()


def test_only_the_newest_of_a_slot_arrives(parts):
    session, worker, source, asker = parts
    source.want("strip", session.code, asker.on_pictures)
    source.want("strip", session.code, asker.on_pictures)
    first, second = worker.requests
    worker.answer(first)
    assert asker.received == []
    worker.answer(second)
    worker.answer(second)
    assert [r.id for r in asker.received] == [second.id]


def test_slots_do_not_disturb_each_other(parts):
    session, worker, source, asker = parts
    source.want("canvas", session.code, asker.on_pictures)
    source.want("strip", np.zeros((9, 4)), asker.on_pictures)
    for request in list(worker.requests):
        worker.answer(request)
    assert sorted(r.slot for r in asker.received) == ["canvas", "strip"]


def test_an_answer_for_the_model_before_never_arrives(parts):
    session, worker, source, asker = parts
    source.want("canvas", session.code, asker.on_pictures)
    old = worker.requests[-1]
    session.open(Opened(fakes.tiny_vae(seed=1)))
    assert worker.generation == session.generation
    worker.answer(old)
    source.want("canvas", session.code, asker.on_pictures)
    worker.answer(old)
    assert asker.received == []


def test_cancel_forgets_slots_by_prefix(parts):
    session, worker, source, asker = parts
    source.want("traversal:1", session.code, asker.on_pictures)
    request = worker.requests[-1]
    source.cancel("traversal")
    worker.answer(request)
    assert asker.received == []
    assert worker.requests == []


def test_a_request_does_not_change_with_the_array_it_was_made_from(parts):
    _, worker, source, asker = parts
    codes = np.ones((2, 4))
    source.want("strip", codes, asker.on_pictures)
    codes[:] = 7
    request = worker.requests[-1]
    assert request.codes.tolist() == np.ones((2, 4)).tolist()
    assert not request.codes.flags.writeable


@pytest.mark.parametrize("channels", [1, 3])
def test_to_qimage_keeps_every_pixel(qapp, channels):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), np.uint8)
    image = to_qimage(picture)
    seen = [[image.pixelColor(x, y).getRgb()[:3] for x in range(7)] for y in range(5)]
    assert np.array_equal(np.array(seen), np.broadcast_to(picture, (5, 7, 3)))


def test_a_drag_on_a_slow_model_shows_what_was_overtaken_on_the_canvas_only(parts):
    session, worker, source, asker = parts
    for slot in ("canvas", "strip"):
        for _ in range(3):
            source.want(slot, session.code, asker.on_pictures)
    for request in (worker.requests[0], worker.requests[2], worker.requests[3], worker.requests[5]):
        worker.answer(request)

    assert [(r.slot, r.id) for r in asker.received] == [("canvas", 1), ("canvas", 3), ("strip", 6)]


def test_resubmit_asks_again_for_what_has_not_come(parts):
    session, worker, source, asker = parts
    for slot in ("canvas", "strip", "export:1"):
        source.want(slot, session.code, asker.on_pictures)
    canvas, strip, export = worker.requests
    worker.answer(strip)
    worker.requests.clear()
    source.resubmit()
    assert worker.requests == [canvas, export]
    worker.answer(export)
    assert [r.slot for r in asker.received] == ["strip", "export:1"]
    assert not source.is_waiting("export")


def test_asked_tells_when_something_is_outstanding_where_nothing_was(parts, qtbot):
    session, worker, source, asker = parts
    asked = []
    source.asked.connect(lambda: asked.append(len(worker.requests)))
    source.want("canvas", session.code, asker.on_pictures)
    source.want("strip", session.code, asker.on_pictures)
    for request in worker.requests:
        worker.answer(request)
    source.want_activity(session.code, asker.on_pictures)
    assert asked == [0, 2]


# ---- under the hand ----


@pytest.fixture
def slow_parts(qapp):
    """A network that may be slow, whose slider is held."""
    session, worker = Session(), HandWorker()
    source = PictureSource(session, worker)
    session.open(Opened(tiny_style(side=256)))
    source.dragging(True)
    yield session, worker, source, Asker()
    source.dragging(False)


def of(requests):
    return [(request.quality, request.max_side) for request in requests]


def test_a_hand_that_rests_gets_the_whole_picture_and_its_next_move_a_preview(slow_parts, qtbot):
    session, worker, source, asker = slow_parts
    source.want("canvas", session.code, asker.on_pictures)
    worker.answer(worker.requests[0])
    assert of(worker.requests) == [("preview", 64)]
    qtbot.waitUntil(lambda: len(worker.requests) == 2)
    assert worker.requests[1].codes is worker.requests[0].codes
    source.want("canvas", session.code, asker.on_pictures)
    assert of(worker.requests) == [("preview", 64), ("full", None), ("preview", 64)]


def test_a_preview_that_comes_to_a_hand_at_rest_is_followed_at_once(slow_parts, qtbot):
    session, worker, source, asker = slow_parts
    source.want("canvas", session.code, asker.on_pictures)
    with qtbot.waitSignal(source._rest.timeout):
        pass
    assert of(worker.requests) == [("preview", 64)]
    worker.answer(worker.requests[0])
    assert of(worker.requests) == [("preview", 64), ("full", None)]


def test_a_hand_that_lets_go_does_not_wait_for_a_preview(slow_parts):
    session, worker, source, asker = slow_parts
    source.want("canvas", session.code, asker.on_pictures)
    source.dragging(False)
    assert of(worker.requests) == [("preview", 64), ("full", None)]
    worker.answer(worker.requests[0])
    worker.answer(worker.requests[1])
    assert [result.id for result in asker.received] == [1, 2]
    assert len(worker.requests) == 2


@pytest.mark.parametrize("is_lesser", [False, True])
def test_a_hand_that_lets_go_waits_for_a_whole_picture_that_is_on_its_way(parts, is_lesser):
    """It is drawn again only where it was drawn faster than pictures at rest are."""
    session, worker, source, asker = parts
    source.dragging(True)
    source.want("canvas", session.code, asker.on_pictures)
    assert worker.requests[0].passing
    source.dragging(False)
    assert len(worker.requests) == 1
    worker.answer(worker.requests[0], is_lesser=is_lesser)
    assert [request.passing for request in worker.requests] == [True, False][: 1 + is_lesser]


def test_the_age_of_a_whole_picture_counts_from_the_move(slow_parts, monkeypatch):
    session, worker, source, asker = slow_parts
    now = 100.0
    monkeypatch.setattr("explorer.gui.pictures.perf_counter", lambda: now)
    source.want("canvas", session.code, asker.on_pictures)
    now = 100.03
    worker.answer(worker.requests[0])
    assert source.age == pytest.approx(0.03)
    source.dragging(False)
    now = 100.5
    worker.answer(worker.requests[1])
    assert source.age == pytest.approx(0.5)


def test_stages_left_out_under_the_hand_come_back_when_it_rests(parts, qtbot):
    session, worker, source, asker = parts
    stage = fakes.misbehaving_stage(name="slow")
    session.add_stage(stage)
    source.want("canvas", session.code, asker.on_pictures)
    times = {"decode": 1.0, "slow": 90.0}
    worker.answer(worker.requests[0], milliseconds=times)
    source.dragging(True)
    source.want("canvas", session.code, asker.on_pictures)
    worker.answer(worker.requests[1])
    qtbot.waitUntil(lambda: len(worker.requests) == 3)
    assert [request.stages for request in worker.requests] == [(stage,), (), (stage,)]
    source.dragging(False)
