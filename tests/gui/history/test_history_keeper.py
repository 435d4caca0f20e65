"""Which moments become places: arrivals at once, a drag when it rests, undo and play never."""

import fakes
import numpy as np
import pytest

from explorer.formats.notes import NO_NOTES
from explorer.gui.history.history_keeper import REST, HistoryKeeper
from explorer.gui.session import Session

REST_HERE = 60  # milliseconds


class Opened:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


@pytest.fixture
def session(qapp, tiny_model):
    session = Session()
    keeper = HistoryKeeper(session, session, rest=REST_HERE)
    session.open(Opened(tiny_model))
    session.keeper = keeper
    yield session
    keeper.close()


def whats(session):
    return [place.what for place in session.places.all]


def wait_for_rest(qtbot, session):
    """Wait until nothing more can be kept."""
    qtbot.waitUntil(lambda: not session.keeper._timer.isActive(), timeout=2000)


def test_it_rests_for_a_second_and_a_half(qapp):
    assert REST == 1500


def test_arrivals_are_kept_at_once_behind_the_start(session):
    start = session.code
    assert whats(session) == []
    session.randomize(1)
    session.arrive(np.array([1, 0, 0, 1], np.float32), "Map")
    session.show_encoded(np.array([1, 1, 0, 1], np.float32), np.zeros((8, 8, 1), np.uint8), "face.png")
    assert whats(session) == ["Start", "Random", "Map", "face.png"]
    assert np.array_equal(session.places.all[0].code, start)
    assert [place.parent for place in session.places.all] == [None, *(p.id for p in session.places.all[:3])]
    session.reset()
    assert whats(session) == ["Start", "Random", "Map", "face.png"], "the centre is where it started"
    assert session.places.here.what == "Start"


def test_a_drag_that_rests_is_kept_under_the_dimensions_name(session, qtbot):
    session.set_dimension(2, 0.25)
    assert whats(session) == ["Start"], "the start can be gone back to as soon as it is left"
    session.set_dimension(2, 0.5)
    with qtbot.waitSignal(session.places.changed, timeout=2000):
        pass
    assert session.is_moving, "the handle is still held"
    assert whats(session) == ["Start", "z3"]
    assert session.places.here.code[2] == 0.5
    session.set_dimension(2, 0.75)
    session.commit()
    with qtbot.waitSignal(session.places.changed, timeout=2000):
        pass
    assert whats(session) == ["Start", "z3", "z3"], "let go sooner, it is kept when it has rested"
    assert session.places.all[2].parent == session.places.all[1].id


def test_a_drag_is_kept_no_sooner_than_it_rests(session, qtbot):
    from PySide6.QtCore import QElapsedTimer

    session.keeper._rest = rest = 400  # so long that no busy machine is taken for a rest between two moves
    session.set_dimension(0, 0.1)
    for i in range(5):
        clock = QElapsedTimer()
        clock.start()
        qtbot.waitUntil(lambda clock=clock: clock.elapsed() >= rest // 4)
        session.set_dimension(0, 0.1 + i / 20)
    assert whats(session) == ["Start"]
    clock.start()
    with qtbot.waitSignal(session.places.changed, timeout=2000):
        pass
    assert clock.elapsed() >= rest - 5
    assert session.places.all[-1].code[0] == np.float32(0.1 + 4 / 20)


def test_the_timer_is_not_started_anew_at_every_move(session, monkeypatch):
    session.set_dimension(0, 0.01)
    started = []
    with monkeypatch.context() as patch:
        patch.setattr(session.keeper._timer, "start", lambda *_: started.append(1))
        for i in range(100):
            session.set_dimension(0, i / 100)
    assert started == []


def test_what_happens_before_a_drag_has_rested_takes_its_place(session, qtbot):
    session.set_dimension(0, 0.5)
    session.commit()
    session.randomize(1)
    wait_for_rest(qtbot, session)
    assert whats(session) == ["Start", "Random"]
    session.set_dimension(0, 0.25)
    session.commit()
    session.undo()
    wait_for_rest(qtbot, session)
    assert whats(session) == ["Start", "Random"]


def test_a_drag_keeps_its_name_where_something_else_was_done_meanwhile(session, qtbot):
    session.set_dimension(1, 0.5)
    session.commit()
    session.use_current("A")
    wait_for_rest(qtbot, session)
    assert whats(session) == ["Start", "z2"]


def test_undo_and_redo_keep_nothing_but_where_one_goes_from(session, qtbot):
    for seed in (1, 2, 3):
        session.randomize(seed)
    session.undo()
    session.undo()
    session.redo()
    session.undo()
    wait_for_rest(qtbot, session)
    assert len(session.places.all) == 4
    session.randomize(4)
    assert session.places.here.parent == session.places.all[1].id, "a branch of the first Random"


def test_play_keeps_nothing(session, qtbot):
    session.randomize(1)
    for i in range(3):
        session.set_code(np.full(4, i, np.float32), what="Play", merge="play")
    session.commit()
    assert not session.keeper._timer.isActive()
    assert whats(session) == ["Start", "Random"]


def test_another_model_starts_a_history_and_undo_brings_the_first_back(session, tiny_model):
    session.randomize(1)
    session.set_dimension(0, 0.123)
    session.commit()
    first = session.places.all
    session.open(Opened(fakes.tiny_vae(1, name="other")))
    assert session.places.all == (), "nothing was left yet"
    session.randomize(5)
    assert whats(session) == ["Start", "Random"]
    session.undo()
    session.undo()
    assert session.places.all == first
    session.randomize(9)
    assert whats(session) == ["Start", "Random", "Random"], "one start alone"
    assert session.places.here.parent == first[-1].id


def test_a_model_that_is_left_untouched_still_starts_where_it_did(session):
    session.open(Opened(fakes.tiny_vae(1, name="other")))
    session.undo()
    session.randomize(2)
    assert whats(session) == ["Start", "Random"]


def test_closing_keeps_nothing_more(session):
    session.set_dimension(0, 0.5)
    session.keeper.close()
    assert not session.keeper._timer.isActive()
