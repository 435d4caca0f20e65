"""The main window: panels into docks, commands into menus; wiring only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QIcon,
    QKeyEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from explorer.gui import dock_sizes, docks, menus, settings
from explorer.gui.actions import make_actions
from explorer.gui.docks import Docks
from explorer.gui.menus import Menus
from explorer.gui.panels.canvas import Canvas
from explorer.gui.panels.header import Header
from explorer.gui.panels.history import HistoryPanel
from explorer.gui.panels.latent_map import LatentMap
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.panels.stages import StagesBar
from explorer.gui.panels.start import StartPage
from explorer.gui.panels.strip import Strip
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.widgets.dock import Dock, Frame, local_files
from explorer.gui.widgets.icons import icon
from explorer.gui.widgets.status_bar import StatusBar

EXPORT = "Save what you see: the picture, the strip, a sheet, a grid"
NOTHING_TO_EXPORT = "Nothing to export yet: open a model first"
OF_A_MODEL = (
    *("random", "reset", "copy", "set_a", "set_b", "add_stage", "star_place", "name_place", "save_session"),
    *("save_session_as", "export", "save_picture", "export_sheet", "export_manifold", "export_samples"),
    *("export_reconstructions", "export_map"),
)


class MainWindow(QMainWindow):
    """Docks around the canvas, a header, menus and a status bar."""

    files_dropped = Signal(list)  # paths
    recent_chosen = Signal(str)  # path
    messages_wanted = Signal()
    work_cancelled = Signal(str)  # key
    closing = Signal()
    exposed = Signal()  # the first time it is on the screen

    def __init__(self, session: Session, pictures: PictureSource) -> None:
        super().__init__()
        self.setWindowTitle("Latent Explorer")
        self.setAcceptDrops(True)
        self.setContentsMargins(8, 0, 8, 0)
        self._session = session
        self._was_painted = False
        self.actions_by_name = make_actions(self)
        self.canvas = Canvas(session, pictures)
        self.sliders = SlidersPanel(session, pictures)
        self.map = LatentMap(session, pictures)
        self.strip = Strip(session, pictures)
        self.history = HistoryPanel(session, pictures)
        self.stages = StagesBar(session, pictures)
        self.start = StartPage(session, pictures)
        self._middle = QStackedWidget()
        self._bar = StatusBar(self)
        self.setStatusBar(self._bar)
        self._first_size = dock_sizes.first_size(docks.free_room(self.screen()))
        self.resize(self._first_size)
        self._build_docks()
        self._build_top()
        self._connect()
        self._connect_parts()
        self.canvas.setFocus()

    # ---- building ----

    def _build_docks(self) -> None:
        for page in (self.canvas, self.start):
            self._middle.addWidget(page)
        self.setCentralWidget(Frame(self._middle))
        self.docks = {
            "latent": Dock("latent", "Latent", self.sliders, self, bottom=4),
            "map": Dock("map", "Map", self.map, self),
            "strip": Dock("strip", "Strip", self.strip, self, bottom=4),
            "history": Dock("history", "History", self.history, self, slim=True),
        }
        for dock in self.docks.values():
            dock.addAction(self.actions_by_name["restore_layout"])
            dock.files_dropped.connect(self.files_dropped)
        self._docks = Docks(self, self.docks)

    def _build_top(self) -> None:
        actions = self.actions_by_name
        export = self.export_button = QToolButton(self)
        export.setObjectName("primary")
        export.setText("Export")
        export.setAccessibleName("Export")
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        panels = [dock.toggleViewAction() for dock in self.docks.values()]
        for panel, text in zip(panels, ("Lat&ent", "&Map", "St&rip", "&History"), strict=True):
            panel.setText(text)
        self._menus = Menus(actions, panels, self)
        export.setMenu(self._menus.export)
        for name in ("undo", "redo"):
            actions[name].setIcon(icon(name))
        buttons = [actions[name] for name in ("open", "random", "reset", "undo", "redo")]
        top = QWidget(self)
        layout = QVBoxLayout(top)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._menus.bar)
        self.header = Header(self._session, buttons, self.stages, export, self)
        layout.addWidget(self.header)
        self.setMenuWidget(top)

    def _connect(self) -> None:
        session = self._session
        on: dict[str, Callable[[], object]] = {
            "quit": self.close,
            "undo": session.undo,
            "redo": session.redo,
            "random": session.randomize,
            "reset": session.reset,
            "copy": self.canvas.copy_picture,
            "compare": self.canvas.toggle_wiper,
            "smooth": self.canvas.toggle_smooth,
            "zoom_in": self.canvas.zoom_in,
            "zoom_out": self.canvas.zoom_out,
            "fit": self.canvas.fit,
            "brush": self.canvas.brush.toggle,
            "brush_smaller": self.canvas.brush.smaller,
            "brush_larger": self.canvas.brush.larger,
            "set_a": self.strip.use_current_as_a,
            "set_b": self.strip.use_current_as_b,
            "play": self.strip.toggle_play,
            "forget_original": session.clear_original,
            "restore_layout": self._docks.restore,
            "next_panel": self._go_on,
            "previous_panel": self._go_back,
            "star_place": self.history.star_here,
            "name_place": self._name_place,
            "place_before": self._go_to_place_before,
            "place_after": self._go_to_place_after,
            "messages": self.messages_wanted.emit,
        }
        for name, slot in on.items():
            self.actions_by_name[name].triggered.connect(_without_checked(slot))
        self.actions_by_name["thumbnails"].toggled.connect(self._on_thumbnails_toggled)
        self.actions_by_name["background"].toggled.connect(self._on_background_toggled)
        session.message.connect(self.show_message)
        for signal in (
            session.undo_changed,
            session.model_changed,
            session.original_changed,
            session.rows_changed,
            session.map_changed,
            session.anchors_changed,
            session.places.changed,
            self.canvas.brush.changed,
        ):
            signal.connect(self._refresh_actions)
        self._refresh_actions()

    def _connect_parts(self) -> None:
        self._menus.recent.chosen.connect(self.recent_chosen)
        self.start.back_wanted.connect(self.show_canvas)
        self.history.map_wanted.connect(self._on_map_wanted)
        self._session.model_changed.connect(self.show_canvas)
        for panel in (self.header, self.sliders, self.map, self.strip, self.history):
            self.canvas.opening_changed.connect(panel.show_opening)
        self._bar.messages_wanted.connect(self.messages_wanted)
        self._bar.work.cancelled.connect(self.work_cancelled)

    # ---- wishes ----

    @property
    def bundled_menu(self) -> QMenu:
        """The menu of the bundled models, to be filled."""
        return self._menus.bundled

    @property
    def device_menu(self) -> QMenu:
        """The menu of the devices, to be filled."""
        return self._menus.device

    @property
    def appearance_menu(self) -> QMenu:
        """The menu of light and dark, to be filled."""
        return self._menus.appearance

    def show_start(self) -> None:
        """Show the start page in the place of the canvas."""
        self._middle.setCurrentWidget(self.start)
        self.start.setFocus()

    def show_canvas(self) -> None:
        """Show the canvas again."""
        self._middle.setCurrentWidget(self.canvas)

    def recall_layout(self) -> None:
        """Take the size, place and docks of the last time on a screen of this size."""
        self._docks.recall()

    def set_status(self, text: str) -> None:
        """Show what the engine does, in the status bar."""
        self._bar.set_engine(text)

    def set_age(self, milliseconds: float | None) -> None:
        """Show how long after the last move the picture came; None for no picture."""
        self._bar.set_age(milliseconds)

    def set_unread(self, count: int) -> None:
        """Show how many errors and warnings nobody has looked at yet."""
        self._bar.set_unread(count)

    def show_work(self, key: str, text: str, share: float | None = None) -> None:
        """Show work that lasts, and how much of it is done (0..1, None for unknown), with a way to cancel."""
        self._bar.work.show_work(key, text, share)

    def end_work(self, key: str) -> None:
        """Take that away."""
        self._bar.work.end_work(key)

    def show_message(self, level: str, text: str, details: str = "") -> None:
        """Show a sentence: what went wrong under the picture, until it is closed; other news in the status bar."""
        if level in ("error", "warning"):
            self.canvas.show_notice(level, text, details)  # type: ignore[arg-type]
        else:
            self._bar.show_news(text)

    @property
    def status(self) -> str:
        """What the status bar shows."""
        return self._bar.text

    def set_choices(
        self, menu: QMenu, choices: Sequence[tuple[str, str]], chosen: str | None
    ) -> list[QAction]:
        """Fill a menu with exclusive entries `(key, text)`; return the new actions, their data is the key."""
        return menus.set_choices(menu, choices, chosen)

    # ---- reactions ----

    def _on_thumbnails_toggled(self, on: bool) -> None:
        self._session.set_rows(thumbnails_all=on)

    def _on_background_toggled(self, on: bool) -> None:
        self._session.set_map(background=on)

    def _on_exposed(self) -> None:
        if self.size() == self._first_size:  # nobody gave it another one
            docks.pull_in(self)
        sentence = settings.set_aside()
        if sentence:
            self._session.tell("warning", sentence)
        self.exposed.emit()

    def _on_map_wanted(self, code: np.ndarray) -> None:
        """Point a place of the history out on the map."""
        self.docks["map"].show()
        self.docks["map"].raise_()
        self.map.point_out(code)

    def _go_on(self) -> None:
        self._docks.go(1)

    def _go_back(self) -> None:
        self._docks.go(-1)

    def _name_place(self) -> None:
        """Show the history, for that is where the name is typed."""
        self.docks["history"].show()
        self.docks["history"].raise_()
        self.history.name_here()

    def _go_to_place_before(self) -> None:
        self.history.go(-1)

    def _go_to_place_after(self) -> None:
        self.history.go(1)

    def _refresh_actions(self) -> None:
        session, actions = self._session, self.actions_by_name
        has_model = session.model is not None
        for name in OF_A_MODEL:
            actions[name].setEnabled(has_model)
        for name in ("place_before", "place_after"):
            actions[name].setEnabled(len(session.places.all) > 0)
        for name in ("encode_folder", "encode_file"):
            actions[name].setEnabled(session.model is not None and session.model.has_encoder)
        actions["program_text"].setEnabled(bool(session.model is not None and session.model.source_text))
        self.export_button.setEnabled(has_model)
        self.export_button.setToolTip(EXPORT if has_model else NOTHING_TO_EXPORT)
        brush = self.canvas.brush
        actions["brush"].setEnabled(brush.exists and not brush.why_not)
        for name in ("brush_smaller", "brush_larger"):
            actions[name].setEnabled(brush.is_on)
        both = all(session.anchors.values())
        actions["export_strip"].setEnabled(both)
        actions["play"].setEnabled(both)
        actions["forget_original"].setEnabled(session.original is not None)
        for name, possible, what in (
            ("undo", session.can_undo, session.undo_text),
            ("redo", session.can_redo, session.redo_text),
        ):
            actions[name].setEnabled(possible)
            actions[name].setText(f"&{name.capitalize()} {what}".rstrip())
            actions[name].setIconText(name.capitalize())
        for name, value in (
            ("thumbnails", session.rows.thumbnails_all),
            ("background", session.map.background),
            ("brush", brush.is_on),
        ):
            actions[name].blockSignals(True)
            actions[name].setChecked(value)
            actions[name].blockSignals(False)

    # ---- Qt ----

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the docks' sizes: what a narrow window took from them comes back with the room."""
        super().resizeEvent(event)
        self._docks.fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.canvas.show_before(False)  # the key will be let go elsewhere
        elif event.type() == QEvent.Type.WindowStateChange and self.isMinimized():
            self.strip.stop()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self._docks.keep_widths()
            QTimer.singleShot(0, self._on_exposed)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._docks.remember()
        self.hide()  # at once; the threads may need a moment to end
        self.closing.emit()
        super().closeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.canvas.take_key(event):  # B, wherever the focus is, unless somebody types there
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.canvas.take_key_release(event):
            super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.files_dropped.emit(local_files(event.mimeData()))


def _without_checked(slot: Callable[[], object]) -> Callable[[bool], object]:
    """Return a slot for `triggered(bool)` that drops its argument."""

    def call(_checked: bool) -> object:
        return slot()

    return call


def window_icon() -> QIcon:
    """Return the program's icon."""
    return icon("app")
