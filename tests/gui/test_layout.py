"""The layout of the real window at some sizes, scales and themes; scripts/check_layout.py looks at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATES = [
    ("1280x800", 1, ("light", "dark")),
    ("1280x800", 2, ("light", "dark")),
    ("1024x640", 1, ("light",)),
]


def started(theme: str, size: str, scale: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(ROOT / "scripts" / "check_layout.py"), "--theme", theme, "--size", size]
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def check(size: str, scale: int, themes: tuple[str, ...]) -> None:
    """Look at the themes at the same time, as each waits for its window more than it computes."""
    looks = {theme: started(theme, size, scale) for theme in themes}
    for theme, (said, errors) in [(theme, look.communicate()) for theme, look in looks.items()]:
        assert (looks[theme].returncode, said.strip()) == (0, ""), f"{theme}: {said}{errors}"


@pytest.mark.parametrize(("size", "scale", "themes"), STATES)
def test_nothing_is_cut_overlaps_or_is_hard_to_read(size, scale, themes):
    check(size, scale, themes)


@pytest.mark.x11
def test_the_same_in_a_real_window():
    check("1280x800", 2, ("dark",))
