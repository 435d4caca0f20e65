"""The set-up script tells what is missing; what it looks at is replaced by programs in front of PATH."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    shutil.which("apt-get") is None or shutil.which("ldconfig", path="/sbin:/usr/sbin:/bin") is None,
    reason="looks for Debian packages",
)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what set-up reads, with an environment that counts as made."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh"):
        shutil.copy(ROOT / name, folder / name)
    program(folder / ".venv" / "bin" / "python", "echo Python 3.11")
    return folder


@pytest.fixture
def programs(tmp_path):
    """A folder for programs that stand before the system's; here, a user who is not root."""
    folder = tmp_path / "bin"
    program(folder / "id", "echo 1000")
    return folder


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(checkout, programs, goal, **environment):
    """Run set-up up to the point where it would install, and return its process."""
    stamp = "cat pyproject.toml constraints.txt scripts/setup.sh; .venv/bin/python -V; pwd"
    done = subprocess.run(
        f"{{ {stamp}; }} | sha256sum", shell=True, cwd=checkout, capture_output=True, check=True
    )
    (checkout / ".venv" / "installed").write_bytes(done.stdout)
    variables = {key: value for key, value in os.environ.items() if not key.endswith("DISPLAY")}
    variables |= {"PATH": f"{programs}:{os.environ['PATH']}", **environment}
    command = ["bash", "scripts/setup.sh", goal]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)


def hide_libraries(programs, pattern):
    program(programs / "ldconfig", f"/sbin/ldconfig \"$@\" | grep -v '{pattern}'")


def test_nothing_is_said_where_nothing_is_missing(checkout, programs):
    program(programs / "ldconfig", '/sbin/ldconfig -p; for n in $NAMES; do echo "$n (x)"; done')
    program(programs / "fc-list", "echo Inter")
    program(programs / "Xvfb", "true")
    source = (checkout / "scripts" / "setup.sh").read_text()
    names = [word.split(":")[0] for word in source.split() if ".so." in word]
    done = run(checkout, programs, "test", NAMES=" ".join(name.strip('"').split('="')[-1] for name in names))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_library_is_told_in_one_line(checkout, programs):
    hide_libraries(programs, "libxcb-cursor")
    done = run(checkout, programs, "setup")
    (line,) = [line for line in done.stderr.splitlines() if "sudo apt install" in line]
    assert "libxcb-cursor0" in line.partition("sudo apt install")[2].split()
    assert done.returncode == 0


def test_the_window_needs_its_libraries(checkout, programs):
    hide_libraries(programs, "libxcb-cursor")
    assert run(checkout, programs, "run", DISPLAY=":0").returncode == 1
    assert run(checkout, programs, "run", DISPLAY=":0", WAYLAND_DISPLAY="wayland-0").returncode == 0


def test_the_tour_without_a_display_needs_none(checkout, programs):
    hide_libraries(programs, "libxcb-cursor\\|libEGL")
    assert run(checkout, programs, "run").returncode == 0


def test_a_missing_chinese_font_is_told_and_no_obstacle(checkout, programs):
    program(programs / "fc-list", '[ "$1" = :lang=zh ] || echo Inter')
    done = run(checkout, programs, "run", DISPLAY=":0")
    assert "fonts-noto-cjk" in done.stderr
    assert done.returncode == 0


def test_root_installs_what_is_missing(checkout, programs):
    hide_libraries(programs, "libxcb-cursor")
    program(programs / "id", "echo 0")
    program(programs / "apt-get", f'echo "$@" >> {programs}/calls')
    run(checkout, programs, "setup")
    update, install = (programs / "calls").read_text().splitlines()
    assert "update" in update
    assert "install" in install
    assert "libxcb-cursor0" in install


def test_an_old_python_is_told(checkout, programs):
    shutil.rmtree(checkout / ".venv")
    program(checkout / ".venv" / "x", "true")
    program(programs / "old", 'case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac')
    done = run_without_environment(checkout, programs, PYTHON="old")
    assert done.returncode == 1
    assert "Python 3.11 or newer is needed, but old is Python 3.9.2" in done.stderr


def run_without_environment(checkout, programs, **environment):
    variables = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **environment}
    command = ["bash", "scripts/setup.sh", "setup"]
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True, check=False)
