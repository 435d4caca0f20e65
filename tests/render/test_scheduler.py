"""The order of work, with a renderer whose every chunk the test lets through: nothing sleeps or is timed."""

import logging
import queue
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import LatentError, NetworkError
from explorer.render.requests import EncodeRequest, EncodeResult, RenderRequest, RenderResult, frozen_codes
from explorer.render.scheduler import Scheduler

PATIENCE = 20.0
CODE = frozen_codes(np.zeros(4))


def request(slot, number=1, generation=0):
    return RenderRequest(slot, generation, number, None, codes=CODE)


class HeldRenderer:
    """Answers in `chunks` pieces by slot; each says that it begins, and ends when the test allows it."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.begun = queue.Queue()  # (slot, id, number of the chunk)
        self.allowed = threading.Semaphore(0)
        self.errors = {}
        self.stopped = []

    def steps(self, request):
        count = self.chunks.get(request.slot.partition(":")[0], 1)
        try:
            for number in range(1, count + 1):
                self.begun.put((request.slot, request.id, number))
                assert self.allowed.acquire(timeout=PATIENCE)
                if request.slot in self.errors:
                    raise self.errors[request.slot]
                if number < count:
                    yield
        except GeneratorExit:
            self.stopped.append(request.slot)
            raise
        return RenderResult(request.slot, request.generation, request.id)


class Bench:
    """A scheduler around a held renderer."""

    def __init__(self, **chunks):
        self.renderer = HeldRenderer({name.replace("_", "-"): count for name, count in chunks.items()})
        self.results = queue.Queue()
        self.scheduler = Scheduler(lambda: self.renderer, self.results.put)

    def begins(self):
        """Wait for the next chunk to begin; return its slot, id and number."""
        return self.renderer.begun.get(timeout=PATIENCE)

    def allow(self, count=1):
        self.renderer.allowed.release(count)

    def result(self):
        return self.results.get(timeout=PATIENCE)

    def delivered(self):
        """Return the slots delivered so far, once all that can run has run."""
        idle = threading.Event()
        self.scheduler.call(lambda _: idle.set())
        assert idle.wait(PATIENCE)
        slots = []
        while not self.results.empty():
            slots.append(self.results.get().slot)
        return slots


@pytest.fixture
def make():
    benches = []

    def build(**chunks):
        benches.append(Bench(**chunks))
        return benches[-1]

    yield build
    for bench in benches:
        bench.allow(1000)
        assert bench.scheduler.close(PATIENCE)


def test_of_200_requests_to_a_busy_slot_the_last_is_the_only_other_one_rendered(make):
    bench = make()
    bench.scheduler.submit(request("canvas", 0))
    bench.begins()
    for number in range(1, 201):
        bench.scheduler.submit(request("canvas", number))
    bench.allow(1000)

    assert [bench.result().id, bench.result().id] == [0, 200]
    assert bench.delivered() == []
    assert bench.begins()[1] == 200
    assert bench.renderer.begun.empty()


def test_slots_go_by_priority(make):
    bench = make()
    bench.scheduler.submit(request("canvas", 1))
    bench.begins()
    wanted = ["canvas", "strip-play", "encode:A", "map-hover", "export:1", "traversal:3", "strip", "activity"]
    wanted += ["map-background", "something-new"]
    for slot in reversed(wanted):
        bench.scheduler.submit(request(slot, 2))
    bench.allow(1000)

    bench.result()
    assert [bench.result().slot for _ in wanted] == wanted


def test_bulk_gives_way_between_two_chunks_and_goes_on_where_it_was(make):
    bench = make(map=3)
    bench.scheduler.submit(request("map"))
    assert bench.begins() == ("map", 1, 1)
    bench.scheduler.submit(request("canvas"))
    bench.allow()
    assert bench.begins() == ("canvas", 1, 1)
    bench.allow(3)

    assert [bench.result().slot, bench.result().slot] == ["canvas", "map"]
    assert [bench.begins()[2], bench.begins()[2]] == [2, 3]


def test_bulk_rests_while_a_drag_lasts_and_the_canvas_does_not(make):
    bench = make(map=2)
    bench.scheduler.submit(request("map"))
    bench.begins()
    bench.scheduler.set_dragging(True)
    bench.scheduler.submit(request("strip"))
    bench.scheduler.submit(request("canvas"))
    bench.allow(1000)
    assert bench.result().slot == "canvas"
    assert bench.delivered() == []

    bench.scheduler.set_dragging(False)
    assert [bench.result().slot, bench.result().slot] == ["strip", "map"]


def test_a_newer_request_of_its_slot_stops_bulk_work_between_chunks(make):
    bench = make(map=3)
    bench.scheduler.submit(request("map", 1))
    bench.begins()
    bench.scheduler.submit(request("map", 2))
    bench.allow()
    assert bench.begins() == ("map", 2, 1)
    assert bench.renderer.stopped == ["map"]
    bench.allow(3)
    assert bench.result().id == 2


def test_a_newer_request_replaces_bulk_work_that_gave_way(make):
    bench = make(map=3)
    bench.scheduler.submit(request("map", 1))
    bench.begins()
    bench.scheduler.submit(request("canvas"))
    bench.allow()
    bench.begins()
    bench.scheduler.submit(request("map", 2))
    bench.allow(1000)

    assert bench.result().slot == "canvas"
    assert bench.result().id == 2
    assert bench.delivered() == []


def test_a_new_generation_drops_what_waits_and_stops_what_runs(make):
    bench = make(map=3)
    bench.scheduler.submit(request("map", 1))
    bench.begins()
    bench.scheduler.submit(request("strip", 1))
    bench.scheduler.set_generation(1)
    bench.scheduler.submit(request("canvas", 2, generation=1))
    bench.scheduler.submit(request("activity", 2, generation=0))
    bench.allow(1000)

    assert bench.result().slot == "canvas"
    assert bench.delivered() == []
    assert bench.renderer.stopped == ["map"]


def test_a_single_picture_of_an_old_generation_is_not_delivered(make):
    bench = make()
    bench.scheduler.submit(request("canvas"))
    bench.begins()
    bench.scheduler.set_generation(1)
    bench.allow()
    assert bench.delivered() == []


def test_cancel_forgets_slots_that_begin_so(make):
    bench = make(traversal=2)
    bench.scheduler.submit(request("traversal:1"))
    bench.begins()
    bench.scheduler.submit(request("traversal:2"))
    bench.scheduler.submit(request("map"))
    bench.scheduler.cancel("traversal")
    bench.allow(1000)

    assert bench.result().slot == "map"
    assert bench.delivered() == []


def test_an_error_of_the_users_is_a_sentence_and_the_thread_goes_on(make):
    bench = make()
    bench.renderer.errors["canvas"] = LatentError("The code is too short; give 4 numbers.")
    bench.scheduler.submit(request("canvas"))
    bench.scheduler.submit(request("strip"))
    bench.allow(2)

    failed = bench.result()
    assert (failed.error, failed.bug) == ("The code is too short; give 4 numbers.", None)
    assert isinstance(failed, RenderResult)
    assert bench.result().error is None


def test_a_bug_keeps_its_traceback_and_the_thread_goes_on(make, caplog):
    bench = make()
    bench.renderer.errors["encode"] = ZeroDivisionError("division by zero")
    bench.scheduler.submit(EncodeRequest("encode", 0, 1, None, np.zeros((1, 8, 8, 1), np.uint8)))
    bench.scheduler.submit(request("canvas"))
    bench.allow(2)

    failed = next(result for result in (bench.result(), bench.result()) if result.slot == "encode")
    assert isinstance(failed, EncodeResult)
    assert "ZeroDivisionError" in failed.bug
    assert "ZeroDivisionError" not in failed.error
    assert bench.scheduler.is_alive()
    assert "please report" in caplog.text


def test_where_no_renderer_can_be_made_every_request_says_why():
    results = queue.Queue()

    def make_renderer():
        raise LatentError("There is no engine; install the program again.")

    scheduler = Scheduler(make_renderer, results.put)
    for number in range(2):
        scheduler.submit(request("canvas", number))
        assert results.get(timeout=PATIENCE).error == "There is no engine; install the program again."
    assert scheduler.close(PATIENCE)


def test_a_receiver_that_raises_does_not_end_the_thread(caplog):
    results = queue.Queue()

    def deliver(result):
        results.put(result)
        raise RuntimeError("the window is gone")

    renderer = HeldRenderer({})
    renderer.allowed.release(2)
    scheduler = Scheduler(lambda: renderer, deliver)
    for number in range(2):
        scheduler.submit(request("canvas", number))
        assert results.get(timeout=PATIENCE).id == number
    assert scheduler.close(PATIENCE)
    assert "could not be delivered" in caplog.text


def test_close_joins_the_thread_after_the_chunk_that_runs(make):
    bench = make(map=100)
    bench.scheduler.submit(request("map"))
    bench.begins()
    assert not bench.scheduler.close(timeout=0)  # the chunk is still held
    bench.allow(1)
    assert bench.scheduler.close(PATIENCE)
    assert not bench.scheduler.is_alive()
    assert bench.renderer.stopped == ["map"]
    bench.scheduler.submit(request("canvas"))
    assert bench.results.empty()


def test_a_call_runs_in_the_thread_between_two_chunks(make):
    bench = make(map=2)
    bench.scheduler.submit(request("map"))
    bench.begins()
    called = queue.Queue()
    bench.scheduler.call(lambda renderer: called.put((renderer, threading.current_thread().name)))
    bench.allow()

    assert called.get(timeout=PATIENCE) == (bench.renderer, "decode")
    assert bench.begins()[2] == 2
    bench.allow()
    assert bench.result().slot == "map"


def test_a_call_that_fails_is_logged(make, caplog):
    bench = make()
    with caplog.at_level(logging.ERROR):
        bench.scheduler.call(lambda _: 1 / 0)
        assert bench.delivered() == []
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux's /proc")
def test_an_idle_thread_sleeps_without_waking(make):
    bench = make()
    bench.scheduler.submit(request("canvas"))
    bench.allow()
    bench.result()
    thread = next(t for t in threading.enumerate() if t.name == "decode")
    state = Path(f"/proc/self/task/{thread.native_id}/status")

    def wake_ups():
        return [line for line in state.read_text().splitlines() if "ctxt_switches" in line]

    while "S (sleeping)" not in state.read_text():
        time.sleep(0)
    before = wake_ups()
    threading.Event().wait(0.3)  # long enough for anything that polls to poll
    assert wake_ups() == before


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_would_end_a_thread_without_a_word_is_the_error_of_its_request(make, caplog, error):
    bench = make()
    bench.renderer.errors["canvas"] = error
    bench.scheduler.submit(request("canvas"))
    bench.scheduler.submit(request("strip"))
    bench.allow(2)
    failed = bench.result()
    assert type(error).__name__ in failed.bug
    assert bench.result().error is None
    assert bench.scheduler.is_alive()


def test_a_network_that_fails_keeps_its_traceback_and_its_sentence(make, caplog):
    bench = make()
    error = NetworkError("The decoder of wild failed: ValueError: no; try another code.")
    error.__cause__ = ValueError("no")
    bench.renderer.errors["canvas"] = error
    for number in range(2):
        bench.scheduler.submit(request("canvas", number))
        bench.allow()
        failed = bench.result()
        assert failed.error == str(error)
        assert failed.bug == "ValueError: no\n"
        assert failed.request.id == number
    assert len(caplog.records) == 1  # a drag would repeat it a hundred times


def test_the_pulse_tells_of_the_piece_that_runs(make):
    bench = make(map=2)
    assert bench.delivered() == []  # the renderer is made
    assert bench.scheduler.pulse().since is None
    before = time.monotonic()
    bench.scheduler.submit(request("map"))
    bench.begins()
    first = bench.scheduler.pulse()
    assert before <= first.since <= time.monotonic()
    assert first.pieces == 0
    bench.allow()
    bench.begins()
    second = bench.scheduler.pulse()
    assert second.since > first.since
    assert (second.pieces, second.usual > 0) == (1, True)
    bench.allow()
    bench.result()
    bench.scheduler.set_generation(1)
    bench.scheduler.submit(request("map", generation=1))
    bench.begins()
    assert bench.scheduler.pulse().pieces == 0  # with another model nothing is usual yet


class SharingRenderer:
    """Tells of four shares, one a piece, and waits for the test before each when it is held."""

    def __init__(self):
        self.allowed = threading.Semaphore(0)

    def steps(self, request):
        for share in (0.2, 0.4, 0.6, 0.8):
            assert self.allowed.acquire(timeout=PATIENCE)
            yield share
        return RenderResult(request.slot, request.generation, request.id)


def progress_of(slot, monkeypatch, after=0.0, every=0.0):
    """Return what a request of a slot told while it was worked on, and its result."""
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_AFTER", after)
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_EVERY", every)
    told, results, renderer = [], queue.Queue(), SharingRenderer()
    scheduler = Scheduler(
        lambda: renderer, results.put, lambda request, share: told.append((request.id, share))
    )
    renderer.allowed.release(4)
    scheduler.submit(request(slot, 7))
    results.get(timeout=PATIENCE)
    assert scheduler.close(PATIENCE)
    return told


def test_long_work_tells_how_far_it_is_and_the_canvas_does_not(monkeypatch):
    assert progress_of("export:1", monkeypatch) == [(7, 0.2), (7, 0.4), (7, 0.6), (7, 0.8)]
    assert progress_of("canvas", monkeypatch) == []


def test_progress_waits_and_is_not_told_too_often(monkeypatch):
    assert progress_of("strip", monkeypatch, after=60.0) == []
    assert progress_of("strip", monkeypatch, every=60.0) == [(7, 0.2)]


def test_what_is_cancelled_tells_nothing_more_and_stops_between_two_chunks(monkeypatch):
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_AFTER", 0.0)
    monkeypatch.setattr("explorer.render.scheduler.PROGRESS_EVERY", 0.0)
    told, results, renderer = queue.Queue(), queue.Queue(), SharingRenderer()
    scheduler = Scheduler(lambda: renderer, results.put, lambda _, share: told.put(share))
    scheduler.submit(request("export:1"))
    renderer.allowed.release()
    assert told.get(timeout=PATIENCE) == 0.2
    scheduler.cancel("export")
    renderer.allowed.release()
    idle = threading.Event()
    scheduler.call(lambda _: idle.set())
    assert idle.wait(PATIENCE)
    assert told.empty()
    assert results.empty()
    assert scheduler.close(PATIENCE)


def test_a_thread_that_is_left_behind_delivers_nothing_and_ends_when_it_comes_back(make):
    bench = make()
    bench.scheduler.submit(request("canvas"))
    bench.begins()
    bench.scheduler.abandon()
    assert bench.scheduler.is_alive()
    bench.allow()
    assert bench.scheduler.close(PATIENCE)
    assert bench.results.empty()


def test_a_death_is_told_and_logged_and_a_close_is_no_death(caplog):
    deaths = queue.Queue()
    schedulers = [
        Scheduler(lambda: HeldRenderer({}), lambda _: None, on_death=lambda name=name: deaths.put(name))
        for name in ("closed", "dead")
    ]
    assert schedulers[0].close(PATIENCE)

    def end(_):
        raise SystemExit

    schedulers[1].call(end)
    assert deaths.get(timeout=PATIENCE) == "dead"
    assert schedulers[1].close(PATIENCE)
    assert deaths.empty()
    assert "the decode thread ended" in caplog.text
