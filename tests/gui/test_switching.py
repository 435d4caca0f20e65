"""Back to a model that was open before: at once, as it is on the disk now, and Undo goes on as ever."""

import weakref

import numpy as np
import pytest
from real_window import WAIT, open_and_wait, save, shown

from explorer.formats.loaded import weights_of

pytestmark = pytest.mark.also_x11


@pytest.fixture
def jobs(faces, monkeypatch):
    """The jobs that are begun from now on, by kind."""
    begun, start = [], faces.jobs.start

    def noted(kind, work):
        begun.append(kind)
        return start(kind, work)

    monkeypatch.setattr(faces.jobs, "start", noted)
    return begun


def settle(app, qtbot):
    qtbot.waitUntil(lambda: not app.pictures.is_waiting(), timeout=WAIT)


def test_a_model_that_was_open_is_shown_at_once_and_draws_the_same(faces, jobs, qtbot, tmp_path):
    session = faces.session
    settle(faces, qtbot)
    first, picture, activity = session.model, shown(faces).copy(), session.activity
    open_and_wait(qtbot, faces, save(tmp_path / "other.safetensors", seed=5))
    settle(faces, qtbot)
    assert "open" in jobs
    jobs.clear()
    faces.opener.open(str(tmp_path / "faces.safetensors"))
    assert session.model is first
    assert "open" not in jobs
    assert session.activity is activity  # nothing is measured twice
    qtbot.waitUntil(lambda: faces.window.canvas.shown.generation == session.generation, timeout=WAIT)
    assert np.array_equal(shown(faces), picture)
    assert not faces.pictures.is_waiting("activity")


def test_a_retrained_model_is_read_anew(faces, qtbot, tmp_path):
    first = faces.session.model
    open_and_wait(qtbot, faces, save(tmp_path / "other.safetensors", seed=5))
    open_and_wait(qtbot, faces, save(tmp_path / "faces.safetensors", seed=8))
    assert faces.session.model.name == "faces"
    assert faces.session.model is not first


def test_a_name_that_was_given_just_before_is_there_again(faces, jobs, qtbot, tmp_path):
    session = faces.session
    session.name_dimension(0, "hair")
    open_and_wait(qtbot, faces, save(tmp_path / "other.safetensors", seed=5))
    assert session.title_of(0) == ""
    jobs.clear()
    faces.opener.open(str(tmp_path / "faces.safetensors"))
    assert "open" not in jobs
    assert session.title_of(0) == "hair"


def test_what_is_still_being_read_is_cancelled(faces, qtbot, tmp_path):
    other = save(tmp_path / "other.safetensors", seed=5)
    open_and_wait(qtbot, faces, other)
    faces.opener.open(str(save(tmp_path / "third.safetensors", seed=6)))
    faces.opener.open(str(tmp_path / "faces.safetensors"))
    assert faces.session.model.name == "faces"
    qtbot.waitUntil(lambda: not faces.jobs.is_running("open"), timeout=WAIT)
    assert faces.session.model.name == "faces"


def test_undo_goes_back_over_models_and_what_it_forgets_is_gone(faces, qtbot, tmp_path):
    session = faces.session
    size = sum(weights_of(session.model).values())
    faces.models.budget = session.room = 2 * size
    first = weakref.ref(session.model.network)
    session.randomize(1)
    code = session.code
    open_and_wait(qtbot, faces, save(tmp_path / "other.safetensors", seed=5))
    session.undo()
    assert session.model.network is first()
    assert np.array_equal(session.code, code)
    session.redo()
    settle(faces, qtbot)
    open_and_wait(qtbot, faces, save(tmp_path / "third.safetensors", seed=6))
    settle(faces, qtbot)
    qtbot.waitUntil(lambda: first() is None, timeout=WAIT)
    session.undo()
    assert session.model.name == "other"
    assert not session.can_undo
