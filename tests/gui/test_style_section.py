"""Truncation, noise, moves, spaces and mixed styles in the window, on a real StyleGAN2."""

import json
from dataclasses import replace
from types import SimpleNamespace

import fakes
import numpy as np
import pytest
import torch
from PySide6.QtCore import Qt
from real_window import WAIT, finish, open_and_wait
from style_fakes import tiny_style

from explorer.export import making
from explorer.export.reading import recipe_in
from explorer.formats import Opened
from explorer.gui import app as app_module
from explorer.gui.head_choice import HeadChoice
from explorer.gui.history.layer_range import LayerRange
from explorer.gui.history.place_menu import place_menu, thirds
from explorer.gui.panels.latent_map import LatentMap
from explorer.gui.recipe_state import state_of, unlike
from explorer.gui.session import Session
from explorer.gui.sessions.session_parts import Parts
from explorer.gui.sessions.session_state import step, whole
from explorer.gui.sessions.session_values import Wrong
from explorer.gui.state import StyleSettings
from explorer.gui.style_section import StyleSection
from explorer.latent import plane, sampling
from explorer.models.base import DecodeOptions, Origin
from explorer.render.renderer import Renderer, to_uint8


@pytest.fixture
def session(qapp):
    session = Session()
    session.open(Opened(tiny_style()))
    assert session.space.name == "w"  # the average picture, which z has not
    session.set_space("z")
    return session


@pytest.fixture
def section(session, qtbot):
    section = StyleSection(session, fakes.instant_pictures(session))
    qtbot.addWidget(section)
    section.resize(320, 200)
    section.show()
    return section


@pytest.fixture
def window(qtbot):
    app_module.make_application()
    app = app_module.App("cpu")
    app.window.resize(1280, 800)
    app.window.show()
    app.session.open(Opened(tiny_style(side=32)))
    qtbot.waitUntil(lambda: app.window.canvas.shown is not None, timeout=WAIT)
    app.session.set_space("z")
    yield app
    finish(app)


def picture(session, **options):
    """What the engine makes of the current code."""
    images = Renderer("cpu").decode(
        session.model, session.code[None], session.space.name, DecodeOptions(**options)
    )
    return to_uint8(torch.from_numpy(images))[0][0]


def test_it_is_there_for_style_networks_alone(section, session):
    assert section.isVisibleTo(section.parentWidget() or section)
    assert not section.isHidden()
    session.open(Opened(fakes.tiny_vae()))
    assert section.isHidden()


def test_a_network_without_moves_shows_none(section):
    assert not section.rows["psi"].isHidden()
    assert all(section.rows[name].isHidden() for name in ("x", "y", "angle"))
    assert [section.noise.itemData(place) for place in range(3)] == ["const", "none", "random"]


def test_the_slider_truncates_and_a_drag_is_one_step(section, session, qtbot):
    slider = section.rows["psi"].slider
    at = slider.rect().center()
    at.setX(round(slider.handle_x()))
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=at)
    for x in (at.x() - 20, at.x() - 40):
        at.setX(x)
        qtbot.mouseMove(slider, at)
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at)
    assert 0 < session.style.psi < 0.8
    assert session.options.psi == session.style.psi
    session.undo()
    assert session.style.psi == 1.0
    assert session.options.given() == ()


def test_a_double_click_takes_truncation_off(section, session, qtbot):
    session.set_style(psi=0.3)
    session.commit()
    qtbot.mouseDClick(section.rows["psi"].slider, Qt.MouseButton.LeftButton)
    assert session.style.psi == 1.0


def test_a_typed_value_may_lie_beyond_the_slider(section, session):
    section.rows["psi"].field.entered.emit(2.5)
    assert session.style.psi == 2.5
    section.rows["psi"].field.entered.emit(1e9)
    assert session.style.psi == 10.0


def test_keys_go_in_small_steps(section, session, qtbot):
    slider = section.rows["psi"].slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert session.style.psi == pytest.approx(0.9)


def test_layers_noise_and_seed_are_set(section, session, qtbot):
    assert section.cutoff.count() == session.model.layers
    session.set_style(psi=0.5)
    section.cutoff.setFocus()
    qtbot.keyClick(section.cutoff, Qt.Key.Key_Down)
    assert (session.style.cutoff, session.options.psi_cutoff) == (1, 1)
    assert section.seed.isHidden()
    qtbot.keyClick(section.noise, Qt.Key.Key_End)
    assert session.options.noise == "random"
    assert not section.seed.isHidden()
    section.seed.setValue(12)
    assert session.options.noise_seed == 12
    session.set_style(noise="none")
    assert session.options.given() == ("psi", "psi_cutoff", "noise")


def test_closed_it_says_what_is_not_as_usual(section, session, qtbot):
    qtbot.mouseClick(section.fold, Qt.MouseButton.LeftButton)
    assert section.body.isHidden()
    assert section.fold.text() == "Style"
    session.set_style(psi=0.7, noise="none")
    assert section.fold.text() == "Style · truncation 0.70 · no noise"


def test_a_move_becomes_an_inverse_transform():
    style = StyleSettings(x=0.25, y=-0.1, angle=30)
    matrix = style.matrix()
    forward = np.linalg.inv(matrix.astype(np.float64))
    assert np.allclose(forward[:2, 2], (0.25, -0.1), atol=1e-6)
    again = StyleSettings().moved_by(matrix)
    assert (again.x, again.y, again.angle) == pytest.approx((0.25, -0.1, 30), abs=1e-4)
    assert StyleSettings().matrix() is None


# ---- spaces ----


def test_another_space_shows_the_same_picture(session):
    session.randomize(4)
    session.use_current("A")
    before = picture(session)
    for name, dim in (("w", 8), ("w+", 48)):
        session.set_space(name)
        assert session.dim == dim
        assert np.abs(picture(session).astype(int) - before).max() <= 1
        assert np.array_equal(session.anchors["A"].code, session.code)
    assert session.seed == 4  # the same seed draws the same code in every space
    session.randomize(4)
    assert np.abs(picture(session).astype(int) - before).max() <= 1
    session.undo()
    session.undo()
    session.undo()
    assert (session.space.name, session.dim) == ("z", 8)


def test_back_from_w_to_z_leads_to_the_centre(session):
    session.set_space("w")
    session.set_space("z")
    assert not session.code.any()
    assert session.anchors == {"A": None, "B": None}


# ---- mixing ----


def test_a_mixture_has_the_layers_of_both(session):
    session.randomize(1)
    place = session.places.keep("Random")
    session.randomize(2)
    mine = session.space.mapped(session.code[None], "w")[0]
    theirs = session.space.mapped(place.code[None], "w")[0]
    session.mix(place, 2, 4)
    assert session.space.name == "w+"
    layers = session.code.reshape(6, 8)
    wanted = [mine, mine, theirs, theirs, mine, mine]
    assert np.allclose(layers, wanted, atol=1e-6)
    session.mix(place, 0, 1)  # within w+ it goes on from there
    assert np.allclose(session.code.reshape(6, 8), [theirs, *wanted[1:]], atol=1e-6)
    session.undo()
    assert np.allclose(session.code.reshape(6, 8), wanted, atol=1e-6)
    session.undo()
    assert session.space.name == "z"


def test_a_place_of_w_plus_mixes_too(session):
    session.set_space("w+")
    session.randomize(3)
    place = session.places.keep("Random")
    session.randomize(5)
    before = session.code.reshape(6, 8).copy()
    session.mix(place, 4, 6)
    assert np.array_equal(session.code.reshape(6, 8)[:4], before[:4])
    assert np.array_equal(session.code.reshape(6, 8)[4:], place.code.reshape(6, 8)[4:])


def test_the_menu_of_a_place_mixes_ranges_of_layers(window):
    session = window.session
    session.randomize(1)
    place = session.places.here
    session.randomize(2)
    menu = place_menu(session, window.window.history, place)
    [mixing] = [action.menu() for action in menu.actions() if action.menu() is not None]
    texts = [action.text() for action in mixing.actions() if action.text()]
    assert texts[0].startswith("Coarse: pose, shape (layers 1–")
    assert texts[-1] == "Layers from … to …"
    mixing.actions()[0].trigger()
    assert session.space.name == "w+"
    assert session.places.here.what == "Mix styles"
    assert window.window.sliders.dimensions()[:2] == [0, 1]


def test_the_usual_ranges_of_a_large_network():
    assert [(first, stop) for _, first, stop in thirds(18)] == [(0, 4), (4, 8), (8, 18)]
    assert [(first, stop) for _, first, stop in thirds(6)] == [(0, 2), (2, 4), (4, 6)]


def test_the_dialog_mixes_the_layers_it_asks_for(session, qtbot):
    session.randomize(1)
    place = session.places.keep("Random")
    session.randomize(2)
    dialog = LayerRange(session, place)
    qtbot.addWidget(dialog)
    assert (dialog.first.value(), dialog.last.value()) == (1, 6)
    dialog.first.setValue(5)
    dialog.last.setValue(3)
    assert (dialog.first.value(), dialog.last.value()) == (3, 3)
    dialog.accept()
    theirs = session.model.spaces["z"].mapped(place.code[None], "w")[0]
    layers = session.code.reshape(6, 8)
    assert np.allclose(layers[2], theirs, atol=1e-6)
    assert not np.allclose(layers[1], theirs, atol=1e-3)


def test_a_model_without_styles_has_no_such_menu(running, qtbot):
    running.session.open(Opened(fakes.tiny_vae()))
    running.session.randomize(1)
    menu = place_menu(running.session, running.window.history, running.session.places.here)
    assert not any(action.menu() for action in menu.actions())


# ---- the whole window ----


def test_truncation_noise_and_seed_change_the_canvas(window, qtbot):
    session, canvas = window.session, window.window.canvas
    session.randomize(3)
    for changes, options in (
        ({"psi": 0.4}, {"psi": 0.4}),
        ({"noise": "random", "noise_seed": 1}, {"psi": 0.4, "noise": "random", "noise_seed": 1}),
        ({"noise_seed": 2}, {"psi": 0.4, "noise": "random", "noise_seed": 2}),
    ):
        session.set_style(**changes)
        session.commit()
        expected = picture(session, **options)
        qtbot.waitUntil(
            lambda expected=expected: np.array_equal(canvas.shown.pictures[0], expected), timeout=WAIT
        )


def test_the_map_of_w_has_sampled_codes(window, qtbot):
    window.session.set_space("w")
    view = window.window.map
    qtbot.waitUntil(lambda: len(view.points) == 10_000, timeout=WAIT)
    assert view.plane.name == "PCA"
    drawn = window.session.model.spaces["z"].mapped(
        np.random.default_rng(0).standard_normal((10_000, 8)).astype(np.float32)[:50], "w"
    )
    assert np.allclose(view.points[:50], view.plane.project(drawn), atol=1e-4)


def test_rows_of_layers_say_which_and_are_found(window, qtbot):
    window.session.set_space("w+")
    row = window.window.sliders.row_for(0)
    assert row.facts.title == "layer 1 · 1"
    window.window.sliders.title_widgets()[1].setText("layer 3")
    assert window.window.sliders.dimensions() == list(range(16, 24))


def test_what_is_saved_is_what_is_seen(window, qtbot, tmp_path):
    session = window.session
    session.model.origin = Origin(tmp_path / "style.pkl", "nvidia", "0" * 64)
    session.randomize(3)
    session.set_style(psi=0.6, cutoff=3, noise="random", noise_seed=9)
    session.commit()
    recipe = making.picture(
        making.network(session.model), session.space, session.code, options=session.options
    )
    expected = picture(session, psi=0.6, psi_cutoff=3, noise="random", noise_seed=9)
    making.save(recipe, expected[None], tmp_path / "one.png")
    found = recipe_in(tmp_path / "one.png")
    state = state_of(found, session.state.opened, [], session.state)
    assert state.style == StyleSettings(psi=0.6, cutoff=3, noise="random", noise_seed=9)
    assert np.array_equal(making.options_of(found).psi, 0.6)


def test_a_session_remembers_the_style(session):
    session.set_style(psi=0.5, noise="random", noise_seed=4, x=0.25)
    said, _ = whole(session.state)
    parts = Parts(session.model, said, lambda what, wrong: pytest.fail(str(wrong)))
    empty = parts.empty(session.state.opened, {}, {})
    assert parts.changed({"style": said["style"]}, empty, "").style == session.style
    with pytest.raises(Wrong, match="psi should be a number from -10 to 10"):
        parts.changed({"style": {"psi": 1e9}}, empty, "")
    with pytest.raises(Wrong, match="noise should be one of"):
        parts.changed({"style": {"noise": "loud"}}, empty, "")


def test_a_step_of_a_session_takes_layers_and_decoder_back(session):
    """What is as usual before a step is told, too, though the state after it has something else."""
    session.model.heads = ("a", "b")
    before = session.state
    session.set_style(cutoff=3, head="b")
    parts = Parts(session.model, whole(session.state)[0], lambda what, wrong: pytest.fail(str(wrong)))
    said = json.loads(step(before, session.state, "Style")[0])
    assert parts.changed(said, session.state, "").style == before.style


# ---- heads ----


def test_a_click_goes_on_to_the_next_decoder(qapp, qtbot):
    model = fakes.tiny_vae()
    model.heads, model.accepts = ("a", "b"), frozenset({"head"})
    session = Session()
    choice = HeadChoice(session)
    qtbot.addWidget(choice)
    assert choice.isHidden()
    session.open(Opened(model))
    assert (choice.isHidden(), choice.text()) == (False, "decoder a")
    qtbot.mouseClick(choice, Qt.MouseButton.LeftButton)
    assert (session.options.head, choice.text()) == ("b", "decoder b")
    session.undo()
    assert (session.options.head, choice.text()) == (None, "decoder a")


def test_a_preview_comes_first_and_the_whole_picture_when_the_hand_is_off(session):
    """Of a network that may be slow, a drag shows previews alone."""
    pictures = fakes.instant_pictures(session)
    session.open(Opened(tiny_style(side=256)))
    shown = []
    receiver = SimpleNamespace(take=lambda result: shown.append(result))
    pictures.want("canvas", session.code, receiver.take)
    assert [(r.request.quality, r.pictures.shape[1]) for r in shown] == [("preview", 64), ("full", 256)]
    pictures.dragging(True)
    pictures.want("canvas", session.code, receiver.take)
    assert [r.request.quality for r in shown[2:]] == ["preview"]
    pictures.dragging(False)
    assert [r.request.quality for r in shown[3:]] == ["full"]


# ---- generators of one file ----


def test_the_other_generator_of_a_file_is_offered(running, qtbot, reference_data):
    [found] = (reference_data / "trained-checkpoints" / "nv_stylegan2_64").glob("*.pkl")
    open_and_wait(qtbot, running, found)
    entry = running.window.sliders.style_section.entry
    assert [entry.itemText(place) for place in range(entry.count())] == ["G_ema", "G"]
    averaged = running.session.model
    running.session.set_space("z")
    running.session.randomize(5)
    running.session.set_style(psi=0.7)
    code = running.session.code
    with qtbot.waitSignal(running.session.model_changed, timeout=WAIT):
        qtbot.keyClick(entry, Qt.Key.Key_Down)
    raw = running.session.model
    assert raw.origin.hints == {"entry": "G"}
    assert raw.entries == ("G", "G_ema")
    assert (running.session.space.name, running.session.style.psi) == ("z", 0.7)
    assert np.array_equal(running.session.code, code)  # to be compared
    assert [entry.itemText(place) for place in range(entry.count())] == ["G", "G_ema"]
    strengths = [model.network.synthesis.b4.conv1.noise_strength for model in (raw, averaged)]
    assert not torch.equal(*strengths)


def test_where_there_is_one_generator_nothing_is_offered(section):
    assert section.entry.isHidden()


def test_truncation_does_not_work_the_map_out_anew(qtbot, qapp, monkeypatch):
    """Points of another class do; both change the options of pictures."""
    session = Session()
    shown = LatentMap(session, fakes.instant_pictures(session))
    qtbot.addWidget(shown)
    shown.show()
    session.open(Opened(tiny_style(classes=3)))
    session.set_style(psi=0.9)
    worked, pca = [], plane.pca
    monkeypatch.setattr(plane, "pca", lambda *args: worked.append(1) or pca(*args))
    session.set_style(psi=0.5)
    assert not worked
    session.set_label(2)
    assert worked


# ---- classes of mapped codes ----


def test_a_class_draws_the_seed_of_w_again(qapp):
    session = Session()
    session.open(Opened(tiny_style(classes=3)))
    session.randomize(3)
    session.set_label(2)
    drawn = sampling.sample(session.space, 1, 3, session.options)[0]
    assert np.array_equal(session.code, drawn)
    assert session.seed == 3
    session.undo()
    assert session.label == 0
    assert not np.array_equal(session.code, drawn)


def test_another_code_moves_from_the_average_of_its_class_to_that_of_the_other(qapp):
    session = Session()
    session.open(Opened(tiny_style(classes=3)))
    session.set_locked(2, True)
    first = session.code
    session.set_label(1)
    means = [
        sampling.sample(session.space, 256, 0, DecodeOptions(labels=np.array([label]))).mean(0)
        for label in (0, 1)
    ]
    wanted = np.where(session.locked, first, first + means[1] - means[0])
    assert np.allclose(session.code, wanted, atol=1e-5)
    assert np.abs(session.code - first).max() > 0.01
    session.set_label(0)
    assert np.allclose(session.code, first, atol=1e-5)


# ---- recipes that say more than the window has ----


@pytest.mark.parametrize(
    ("options", "is_like"),
    [
        ({"psi": 0.5}, True),
        ({"psi": 50.0}, False),
        ({"transform": StyleSettings(x=0.2, angle=40).matrix().tolist()}, True),
        ({"transform": [[2, 0, 0], [0, 2, 0], [0, 0, 1]]}, False),
        ({"transform": [[1e-300, 0, 0], [0, 1, 0], [0, 0, 1]]}, False),
    ],
)
def test_what_the_window_can_not_show_is_said(session, options, is_like):
    session.model.accepts = frozenset({*session.model.accepts, "transform"})
    recipe = replace(
        making.picture(making.network(session.model), session.space, session.code), options=options
    )
    state = state_of(recipe, session.state.opened, [], session.state)
    assert (unlike(recipe, state) == "") == is_like
    assert abs(state.style.psi) <= 10


def test_a_preview_is_not_copied_as_the_picture(window, qtbot):
    canvas, told = window.window.canvas, []
    window.session.message.connect(lambda level, text, details: told.append(text))
    whole = canvas._result
    canvas._result = replace(whole, request=replace(whole.request, quality="preview", max_side=8))
    canvas.copy_picture()
    assert told == ["The whole picture is still being drawn; copy it when it is there."]
    canvas._result = whole
    canvas.copy_picture()
    assert told[1].startswith("The picture was copied, 32×32")
