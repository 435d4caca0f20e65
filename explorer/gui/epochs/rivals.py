"""Which epoch the one that is shown is compared with: read, handed to the session, taken away again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.gui.epochs.epoch_reader import EpochReader, Wanted
from explorer.gui.session import Session
from explorer.gui.state import Rival
from explorer.gui.weights import as_shown
from explorer.models.base import LatentModel

if TYPE_CHECKING:
    from explorer.gui.weights import Network


class Rivals(QObject):
    """Keeps the session's rival, an epoch of the run that is open.

    Args:
        shown: returns the network whose epochs are walked through, its epoch, and which stage it is (0: the model).
    """

    changed = Signal()
    arrived = Signal(int, object)  # to be checked, then shown by `show`
    failed = Signal(int, str)

    def __init__(
        self,
        session: Session,
        reader: EpochReader,
        shown: Callable[[], tuple[Network | None, int, int]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._reader = reader
        self._shown = shown
        self.number: int | None = None  # of the epoch that is compared, or on its way
        reader.arrived.connect(self.arrived)
        reader.failed.connect(self._on_failed)
        session.rival_changed.connect(self.refresh)

    def want(self, number: int | None, wanted: Wanted | None) -> None:
        """Compare with an epoch, None with none; `wanted` is where it is, None where it cannot be had."""
        self.number = number
        if number is None:
            self._reader.forget()
            self._session.compare_with(None)
        elif wanted is not None:
            self._reader.want(wanted)

    def show(self, number: int, network: Network) -> None:
        """Compare with an epoch that was read, if somebody still wants one."""
        shown, own, stage_id = self._shown()
        if self.number is None or shown is None:
            return
        if isinstance(network, LatentModel):
            assert isinstance(shown, LatentModel)
            self._session.compare_with(Rival(name_of(number), name_of(own), model=as_shown(network, shown)))
        else:
            self._session.compare_with(Rival(name_of(number), name_of(own), stage_id=stage_id, stage=network))

    def tell_own(self, number: int) -> None:
        """Say which epoch is shown now beside the one that it is compared with."""
        rival = self._session.rival
        if rival is not None:
            self._session.compare_with(replace(rival, own=name_of(number)))

    def refresh(self) -> None:
        """Know of no rival any more where the session has none, because the canvas has put it away."""
        if self._session.rival is None and self.number is not None and self._reader.wanted is None:
            self.number = None
            self.changed.emit()

    def _on_failed(self, number: int, sentence: str) -> None:
        if self.number == number:
            self.number = None
        self.failed.emit(number, sentence)


def name_of(number: int) -> str:
    """Return what people call an epoch."""
    return f"epoch {number}"
