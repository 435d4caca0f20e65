"""Files that are written whole or not at all."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
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


NO_HOME = """
from pathlib import Path
from explorer import paths

one = paths.user_folder("state")
assert one == paths.user_folder("state") != paths.user_folder("data")
one.mkdir(parents=True)
(one / "a").touch()
print(one)
"""


@pytest.fixture
def without_home(monkeypatch):
    """An environment in which nothing says where the user's home is; needs the right to become another user."""
    if not hasattr(os, "getuid") or os.getuid() or not shutil.which("setpriv"):
        pytest.skip("only root can become a user whom nobody knows")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOME", "XDG"))}

    def run(*args, **named):
        command = ["setpriv", "--reuid", "12345", "--clear-groups", sys.executable, *map(str, args)]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, **named)

    return run


def test_who_has_no_home_gets_folders_that_go_with_the_process(without_home):
    ended = without_home("-B", "-c", NO_HOME)
    assert ended.returncode == 0, ended.stderr
    folder = Path(ended.stdout.strip())
    assert folder.is_absolute()
    assert not folder.parent.exists()


def test_who_has_no_home_can_use_the_program(without_home):
    ended = without_home("-B", "main.py", "info", "anime-faces", "--json")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("Traceback") == 0
    ended = without_home("-B", "main.py", "info", "~nobody-knows/a.pth")
    assert ended.returncode == 3
    assert len(ended.stderr.splitlines()) == 1


def test_no_home_and_no_place_for_passing_files(monkeypatch):
    import platformdirs

    def fail(*args, **named):
        raise RuntimeError

    monkeypatch.setattr(platformdirs, "user_data_dir", fail)
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **named: (_ for _ in ()).throw(FileNotFoundError()))
    paths._passing_folder.cache_clear()
    folder = paths.user_folder("data")
    paths._passing_folder.cache_clear()
    assert not (folder / "x").is_file()
    with pytest.raises(OSError, match=r"Not a directory|cannot find"):
        folder.mkdir(parents=True)


def test_a_home_that_is_no_whole_path_is_none(monkeypatch):
    import platformdirs

    monkeypatch.setattr(platformdirs, "user_state_dir", lambda *args, **named: "~/.local/state")
    assert paths.user_folder("state").is_absolute()
