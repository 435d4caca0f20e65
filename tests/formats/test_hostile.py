"""Files written to do harm: nothing of them runs, nothing is imported or written for them, and they end soon.

All are opened once, in a process of its own under an audit hook, which the child processes get as well; each test
then looks at what was said of its file.
"""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from formats import hostile, hostile_keras  # noqa: F401 (adds its own)

from explorer.paths import source_root

HERE = Path(__file__).parent
DOORS = ("through_the_public_door", "by_the_childs_code")
SECONDS = 5.0
HARMLESS_IMPORTS = {"runpy", "timeit", "webbrowser", "pty", "cloudpickle", "antigravity", "numpy.testing"}
"""Modules that a hostile file names and nothing of ours needs."""


class Watched:
    """What happened: by door and file, the outcome and the events."""

    def __init__(self, folder, files):
        log = folder / "log"
        place = folder / "temporary"
        self.place = folder / "here"
        for made in (place, self.place):
            made.mkdir()
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE / "watcher"), str(source_root())]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WATCHED_LOG": str(log),
            "WATCHED_FILES": str(files[0].parent),
            "TMPDIR": str(place),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, str(HERE / "watched.py")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        running = [
            subprocess.Popen([*command, *map(str, files[part::2])], **pipes, env=environment, cwd=self.place)
            for part in range(2)
        ]
        told = [process.communicate(timeout=900) for process in running]
        assert not any(process.returncode for process in running), [error[-2000:] for _, error in told]
        self.temporary = str(place)
        self.left = sorted(place.iterdir())
        said = [json.loads(line) for output, _ in told for line in output.splitlines()]
        self.outcomes = {(one["door"], one["file"]): one for one in said}
        self.events = defaultdict(list)
        for line in log.read_text().splitlines():
            event = json.loads(line)
            self.events[event["now"]].append(event)

    def of(self, door, name):
        return self.outcomes[door, name], self.events[f"{door}:{name}"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    place = folder / "files"
    place.mkdir()
    files = []
    for name, make in hostile.VARIANTS.items():
        files.append(place / name)
        files[-1].write_bytes(make())
    return Watched(folder, files)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", hostile.VARIANTS)
def test_a_hostile_file_does_nothing_and_ends_soon(watched, name, door):
    outcome, events = watched.of(door, name)
    assert events, "nothing was watched"
    assert [wrong for event in events if (wrong := violation(event, watched.temporary))] == []
    assert outcome["said"] is None or is_one_sentence(outcome["said"])
    assert outcome["cpu"] < SECONDS
    assert outcome["wall"] < 6 * SECONDS  # of a machine that has more to do


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
        wrong = hostile.CANARY in module or module in HARMLESS_IMPORTS
        return f"imports {module}" if wrong else None
    if kind == "subprocess.Popen":
        return None if "explorer.formats.child" in event["args"] else f"runs {event['args']}"
    if kind in ("os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree"):
        return None if temporary in event["args"] else f"{kind} {event['args']}"
    return f"{kind} {event['args']}"


def is_one_sentence(text):
    return text.endswith(".") and text.isprintable() and len(text) < 700


def test_no_mark_and_no_file_is_left(watched):
    assert list(watched.place.iterdir()) == []
    assert watched.left == []


def test_the_child_reads_under_a_limit_of_memory(watched):
    size = len(hostile.VARIANTS["zip-reduce"]())
    events = watched.events["through_the_public_door:zip-reduce"]
    limits = {
        event["limit"]
        for event in events
        if event["event"] == "open" and event["path"].endswith("zip-reduce")
    }
    assert any(0 < limit < 2 * size + (2 << 30) for limit in limits)


def test_there_are_enough_of_them():
    assert len(hostile.VARIANTS) >= 40


def test_the_watch_sees_what_it_should(tmp_path):
    """What the files would do, done: by a pickle that really is unpickled, and by hand."""
    script = tmp_path / "harm.py"
    script.write_text(
        "import io, os, pickle, sys\n"
        "from pathlib import Path\n"
        "for name in sys.argv[1:]:\n"
        "    os.environ['WATCHED_NOW'] = Path(name).name\n"
        "    try:\n"
        "        pickle.loads(Path(name).read_bytes())\n"
        "    except Exception:\n"
        "        pass\n"
    )
    kinds = "reduce reduce_eval reduce_exec reduce_runpy reduce_popen reduce_import newobj build_setstate inst obj"
    names = [f"call-{kind}" for kind in (*kinds.split(), "stack_global")]
    log = tmp_path / "log"
    for name in names:
        (tmp_path / name).write_bytes(hostile.VARIANTS[name]())
    environment = {**os.environ, "PYTHONPATH": str(HERE / "watcher"), "WATCHED_LOG": str(log)}
    environment |= {"WATCHED_FILES": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, str(script), *names], env=environment, cwd=tmp_path, check=True)
    seen = {
        event["now"]
        for event in map(json.loads, log.read_text().splitlines())
        if violation(event, "/nowhere")
    }
    assert seen >= set(names)
    assert (tmp_path / hostile.MARK).exists()
