"""A dock that looks like the panels of the drawing: one rounded frame around a title row and its content.

Every dock can be floated, closed and put back by two small buttons in the corner of its title row, which are
seen under the pointer and with the focus, and by the menu of the row.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QEnterEvent,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.gui import theme
from explorer.gui.widgets.icons import icon

TITLE_HEIGHT = 32
RADIUS = 8
MARGIN = 12
BUTTON = QSize(16, 18)
CORNER = 20  # px at the right end of a title row that belong to the buttons
HANDLE_WIDTH = 16
ASIDE = 24  # px that a panel moves when it is taken out of the window


def paint_frame(widget: QWidget) -> None:
    """Fill a widget with the panel colour inside a rounded 1 px line."""
    tokens = theme.current()
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(tokens.panel)
    painter.setPen(QPen(tokens.line, 1))
    painter.drawRoundedRect(QRectF(widget.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


def has_round_windows() -> bool:
    """Return whether the system lets what is behind a window be seen at its corners.

    On X11 a compositor does, and a program is not told whether there is one.
    """
    return QGuiApplication.platformName() != "xcb"


def round_region(box: QRect) -> QRegion:
    """Return the pixels inside a rounded frame around a box."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(box), RADIUS, RADIUS)
    return QRegion(path.toFillPolygon().toPolygon())


def local_files(data: QMimeData) -> list[str]:
    """Return the paths of the files that are dragged."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


class Frame(QWidget):
    """A rounded panel around one widget, for what is no dock."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.addWidget(content)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_frame(self)


class CornerButton(QToolButton):
    """A small button that is seen only while its row is under the pointer, or while it has the focus."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("corner")
        self.setIcon(icon(name, "quiet"))
        self.setIconSize(QSize(12, 12))
        self.setAutoRaise(True)
        self.setFixedSize(BUTTON)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @property
    def is_seen(self) -> bool:
        """Whether it is painted."""
        row = self.parentWidget()
        return self.hasFocus() or self.isDown() or (row is not None and row.underMouse())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_seen:
            super().paintEvent(event)


class Corner(QWidget):
    """What a dock is dragged by: the two buttons, one over the other, and the dock's menu on right click."""

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock)
        self._dock = dock
        self.close_button = CornerButton("close", self)
        self.close_button.clicked.connect(dock.close)
        self.float_button = CornerButton("float", self)
        self.float_button.clicked.connect(dock.toggle_floating)
        title = dock.windowTitle()
        self.close_button.setAccessibleName(f"Close {title}")
        self.close_button.setToolTip("Close this panel; the View menu brings it back")
        dock.topLevelChanged.connect(self._refresh)
        self._refresh(dock.isFloating())

    def _refresh(self, floating: bool) -> None:
        title = self._dock.windowTitle()
        self.float_button.setAccessibleName(f"{'Dock' if floating else 'Float'} {title}")
        self.float_button.setToolTip(
            "Put this panel back into the window" if floating else "Take this panel out of the window"
        )
        self.float_button.setIcon(icon("dock" if floating else "float", "quiet"))

    def place_buttons(self, right: int) -> None:
        """Put the buttons into a column that ends at `right`."""
        for number, button in enumerate((self.close_button, self.float_button)):
            button.move(right - BUTTON.width(), 3 + number * BUTTON.height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._dock.make_menu().popup(event.globalPos())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._dock.toggle_floating()

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)


class TitleRow(Corner):
    """Name of the panel and its main controls; the empty part drags the dock."""

    def __init__(self, dock: Dock, controls: list[QWidget]) -> None:
        super().__init__(dock)
        self.label = QLabel(dock.windowTitle(), self)
        self.label.setObjectName("dockTitle")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, 8, CORNER, 0)
        layout.setSpacing(6)
        layout.addWidget(self.label)
        for control in controls:
            layout.addWidget(control, stretch=1 if control.property("fill") else 0)
        if not any(control.property("fill") for control in controls):
            layout.addStretch(1)
        self.setFixedHeight(TITLE_HEIGHT + 8)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), TITLE_HEIGHT + 8)  # the dock goes by this, not by the height

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.place_buttons(self.width() - 2)


class Handle(Corner):
    """A slim grip at the left of a panel that has no title row."""

    def __init__(self, dock: Dock) -> None:
        super().__init__(dock)
        self.setFixedWidth(HANDLE_WIDTH)
        self.setMinimumHeight(2 * BUTTON.height() + 4)
        self.setToolTip(f"{dock.windowTitle()}: drag to move this panel")

    def sizeHint(self) -> QSize:
        return QSize(HANDLE_WIDTH, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.place_buttons(self.width())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.close_button.is_seen or self.float_button.is_seen:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.current().tick)
        for row in range(-1, 2):
            for column in (0, 4):
                painter.drawEllipse(QPointF(8 + column, self.height() / 2 + 4 * row), 1, 1)


class Dock(QDockWidget):
    """A movable, closable panel with a title row as its handle; `bottom` is the room under the panel, px.

    A `slim` one has a narrow handle at its left instead, and its controls stand right of the panel. Actions of
    the dock stand in its menu.
    """

    files_dropped = Signal(list)  # paths; while it floats, for then the window does not get them

    def __init__(
        self,
        name: str,
        title: str,
        panel: QWidget,
        parent: QWidget | None = None,
        *,
        bottom: int = MARGIN,
        slim: bool = False,
    ) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)  # round corners where it floats
        controls = panel.title_widgets() if hasattr(panel, "title_widgets") else []
        content = QWidget(self)
        layout = QHBoxLayout(content)
        layout.addWidget(panel, stretch=1)
        if slim:
            self.setFeatures(self.features() | QDockWidget.DockWidgetFeature.DockWidgetVerticalTitleBar)
            self.setTitleBarWidget(Handle(self))
            layout.setContentsMargins(0, 3, MARGIN, 0)
            for control in controls:
                if not control.property("fill"):
                    layout.addWidget(control)
        else:
            self.setTitleBarWidget(TitleRow(self, controls))
            layout.setContentsMargins(MARGIN, 4, MARGIN, bottom)
        self.setWidget(content)
        self.topLevelChanged.connect(self.setAcceptDrops)
        self.topLevelChanged.connect(self._refresh_shape)

    @property
    def corner(self) -> Corner:
        """The title row or handle, with the buttons."""
        corner = self.titleBarWidget()
        assert isinstance(corner, Corner)
        return corner

    def toggle_floating(self) -> None:
        """Take the panel out of the window, a little aside so that one sees it has left, or put it back."""
        self.setFloating(not self.isFloating())
        if self.isFloating():
            room, frame = self.screen().availableGeometry(), self.frameGeometry()
            left = min(frame.left() + ASIDE, room.right() - frame.width() + 1)
            top = min(frame.top() + ASIDE, room.bottom() - frame.height() + 1)
            self.move(max(left, room.left()), max(top, room.top()))

    def _refresh_shape(self) -> None:
        """Cut the corners off where the system would fill them with black."""
        if self.isFloating() and not has_round_windows():
            self.setMask(round_region(self.rect()))
        else:
            self.clearMask()

    def set_named_by_tab(self, named: bool) -> None:
        """Leave the name out of the title row, where a tab shows it."""
        if isinstance(self.corner, TitleRow):
            self.corner.label.setVisible(not named)

    def make_menu(self) -> QMenu:
        """Return the menu of the title row, which goes when it is closed."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for text, slot in (
            ("&Dock back" if self.isFloating() else "&Float", self.toggle_floating),
            ("&Close", self.close),
        ):
            action = QAction(text, menu)
            action.triggered.connect(slot)
            menu.addAction(action)
        menu.addSeparator()
        menu.addActions(self.actions())
        return menu

    # ---- Qt ----

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.isFloating() and not has_round_windows():
            QPainter(self).fillRect(self.rect(), theme.current().line)  # what the line leaves inside the mask
        paint_frame(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh_shape()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.files_dropped.emit(local_files(event.mimeData()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._pass_on(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        self._pass_on(event)

    def _pass_on(self, event: QKeyEvent) -> None:
        """Let the window have the keys of a floating panel too."""
        event.ignore()
        window = self.parentWidget()
        if self.isFloating() and window is not None:
            QApplication.sendEvent(window, event)
