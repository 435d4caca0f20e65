"""The list of what was said: a window beside the main one, newest first, with details on demand.

What is kept is `messages.py`; here it is only shown.
"""

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
    QShowEvent,
)
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.gui import theme
from explorer.gui.messages import Message, Messages
from explorer.gui.widgets.dock import Frame
from explorer.gui.widgets.empty_state import EmptyState
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


class MessageList(QDialog):
    """Every message that is kept; stays open beside the work, and follows it."""

    def __init__(self, messages: Messages, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._rows: list[MessageRow] = []  # the newest first
        self.setWindowTitle("Messages")
        self.setModal(False)
        self._column = QWidget(self)
        self._column_layout = QVBoxLayout(self._column)
        self._column_layout.setContentsMargins(0, 0, 0, 0)
        self._column_layout.setSpacing(0)
        self._column_layout.addStretch(1)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self._column)
        for widget in (self._column, self._area.viewport()):
            widget.setAutoFillBackground(False)  # the frame is seen through them
        self._pages = QStackedWidget(self)
        empty = EmptyState(
            "check", "Nothing was said yet", "What goes wrong, and what was done, is kept here.", self
        )
        self._pages.addWidget(empty)
        self._pages.addWidget(self._area)
        self._build()
        messages.added.connect(self._on_added)
        messages.cleared.connect(self._on_cleared)
        for message in messages.all:
            self._on_added(message)
        self._refresh()
        self.resize(560, 400)

    def _build(self) -> None:
        self._copy_all = self._button("Copy &all", "Copy every message with its details", self.copy_all)
        self._clear = self._button("C&lear", "Forget every message", self._messages.clear)
        close = self._button("&Close", "Close this window (Esc)", self.close)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._copy_all, self._clear):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        frame = Frame(self._pages, self)
        frame.layout().setContentsMargins(1, 6, 1, 6)  # type: ignore[union-attr]
        layout.addWidget(frame, stretch=1)
        layout.addLayout(buttons)

    def _button(self, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", ""))
        button.clicked.connect(slot)
        return button

    @property
    def rows(self) -> tuple[MessageRow, ...]:
        """What is shown, the newest first."""
        return tuple(self._rows)

    def copy_all(self) -> None:
        """Put every message with its details on the clipboard, the newest first."""
        texts = [message.as_text() for message in reversed(self._messages.all)]
        QGuiApplication.clipboard().setText("\n".join(texts))

    # ---- reactions ----

    def _on_added(self, message: Message) -> None:
        if message.count > 1 and self._rows and self._rows[0].message.text == message.text:
            self._rows[0].show_message(message)
        else:
            row = MessageRow(message, self._column)
            row.step_wanted.connect(self._on_step_wanted)
            row.reached.connect(self._on_reached)
            self._rows.insert(0, row)
            self._column_layout.insertWidget(0, row)
            while len(self._rows) > max(len(self._messages.all), 1):
                self._drop(self._rows.pop())
        self._refresh()
        if self.isVisible():
            self._messages.mark_read()

    def _on_cleared(self) -> None:
        while self._rows:
            self._drop(self._rows.pop())
        self._refresh()

    def _drop(self, row: MessageRow) -> None:
        row.hide()
        self._column_layout.removeWidget(row)
        row.deleteLater()

    def _on_step_wanted(self, step: int) -> None:
        place = self._rows.index(self.sender()) + step  # type: ignore[arg-type]
        if 0 <= place < len(self._rows):
            self._rows[place].setFocus(Qt.FocusReason.TabFocusReason)
            self._area.ensureWidgetVisible(self._rows[place], 0, 0)

    def _on_reached(self) -> None:
        self._give_tab(self.sender())  # type: ignore[arg-type]

    def _refresh(self) -> None:
        has_rows = bool(self._rows)
        self._pages.setCurrentIndex(1 if has_rows else 0)
        for button in (self._copy_all, self._clear):
            button.setEnabled(has_rows)
        if has_rows and not any(row.hasFocus() for row in self._rows):
            self._give_tab(self._rows[0])

    def _give_tab(self, chosen: MessageRow) -> None:
        """Let the Tab key reach one row; the arrows lead to the others."""
        for row in self._rows:
            strong = row is chosen
            row.setFocusPolicy(Qt.FocusPolicy.StrongFocus if strong else Qt.FocusPolicy.ClickFocus)

    # ---- Qt ----

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._messages.mark_read()
        if self._rows:
            self._area.verticalScrollBar().setValue(0)
            self._rows[0].setFocus(Qt.FocusReason.OtherFocusReason)
