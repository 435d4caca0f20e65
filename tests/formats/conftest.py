"""Reading checkpoint files without a child process, where the child is not what is tested."""

import tempfile
from pathlib import Path

import pytest

from explorer.formats import child, isolated, taking


class InProcess:
    """Stands in for `isolated.Child`: what the child does and what the parent does, both here."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def result(self, on_progress, should_stop):
        with tempfile.TemporaryDirectory() as folder:
            child.read(self._path, Path(folder))
            return taking.take_over(self._path, Path(folder), on_progress, should_stop)


@pytest.fixture
def in_process(monkeypatch):
    """Read checkpoint files in this process."""
    monkeypatch.setattr(isolated, "start", InProcess)
