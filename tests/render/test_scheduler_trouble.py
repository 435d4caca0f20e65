"""The decode thread in trouble, and how far it is: what would end it, its pulse, progress, being left behind."""

import queue
import threading
import time

import pytest
from held import PATIENCE, HeldRenderer, request

from explorer.errors import NetworkError
from explorer.render.requests import RenderResult
from explorer.render.scheduler import Scheduler


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
    assert "please report" not in caplog.text
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
