"""A scheduler around a renderer whose every chunk the test lets through; `make` in conftest.py closes it."""

import queue
import threading

import numpy as np

from explorer.render.requests import RenderRequest, RenderResult, frozen_codes
from explorer.render.scheduler import Scheduler

PATIENCE = 20.0
CODE = frozen_codes(np.zeros(4))


def request(slot, number=1, generation=0):
    return RenderRequest(slot, generation, number, None, codes=CODE)


class HeldRenderer:
    """Answers in `chunks` pieces by slot; each says that it begins, and ends when the test allows it."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.begun = queue.Queue()  # (slot, id, number of the chunk)
        self.allowed = threading.Semaphore(0)
        self.errors = {}
        self.stopped = []

    def steps(self, request):
        count = self.chunks.get(request.slot.partition(":")[0], 1)
        try:
            for number in range(1, count + 1):
                self.begun.put((request.slot, request.id, number))
                assert self.allowed.acquire(timeout=PATIENCE)
                if request.slot in self.errors:
                    raise self.errors[request.slot]
                if number < count:
                    yield
        except GeneratorExit:
            self.stopped.append(request.slot)
            raise
        return RenderResult(request.slot, request.generation, request.id)


class Bench:
    """A scheduler around a held renderer."""

    def __init__(self, **chunks):
        self.renderer = HeldRenderer({name.replace("_", "-"): count for name, count in chunks.items()})
        self.results = queue.Queue()
        self.scheduler = Scheduler(lambda: self.renderer, self.results.put)

    def begins(self):
        """Wait for the next chunk to begin; return its slot, id and number."""
        return self.renderer.begun.get(timeout=PATIENCE)

    def allow(self, count=1):
        self.renderer.allowed.release(count)

    def result(self):
        return self.results.get(timeout=PATIENCE)

    def delivered(self):
        """Return the slots delivered so far, once all that can run has run."""
        idle = threading.Event()
        self.scheduler.call(lambda _: idle.set())
        assert idle.wait(PATIENCE)
        slots = []
        while not self.results.empty():
            slots.append(self.results.get().slot)
        return slots
