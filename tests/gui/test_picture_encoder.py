"""Ranges of a model without a prior in the window: what is said, and how encoded pictures measure them."""

import numpy as np
import pytest
import sessions
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from real_window import WAIT, open_and_wait, save, shown

from explorer.data.code_book import CodeBook
from explorer.gui import file_dialogs
from explorer.gui.picture_encoder import WORK

pytestmark = pytest.mark.also_x11


@pytest.fixture
def without_prior(running, qtbot, tmp_path):
    """The app with a VAE open of which nobody knows how far its codes reach."""
    open_and_wait(qtbot, running, sessions.save_vae_without_prior(tmp_path / "model.safetensors"))
    return running


@pytest.fixture
def chosen(monkeypatch, tmp_path):
    """The folder of pictures that the person chooses whenever they are asked."""
    folder = sessions.save_pictures(tmp_path / "pictures")
    monkeypatch.setattr(file_dialogs, "ask_folder", lambda *_: str(folder))
    return folder


def press(qtbot, app, text):
    (button,) = [b for b in app.window.findChildren(QPushButton) if b.text().replace("&", "") == text]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def encode(qtbot, app):
    with qtbot.waitSignal(app.session.model_changed, timeout=WAIT):
        app.window.actions_by_name["encode_folder"].trigger()


def test_a_model_without_a_prior_says_so_over_its_sliders(without_prior, qtbot, tmp_path):
    notice = without_prior.window.sliders.range_notice
    assert notice.isVisible()
    assert notice.text.startswith(
        "No prior is known for model: ranges are taken from the network's own response"
    )
    open_and_wait(qtbot, without_prior, save(tmp_path / "faces.safetensors"))
    assert notice.text == ""


def test_a_generator_alone_offers_no_pictures_to_encode(running, qtbot, tmp_path):
    open_and_wait(qtbot, running, sessions.save_kind(tmp_path, "none"))
    notice = running.window.sliders.range_notice
    assert "NAME.codes.npz" in notice.text
    assert not any(button.isVisible() for button in notice.findChildren(QPushButton))
    assert not running.window.actions_by_name["encode_folder"].isEnabled()


def test_encoded_pictures_measure_ranges_map_and_random_at_once(without_prior, qtbot, chosen, tmp_path):
    session = without_prior.session
    spread, before = session.space.spread.copy(), shown(without_prior).copy()
    with qtbot.waitSignal(session.model_changed, timeout=WAIT):
        press(qtbot, without_prior, "Encode a folder…")
    book = CodeBook.load(tmp_path / "model.codes.npz")
    assert len(book) == 12
    assert session.space.measured
    assert session.space.center == pytest.approx(book.mean.mean(axis=0), abs=1e-5)
    assert not np.allclose(session.space.spread, spread)
    assert session.slider_range(1)[1] == pytest.approx(session.space.center[1] + 3 * session.space.spread[1])
    assert np.array_equal(session.code, session.space.center)
    assert all(any(np.array_equal(a.code, code) for code in book.mean) for a in session.anchors.values())
    assert len(without_prior.window.map.points) == 12
    assert without_prior.window.sliders.range_notice.text == ""
    qtbot.waitUntil(lambda: not np.array_equal(shown(without_prior), before), timeout=WAIT)
    qtbot.waitUntil(lambda: session.activity is not None, timeout=WAIT)
    assert session.activity.kl is None  # the divergence from a prior that is not known means nothing
    session.undo()
    assert np.array_equal(session.space.spread, spread)
    assert without_prior.window.sliders.range_notice.text


def test_what_a_person_did_before_stays(faces, qtbot, chosen):
    session = faces.session
    session.randomize(3)
    session.places.keep("Random")
    session.places.star(session.places.here.id)
    session.name_dimension(2, "hair")
    code, anchors = session.code, session.anchors
    encode(qtbot, faces)
    assert session.space.measured
    assert np.array_equal(session.code, code)
    assert session.anchors == anchors
    assert session.title_of(2) == "hair"
    assert [place.starred for place in session.places.all if np.array_equal(place.code, code)] == [True]


def test_a_code_book_is_replaced_only_when_somebody_says_so(faces, qtbot, chosen, tmp_path):
    encode(qtbot, faces)
    first = (tmp_path / "faces.codes.npz").read_bytes()
    sessions.save_pictures(chosen / "more", 3)
    faces.window.actions_by_name["encode_folder"].trigger()
    qtbot.waitUntil(lambda: "12 pictures already" in faces.window.canvas.notice.text, timeout=WAIT)
    assert (tmp_path / "faces.codes.npz").read_bytes() == first
    with qtbot.waitSignal(faces.session.model_changed, timeout=WAIT):
        press(qtbot, faces, "Replace them")
    assert len(faces.session.code_book) == 15


def test_it_can_be_cancelled_at_any_time(without_prior, qtbot, chosen, tmp_path):
    without_prior.encoder.encode(str(chosen))
    assert without_prior.jobs.is_running(WORK)
    without_prior.window.work_cancelled.emit(WORK)
    qtbot.waitUntil(lambda: not without_prior.jobs.is_running(WORK), timeout=WAIT)
    assert not without_prior.pictures.is_waiting("book")
    assert not (tmp_path / "model.codes.npz").exists()
    assert not without_prior.session.space.measured


def test_another_model_ends_it(without_prior, qtbot, chosen, tmp_path):
    without_prior.encoder.encode(str(chosen))
    open_and_wait(qtbot, without_prior, save(tmp_path / "faces.safetensors"))
    qtbot.waitUntil(lambda: not without_prior.jobs.is_running(WORK), timeout=WAIT)
    assert without_prior.session.model.name == "faces"
    assert without_prior.session.code_book is None


def test_pictures_that_cannot_be_read_are_an_error_in_a_sentence(without_prior, qtbot, tmp_path):
    (tmp_path / "empty").mkdir()
    without_prior.encoder.encode(str(tmp_path / "empty"))
    qtbot.waitUntil(lambda: "no picture" in without_prior.window.canvas.notice.text, timeout=WAIT)
    assert not without_prior.session.space.measured


def test_a_code_book_made_by_other_hints_is_left_out_and_made_again_when_wanted(
    running, qtbot, chosen, doctored, tmp_path
):
    from explorer.formats.hints_writing import write_hints

    path = doctored(tmp_path / "model.pth", "encoding")
    write_hints(path, {"range": "0..1"})
    open_and_wait(qtbot, running, path)
    encode(qtbot, running)
    before = running.session.code_book.mean

    write_hints(path, {"prior": "uniform"})  # which changes no code
    open_and_wait(qtbot, running, path)
    assert running.session.code_book is not None

    write_hints(path, {"range": "-1..1"})
    open_and_wait(qtbot, running, path)
    assert running.session.code_book is None
    notice = running.window.canvas.notice
    assert "as it is read now" in notice.text
    with qtbot.waitSignal(running.session.model_changed, timeout=WAIT):
        press(qtbot, running, "Encode again…")
    assert not np.allclose(running.session.code_book.mean, before)
    assert "as it is read now" not in notice.text
    open_and_wait(qtbot, running, path)
    assert running.session.code_book is not None


def test_a_code_book_of_an_older_version_is_read_as_ever(running, qtbot, chosen, doctored, tmp_path):
    from dataclasses import replace

    path = doctored(tmp_path / "model.pth", "encoding")
    open_and_wait(qtbot, running, path)
    encode(qtbot, running)
    book = CodeBook.load(tmp_path / "model.codes.npz")
    assert book.reading
    replace(book, reading=None).save(tmp_path / "model.codes.npz")
    open_and_wait(qtbot, running, path)
    assert running.session.code_book is not None
    assert running.session.code_book.reading is None
