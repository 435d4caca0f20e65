"""Where the panels are: the places of the first start, layouts by screen size, and the way round by F6.

A layout belongs to a size of screen, in device-independent pixels: what fits a desk is of no use on a laptop.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QResizeEvent, QScreen
from PySide6.QtWidgets import QApplication, QMainWindow, QScrollBar, QTabBar, QTabWidget, QWidget

from explorer.gui import dock_sizes, settings
from explorer.gui.settings import Layout
from explorer.gui.widgets.dock import Dock

VERSION = 2  # of the set of docks; another number forgets where they were
SEEN = QSize(96, 32)  # of a window that can still be taken hold of

Area = Qt.DockWidgetArea


class Docks(QObject):
    """The docks of a window around its picture, by name."""

    def __init__(self, window: QMainWindow, docks: Mapping[str, Dock]) -> None:
        super().__init__(window)
        self._window = window
        self._docks = dict(docks)
        self._widths: dict[str, int] = {}  # that a person gave, or that are remembered
        self._fits_widths = True
        self._fits_heights = True  # until a person gave the strip one
        self._bottom: set[str] | None = None  # panels under the picture
        self._tidying = QTimer(self)
        self._tidying.setSingleShot(True)
        self._tidying.timeout.connect(self._tidy)
        # Grouped dragging would put tabs that float into a window of Qt's own, which has no look and takes no files.
        window.setDockOptions(
            QMainWindow.DockOption.AllowTabbedDocks | QMainWindow.DockOption.AllowNestedDocks
        )
        window.setTabPosition(Area.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        window.setDocumentMode(True)
        for corner in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            window.setCorner(corner, Area.BottomDockWidgetArea)
        for dock in self._docks.values():
            dock.installEventFilter(self)
            for signal in (dock.topLevelChanged, dock.dockLocationChanged, dock.visibilityChanged):
                signal.connect(self._on_moved)
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.screenRemoved.connect(self._on_moved)
        self.restore()

    # ---- layouts ----

    def restore(self) -> None:
        """Put every dock to where it is at the first start on such a screen."""
        window, docks = self._window, self._docks
        for dock in docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        window.addDockWidget(Area.LeftDockWidgetArea, docks["latent"])
        window.addDockWidget(Area.RightDockWidgetArea, docks["map"])
        window.addDockWidget(Area.BottomDockWidgetArea, docks["strip"])
        window.splitDockWidget(docks["strip"], docks["history"], Qt.Orientation.Vertical)
        room = screen_room(window.screen()).boundedTo(window.size() + QSize(0, dock_sizes.FRAME))
        for front, behind, is_tight in (
            ("strip", "history", dock_sizes.is_low(room)),
            ("latent", "map", dock_sizes.is_small(room)),
        ):
            if is_tight:
                window.tabifyDockWidget(docks[front], docks[behind])
        for dock in docks.values():
            dock.show()
        for front in ("strip", "latent"):
            docks[front].raise_()
        self._widths = {}
        self._fits_widths = self._fits_heights = True
        self.fit()

    def remember(self) -> None:
        """Keep size, place and docks for the next start on a screen of this size."""
        window = self._window
        settings.keep_layout(
            Layout(
                screen_size(window.screen()),
                settings.to_text(window.saveGeometry()),
                settings.to_text(window.saveState(VERSION)),
            )
        )

    def recall(self) -> None:
        """Take size, place and docks of the last time on such a screen, else the newest, scaled by Qt."""
        window = self._window
        attached = [screen_size(screen) for screen in QGuiApplication.screens()]
        layout = settings.load().layout_for(attached)
        if layout is None:
            return
        window.restoreGeometry(settings.to_bytes(layout.geometry))
        if window.restoreState(settings.to_bytes(layout.state), VERSION):
            self._fits_widths = self._fits_heights = False  # before it is known which the docks have
        else:
            self.restore()
        self.bring_on_screen()

    def bring_on_screen(self) -> None:
        """Bring the window and floating panels to where they can be seen."""
        if not self._window.isMaximized() and not self._window.isFullScreen():
            bring_on_screen(self._window, SEEN)
        for dock in self._docks.values():
            if dock.isFloating() and not dock.isHidden():
                bring_on_screen(dock, dock.size())

    # ---- sizes ----

    def fit(self) -> None:
        """Give the docks the sizes that are wanted in a window of this size, those of a person before all."""
        if self._fits_widths:
            self._fit_widths()
        if self._fits_heights:
            names = [name for name in ("strip", "history") if self._is_below(self._docks[name])]
            heights = {"strip": dock_sizes.strip_height(self._window.size()), "history": dock_sizes.HISTORY}
            self._window.resizeDocks(
                [self._docks[name] for name in names],
                [heights[name] for name in names],
                Qt.Orientation.Vertical,
            )

    def _fit_widths(self) -> None:
        """Give the docks at the sides the widths that are wanted, all less in a narrow window."""
        widths = {**dock_sizes.side_widths(self._window.size()), **self._widths}
        names = [name for name in widths if self._is_at_side(self._docks[name])]
        wanted = [widths[name] for name in names]
        scale = min(1.0, dock_sizes.SIDES_SHARE * self._window.width() / max(sum(wanted), 1))
        self._window.resizeDocks(
            [self._docks[name] for name in names],
            [round(scale * width) for width in wanted],
            Qt.Orientation.Horizontal,
        )

    def _keep_size(self, dock: Dock, before: QSize) -> None:
        """Remember the width or height that a person gave a dock."""
        if dock.objectName() in dock_sizes.SIDES and self._is_at_side(dock):
            self._widths[dock.objectName()] = dock.width()
        elif dock.height() != before.height() and self._is_below(dock):
            self._fits_heights = False

    def keep_widths(self) -> None:
        """Remember the widths that docks of a layout of before have, now that they are shown."""
        if not self._fits_widths:
            self._fits_widths = True
            at_sides = [name for name in dock_sizes.SIDES if self._is_at_side(self._docks[name])]
            self._widths = {name: self._docks[name].width() for name in at_sides}

    def _is_below(self, dock: Dock) -> bool:
        return (
            dock.isVisibleTo(self._window)
            and not dock.isFloating()
            and not self._is_behind(dock)
            and self._window.dockWidgetArea(dock) == Area.BottomDockWidgetArea
        )

    def _is_at_side(self, dock: Dock) -> bool:
        return (
            dock.isVisibleTo(self._window)
            and not dock.isFloating()
            and not self._is_behind(dock)
            and self._window.dockWidgetArea(dock) in (Area.LeftDockWidgetArea, Area.RightDockWidgetArea)
        )

    def _is_behind(self, dock: Dock) -> bool:
        """Return whether a panel shares its place with one that was named before it."""
        names = list(self._docks.values())
        return any(names.index(other) < names.index(dock) for other in self._beside(dock))

    def _beside(self, dock: Dock) -> list[Dock]:
        """Return the open panels that share a place with this one, as tabs."""
        others = self._window.tabifiedDockWidgets(dock)
        return [
            other
            for other in others
            if isinstance(other, Dock) and other in self._docks.values() and not other.isHidden()
        ]

    def _fit_height(self) -> None:
        """Keep the history low when what shared the room under the picture has left: the picture gets the rest."""
        bottom = {name for name, dock in self._docks.items() if self._is_at_bottom(dock)}
        history = self._docks["history"]
        has_changed = self._bottom is not None and bottom != self._bottom
        if has_changed and "history" in bottom and not self._beside(history):
            self._window.resizeDocks([history], [dock_sizes.HISTORY], Qt.Orientation.Vertical)
        self._bottom = bottom

    def _is_at_bottom(self, dock: Dock) -> bool:
        is_docked = not dock.isHidden() and not dock.isFloating()
        return is_docked and self._window.dockWidgetArea(dock) == Area.BottomDockWidgetArea

    # ---- the way round ----

    def go(self, step: int) -> None:
        """Give the focus to the next (1) or previous (-1) panel that is open and has something to take it."""
        panels: list[QWidget] = [dock for dock in self._docks.values() if not dock.isHidden()]
        panels.insert(1 if self._docks["latent"] in panels else 0, self._window.centralWidget())
        focused = QApplication.focusWidget()
        here = [n for n, panel in enumerate(panels) if focused is not None and panel.isAncestorOf(focused)]
        start = here[0] if here else (-1 if step > 0 else 0)
        for count in range(1, len(panels) + 1):
            if self._focus(panels[(start + count * step) % len(panels)]):
                return

    def _focus(self, panel: QWidget) -> bool:
        if isinstance(panel, Dock):
            panel.raise_()
        content = panel.widget() if isinstance(panel, Dock) else panel
        first = first_control(content) or first_control(panel)
        if first is None:
            return False
        first.window().activateWindow()
        first.setFocus(Qt.FocusReason.ShortcutFocusReason)
        return True

    # ---- reactions ----

    def _on_moved(self) -> None:
        self._tidying.start(0)  # Qt has not finished when it says so

    def _tidy(self) -> None:
        """Name panels once, by their tab or by their title row; keep floating ones on the screen."""
        for dock in self._docks.values():
            tabbed = not dock.isFloating() and not dock.isHidden() and bool(self._beside(dock))
            dock.set_named_by_tab(tabbed)
        bars = self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        for bar in bars:
            bar.setAccessibleName("Panels in one place")
            bar.setToolTip("Click to bring a panel to the front; drag to take it out")
            bar.setDrawBase(False)
            bar.setExpanding(False)
        if not _is_held():
            self._fit_height()
            self.bring_on_screen()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(watched, Dock) and isinstance(event, QResizeEvent) and _is_held():
            self._keep_size(watched, event.oldSize())
        return super().eventFilter(watched, event)


def _is_held() -> bool:
    """Return whether a person drags something."""
    return bool(QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton)


def screen_room(screen: QScreen) -> QSize:
    """Return the size of a screen, in device-independent pixels."""
    return screen.size()


def free_room(screen: QScreen) -> QSize:
    """Return what panels of the system leave of a screen, in device-independent pixels."""
    return screen.availableGeometry().size()


def screen_size(screen: QScreen) -> str:
    """Return what layouts are remembered by: "1920x1080"."""
    room = screen_room(screen)
    return f"{room.width()}x{room.height()}"


def pull_in(window: QWidget) -> None:
    """Make a window smaller where it hangs over its screen together with its frame, and move it inside."""
    screen, frame = window.screen(), window.frameGeometry()
    room = QRect(screen.availableGeometry().topLeft(), free_room(screen))
    over = QSize(max(frame.width() - room.width(), 0), max(frame.height() - room.height(), 0))
    if not over.isNull():
        window.resize(window.size() - over)
    inside = _inside(room, QRect(frame.topLeft(), frame.size() - over))
    if inside.topLeft() != frame.topLeft():
        window.move(inside.topLeft())


def bring_on_screen(window: QWidget, needed: QSize) -> None:
    """Move a window so that its title, and `needed` of it, lies on a screen; one that does is left alone."""
    frame = window.frameGeometry()
    rooms = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    for room in rooms:
        shown = room.intersected(frame)
        enough = shown.width() >= min(needed.width(), room.width())
        if enough and shown.height() >= min(needed.height(), room.height()) and frame.top() >= room.top():
            return
    if rooms:
        room = min(rooms, key=lambda each: _distance(each, frame.center()))
        window.move(_inside(room, frame).topLeft())


def _inside(room: QRect, frame: QRect) -> QRect:
    left = max(min(frame.left(), room.right() - frame.width() + 1), room.left())
    top = max(min(frame.top(), room.bottom() - frame.height() + 1), room.top())
    return QRect(QPoint(left, top), frame.size())


def _distance(room: QRect, point: QPoint) -> int:
    """Return how far a point is from a rectangle, px; 0 inside."""
    nearest = QPoint(
        min(max(point.x(), room.left()), room.right()), min(max(point.y(), room.top()), room.bottom())
    )
    return (nearest - point).manhattanLength()


def first_control(place: QWidget) -> QWidget | None:
    """Return the control nearest to the upper left corner that takes the focus by Tab, or None."""
    controls = [
        widget
        for widget in place.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and widget.isEnabled()
        and not isinstance(widget, QScrollBar)
        and widget.objectName() != "corner"
    ]

    def where(widget: QWidget) -> tuple[int, int]:
        corner = widget.mapTo(place, QPoint(0, 0))
        return corner.y(), corner.x()

    return min(controls, key=where, default=None)
