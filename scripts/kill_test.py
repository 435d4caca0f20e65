"""Kill a session with SIGKILL at random moments of saving, exporting and dragging, and look at what is left.

    .venv/bin/python scripts/kill_test.py --count 200

Every file it wrote has to be whole, and the session that the next start offers may be at most 5 seconds older than
the last thing that was done. `hidden` counts whole files that a kill left just before they took the place of an
older one (see `paths.replacing`). The last line is the figures as JSON; exit status 1 where something was wrong.
A process that has everything imported forks one child a kill, four at a time; those without a window share one
recovery folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MOST_AGE = 5.0  # seconds
LANES = 4
MODEL = "anime-faces"
SHORTEST, LONGEST = 0.3, 4.5  # seconds that a child lives
STEP = 4  # milliseconds between two things that are done


@dataclass
class Report:
    """What was found after all kills."""

    kills: int = 0
    files: int = 0
    hidden: int = 0
    offered: int = 0
    ages: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return it as plain values."""
        ages = sorted(self.ages) or [0.0]
        return {
            "kills": self.kills,
            "files": self.files,
            "hidden": self.hidden,
            "offered": self.offered,
            "oldest_s": round(ages[-1], 3),
            "median_s": round(ages[len(ages) // 2], 3),
            "wrong": self.wrong,
        }


# ---- the child ----


def live(opened: Any, folder: Path, state: Path, seed: int) -> None:
    """Do things to a session without a window until killed."""
    from PySide6.QtCore import QCoreApplication

    from explorer.gui.jobs import JobRunner
    from explorer.gui.session import Session
    from explorer.gui.sessions.session_keeper import SessionKeeper

    application = QCoreApplication([])
    session = Session()
    jobs = JobRunner(session)
    keeper = SessionKeeper(session, jobs, state, session)
    session.open(opened)
    act = _acting(session, keeper, jobs, folder, random.Random(seed))
    timer = _every(STEP, act)
    application.exec()
    del timer


def live_in_window(_opened: Any, folder: Path, state: Path, seed: int) -> None:
    """Do things to the session of the whole program, with everything open, until killed; in a process of its own."""
    command = [sys.executable, __file__, "--live", str(folder), "--seed", str(seed)]
    os.environ["XDG_STATE_HOME"] = str(state.parent)
    if "DISPLAY" not in os.environ and "WAYLAND_DISPLAY" not in os.environ:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.execv(sys.executable, command)  # torch's threads do not survive a fork


def _run_window(folder: Path, seed: int) -> int:
    from explorer.gui.app import App, make_application

    application = make_application()
    app = App("cpu")
    app.start(MODEL)
    act = _acting(app.session, app.documents.keeper, app.jobs, folder, random.Random(seed))
    timer = _every(STEP, lambda: act() if app.session.model is not None else None)
    status = application.exec()
    del timer
    return status


def _every(milliseconds: int, act: Callable[[], None]) -> Any:
    from PySide6.QtCore import QTimer

    timer = QTimer()
    timer.timeout.connect(act)
    timer.start(milliseconds)
    return timer


def _acting(session: Any, keeper: Any, jobs: Any, folder: Path, chance: random.Random) -> Callable[[], None]:
    """Return what does one thing to a session, or saves, or exports; it is logged with its time."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    count = 0

    def act() -> None:
        nonlocal count
        count += 1
        session.set_code([count, *np.random.default_rng(count).normal(size=session.dim - 1)])
        if chance.random() < 0.3:
            session.commit()
        if chance.random() < 0.1:
            session.places.keep("Move")
        if chance.random() < 0.05:
            session.show_encoded(session.code, _noise(chance, 64), "noise.png")
        os.write(log, f"{time.monotonic()} {count}\n".encode())
        if chance.random() < 0.1:
            keeper.save_as(folder / "out" / f"{chance.randrange(3)}.session.json")
        if chance.random() < 0.1:
            job = jobs.start(
                f"export {count}", lambda _progress, _should_stop: _export(folder / "out", chance)
            )
            job.failed.connect(lambda _sentence: os._exit(4))

    return act


def _noise(chance: random.Random, side: int) -> np.ndarray:
    return np.random.default_rng(chance.randrange(1 << 30)).integers(0, 256, (side, side, 3), np.uint8)


def _export(folder: Path, chance: random.Random) -> None:
    from PIL import Image

    from explorer.export import writing

    images = [Image.fromarray(_noise(chance, 96)) for _ in range(3)]
    number = chance.randrange(3)
    writing.save_pages(images[:1], folder / f"{number}.png", "a text")
    writing.save_pages(
        images, folder / f"{number}{chance.choice(['.webp', '.gif'])}", "a text", [90] * len(images)
    )
    writing.save_array(_noise(chance, 128), folder / f"{number}.npy")


# ---- looking at what is left ----


def check(opened: Any, folder: Path, state: Path, report: Report) -> None:
    """Look at every file a killed child has left, and at what the next start would offer."""
    from explorer.errors import RecipeError
    from explorer.gui.sessions.left_sessions import LeftSessions
    from explorer.gui.sessions.session_reading import read

    report.kills += 1
    for path in (folder / "out").iterdir():
        report.files += 1
        report.hidden += path.name.startswith(".")
        try:
            if not _is_whole(path, opened):
                report.wrong.append(f"{path} is no file of ours")
        except Exception as error:  # whatever it is, the file is not whole
            report.wrong.append(f"{path}: {error!r}")
    times = {int(line.split()[1]): float(line.split()[0]) for line in _lines(folder / "log")}
    if not times:
        return
    last, reached = max(times), 0
    left = LeftSessions(state / "recovery")
    found = left.pending()
    if found is not None:
        report.offered += 1
        try:
            reached = int(read(found.path).state(opened, {}).moment.state.code[0])
        except RecipeError as error:
            report.wrong.append(str(error))
        left.remove(found.path)
    left.close()
    report.ages.append(max(times[last] - times.get(max(reached, 1), times[last]), 0.0))
    if report.ages[-1] > MOST_AGE:
        report.wrong.append(f"{folder}: {report.ages[-1]:.1f} s are lost, up to step {reached} of {last}")


def _lines(path: Path) -> list[str]:
    lines = path.read_text().split("\n") if path.exists() else [""]
    return lines[:-1]


def _name_of(path: Path) -> str:
    """Return a file's name, for `.NAME.part` the name that it is about to get: it is whole by then."""
    return path.name[1:].removesuffix(".part") if path.name.startswith(".") else path.name


def _is_whole(path: Path, opened: Any) -> bool:
    from PIL import Image, ImageSequence

    from explorer.gui.sessions.session_reading import read

    name = _name_of(path)
    if name.endswith(".session.json"):
        return read(path).state(opened, {}).moment.state.opened is opened
    if name.endswith(".npy"):
        return np.load(path).shape == (128, 128, 3)
    with Image.open(path) as image:
        frames = [frame.convert("RGB").size for frame in ImageSequence.Iterator(image)]
    return set(frames) == {(96, 96)} and len(frames) == (1 if name.endswith(".png") else 3)


# ---- all of it ----

Child = Callable[[Any, Path, Path, int], None]


def run(count: int, place: Path, seed: int, longest: float = LONGEST, child: Child = live) -> Report:
    """Fork, kill and look, `count` times; `place` is an empty folder."""
    from explorer.formats import open_latent

    chance = random.Random(seed)
    opened = open_latent(MODEL)
    report = Report()
    shared = place / "latent-explorer"
    living: dict[int, tuple[float, Path]] = {}
    started = 0
    while started < count or living:
        while started < count and len(living) < LANES:
            folder = place / f"child {started}"
            (folder / "out").mkdir(parents=True)
            pid = os.fork()
            if pid == 0:
                _become(child, opened, folder, _state(child, folder, shared), seed + started)
            started += 1
            living[pid] = (time.monotonic() + chance.uniform(SHORTEST, longest), folder)
        pid, (when, folder) = min(living.items(), key=lambda entry: entry[1][0])
        time.sleep(max(when - time.monotonic(), 0))
        if not (folder / "log").exists() or not (folder / "log").stat().st_size:  # it has not begun
            living[pid] = (time.monotonic() + chance.uniform(SHORTEST, longest), folder)
            if os.waitpid(pid, os.WNOHANG)[0]:
                report.wrong.append(f"{folder}: the child ended before it did anything")
                del living[pid]
            continue
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        del living[pid]
        if os.WTERMSIG(status) != signal.SIGKILL:
            report.wrong.append(f"{folder}: the child ended by itself ({status})")
        check(opened, folder, _state(child, folder, shared), report)
    rest = [path.name for path in place.glob("**/recovery/*")]
    if rest:
        report.wrong.append(f"left in the recovery folder: {', '.join(rest)}")
    return report


def _state(child: Child, folder: Path, shared: Path) -> Path:
    """Return the folder of recovery: a window of its own, as one that starts looks for what others left."""
    return folder / "latent-explorer" if child is live_in_window else shared


def _become(child: Child, *of: Any) -> None:
    try:
        child(*of)
    finally:
        os._exit(3)


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--longest", type=float, default=LONGEST, help="seconds that a child lives at most")
    parser.add_argument("--window", action="store_true", help="kill the whole program, not only a session")
    parser.add_argument("--live", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live:
        return _run_window(options.live, options.seed)
    child = live_in_window if options.window else live
    with tempfile.TemporaryDirectory(prefix="kills ") as place:
        report = run(options.count, Path(place), options.seed, options.longest, child)
    print(json.dumps(report.figures()))
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
