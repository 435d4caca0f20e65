"""A run in the window: the slider walks its epochs at the same code, new ones come by themselves, two are compared."""

import json
from operator import ne

import numpy as np
import pytest
from real_window import WAIT, expected, open_and_wait, shown
from sessions import Actor, all_undone, save_colorizer, snapshot

from explorer.formats import open_latent
from explorer.gui.epochs import epochs as epochs_module
from explorer.gui.jobs import JobRunner
from explorer.gui.session import Session
from explorer.gui.sessions.session_keeper import SessionKeeper
from explorer.gui.weights import with_model


def go(app, qtbot, number):
    """Move the slider to an epoch by hand, and wait for its picture."""
    row = app.window.canvas.epoch_row
    row.slider.setValue(app.epochs.numbers.index(number))
    at_rest(app, qtbot, number)


def at_rest(app, qtbot, number):
    qtbot.waitUntil(lambda: app.epochs.number == number, timeout=WAIT)
    qtbot.waitUntil(lambda: app.window.canvas.shown.request.model is app.session.model, timeout=WAIT)
    qtbot.waitUntil(lambda: not app.pictures.is_waiting(), timeout=WAIT)


def decoded(run, number, code):
    """The picture that an epoch makes of a code, read from its file alone."""
    import torch

    from explorer.render.renderer import Renderer, to_uint8

    images = Renderer("cpu").decode(open_latent(run.path(number)).model, code[None])
    return to_uint8(torch.from_numpy(images))[0][0]


def of_epoch(app, run, number):
    """The same of the current code."""
    return decoded(run, number, app.session.code)


def seen_everywhere(app):
    """Pictures beside the canvas: between the anchors, of the chosen row, behind the map, of the first place."""
    window = app.window
    strip, thumbnails = window.strip.row.pictures, window.sliders._traversals.images(app.session.focused)
    ground, place = window.map.view._background, app.session.places.all[0].id
    first = [part[0] if part else None for part in (strip, thumbnails, ground)]
    return [*first, window.history._images.image(place)]


def test_a_run_opens_at_its_newest_epoch_and_says_so(watched, run):
    row = watched.window.canvas.epoch_row
    assert (watched.epochs.number, watched.epochs.numbers) == (4, (1, 2, 3, 4))
    assert row.isVisible()
    assert row.shown.text == "epoch 4 of 10"
    assert row.shown.state == "training"
    assert row.follow.isChecked()
    assert watched.window.windowTitle().startswith("my-run, epoch 4")


def test_the_slider_changes_the_picture_and_nothing_else(watched, run, qtbot):
    session = watched.session
    session.randomize(3)
    session.commit()
    session.use_current("A")
    session.set_dimension(1, 0.7)
    session.commit()
    watched.window.canvas.view.zoom_step(1)
    zoom = watched.window.canvas.view.viewport.scale
    qtbot.waitUntil(lambda: all(seen_everywhere(watched)), timeout=WAIT)
    qtbot.waitUntil(lambda: not watched.pictures.is_waiting(), timeout=WAIT)
    before, rows = session.state, watched.window.sliders.dimensions()
    drawn = seen_everywhere(watched)
    changed = []
    session.model_changed.connect(lambda: changed.append(1))
    go(watched, qtbot, 2)
    assert (shown(watched) == of_epoch(watched, run, 2)).all()
    assert not (shown(watched) == of_epoch(watched, run, 4)).all()
    assert changed == []
    after = session.state
    for part in ("space", "code", "locked", "anchor_a", "anchor_b", "strip", "map", "stages", "style"):
        assert getattr(after, part) is getattr(before, part)
    assert session.can_undo
    assert watched.window.canvas.view.viewport.scale == zoom
    assert watched.window.sliders.dimensions() == rows
    qtbot.waitUntil(lambda: all(map(ne, seen_everywhere(watched), drawn)), timeout=WAIT)
    codes = watched.window.strip._codes
    assert (pixels(watched.window.strip.row.pictures[0]) == decoded(run, 2, codes[1])).all()
    assert not watched.window.canvas.epoch_row.follow.isChecked()
    assert watched.window.windowTitle().startswith("my-run, epoch 2")


def test_undo_goes_back_in_the_code_and_stays_with_the_epoch(watched, run, qtbot):
    session = watched.session
    session.randomize(3)
    first = session.code
    session.randomize(4)
    go(watched, qtbot, 1)
    session.undo()
    assert (session.code == first).all()
    at_rest(watched, qtbot, 1)
    assert (shown(watched) == of_epoch(watched, run, 1)).all()
    session.redo()
    go(watched, qtbot, 3)
    session.undo()
    at_rest(watched, qtbot, 3)


def test_a_new_epoch_is_followed_while_the_slider_is_at_the_end(watched, run, qtbot):
    run.add(5)
    at_rest(watched, qtbot, 5)
    assert watched.window.canvas.epoch_row.shown.text == "epoch 5 of 10"
    go(watched, qtbot, 2)
    run.add(6)
    qtbot.waitUntil(lambda: 6 in watched.epochs.numbers, timeout=WAIT)
    assert watched.epochs.number == 2
    watched.window.canvas.epoch_row.follow.click()
    at_rest(watched, qtbot, 6)
    run.say("finished", 6)
    row = watched.window.canvas.epoch_row
    qtbot.waitUntil(lambda: row.shown.state == "finished", timeout=WAIT)
    assert row.follow.isHidden()
    run.path(6).unlink()
    run.path(3).unlink()
    qtbot.waitUntil(lambda: watched.epochs.numbers == (1, 2, 4, 5, 6), timeout=WAIT)
    go(watched, qtbot, 5)
    qtbot.waitUntil(lambda: watched.epochs.numbers == (1, 2, 4, 5), timeout=WAIT)


def test_an_epoch_that_was_stopped_in_its_middle_is_read_again_once_it_is_whole(watched, run, qtbot):
    first = shown(watched).copy()
    run.add(4, seed=9)
    qtbot.waitUntil(lambda: (shown(watched) != first).any(), timeout=WAIT)
    at_rest(watched, qtbot, 4)
    assert (shown(watched) == of_epoch(watched, run, 4)).all()


def test_a_fast_hand_ends_at_the_epoch_where_it_rests(watched, run, qtbot):
    slider = watched.window.canvas.epoch_row.slider
    for place in (2, 1, 0, 1, 2, 3, 0):
        slider.setValue(place)
    at_rest(watched, qtbot, 1)
    assert (shown(watched) == of_epoch(watched, run, 1)).all()


def test_keys_and_film_walk_through_the_epochs(watched, qtbot, monkeypatch):
    monkeypatch.setattr(epochs_module, "SLOWEST", 100)
    actions = watched.window.actions_by_name
    actions["epoch_before"].trigger()
    at_rest(watched, qtbot, 3)
    actions["epoch_after"].trigger()
    at_rest(watched, qtbot, 4)
    seen = []
    watched.session.weights_changed.connect(lambda: seen.append(watched.epochs.number))
    actions["play_epochs"].trigger()
    assert watched.epochs.is_playing
    qtbot.waitUntil(lambda: not watched.epochs.is_playing, timeout=WAIT)
    at_rest(watched, qtbot, 4)
    assert seen == [1, 2, 3, 4]


def test_two_epochs_are_compared_by_the_wiper(watched, run, qtbot):
    canvas = watched.window.canvas
    assert canvas.bar.compare.isEnabled()
    canvas.bar.compare.click()
    qtbot.waitUntil(lambda: canvas.compared == "epoch", timeout=WAIT)
    assert canvas.view.wiping
    assert canvas.bar.line.middle == "epoch 1  |  epoch 4"
    assert canvas.epoch_row.slider.rival == 0
    assert pixels(canvas.view.before) == pytest.approx(of_epoch(watched, run, 1))
    assert pixels(canvas.view.picture) == pytest.approx(of_epoch(watched, run, 4))
    watched.session.randomize(7)
    qtbot.waitUntil(lambda: not watched.pictures.is_waiting(), timeout=WAIT)
    assert pixels(canvas.view.before) == pytest.approx(of_epoch(watched, run, 1))
    go(watched, qtbot, 2)
    assert canvas.bar.line.middle == "epoch 1  |  epoch 2"
    watched.epochs.make_menu(2).actions()[1].trigger()
    qtbot.waitUntil(lambda: canvas.bar.line.middle == "epoch 3  |  epoch 2", timeout=WAIT)
    qtbot.waitUntil(lambda: not watched.pictures.is_waiting(), timeout=WAIT)
    assert pixels(canvas.view.before) == pytest.approx(of_epoch(watched, run, 3))
    canvas.bar.compare.click()
    assert watched.session.rival is None
    assert canvas.epoch_row.slider.rival is None
    assert not canvas.view.wiping


def pixels(image, channels=1):
    """A QImage as an array (H, W, C)."""
    form = image.Format.Format_Grayscale8 if channels == 1 else image.Format.Format_RGB888
    image = image.convertToFormat(form)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : channels * image.width()].reshape(image.height(), image.width(), channels)


def test_a_broken_checkpoint_is_told_once_and_the_picture_stays(watched, run, qtbot):
    run.path(2).write_bytes(run.path(2).read_bytes()[:200])
    other = run.path(3)
    go(watched, qtbot, 3)
    with qtbot.waitSignal(watched.session.message, timeout=WAIT) as told:
        watched.window.canvas.epoch_row.slider.setValue(1)
    assert told.args[0] == "error"
    assert "checkpoint-0002" in told.args[1]
    assert watched.epochs.number == 3
    assert watched.window.canvas.epoch_row.slider.value() == 2
    assert (shown(watched) == of_epoch(watched, run, 3)).all()
    more = []
    watched.session.message.connect(lambda *said: more.append(said))
    watched.window.canvas.epoch_row.slider.setValue(1)
    assert (more, watched.epochs.number, other.exists()) == ([], 3, True)


def test_another_network_in_the_folder_is_no_epoch(watched, run, qtbot):
    run.add(5, latent_dim=6)
    with qtbot.waitSignal(watched.session.message, timeout=WAIT) as told:
        pass
    assert "holds another network" in told.args[1]
    assert watched.epochs.number == 4


def test_a_run_that_has_just_begun_is_shown_from_its_first_epoch_on(running, young_run, qtbot):
    with qtbot.waitSignal(running.session.message, timeout=WAIT) as told:
        running.opener.open(str(young_run.folder))
    assert "no checkpoint yet" in told.args[1]
    young_run.add(1)
    qtbot.waitUntil(lambda: running.epochs.is_open, timeout=WAIT)
    assert running.epochs.number == 1


@pytest.mark.parametrize("stays", [True, False])
def test_a_run_that_fails_before_its_first_epoch_is_waited_for_no_longer(running, young_run, qtbot, stays):
    """A run that has saved nothing takes its `run.json` with it, or that tells how it ended."""
    with qtbot.waitSignal(running.session.message, timeout=WAIT):
        running.opener.open(str(young_run.folder))
    about = young_run.folder / "run.json"
    with qtbot.waitSignal(running.session.message, timeout=WAIT) as told:
        if stays:
            (young_run.folder / "new").write_text(
                json.dumps(json.loads(about.read_text()) | {"state": "failed"})
            )
            (young_run.folder / "new").replace(about)
        else:
            about.unlink()
    assert told.args[0] == "error"
    assert "The run young ended before its first checkpoint" in told.args[1]


def test_names_are_kept_for_all_epochs_of_a_run(watched, run, qtbot):
    session = watched.session
    go(watched, qtbot, 1)
    session.name_dimension(2, "hair")
    go(watched, qtbot, 2)
    assert session.title_of(2) == "hair"
    watched.notes.flush()
    assert json.loads((run.folder / "model.notes.json").read_text())["dimensions"] == {"z3": "hair"}
    assert open_latent(run.folder).notes.titles == {"z3": "hair"}
    session.name_dimension(2, "eyes")
    watched.notes.flush()
    assert open_latent(run.path(1)).notes.titles == {"z3": "eyes"}


def test_a_name_from_before_is_changed_at_any_epoch(running, run, qtbot):
    notes = run.folder / "model.notes.json"
    notes.write_text(json.dumps({"dimensions": {"z3": "hair"}}))
    open_and_wait(qtbot, running, run.folder)
    qtbot.waitUntil(lambda: running.epochs.is_open, timeout=WAIT)
    go(running, qtbot, 2)
    assert running.session.title_of(2) == "hair"
    running.session.name_dimension(2, "eyes")
    running.notes.flush()
    assert json.loads(notes.read_text())["dimensions"] == {"z3": "eyes"}


def test_places_of_the_history_stay_and_are_drawn_anew(watched, qtbot):
    watched.session.randomize(1)
    places = watched.session.places.all
    assert places
    go(watched, qtbot, 2)
    assert watched.session.places.all == places
    watched.session.randomize(2)
    go(watched, qtbot, 3)
    assert len(watched.session.places.all) == len(places) + 1


def test_a_saved_session_comes_back_at_its_epoch(watched, run, qtbot, tmp_path):
    session, keeper = watched.session, watched.documents.keeper
    session.randomize(5)
    keeper.save_as(tmp_path / "one.session.json")
    qtbot.waitUntil(lambda: keeper.path is not None and not keeper.is_changed, timeout=WAIT)
    go(watched, qtbot, 2)
    assert keeper.path is not None
    assert keeper.is_changed
    code, past = session.code, [what for what, _ in session.past]
    with qtbot.waitSignal(keeper.saved, timeout=WAIT):
        keeper.save()
    open_and_wait(qtbot, watched, run.path(4))
    with qtbot.waitSignal(keeper.restored, timeout=WAIT):
        watched.opener.open(str(tmp_path / "one.session.json"))
    at_rest(watched, qtbot, 2)
    assert (session.code == code).all()
    assert [what for what, _ in session.past] == past
    qtbot.waitUntil(lambda: watched.epochs.is_open, timeout=WAIT)
    assert not watched.epochs.is_following
    assert (shown(watched) == of_epoch(watched, run, 2)).all()


def test_the_newest_files_name_the_folder(watched, run, qtbot):
    from explorer.formats import recent

    qtbot.waitUntil(lambda: bool(recent.entries()), timeout=WAIT)
    [entry] = recent.entries()
    assert (entry.path, entry.name) == (run.folder, "my-run")


def test_another_model_ends_the_run(watched, tmp_path, qtbot):
    from real_window import save

    canvas = watched.window.canvas
    canvas.toggle_wiper()
    qtbot.waitUntil(lambda: canvas.compared == "epoch", timeout=WAIT)
    open_and_wait(qtbot, watched, save(tmp_path / "other.safetensors"))
    assert canvas.epoch_row.isHidden()
    qtbot.waitUntil(lambda: not watched.pictures.is_waiting(), timeout=WAIT)
    assert canvas.compared is None
    assert not canvas.bar.compare.isEnabled()
    assert not watched.window.actions_by_name["epoch_after"].isEnabled()
    watched.session.undo()
    qtbot.waitUntil(lambda: watched.epochs.is_open, timeout=WAIT)
    assert watched.epochs.number == 4


def test_a_run_of_a_stage_swaps_the_stage(faces, young_run, qtbot):
    for number in (1, 2, 3):
        young_run.add(number, save=save_colorizer)
    session, canvas = faces.session, faces.window.canvas
    faces.opener.open(str(young_run.folder))
    qtbot.waitUntil(lambda: faces.epochs.is_open, timeout=WAIT)
    assert faces.epochs.number == 3
    qtbot.waitUntil(lambda: not faces.pictures.is_waiting(), timeout=WAIT)
    last = shown(faces).copy()
    [entry] = session.stages
    session.randomize(1)
    session.undo()
    canvas.epoch_row.slider.setValue(0)
    qtbot.waitUntil(lambda: faces.epochs.number == 1, timeout=WAIT)
    qtbot.waitUntil(lambda: not faces.pictures.is_waiting(), timeout=WAIT)
    assert [(e.id, e.enabled) for e in session.stages] == [(entry.id, True)]
    first = shown(faces).copy()
    assert (first != last).any()
    faces.epochs.compare(3)
    qtbot.waitUntil(lambda: canvas.compared == "epoch" and not canvas.view.before.isNull(), timeout=WAIT)
    assert (pixels(canvas.view.before, 3) == last).all()
    assert (pixels(canvas.view.picture, 3) == first).all()
    session.undo()  # the stage came in one step, and goes in one
    assert session.stages == ()
    assert canvas.epoch_row.isHidden()
    assert session.rival is None
    session.redo()
    qtbot.waitUntil(lambda: faces.epochs.is_open, timeout=WAIT)
    assert faces.epochs.number == 1


def test_exact_pictures_are_those_of_the_command_line(watched, qtbot):
    watched.session.randomize(9)
    go(watched, qtbot, 3)
    assert (shown(watched) == expected(watched, watched.session.code)).all()


def test_a_session_of_many_steps_comes_back_from_between_two_epochs(qapp, run, qtbot, tmp_path):
    """Random steps, with other epochs between them: saved and opened again, all of it is there, undo too."""
    session = Session()
    keeper = SessionKeeper(session, JobRunner(session), parent=session)
    session.open(open_latent(run.folder))
    actor = Actor(session, 3)
    for number in (2, 1, 3):
        actor.act(30)
        session.show_weights(with_model(open_latent(run.path(number)).model, lambda opened: True))
    start = snapshot(session)
    ended(qtbot, keeper.save_as(tmp_path / "one.session.json"))
    assert not keeper.is_changed
    other = Session()
    other_keeper = SessionKeeper(other, JobRunner(other), parent=other)
    ended(qtbot, other_keeper.open(tmp_path / "one.session.json"))
    assert snapshot(other) == start
    assert other.model.origin.path == run.path(3)
    assert [what for what, _ in other.past] == [what for what, _ in session.past]
    assert all_undone(session) == all_undone(other)
    assert snapshot(other) == snapshot(session)
    assert session.model.origin.path == run.path(3)
    for each in (keeper, other_keeper):
        each.close()


def ended(qtbot, job):
    qtbot.waitUntil(lambda: not job.is_running(), timeout=WAIT)
