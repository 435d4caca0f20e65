"""The small editor for the name of a dimension and the note on it, which lies over the window beside the row.

It is a part of the window and no window of its own, so that input methods work in it and no system puts it
elsewhere. Where it opens, and what has the keyboard after it, is the panel's.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QTextCursor
from PySide6.QtWidgets import QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QWidget

from explorer.gui import theme
from explorer.gui.session import Session

WIDTHS = (264, 360)  # px
NOTE_HEIGHT = 84
_GAP = 4  # px between the row and the editor
_EDGE = 8  # px that stay free at the window's edge
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
HINT = "Enter saves (in the note Ctrl+Enter), Esc cancels"


class DimensionNotes(QWidget):
    """Edits one dimension at a time; a click elsewhere saves what was typed, Escape does not."""

    finished = Signal(int)  # of which dimension; by a key, so the keyboard should go back to its row

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self.index: int | None = None
        self._watched: list[QObject] = []
        self._name = QLabel()
        self._name.setObjectName("quiet")
        self._title = QLineEdit()
        self._title.setPlaceholderText("name")
        self._title.setToolTip("What you call this dimension (Enter saves)")
        self._title.setMaxLength(80)
        self._note = QPlainTextEdit()
        self._note.setObjectName("field")
        self._note.setPlaceholderText("note")
        self._note.setToolTip("What you noticed about it (Ctrl+Enter saves)")
        self._note.setTabChangesFocus(True)
        self._note.setFixedHeight(NOTE_HEIGHT)
        self._hint = QLabel(HINT)
        self._hint.setObjectName("quiet")
        self._hint.setWordWrap(True)
        self._arrange()
        for field in (self._title, self._note):
            field.setAcceptDrops(False)  # a file that is dropped here is for the window
            field.installEventFilter(self)
        session.model_changed.connect(self.dismiss)
        session.space_changed.connect(self.dismiss)
        self.setProperty("overlay", True)
        self.hide()

    def _arrange(self) -> None:
        layout = self._layout = QGridLayout(self)
        layout.setContentsMargins(12, 12, 12, 8)
        layout.setSpacing(8)
        layout.addWidget(self._name, 0, 0)
        layout.addWidget(self._title, 0, 1)
        layout.addWidget(self._note, 1, 0, 1, 2)
        layout.addWidget(self._hint, 2, 0, 1, 2)
        layout.setColumnStretch(1, 1)

    def open(self, index: int, row: QWidget) -> None:
        """Ask for the words of a dimension beside its row."""
        self._save()
        session, name = self._session, self._session.name_of(index)
        self.index = index
        self._name.setText(name)
        self._title.setText(session.title_of(index))
        self._title.setAccessibleName(f"Name of {name}")
        self._note.setPlainText(session.remark_of(index))
        self._note.setAccessibleName(f"Note on {name}")
        self._note.moveCursor(QTextCursor.MoveOperation.End)
        window = row.window()
        self.setParent(window)
        self._watch(window)
        self._place_beside(row)
        self.show()
        self.raise_()
        self._title.setFocus(Qt.FocusReason.OtherFocusReason)
        self._title.end(False)
        self._title.home(True)  # all is selected, and of a long name one sees the beginning

    def dismiss(self) -> None:
        """Go away, leaving all as it was."""
        if self.index is not None:
            self.index = None
            self._hide()

    # ---- where it is ----

    def _place_beside(self, row: QWidget) -> None:
        """Lie under the row, or over it where there is no room, inside the window."""
        self.setFixedWidth(min(max(row.width(), WIDTHS[0]), WIDTHS[1]))
        self.setFixedHeight(self._layout.totalHeightForWidth(self.width()))
        window = row.window()
        corner = row.mapTo(window, QPoint(0, row.height() + _GAP))
        if corner.y() + self.height() > window.height() - _EDGE:
            corner.setY(row.mapTo(window, QPoint(0, -_GAP)).y() - self.height())
        self.move(corner)
        self._stay_inside()

    def _stay_inside(self) -> None:
        window = self.parentWidget()
        assert window is not None
        self.setFixedWidth(min(self.width(), max(window.width() - 2 * _EDGE, 1)))
        x = min(self.x(), window.width() - self.width() - _EDGE)
        y = min(self.y(), window.height() - self.height() - _EDGE)
        self.move(max(x, 0), max(y, 0))

    # ---- ending ----

    def _save(self) -> None:
        """Tell the session what was typed."""
        if self.index is None:
            return
        index, self.index = self.index, None
        self._session.name_dimension(index, self._title.text())
        self._session.note_dimension(index, self._note.toPlainText())

    def _finish(self, *, save: bool) -> None:
        """End by a key."""
        index = self.index
        if index is None:
            return
        if save:
            self._save()
        self.index = None
        self.finished.emit(index)
        self._hide()

    def _hide(self) -> None:
        self._watch(None)
        for field in (self._title, self._note):
            field.clearFocus()  # else hiding would hand the keyboard to any other widget
        self.hide()

    def _watch(self, window: QWidget | None) -> None:
        """Look at what happens to a window: clicks elsewhere, another size."""
        for watched in self._watched:
            watched.removeEventFilter(self)
        handle = window.windowHandle() if window is not None else None
        self._watched = [each for each in (window, handle) if each is not None]
        for watched in self._watched:
            watched.installEventFilter(self)

    # ---- Qt ----

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched in self._watched:
            if kind == QEvent.Type.Resize and watched is self.parentWidget():
                self._stay_inside()
            elif kind == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
                place = self.mapFromGlobal(event.globalPosition().toPoint())
                if not self.rect().contains(place):
                    self._save()
                    self._hide()
            return False
        if kind in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride) and isinstance(event, QKeyEvent):
            return self._take_key(watched, event)
        return False

    def _take_key(self, field: QObject, event: QKeyEvent) -> bool:
        """End on Escape and Enter; return whether the field is to know nothing of the key."""
        has_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        ends = event.key() in _ENTER and (field is self._title or has_control)
        if not ends and event.key() != Qt.Key.Key_Escape:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            self._finish(save=ends)
        return True

    def focusNextPrevChild(self, forward: bool) -> bool:
        (self._note if self._title.hasFocus() else self._title).setFocus(
            Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        )
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colors.tick, 1))
        painter.setBrush(colors.panel)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
