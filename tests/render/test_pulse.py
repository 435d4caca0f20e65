"""The heartbeat: what runs since when, and what is usual for its kind."""

import pytest

from explorer.render import pulse
from explorer.render.pulse import KEPT, MOST_KINDS, Heartbeat, Pulse


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets: `clock[0]`."""
    now = [0.0]
    monkeypatch.setattr(pulse, "monotonic", lambda: now[0])
    return now


def beat(heart, clock, seconds, kind="render"):
    heart.begin(heart.times_of(kind))
    clock[0] += seconds
    heart.end()


def test_at_rest_nothing_is_felt(clock):
    heart = Heartbeat()
    assert heart.pulse() == Pulse(None)
    beat(heart, clock, 1.0)
    assert heart.pulse() == Pulse(None)


def test_what_is_usual_is_the_median_of_the_last_pieces_of_the_kind(clock):
    heart = Heartbeat()
    for _ in range(KEPT):
        beat(heart, clock, 9.0)
    for seconds in [1.0] * (KEPT // 2) + [3.0] * (KEPT // 2):
        beat(heart, clock, seconds)
    beat(heart, clock, 50.0, "encode")
    begun = heart.begin(heart.times_of("render"))
    assert heart.pulse() == Pulse(begun, 2.0, KEPT)
    heart.end()
    begun = heart.begin(heart.times_of("encode"))
    assert heart.pulse() == Pulse(begun, 50.0, 1)


def test_work_like_no_other_has_nothing_usual(clock):
    heart = Heartbeat()
    beat(heart, clock, 1.0)
    clock[0] = 7.0
    heart.begin()
    assert heart.pulse() == Pulse(7.0, 0.0, 0)


def test_forgetting_begins_anew(clock):
    heart = Heartbeat()
    beat(heart, clock, 1.0)
    heart.forget()
    begun = heart.begin(heart.times_of("render"))
    assert heart.pulse() == Pulse(begun, 0.0, 0)


def test_kinds_do_not_gather_for_ever(clock):
    heart = Heartbeat()
    for kind in range(3 * MOST_KINDS):
        beat(heart, clock, 1.0, kind)
        assert len(heart._kinds) <= MOST_KINDS
