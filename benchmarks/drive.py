"""Child process: opens the real window on the face model, drives its sliders, times what happens.

`drive.py FIGURE...`; prints one line of JSON: for each figure its samples, the plain program's, and a note.
"""

from __future__ import annotations

import gc
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QObject, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QSlider, QWidget

from explorer.gui import app as composition
from explorer.gui.widgets.picture_view import PictureView

MODEL = "anime-faces"
MOVES, BLOCK = 300, 60
INTERVAL = 16  # milliseconds, about 60 Hz
STALL_MOVES, PLAIN_STALL_MOVES = 10_000, 3_000
GROWTH_WARMUP, GROWTH_MOVES = 5_000, 100_000
IDLE_SECONDS = 5.0
_PATIENCE = 60.0


def wait(seconds: float) -> None:
    """Let the event loop run, asleep where there is nothing to do."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """Let the event loop run until something is so."""
    clock = QElapsedTimer()
    clock.start()
    while not is_so():
        wait(0.02)
        if clock.elapsed() > 1000 * _PATIENCE:
            raise TimeoutError(f"waited in vain for: {what}")


def positions(start: int = 0) -> Iterator[int]:
    """Yield slider positions to and fro, never the same twice in a row."""
    step = start
    while True:
        step += 1
        yield round(2500 * math.sin(step / 40)) + step % 2


class Real:
    """The program's window, with a look at when requests leave and pictures are painted."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.is_watched = True
        self._moved: dict[int, float] = {}  # request id: when the slider moved
        self._move_time = 0.0
        self._watch_painting()
        self.app = composition.App("cpu")
        self.app.start(MODEL)
        self._watch_requests()
        self.canvas = self.app.window.canvas
        wait_until(lambda: self.canvas.shown is not None, "the first picture")
        self.settle()
        self.slider = self.app.window.sliders.slider_for(self.app.window.sliders.dimensions()[0])
        self.window = self.app.window

    def settle(self) -> None:
        """Wait until everything that was asked for has come, and for the panels' own short timers."""
        for _ in range(3):
            wait(0.3)
            wait_until(lambda: not self.app.pictures.is_waiting(), "all pictures")

    def move(self, position: int) -> None:
        """Move the slider; the time begins before `valueChanged` is emitted."""
        self._move_time = time.perf_counter()
        self.slider.setValue(position)

    def press(self) -> None:
        """Grab the handle, as a hand does."""
        self._mouse(QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton)

    def release(self) -> None:
        """Let the handle go."""
        self._mouse(QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton)

    def _mouse(self, kind: QEvent.Type, held: Qt.MouseButton) -> None:
        at = QPointF(self.slider.handle_x(), self.slider.height() / 2)
        everywhere = self.slider.mapToGlobal(at)
        button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self.slider, QMouseEvent(kind, at, everywhere, button, held, none))

    def _watch_requests(self) -> None:
        submit = self.app.worker.submit

        def watched(request: Any) -> None:
            if request.slot == "canvas" and self.is_watched:
                self._moved[request.id] = self._move_time
            submit(request)

        self.app.worker.submit = watched  # type: ignore[method-assign]

    def _watch_painting(self) -> None:
        paint = PictureView.paintEvent
        real = self

        def watched(view: PictureView, event: Any) -> None:
            paint(view, event)
            now = time.perf_counter()
            shown = real.canvas.shown if hasattr(real, "canvas") else None
            if shown is not None and view is real.canvas.view and real._moved:
                for number in [number for number in real._moved if number <= shown.id]:
                    real.latencies.append(1000 * (now - real._moved.pop(number)))

        PictureView.paintEvent = watched  # type: ignore[method-assign]

    def shows_the_code(self) -> bool:
        """Return whether the canvas shows the session's code, bit for bit."""
        from explorer.render.renderer import Renderer, to_uint8

        session = self.app.session
        assert session.model is not None
        assert self.canvas.shown is not None
        images = Renderer("cpu").decode(session.model, session.code[None], session.space.name)  # type: ignore[union-attr]
        return bool(np.array_equal(to_uint8(images)[0], self.canvas.shown.pictures))


class Plain:
    """The plain program, timed the same way; pictures of the same size."""

    def __init__(self, real: Real) -> None:
        from plain import PlainProgram

        self.latencies: list[float] = []
        self._move_time: float | None = None
        session = real.app.session
        assert session.model is not None
        self.program = PlainProgram(session.model, session.code, real.canvas.view.size())
        self.slider: QSlider = self.program.slider
        self.window: QWidget = self.program.window
        self.program.picture.painted.connect(self._on_painted)
        wait(0.3)

    def move(self, position: int) -> None:
        """Move the slider."""
        self._move_time = time.perf_counter()
        self.slider.setValue(position)

    def press(self) -> None:
        """Nothing: its slider needs no hand."""

    release = press

    def _on_painted(self) -> None:
        if self._move_time is not None:
            self.latencies.append(1000 * (time.perf_counter() - self._move_time))
            self._move_time = None


class Heartbeat(QObject):
    """A 1 ms timer of the GUI thread that notes how late it comes."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[float] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._on_timeout)
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Stop."""
        self._timer.stop()

    def _on_timeout(self) -> None:
        now = time.perf_counter()
        self.late.append(max(1000 * (now - self._last) - 1, 0.0))
        self._last = now


def drag(program: Real | Plain, moves: int, interval: int) -> float:
    """Drag the slider, one move every `interval` ms (0: as fast as they go); return the seconds it took."""
    loop, timer, path = QEventLoop(), QTimer(), positions()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(interval)
    left = moves

    def tick() -> None:
        nonlocal left
        if left == 0:
            timer.stop()
            loop.quit()
            return
        left -= 1
        program.move(next(path))

    timer.timeout.connect(tick)
    program.press()
    begun = time.perf_counter()
    timer.start()
    loop.exec()
    seconds = time.perf_counter() - begun
    program.release()
    return seconds


def slider_to_pixel(real: Real, plain: Plain) -> dict[str, object]:
    """Time from a move to the end of the paint event that shows it, blocks of both programs in turn."""
    for program in (real, plain):
        drag(program, BLOCK, INTERVAL)
        wait(0.3)
        program.latencies.clear()
    for _ in range(MOVES // BLOCK):
        for program in (real, plain):
            drag(program, BLOCK, INTERVAL)
            wait(0.3)
    p95, plain_p95 = np.percentile(real.latencies, 95), np.percentile(plain.latencies, 95)
    note = (
        f"{len(real.latencies)} of {MOVES} moves at 60 Hz, valueChanged to the end of paintEvent; p95 is "
        f"{p95 / plain_p95:.2f}x the plain program's {plain_p95:.2f} ms (thread, mailbox, paint)"
    )
    return {"samples": list(real.latencies), "baseline": list(plain.latencies), "note": note}


def gui_stall(real: Real, plain: Plain) -> dict[str, object]:
    """How late a 1 ms heartbeat of the GUI thread comes while the slider moves as fast as it goes."""
    beats = {}
    seconds = {}
    for program, moves in ((plain, PLAIN_STALL_MOVES), (real, STALL_MOVES)):
        beat = Heartbeat()
        seconds[program] = drag(program, moves, 0)
        beat.stop()
        beats[program] = beat.late
        real.settle()
    equal = "equals" if real.shows_the_code() else "DOES NOT EQUAL"
    note = (
        f"lateness of a 1 ms heartbeat during {STALL_MOVES} moves in {seconds[real]:.1f} s; plain program "
        f"p99 {np.percentile(beats[plain], 99):.2f} ms; the last picture {equal} the last code"
    )
    return {"samples": beats[real], "baseline": beats[plain], "note": note}


def idle_cpu(real: Real, plain: Plain) -> dict[str, object]:
    """Processor time of the whole process while nobody does anything, in percent of one core."""
    real.settle()
    wait(2.0)
    samples = []
    for _ in range(3):
        begun, used = time.perf_counter(), time.process_time()
        wait(IDLE_SECONDS)
        samples.append(100 * (time.process_time() - used) / (time.perf_counter() - begun))
    return {"samples": samples, "note": f"of one core, all threads, 3 x {IDLE_SECONDS:.0f} s"}


def rss_growth(real: Real, plain: Plain) -> dict[str, object]:
    """How much memory a long drag leaves behind."""
    real.is_watched = False  # the times would grow by more than the window
    drag(real, GROWTH_WARMUP, 0)
    real.settle()
    before = resident_mb()
    seconds = drag(real, GROWTH_MOVES, 0)
    real.settle()
    grown = resident_mb() - before
    real.is_watched = True
    note = f"resident memory after {GROWTH_MOVES} moves in {seconds:.0f} s, {before:.0f} MB before"
    return {"samples": [grown], "note": note}


def resident_mb() -> float:
    """Return the resident memory of this process, MB."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as facts:
        return int(facts.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


FIGURES: dict[str, Callable[[Real, Plain], dict[str, object]]] = {
    "window/slider_to_pixel_ms": slider_to_pixel,
    "window/gui_stall_ms": gui_stall,
    "window/idle_cpu_percent": idle_cpu,
    "window/rss_growth_mb": rss_growth,
}


def main(names: list[str]) -> None:
    """Measure the figures and print them."""
    application = composition.make_application()
    real = Real()
    plain = Plain(real)
    real.window.raise_()
    measured = {name: FIGURES[name](real, plain) for name in FIGURES if name in names}
    plain.program.close()
    real.window.close()
    application.processEvents()
    print(json.dumps(measured))


if __name__ == "__main__":
    main(sys.argv[1:])
