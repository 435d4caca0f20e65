"""Random sessions: saved, opened again, gone through by undo and redo; equal to the bit, pictures too."""

import pytest
from sessions import (
    KINDS,
    Actor,
    all_redone,
    all_undone,
    pixels,
    save_colorizer,
    save_kind,
    snapshot,
    state_snapshot,
)

from explorer.formats import open_latent, open_stage
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.sessions.session_keeper import SessionKeeper

ACTIONS = 200


@pytest.fixture(scope="module")
def renderer():
    from explorer.render.renderer import Renderer

    return Renderer("cpu")


@pytest.fixture
def keepers(qapp):
    """Make keepers of fresh sessions."""
    made = []

    def make():
        session = Session()
        keeper = SessionKeeper(session, JobRunner(session), parent=session)
        made.append(keeper)
        return keeper, session

    yield make
    for keeper in made:
        keeper.close()


def ended(qtbot, job):
    """Wait for a job, which must succeed."""
    failures = []
    job.failed.connect(failures.append)
    qtbot.waitUntil(lambda: not job.is_running(), timeout=20_000)
    assert failures == []


@pytest.mark.parametrize("seed", range(20))
def test_a_random_session_comes_back_as_it_was(seed, tmp_path, keepers, qtbot, renderer):
    kind = KINDS[seed % len(KINDS)]
    stages = [open_stage(save_colorizer(tmp_path / f"colour{n}.safetensors", n)) for n in range(2)]
    keeper, session = keepers()
    session.open(open_latent(save_kind(tmp_path, kind, seed)))
    start = state_snapshot(session.state)
    Actor(session, seed, stages).act(ACTIONS)
    end, shown = snapshot(session), pixels(session, renderer)
    history = [what for what, _ in session.past], [what for what, _ in session.future]
    ended(qtbot, keeper.save_as(tmp_path / "one.session.json"))
    assert not keeper.is_changed

    other_keeper, other = keepers()
    ended(qtbot, other_keeper.open(tmp_path / "one.session.json"))
    assert snapshot(other) == end
    assert (pixels(other, renderer) == shown).all()
    assert ([what for what, _ in other.past], [what for what, _ in other.future]) == history

    all_redone(session), all_redone(other)
    last = state_snapshot(session.state)
    assert state_snapshot(other.state) == last
    assert len(history[0]) + len(history[1]) == all_undone(session) == all_undone(other)
    assert state_snapshot(session.state) == start
    assert state_snapshot(other.state) == start
    assert (pixels(other, renderer) == pixels(session, renderer)).all()
    all_redone(session), all_redone(other)
    assert state_snapshot(session.state) == state_snapshot(other.state) == last
