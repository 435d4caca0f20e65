"""Panels as docks, driven by their buttons and keys, and the layouts that are remembered by screen size."""

import fakes
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, QRect, QSize, Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QTabBar, QWidget

from explorer.formats import Opened
from explorer.gui import docks, settings, theme
from explorer.gui.main_window import MainWindow
from explorer.gui.session import Session
from explorer.gui.widgets import dock as dock_module

AREA = Qt.DockWidgetArea


@pytest.fixture
def screen(monkeypatch):
    """Call it with a size to have a screen of that size."""

    def of_size(width, height):
        for room in ("screen_room", "free_room"):
            monkeypatch.setattr(docks, room, lambda _screen: QSize(width, height))

    of_size(1920, 1080)
    return of_size


@pytest.fixture
def make_window(qtbot, own_name, screen, tiny_model):
    """Make windows as a start of the program does, shown and with a model."""
    theme.apply_theme(QApplication.instance(), theme.LIGHT)

    def make():
        session = Session()
        window = MainWindow(session, fakes.instant_pictures(session))
        window.recall_layout()
        session.open(Opened(tiny_model))
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        window.activateWindow()
        return window

    return make


@pytest.fixture
def window(make_window):
    return make_window()


def float_dock(qtbot, dock):
    qtbot.mouseClick(dock.corner.float_button, Qt.MouseButton.LeftButton)
    assert dock.isFloating()


def is_at_home(window):
    places = {name: window.dockWidgetArea(dock) for name, dock in window.docks.items()}
    sides = {"latent": AREA.LeftDockWidgetArea, "map": AREA.RightDockWidgetArea}
    below = {"strip": AREA.BottomDockWidgetArea, "history": AREA.BottomDockWidgetArea}
    is_open = all(dock.isVisible() and not dock.isFloating() for dock in window.docks.values())
    tabs = [dock for dock in window.docks.values() if window.tabifiedDockWidgets(dock)]
    return is_open and places == sides | below and not tabs


def test_the_history_stays_low_when_the_strip_leaves_and_the_picture_gets_the_room(window, qtbot):
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.width() == 1280)
    history, center = window.docks["history"], window.centralWidget()
    low, before = history.height(), center.height()
    float_dock(qtbot, window.docks["strip"])
    qtbot.waitUntil(lambda: center.height() > before + 100)
    assert history.height() <= low + 8
    window.actions_by_name["restore_layout"].trigger()
    qtbot.waitUntil(lambda: is_at_home(window) and center.height() == before)
    assert history.height() == low


def test_at_the_first_start_every_panel_is_open_and_the_picture_is_the_largest(window, qtbot):
    assert is_at_home(window)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.width() == 1280)
    area = {name: dock.width() * dock.height() for name, dock in window.docks.items()}
    center = window.centralWidget()
    assert center.width() * center.height() > max(area.values())
    assert window.docks["history"].height() < 66
    assert window.docks["history"].y() > window.docks["strip"].y()


def test_a_panel_is_floated_and_put_back_by_its_button(window, qtbot):
    dock = window.docks["map"]
    assert dock.corner.float_button.accessibleName() == "Float Map"
    float_dock(qtbot, dock)
    assert dock.isWindow()
    assert dock.windowTitle() == "Map"
    assert dock.corner.float_button.accessibleName() == "Dock Map"
    qtbot.mouseClick(dock.corner.float_button, Qt.MouseButton.LeftButton)
    assert is_at_home(window)


def drop_event(kind, path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    where = QPointF(20, 20) if kind is QDropEvent else QPoint(20, 20)
    event = kind(
        where, Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    event.data_kept = data  # the event does not own it
    return event


def test_a_file_dropped_on_a_floating_panel_is_the_windows(window, qtbot, tmp_path):
    dock = window.docks["map"]
    assert not dock.acceptDrops()  # in the window, the window takes it
    float_dock(qtbot, dock)
    entered = drop_event(QDragEnterEvent, tmp_path / "face.png")
    QApplication.sendEvent(dock, entered)
    assert entered.isAccepted()
    with qtbot.waitSignal(window.files_dropped) as dropped:
        QApplication.sendEvent(dock, drop_event(QDropEvent, tmp_path / "face.png"))
    assert dropped.args == [[str(tmp_path / "face.png")]]


def test_keys_of_the_window_work_from_a_floating_panel(window, qtbot):
    float_dock(qtbot, window.docks["history"])
    shown = []
    window.canvas.show_before = shown.append
    qtbot.keyPress(window.docks["history"], Qt.Key.Key_B)
    qtbot.keyRelease(window.docks["history"], Qt.Key.Key_B)
    assert shown == [True, False]


def test_the_small_buttons_are_seen_under_the_pointer_and_with_the_focus(window, qtbot):
    close = window.docks["strip"].corner.close_button
    assert not close.is_seen
    close.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(close.hasFocus)
    assert close.is_seen
    qtbot.keyClick(close, Qt.Key.Key_Space)
    assert not window.docks["strip"].isVisible()
    window.docks["strip"].toggleViewAction().trigger()
    assert window.docks["strip"].isVisible()


@pytest.fixture
def entries_of(monkeypatch):
    """Call it with a dock for the entries of its title row's menu, by text; without a screen none pops up."""
    popped = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, _place: popped.append(menu))

    def entries(dock):
        place = QPoint(4, 4)
        where = dock.corner.mapToGlobal(place)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, where)
        QApplication.sendEvent(dock.corner, event)
        return {action.text().replace("&", ""): action for action in popped[-1].actions()}

    return entries


@pytest.mark.parametrize("name", ["latent", "history"])
def test_the_menu_of_a_title_row_floats_closes_and_restores(window, entries_of, name):
    dock = window.docks[name]
    entries = entries_of(dock)
    assert [*entries] == ["Float", "Close", "", "Restore layout"]
    entries["Float"].trigger()
    assert dock.isFloating()
    entries = entries_of(dock)
    assert next(iter(entries)) == "Dock back"
    entries["Close"].trigger()
    assert not dock.isVisible()
    entries["Restore layout"].trigger()
    assert is_at_home(window)


def test_tabbed_panels_are_named_by_their_tabs_alone(window, qtbot):
    latent, other = window.docks["latent"], window.docks["map"]
    label = latent.corner.label
    assert label.isVisible()
    window.tabifyDockWidget(latent, other)
    qtbot.waitUntil(lambda: not label.isVisible())
    bar = next(bar for bar in window.findChildren(QTabBar) if bar.isVisible())
    assert [bar.tabText(index) for index in range(bar.count())] == ["Latent", "Map"]
    assert bar.accessibleName()
    assert bar.toolTip()
    other.close()
    qtbot.waitUntil(label.isVisible)
    other.show()
    qtbot.waitUntil(lambda: not label.isVisible())
    window.actions_by_name["restore_layout"].trigger()
    qtbot.waitUntil(label.isVisible)
    assert is_at_home(window)


def test_the_view_menu_lists_every_panel(window):
    view = next(menu for menu in window.findChildren(QMenu) if menu.title() == "&View")
    texts = [action.text().replace("&", "") for action in view.actions()]
    for dock in window.docks.values():
        assert dock.windowTitle() in texts
        dock.toggleViewAction().trigger()
        assert not dock.isVisible()
    window.actions_by_name["restore_layout"].trigger()
    assert is_at_home(window)


# ---- layouts ----


def test_a_layout_is_remembered_for_each_size_of_screen(make_window, screen):
    screen(1920, 1080)
    desk = make_window()
    desk.resize(1500, 900)
    desk.docks["map"].close()
    desk.close()
    screen(1366, 768)
    laptop = make_window()  # the newest layout, for there is none of this screen
    assert not laptop.docks["map"].isVisible()
    laptop.docks["map"].show()
    laptop.addDockWidget(AREA.RightDockWidgetArea, laptop.docks["latent"])
    laptop.close()
    assert [layout.screen for layout in settings.load().layouts] == ["1366x768", "1920x1080"]
    screen(1920, 1080)
    desk = make_window()
    assert not desk.docks["map"].isVisible()
    assert desk.dockWidgetArea(desk.docks["latent"]) == AREA.LeftDockWidgetArea
    desk.close()
    screen(1366, 768)
    laptop = make_window()
    assert laptop.docks["map"].isVisible()
    assert laptop.dockWidgetArea(laptop.docks["latent"]) == AREA.RightDockWidgetArea


def test_tabs_and_floating_panels_come_back(make_window, qtbot):
    window = make_window()
    window.tabifyDockWidget(window.docks["strip"], window.docks["history"])
    float_dock(qtbot, window.docks["map"])
    window.close()
    again = make_window()
    assert again.docks["map"].isFloating()
    assert again.docks["map"].acceptDrops()
    assert again.tabifiedDockWidgets(again.docks["strip"]) == [again.docks["history"]]


def test_a_layout_of_other_panels_is_forgotten(make_window, monkeypatch):
    window = make_window()
    window.docks["map"].close()
    window.close()
    monkeypatch.setattr(docks, "VERSION", docks.VERSION + 1)
    assert is_at_home(make_window())


@pytest.mark.parametrize("text", ["", "no base 64!", "AAAA/wAAAAD9AAAAAwAAAAAAAAFU", "x" * 1000])
def test_a_layout_that_is_nonsense_is_the_usual_one(make_window, text):
    settings.keep_layout(settings.Layout("1920x1080", text, text))
    assert is_at_home(make_window())


def test_on_a_low_screen_the_history_waits_behind_the_strip(make_window, screen, qtbot):
    screen(1024, 600)
    window = make_window()
    assert (window.width(), window.height()) == (1024, 560), "there is a title bar, too"
    assert window.tabifiedDockWidgets(window.docks["strip"]) == [window.docks["history"]]
    assert not window.docks["strip"].visibleRegion().isEmpty()
    assert window.tabifiedDockWidgets(window.docks["latent"]) == []


def test_the_window_fits_on_a_screen_of_800_by_600(make_window, screen):
    screen(800, 600)
    window = make_window()
    assert (window.width(), window.height()) == (800, 560)
    assert window.tabifiedDockWidgets(window.docks["latent"]) == [window.docks["map"]]
    assert window.centralWidget().width() > 400


def test_a_window_beyond_the_screen_is_brought_back(make_window, qtbot):
    window = make_window()
    room = QGuiApplication.primaryScreen().availableGeometry()
    window.move(room.right() + 5000, room.bottom() + 5000)
    float_dock(qtbot, window.docks["history"])
    window.docks["history"].move(-4000, -4000)
    window.close()
    again = make_window()
    assert room.intersects(again.frameGeometry())
    assert again.y() >= room.top()
    history = again.docks["history"]
    assert history.isFloating()
    assert room.intersects(history.frameGeometry())


def test_a_floating_panel_stays_on_the_screen(window, qtbot):
    room = QGuiApplication.primaryScreen().availableGeometry()
    window.move(room.right() - 40, 0)
    float_dock(qtbot, window.docks["map"])
    qtbot.waitUntil(lambda: room.contains(window.docks["map"].frameGeometry().topRight()))


# ---- the way round ----


def panel_with_focus(window):
    focused = QApplication.focusWidget()
    panels = {**window.docks, "canvas": window.centralWidget()}
    return next((name for name, panel in panels.items() if panel.isAncestorOf(focused)), None)


def way(window, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier, times=5):
    seen = []
    for _ in range(times):
        qtbot.keyClick(QApplication.focusWidget() or window, key, modifier)
        seen.append(panel_with_focus(window))
    return seen


def test_f6_goes_from_panel_to_panel(window, qtbot):
    window.centralWidget().setFocus()
    window.canvas.view.setFocus()
    qtbot.waitUntil(lambda: panel_with_focus(window) == "canvas")
    window._session.places.keep("Start")
    assert way(window, qtbot, Qt.Key.Key_F6) == ["map", "strip", "history", "latent", "canvas"]
    back = ["latent", "history", "strip", "map", "canvas"]
    assert way(window, qtbot, Qt.Key.Key_F6, Qt.KeyboardModifier.ShiftModifier) == back


def test_f6_leaves_out_what_is_closed_and_brings_tabs_to_the_front(window, qtbot):
    window.docks["map"].close()
    window.tabifyDockWidget(window.docks["strip"], window.docks["history"])
    window.docks["strip"].raise_()
    window.canvas.view.setFocus()
    qtbot.waitUntil(lambda: panel_with_focus(window) == "canvas")
    assert way(window, qtbot, Qt.Key.Key_F6, times=2) == ["strip", "history"]
    qtbot.waitUntil(lambda: not window.docks["history"].visibleRegion().isEmpty())


def test_the_focus_goes_to_what_a_person_works_with(window, qtbot):
    first = docks.first_control(window.docks["latent"].widget())
    assert isinstance(first, QWidget)
    assert window.sliders.isAncestorOf(first)
    assert docks.first_control(QWidget(window)) is None


def test_a_screen_that_goes_away_takes_no_panel_with_it(window, qtbot):
    float_dock(qtbot, window.docks["map"])
    window.docks["map"].move(-4000, -4000)
    QGuiApplication.instance().screenRemoved.emit(QGuiApplication.primaryScreen())
    room = QGuiApplication.primaryScreen().availableGeometry()
    qtbot.waitUntil(lambda: room.intersects(window.docks["map"].frameGeometry()))
    QApplication.sendEvent(window, QEvent(QEvent.Type.LayoutRequest))


def test_a_window_that_hangs_over_its_screen_is_pulled_in_once_its_frame_is_known(qtbot, monkeypatch):
    widget = QWidget()
    qtbot.addWidget(widget)
    monkeypatch.setattr(docks, "free_room", lambda _screen: QSize(600, 500))
    widget.setGeometry(40, 60, 600, 500)
    widget.show()
    docks.pull_in(widget)
    room = QRect(QGuiApplication.primaryScreen().availableGeometry().topLeft(), QSize(600, 500))
    assert room.contains(widget.frameGeometry())
    before = widget.geometry()
    docks.pull_in(widget)
    assert widget.geometry() == before


def test_a_size_that_a_person_gave_the_window_is_left_alone(make_window, screen, qtbot):
    screen(900, 700)
    window = make_window()
    assert window.height() == 660
    window.resize(1000, 900)
    window.exposed.emit()
    qtbot.waitUntil(lambda: window.height() == 900)


def test_the_strip_is_low_in_a_low_window_and_the_map_large_in_a_large_one(window, qtbot):
    strip, side, center = window.docks["strip"], window.docks["map"], window.centralWidget()
    heights, widths, shares = [], [], []
    for width, height in ((1024, 640), (1280, 800), (1920, 1080)):
        window.resize(width, height)
        qtbot.waitUntil(lambda size=(width, height): (window.width(), window.height()) == size)
        QApplication.processEvents()
        heights.append(strip.height())
        widths.append(side.width())
        shares.append(center.height() / height)
    assert heights[0] < 120 < heights[1] < 150 < 175 < heights[2]
    assert widths[0] < 270 < widths[1] < 370 < 500 < widths[2]
    assert min(shares) > 0.5


def test_a_height_that_a_person_gave_the_strip_is_kept(window, qtbot, monkeypatch):
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.width() == 1280)
    strip = window.docks["strip"]
    with monkeypatch.context() as held:
        held.setattr(docks, "_is_held", lambda: True)
        window.resizeDocks([strip], [220], Qt.Orientation.Vertical)
        qtbot.waitUntil(lambda: strip.height() == 220)
    window.resize(1280, 900)
    qtbot.waitUntil(lambda: window.height() == 900)
    assert strip.height() == 220
    window.actions_by_name["restore_layout"].trigger()
    qtbot.waitUntil(lambda: strip.height() < 170)


def test_a_panel_that_is_floated_stands_a_little_aside(window, qtbot):
    room = QGuiApplication.primaryScreen().availableGeometry()
    window.move(room.topLeft())
    dock = window.docks["latent"]
    before = dock.mapToGlobal(QPoint(0, 0))
    float_dock(qtbot, dock)
    assert dock.pos() - before == QPoint(24, 24)
    assert room.contains(dock.geometry())
    dock.toggle_floating()
    qtbot.mouseDClick(dock.corner, Qt.MouseButton.LeftButton, pos=QPoint(200, 3))
    assert dock.isFloating()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_floating_panel_has_no_black_corners_where_windows_have_no_round_ones(window, qtbot, monkeypatch):
    monkeypatch.setattr(dock_module, "has_round_windows", lambda: False)
    dock = window.docks["latent"]
    assert dock.mask().isEmpty()
    float_dock(qtbot, dock)
    dock.resize(400, 400)
    corners = [QPoint(x, y) for x in (0, 399) for y in (0, 399)]
    qtbot.waitUntil(lambda: not dock.mask().isEmpty() and dock.mask().boundingRect().width() == 400)
    assert not any(dock.mask().contains(corner) for corner in corners)
    assert dock.mask().contains(QPoint(150, 200))
    dock.toggle_floating()
    assert dock.mask().isEmpty()
