"""The order of work, with a renderer whose every chunk the test lets through: nothing sleeps or is timed."""

import logging
import queue
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from held import PATIENCE, HeldRenderer, request

from explorer.errors import LatentError
from explorer.render.requests import EncodeRequest, EncodeResult, RenderResult
from explorer.render.scheduler import Scheduler


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
    wanted = ["canvas", "strip-hand", "encode:A", "map-hover", "export:1", "traversal:3", "strip", "activity"]
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
