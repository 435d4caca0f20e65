"""A small field that floats beside the thing that it names."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

SIZE = QSize(180, 26)
LONGEST = 80
GAP = 6


class NameField(QLineEdit):
    """Enter or leaving it takes the text, Escape does not; `what` it names is an id."""

    entered = Signal(int, str)
    closed = Signal()  # by a key

    def __init__(self, what: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._id = -1
        self.setPlaceholderText(f"Name of this {what}")
        self.setAccessibleName(f"Name of the {what}")
        self.setToolTip("Enter takes the name, Escape leaves it as it was")
        self.setMaxLength(LONGEST)
        self.setAcceptDrops(False)  # a file that is dropped here is for the window
        self.editingFinished.connect(self._on_editing_finished)
        self.setProperty("overlay", True)
        self.hide()

    def edit(self, number: int, name: str, beside: QRect) -> None:
        """Ask for a name; `beside` is where the thing is in the parent."""
        parent = self.parentWidget()
        assert parent is not None
        width = min(SIZE.width(), parent.width())
        left = beside.right() + GAP
        if left + width > parent.width():
            left = max(beside.left() - GAP - width, 0)
        self.setGeometry(left, beside.center().y() - SIZE.height() // 2, width, SIZE.height())
        self._id = number
        self.setText(name)
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self.end(False)
        self.home(True)  # all is selected, and of a long name one sees the beginning

    def cancel(self) -> None:
        """Go away, and leave the name as it was."""
        self._id = -1  # hiding takes the focus away, which would finish the editing
        self.hide()

    def event(self, event: QEvent) -> bool:
        is_key = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if is_key and event.key() == Qt.Key.Key_Escape:  # type: ignore[attr-defined]
            event.accept()  # before a key of the window takes it
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.cancel()
            self.closed.emit()
        else:
            super().keyPressEvent(event)
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                event.accept()
                self.closed.emit()

    def _on_editing_finished(self) -> None:
        number, text = self._id, self.text()
        if number >= 0:
            self.cancel()
            self.entered.emit(number, text)
