"""What a hand and keys do to the row of a dimension, as steps of the session.

A drag is one step, and so are presses of the arrow keys in a row, a typed number, a click, and a click with
the double click that it turned out to begin.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.step_run import StepRun
from explorer.gui.widgets.dimension_row import PICTURES, DimensionRow
from explorer.latent import traversal


class DimensionEditor(QObject):
    """Listens to rows, calls the session's setters, tells when a slider is held."""

    taken = Signal()  # a slider, by the mouse
    released = Signal()
    naming_asked = Signal(int)

    def __init__(self, session: Session, pictures: PictureSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self.is_holding = False
        self._run = StepRun(session, self)
        self._commit_timer = QTimer(self)
        self._commit_timer.setSingleShot(True)
        self._commit_timer.setInterval(QApplication.doubleClickInterval())
        self._commit_timer.timeout.connect(session.commit)

    def listen(self, row: DimensionRow) -> None:
        """Do what is done to a row."""
        row.grabbed.connect(self._on_grabbed)
        row.moved.connect(self._session.set_dimension)
        row.let_go.connect(self._on_let_go)
        row.stepped.connect(self._on_stepped)
        row.settled.connect(self._on_settled)
        row.centered.connect(self._on_centered)
        row.entered.connect(self._on_entered)
        row.lock_toggled.connect(self._session.set_locked)
        row.picture_chosen.connect(self._on_picture_chosen)
        row.naming_asked.connect(self.naming_asked)

    def menu(self, index: int, parent: QWidget) -> QMenu:
        """Return the context menu of a dimension; it deletes itself when it closes."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Name and note…\tF2").triggered.connect(partial(self.naming_asked.emit, index))
        menu.addSeparator()
        menu.addAction("Centre\tDelete").triggered.connect(partial(self._on_centered, index))
        lock = menu.addAction("Lock\tL")
        lock.setCheckable(True)
        is_locked = bool(self._session.locked[index])
        lock.setChecked(is_locked)
        lock.triggered.connect(partial(self._session.set_locked, index, not is_locked))
        menu.addSeparator()
        menu.addAction("Copy value").triggered.connect(partial(self._copy_value, index))
        return menu

    def _on_grabbed(self, _index: int) -> None:
        self._commit_click()
        self.is_holding = True
        self._pictures.dragging(True)
        self.taken.emit()

    def _on_let_go(self, _index: int, dragged: bool) -> None:
        self.is_holding = False
        self._pictures.dragging(False)
        if dragged:
            self._session.commit()
        else:
            self._commit_timer.start()
        self.released.emit()

    def _commit_click(self) -> None:
        self._run.end()
        self._commit_waiting_click()

    def _commit_waiting_click(self) -> None:
        if self._commit_timer.isActive():
            self._commit_timer.stop()
            self._session.commit()

    def _on_stepped(self, index: int, spreads: float) -> None:
        assert self._session.space is not None
        self._commit_waiting_click()
        self._run.go_on(index)
        spread = float(self._session.space.spread[index])
        self._session.set_dimension(index, float(self._session.code[index]) + spreads * spread)

    def _on_settled(self, _index: int) -> None:
        self._run.rest()

    def _on_centered(self, index: int) -> None:
        assert self._session.space is not None
        self._run.end()
        if self._commit_timer.isActive():  # the click before this double click is part of the step
            self._commit_timer.stop()
            self._session.set_dimension(index, float(self._session.space.center[index]))
            self._session.commit()
        else:
            self._session.center_dimension(index)

    def _on_entered(self, index: int, value: float) -> None:
        """Take a typed value, and say where the slider ends before it."""
        low, high = self._session.slider_range(index)
        self._set_at_once(index, value)
        if not low <= value <= high:
            end = high if value > high else low
            name = f"{self._session.name_of(index)} {self._session.title_of(index)}".rstrip()
            self._session.tell("info", f"{name} was set to {end:.4g}, where its slider ends.")

    def _on_picture_chosen(self, index: int, which: int) -> None:
        assert self._session.space is not None
        self._set_at_once(index, float(traversal.span(self._session.space, index, PICTURES)[which]))

    def _copy_value(self, index: int) -> None:
        """Put the value onto the clipboard, with all its digits."""
        QGuiApplication.clipboard().setText(str(self._session.code[index]))

    def _set_at_once(self, index: int, value: float) -> None:
        self._commit_click()
        self._session.commit()
        self._session.set_dimension(index, value)
        self._session.commit()
        self._session.arrived.emit(self._session.name_of(index))
