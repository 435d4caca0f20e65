"""The session: setters, signals, undo; no window."""

from dataclasses import replace

import fakes
import numpy as np
import pytest

from explorer.errors import ExplorerError, StageError
from explorer.formats.notes import NO_NOTES
from explorer.gui.session import Session
from explorer.gui.state import Anchor, StageEntry
from explorer.latent.activity import judge
from explorer.models.base import ImageSpec, Space, StageModel


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model, code_book=None):
        self.model, self.code_book, self.notes = model, code_book, NO_NOTES
        self.root = self


@pytest.fixture
def session(qapp, tiny_model):
    session = Session()
    session.open(OpenedFake(tiny_model))
    return session


def stage(name, into, out):
    import torch

    return StageModel(torch.nn.Identity(), name=name, architecture="test", input=into, output=out)


GREY, ANY_GREY, RGB = ImageSpec(1, 8, 8), ImageSpec(1), ImageSpec(3)


def snapshot(session):
    """Everything that undo has to bring back, as comparable values."""
    return (
        session.model,
        session.code.tolist(),
        session.locked.tolist(),
        session.seed,
        session.strip,
        session.map,
        [(e.id, e.enabled) for e in session.stages],
        {k: v and v.code.tolist() for k, v in session.anchors.items()},
    )


def test_set_dimension_clamps_to_the_slider_and_tells_once(session, qtbot):
    low, high = session.slider_range(1)
    with qtbot.waitSignal(session.code_changed):
        session.set_dimension(1, high + 5)
    assert session.code[1] == np.float32(high)
    with qtbot.assertNotEmitted(session.code_changed):
        session.set_dimension(1, high)
    session.set_dimension(1, low - 5)
    assert session.code[1] == np.float32(low)


def test_code_cannot_be_changed_behind_the_session(session):
    with pytest.raises(ValueError, match="read-only"):
        session.code[0] = 1.0


def test_set_code_is_never_clamped_and_copies(session):
    code = np.array([9.0, -9.0, 0.5, 1.23456], np.float32)
    session.set_code(code)
    code[:] = 0
    assert session.code.tolist() == np.array([9.0, -9.0, 0.5, 1.23456], np.float32).tolist()


@pytest.mark.parametrize("code", [np.zeros(3), np.array([0, 0, 0, np.nan])])
def test_set_code_refuses_what_is_no_code(session, code):
    with pytest.raises(ValueError, match="4 finite numbers"):
        session.set_code(code)


def test_a_drag_is_one_undo_step(session):
    for value in np.linspace(0, 1, 20):
        session.set_dimension(0, value)
    session.commit()
    for value in np.linspace(1, 2, 20):
        session.set_dimension(0, value)
    session.undo()
    assert session.code[0] == 1.0
    session.undo()
    assert session.code[0] == 0.0
    assert not session.can_undo
    session.redo()
    assert session.code[0] == 1.0


def test_random_is_reproducible_from_its_seed_and_leaves_locked_dimensions(session):
    session.set_dimension(2, 0.75)
    session.commit()
    session.set_locked(2, True)
    session.randomize()
    drawn, seed = session.code, session.seed
    session.reset()
    session.set_dimension(2, 0.75)
    session.randomize(seed)
    assert session.code.tolist() == drawn.tolist()
    assert drawn[2] == 0.75
    session.set_dimension(0, 0.1)
    assert session.seed is None


def test_undo_to_the_start_and_redo_to_the_end_are_exact(session):
    rng = np.random.default_rng(0)
    colorize = stage("colorize", ANY_GREY, RGB)
    actions = [
        lambda: session.set_dimension(int(rng.integers(4)), float(rng.normal())),
        session.commit,
        session.randomize,
        session.reset,
        lambda: session.set_locked(int(rng.integers(4)), bool(rng.integers(2))),
        lambda: session.set_anchor("A", Anchor(session.code)),
        lambda: session.set_anchor("B", None),
        lambda: session.set_strip(steps=int(rng.integers(1, 32))),
        lambda: session.set_map(plane=(0, int(rng.integers(1, 4)))),
        lambda: session.stages or session.add_stage(colorize),
        lambda: session.stages and session.set_stage_enabled(session.stages[0].id, bool(rng.integers(2))),
        lambda: session.stages and session.remove_stage(session.stages[0].id),
    ]
    start = snapshot(session)
    for _ in range(300):
        actions[rng.integers(len(actions))]()
    end = snapshot(session)
    assert end != start
    steps = 0
    while session.can_undo:
        session.undo()
        steps += 1
    assert steps > 100
    assert snapshot(session) == start
    while session.can_redo:
        session.redo()
    assert snapshot(session) == end


def test_stage_that_does_not_fit_is_refused_with_both_shapes(session):
    with pytest.raises(StageError, match=r"3x\(any size\).*1x8x8"):
        session.add_stage(stage("paint", RGB, RGB))
    assert session.stages == ()
    session.add_stage(stage("colorize", ANY_GREY, RGB))
    session.add_stage(stage("paint", RGB, RGB))
    with pytest.raises(StageError, match="paint"):
        session.set_stage_enabled(session.stages[0].id, False)
    with pytest.raises(StageError, match="paint"):
        session.move_stage(session.stages[1].id, 0)
    assert [e.stage.name for e in session.stages] == ["colorize", "paint"]


def test_stage_without_a_model_is_a_sentence(qapp):
    with pytest.raises(ExplorerError, match="Open a model first"):
        Session().add_stage(stage("colorize", ANY_GREY, RGB))


def test_another_model_keeps_stages_that_fit_and_undo_brings_the_first_back(session, qtbot):
    first = session.model
    session.add_stage(stage("colorize", ANY_GREY, RGB))
    session.add_stage(stage("only 8x8", ImageSpec(3, 8, 8), RGB))
    generation = session.generation
    with qtbot.waitSignal(session.message) as told:
        session.open(OpenedFake(fakes.tiny_vae(side=12, latent_dim=6)))
    assert "only 8x8" in told.args[1]
    assert session.generation > generation
    assert [e.stage.name for e in session.stages] == ["colorize"]
    assert session.code.shape == (6,)
    session.undo()
    assert session.model is first
    assert session.code.shape == (4,)
    assert len(session.stages) == 2


@pytest.mark.parametrize(("room", "alive"), [(10**9, 4), (0, 2)])
def test_undo_keeps_as_many_models_as_their_weights_allow(session, room, alive):
    session.room = room
    for seed in range(3):
        session.open(OpenedFake(fakes.tiny_vae(seed)))
        session.randomize()
    models = {session.model}
    while session.can_undo:
        session.undo()
        models.add(session.model)
    assert len(models) == alive


def test_aggregate_posterior_sets_centre_and_range():
    mean = np.array([[0.0, 2.0], [2.0, 2.0]])
    space = Space("z", (2,)).with_data(mean, np.log(np.array([[0.5, 1.0], [0.5, 1.0]])))
    assert space.center.tolist() == [1.0, 2.0]
    assert space.spread == pytest.approx([np.sqrt(1.5), 1.0])
    assert space.measured


def test_closed_signals_tell_only_what_changed(session, qtbot):
    with qtbot.assertNotEmitted(session.strip_changed), qtbot.waitSignal(session.code_changed):
        session.set_dimension(0, 0.5)
    with qtbot.assertNotEmitted(session.code_changed), qtbot.waitSignal(session.strip_changed):
        session.set_strip(path="slerp")


def test_a_drag_tells_of_undo_once(session):
    told = []
    session.undo_changed.connect(lambda: told.append(session.undo_text))
    for value in (0.1, 0.2, 0.3):
        session.set_dimension(2, value)
    assert told == ["z3"]
    session.undo()
    assert told == ["z3", ""]


def test_the_path_of_the_strip_back_and_forth_is_two_steps_and_many_counts_are_one(session):
    session.set_strip(path="slerp")
    session.set_strip(path="lerp")
    session.undo()
    assert session.strip.path == "slerp"
    for steps in (8, 9, 10):
        session.set_strip(steps=steps)
    session.undo()
    assert (session.strip.steps, session.strip.path) == (7, "slerp")


def test_another_space_forgets_what_its_dimensions_did_not_do(qapp, tiny_model):
    tiny_model.spaces["w"] = Space("w", (2,))
    session = Session()
    session.open(OpenedFake(tiny_model))
    session.set_activity(judge(None, np.arange(4.0)))
    session.focus(3)
    session.set_space("w")
    assert (session.activity, session.focused) == (None, 0)
    session.set_activity(judge(None, np.arange(2.0)))
    session.undo()
    assert (session.space.name, session.activity) == ("z", None)


def test_a_stage_that_a_state_brings_gets_an_id_that_undo_does_not_know(session):
    session.add_stage(stage("first", GREY, RGB))
    session.remove_stage(1)
    state = replace(session.state, stages=(StageEntry(1, stage("second", GREY, RGB)),))
    session.become("Restore", state)
    assert [(entry.id, entry.stage.name) for entry in session.stages] == [(2, "second")]
    session.become("Again", replace(session.state, seed=5))
    assert [entry.id for entry in session.stages] == [2]
    for _ in range(3):
        session.undo()
    assert [(entry.id, entry.stage.name) for entry in session.stages] == [(1, "first")]
