"""The order of work on the one decode thread: slots whose newest request wins, by priority, in chunks.

No Qt and no torch here: the renderer is made inside the thread, results go to a callable. What a request is
about is the renderer's business.

A slot is a mailbox of one. Canvas, what of the strip follows a hand, encoding, hover pictures and exports go first;
all else is *bulk*: it runs chunk by chunk, gives way to anything more urgent between two chunks, and rests while a drag
lasts. Anything whose answer would no longer be wanted (an older request of its slot, an older model) is
dropped, also in the middle of its work. What follows the hand waits for a move that is just to come, where it
takes long (`rhythm`). An idle thread is blocked on a condition.

A thread that hangs cannot be ended from outside: `abandon` leaves it behind, and another scheduler takes over.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from explorer.render.failures import BUG, failed
from explorer.render.pulse import Heartbeat, Pulse
from explorer.render.requests import LIVE, Overtaken, Request, Result
from explorer.render.rhythm import Rhythm

if TYPE_CHECKING:
    Steps = Generator[object, None, Result]

log = logging.getLogger(__name__)

URGENT = ("canvas", "compare", "strip-hand", "encode", "map-hover", "export")
BULK = ("book", "samples", "traversal", "strip", "history", "activity", "map")
_ORDER = (*URGENT, *BULK)
PROGRESS_AFTER = 0.3
"""Work that is done sooner, in seconds, tells nothing of how far it is."""

PROGRESS_EVERY = 0.1
_UNTOLD = ("canvas",)  # one picture, and the one that a person looks at: there is nothing to wait for


class Answering(Protocol):
    """What the scheduler needs of a renderer."""

    def steps(self, request: Request) -> Steps:
        """Answer in pieces."""


def _told_nobody(*_: object) -> None:
    """Listen to nothing."""


@dataclass(slots=True, eq=False)
class _Work:
    """A request that was begun: `told` is when its progress was last told, at first when that may begin."""

    request: Request
    steps: Steps
    told: float


class Scheduler:
    """One thread that answers requests; every method may be called from any thread.

    Args:
        make_renderer: called once, in the thread (that is where torch is imported).
        deliver: called in the thread with each result; it should only pass it on.
        on_progress: called in the thread with a request that takes long, and the share of it that is done.
        on_death: called in the thread when it ends without having been closed.
    """

    def __init__(
        self,
        make_renderer: Callable[[], Answering],
        deliver: Callable[[Result], None],
        on_progress: Callable[[Request, float], None] = _told_nobody,
        on_death: Callable[[], None] = _told_nobody,
    ) -> None:
        self._make_renderer = make_renderer
        self._deliver = deliver
        self._on_progress = on_progress
        self._on_death = on_death
        self._heart = Heartbeat()
        self._rhythm = Rhythm()
        self._wake = threading.Condition(threading.Lock())
        self._waiting: dict[str, Request] = {}  # the newest request of each slot, oldest slot first
        self._begun: dict[str, _Work] = {}  # what gave way between two chunks
        self._running: Request | None = None
        self._calls: list[Callable[[Answering], None]] = []
        self._generation = 0
        self._dragging = False
        self._closed = False
        self._ranks: dict[str, int] = {}
        self._last_bug = ""
        self._thread = threading.Thread(target=self._live, name="decode", daemon=True)
        self._thread.start()

    # ---- from any thread ----

    def submit(self, request: Request) -> None:
        """Put a request into its slot; one that waits there, or is being worked on, is forgotten."""
        with self._wake:
            if request.generation >= self._generation and not self._closed:
                self._waiting[request.slot] = request
                if request.slot == LIVE and self._dragging:
                    self._rhythm.moved(monotonic())
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
            self._rhythm.forget()
            self._wake.notify()

    def set_generation(self, generation: int) -> None:
        """Drop whatever belongs to an older model."""
        with self._wake:
            self._generation = generation
            self._heart.forget()
            self._waiting = {s: r for s, r in self._waiting.items() if r.generation >= generation}
            self._begun = {s: b for s, b in self._begun.items() if b.request.generation >= generation}
            if self._running is not None and self._running.generation < generation:
                self._running = None

    def close(self, timeout: float | None = None) -> bool:
        """Stop after the chunk being computed and wait for the thread; return whether it ended in time."""
        self.abandon()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def abandon(self) -> None:
        """Close without waiting: nothing is delivered any more, and the thread ends when it comes back."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._begun.clear()
            self._calls.clear()
            self._running = None
            self._wake.notify()

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self._thread.is_alive()

    def stack(self) -> str:
        """Return where in its code the thread is now, as the text of a traceback; empty where it has ended."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)) if frame is not None and self.is_alive() else ""

    def pulse(self) -> Pulse:
        """Return how long the thread has been at its piece of work, and how long such a piece usually takes."""
        return self._heart.pulse()

    # ---- in the thread ----

    def _live(self) -> None:
        """Run until closed; whatever else ends the thread is said."""
        try:
            self._run()
        except BaseException:  # also SystemExit, which would end a thread without a word
            log.critical("the decode thread ended", exc_info=True)
        if not self._closed:
            self._on_death()

    def _run(self) -> None:
        renderer: Answering | None = None
        failure: Exception | None = None
        self._heart.begin()
        try:
            renderer = self._make_renderer()
        except Exception as error:  # the thread must live on to say so, request by request
            failure = error
        self._heart.end()
        if renderer is not None and hasattr(renderer, "is_overtaken"):
            renderer.is_overtaken = self._is_overtaken
        while True:
            with self._wake:
                while not self._calls and not self._closed:
                    chosen = self._choose()
                    pause = None if chosen is None else self._patience(chosen)
                    if pause == 0:
                        break
                    self._wake.wait(pause)
                else:
                    chosen = None
                if self._closed:
                    return
                calls, self._calls = self._calls, []
                self._running = chosen
                work = self._begun.pop(chosen.slot, None) if chosen else None
                if chosen is not None and work is None:
                    del self._waiting[chosen.slot]
            if renderer is not None and calls:
                self._serve(calls, renderer)
            if chosen is None:
                continue
            if renderer is None:
                assert failure is not None
                self._finish(chosen, failed(chosen, failure))
            else:
                self._work(work or _Work(chosen, renderer.steps(chosen), monotonic() + PROGRESS_AFTER))

    def _choose(self) -> Request | None:
        """Return what is most urgent, or None. A newer request of a slot replaces what had begun there."""
        best, best_rank = None, len(_ORDER) + 1
        for slot in self._begun:
            if slot not in self._waiting and (rank := self._rank(slot)) < best_rank and self._may_run(rank):
                best, best_rank = self._begun[slot].request, rank
        for slot, request in self._waiting.items():
            if (rank := self._rank(slot)) < best_rank and self._may_run(rank):
                best, best_rank = request, rank
        if best is not None and best.slot in self._waiting:
            self._begun.pop(best.slot, None)
        return best

    def _patience(self, request: Request) -> float:
        """Return how many seconds to wait for a newer request of the hand's; there is one to come, and soon."""
        if request.slot != LIVE:
            return 0
        return self._rhythm.patience(monotonic(), self._heart.usual(_kind(request)))

    def _work(self, work: _Work) -> None:
        """Run a request to its end, or until it must give way or is no longer wanted."""
        request = work.request
        rank = self._rank(request.slot)
        times = self._heart.times_of(_kind(request))
        while True:
            result = None
            self._heart.begin(times)
            try:
                share = next(work.steps)
            except StopIteration as end:
                result = end.value
            except Overtaken:
                self._heart.end()
                return
            except BaseException as error:  # an error belongs to its request, never to the thread
                result = failed(request, error)
            now = self._heart.end()
            if result is not None:
                self._finish(request, result)
                return
            with self._wake:
                if self._running is not request or request.slot in self._waiting:
                    break
                gives_way = bool(self._calls) or not self._may_run(rank) or self._more_urgent(rank)
                if gives_way:
                    self._begun[request.slot] = work
                    self._running = None
            if now >= work.told and request.slot not in _UNTOLD and isinstance(share, float):
                work.told = now + PROGRESS_EVERY
                self._on_progress(request, share)
            if gives_way:
                return
        work.steps.close()

    def _is_overtaken(self, request: Request) -> bool:
        """Return whether a request that is being worked on has become worthless.

        Only a preview overtakes a whole picture: where one whole picture follows another, a drag would show none.
        """
        newer = self._waiting.get(request.slot)
        return self._closed or self._running is not request or getattr(newer, "quality", "full") == "preview"

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
        self._heart.begin()
        for call in calls:
            try:
                call(renderer)
            except Exception:
                log.exception("a call in the decode thread failed")
        self._heart.end()
        self._heart.forget()

    def _finish(self, request: Request, result: Result) -> None:
        """Deliver a result that is still wanted."""
        with self._wake:
            if self._running is not request:
                return
            self._running = None
        if result.bug and result.bug != self._last_bug:  # once, and not for each move of a drag
            self._last_bug = result.bug
            log.error(
                "%s\n%s", "a bug; please report it:" if result.error == BUG else result.error, result.bug
            )
        try:
            self._deliver(result)
        except Exception:
            log.exception("a result could not be delivered")


def _kind(request: Request) -> Hashable:
    """Return what tells requests apart that take different times."""
    return type(request), getattr(request, "stages", ())
