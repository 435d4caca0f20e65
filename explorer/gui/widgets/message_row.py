"""One message in a list: its level, time and sentence, with details and a button to copy it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontDatabase,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QPlainTextEdit, QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.messages.messages import Message
from explorer.gui.widgets.focus import came_by_key
from explorer.gui.widgets.icons import icon

DETAIL_LINES = 12  # more are scrolled
LINE_HEIGHT = 24  # of the first line, where the buttons are
_LEVELS = {"error": "Error", "warning": "Warning"}


class LevelMark(QWidget):
    """A disc for an error, a triangle for a warning, a ring for news: told apart without colour too."""

    def __init__(self, level: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._level = level
        self.setFixedSize(QSize(16, 16))
        self.setAccessibleName(_LEVELS.get(level, "News"))
        self.setToolTip(self.accessibleName())

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(0, (self.height() - 16) / 2)
        if self._level in _LEVELS:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(getattr(colors, self._level))
        else:
            painter.setPen(QPen(colors.quiet, 1.5))
        if self._level == "warning":
            painter.drawPolygon(QPolygonF([QPointF(8, 3), QPointF(13, 12), QPointF(3, 12)]))
        else:
            painter.drawEllipse(QRectF(4, 4, 8, 8))


class MessageRow(QFrame):
    """One message. Enter opens the details, Ctrl+C copies; Up and Down ask for the rows beside."""

    step_wanted = Signal(int)  # to the row above (-1) or below (+1)
    reached = Signal()  # it has the keys now

    def __init__(self, message: Message, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._has_keys = False
        self._time, self._text = QLabel(self), QLabel(self)
        self._time.setObjectName("quiet")
        self._time.setFont(theme.numbers_font(theme.SMALL_PIXELS))
        self._text.setWordWrap(True)
        for label in (self._time, self._text):
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._unfold = self._tool("Details", "Show or hide the details (Enter)", self._on_unfolded)
        self._unfold.setIcon(icon("chevron-right", "quiet"))
        self._unfold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._unfold.setCheckable(True)
        copy = self._tool("Copy this message", "Copy this message with its details (Ctrl+C)", self.copy)
        copy.setIcon(icon("copy", "quiet"))
        copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self._details: QPlainTextEdit | None = None
        self._build(LevelMark(message.level, self), copy)
        self.show_message(message)

    def _build(self, mark: LevelMark, copy: QToolButton) -> None:
        top = Qt.AlignmentFlag.AlignTop
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(12, 6, 8, 6)
        self._layout.setHorizontalSpacing(8)
        self._layout.setVerticalSpacing(4)
        self._layout.setColumnStretch(2, 1)
        for column, widget in enumerate((mark, self._time, self._text, self._unfold, copy)):
            aligned = Qt.AlignmentFlag(0) if widget is self._text else top
            self._layout.addWidget(widget, 0, column, aligned)
        above = (LINE_HEIGHT - self._text.fontMetrics().height()) // 2
        self._text.setContentsMargins(0, above, 0, above)
        self._text.setAlignment(top)
        for widget in (mark, self._time):
            widget.setFixedHeight(LINE_HEIGHT)

    def _tool(self, name: str, tip: str, slot: object) -> QToolButton:
        button = QToolButton(self)
        button.setText(name)
        button.setAutoRaise(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the row has the keys
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.clicked.connect(slot)
        return button

    @property
    def message(self) -> Message:
        """What it shows."""
        return self._message

    @property
    def details(self) -> str:
        """The details where they are unfolded, else empty."""
        return self._details.toPlainText() if self._details is not None and self._unfold.isChecked() else ""

    def show_message(self, message: Message) -> None:
        """Show a message, or the same one that came again."""
        self._message = message
        self._time.setText(f"{message.time:%H:%M:%S}")
        self._text.setText(message.text + (f"  ({message.count} times)" if message.count > 1 else ""))
        self._unfold.setVisible(bool(message.details))
        level = _LEVELS.get(message.level, "News")
        self.setAccessibleName(f"{level}, {message.time:%H:%M}: {self._text.text()}")

    def copy(self) -> None:
        """Put the message with its details on the clipboard."""
        QGuiApplication.clipboard().setText(self._message.as_text())

    def _on_unfolded(self) -> None:
        is_open = self._unfold.isChecked()
        self._unfold.setIcon(icon("chevron-down" if is_open else "chevron-right", "quiet"))
        if self._details is None:
            self._details = QPlainTextEdit(self._message.details.strip(), self)
            self._details.setReadOnly(True)
            self._details.setTabChangesFocus(True)
            self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
            self._details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
            self._details.setAccessibleName("Details")
            lines = min(self._details.blockCount(), DETAIL_LINES)
            self._details.setFixedHeight(
                lines * self._details.fontMetrics().lineSpacing() + 20
            )  # the bar below
            self._layout.addWidget(self._details, 1, 2, 1, 3)
        self._details.setVisible(is_open)

    # ---- Qt ----

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.step_wanted.emit(-1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._message.details:
            self._unfold.click()
        elif key in (Qt.Key.Key_Right, Qt.Key.Key_Left) and self._message.details:
            if self._unfold.isChecked() != (key == Qt.Key.Key_Right):
                self._unfold.click()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._has_keys = came_by_key(event)
        self.reached.emit()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._has_keys = False
        self.update()

    def enterEvent(self, event: QEvent) -> None:
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        if self.hasFocus() or self.underMouse():
            painter.fillRect(self.rect(), colors.tint if self.hasFocus() else colors.hover)
        painter.setPen(colors.line)
        painter.drawLine(self.rect().bottomLeft(), self.rect().bottomRight())
        if self._has_keys:
            painter.setPen(QPen(colors.focus, 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
