"""The main window: panels into docks, commands into menus; wiring only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, QEvent, QObject, QSettings, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QKeyEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QMenuBar, QToolButton, QVBoxLayout, QWidget

from explorer.gui.actions import make_actions
from explorer.gui.panels.canvas import Canvas
from explorer.gui.panels.header import Header
from explorer.gui.panels.latent_map import LatentMap
from explorer.gui.panels.sliders import SlidersPanel
from explorer.gui.panels.stages import StagesBar
from explorer.gui.panels.strip import Strip
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.widgets.dock import Dock, Frame
from explorer.gui.widgets.elided_label import ElidedLabel
from explorer.gui.widgets.icons import icon

SIZE = QSize(1280, 800)
SIDE_WIDTHS = (340, 360)
STRIP_HEIGHT = 143
SIDES_SHARE = 0.6  # of the window's width at most, in a narrow window; the rest is the canvas's
INFO_MILLISECONDS = 6000
LAYOUT = 1  # another number forgets layouts that were kept before


class MainWindow(QMainWindow):
    """Docks around the canvas, a header, menus and a status bar."""

    files_dropped = Signal(list)  # paths
    closing = Signal()
    exposed = Signal()  # the first time it is on the screen

    def __init__(self, session: Session, pictures: PictureSource) -> None:
        super().__init__()
        self.setWindowTitle("Latent Explorer")
        self.setAcceptDrops(True)
        self.setContentsMargins(8, 0, 8, 0)
        self._session = session
        self.actions_by_name = make_actions(self)
        self.canvas = Canvas(session, pictures)
        self.sliders = SlidersPanel(session, pictures)
        self.map = LatentMap(session, pictures)
        self.strip = Strip(session, pictures)
        self.stages = StagesBar(session, pictures)
        self.device_menu = QMenu("&Device", self)
        self.bundled_menu = QMenu("Open &bundled", self)
        self.export_menu = self._make_export_menu()
        self._status = ElidedLabel(self)
        self._engine = ""
        self._said = QTimer(self)  # runs while the status bar shows a message
        self._said.setSingleShot(True)
        self._said.timeout.connect(self._show_engine)
        self._build_docks()
        self._build_top()
        self._status.setContentsMargins(6, 2, 0, 6)
        self.statusBar().addWidget(self._status, 1)
        self.statusBar().setSizeGripEnabled(False)
        self._connect()
        self.resize(SIZE)
        self.canvas.setFocus()
        self._was_painted = False

    # ---- building ----

    def _build_docks(self) -> None:
        self.setCentralWidget(Frame(self.canvas))
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            self.setCorner(corner, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.docks = {
            "latent": Dock("latent", "Latent", self.sliders, self, bottom=4),
            "map": Dock("map", "Map", self.map, self),
            "strip": Dock("strip", "Strip", self.strip, self, bottom=4),
        }
        for dock in self.docks.values():
            dock.installEventFilter(self)
        self.restore_layout()

    def restore_layout(self) -> None:
        """Put every dock to where it is at the first start."""
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.docks["latent"])
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.docks["map"])
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.docks["strip"])
        self._side_widths = dict(zip(("latent", "map"), SIDE_WIDTHS, strict=True))
        self._give_side_widths()
        self.resizeDocks([self.docks["strip"]], [STRIP_HEIGHT], Qt.Orientation.Vertical)

    def _give_side_widths(self) -> None:
        """Give the docks at the sides the widths that are wanted, all less in a narrow window."""
        sides = (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea)
        names = [
            name
            for name, dock in self.docks.items()
            if name in self._side_widths
            and dock.isVisibleTo(self)
            and not dock.isFloating()
            and self.dockWidgetArea(dock) in sides
        ]
        wanted = [self._side_widths[name] for name in names]
        scale = min(1.0, SIDES_SHARE * self.width() / max(sum(wanted), 1))
        self.resizeDocks(
            [self.docks[name] for name in names],
            [round(scale * width) for width in wanted],
            Qt.Orientation.Horizontal,
        )

    def _build_top(self) -> None:
        actions = self.actions_by_name
        export = QToolButton(self)
        export.setObjectName("primary")
        export.setText("Export")
        export.setToolTip("Save what you see: the picture, the strip, a sheet, a grid")
        export.setAccessibleName("Export")
        export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        export.setMenu(self.export_menu)
        for name in ("undo", "redo"):
            actions[name].setIcon(icon(name))
        buttons = [actions[name] for name in ("open", "random", "reset", "undo", "redo")]
        top = QWidget(self)
        layout = QVBoxLayout(top)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._make_menu_bar())
        layout.addWidget(Header(self._session, buttons, self.stages, export, self))
        self.setMenuWidget(top)

    def _make_export_menu(self) -> QMenu:
        menu = QMenu("&Export", self)
        for name in ("save_picture", "export_strip", "export_sheet", "export_manifold", "export_samples"):
            menu.addAction(self.actions_by_name[name])
        return menu

    def _make_menu_bar(self) -> QMenuBar:
        bar = QMenuBar(self)

        def menu(title: str, *entries: str | QMenu | None) -> QMenu:
            made = bar.addMenu(title)
            for entry in entries:
                if entry is None:
                    made.addSeparator()
                elif isinstance(entry, QMenu):
                    made.addMenu(entry)
                else:
                    made.addAction(self.actions_by_name[entry])
            return made

        menu("&File", "open", self.bundled_menu, "add_stage", None, self.export_menu, None, "quit")
        menu("&Edit", "undo", "redo", None, "copy")
        picture = ("compare", "smooth", "zoom_in", "zoom_out", "fit")
        view = menu("&View", *picture, None, "thumbnails", "background", None)
        for dock in self.docks.values():
            view.addAction(dock.toggleViewAction())
        view.addAction(self.actions_by_name["restore_layout"])
        view.addSeparator()
        self.appearance_menu = view.addMenu("&Appearance")
        menu("&Latent", "random", "reset", None, "set_a", "set_b", "play", None, "forget_original")
        bar.addMenu(self.device_menu)
        menu("&Help", "shortcuts", "about")
        return bar

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
            "set_a": self.strip.use_current_as_a,
            "set_b": self.strip.use_current_as_b,
            "play": self.strip.toggle_play,
            "forget_original": session.clear_original,
            "restore_layout": self.restore_layout,
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
        ):
            signal.connect(self._refresh_actions)
        self._refresh_actions()

    # ---- wishes ----

    def remember_layout(self) -> None:
        """Keep size, place and docks for the next start."""
        settings = QSettings()
        settings.setValue("window/geometry", self.saveGeometry())
        settings.setValue("window/layout", self.saveState(LAYOUT))

    def recall_layout(self) -> None:
        """Take the size, place and docks of the last time."""
        settings = QSettings()
        geometry, layout = settings.value("window/geometry"), settings.value("window/layout")
        if isinstance(geometry, QByteArray) and isinstance(layout, QByteArray):
            self.restoreGeometry(geometry)
            if self.restoreState(layout, LAYOUT):
                self._side_widths = {}  # those that the docks have once they are shown

    def set_status(self, text: str) -> None:
        """Show what the engine does, in the status bar."""
        self._engine = text
        if not self._said.isActive():
            self._show_engine()

    def show_message(self, level: str, text: str) -> None:
        """Show a sentence: what went wrong under the picture, until it is closed; other news in the status bar."""
        if level in ("error", "warning"):
            self.canvas.show_notice(level, text)  # type: ignore[arg-type]
        else:
            self._status.setText(text)
            self._status.setToolTip(text)
            self._said.start(INFO_MILLISECONDS)

    @property
    def status(self) -> str:
        """What the status bar shows."""
        return self._status.text()

    def _show_engine(self) -> None:
        self._status.setText(self._engine)
        self._status.setToolTip("")

    def set_choices(
        self, menu: QMenu, choices: Sequence[tuple[str, str]], chosen: str | None
    ) -> list[QAction]:
        """Fill a menu with exclusive entries `(key, text)`; return the new actions, their data is the key."""
        menu.clear()
        group = QActionGroup(menu)
        actions = []
        for key, text in choices:
            action = menu.addAction(text)
            action.setData(key)
            action.setCheckable(chosen is not None)
            action.setChecked(key == chosen)
            group.addAction(action)
            actions.append(action)
        return actions

    # ---- reactions ----

    def _on_thumbnails_toggled(self, on: bool) -> None:
        self._session.set_rows(thumbnails_all=on)

    def _on_background_toggled(self, on: bool) -> None:
        self._session.set_map(background=on)

    def _refresh_actions(self) -> None:
        session, actions = self._session, self.actions_by_name
        has_model = session.model is not None
        for name in ("random", "reset", "copy", "set_a", "set_b", "add_stage", "save_picture"):
            actions[name].setEnabled(has_model)
        for name in ("export_sheet", "export_manifold", "export_samples"):
            actions[name].setEnabled(has_model)
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
        ):
            actions[name].blockSignals(True)
            actions[name].setChecked(value)
            actions[name].blockSignals(False)

    # ---- Qt ----

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        by_hand = bool(QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton)
        if event.type() == QEvent.Type.Resize and by_hand and isinstance(watched, Dock):
            self._side_widths[watched.objectName()] = watched.width()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the docks' widths: what a narrow window took from them comes back with the room."""
        super().resizeEvent(event)
        if self._side_widths:
            self._give_side_widths()

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
            if not self._side_widths:
                self._side_widths = {name: self.docks[name].width() for name in ("latent", "map")}
            QTimer.singleShot(0, self.exposed.emit)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.remember_layout()
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
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self.files_dropped.emit(paths)


def _without_checked(slot: Callable[[], object]) -> Callable[[bool], object]:
    """Return a slot for `triggered(bool)` that drops its argument."""

    def call(_checked: bool) -> object:
        return slot()

    return call


def window_icon() -> QIcon:
    """Return the program's icon."""
    return icon("app")
