"""The scripts of `checkpoints/`, loaded as Python loads a script, and the faces that no model of 64x64 learnt from."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints"


def _loaded(name):
    """Yield a script as a module, and forget it and its neighbours afterwards."""
    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(FOLDER))  # as Python does for a script
    spec.loader.exec_module(module)
    sys.path.remove(str(FOLDER))
    yield module
    for neighbour in {path.stem for path in FOLDER.glob("*.py")} - before:
        sys.modules.pop(neighbour, None)


@pytest.fixture(scope="module")
def hair_tags():
    """The script `hair_tags.py`."""
    yield from _loaded("hair_tags")


@pytest.fixture(scope="module")
def agreed_tags():
    """The script `agreed_tags.py`."""
    yield from _loaded("agreed_tags")


@pytest.fixture(scope="module")
def label_digits():
    """The script `label_digits.py`."""
    yield from _loaded("label_digits")


@pytest.fixture(scope="module")
def sort_faces():
    """The script `sort_faces.py`."""
    yield from _loaded("sort_faces")


@pytest.fixture(scope="module")
def kept_out(hair_tags, reference_data):
    """The tagged ones of the last 2048 faces."""
    folder = reference_data / "anime-faces-64"
    return hair_tags.read_tagged(folder / "faces.zip", folder / "tags.csv", 2048)
