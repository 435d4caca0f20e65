"""Files that are written whole or not at all."""

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from explorer import paths
from explorer.errors import OutputError

ROOT = Path(__file__).resolve().parent.parent
KILLS = 25
SIZE = 200_000

WRITER = """
import itertools, sys
from pathlib import Path
from explorer import paths

if sys.argv[2] == "named":
    paths._unnamed_file = lambda folder: None
folder = Path(sys.argv[1])
print("ready", flush=True)
for number in itertools.count():
    part = bytes([65 + number % 26]) * (SIZE // 4)
    for name in ("a.png", "b.json", f"new{number}.png"):
        with paths.replacing(folder / name) as place, place.open("wb") as file:
            for _ in range(4):
                file.write(part)
                file.flush()
""".replace("SIZE", str(SIZE))


def killed_while_writing(folder, way):
    """Let another process write into `folder` and kill it at any moment."""
    command = [sys.executable, "-c", WRITER, str(folder), way]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        time.sleep(random.uniform(0, 0.05))  # any moment is the point of it; nothing is waited for
        child.kill()


def is_whole(path):
    content = path.read_bytes()
    return len(content) == SIZE and content == content[:1] * SIZE


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="no files without a name")
def test_a_kill_leaves_no_half_file(tmp_path):
    for _ in range(KILLS):
        killed_while_writing(tmp_path, "unnamed")
        left = list(tmp_path.iterdir())
        assert [path.name for path in left if not is_whole(path)] == []
        # The one moment that leaves a file too many: a whole one, about to take the place of an older one.
        assert {path.name for path in left if path.suffix == paths.PART} <= {".a.png.part", ".b.json.part"}
        for path in left:
            if path.name.startswith("new"):
                path.unlink()
    for name in ("a.png", "b.json"):
        paths.write_text(tmp_path / name, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.json"]


def test_where_files_have_names_a_kill_leaves_a_half_one_only_under_a_name_that_says_so(tmp_path):
    for _ in range(5):
        killed_while_writing(tmp_path, "named")
    left = [path for path in tmp_path.iterdir() if path.suffix != paths.PART]
    assert [path.name for path in left if not is_whole(path)] == []


def test_a_file_left_by_a_kill_is_taken_away_by_the_next_writing(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / ".a.txt.part").write_text("left")
    if hasattr(os, "O_TMPFILE"):
        paths.write_text(tmp_path / "a.txt", "new")
        assert os.listdir(tmp_path) == ["a.txt"]
        assert (tmp_path / "a.txt").read_text() == "new"


@pytest.fixture(params=["unnamed", "named", "no links"])
def way(request, monkeypatch):
    """Write as each kind of system lets one."""
    if request.param == "named":
        monkeypatch.setattr(paths, "_unnamed_file", lambda folder: None)
    elif request.param == "no links":

        def refuse(unnamed, path):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(paths, "_link", refuse)
    return request.param


def test_text_is_written_with_the_old_files_rights(way, tmp_path):
    path = tmp_path / "a.json"
    paths.write_text(path, "Größe 顔\n")
    assert path.read_bytes() == "Größe 顔\n".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    path.chmod(0o640)
    paths.write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(way, tmp_path):
    path = tmp_path / "a.json"
    path.write_text("old")

    def write():
        with paths.replacing(path) as place:
            place.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_links_are_followed_also_those_to_nothing_yet(way, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    for text in ("one", "two"):
        paths.write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "file").read_text() == text


def test_what_cannot_be_written_is_said_in_a_sentence(way, tmp_path):
    with pytest.raises(OutputError, match=r"none/a.json could not be written \(no such file"):
        paths.write_text(tmp_path / "none" / "a.json", "x")
    with pytest.raises(OutputError, match="no ordinary file"):
        paths.write_text(tmp_path, "x")
    with pytest.raises(OutputError, match="could not be written"):
        paths.write_text(Path("/proc/self/nothing.json"), "x")


def test_half_a_surrogate_becomes_an_escape(tmp_path):
    paths.write_text(tmp_path / "a.json", '"\udc80"')
    assert (tmp_path / "a.json").read_text() == '"\\udc80"'


def test_two_that_write_the_same_file_at_once_both_succeed(way, tmp_path):
    texts = ["one" * 1000, "two" * 1000]
    failed = []

    def write(text):
        try:
            for _ in range(50):
                paths.write_text(tmp_path / "a.json", text)
        except OutputError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (tmp_path / "a.json").read_text() in texts
    assert os.listdir(tmp_path) == ["a.json"]
