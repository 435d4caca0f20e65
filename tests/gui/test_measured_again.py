"""A map is measured by other pictures: what was shown along the old directions stays what it was."""

import map_files
import numpy as np
import pytest
import sessions
from real_window import WAIT, open_and_wait

SIDE = 64


@pytest.fixture
def measured(running, qtbot, tmp_path):
    """The app with an AutoencoderKL and a code book of ten pictures."""
    folder = map_files.write(tmp_path / "vae", map_files.kl(middle=False), sample_size=SIDE)
    open_and_wait(qtbot, running, folder)
    encode(running, qtbot, tmp_path / "one", 10)
    return running


def encode(app, qtbot, folder, count):
    with qtbot.waitSignal(app.session.model_changed, timeout=WAIT):
        app.encoder.encode(str(sessions.save_pictures(folder, count, SIDE)))


def map_of(session, space, code):
    own = session.model.spaces[space]
    return code if space == "z" else own.mapped(code[None], "z")[0]


def test_code_and_places_are_the_same_pictures_along_other_directions(measured, qtbot, tmp_path):
    session = measured.session
    session.randomize(3)
    old, place = session.space, session.places.here
    before = map_of(session, old.name, session.code)
    encode(measured, qtbot, tmp_path / "other", 6)
    assert session.space.letters == "pca"
    assert session.space.name != old.name
    assert old.name not in session.model.spaces
    assert np.allclose(map_of(session, session.space.name, session.code), before, atol=1e-5)
    kept = session.places.get(place.id)
    assert kept.space == "z"
    assert np.allclose(kept.code, before, atol=1e-5)
    session.undo()
    assert session.space.name == old.name
    assert np.array_equal(session.code, place.code)


def test_the_note_on_a_model_is_told_once(running, qtbot, tmp_path):
    folder = map_files.write(tmp_path / "vae", map_files.kl(middle=False), sample_size=SIDE)
    told = []
    running.session.message.connect(lambda level, text, details: told.append(text))
    open_and_wait(qtbot, running, folder)
    note = running.session.model.notes[0]
    encode(running, qtbot, tmp_path / "pictures", 5)
    assert told.count(note) == 1
