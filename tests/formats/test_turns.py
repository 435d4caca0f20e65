"""Two processes change one file at a time, and nothing is left of their turns."""

import json
import subprocess
import sys

import pytest

from explorer.formats import turns

WRITER = """
import sys, time
from pathlib import Path
from explorer.formats import notes_writing, recent
from explorer.formats.notes import Notes
folder, me = Path(sys.argv[1]), sys.argv[2]
read = notes_writing._sections_of
notes_writing._sections_of = lambda place: (read(place), time.sleep(0.002))[0]  # others have time to come between
entries = recent.entries
recent.entries = lambda: (entries(), time.sleep(0.002))[0]
recent._place = lambda: folder / "recent.json"
print("ready", flush=True)
sys.stdin.readline()
for number in range(1, 41):
    notes_writing.write(folder / "m.safetensors", Notes({f"z{me}{number}": "mine"}))
    if number <= 9:
        recent.add(folder / f"{me}-{number}.pt", "x", None, "model")
"""


@pytest.mark.skipif(turns.fcntl is None, reason="this system has no locks of folders")
def test_two_processes_lose_nothing_of_each_others(tmp_path):
    made = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(me)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for me in (1, 2)
    ]
    for process in made:
        assert process.stdout.readline() == "ready\n"
    for process in made:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in made:
        process.communicate(timeout=60)
        assert process.returncode == 0
    words = json.loads((tmp_path / "m.notes.json").read_text())["dimensions"]
    assert len(words) == 80
    assert len(json.loads((tmp_path / "recent.json").read_text())["entries"]) == 18
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.notes.json", "recent.json"]


@pytest.mark.skipif(turns.fcntl is None, reason="this system has no locks of folders")
def test_who_keeps_a_turn_too_long_is_not_waited_for(tmp_path, monkeypatch):
    import fcntl
    import os
    import time

    monkeypatch.setattr(turns, "PATIENCE", 0.05)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    began = time.monotonic()
    with turns.turn_in(tmp_path):
        assert 0.04 < time.monotonic() - began < 5
    os.close(handle)


def test_a_folder_that_is_missing_is_for_the_writing_to_complain_of(tmp_path):
    with turns.turn_in(tmp_path / "missing"):
        pass
