"""The decode thread as the window sees it: requests in, results out by a signal. All order is the scheduler's.

Here the thread is also replaced: one that hangs inside somebody's network cannot be ended, only left behind.
"""

from __future__ import annotations

import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from explorer.errors import Cancelled, DeviceError
from explorer.gui.watchdog import FACTOR, FLOOR
from explorer.render import devices
from explorer.render.pulse import Pulse
from explorer.render.requests import Request
from explorer.render.scheduler import Answering, Scheduler

if TYPE_CHECKING:
    from explorer.render.renderer import Renderer


CLOSE_SECONDS = 10.0
"""How long closing waits; longer takes only what hangs, and no window shall stay open for that."""

HUNG_SECONDS = 0.5
"""How long it waits for what has hung for a while already."""


class DecodeWorker(QObject):
    """Owns the decode thread; connect its signals to bound methods of QObjects only.

    Attributes:
        device: what computes, `cpu`, `cuda` or `mps`; what was asked for until torch is there.
        precision: how exactly, `exact` or `fast`.
        description: the same for people, `CPU float32`; empty until torch is there.
    """

    result = Signal(object)  # a Result
    failed = Signal(str)  # a device could not be had; a sentence
    progressed = Signal(object, float)  # a Request that takes long, and the share of it that is done, 0..1
    died = Signal()  # the thread ended by itself; or a request was made although it had
    ready = Signal()  # torch is there, or will not come: each result then says why

    def __init__(self, device: str = "auto", precision: str = "exact", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.device = device
        self.description = ""
        self.precision = precision
        self._wanted_device = device
        self._generation = 0
        self._is_dragging = False
        self._abandoned: list[Scheduler] = []
        self._begun = threading.Event()
        self._is_closed = False
        self._turn = 0  # which thread it is; those left behind had lower ones
        self._scheduler = self._new_scheduler()

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
        if not self._is_closed and not self._scheduler.is_alive():
            self.died.emit()

    def cancel(self, slot_prefix: str) -> None:
        """Forget what waits or runs in slots that begin so."""
        self._scheduler.cancel(slot_prefix)

    def set_dragging(self, dragging: bool) -> None:
        """Let bulk work rest while a drag lasts."""
        self._is_dragging = dragging
        self._scheduler.set_dragging(dragging)

    def set_generation(self, generation: int) -> None:
        """Drop the work of older models."""
        self._generation = generation
        self._scheduler.set_generation(generation)

    def set_device(self, name: str) -> None:
        """Compute on another device from the next picture on; `failed` tells where there is none."""

        def change(renderer: Answering) -> None:
            try:
                renderer.set_device(name)  # type: ignore[attr-defined]
            except DeviceError as error:
                self.failed.emit(str(error))
            self._describe(renderer)  # type: ignore[arg-type]

        self._wanted_device = name
        self._scheduler.call(change)

    def pulse(self) -> Pulse:
        """Return how long the thread has been at its piece of work, and how long such a piece usually takes."""
        return self._scheduler.pulse()

    def stack(self) -> str:
        """Return where in its code the thread is now, as the text of a traceback."""
        return self._scheduler.stack()

    def restart(self) -> None:
        """Leave the thread behind and begin another, on the same device; nothing of the old one arrives any more.

        What waited is lost: `PictureSource.resubmit` asks for it again.
        """
        if self._is_closed:
            return
        old = self._scheduler
        old.abandon()
        self._abandoned.append(old)
        self._scheduler = self._new_scheduler()
        self._scheduler.set_generation(self._generation)
        self._scheduler.set_dragging(self._is_dragging)

    @property
    def abandoned(self) -> tuple[Scheduler, ...]:
        """Threads that were left behind and have not come back; they are daemons, and end with the process."""
        self._abandoned = [scheduler for scheduler in self._abandoned if scheduler.is_alive()]
        return tuple(self._abandoned)

    def close(self, timeout: float | None = None) -> bool:
        """Stop and wait for the thread, not for `abandoned` ones; return whether it ended in time.

        Without a `timeout` it waits `CLOSE_SECONDS`, or `HUNG_SECONDS` where the thread seems to hang.
        """
        self._is_closed = True
        self._begun.set()
        if timeout is None:
            timeout = HUNG_SECONDS if self._hangs() else CLOSE_SECONDS
        return self._scheduler.close(timeout)

    def _hangs(self) -> bool:
        pulse = self.pulse()
        if pulse.since is None or not pulse.pieces:
            return False
        return monotonic() - pulse.since > max(FLOOR, FACTOR * pulse.usual)

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._scheduler.is_alive()

    def _new_scheduler(self) -> Scheduler:
        self._turn += 1
        make_renderer = partial(self._make_renderer, self._turn)
        return Scheduler(make_renderer, self.result.emit, self.progressed.emit, self.died.emit)

    # ---- in the thread ----

    def _make_renderer(self, turn: int) -> Renderer:
        """Import torch and make a renderer; a thread that was left behind meanwhile says nothing any more."""
        self._begun.wait()
        if self._is_closed or turn != self._turn:
            raise Cancelled
        devices.lower_thread_priority()
        devices.preload_torch()
        try:
            from explorer.render.renderer import Renderer  # imports torch, which takes seconds

            try:
                renderer = Renderer(self._wanted_device, self.precision)  # type: ignore[arg-type]
            except DeviceError as error:
                self.failed.emit(str(error))
                renderer = Renderer("cpu", self.precision)  # type: ignore[arg-type]
            renderer.tell_fallback(partial(self._fall_back, renderer))
            if turn == self._turn:
                self._describe(renderer)
            return renderer
        finally:
            if turn == self._turn:
                self.ready.emit()

    def _fall_back(self, renderer: Renderer, sentence: str) -> None:
        """Say that the processor took over from a device without memory left."""
        self._describe(renderer)
        self.failed.emit(sentence)

    def _describe(self, renderer: Renderer) -> None:
        self.device = self._wanted_device = renderer.device
        self.description = renderer.description
