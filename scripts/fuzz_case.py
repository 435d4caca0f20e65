"""One case of `fuzz.py`: a file through what `info` does, in a process that is watched.

The process is forked from one that has imported everything. The child that reads an unfamiliar file is forked, too,
instead of being started anew: it runs the same `main`, and the parent follows it as always.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import platform
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

SECONDS = 5
"""Of processor time that the window's or the command's own process may take, and as many the reading child."""

SEARCH = 0.1
"""Seconds of it for weighing candidates of an unknown network, instead of the usual ones: that ends by itself."""

_WALL = 60.0  # seconds after which a case hangs, though it uses no processor
_ROOM = 3 << 30  # bytes of address space that building may take, besides what is there
_LONGEST = 2000  # letters of a sentence

FINE = ("opened", "refused", "child ended")
"""How a case may end: `child ended` is a reading process that crashed, which costs nobody else anything."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGING = (
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "shutil.copyfile", "shutil.move", "shutil.rmtree",
)  # fmt: skip
_NEVER = (
    "os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen", "socket.connect", "socket.bind",
    "pty.spawn", "webbrowser.open",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Attributes:
        kind: one of `FINE`, or `bug`, `sentence` (none that is finished), `crash`, `hang`, `wrote`.
        text: the sentence, or what is known of the failure.
        seconds: processor time.
    """

    kind: str
    text: str
    seconds: float = 0.0


def run(path: Path, folder: Path) -> Outcome:
    """Open `path` in a process of its own, which may write into `folder/work` alone, and leaves nothing there."""
    work = folder / "work"
    work.mkdir()
    before = _listing(folder / "case")
    inlet, outlet = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(inlet)
        _live(path, work, outlet, folder / "stderr")
    os.close(outlet)
    said, is_late = _followed(inlet)
    if is_late:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    seconds = usage.ru_utime + usage.ru_stime
    outcome = _judged(said, status, is_late, (folder / "stderr").read_text(errors="replace"))
    if outcome.kind in FINE and (_listing(folder / "case") != before or any(work.iterdir())):
        left = sorted(str(entry) for entry in work.rglob("*"))
        outcome = Outcome("wrote", f"the case's folder has changed; left behind: {left}")
    return Outcome(outcome.kind, outcome.text, seconds)


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    found = [(entry, entry.stat()) for entry in folder.rglob("*")]
    return sorted((str(entry), status.st_size, status.st_mtime_ns) for entry, status in found)


def _followed(inlet: int) -> tuple[list[dict[str, Any]], bool]:
    """Return what the process says until its end, and whether it takes too long."""
    deadline, text = time.monotonic() + _WALL, b""
    with os.fdopen(inlet, "rb", buffering=0) as pipe:
        while True:
            ready = select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]
            part = pipe.read(1 << 16) if ready else b""
            if not part:
                lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
                return lines, not ready
            text += part


def _judged(said: list[dict[str, Any]], status: int, is_late: bool, errors: str) -> Outcome:
    wrote = [words["wrote"] for words in said if "wrote" in words]
    children = [words["child"] for words in said if "child" in words]
    ends = [words for words in said if "end" in words]
    if wrote:
        return Outcome("wrote", "; ".join(wrote))
    if (
        is_late
        or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU)
        or signal.SIGXCPU in children
    ):
        return Outcome("hang", f"after {SECONDS} s of processor time, or {_WALL:.0f} s\n{errors}")
    if os.WIFSIGNALED(status) or not ends:
        return Outcome("crash", f"status {status}\n{errors}")
    end = ends[-1]
    kind = "child ended" if children and end["end"] == "refused" else end["end"]
    return Outcome(kind, end["text"])


# ---- in the process of the case ----


def warm_up(path: Path) -> None:
    """Open an undamaged sample in this very process, so that what it imports is there."""
    sys.dont_write_bytecode = True
    import torch

    torch.set_num_threads(1)
    from explorer.formats.inference import work

    work._LAST_RESORT = SEARCH
    platform.processor()  # a library asks for it once, and Python then starts a process
    told_by_a_case = contextlib.suppress(Exception)
    with told_by_a_case, tempfile.TemporaryDirectory() as folder, _forked_children(folder, print):
        _opened(path)


def _live(path: Path, work: Path, outlet: int, errors: Path) -> NoReturn:
    """Be the case; never returns."""

    def say(**words: object) -> None:
        os.write(outlet, json.dumps(words).encode() + b"\n")

    try:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        faulthandler.enable(2)
        os.chdir(work)
        tempfile.tempdir = str(work)
        _limit()
        sys.addaudithook(_watching(str(work), say))
        with _forked_children(str(work), say):
            end, text = _opened(path)
        say(end=end, text=text)
    except BaseException:
        say(end="bug", text=traceback.format_exc())
    finally:
        os._exit(0)


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _watching(work: str, say: Any) -> Any:
    """Return an audit hook that tells of everything that is written outside a folder, of processes and of sockets."""

    def is_inside(path: object) -> bool:
        text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        return isinstance(path, int) or os.path.abspath(text).startswith(work) or text == os.devnull

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if isinstance(flags, int) and flags & _WRITING and not is_inside(path):
                say(wrote=f"open {path!r}")
        elif event in _NEVER or (event in _CHANGING and not (args and is_inside(args[0]))):
            say(wrote=f"{event} {args!r}"[:300])

    return hook


def _opened(path: Path) -> tuple[str, str]:
    """Return how opening a file ends, and what is said then."""
    from explorer.cli import inspection
    from explorer.errors import ExplorerError
    from explorer.formats import open_checkpoint

    inspection._bundled_stages = lambda image: []  # type: ignore[assignment]  # they are no part of the case
    try:
        facts = inspection.describe(open_checkpoint(path))
    except ExplorerError as error:
        text = str(error)
        is_finished = text.rstrip().endswith((".", "?")) and len(text) < _LONGEST and text.isprintable()
        return "refused" if is_finished else "sentence", text
    json.dumps(facts)
    return "opened", str(facts["architecture"])


@contextlib.contextmanager
def _forked_children(folder: str, say: Any) -> Iterator[None]:
    """Let `isolated` fork its child instead of starting Python anew."""
    from explorer.formats import isolated

    real = isolated.subprocess

    def popen(command: list[str], **_: object) -> _Forked:
        return _Forked(Path(command[-2]), Path(command[-1]), say)

    isolated.subprocess = SimpleNamespace(Popen=popen, DEVNULL=real.DEVNULL, PIPE=real.PIPE)  # type: ignore[assignment]
    try:
        yield
    finally:
        isolated.subprocess = real  # type: ignore[assignment]


class _Forked:
    """What `isolated` needs of a `Popen`: the reading child, forked."""

    def __init__(self, path: Path, folder: Path, say: Any) -> None:
        self._say = say
        inlet, outlet = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(inlet)
                os.dup2(outlet, 1)
                sys.stdout = os.fdopen(1, "w", closefd=False)
                os.chdir(folder)
                from explorer.formats import child

                child.main(path, folder)
                sys.stdout.flush()
            finally:
                os._exit(0)
        os.close(outlet)
        self.stdout = os.fdopen(inlet, "rb")

    def kill(self) -> None:
        """End it."""
        os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end, and tell of a crash."""
        _, status = os.waitpid(self._pid, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            self._say(child=os.WTERMSIG(status))
