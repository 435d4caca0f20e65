"""What is being worked on, how far it is, and a way to cancel; seen only while work lasts."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from explorer.gui.widgets.elided_label import ElidedLabel

PATIENCE = 700  # milliseconds that work may take before it is shown
BAR_WIDTH = 96
STEPS = 1000


@dataclass
class _Work:
    text: str
    share: float | None
    timer: QTimer  # runs until the work is worth showing

    @property
    def is_long(self) -> bool:
        return not self.timer.isActive()


class WorkArea(QWidget):
    """Shows the newest of the works that last; several are counted."""

    cancelled = Signal(str)  # key of the work

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._works: dict[str, _Work] = {}  # the newest last
        self._label = ElidedLabel(self)
        self._bar = QProgressBar(self)
        self._bar.setRange(0, STEPS)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(BAR_WIDTH, 4)
        self._bar.setAccessibleName("How far the work is")
        self._cancel = QToolButton(self)
        self._cancel.setObjectName("status")
        self._cancel.setText("Cancel")
        self._cancel.setProperty("kind", "bare")
        self._cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self._cancel.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._cancel.clicked.connect(self._on_cancel_clicked)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addStretch(1)
        for widget in (self._label, self._bar, self._cancel):
            layout.addWidget(widget)
        self.hide()

    @property
    def text(self) -> str:
        """What is shown, empty where nothing is."""
        return "" if self.isHidden() else self._label.text()

    @property
    def share(self) -> float | None:
        """How much of it is done, 0..1; None where that is not shown."""
        return None if self.isHidden() or self._bar.isHidden() else self._bar.value() / STEPS

    def show_work(self, key: str, text: str, share: float | None = None) -> None:
        """Say what `key` does and how much of it is done, 0..1, None for unknown; begins it where it is new."""
        work = self._works.get(key)
        if work is None:
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.timeout.connect(self._refresh)
            timer.start(PATIENCE)
            self._works[key] = _Work(text, share, timer)
        elif (work.text, work.share) != (text, share):
            work.text, work.share = text, share
            if work.is_long:
                self._refresh()

    def end_work(self, key: str) -> None:
        """Forget a work; one that is not known is nothing."""
        work = self._works.pop(key, None)
        if work is not None:
            work.timer.stop()
            work.timer.deleteLater()
            self._refresh()

    def cancel(self) -> None:
        """Ask for the end of what is shown."""
        key = self._shown()
        if key is not None:
            self._cancel.setEnabled(False)  # until it has ended, or another one is shown
            self._cancel.setToolTip("It was asked to stop")
            self.cancelled.emit(key)

    def _on_cancel_clicked(self) -> None:
        self.cancel()

    def _shown(self) -> str | None:
        return next((key for key, work in reversed(self._works.items()) if work.is_long), None)

    def _refresh(self) -> None:
        key = self._shown()
        if key is None:
            self.hide()
            self.setProperty("work", "")
            return
        work, more = self._works[key], sum(work.is_long for work in self._works.values()) - 1
        text = work.text if not more else f"{work.text} (and {more} more)"
        self._label.setText(text)
        self._label.setToolTip(text)
        self._bar.setVisible(work.share is not None)
        self._bar.setValue(round(STEPS * (work.share or 0)))
        if self.property("work") != key:
            self.setProperty("work", key)
            self._cancel.setEnabled(True)
            self._cancel.setAccessibleName(f"Cancel: {work.text}")
            self._cancel.setToolTip(f"Stop this: {work.text}")
        self.show()
