"""The menus: what was opened lately, keys that mean one thing, entries for every command."""

from collections import Counter
from pathlib import Path

import fakes
import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QMenu, QMenuBar

from explorer.formats import Opened, recent
from explorer.gui.actions import COMMANDS
from explorer.gui.main_window import MainWindow
from explorer.gui.menus import EXPORTS
from explorer.gui.recent_menu import RecentMenu
from explorer.gui.session import Session


@pytest.fixture
def menu(qtbot):
    menu = RecentMenu()
    qtbot.addWidget(menu)
    return menu


@pytest.fixture
def window(qtbot):
    session = Session()
    window = MainWindow(session, fakes.instant_pictures(session))
    qtbot.addWidget(window)
    return window


def opened_before(folder, *names):
    """Have files opened one after the other."""
    for name in names:
        path = folder / name
        path.write_bytes(b"x")
        recent.add(path, path.stem, None, "model")


def test_an_empty_list_says_so(menu):
    menu.aboutToShow.emit()
    assert [(action.text(), action.isEnabled()) for action in menu.actions()] == [
        ("Nothing was opened yet", False)
    ]


def test_what_was_opened_last_comes_first_numbered_to_nine(menu, tmp_path):
    opened_before(tmp_path, *(f"model {number}.pt" for number in range(11)))
    menu.aboutToShow.emit()
    texts = [action.text().split("\t")[0] for action in menu.actions()]
    assert texts[:2] == ["&1  model 10", "&2  model 9"]
    assert texts[8:] == ["&9  model 2", "model 1", "model 0", "", "&Clear list"]


def test_a_file_is_asked_for_by_its_path_and_one_that_is_gone_is_grey(menu, qtbot, tmp_path):
    opened_before(tmp_path, "gone.pt", "a & b.pt")
    (tmp_path / "gone.pt").unlink()
    menu.aboutToShow.emit()
    there, gone = menu.actions()[:2]
    assert there.text().startswith("&1  a && b\t")
    assert there.toolTip() == str(tmp_path / "a & b.pt")
    assert not gone.isEnabled()
    assert "not there any more" in gone.toolTip()
    with qtbot.waitSignal(menu.chosen) as chosen:
        there.trigger()
    assert chosen.args == [str(tmp_path / "a & b.pt")]


def test_the_folder_is_told_from_the_home_folder_on_and_shortened(menu, monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    deep = tmp_path / "a" / ("long " * 20).strip()
    deep.mkdir(parents=True)
    opened_before(deep, "x.pt")
    opened_before(tmp_path / "a", "y.pt")
    menu.aboutToShow.emit()
    short, long = (action.text().split("\t")[1] for action in menu.actions()[:2])
    assert short == str(Path("~") / "a")
    assert len(long) == 48
    assert "…" in long


def test_the_list_is_cleared_and_no_file_is_touched(menu, tmp_path):
    opened_before(tmp_path, "x.pt")
    menu.aboutToShow.emit()
    menu.actions()[-1].trigger()
    assert recent.entries() == []
    assert (tmp_path / "x.pt").exists()


def test_the_window_passes_on_what_was_chosen(window, qtbot, tmp_path):
    opened_before(tmp_path, "x.pt")
    found = next(menu for menu in window.findChildren(RecentMenu))
    found.aboutToShow.emit()
    with qtbot.waitSignal(window.recent_chosen) as chosen:
        found.actions()[0].trigger()
    assert chosen.args == [str(tmp_path / "x.pt")]


def entries(menu):
    """The entries of a menu that lead to no other menu."""
    return [action for action in menu.actions() if not action.isSeparator() and action.menu() is None]


def test_every_command_stands_in_a_menu_once(window):
    menus = window.findChildren(QMenu)
    count = Counter(action.objectName() for menu in menus for action in entries(menu))
    assert {name: count[name] for name in window.actions_by_name} == dict.fromkeys(window.actions_by_name, 1)


def test_no_key_means_two_things(window):
    keys = [QKeySequence(key).toString() for command in COMMANDS for key in command.keys]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_no_letter_leads_to_two_entries_of_one_menu(window):
    for menu in [window.findChild(QMenuBar), *window.findChildren(QMenu)]:
        letters = [
            action.text().replace("&&", "").split("&")[1][0].lower()
            for action in menu.actions()
            if "&" in action.text().replace("&&", "")
        ]
        assert sorted(letters) == sorted(set(letters))


def test_without_a_model_there_is_nothing_to_export_star_or_save(window, tiny_model):
    names = ("export", *(name for name in EXPORTS if name != "export_strip"), "star_place", "save_session")
    actions = window.actions_by_name
    assert [name for name in names if actions[name].isEnabled()] == []
    assert not actions["place_before"].isEnabled()
    window._session.open(Opened(tiny_model))
    window._session.places.keep("Start")
    assert [name for name in (*names, "place_before") if not actions[name].isEnabled()] == []
    assert actions["start_page"].isEnabled()
    assert actions["reopen_session"].isEnabled()


def test_alt_and_arrows_go_through_the_places(window, tiny_model, qtbot):
    session, actions = window._session, window.actions_by_name
    session.open(Opened(tiny_model))
    codes = []
    for seed in range(3):
        session.randomize(seed)
        session.places.keep("Random")
        codes.append(session.code)
    actions["place_before"].trigger()
    assert (session.code == codes[1]).all()
    actions["place_before"].trigger()
    actions["place_after"].trigger()
    assert (session.code == codes[1]).all()
    actions["star_place"].trigger()
    assert [place.starred for place in session.places.all] == [False, True, False]


def test_naming_a_place_opens_the_history_for_it(window, tiny_model, qtbot):
    window._session.open(Opened(tiny_model))
    with qtbot.waitExposed(window):
        window.show()
    window.docks["history"].close()
    window.actions_by_name["name_place"].trigger()
    assert window.docks["history"].isVisible()
    assert window.history.name_field.isVisible()


def test_messages_and_the_way_round_are_asked_for_by_their_commands(window, qtbot):
    with qtbot.waitSignal(window.messages_wanted):
        window.actions_by_name["messages"].trigger()


def test_while_the_first_model_loads_no_panel_asks_for_one_and_nothing_can_be_exported(window, tiny_model):
    def texts():
        panels = (window.header, window.sliders, window.history)
        return " ".join(label.text() for panel in panels for label in panel.findChildren(QLabel))

    assert "no model open" in texts()
    assert not window.export_button.isEnabled()
    assert "open a model first" in window.export_button.toolTip()
    window.canvas.show_loading("Opening faces", 0.0)
    assert texts().count("Opening faces…") == 2
    assert "no model" not in texts().lower()
    assert "Open a model" not in texts(), "the others say nothing"
    window.canvas.hide_loading()
    assert "no model open" in texts()
    window._session.open(Opened(tiny_model))
    assert window.export_button.isEnabled()


def test_the_empty_list_is_never_an_empty_box(menu):
    assert [action.text() for action in menu.actions()] == ["Nothing was opened yet"], (
        "before it is filled, too"
    )
