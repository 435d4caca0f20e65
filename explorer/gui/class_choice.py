"""The choice of the class that a conditional model makes pictures of; hidden for all other models."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from explorer.gui.session import Session
from explorer.gui.widgets.fitting_combo import FittingCombo


class ClassChoice(FittingCombo):
    """Shows the session's class, and sets it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Class", "The class that the pictures are made of", parent)
        self._session = session
        self.setMaxVisibleItems(20)
        self.activated.connect(session.set_label)
        session.model_changed.connect(self._fill)
        session.options_changed.connect(self._refresh)
        self._fill()

    def _fill(self) -> None:
        count = self._session.classes
        if self.count() != count:
            self.clear()
            self.addItems([f"class {number}" for number in range(count)])
        self._refresh()
        self.setVisible(count > 0)

    def _refresh(self) -> None:
        self.setCurrentIndex(self._session.label if self._session.classes else -1)
