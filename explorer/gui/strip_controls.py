"""The controls in the title row of the strip: path, steps, what the ends show, swap, play, export."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QSpinBox, QToolButton, QWidget

from explorer.gui.session import Session
from explorer.gui.strip_player import StripPlayer
from explorer.gui.widgets.fitting_combo import FittingCombo
from explorer.gui.widgets.icons import icon

MAX_STEPS = 31


class _Steps(QSpinBox):
    """Takes any number that is typed, and the nearest in its range for it."""

    def validate(self, text: str, position: int) -> object:
        if text.removesuffix(self.suffix()).strip().isdecimal():
            return QValidator.State.Acceptable, text, position
        return super().validate(text, position)

    def valueFromText(self, text: str) -> int:
        digits = text.removesuffix(self.suffix()).strip()
        if not digits.isdecimal():
            return int(super().valueFromText(text))
        return min(max(int(digits), self.minimum()), self.maximum())


class StripControls(QObject):
    """Keeps the controls of the strip as the session says, and tells it what they were set to."""

    export_wanted = Signal()

    def __init__(self, session: Session, player: StripPlayer, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session
        self._player = player
        self._make(parent)
        space = QWidget(parent)
        space.setProperty("fill", True)
        self.widgets: list[QWidget] = [
            *(self._path, self._steps, self._ends, self._swap),
            *(space, self._loop, self._play, self._export),
        ]
        self._path.activated.connect(self._on_path_activated)
        self._steps.valueChanged.connect(self._on_steps_changed)
        self._ends.activated.connect(self._on_ends_activated)
        self._swap.clicked.connect(self._on_swap_clicked)
        self._play.clicked.connect(self._on_play_clicked)
        self._export.clicked.connect(self._on_export_clicked)
        self._loop.toggled.connect(player.set_to_and_fro)
        for signal in (session.anchors_changed, session.strip_changed, player.running_changed):
            signal.connect(self._refresh)
        self._refresh()

    def _make(self, parent: QWidget) -> None:
        self._path = FittingCombo(
            "Path from A to B",
            "The way from A to B: a straight line (lerp), or an arc around the origin (slerp)",
            parent,
        )
        self._path.addItem("lerp", "lerp")
        self._path.addItem("slerp", "slerp")
        self._steps = _Steps(parent)
        self._steps.setRange(1, MAX_STEPS)
        self._steps.lineEdit().setAcceptDrops(False)  # a file that is dropped here is for the window
        self._steps.setToolTip("Number of pictures between A and B, 1 to 31")
        self._steps.setAccessibleName("Pictures between A and B")
        self._ends = FittingCombo("What the ends show", "", parent)
        self._ends.addItem("source pictures", "source")
        self._ends.addItem("reconstructions", "decoded")
        self._swap = _button(parent, "swap", "Swap A and B", "")
        self._play = _button(parent, "play", "Play", "Play")
        self._loop = _button(parent, "loop", "Play back and forth", "")
        self._loop.setCheckable(True)
        self._loop.setToolTip("Play back and forth until you stop it")
        self._export = _button(parent, "export", "Export strip", "Export strip")

    def _refresh(self) -> None:
        session, settings = self._session, self._session.strip
        anchors = session.anchors
        both, any_set = all(anchors.values()), any(anchors.values())
        sourced = any(anchor is not None and anchor.picture is not None for anchor in anchors.values())
        self._path.setCurrentIndex(self._path.findData(settings.path))
        self._ends.setCurrentIndex(self._ends.findData(settings.ends))
        self._steps.blockSignals(True)
        self._steps.setValue(settings.steps)
        self._steps.setSuffix(" step" if settings.steps == 1 else " steps")
        self._steps.blockSignals(False)
        self._ends.setEnabled(sourced)
        self._ends.setToolTip(
            "Show the pictures that A and B were made from, or what the model makes of them"
            if sourced
            else "A and B came from no picture files, so the ends show the decoded pictures"
        )
        needs = "" if both else " (set A and B first)"
        running = self._player.is_running
        self._play.setIcon(icon("pause" if running else "play"))
        self._play.setText("Pause" if running else "Play")
        self._play.setAccessibleName("Pause" if running else "Play")
        for button, enabled, tip in (
            (self._swap, any_set, "Swap A and B"),
            (self._play, both, f"Run along the strip on the canvas (P){needs}"),
            (self._export, both, f"Save the strip as a picture or an animation{needs}"),
        ):
            button.setEnabled(enabled)
            button.setToolTip(tip)

    def _on_path_activated(self, _index: int) -> None:
        self._session.set_strip(path=self._path.currentData())

    def _on_steps_changed(self, steps: int) -> None:
        self._session.set_strip(steps=steps)

    def _on_ends_activated(self, _index: int) -> None:
        self._session.set_strip(ends=self._ends.currentData())

    def _on_swap_clicked(self) -> None:
        self._session.swap_anchors()

    def _on_play_clicked(self) -> None:
        self._player.toggle()

    def _on_export_clicked(self) -> None:
        self.export_wanted.emit()


def _button(parent: QWidget, name: str, label: str, text: str) -> QToolButton:
    """Return a button with an icon and, where there is one, a text."""
    button = QToolButton(parent)
    button.setIcon(icon(name))
    button.setText(text)
    button.setAccessibleName(label)
    button.setToolButtonStyle(
        Qt.ToolButtonStyle.ToolButtonTextBesideIcon if text else Qt.ToolButtonStyle.ToolButtonIconOnly
    )
    return button
