"""A small dialog that asks which layers take their styles from a place of the history."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from explorer.gui.session import Session
from explorer.gui.state import Place


class LayerRange(QDialog):
    """Asks for the first and the last layer, and mixes; deletes itself when it closes."""

    def __init__(self, session: Session, place: Place, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        assert session.model is not None
        self._session, self._place = session, place
        layers = session.model.layers
        self.setWindowTitle("Mix styles")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.first, self.last = (
            self._number(1, layers, "First layer"),
            self._number(layers, layers, "Last layer"),
        )
        self.first.valueChanged.connect(self._on_first_changed)
        self.last.valueChanged.connect(self._on_last_changed)
        row = QHBoxLayout()
        for widget in (QLabel("Layers", self), self.first, QLabel("to", self), self.last):
            row.addWidget(widget)
        row.addStretch(1)
        says = QLabel(
            f"take their styles from the chosen picture; the first of {layers} are the coarsest.", self
        )
        says.setObjectName("quiet")
        says.setWordWrap(True)
        buttons = QDialogButtonBox(self)
        buttons.addButton("Mix", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(says)
        layout.addWidget(buttons)

    def _number(self, value: int, layers: int, name: str) -> QSpinBox:
        field = QSpinBox(self)
        field.setRange(1, layers)
        field.setValue(value)
        field.setAccessibleName(name)
        return field

    def _on_first_changed(self, value: int) -> None:
        self.last.setValue(max(self.last.value(), value))

    def _on_last_changed(self, value: int) -> None:
        self.first.setValue(min(self.first.value(), value))

    def accept(self) -> None:
        """Mix, and close."""
        super().accept()
        self._session.mix(self._place, self.first.value() - 1, self.last.value())
