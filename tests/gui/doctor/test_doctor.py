"""The doctor in the whole window, with its real jobs and its real decode thread: what a person does and sees."""

import json

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from real_window import WAIT, open_and_wait, shown

from explorer.gui import file_dialogs

HINTS = "faces.hints.json"


@pytest.fixture
def doubtful(doctored, tmp_path):
    return doctored(tmp_path / "faces.pth")


@pytest.fixture
def unfamiliar(doctored, tmp_path):
    return doctored(tmp_path / "faces.pth", "unfamiliar")


def rest(qtbot, app):
    qtbot.waitUntil(lambda: app.doctor.dialog.is_at_rest and not app.jobs.is_running("open"), timeout=WAIT)


@pytest.fixture
def examined(running, qtbot, doubtful):
    """The window with a model whose guesses are doubtful, and the doctor at it."""
    open_and_wait(qtbot, running, doubtful)
    running.window.actions_by_name["doctor"].trigger()
    rest(qtbot, running)
    return running


def dialog_of(app):
    return app.doctor.dialog


def grabbed(widget):
    """What is painted, uint8 (H, W, 3)."""
    image = widget.grab().toImage().convertToFormat(widget.grab().toImage().Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def painted(app):
    return grabbed(dialog_of(app).grid)


def pick(qtbot, app, hint, value):
    """Choose from the list of a field, as a click in it does."""
    field = dialog_of(app).form.rows[hint].field
    place = field.findText(value)
    assert place >= 0, [field.itemText(place) for place in range(field.count())]
    field.setCurrentIndex(place)
    field.activated.emit(place)
    rest(qtbot, app)


def type_in(qtbot, app, hint, text):
    """Type into a field and press Enter."""
    field = dialog_of(app).form.rows[hint].field
    edit = field.lineEdit() if hasattr(field, "lineEdit") else field
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)
    rest(qtbot, app)


def click(button):
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


# ---- it comes ----


def test_a_file_that_nobody_understands_brings_it_and_its_first_words_name_the_hint(
    running, qtbot, unfamiliar
):
    running.opener.open(str(unfamiliar))
    qtbot.waitUntil(lambda: "dialog" in vars(running.doctor), timeout=WAIT)
    rest(qtbot, running)
    dialog = dialog_of(running)
    assert dialog.isVisible()
    assert dialog.headline.text() == "The picture's size is needed: choose it below."
    assert dialog.form.order[0] == "image"
    row = dialog.form.rows["image"]
    assert (row.word.text(), row.field.currentText()) == ("needed", "")
    assert "64 numbers" in dialog.misfits.text()
    assert "leaves the picture's size open" in dialog.said.text()
    assert not dialog.grid.pictures
    assert dialog.findings.currentWidget() is dialog.findings.tensors
    assert not dialog.keep_button.isEnabled()
    assert "leaves the picture's size open" in running.window.canvas.notice.text

    pick(qtbot, running, "image", "1x8x8")
    assert len(dialog.grid.pictures) == 9
    assert dialog.findings.currentWidget() is dialog.findings.layers
    assert dialog.headline.text().startswith("The activation between the layers is a guess")


def test_of_a_file_that_leads_nowhere_the_last_resorts_come_first(running, qtbot, doctored, tmp_path):
    running.opener.open(str(doctored(tmp_path / "faces.pth", "hopeless")))
    qtbot.waitUntil(lambda: "dialog" in vars(running.doctor), timeout=WAIT)
    rest(qtbot, running)
    dialog = dialog_of(running)
    assert dialog.headline.text().startswith(
        "No network came of it; the picture's size, the first map or the"
    )
    assert dialog.form.order[:3] == ("image", "start", "layers")
    assert dialog.misfits.text() == "Nothing leads from a code to a picture."
    type_in(qtbot, running, "layers", "linear relu linear sigmoid")
    assert len(dialog.grid.pictures) == 9


def test_of_a_file_that_holds_something_else_that_is_said_once(running, qtbot, doctored, tmp_path):
    running.opener.open(str(doctored(tmp_path / "faces.pth", "judge")))
    qtbot.waitUntil(lambda: "dialog" in vars(running.doctor), timeout=WAIT)
    rest(qtbot, running)
    dialog = dialog_of(running)
    assert "seems to judge pictures" in dialog.headline.text()
    assert dialog.said.text() == ""
    assert "no generator" in dialog.grid.text
    dialog.resize(640, 480)
    type_in(qtbot, running, "image", "huge")
    qtbot.waitUntil(lambda: "The hint image" in dialog.said.text(), timeout=WAIT)
    assert dialog.said.width() > dialog.form.width(), "a long sentence has room"
    assert dialog.said.mapTo(dialog, QPoint(0, dialog.said.height())).y() <= dialog.height()


def test_a_model_with_doubtful_guesses_is_offered_for_a_check(running, qtbot, doubtful, doctored, tmp_path):
    open_and_wait(qtbot, running, doubtful)
    notice = running.window.canvas.notice
    assert notice.text == "Guessed: relu between the layers, sigmoid at the end."
    click(next(b for b in notice.findChildren(QPushButton) if "Check" in b.text().replace("&", "")))
    rest(qtbot, running)
    assert dialog_of(running).isVisible()
    running.session.randomize(3)
    open_and_wait(qtbot, running, doctored(tmp_path / "plain.pth", "plain"))
    assert not notice.isVisible(), "another model takes the offer away"


def test_of_a_model_that_says_everything_it_says_so(faces, qtbot):
    faces.window.actions_by_name["doctor"].trigger()
    rest(qtbot, faces)
    dialog = dialog_of(faces)
    assert dialog.headline.text() == "Nothing was guessed: the file says everything itself."
    assert len(dialog.grid.pictures) == 9
    assert not dialog.form.isVisible()
    assert not dialog.findings.isVisible()
    assert not dialog.keep_button.isEnabled()


def test_without_a_model_it_asks_for_a_file(running, qtbot, doubtful, monkeypatch):
    monkeypatch.setattr(file_dialogs, "ask_open", lambda *_: str(doubtful))
    running.window.actions_by_name["doctor"].trigger()
    rest(qtbot, running)
    assert len(dialog_of(running).grid.pictures) == 9
    assert running.session.model is None


def test_a_file_that_cannot_be_read_at_all_is_told_in_it(running, qtbot, tmp_path, monkeypatch):
    path = tmp_path / "words.pth"
    path.write_text("only words")
    monkeypatch.setattr(file_dialogs, "ask_open", lambda *_: str(path))
    running.window.actions_by_name["doctor"].trigger()
    rest(qtbot, running)
    assert "text file" in dialog_of(running).said.text()
    assert not dialog_of(running).keep_button.isEnabled()


# ---- the picture lives ----


@pytest.mark.parametrize(
    ("hint", "value"), [("activation", "tanh"), ("output", "identity"), ("range", "-1..1"), ("prior", "uniform")]
)  # fmt: skip
def test_each_choice_changes_the_picture_and_the_way_back_brings_it_back(examined, qtbot, hint, value):
    before = painted(examined)
    pick(qtbot, examined, hint, value)
    row = dialog_of(examined).form.rows[hint]
    assert row.word.text() == "chosen"
    assert ("guessed was" in row.toolTip().lower()) == (hint != "range"), "what was guessed is not forgotten"
    assert not np.array_equal(painted(examined), before)
    click(row.back)
    rest(qtbot, examined)
    assert row.word.text() != "chosen"
    assert np.array_equal(painted(examined), before)


def test_the_pictures_are_those_that_the_engine_makes(examined, qtbot):
    import torch

    from explorer.gui.pictures import to_qimage
    from explorer.latent.sampling import sample
    from explorer.render.renderer import Renderer, to_uint8

    model = examined.session.model
    codes = sample(model.spaces["z"], 9, 0)
    pictures = to_uint8(torch.from_numpy(Renderer("cpu").decode(model, codes)))[0]
    assert [to_qimage(picture) for picture in pictures] == list(dialog_of(examined).grid.pictures)


def test_new_samples_are_others(examined, qtbot):
    before = painted(examined)
    click(dialog_of(examined).again)
    rest(qtbot, examined)
    assert not np.array_equal(painted(examined), before)


def test_what_does_not_fit_is_said_under_the_last_good_picture(examined, qtbot):
    dialog = dialog_of(examined)
    good = dialog.grid.pictures
    type_in(qtbot, examined, "image", "1x64x64")
    assert "too few numbers" in dialog.said.text()
    assert dialog.grid.pictures is good
    assert dialog.grid.is_old
    assert not dialog.keep_button.isEnabled()
    type_in(qtbot, examined, "image", "1x4x4")
    assert dialog.said.text() == ""
    assert not dialog.grid.is_old
    assert dialog.grid.pictures[0].width() == 4


def test_what_makes_no_sense_is_marked_and_nothing_is_built(examined, qtbot):
    dialog = dialog_of(examined)
    type_in(qtbot, examined, "image", "huge")
    row = dialog.form.rows["image"]
    assert row.field.property("invalid")
    assert "1x28x28" in dialog.said.text()
    assert not dialog.keep_button.isEnabled()
    assert dialog.chosen == {}
    type_in(qtbot, examined, "image", "1x8x8")
    assert not row.field.property("invalid")
    assert dialog.keep_button.isEnabled()


def test_the_whole_decoder_can_be_said_in_words_and_settles_what_the_layers_are(examined, qtbot):
    dialog = dialog_of(examined)
    row, before = dialog.form.rows["layers"], painted(examined)
    assert row.isVisible(), "seen without unfolding"
    assert (row.field.text, row.word.text()) == ("linear relu linear sigmoid", "doubtful")
    pick(qtbot, examined, "activation", "leaky_relu:0.2")
    assert row.field.text == "linear leaky_relu:0.2 linear sigmoid", "the words follow the other choices"

    type_in(qtbot, examined, "layers", "linear  tanh linear; sigmoid ")
    assert dialog.chosen == {"layers": "linear tanh linear sigmoid"}, "which say the activation, too"
    assert not np.array_equal(painted(examined), before)
    activation = dialog.form.rows["activation"]
    assert (activation.field.currentText(), activation.field.isEnabled()) == ("tanh", False)
    assert "layers of the decoder say it" in activation.field.toolTip()
    assert dialog.keep_button.isEnabled()

    click(row.back)
    rest(qtbot, examined)
    assert dialog.chosen == {}
    assert row.field.text == "linear relu linear sigmoid"
    assert activation.field.isEnabled()
    assert activation.word.text() == "doubtful", "the guess was not forgotten"
    assert np.array_equal(painted(examined), before)


@pytest.mark.parametrize(
    ("words", "eps"),
    [
        ("linear bn:eps0.8 relu", "0.8"),
        ("linear@a bn@b relu", "1e-05"),
        ("bn bn:eps0.8", None),
        ("linear", None),
    ],
)
def test_what_the_words_of_layers_say_of_the_norms(words, eps):
    from explorer.formats.diagnosis import Diagnosis, LayerFact
    from explorer.gui.doctor.choices import facts_of

    found = Diagnosis(layers=tuple(LayerFact("decoder", word) for word in words.split()))
    assert facts_of(None, found).get("eps") == eps


@pytest.mark.parametrize(
    ("words", "said"), [("linear relo linear", "relo"), ("linear relu", "has two linear layers")]
)
def test_words_that_are_no_decoder_leave_the_last_picture_and_say_why(examined, qtbot, words, said):
    dialog = dialog_of(examined)
    pick(qtbot, examined, "output", "tanh")
    headline, good = dialog.headline.text(), dialog.grid.pictures
    type_in(qtbot, examined, "layers", words)
    row = dialog.form.rows["layers"]
    assert said in dialog.said.text()
    assert dialog.grid.pictures is good
    assert dialog.grid.is_old
    assert row.field.text == words, "to be mended"
    assert row.field.property("invalid")
    assert not dialog.keep_button.isEnabled()
    assert dialog.headline.text() == headline
    assert dialog.findings.tabText(0) == "Layers (4)", "what was found is still there"
    type_in(qtbot, examined, "layers", "linear relu linear identity")
    assert dialog.said.text() == ""
    assert not row.field.property("invalid")
    assert not dialog.grid.is_old


def test_a_hint_that_changes_nothing_is_told(examined, qtbot, monkeypatch):
    from explorer.formats import heeding

    why = "The hint output changes nothing here, because nobody knows."
    monkeypatch.setattr(heeding, "unheeded", lambda *_: (why,))
    dialog = dialog_of(examined)
    pick(qtbot, examined, "output", "tanh")
    assert dialog.said.text() == why
    assert dialog.said.property("level") == "warning"
    assert not dialog.grid.is_old
    monkeypatch.setattr(heeding, "unheeded", lambda *_: ())
    pick(qtbot, examined, "output", "relu")
    assert dialog.said.text() == ""


def test_a_hint_that_fits_no_more_is_marked_in_its_row(examined, qtbot):
    dialog = dialog_of(examined)
    type_in(qtbot, examined, "image", "1x64x64")
    assert dialog.form.rows["image"].field.property("invalid")
    click(dialog.form.rows["image"].back)
    rest(qtbot, examined)
    assert not dialog.form.rows["image"].field.property("invalid")


def test_of_many_choices_in_a_row_the_last_one_is_shown(examined, qtbot):
    dialog = dialog_of(examined)
    pick(qtbot, examined, "output", "tanh")
    wanted = painted(examined)
    pick(qtbot, examined, "output", "sigmoid")
    field = dialog.form.rows["output"].field
    trials = []
    dialog._trials.tried.connect(trials.append)
    for value in ("identity", "relu", "hardtanh", "tanh"):
        field.setCurrentText(value)
        field.activated.emit(field.currentIndex())
    rest(qtbot, examined)
    assert dialog.chosen == {"output": "tanh"}
    assert np.array_equal(painted(examined), wanted)
    assert [dict(trial.hints) for trial in trials] == [{"output": "tanh"}], "the others were not waited for"


def test_another_model_in_the_window_leaves_it_alone(examined, qtbot, doctored, tmp_path):
    from explorer.formats import open_checkpoint

    before = painted(examined)
    open_and_wait(qtbot, examined, doctored(tmp_path / "plain.pth", "plain"))
    rest(qtbot, examined)
    assert np.array_equal(painted(examined), before)
    click(dialog_of(examined).again)
    assert not dialog_of(examined).is_at_rest
    examined.session.open(open_checkpoint(tmp_path / "plain.pth"))  # what was asked before is forgotten
    rest(qtbot, examined)
    assert not np.array_equal(painted(examined), before)


# ---- kept, forgotten ----


def test_keep_writes_the_hints_and_the_window_opens_the_file_by_them(examined, qtbot, doubtful, tmp_path):
    before = shown(examined).copy()
    pick(qtbot, examined, "output", "tanh")
    pick(qtbot, examined, "range", "-1..1")
    with qtbot.waitSignal(examined.session.model_changed, timeout=WAIT):
        click(dialog_of(examined).keep_button)
    assert not dialog_of(examined).isVisible()
    assert json.loads((tmp_path / HINTS).read_text()) == {"output": "tanh", "range": "-1..1"}
    qtbot.waitUntil(lambda: not np.array_equal(shown(examined), before), timeout=WAIT)
    assert examined.session.model.origin.hints == {"output": "tanh", "range": "-1..1"}

    examined.window.actions_by_name["doctor"].trigger()  # and it knows them again
    rest(qtbot, examined)
    dialog = dialog_of(examined)
    assert dialog.chosen == {"output": "tanh", "range": "-1..1"}
    assert dialog.form.rows["output"].word.text() == "kept"
    assert not dialog.keep_button.isEnabled()
    click(dialog.form.rows["range"].back)
    rest(qtbot, examined)
    assert dialog.keep_button.isEnabled()
    click(dialog.keep_button)
    rest(qtbot, examined)
    assert json.loads((tmp_path / HINTS).read_text()) == {"output": "tanh"}


def test_keep_shows_what_was_built_and_reads_nothing_again(examined, qtbot, monkeypatch):
    session, loads = examined.session, []
    session.name_dimension(1, "smile")
    pick(qtbot, examined, "output", "tanh")
    monkeypatch.setattr(examined.opener, "open", loads.append)
    click(dialog_of(examined).keep_button)
    assert session.model.origin.hints == {"output": "tanh"}
    assert session.title_of(1) == "smile", "what was said meanwhile is not lost"
    qtbot.waitUntil(lambda: not examined.pictures.is_waiting("canvas"), timeout=WAIT)
    examined.window.actions_by_name["doctor"].trigger()
    rest(qtbot, examined)
    pick(qtbot, examined, "output", "identity")
    assert len(dialog_of(examined).grid.pictures) == 9
    click(dialog_of(examined).keep_button)
    assert session.model.origin.hints == {"output": "identity"}
    assert loads == []


def test_keep_without_a_choice_says_that_the_guesses_are_right(examined, qtbot, tmp_path):
    click(dialog_of(examined).keep_button)
    assert json.loads((tmp_path / HINTS).read_text()) == {"activation": "relu", "output": "sigmoid"}
    qtbot.waitUntil(lambda: not examined.window.canvas.notice.isVisible(), timeout=WAIT)
    rest(qtbot, examined)
    assert examined.session.model.origin.hints


def test_forget_takes_the_file_away_and_the_guesses_hold_again(examined, qtbot, tmp_path):
    before = painted(examined)
    pick(qtbot, examined, "output", "tanh")
    click(dialog_of(examined).keep_button)
    rest(qtbot, examined)
    examined.window.actions_by_name["doctor"].trigger()
    rest(qtbot, examined)
    assert not np.array_equal(painted(examined), before)
    click(dialog_of(examined).forget_button)
    rest(qtbot, examined)
    assert not (tmp_path / HINTS).exists()
    assert np.array_equal(painted(examined), before)
    assert not dialog_of(examined).forget_button.isEnabled()


def test_hints_that_cannot_be_written_are_told_and_stay_chosen(examined, qtbot, monkeypatch):
    from explorer.errors import OutputError
    from explorer.formats import hints_writing

    def full(*_):
        raise OutputError("The disk is full; make room.")

    pick(qtbot, examined, "output", "tanh")
    monkeypatch.setattr(hints_writing, "write_hints", full)
    click(dialog_of(examined).keep_button)
    assert dialog_of(examined).said.text() == "The disk is full; make room."
    assert dialog_of(examined).isVisible()
    assert dialog_of(examined).chosen == {"output": "tanh"}


# ---- what was found ----


def test_layers_and_tensors_are_listed_with_their_certainty(examined):
    findings = dialog_of(examined).findings
    assert findings.tabText(0) == "Layers (4)"
    assert findings.tabText(1) == "Tensors (3, 1 not used)"
    layers, tensors = findings.layers.model(), findings.tensors.model()
    rows = [[layers.index(row, column).data() for column in range(5)] for row in range(layers.rowCount())]
    assert rows[0] == ["linear", "decoder.0", "32", "decoder", "stated"]
    assert rows[1] == ["relu", "", "32", "decoder", "doubtful"]
    assert [tensors.index(row, 3).data() for row in range(3)] == ["decoder", "decoder", "nothing"]


# ---- hands and room ----


def test_by_keyboard_alone(examined, qtbot, tmp_path):
    dialog = dialog_of(examined)
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=WAIT)
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None, timeout=WAIT)
    first = dialog.form.rows["activation"].field
    assert QApplication.focusWidget() in (first, first.lineEdit()), "the most doubtful choice has the keys"
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down)
    rest(qtbot, examined)
    assert dialog.chosen == {"activation": "leaky_relu:0.2"}
    QTest.keyClicks(QApplication.focusWidget(), "\t")
    seen = set()
    for _ in range(40):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        seen.add(QApplication.focusWidget())
    assert {dialog.keep_button, dialog.again, dialog.forget_button, dialog.form.fold} <= seen
    assert dialog.form.rows["output"].field in seen
    edit = first.lineEdit()
    edit.setFocus()
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert dialog.isVisible(), "Enter in a field keeps nothing"
    assert not (tmp_path / HINTS).exists()
    dialog.form.fold.setFocus()
    QTest.keyClick(dialog.form.fold, Qt.Key.Key_Return)
    assert dialog.form.rows["eps"].isVisible()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_everything_can_be_reached_in_a_small_window(examined, qtbot):
    dialog = dialog_of(examined)
    dialog.form.fold.click()
    assert dialog.findings.isVisible()
    dialog.resize(640, 480)
    qtbot.waitUntil(lambda: dialog.width() == 640, timeout=WAIT)
    assert dialog.height() == 480
    for widget in (dialog.keep_button, dialog.again, dialog.grid, dialog.headline):
        corner = widget.mapTo(dialog, QPoint(widget.width(), widget.height()))
        assert corner.x() <= dialog.width(), widget
        assert corner.y() <= dialog.height(), widget
    for place in dialog.grid.places():
        assert dialog.grid.rect().contains(place.toAlignedRect())
    area = dialog.form.parentWidget().parentWidget()
    assert area.verticalScrollBar().maximum() > 0
    assert dialog.form.width() <= area.viewport().width()
    assert min(dialog.grid.width(), dialog.grid.height()) >= 200
    assert not dialog.findings.isVisible(), "the lists are folded away"
    click(dialog.found)
    qtbot.waitUntil(dialog.findings.isVisible, timeout=WAIT)
    assert dialog.height() == 480
    click(dialog.found)
    assert not dialog.findings.isVisible()
    assert dialog.grid.isVisible()


def test_every_control_has_a_name(examined):
    for row in dialog_of(examined).form.rows.values():
        assert row.field.accessibleName() == row.choice.title
        assert row.back.accessibleName()
    for widget in (dialog_of(examined).grid, dialog_of(examined).keep_button, dialog_of(examined).again):
        assert widget.accessibleName()


def test_closing_it_while_it_reads_stops_that(running, qtbot, doubtful, monkeypatch):
    import threading

    from explorer import formats

    released = threading.Event()
    load = formats.READERS["doctored"].load

    def slow(reading):
        while not reading.should_stop() and not released.is_set():
            released.wait(0.01)
        return load(reading)

    import dataclasses

    monkeypatch.setitem(
        formats.READERS, "doctored", dataclasses.replace(formats.READERS["doctored"], load=slow)
    )
    running.doctor.dialog.examine(str(doubtful), "faces.pth")
    qtbot.wait(50)
    assert running.jobs.is_running("doctor")
    assert dialog_of(running).loading.isVisible()
    assert not dialog_of(running).form.parentWidget().isVisible(), "no empty room for choices"
    QTest.keyClick(dialog_of(running), Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not running.jobs.is_running("doctor"), timeout=WAIT)
    assert not dialog_of(running).isVisible()
    assert not dialog_of(running).grid.pictures


def test_choices_that_take_long_say_so_and_a_newer_one_stops_them(examined, qtbot, monkeypatch):
    import dataclasses
    import threading

    from explorer import formats

    reader = formats.READERS["doctored"]
    began, stopped = threading.Event(), threading.Event()

    def slow(loaded, reading):
        if reading.hints.told == {"output": "relu"}:
            began.set()
            while not reading.should_stop():
                began.wait(0.01)
            stopped.set()
        return reader.build(loaded, reading)

    dialog = dialog_of(examined)
    monkeypatch.setattr(dialog._trials._examination, "_reader", dataclasses.replace(reader, build=slow))
    field = dialog.form.rows["output"].field
    field.setCurrentText("relu")
    field.activated.emit(field.currentIndex())
    qtbot.waitUntil(lambda: dialog.said.text() == "Trying these choices…", timeout=WAIT)
    assert dialog.grid.is_old
    assert dialog.grid.pictures, "the last good ones stay"
    pick(qtbot, examined, "output", "tanh")
    assert stopped.is_set()
    assert dialog.said.text() == ""
    assert not dialog.grid.is_old
    assert dialog.chosen == {"output": "tanh"}


def test_what_the_window_read_is_not_read_again(running, qtbot, doubtful, monkeypatch):
    import dataclasses

    from explorer import formats

    open_and_wait(qtbot, running, doubtful)
    loads = []
    reader = dataclasses.replace(formats.READERS["doctored"], load=loads.append)
    monkeypatch.setitem(formats.READERS, "doctored", reader)
    running.window.actions_by_name["doctor"].trigger()
    rest(qtbot, running)
    assert len(dialog_of(running).grid.pictures) == 9
    pick(qtbot, running, "output", "tanh")
    assert dialog_of(running).chosen == {"output": "tanh"}
    assert loads == []
