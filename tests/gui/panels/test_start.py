"""The start page: cards that come alive, recent files, a place to drop."""

from itertools import combinations

import fakes
import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea

from explorer.formats import Opened
from explorer.gui import theme
from explorer.gui.panels.start import RecentFile, StartPage
from explorer.gui.session import Session
from explorer.gui.widgets import model_card
from explorer.models.base import ImageSpec, StageModel


class Inverted(torch.nn.Module):
    """Turns light to dark."""

    def forward(self, images):
        return 1 - images


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def page(qtbot, session, tiny_model):
    theme.apply_theme(QApplication.instance(), theme.LIGHT)
    page = StartPage(session, fakes.instant_pictures(session))
    qtbot.addWidget(page)
    page.resize(620, 600)
    page.set_models([("tiny", "model"), ("other", "stage")])
    return page


def test_a_card_asks_for_its_network_when_it_is_seen_without_a_picture(page, qtbot, tiny_model):
    asked = []
    page.card_wanted.connect(asked.append)
    page.show()
    qtbot.waitExposed(page)
    assert asked == ["tiny", "other"]
    page.show_model("tiny", Opened(tiny_model))
    page.hide()
    page.show()
    assert asked == ["tiny", "other", "other"]


def test_a_card_goes_through_decoded_pictures_only_while_it_is_looked_at(page, qtbot, tiny_model):
    page.show()
    page.show_model("tiny", Opened(tiny_model))
    card = page.cards["tiny"]
    assert len(card.frames) == 45
    assert len({frame.pixelColor(3, 3).red() for frame in card.frames}) > 3
    assert "4-D" in card.accessibleName()
    assert not card.is_alive
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.cards["other"].setFocus(Qt.FocusReason.TabFocusReason)
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: card.is_alive)
    before = card.grab().toImage()
    qtbot.waitUntil(lambda: card.grab().toImage() != before)
    page.cards["other"].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(lambda: not card.is_alive)


def test_the_card_of_a_stage_shows_pictures_that_went_through_it(page, tiny_model):
    page.show()
    stage = StageModel(Inverted(), name="other", architecture="test", input=ImageSpec(1), output=ImageSpec(1))
    page.show_model("tiny", Opened(tiny_model))
    page.show_stage("other", stage, Opened(tiny_model))
    plain, staged = (page.cards[name].frames[0].pixelColor(3, 3).red() for name in ("tiny", "other"))
    assert abs(plain + staged - 255) <= 1


def test_mouse_and_keys_open_what_a_card_stands_for(page, qtbot):
    page.show()
    with qtbot.waitSignal(page.open_wanted) as wanted:
        qtbot.mouseClick(page.cards["other"], Qt.MouseButton.LeftButton)
    assert wanted.args == ["other"]
    with qtbot.waitSignal(page.open_wanted) as wanted:
        qtbot.keyClick(page.cards["tiny"], Qt.Key.Key_Return)
    assert wanted.args == ["tiny"]


def test_recent_files_open_and_lost_ones_are_grey(page, qtbot, tmp_path):
    page.set_recent([RecentFile("/models/a.pth", "a"), RecentFile("/gone/b.pth", "b", is_there=False)])
    page.show()
    buttons = [b for b in page.findChildren(QPushButton) if b.accessibleName().startswith("Open ")]
    assert [b.isEnabled() for b in buttons] == [True, False]
    with qtbot.waitSignal(page.open_wanted) as wanted:
        qtbot.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    assert wanted.args == ["/models/a.pth"]


def test_a_click_on_the_place_to_drop_asks_for_a_file(page, qtbot):
    page.show()
    with qtbot.waitSignal(page.browse_wanted):
        qtbot.mouseClick(page.drop, Qt.MouseButton.LeftButton)


def test_cards_wrap_where_there_is_little_room(page, qtbot):
    page.show()
    first, second = page.cards.values()
    assert first.y() == second.y()
    page.resize(model_card.WIDTH + 40, 600)
    qtbot.waitUntil(lambda: second.y() > first.y())


EIGHT = (
    *("anime-faces", "digits-2d", "faces-64", "faces-wgan-gp", "twin-faces"),
    *("anime-colorizer", "hair-translate", "hair-translate-back"),
)


@pytest.mark.parametrize("size", [(520, 463), (319, 298), (980, 600)], ids=str)
def test_eight_cards_have_room_without_scrolling(page, qtbot, size):
    page.set_models([(name, "model") for name in EIGHT])
    page.resize(*size)
    page.show()
    qtbot.waitExposed(page)
    scroll = page.findChild(QScrollArea)
    seen = scroll.viewport().rect()
    for card in page.cards.values():
        place = card.rect().translated(card.mapTo(scroll.viewport(), card.rect().topLeft()))
        assert seen.contains(place), (card.key, place)
    places = [card.geometry() for card in page.cards.values()]
    assert not any(one.intersects(other) for one, other in combinations(places, 2))


def test_few_cards_are_as_large_as_they_can_be(page, qtbot):
    page.resize(620, 600)
    page.show()
    assert {card.width() for card in page.cards.values()} == {model_card.WIDTH}
    page.set_models([(name, "model") for name in EIGHT])
    assert {card.width() < model_card.WIDTH for card in page.cards.values()} == {True}
