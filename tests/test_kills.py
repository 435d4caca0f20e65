"""Sessions killed at random moments of saving, exporting and dragging; scripts/kill_test.py does many more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "kill_test.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_kill_all_files_are_whole_and_the_session_is_offered():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--count", "8", "--longest", "3"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["wrong"] == [], done.stderr
    assert done.returncode == 0, done.stderr
    assert figures["kills"] == 8
    assert figures["files"] > 20
    assert figures["offered"] >= 1
    assert figures["oldest_s"] <= 5
