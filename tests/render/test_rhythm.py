"""The rhythm of a hand, by given times; and the scheduler that waits for the next move of one."""

import pytest
from held import request

from explorer.render.rhythm import Rhythm

INTERVAL = 0.016


def of_moves(count=6, interval=INTERVAL):
    """Return a rhythm and the time of its last move."""
    rhythm = Rhythm()
    for number in range(count):
        rhythm.moved(number * interval)
    return rhythm, (count - 1) * interval


@pytest.mark.parametrize(
    ("age", "waits"),
    [(0.0, False), (0.3, False), (0.5, True), (0.9, True), (1.2, True), (1.3, False), (9.0, False)],
)
def test_a_long_render_waits_for_a_move_that_is_nearer_than_the_last_one(age, waits):
    rhythm, last = of_moves()
    patience = rhythm.patience(last + age * INTERVAL, render=0.1)
    assert (patience > 0) == waits
    assert patience <= INTERVAL


@pytest.mark.parametrize(("count", "interval", "render"), [(6, 0.016, 0.02), (3, 0.016, 0.1), (6, 0.1, 1.0)])
def test_nothing_waits_for_little_or_without_a_rhythm(count, interval, render):
    rhythm, last = of_moves(count, interval)
    assert rhythm.patience(last + interval / 2, render) == 0


def test_a_hand_that_lets_go_or_rested_has_no_rhythm():
    for end in (lambda rhythm: rhythm.forget(), lambda rhythm: rhythm.moved(1.0)):
        rhythm, last = of_moves()
        end(rhythm)
        assert rhythm.patience(last + INTERVAL / 2, render=0.1) == 0


class Expecting:
    """A rhythm by which another move is sure to come, once it was told."""

    def __init__(self):
        self.moves, self.expected = 0, True

    def moved(self, now):
        self.moves += 1
        self.expected = self.moves < 3

    def forget(self):
        self.moves, self.expected = 0, False

    def patience(self, now, render):
        return 1000.0 if self.expected and self.moves else 0.0


def test_the_scheduler_waits_for_the_next_move_and_draws_that(make):
    bench = make()
    bench.scheduler.set_dragging(True)
    bench.scheduler._rhythm = Expecting()
    bench.allow(1000)
    for number in (1, 2):
        bench.scheduler.submit(request("canvas", number))
        assert bench.delivered() == []
    bench.scheduler.submit(request("canvas", 3))
    assert bench.result().id == 3
    assert bench.begins()[1] == 3


def test_a_hand_that_lets_go_is_not_waited_for(make):
    bench = make()
    bench.scheduler.set_dragging(True)
    bench.scheduler._rhythm = Expecting()
    bench.allow(1000)
    bench.scheduler.submit(request("canvas", 1))
    bench.scheduler.submit(request("compare", 1))
    assert bench.delivered() == []
    bench.scheduler.set_dragging(False)
    assert [bench.result().slot, bench.result().slot] == ["canvas", "compare"]
