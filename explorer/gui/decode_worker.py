"""The decode thread as the window sees it: requests in, one signal out. All order is the scheduler's."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.errors import Cancelled, DeviceError
from explorer.render import devices
from explorer.render.requests import Request
from explorer.render.scheduler import Answering, Scheduler

if TYPE_CHECKING:
    from explorer.render.renderer import Renderer


class DecodeWorker(QObject):
    """Owns the decode thread; connect its signals to bound methods of QObjects only.

    Attributes:
        device: what computes, `cpu`, `cuda` or `mps`; what was asked for until torch is there.
        description: the same for people, `CPU float32`; empty until torch is there.
    """

    result = Signal(object)  # a Result
    failed = Signal(str)  # a device could not be had; a sentence
    ready = Signal()  # torch is there, or will not come: each result then says why

    def __init__(self, device: str = "auto", precision: str = "exact", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.device = device
        self.description = ""
        self._precision = precision
        self._begun = threading.Event()
        self._is_closed = False
        self._scheduler = Scheduler(self._make_renderer, self.result.emit)

    def begin(self) -> None:
        """Let the thread import torch, now that the window is on the screen; the first request does it too.

        Two threads that both run Python share one lock, so an import beside the window's building would
        double the time until the window is seen.
        """
        self._begun.set()

    def submit(self, request: Request) -> None:
        """Put a request into its slot; the newest wins."""
        self._begun.set()
        self._scheduler.submit(request)

    def cancel(self, slot_prefix: str) -> None:
        """Forget what waits or runs in slots that begin so."""
        self._scheduler.cancel(slot_prefix)

    def set_dragging(self, dragging: bool) -> None:
        """Let bulk work rest while a drag lasts."""
        self._scheduler.set_dragging(dragging)

    def set_generation(self, generation: int) -> None:
        """Drop the work of older models."""
        self._scheduler.set_generation(generation)

    def set_device(self, name: str) -> None:
        """Compute on another device from the next picture on; `failed` tells where there is none."""

        def change(renderer: Answering) -> None:
            try:
                renderer.set_device(name)  # type: ignore[attr-defined]
            except DeviceError as error:
                self.failed.emit(str(error))
            self._describe(renderer)  # type: ignore[arg-type]

        self._scheduler.call(change)

    def close(self, timeout: float | None = None) -> bool:
        """Stop and wait for the thread; return whether it ended in time."""
        self._is_closed = True
        self._begun.set()
        return self._scheduler.close(timeout)

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._scheduler.is_alive()

    # ---- in the thread ----

    def _make_renderer(self) -> Renderer:
        self._begun.wait()
        if self._is_closed:
            raise Cancelled
        devices.preload_torch()
        try:
            from explorer.render.renderer import Renderer  # imports torch, which takes seconds

            try:
                renderer = Renderer(self.device, self._precision)  # type: ignore[arg-type]
            except DeviceError as error:
                self.failed.emit(str(error))
                renderer = Renderer("cpu", self._precision)  # type: ignore[arg-type]
            self._describe(renderer)
            return renderer
        finally:
            self.ready.emit()

    def _describe(self, renderer: Renderer) -> None:
        self.device = renderer.device
        self.description = renderer.description
