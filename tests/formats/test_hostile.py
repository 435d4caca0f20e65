"""Files written to do harm: nothing of them runs, nothing is imported or written for them, and they end soon.

They are opened in a process of its own under an audit hook, which the child processes get as well: all of them with
the child's code in that process, those that are about memory and time and many others with a real child.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from formats import (  # noqa: F401 (add their own)
    hostile,
    hostile_keras,
    hostile_networks,
    hostile_nvidia,
    hostile_onnx,
)

from explorer.paths import source_root

HERE = Path(__file__).parent
SECONDS = 5.0
NAMED_IN_FILES = {"runpy", "timeit", "webbrowser", "pty", "cloudpickle", "antigravity", "numpy.testing"}
"""Modules that hostile files name and that nothing of ours needs."""
WITH_A_CHILD = [
    name
    for i, name in enumerate(hostile.VARIANTS)
    if i % 5 == 0 or name.startswith("much-") or "bomb" in name
]


class Watched:
    """The process that opens files, and what its hook has seen."""

    def __init__(self, folder):
        self._files, self._log = folder / "files", folder / "log"
        self.temporary, self.here = folder / "temporary", folder / "here"
        for made in (self._files, self.temporary, self.here):
            made.mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE / "watcher"), str(HERE.parent), str(source_root())]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WATCHED_LOG": str(self._log),
            "WATCHED_FILES": str(self._files),
            "TMPDIR": str(self.temporary),
            "OMP_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "watched.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=self.here,
        )  # fmt: skip
        self.open(
            hostile.CUTS["zip"](), "harmless", "one process"
        )  # what torch needs once is not what is watched

    def open(self, data, name, door):
        """Return what was said of a file, and the events."""
        path = self._files / name
        path.write_bytes(data)
        seen = self._log.stat().st_size if self._log.exists() else 0
        self._process.stdin.write(json.dumps({"door": door, "path": str(path)}) + "\n")
        self._process.stdin.flush()
        outcome = json.loads(self._process.stdout.readline())
        path.unlink()
        with self._log.open() as log:
            log.seek(seen)
            events = [json.loads(line) for line in log]
        return outcome, [event for event in events if event["now"] == f"{door}:{name}"]

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    process = Watched(tmp_path_factory.mktemp("hostile"))
    yield process
    process.close()


@pytest.mark.parametrize("name", hostile.VARIANTS)
def test_a_hostile_file_does_nothing_and_ends_soon(watched, name):
    check(watched, name, "one process")


@pytest.mark.parametrize("name", WITH_A_CHILD)
def test_nor_does_it_in_a_child_process(watched, name):
    events = check(watched, name, "child process")
    size = len(hostile.made(name))
    read = [event for event in events if event["event"] == "open" and event["limit"] > 0]
    started = [event for event in events if event["event"] == "subprocess.Popen"]
    assert not started or any(event["limit"] < 2 * size + (2 << 30) for event in read)


def check(watched, name, door):
    outcome, events = watched.open(hostile.made(name), name, door)
    assert events, "nothing was watched"
    assert [wrong for event in events if (wrong := violation(event, str(watched.temporary)))] == []
    assert outcome["said"] is None or is_one_sentence(outcome["said"]), outcome["said"]
    assert outcome["cpu"] < SECONDS
    assert outcome["wall"] < 10 * SECONDS  # of a machine that has more to do
    assert list(watched.here.iterdir()) == []
    assert list(watched.temporary.iterdir()) == []
    return events


def violation(event, temporary):
    """Return what is wrong with an event; None where it is what reading takes."""
    kind = event["event"]
    if kind == "open":
        is_ours = not event["writes"] or event["path"].startswith(temporary) or event["path"] == os.devnull
        return None if is_ours else f"writes {event['path']}"
    if kind in ("exec", "compile"):
        wrong = event["named"] or event["caller"].startswith(str(source_root() / "explorer"))
        return f"{kind} from {event['caller']}" if wrong else None
    if kind == "import":
        module = event["module"]
        if module == "runpy" and event["now"].startswith("child process"):
            return None  # how `python -m` starts
        return f"imports {module}" if hostile.CANARY in module or module in NAMED_IN_FILES else None
    if kind == "ctypes.dlopen" and event["args"] == "(None,)":
        return None  # Python's own library, as ctypes begins
    if kind == "subprocess.Popen":
        is_ours = (
            "explorer.formats.child" in event["args"] or "['uname', '-p']" in event["args"]
        )  # Python's platform
        return None if is_ours else f"runs {event['args']}"
    if kind in ("os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"):
        return None if temporary in event["args"] else f"{kind} {event['args']}"
    return f"{kind} {event['args']}"


def is_one_sentence(text):
    return text.endswith(".") and text.isprintable() and len(text) < 800 and ": Traceback" not in text


def test_the_watch_sees_what_it_should(tmp_path):
    """What the files would do, done: by pickles that really are unpickled."""
    script = tmp_path / "harm.py"
    script.write_text(
        "import os, pickle, sys\n"
        "from pathlib import Path\n"
        "for name in sys.argv[1:]:\n"
        "    os.environ['WATCHED_NOW'] = name\n"
        "    try:\n"
        "        pickle.loads(Path(name).read_bytes())\n"
        "    except Exception:\n"
        "        pass\n"
    )
    kinds = (
        "reduce reduce_eval reduce_exec reduce_runpy reduce_popen newobj build_setstate inst obj stack_global"
    )
    names = [f"call-{kind}" for kind in kinds.split()]
    log = tmp_path / "log"
    for name in names:
        (tmp_path / name).write_bytes(hostile.made(name))
    environment = {**os.environ, "PYTHONPATH": str(HERE / "watcher"), "WATCHED_LOG": str(log)}
    environment |= {"WATCHED_FILES": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, str(script), *names], env=environment, cwd=tmp_path, check=True)
    seen = {
        event["now"]
        for event in map(json.loads, log.read_text().splitlines())
        if violation(event, "/nowhere")
    }
    assert seen == set(names)
    assert (tmp_path / hostile.MARK).exists()
