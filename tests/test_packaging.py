"""What `pip install` gets: the wheel holds the program with its data, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the wheel; `pip install -e .[dev]` brings it")

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = (
    "checkpoints",
    "resources",
    "benchmarks",
)  # beside the package in a checkout, inside it in the wheel
STRAY = {".pyc", ".pyo", ".orig", ".rej", ".tmp", ".log", ".swp"}


def build(target: str, project: Path, out: Path) -> Path:
    """Build one distribution without network, and return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(out)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = out.iterdir()
    return built


def names_in(wheel: Path) -> set[str]:
    """Return the files of a wheel, without its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def expected() -> set[str]:
    """Return what the checkout says should be in the wheel."""
    names = {path.relative_to(ROOT).as_posix() for path in files(ROOT / "explorer")}
    for folder in SHIPPED:
        names |= {f"explorer/{path.relative_to(ROOT).as_posix()}" for path in files(ROOT / folder)}
    return names


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_program_and_its_data(wheel):
    assert names_in(wheel) == expected()


def test_the_wheel_holds_nothing_stray(wheel):
    stray = [
        name for name in names_in(wheel) if Path(name).suffix in STRAY or Path(name).name.startswith(".")
    ]
    assert stray == []
    assert not any(part.startswith("test") for name in names_in(wheel) for part in Path(name).parts)


def test_the_wheel_names_the_command_and_the_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        assert "latent-explorer = explorer.cli:main" in archive.read(text["entry_points.txt"]).decode()
        assert "Apache License" in archive.read(text["LICENSE"]).decode()
        assert "License-Expression: Apache-2.0" in archive.read(text["METADATA"]).decode()


def test_the_source_archive_builds_the_same_wheel(wheel, tmp_path):
    source = build("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(source) as archive:
        # Debian 12's Python 3.11.2 has no filters yet, newer ones warn without.
        how = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(tmp_path / "unpacked", **how)
    (project,) = (tmp_path / "unpacked").iterdir()
    again = build("wheel", project, tmp_path / "wheel")
    assert names_in(again) == names_in(wheel)
    assert (project / "tests" / "conftest.py").exists()
