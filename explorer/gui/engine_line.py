"""What the status bar says of the engine: the device, what a picture takes, how old it was, what it lacks.

A few times a second at most, and the last picture of a drag always.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, QTimer

from explorer.gui.pictures import PictureSource
from explorer.gui.session import Session
from explorer.render.requests import RenderResult

EVERY = 250  # milliseconds


class Bar(Protocol):
    """Where it is said."""

    def set_status(self, text: str) -> None:
        """Show what the engine does."""

    def set_age(self, milliseconds: float | None) -> None:
        """Show how long after the last move the picture came."""


class EngineLine(QObject):
    """Follows the pictures of the canvas; `describe` says what computes, as `CPU float32`."""

    def __init__(
        self,
        session: Session,
        pictures: PictureSource,
        bar: Bar,
        describe: Callable[[], str],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._pictures = pictures
        self._bar = bar
        self._describe = describe
        self._newest: RenderResult | None = None  # not said yet
        self._timer = QTimer(self, singleShot=True, interval=EVERY)
        self._timer.timeout.connect(self._say)
        pictures.rendered.connect(self._on_rendered)

    def close(self) -> None:
        """Say nothing any more."""
        self._pictures.rendered.disconnect(self._on_rendered)
        self._timer.stop()

    def _on_rendered(self, result: RenderResult) -> None:
        if result.error is None:
            self._newest = result
            if not self._timer.isActive():
                self._say()

    def _say(self) -> None:
        result, self._newest = self._newest, None
        if result is None:
            return
        self._timer.start()
        self._bar.set_age(1000 * self._pictures.age)
        device = re.sub(r"b?float\d\d", result.numbers, self._describe())
        device += f" ({result.why})" if result.why else ""
        parts = [device, f"decode {result.milliseconds.get('decode', 0.0):.1f} ms"]
        self._bar.set_status("    ".join([*parts, *self._lacks(result)]))

    def _lacks(self, result: RenderResult) -> list[str]:
        """Return what a picture under the hand has less than the whole one."""
        request = result.request
        if request is None or request.quality == "full":
            return []
        side = [f"{request.max_side} px under the hand"] if request.max_side else []
        names = [stage.name for stage in self._session.enabled_stages if stage not in request.stages]
        return side + ([f"{', '.join(names)} when it rests"] if names else [])
