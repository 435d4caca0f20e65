"""The line under the panels: the engine or the last news, work that lasts, the picture's age, messages."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QStatusBar, QToolButton, QWidget

from explorer.gui import theme
from explorer.gui.widgets.elided_label import ElidedLabel
from explorer.gui.widgets.icons import icon
from explorer.gui.widgets.work_area import WorkArea

INFO_MILLISECONDS = 6000
SMALL_PIXELS = 11


class StatusBar(QStatusBar):
    """Facts of the engine at the left, give way to news for a while; the rest at the right."""

    messages_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._engine = ""
        self._label = ElidedLabel(self)
        self._label.setContentsMargins(6, 0, 0, 0)
        self.work = WorkArea(self)
        self._age = QLabel(self)
        self._age.setFont(theme.numbers_font(SMALL_PIXELS))
        self._age.setToolTip("How long after the last move this picture came")
        self._messages = self._make_messages_button()
        self._said = QTimer(self)  # runs while news are shown
        self._said.setSingleShot(True)
        self._said.timeout.connect(self._show_engine)
        self.addWidget(self._label, 1)
        for widget in (self.work, self._age, self._messages):
            self.addPermanentWidget(widget)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(0, 0, 8, 4)
        self.set_age(None)
        self.set_unread(0)

    def _make_messages_button(self) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("status")
        button.setProperty("kind", "bare")
        button.setIcon(icon("message", "quiet"))
        button.setIconSize(QSize(14, 14))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(self._on_messages_clicked)
        return button

    @property
    def text(self) -> str:
        """What stands at the left."""
        return self._label.text()

    @property
    def age(self) -> str:
        """What is said of the picture's age, empty where nothing is."""
        return self._age.text()

    @property
    def unread(self) -> str:
        """What the button of the messages says: their number, empty for none."""
        return self._messages.text()

    def set_engine(self, text: str) -> None:
        """Show what the engine does, once no news are shown any more."""
        self._engine = text
        if not self._said.isActive():
            self._show_engine()

    def show_news(self, text: str) -> None:
        """Show a sentence for a while."""
        self._label.setText(text)
        self._label.setToolTip(text)
        self._said.start(INFO_MILLISECONDS)

    def set_age(self, milliseconds: float | None) -> None:
        """Show how old the picture was when it came; None for no picture."""
        text = "" if milliseconds is None else f"picture age {milliseconds:.0f} ms"
        self._age.setText(text)
        self._age.setVisible(bool(text))

    def set_unread(self, count: int) -> None:
        """Show how many errors and warnings nobody has looked at."""
        self._messages.setText(str(count) if count else "")
        self._messages.setProperty("unread", bool(count))
        self._messages.style().unpolish(self._messages)
        self._messages.style().polish(self._messages)
        many = f"{count} messages that were" if count > 1 else "One message that was"
        self._messages.setToolTip(f"{many} not looked at yet" if count else "What was said so far")
        self._messages.setAccessibleName(f"Messages, {count} unread" if count else "Messages")

    def _show_engine(self) -> None:
        self._label.setText(self._engine)
        self._label.setToolTip("")

    def _on_messages_clicked(self) -> None:
        self.messages_wanted.emit()
