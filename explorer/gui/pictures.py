"""Where panels ask for pictures: it builds the requests, and brings each answer to the one who asked last.

The one place that turns rendered arrays into QImages. Panels know this class, not the thread behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QImage

from explorer.gui.previews import Previews
from explorer.models.base import NO_OPTIONS, DecodeOptions
from explorer.render.requests import (
    LIVE,
    ActivityRequest,
    EncodeRequest,
    RenderRequest,
    RenderResult,
    Request,
    Result,
    SampleRequest,
    frozen_codes,
)

if TYPE_CHECKING:
    from PySide6.QtCore import SignalInstance

    from explorer.gui.session import Session
    from explorer.models.base import LatentModel, StageModel

Receiver = Callable[[Any], None]  # gets the result that belongs to the request


ACTIVITY_SECONDS = 20.0
"""What measuring the dimensions may take, in pieces between everything else."""

REST = 40
"""Milliseconds without a move after which a hand rests: then the whole picture is drawn, until the next move."""

PLAYER, PLAY_REST = "play", 200
"""Who moves the code without a hand, at a slower pace."""


class Worker(Protocol):
    """What the decode thread offers."""

    result: SignalInstance
    progressed: SignalInstance

    def submit(self, request: Request) -> None:
        """Put a request into its slot."""

    def cancel(self, slot_prefix: str) -> None:
        """Forget what waits in slots that begin so."""

    def set_dragging(self, dragging: bool) -> None:
        """Let bulk work wait."""

    def set_generation(self, generation: int) -> None:
        """Drop the work of older models."""


class PictureSource(QObject):
    """Requests by slot: the newest of a slot wins, what is stale never reaches a panel."""

    rendered = Signal(object)  # every RenderResult of the slot "canvas"
    progressed = Signal(str, float)  # a slot that takes long, and the share of it that is done, 0..1
    asked = Signal()  # something is outstanding, where nothing was; or all of it is asked for again

    def __init__(self, session: Session, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._worker = worker
        self._ids = 0
        self._waiting: dict[str, tuple[Request, Receiver]] = {}
        self._draggers: set[str] = set()
        self._previews = Previews()
        self._due: tuple[RenderRequest, Receiver] | None = None  # what a preview stands for
        self._rest = QTimer(self, singleShot=True, interval=REST, timerType=Qt.TimerType.PreciseTimer)
        self._rest.timeout.connect(self._ask_whole)
        self._asked_at: dict[
            int, float
        ] = {}  # when the picture of a request of the canvas was wished for, by id
        self.age = 0.0  # seconds between the wish for the newest picture of the canvas and its coming
        worker.result.connect(self._on_result)
        worker.progressed.connect(self._on_progressed)
        session.model_changed.connect(self._on_model_changed)

    def want(
        self,
        slot: str,
        codes: np.ndarray,
        receiver: Receiver,
        *,
        stages: bool | tuple[StageModel, ...] = True,
        max_side: int | None = None,
        space: str | None = None,
        model: LatentModel | None = None,
        options: DecodeOptions | None = None,
    ) -> None:
        """Ask for the pictures of codes `(N, dim)` or `(dim,)`; `receiver` gets a `RenderResult` later.

        `receiver` must be a bound method of a QObject. Another `want` for the same slot replaces this one.
        `stages` are those of the session or none, or whichever are given. A `model` that is not the session's is
        decoded in its first space, through no stages but those that are given, and without options but `options`.
        """
        session = self._session
        other, model = model, model or session.model
        if model is None:
            return
        if other is not None:
            space = space or other.default_space
        if isinstance(stages, bool):
            stages = session.enabled_stages if stages and other is None else ()
        assert space is not None or session.space is not None
        request = RenderRequest(
            slot=slot,
            generation=session.generation,
            id=self._next_id(),
            model=model,
            codes=frozen_codes(codes),
            space=space or session.state.space,
            options=options or (session.options if other is None else NO_OPTIONS),
            stages=stages,
            max_side=max_side,
        )
        if slot == LIVE:
            self._want_live(request, receiver)
        else:
            self._ask(request, receiver)

    def _want_live(self, request: RenderRequest, receiver: Receiver) -> None:
        """Ask for as much of the canvas' picture as a hand can wait for, if one is there."""
        first = self._previews.first(request, under_hand=self.is_dragging)
        if self.is_dragging:
            first = replace(first, passing=True)
        self._due = None if first is request else (request, receiver)
        if self.is_dragging:
            self._rest.start(PLAY_REST if PLAYER in self._draggers else REST)
        self._asked_at[first.id] = perf_counter()
        self._ask(first, receiver)

    def want_codes(self, slot: str, images: np.ndarray, receiver: Receiver) -> None:
        """Ask for the codes of pictures, uint8 `(N, H, W, C)` that fit the model; an `EncodeResult` comes."""
        session = self._session
        if session.model is not None:
            request = EncodeRequest(slot, session.generation, self._next_id(), session.model, images)
            self._ask(request, receiver)

    def want_activity(self, codes: np.ndarray | None, receiver: Receiver) -> None:
        """Ask how much each dimension changes pictures, around codes `(N, dim)` or samples.

        An `ActivityResult` comes.
        """
        session = self._session
        if session.model is not None and session.space is not None:
            request = ActivityRequest(
                slot="activity",
                generation=session.generation,
                id=self._next_id(),
                model=session.model,
                codes=None if codes is None else frozen_codes(codes),
                space=session.space.name,
                options=session.options,
                seconds=ACTIVITY_SECONDS,
            )
            self._ask(request, receiver)

    def want_samples(self, slot: str, count: int, receiver: Receiver) -> None:
        """Ask for codes of the shown space that are mapped from samples of another; a `SampleResult` comes."""
        session = self._session
        if session.model is not None and session.space is not None:
            name, options = session.space.name, DecodeOptions(labels=session.options.labels)
            head = (slot, session.generation, self._next_id(), session.model)
            self._ask(SampleRequest(*head, count, name, 0, options), receiver)

    def cancel(self, slot_prefix: str) -> None:
        """Forget every request whose slot begins so."""
        for slot in [slot for slot in self._waiting if slot.startswith(slot_prefix)]:
            del self._waiting[slot]
        self._worker.cancel(slot_prefix)

    def dragging(self, dragging: bool, by: str = "hand") -> None:
        """Tell that a drag begins or ends; bulk work waits while anybody drags."""
        (self._draggers.add if dragging else self._draggers.discard)(by)
        self._worker.set_dragging(bool(self._draggers))
        if not self._draggers:
            self._rest.stop()
            self._ask_whole(now=True)

    @property
    def is_dragging(self) -> bool:
        """Whether anybody drags."""
        return bool(self._draggers)

    def is_waiting(self, slot_prefix: str = "") -> bool:
        """Return whether something was asked for, in slots that begin so, that has not come yet."""
        return any(slot.startswith(slot_prefix) for slot in self._waiting)

    def resubmit(self) -> None:
        """Ask again for everything that has not come yet: the decode thread was replaced."""
        if self._waiting:
            self.asked.emit()
        for request, _ in list(self._waiting.values()):  # a worker may answer at once
            self._worker.submit(request)

    def _ask(self, request: Request, receiver: Receiver) -> None:
        was_idle = not self._waiting
        self._waiting[request.slot] = (request, receiver)
        if was_idle:
            self.asked.emit()
        self._worker.submit(request)

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids

    def _on_model_changed(self) -> None:
        self._waiting.clear()
        self._rest.stop()
        self._due = None
        self._worker.set_generation(self._session.generation)

    def _on_result(self, result: Result) -> None:
        request, receiver = self._waiting.get(result.slot, (None, None))
        if request is None or receiver is None or result.generation != self._session.generation:
            return
        if result.id == request.id:
            del self._waiting[result.slot]
        elif result.slot != LIVE:
            return
        receiver(result)
        if isinstance(result, RenderResult) and result.slot == LIVE:
            self._previews.measured(result)
            self.age = perf_counter() - self._asked_at.get(result.id, perf_counter())
            self._asked_at = {number: at for number, at in self._asked_at.items() if number >= result.id}
            if result.id == request.id and (result.error is not None or _is_whole(result)):
                self._due = None
            if not self._rest.isActive():
                self._ask_whole()
            self.rendered.emit(result)

    def _ask_whole(self, now: bool = False) -> None:
        """Ask for what a preview stands for, once that came; `now`: in the place of one that was not begun."""
        waiting = self._waiting.get(LIVE, (None, None))[0]
        if self._due is not None and isinstance(waiting, RenderRequest):
            is_as_large = waiting.quality == "full" and waiting.stages == self._due[0].stages
            if not now or is_as_large:  # that one may be whole, too
                return
        if self._due is not None:
            (request, receiver), self._due = self._due, None
            whole = replace(request, id=self._next_id())
            self._asked_at[whole.id] = self._asked_at.get(request.id, perf_counter())
            self._ask(whole, receiver)

    def _on_progressed(self, request: Request, share: float) -> None:
        if self._waiting.get(request.slot, (None, None))[0] is request:
            self.progressed.emit(request.slot, share)


def _is_whole(result: RenderResult) -> bool:
    """Return whether a picture is what would be drawn at rest, too; one that lacks stages is a preview."""
    request = result.request
    return request is not None and request.quality == "full" and not result.is_lesser


def to_qimage(picture: np.ndarray) -> QImage:
    """Return a QImage that owns a copy of a picture, uint8 `(H, W, 1|3)`."""
    picture = np.ascontiguousarray(picture)
    height, width, channels = picture.shape
    kind = QImage.Format.Format_Grayscale8 if channels == 1 else QImage.Format.Format_RGB888
    return QImage(picture.data, width, height, width * channels, kind).copy()
