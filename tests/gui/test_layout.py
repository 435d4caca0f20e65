"""The layout of the real window at some sizes, scales and themes; scripts/check_layout.py looks at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATES = [
    ("light", "1280x800", 1),
    ("dark", "1280x800", 1),
    ("light", "1280x800", 2),
    ("dark", "1280x800", 2),
    ("light", "1024x640", 1),
]


def check(theme: str, size: str, scale: int) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "check_layout.py"), "--theme", theme, "--size", size]
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize(("theme", "size", "scale"), STATES)
def test_nothing_is_cut_overlaps_or_is_hard_to_read(theme, size, scale):
    check(theme, size, scale)


@pytest.mark.x11
def test_the_same_in_a_real_window():
    check("dark", "1280x800", 2)
