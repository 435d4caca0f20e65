"""The bar of stages: chips do what they say, refusals are told, nothing that does not fit is cut off."""

from functools import partial
from itertools import pairwise

import fakes
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog

from explorer import paths
from explorer.errors import StageError
from explorer.formats.notes import NO_NOTES
from explorer.gui.panels.canvas import Canvas
from explorer.gui.panels.stages import StagesBar
from explorer.gui.session import Session
from explorer.gui.widgets.chip import NAME_LIMIT
from explorer.models.base import ImageSpec, StageModel

LEFT = Qt.MouseButton.LeftButton
CHORD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class OpenedFake:
    """What a reader returns, without a file."""

    def __init__(self, model):
        self.model, self.code_book, self.notes = model, None, NO_NOTES
        self.root = self


def stage(name, into=1, out=1):
    """A stage that copies its first channel."""
    import torch

    class Copy(torch.nn.Module):
        def forward(self, images):
            return images[:, :1].expand(-1, out, -1, -1).clone()

    return StageModel(Copy(), name=name, architecture="test", input=ImageSpec(into), output=ImageSpec(out))


@pytest.fixture
def session(qapp, tiny_model):
    made = Session()
    made.open(OpenedFake(tiny_model))
    made.messages = []
    made.message.connect(lambda level, text: made.messages.append((level, text)))
    return made


@pytest.fixture
def bar(qtbot, session):
    pictures = fakes.instant_pictures(session)
    canvas = Canvas(session, pictures)  # asks for the pictures whose times the chips show
    made = StagesBar(session, pictures)
    made.canvas = canvas
    qtbot.addWidget(canvas)
    qtbot.addWidget(made)
    made.resize(700, 26)
    made.show()
    return made


def names(bar):
    """What runs, in the order in which the chips stand on the screen."""
    return [chip.text() for chip in sorted(bar.chips, key=lambda chip: chip.x()) if chip.isVisible()]


def order(session):
    return [entry.stage.name for entry in session.stages]


def mouse(chip, kind, x):
    at = QPointF(x, chip.height() / 2)
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else LEFT
    event = QMouseEvent(kind, at, chip.mapToGlobal(at), LEFT, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(chip, event)


def test_a_click_switches_off_and_on(bar, session, qtbot):
    session.add_stage(stage("sharpen"))
    (chip,) = bar.chips
    assert chip.isChecked()
    qtbot.mouseClick(chip, LEFT, pos=QPoint(20, 13))
    assert not session.stages[0].enabled
    assert not chip.isChecked()
    assert chip.figure == "off"
    qtbot.keyClick(chip, Qt.Key.Key_Space)
    assert session.stages[0].enabled
    session.undo()
    assert not chip.isChecked()


def test_the_chip_tells_its_milliseconds(bar, session, qtbot):
    session.add_stage(stage("sharpen"))
    (chip,) = bar.chips
    qtbot.waitUntil(lambda: chip.figure.endswith(" ms"))
    assert chip.accessibleDescription() == f"on, takes {chip.figure}"
    before = chip.width()
    bar._milliseconds["sharpen"] = 87.4
    bar._refresh_figures()
    assert chip.figure == "87 ms"
    assert chip.sizeHint().width() == before  # nothing jumps


def test_the_cross_and_delete_take_a_stage_out(bar, session, qtbot):
    session.add_stage(stage("one"))
    session.add_stage(stage("two"))
    first, second = bar.chips
    qtbot.mouseClick(first, LEFT, pos=first.cross_rect().center().toPoint())
    assert order(session) == ["two"]
    assert session.stages[0].enabled
    qtbot.keyClick(second, Qt.Key.Key_Delete)
    assert order(session) == []
    assert bar.chips == []


def test_control_shift_arrows_reorder_and_the_chip_keeps_the_focus(bar, session, qtbot):
    for name in ("one", "two", "three"):
        session.add_stage(stage(name))
    chip = bar.chips[0]
    chip.setFocus()
    for _ in range(3):  # one more than there are places
        qtbot.keyClick(chip, Qt.Key.Key_Right, CHORD)
    assert order(session) == ["two", "three", "one"]
    assert names(bar) == order(session)
    assert bar.chips[2] is chip
    qtbot.keyClick(chip, Qt.Key.Key_Left, CHORD)
    assert order(session) == ["two", "one", "three"]


def test_dragging_a_chip_reorders_when_it_is_dropped(bar, session):
    for name in ("one", "two", "three"):
        session.add_stage(stage(name))
    chip = bar.chips[0]
    mouse(chip, QEvent.Type.MouseButtonPress, 20)
    for _ in range(12):
        mouse(chip, QEvent.Type.MouseMove, 20 + 25)
    assert order(session) == ["one", "two", "three"]  # not before it is dropped
    assert names(bar)[-1] == "one"
    mouse(chip, QEvent.Type.MouseButtonRelease, 45)
    assert order(session) == ["two", "three", "one"]
    assert all(entry.enabled for entry in session.stages)  # a drag is no click
    assert names(bar) == order(session)
    session.undo()
    assert names(bar) == ["one", "two", "three"]


def test_a_small_tremble_is_a_click(bar, session):
    session.add_stage(stage("one"))
    (chip,) = bar.chips
    mouse(chip, QEvent.Type.MouseButtonPress, 20)
    mouse(chip, QEvent.Type.MouseMove, 22)
    mouse(chip, QEvent.Type.MouseButtonRelease, 22)
    assert not session.stages[0].enabled


def test_what_does_not_fit_is_refused_with_both_shapes_and_the_chip_shows_the_truth(bar, session, qtbot):
    session.add_stage(stage("colour", 1, 3))
    session.add_stage(stage("tint", 3, 3))
    first, second = bar.chips
    qtbot.mouseClick(first, LEFT, pos=QPoint(20, 13))  # tint would get grey pictures
    assert first.isChecked()
    assert session.stages[0].enabled
    level, text = session.messages[-1]
    assert level == "error"
    assert str(ImageSpec(3)) in text
    assert str(session.model.image) in text
    qtbot.keyClick(second, Qt.Key.Key_Left, CHORD)
    assert names(bar) == ["colour", "tint"]
    assert len(session.messages) == 2
    with pytest.raises(StageError):
        session.add_stage(stage("grey only", 1, 1))


def test_the_menu_of_a_chip_has_everything_the_mouse_has(bar, session):
    session.add_stage(stage("one"))
    session.add_stage(stage("two"))
    menu = bar.make_menu(session.stages[1].id)
    actions = {action.text().split("\t")[0]: action for action in menu.actions()}
    assert list(actions) == ["Switch off", "Run earlier", "Run later", "Remove"]
    assert not actions["Run later"].isEnabled()
    actions["Run earlier"].trigger()
    assert order(session) == ["two", "one"]
    actions["Remove"].trigger()
    assert order(session) == ["one"]


def test_plus_stage_offers_what_is_bundled_and_a_file(bar, qtbot, monkeypatch):
    bar.set_choices([("anime-colorizer", "/models/anime-colorizer.safetensors")])
    actions = {action.text(): action for action in bar.make_add_menu().actions() if action.text()}
    assert list(actions) == ["anime-colorizer", "Open a file…"]
    with qtbot.waitSignal(bar.stage_wanted) as wanted:
        actions["anime-colorizer"].trigger()
    assert wanted.args == ["/models/anime-colorizer.safetensors"]
    bar.set_choices([(name, str(paths.bundled()[name])) for name in ("anime-colorizer", "hair-translate")])
    enabled = {action.text(): action.isEnabled() for action in bar.make_add_menu().actions() if action.text()}
    # the pictures are grey
    assert enabled == {"anime-colorizer": True, "hair-translate": False, "Open a file…": True}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/home/me/mine.pt", ""))
    with qtbot.waitSignal(bar.stage_wanted) as wanted:
        actions["Open a file…"].trigger()
    assert wanted.args == ["/home/me/mine.pt"]


def test_without_choices_plus_stage_asks_for_a_file_at_once(bar, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    wanted = []
    bar.stage_wanted.connect(wanted.append)
    qtbot.mouseClick(bar._add, LEFT)
    assert wanted == []  # cancelled
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/home/me/mine.pt", ""))
    qtbot.keyClick(bar._add, Qt.Key.Key_Return)
    assert wanted == ["/home/me/mine.pt"]


def test_without_a_model_plus_stage_is_off_and_says_why(qtbot, qapp):
    session = Session()
    bar = StagesBar(session, fakes.instant_pictures(session))
    qtbot.addWidget(bar)
    assert not bar._add.isEnabled()
    assert "Open a model first" in bar._add.toolTip()


def test_while_a_stage_is_loaded_it_says_so(bar):
    bar.set_busy("opening sharpen…")
    assert (bar._add.text(), bar._add.isEnabled()) == ("opening sharpen…", False)
    bar.set_busy()
    assert (bar._add.text(), bar._add.isEnabled()) == ("+ stage", True)


def test_what_has_no_room_folds_into_a_menu(bar, session, qtbot):
    for number in range(6):
        session.add_stage(stage(f"stage number {number}"))
    bar.resize(bar.sizeHint())
    assert bar.folded == []
    bar.resize(400, 26)
    shown, folded = names(bar), [entry.stage.name for entry in bar.folded]
    assert shown + folded == order(session)
    assert len(shown) >= 1
    assert bar._more.text() == f"{len(folded)} more"
    assert bar._add.geometry().right() < 400
    assert all(chip.geometry().right() < bar._more.x() for chip in bar.chips if chip.isVisible())
    bar.resize(bar.minimumSizeHint())
    assert names(bar) == []
    assert bar._add.geometry().right() < bar.width()


def test_nothing_overlaps_and_names_are_whole(bar, session):
    for name in ("anime-colorizer", "sharpen", "summer to winter"):
        session.add_stage(stage(name))
    bar.resize(bar.sizeHint())
    chips = [*bar.chips, bar._add]
    assert all(one.geometry().right() < other.x() for one, other in pairwise(chips))
    assert all(chip.shown_name == chip.text() for chip in bar.chips)


def test_a_very_long_name_is_cut_and_whole_in_the_tooltip(bar, session):
    name = "a-very-long-name-that-somebody-gave-to-a-stage-once-upon-a-time"
    session.add_stage(stage(name))
    (chip,) = bar.chips
    assert "…" in chip.shown_name
    assert chip.fontMetrics().horizontalAdvance(chip.shown_name) <= NAME_LIMIT
    assert name in chip.toolTip()
    assert name in chip.accessibleName()


def test_chips_say_what_they_are(bar, session):
    session.add_stage(stage("sharpen"))
    for chip in (*bar.chips, bar._add):
        assert chip.toolTip()
        assert chip.accessibleName()
    bar.grab()  # paints without complaint


def test_a_chip_that_is_dragged_over_the_edge_stays_inside(bar, session):
    session.add_stage(stage("one"))
    (chip,) = bar.chips
    move = partial(mouse, chip, QEvent.Type.MouseMove)
    mouse(chip, QEvent.Type.MouseButtonPress, 20)
    move(2000)
    assert chip.geometry().right() < bar.width()
    mouse(chip, QEvent.Type.MouseButtonRelease, 20)
    assert order(session) == ["one"]
