"""The line under the menu: which model, what to do with it, which stages run, and the seed of Random."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFocusEvent, QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QToolButton, QWidget

from explorer.formats import run_epochs
from explorer.gui.class_choice import ClassChoice
from explorer.gui.head_choice import HeadChoice
from explorer.gui.session import Session
from explorer.gui.state import SEED_LIMIT
from explorer.gui.widgets.elided_label import ElidedLabel


class SeedField(QLineEdit):
    """Shows the seed that made the current code; Enter draws the code of the typed one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setPlaceholderText("seed")
        self.setAcceptDrops(False)  # a file that is dropped here is for the window
        self.setFixedWidth(108)
        self.setValidator(QRegularExpressionValidator("[0-9]{1,10}", self))
        self.setToolTip("The seed that made this picture; type one and press Enter to see it again")
        self.setAccessibleName("Seed of the random code")
        self.returnPressed.connect(self._on_return_pressed)
        self.inputRejected.connect(self._on_input_rejected)
        self.textChanged.connect(self._on_text_changed)
        session.seed_changed.connect(self._refresh)
        session.model_changed.connect(self._refresh)
        self._refresh()

    def _on_input_rejected(self) -> None:
        self._mark(invalid=True)
        self._session.tell("info", f"A seed is a whole number from 0 to {SEED_LIMIT - 1}.")

    def _on_text_changed(self) -> None:
        self._mark(invalid=False)

    def _mark(self, *, invalid: bool) -> None:
        if bool(self.property("invalid")) != invalid:
            self.setProperty("invalid", invalid)
            self.style().unpolish(self)
            self.style().polish(self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._mark(invalid=False)
        super().focusOutEvent(event)

    def _on_return_pressed(self) -> None:
        seed = int(self.text())
        if seed >= SEED_LIMIT:
            self._session.tell("error", f"{seed} is too large for a seed; use 0 to {SEED_LIMIT - 1}.")
            self._refresh()
        else:
            self._session.randomize(seed)

    def _refresh(self) -> None:
        seed = self._session.seed
        self.setText("" if seed is None else str(seed))
        self.setEnabled(self._session.model is not None)


class Header(QWidget):
    """Name of the model, the main actions, the stages and Export."""

    def __init__(
        self,
        session: Session,
        actions: list[QAction],
        stages: QWidget,
        export: QToolButton,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._opening = ""
        self._name = QLabel(self)
        self._name.setObjectName("modelName")
        self._name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._facts = ElidedLabel(self)
        self._facts.setObjectName("quiet")
        buttons: list[QWidget] = []
        for action in actions:
            buttons.append(_button(action, self))
            if action.objectName() == "random":
                buttons.append(SeedField(session, self))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(8)
        left, right = QWidget(self), QWidget(self)  # equally wide: the buttons stay in the middle
        _fill(left, [self._name, self._facts, ClassChoice(session, self), HeadChoice(session, self), None])
        _fill(right, [None, stages, export])
        layout.addWidget(left, stretch=1)
        for button in buttons:
            layout.addWidget(button)
        layout.addWidget(right, stretch=1)
        session.model_changed.connect(self._refresh)
        session.space_changed.connect(self._refresh)
        session.weights_changed.connect(self._refresh)
        self._refresh()

    def show_opening(self, text: str) -> None:
        """Say what is being opened, while there is no model; empty for nothing."""
        self._opening = text
        self._refresh()

    def _refresh(self) -> None:
        model, space = self._session.model, self._session.space
        if model is None or space is None:
            self._name.setText("Latent Explorer")
            self._facts.setText(f"{self._opening}…" if self._opening else "no model open")
            return
        self._name.setText(_shorten(run_epochs.name_of(model), 28))
        self._name.setToolTip(str(model.origin.path) if model.origin else model.name)
        height, width = model.image.height, model.image.width
        self._facts.setText(f"{model.architecture} · {space.dim}-D · {width}×{height}")
        self._facts.setToolTip("\n".join(model.notes) or "Nothing had to be guessed to read this model")


def _fill(place: QWidget, widgets: list[QWidget | None]) -> None:
    """Put widgets into a row; None is room that grows."""
    layout = QHBoxLayout(place)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)


def _button(action: QAction, parent: QWidget) -> QToolButton:
    """Return a button for an action; its tooltip and enabled state are the action's."""
    button = QToolButton(parent)
    button.setDefaultAction(action)
    button.setAccessibleName(action.iconText())
    button.setToolButtonStyle(
        Qt.ToolButtonStyle.ToolButtonIconOnly
        if action.objectName() in ("undo", "redo")
        else Qt.ToolButtonStyle.ToolButtonTextOnly
    )
    return button


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit // 2]}…{text[-limit // 2 + 1 :]}"
