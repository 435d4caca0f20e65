"""What is said, and offered, when the decode thread hangs or is dead; the session survives both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from explorer.gui.decode_worker import DecodeWorker
from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.gui.watchdog import DEATH, Watchdog, silence_text

if TYPE_CHECKING:
    from explorer.gui.panels.canvas import Canvas
    from explorer.gui.widgets.notice import Note


class Guard(QObject):
    """Joins watchdog, decode thread and canvas: offers a restart with the model that is open."""

    def __init__(
        self, session: Session, worker: DecodeWorker, pictures: PictureSource, canvas: Canvas
    ) -> None:
        super().__init__(canvas)
        self._session = session
        self._canvas = canvas
        self._offer: Note | None = None
        self.watchdog = Watchdog(worker, pictures, self)
        self.watchdog.silent.connect(self._on_silent)
        self.watchdog.answered.connect(self._withdraw)
        self.watchdog.died.connect(self._on_died)
        session.model_changed.connect(self._on_model_changed)

    def restart(self) -> None:
        """Leave the decode thread behind and begin another; what was asked for is asked for again."""
        self.watchdog.restart()
        self._canvas.refresh()
        self._session.tell("info", f"The decoder was started again with {self._name}.")

    def close(self) -> None:
        """Watch no longer."""
        self.watchdog.stop()

    @property
    def _name(self) -> str:
        return self._session.model.name if self._session.model is not None else "no model"

    def _on_model_changed(self) -> None:
        """Another model must not wait behind one that hangs."""
        if self.watchdog.is_silent:
            self.restart()

    def _on_silent(self, seconds: float, usual: float) -> None:
        self._say(silence_text(self._name, seconds, usual))

    def _on_died(self) -> None:
        self._say(DEATH)

    def _say(self, text: str) -> None:
        self._withdraw()
        self._offer = self._canvas.offer(text, [("Start it &again", self.restart)], "warning")

    def _withdraw(self) -> None:
        if self._offer is not None:
            self._canvas.withdraw(self._offer)
            self._offer = None
