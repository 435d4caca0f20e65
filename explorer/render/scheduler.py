"""The order of work on the one decode thread: slots whose newest request wins, by priority, in chunks.

No Qt and no torch here: the renderer is made inside the thread, results go to a callable. What a request is
about is the renderer's business.

A slot is a mailbox of one. Canvas, strip playback, encoding, hover pictures and exports go first; all else is
*bulk*: it runs chunk by chunk, gives way to anything more urgent between two chunks, and rests while a drag
lasts. Anything whose answer would no longer be wanted (an older request of its slot, an older model) is
dropped, also in the middle of its work. An idle thread is blocked on a condition.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from explorer.errors import ExplorerError
from explorer.render.requests import (
    ActivityRequest,
    ActivityResult,
    EncodeRequest,
    EncodeResult,
    RenderResult,
    Request,
    Result,
)

if TYPE_CHECKING:
    Steps = Generator[object, None, Result]

log = logging.getLogger(__name__)

URGENT = ("canvas", "strip-play", "encode", "map-hover", "export")
BULK = ("traversal", "strip", "activity", "map")
_ORDER = (*URGENT, *BULK)
_BUG = "Something went wrong inside the program; the picture before is kept, and the log has the details."


class Answering(Protocol):
    """What the scheduler needs of a renderer."""

    def steps(self, request: Request) -> Steps:
        """Answer in pieces."""


class Scheduler:
    """One thread that answers requests; every method may be called from any thread.

    Args:
        make_renderer: called once, in the thread (that is where torch is imported).
        deliver: called in the thread with each result; it should only pass it on.
    """

    def __init__(self, make_renderer: Callable[[], Answering], deliver: Callable[[Result], None]) -> None:
        self._make_renderer = make_renderer
        self._deliver = deliver
        self._wake = threading.Condition(threading.Lock())
        self._waiting: dict[str, Request] = {}  # the newest request of each slot, oldest slot first
        self._begun: dict[str, tuple[Request, Steps]] = {}  # what gave way between two chunks
        self._running: Request | None = None
        self._calls: list[Callable[[Answering], None]] = []
        self._generation = 0
        self._dragging = False
        self._closed = False
        self._ranks: dict[str, int] = {}
        self._thread = threading.Thread(target=self._run, name="decode", daemon=True)
        self._thread.start()

    # ---- from any thread ----

    def submit(self, request: Request) -> None:
        """Put a request into its slot; one that waits there, or is being worked on, is forgotten."""
        with self._wake:
            if request.generation >= self._generation and not self._closed:
                self._waiting[request.slot] = request
                self._wake.notify()

    def call(self, function: Callable[[Answering], None]) -> None:
        """Run `function(renderer)` in the thread before its next piece of work: a change of device, say."""
        with self._wake:
            self._calls.append(function)
            self._wake.notify()

    def cancel(self, slot_prefix: str) -> None:
        """Forget every request whose slot begins so, also one that is being worked on."""
        with self._wake:
            for work in (self._waiting, self._begun):
                for slot in [slot for slot in work if slot.startswith(slot_prefix)]:
                    del work[slot]
            if self._running is not None and self._running.slot.startswith(slot_prefix):
                self._running = None

    def set_dragging(self, dragging: bool) -> None:
        """Let bulk work rest while a drag lasts."""
        with self._wake:
            self._dragging = dragging
            self._wake.notify()

    def set_generation(self, generation: int) -> None:
        """Drop whatever belongs to an older model."""
        with self._wake:
            self._generation = generation
            self._waiting = {s: r for s, r in self._waiting.items() if r.generation >= generation}
            self._begun = {s: b for s, b in self._begun.items() if b[0].generation >= generation}
            if self._running is not None and self._running.generation < generation:
                self._running = None

    def close(self, timeout: float | None = None) -> bool:
        """Stop after the chunk being computed and wait for the thread; return whether it ended in time."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._begun.clear()
            self._calls.clear()
            self._running = None
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    # ---- in the thread ----

    def _run(self) -> None:
        renderer: Answering | None = None
        failure: Exception | None = None
        try:
            renderer = self._make_renderer()
        except Exception as error:  # the thread must live on to say so, request by request
            failure = error
        while True:
            with self._wake:
                while (chosen := self._choose()) is None and not self._calls and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                calls, self._calls = self._calls, []
                self._running = chosen
                steps = self._begun.pop(chosen.slot, (None, None))[1] if chosen else None
                if chosen is not None and steps is None:
                    del self._waiting[chosen.slot]
            if renderer is not None:
                self._serve(calls, renderer)
            if chosen is None:
                continue
            if renderer is None:
                assert failure is not None
                self._finish(chosen, _failed(chosen, failure))
            else:
                self._work(chosen, steps or renderer.steps(chosen))

    def _choose(self) -> Request | None:
        """Return what is most urgent, or None. A newer request of a slot replaces what had begun there."""
        best, best_rank = None, len(_ORDER) + 1
        for slot in self._begun:
            if slot not in self._waiting and (rank := self._rank(slot)) < best_rank and self._may_run(rank):
                best, best_rank = self._begun[slot][0], rank
        for slot, request in self._waiting.items():
            if (rank := self._rank(slot)) < best_rank and self._may_run(rank):
                best, best_rank = request, rank
        if best is not None and best.slot in self._waiting:
            self._begun.pop(best.slot, None)
        return best

    def _work(self, request: Request, steps: Steps) -> None:
        """Run a request to its end, or until it must give way or is no longer wanted."""
        rank = self._rank(request.slot)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                self._finish(request, end.value)
                return
            except Exception as error:  # an error belongs to its request, never to the thread
                self._finish(request, _failed(request, error))
                return
            with self._wake:
                if self._running is not request or request.slot in self._waiting:
                    break
                if self._calls or not self._may_run(rank) or self._more_urgent(rank):
                    self._begun[request.slot] = (request, steps)
                    self._running = None
                    return
        steps.close()

    def _more_urgent(self, rank: int) -> bool:
        return any(self._rank(slot) < rank for slot in self._waiting)

    def _may_run(self, rank: int) -> bool:
        return not self._dragging or rank < len(URGENT)

    def _rank(self, slot: str) -> int:
        """Return the place of a slot in the order; 0 is the most urgent."""
        rank = self._ranks.get(slot)
        if rank is None:
            rank = next((i for i, prefix in enumerate(_ORDER) if slot.startswith(prefix)), len(_ORDER))
            if len(self._ranks) < 1000:
                self._ranks[slot] = rank
        return rank

    def _serve(self, calls: list[Callable[[Answering], None]], renderer: Answering) -> None:
        for call in calls:
            try:
                call(renderer)
            except Exception:
                log.exception("a call in the decode thread failed")

    def _finish(self, request: Request, result: Result) -> None:
        """Deliver a result that is still wanted."""
        with self._wake:
            if self._running is not request:
                return
            self._running = None
        if result.bug:
            log.error("a bug; please report it: %s", result.bug)
        try:
            self._deliver(result)
        except Exception:
            log.exception("a result could not be delivered")


def _failed(request: Request, error: Exception) -> Result:
    """Return the result that says what went wrong."""
    kind: type[Result] = RenderResult
    if isinstance(request, EncodeRequest):
        kind = EncodeResult
    elif isinstance(request, ActivityRequest):
        kind = ActivityResult
    result = kind(request.slot, request.generation, request.id, error=str(error))
    if isinstance(error, ExplorerError):
        return result
    text = "".join(traceback.format_exception(error))
    return replace(result, error=_BUG, bug=text)
