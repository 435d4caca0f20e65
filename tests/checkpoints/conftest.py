"""The scripts of `checkpoints/`, loaded as Python loads a script, and the faces that no model of 64x64 learnt from."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "checkpoints"


@pytest.fixture(scope="module")
def hair_tags():
    """The script `hair_tags.py`."""
    spec = importlib.util.spec_from_file_location("hair_tags", FOLDER / "hair_tags.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hair_tags"] = module
    sys.path.insert(0, str(FOLDER))  # as Python does for a script
    spec.loader.exec_module(module)
    sys.path.remove(str(FOLDER))
    yield module
    del sys.modules["hair_tags"], sys.modules["sort_faces"]


@pytest.fixture(scope="module")
def kept_out(hair_tags, reference_data):
    """The tagged ones of the last 2048 faces."""
    folder = reference_data / "anime-faces-64"
    return hair_tags.read_tagged(folder / "faces.zip", folder / "tags.csv", 2048)
