"""Damaged checkpoints: a fixed few hundred here, the rest by `make fuzz`; and that the search can find anything."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COUNT = 75


@pytest.fixture
def case(monkeypatch):
    """The module that runs one case, with less patience."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import fuzz_case

    import explorer.cli.inspection
    import explorer.formats.child
    import explorer.formats.isolated
    import explorer.formats.recognition
    import explorer.formats.state_dict  # noqa: F401 (before the processor time is counted)

    monkeypatch.setattr(fuzz_case, "SECONDS", 1)
    return fuzz_case


def ended(case, monkeypatch, tmp_path, opened):
    """How a case ends in which opening the file is something else."""
    monkeypatch.setattr(case, "_opened", opened)
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "a.pt").write_bytes(b"abc")
    return case.run(tmp_path / "case" / "a.pt", tmp_path)


def crash(*_):
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(*_):
    while True:
        pass


def leave_a_file(path):
    Path("left").write_text("x")
    return "opened", ""


def write_elsewhere(path):
    path.with_name("b.pt").write_text("x")
    return "opened", ""


def start_something(path):
    subprocess.run(["true"], check=True)
    return "opened", ""


def trip(path):
    raise KeyError(path)


@pytest.mark.parametrize(
    ("opened", "kind"),
    [
        (lambda path: ("opened", "fc-vae"), "opened"),
        (lambda path: ("refused", "It is damaged."), "refused"),
        (lambda path: ("sentence", "it is damaged"), "sentence"),
        (crash, "crash"),
        (hang, "hang"),
        (trip, "bug"),
        (leave_a_file, "wrote"),
        (write_elsewhere, "wrote"),
        (start_something, "wrote"),
    ],
)
def test_a_case_tells_what_goes_wrong(case, monkeypatch, tmp_path, opened, kind):
    assert ended(case, monkeypatch, tmp_path, opened).kind == kind


def test_a_reading_child_that_crashes_is_one_sentence(case, monkeypatch, tmp_path):
    from explorer.formats import child

    monkeypatch.setattr(child, "main", crash)
    path = tmp_path / "case" / "a.pt"
    path.parent.mkdir()
    path.write_bytes(bytes.fromhex("80028a0a6cfc9c46f9206aa85019"))
    outcome = case.run(path, tmp_path)
    assert outcome.kind == "child ended", outcome
    assert "made the reading process stop" in outcome.text


def test_a_reading_child_that_hangs_is_told(case, monkeypatch, tmp_path):
    from explorer.formats import child

    monkeypatch.setattr(child, "main", hang)
    path = tmp_path / "case" / "a.pt"
    path.parent.mkdir()
    path.write_bytes(bytes.fromhex("80028a0a6cfc9c46f9206aa85019"))
    outcome = case.run(path, tmp_path)
    assert outcome.kind == "hang", outcome


def test_the_same_seed_damages_alike(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import random

    from mutations import mutated

    data = bytes(range(256)) * 100
    damaged = [mutated(data, [data[::-1]], random.Random(seed)) for seed in range(200)]
    assert damaged == [mutated(data, [data[::-1]], random.Random(seed)) for seed in range(200)]
    assert len(set(damaged)) > 190
    assert sum(each == data for each in damaged) < 5


def test_no_damage_crashes_hangs_or_writes(reference_data, tmp_path):
    command = [
        sys.executable,
        ROOT / "scripts" / "fuzz.py",
        "--count",
        str(COUNT),
        "--seed",
        "1",
        "--jobs",
        "2",
    ]
    done = subprocess.run(
        [*command, "--keep", tmp_path / "failed"],
        capture_output=True,
        text=True,
        env={**os.environ, "EXPLORER_REFERENCE_DATA": str(reference_data), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{COUNT} cases, seed 1" in done.stdout
    assert "0 failed" in done.stdout
