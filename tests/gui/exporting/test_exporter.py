"""Exports from the window: every kind carries its recipe, and the preview shows what will be saved."""

import threading
from dataclasses import replace
from pathlib import Path

import fakes
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QPushButton, QSpinBox

from explorer.data import images
from explorer.errors import ExplorerError
from explorer.export import making
from explorer.export.reading import recipe_in
from explorer.formats import open_latent, save_native
from explorer.gui import file_dialogs, theme
from explorer.gui.exporting import export_dialog
from explorer.gui.exporting.export_choice import TITLES, ExportChoice
from explorer.gui.exporting.export_dialog import ExportDialog
from explorer.gui.exporting.export_recipes import Subject, recipe_of
from explorer.gui.exporting.exporter import ENCODING, READING, Exporter
from explorer.gui.jobs import JobRunner
from explorer.gui.main_window import MainWindow
from explorer.gui.session import Session
from explorer.gui.widgets import work_area
from explorer.render.renderer import Renderer

WAIT = 20_000
RED = np.full((8, 8, 3), (200, 10, 20), np.uint8)


class Fixture:
    """The window without its app: a session, an engine that answers at once, an exporter, the dialog."""

    def __init__(self, tmp_path):
        path = tmp_path / "faces.safetensors"
        config = {"height": 8, "width": 8, "hidden": [32, 16], "latent_dim": 4}
        save_native(path, fakes.tiny_vae(name="faces"), config=config)
        self.session = Session()
        self.pictures = fakes.instant_pictures(self.session)
        self.jobs = JobRunner()
        self.window = MainWindow(self.session, self.pictures)
        self.exporter = Exporter(self.session, self.pictures, self.jobs, self.window)
        self.dialog = ExportDialog(self.session, self.pictures, self.jobs, self.exporter, self.window)
        self.session.open(open_latent(path))
        self.told = []
        self.session.message.connect(lambda *said: self.told.append(said))


@pytest.fixture
def desk(qtbot, tmp_path):
    QCoreApplication.setOrganizationName("latent-explorer")  # whose settings they are
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    desk = Fixture(tmp_path)
    desk.window.show()
    yield desk
    QCoreApplication.setOrganizationName("")
    desk.dialog.close()
    desk.jobs.close()
    desk.window.close()
    desk.window.deleteLater()
    QApplication.processEvents()


def pixels(path):
    """The pixels of a picture file, (H, W) or (H, W, 3)."""
    with Image.open(path) as image:
        return np.asarray(image)


def save(desk, qtbot, choice, path):
    with qtbot.waitSignal(desk.exporter.exported, timeout=WAIT):
        desk.exporter.save(choice, str(path))
    return path


def encode(desk, qtbot, tmp_path, count=3):
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(generator.integers(0, 256, (8, 8), np.uint8)).save(folder / f"{number}.png")
    with qtbot.waitSignal(desk.exporter.encoded_changed, timeout=WAIT):
        desk.exporter.encode(str(folder), 18)


@pytest.mark.parametrize("format", ["png", "webp", "gif"])
@pytest.mark.parametrize("kind", TITLES)
def test_every_kind_is_made_again_from_what_its_file_carries(desk, qtbot, tmp_path, kind, format):
    desk.session.randomize(5)
    if kind == "reconstructions":
        encode(desk, qtbot, tmp_path)
    choice = ExportChoice(kind, format, margin=4, other_captions=True, count=9, manifold_steps=3)
    path = save(desk, qtbot, choice, tmp_path / f"out.{format}")
    recipe = recipe_in(path)
    model = desk.session.model
    assert recipe.kind == kind
    assert recipe.model == making.network(model)
    assert recipe.model.sha256 is not None
    pictures = Renderer("cpu").decode(model, making.codes_of(recipe))
    again = tmp_path / f"again.{format}"
    making.save(recipe, np.rint(pictures.transpose(0, 2, 3, 1) * 255).astype(np.uint8), again)
    with Image.open(path) as first, Image.open(again) as second:
        assert first.n_frames == second.n_frames if hasattr(first, "n_frames") else True
        for frame in range(getattr(first, "n_frames", 1)):
            first.seek(frame)
            second.seek(frame)
            assert np.array_equal(np.asarray(first.convert("RGB")), np.asarray(second.convert("RGB")))


def test_a_picture_is_saved_as_it_is_seen_while_the_next_is_on_its_way(desk, qtbot, tmp_path):
    shown = desk.window.canvas.shown
    desk.pictures.worker.held = True
    desk.session.set_dimension(0, 1.0)
    path = save(desk, qtbot, ExportChoice("picture", scale=1), tmp_path / "face.png")
    assert np.array_equal(pixels(path), shown.pictures[0, ..., 0])
    assert np.array_equal(recipe_in(path).codes, shown.request.codes)
    assert not np.array_equal(recipe_in(path).codes[0], desk.session.code)


def test_the_ends_of_a_strip_are_its_sources(desk, qtbot, tmp_path):
    anchor = desk.session.anchors["A"]
    desk.session.set_anchor("A", replace(anchor, picture=RED, label="red.png"))
    path = save(desk, qtbot, ExportChoice("strip", scale=1), tmp_path / "strip.png")
    assert np.array_equal(pixels(path)[:, :8], RED)
    desk.session.set_strip(ends="decoded")
    path = save(desk, qtbot, ExportChoice("strip", scale=1), tmp_path / "strip.png")
    assert pixels(path).ndim == 2


def test_names_and_notes_stand_on_the_sheet(desk, qtbot, tmp_path):
    plain = save(desk, qtbot, ExportChoice("sheet"), tmp_path / "plain.png")
    desk.session.name_dimension(1, "头发长度")
    desk.session.note_dimension(1, "also the head")
    named = save(desk, qtbot, ExportChoice("sheet"), tmp_path / "named.png")
    assert "z2 头发长度\nalso the head" in recipe_in(named).labels
    assert pixels(named).shape[1] > pixels(plain).shape[1]
    bare = save(desk, qtbot, ExportChoice("sheet", captions=False), tmp_path / "bare.png")
    assert pixels(bare).shape[1] < pixels(plain).shape[1]


def test_what_cannot_be_exported_now_is_said(desk, qtbot, tmp_path):
    desk.session.set_anchor("B", None)
    desk.exporter.save(ExportChoice("strip"), str(tmp_path / "x.png"))
    desk.exporter.save(ExportChoice("reconstructions"), str(tmp_path / "x.png"))
    desk.exporter.save(ExportChoice("picture"), str(tmp_path / "x.bmp"))
    desk.exporter.save(ExportChoice("picture"), str(tmp_path / "nowhere" / "x.png"))
    assert [level for level, *_ in desk.told] == ["error"] * 4
    assert all(text.endswith((".", ".gif")) for _, text, _ in desk.told)
    assert not (tmp_path / "x.png").exists()


def test_a_cancelled_export_writes_nothing_and_takes_its_bar_away(desk, qtbot, tmp_path):
    desk.pictures.worker.held = True
    desk.exporter.save(ExportChoice("samples"), str(tmp_path / "x.png"))
    assert desk.pictures.is_waiting("export")
    desk.window.work_cancelled.emit("export:1")
    assert not desk.pictures.is_waiting("export")
    desk.pictures.worker.release()
    assert not (tmp_path / "x.png").exists()
    assert desk.told[-1][0] == "info"


def test_a_file_that_was_written_before_the_cancel_is_not_denied(desk, qtbot, tmp_path, monkeypatch):
    gate, real = threading.Event(), making.save

    def held_save(*args):
        assert gate.wait(WAIT / 1000)
        real(*args)

    monkeypatch.setattr(making, "save", held_save)
    desk.exporter.save(ExportChoice("samples", count=4), str(tmp_path / "x.png"))
    desk.window.work_cancelled.emit("export:1")
    assert desk.told == []
    gate.set()
    qtbot.waitUntil(lambda: bool(desk.told), timeout=WAIT)
    assert (tmp_path / "x.png").exists()
    assert "written before it could be stopped" in desk.told[-1][1]


def test_pictures_that_were_read_for_another_model_are_dropped(desk, qtbot, tmp_path, monkeypatch):
    gate, real = threading.Event(), images.read_pictures

    def held_read(*args):
        assert gate.wait(WAIT / 1000)
        return real(*args)

    monkeypatch.setattr(images, "read_pictures", held_read)
    Image.fromarray(RED).save(tmp_path / "red.png")
    desk.exporter.encode(str(tmp_path / "red.png"), 18)
    other = tmp_path / "other.safetensors"
    config = {"height": 8, "width": 8, "hidden": [32, 16], "latent_dim": 4}
    save_native(other, fakes.tiny_vae(name="other"), config=config)
    desk.session.open(open_latent(other))
    gate.set()
    qtbot.waitUntil(lambda: not desk.jobs.is_running(READING), timeout=WAIT)
    assert not [request for request in desk.pictures.worker.requests if request.slot == ENCODING]


# ---- the dialog ----


def control(dialog, kind, name):
    return next(widget for widget in dialog.findChildren(kind) if widget.objectName() == name)


def waits_for_preview(desk, qtbot, kind):
    desk.dialog.open_at(kind)
    qtbot.waitUntil(lambda: bool(desk.dialog.preview.frames), timeout=WAIT)
    qtbot.waitUntil(lambda: not desk.jobs.is_running(export_dialog.JOB), timeout=WAIT)


def test_the_preview_is_the_page_and_follows_the_session(desk, qtbot, tmp_path):
    waits_for_preview(desk, qtbot, "samples")
    before = desk.dialog.preview.frames[0].copy()
    path = save(desk, qtbot, desk.dialog.choice, tmp_path / "samples.png")
    with Image.open(path) as page:
        assert (before.width(), before.height()) == page.size
        assert before.pixelColor(200, 200).red() == page.getpixel((200, 200))
    desk.session.randomize(9)
    qtbot.waitUntil(lambda: desk.dialog.preview.frames[0] != before, timeout=WAIT)


@pytest.mark.parametrize("kind", [kind for kind in TITLES if kind != "reconstructions"])
def test_every_kind_has_a_preview(desk, qtbot, kind):
    waits_for_preview(desk, qtbot, kind)
    assert desk.dialog.button.isEnabled()
    assert "pixels" in desk.dialog.facts


def test_pages_are_laid_out_one_at_a_time_and_the_newest_wins(desk, qtbot, monkeypatch):
    waits_for_preview(desk, qtbot, "samples")
    gate, laid, real = threading.Event(), [], making.page

    def held_page(recipe, pictures):
        laid.append(recipe)
        assert gate.wait(WAIT / 1000)
        return real(recipe, pictures)

    monkeypatch.setattr(making, "page", held_page)
    for seed in (1, 2, 3):
        asked = len(desk.pictures.worker.requests)
        desk.session.randomize(seed)
        qtbot.waitUntil(
            lambda asked=asked: export_dialog.SLOT in [r.slot for r in desk.pictures.worker.requests[asked:]],
            timeout=WAIT,
        )
    qtbot.waitUntil(lambda: bool(laid), timeout=WAIT)
    gate.set()
    qtbot.waitUntil(lambda: not desk.jobs.is_running(export_dialog.JOB), timeout=WAIT)
    assert [recipe.settings["seed"] for recipe in laid] == [1, 3]


def test_why_there_is_nothing_stands_in_the_place_of_the_preview(desk, qtbot):
    desk.dialog.open_at("reconstructions")
    qtbot.waitUntil(lambda: "Choose the pictures" in desk.dialog.preview.text)
    assert not desk.dialog.button.isEnabled()


def test_a_film_moves_in_the_preview_and_only_films_have_a_pace(desk, qtbot):
    waits_for_preview(desk, qtbot, "strip")
    assert len(desk.dialog.preview.frames) == 1
    assert control(desk.dialog, QSpinBox, "milliseconds").isHidden()
    box = desk.dialog.form.findChildren(QComboBox)[0]
    box.setCurrentIndex(2)
    box.activated.emit(2)
    qtbot.waitUntil(lambda: len(desk.dialog.preview.frames) == 9, timeout=WAIT)
    assert not control(desk.dialog, QSpinBox, "milliseconds").isHidden()
    control(desk.dialog, QCheckBox, "film").click()
    qtbot.waitUntil(lambda: len(desk.dialog.preview.frames) == 1, timeout=WAIT)


def test_the_last_choice_is_remembered(desk, qtbot):
    waits_for_preview(desk, qtbot, "sheet")
    control(desk.dialog, QSpinBox, "margin").setValue(17)
    again = ExportDialog(desk.session, desk.pictures, desk.jobs, desk.exporter, desk.window)
    assert again.choice.kind == "sheet"
    assert again.choice.margin == 17
    assert control(again, QSpinBox, "margin").value() == 17


def test_export_asks_for_a_place_and_writes_there(desk, qtbot, tmp_path, monkeypatch):
    asked = []

    def answer(parent, title, name, kinds):
        asked.append((name, kinds))
        return str(tmp_path / name)

    monkeypatch.setattr(file_dialogs, "ask_save", answer)
    waits_for_preview(desk, qtbot, "manifold")
    with qtbot.waitSignal(desk.exporter.exported, timeout=WAIT) as done:
        qtbot.mouseClick(control_by_text(desk.dialog, "Export…"), Qt.MouseButton.LeftButton)
    assert asked == [("faces manifold.png", "PNG (*.png)")]
    assert recipe_in(Path(done.args[0])).kind == "manifold"


def control_by_text(dialog, text):
    return next(button for button in dialog.findChildren(QPushButton) if button.text() == text)


def test_what_became_of_an_export_is_said_in_the_dialog(desk, qtbot, tmp_path, monkeypatch):
    waits_for_preview(desk, qtbot, "samples")
    place = tmp_path / "missing" / "x.png"
    monkeypatch.setattr(file_dialogs, "ask_save", lambda *_: str(place))
    desk.dialog.button.click()
    assert desk.dialog.said.isVisible()
    assert "missing" in desk.dialog.said.text()
    assert desk.dialog.said.property("level") == "error"
    place.parent.mkdir()
    with qtbot.waitSignal(desk.exporter.exported, timeout=WAIT):
        desk.dialog.button.click()
    assert desk.dialog.said.text() == f"Saved {place}."
    control(desk.dialog, QSpinBox, "margin").setValue(3)
    assert not desk.dialog.said.isVisible()


def test_escape_stops_a_long_export_before_it_closes(desk, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(work_area, "PATIENCE", 0)
    waits_for_preview(desk, qtbot, "samples")
    desk.pictures.worker.held = True
    desk.exporter.save(ExportChoice("samples", count=50), str(tmp_path / "x.png"))
    qtbot.waitUntil(lambda: "x.png" in desk.dialog.work.text, timeout=WAIT)
    qtbot.keyClick(desk.dialog, Qt.Key.Key_Escape)
    assert desk.dialog.isVisible()
    assert not desk.pictures.is_waiting("export:")
    qtbot.waitUntil(lambda: desk.dialog.work.text == "")
    qtbot.keyClick(desk.dialog, Qt.Key.Key_Escape)
    assert not desk.dialog.isVisible()


def test_samples_of_a_seed_that_was_typed(desk, qtbot, tmp_path):
    from explorer.latent.sampling import sample

    path = save(desk, qtbot, ExportChoice("samples", count=4, seed=31), tmp_path / "s.png")
    assert np.array_equal(recipe_in(path).codes, sample(desk.session.space, 4, 31))


def test_the_rows_of_a_sheet_stand_as_in_the_window(desk, qtbot, tmp_path):
    from explorer.latent.activity import judge

    desk.session.set_activity(judge(None, np.array([1, 4, 3, 2], np.float32)))
    assert recipe_in(save(desk, qtbot, ExportChoice("sheet"), tmp_path / "a.png")).settings["dims"] == [
        1,
        2,
        3,
        0,
    ]
    desk.session.set_rows(order="number")
    assert recipe_in(save(desk, qtbot, ExportChoice("sheet"), tmp_path / "b.png")).settings["dims"] == [
        0,
        1,
        2,
        3,
    ]


def test_a_closed_dialog_asks_for_nothing(desk, qtbot):
    waits_for_preview(desk, qtbot, "samples")
    desk.dialog.close()
    asked = len([r for r in desk.pictures.worker.requests if r.slot == export_dialog.SLOT])
    desk.session.randomize(4)
    QApplication.processEvents()
    assert len([r for r in desk.pictures.worker.requests if r.slot == export_dialog.SLOT]) == asked


def test_reconstructions_show_the_error_of_each(desk, qtbot, tmp_path):
    encode(desk, qtbot, tmp_path, 2)
    recipe = recipe_in(save(desk, qtbot, ExportChoice("reconstructions"), tmp_path / "pairs.png"))
    model = desk.session.model
    decoded = np.rint(Renderer("cpu").decode(model, recipe.codes)[:, 0] * 255)
    sources = np.stack(recipe.sources)[..., 0].astype(float)
    assert np.allclose(recipe.settings["errors"], ((decoded - sources) ** 2).mean(axis=(1, 2)))


def test_a_recipe_says_how_exactly_the_window_decodes(desk, qtbot, tmp_path):
    assert recipe_in(save(desk, qtbot, ExportChoice("samples"), tmp_path / "a.png")).precision == "exact"
    desk.exporter = Exporter(desk.session, desk.pictures, desk.jobs, desk.window, "fast")
    assert recipe_in(save(desk, qtbot, ExportChoice("samples"), tmp_path / "b.png")).precision == "fast"


def test_a_recipe_needs_a_model():
    with pytest.raises(ExplorerError):
        recipe_of(ExportChoice(), Session(), Subject())


def test_more_pixels_than_a_page_can_hold_are_refused_before_they_are_decoded(desk, monkeypatch, tmp_path):
    monkeypatch.setattr("explorer.export.layout.MOST_PIXELS", 1000)
    desk.exporter.save(ExportChoice("samples", count=64), str(tmp_path / "x.png"))
    assert desk.told[-1][0] == "error"
    assert not [request for request in desk.pictures.worker.requests if request.slot.startswith("export")]
    assert not desk.pictures.is_waiting("export")
