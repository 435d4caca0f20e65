"""A dock that looks like the panels of the drawing: one rounded frame around a title row and its content."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from explorer.gui import theme

TITLE_HEIGHT = 32
RADIUS = 8
MARGIN = 12


def paint_frame(widget: QWidget) -> None:
    """Fill a widget with the panel colour inside a rounded 1 px line."""
    tokens = theme.current()
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(tokens.panel)
    painter.setPen(QPen(tokens.line, 1))
    painter.drawRoundedRect(QRectF(widget.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


class Frame(QWidget):
    """A rounded panel around one widget, for what is no dock."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        layout.addWidget(content)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_frame(self)


class TitleRow(QWidget):
    """Name of the panel and its main controls; the empty part drags the dock."""

    def __init__(self, title: str, controls: list[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        label = QLabel(title, self)
        label.setObjectName("dockTitle")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, 8, MARGIN, 0)
        layout.setSpacing(6)
        layout.addWidget(label)
        for control in controls:
            layout.addWidget(control, stretch=1 if control.property("fill") else 0)
        if not any(control.property("fill") for control in controls):
            layout.addStretch(1)
        self.setFixedHeight(TITLE_HEIGHT + 8)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), TITLE_HEIGHT + 8)  # the dock goes by this, not by the height


class Dock(QDockWidget):
    """A movable, closable panel with a title row as its handle; `bottom` is the room under the panel, px."""

    def __init__(
        self, name: str, title: str, panel: QWidget, parent: QWidget | None = None, *, bottom: int = MARGIN
    ) -> None:
        super().__init__(title, parent)
        self.setObjectName(name)
        controls = panel.title_widgets() if hasattr(panel, "title_widgets") else []
        self.setTitleBarWidget(TitleRow(title, controls, self))
        content = QWidget(self)
        layout = QVBoxLayout(content)
        layout.setContentsMargins(MARGIN, 4, MARGIN, bottom)
        layout.addWidget(panel)
        self.setWidget(content)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_frame(self)
