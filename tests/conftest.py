"""Fixtures that every test may use: reference data, a tiny model, settings of its own."""

import os
from pathlib import Path

import fakes
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data; the test is skipped where it is absent."""
    folder = Path(os.environ.get("EXPLORER_REFERENCE_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no reference data at {folder} (set EXPLORER_REFERENCE_DATA)")
    return folder


@pytest.fixture
def tiny_model():
    """A 4-D VAE of 8x8 grey pictures with fixed random weights."""
    return fakes.tiny_vae()
