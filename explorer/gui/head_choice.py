"""The toggle between the decoders of a model that has several; hidden for all other models."""

from __future__ import annotations

from PySide6.QtWidgets import QToolButton, QWidget

from explorer.gui.session import Session


class HeadChoice(QToolButton):
    """Says which decoder draws; a click goes on to the next one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setObjectName("quiet")
        self.clicked.connect(self._on_clicked)
        session.model_changed.connect(self._refresh)
        session.options_changed.connect(self._refresh)
        self._refresh()

    @property
    def _heads(self) -> tuple[str, ...]:
        model = self._session.model
        return model.heads if model is not None and "head" in model.accepts else ()

    def _refresh(self) -> None:
        heads = self._heads
        self.setVisible(len(heads) > 1)
        if len(heads) > 1:
            shown = self._session.style.head or heads[0]
            self.setText(f"decoder {shown}")
            self.setAccessibleName(self.text())
            following = heads[(heads.index(shown) + 1) % len(heads)] if shown in heads else heads[0]
            self.setToolTip(f"Draw the same code with the decoder {following}")

    def _on_clicked(self) -> None:
        heads = self._heads
        shown = self._session.style.head or heads[0]
        at = heads.index(shown) if shown in heads else -1
        self._session.set_style(head=heads[(at + 1) % len(heads)])
        self._session.commit()
